// Records with Polly.js. Started by prepare.py, which says what to record, one job a line.
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');
const { Polly } = require('@pollyjs/core');
const NodeHttpAdapter = require('@pollyjs/adapter-node-http');
const FetchAdapter = require('@pollyjs/adapter-fetch');
const FSPersister = require('@pollyjs/persister-fs');

const [base, out] = process.argv.slice(2);
Polly.register(NodeHttpAdapter);
Polly.register(FetchAdapter);
Polly.register(FSPersister);

function withHttp({ method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    const sent = http.request(base + path, { method, headers, agent: false }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        const { location } = answer.headers;
        const next = { method, path: location, headers, body: null };
        resolve(location ? withHttp(next) : undefined);
      });
    });
    sent.on('error', reject);
    sent.end(body ? Buffer.from(body, 'base64') : undefined);
  });
}

async function withFetch({ method, path, headers, body }) {
  const text = body ? Buffer.from(body, 'base64').toString() : undefined;
  const answer = await fetch(base + path, { method, headers, body: text });
  await answer.arrayBuffer();
}

async function record(job) {
  const name = `${job.adapter}-${job.scenario}`;
  const polly = new Polly(name, {
    adapters: [job.adapter],
    persister: 'fs',
    persisterOptions: { fs: { recordingsDir: path.join(out, 'polly') } },
    mode: 'record',
    matchRequestsBy: { order: true },
    recordFailedRequests: true,
    flushRequestsOnStop: true,
    logLevel: 'silent',
  });
  for (const request of job.requests) {
    await (job.adapter === 'fetch' ? withFetch(request) : withHttp(request));
  }
  await polly.stop();
  const folder = fs.readdirSync(path.join(out, 'polly')).find((one) => one.startsWith(`${name}_`));
  const kept = `polly/${name}.har`;
  fs.renameSync(path.join(out, 'polly', folder, 'recording.har'), path.join(out, kept));
  fs.rmSync(path.join(out, 'polly', folder), { recursive: true });
  console.log(JSON.stringify({ path: kept }));
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await record(JSON.parse(line));
  }
})();
