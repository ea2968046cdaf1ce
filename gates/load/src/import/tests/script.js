import http from 'k6/http';
import { check, sleep } from 'k6';

const BASE = __ENV.BASE || 'https://shop.example';

export const options = {
  // A slow start.
  scenarios: {
    landing: {
      executor: 'ramping-arrival-rate',
      startRate: 50, timeUnit: '1m',
      preAllocatedVUs: 20, maxVUs: 2_000,
      stages: [
        { target: 600, duration: '1m30s' },
        { target: 600, duration: '5m' },
      ],
      exec: 'landing',
    },
    buyers: { executor: 'ramping-vus', startVUs: 0, stages: [{ duration: '30s', target: 20 }, { duration: '1m', target: 0 }] },
    steady: { executor: 'constant-arrival-rate', rate: 30, timeUnit: '1s', duration: '2m', preAllocatedVUs: 10 },
  },
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<500', { threshold: 'p(99) < 1500', abortOnFail: true, delayAbortEval: '10s' }],
    'http_req_duration{type:api}': ['p(95)<200'],
    my_trend: ['avg<3'],
  },
  userAgent: 'shop-load/1.0',
  insecureSkipTLSVerify: INSECURE,
};

export default function () {
  http.get(`${BASE}/offers`);
  http.post('https://shop.example/cart', { id: 7 });
  sleep(1);
}
