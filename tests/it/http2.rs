//! Load over HTTP/2.

use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::https;
use crate::python::Service;

/// A shop that speaks HTTP/2 and nothing else, in the clear: an offer with a token, a cart that wants
/// it and the cookie of the offer, and pictures.
const SHOP: &str = r#"
import http2 from "node:http2";
const server = http2.createServer();
server.on("stream", (stream, headers) => {
  const path = new URL(headers[":path"], "http://shop").pathname;
  const say = (status, body, more) => {
    stream.respond({ ":status": status, "content-type": "application/json", ...more });
    stream.end(body);
  };
  stream.on("error", () => {});
  if (path === "/offer") return say(200, '{"token":"t-1"}', { "set-cookie": "sid=s-1" });
  if (path.startsWith("/static/")) return say(200, "x".repeat(9000), { age: "5" });
  if (path === "/broken") return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  let body = "";
  stream.on("data", (part) => (body += part));
  stream.on("end", () => {
    const known = headers.cookie === "sid=s-1" && body === "token=t-1";
    if (path === "/cart") return say(known ? 200 : 403, `{"ok":${known}}`);
    setTimeout(() => say(200, "hello"), path === "/slow" ? 20 : 0);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"#;

fn workspace() -> (Environment, Service) {
    let environment = Environment::new(&[("service.mjs", SHOP)]);
    let service = Service::start_node(&environment, &[]);
    (environment, service)
}

fn load(environment: &Environment, url: &str, more: &[&str], code: i32) -> Ended {
    let words = ["load", url, "--duration", "2s", "--warm-up", "1s"];
    let ended = environment.gate(&[&words, more].concat());
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn a_service_that_speaks_nothing_else_is_loaded() {
    let (environment, service) = workspace();
    let run = load(&environment, &service.url, &["--rate", "40/s", "--http2", "--json"], 0).json();
    assert_eq!((&run["verdict"], &run["failures"]), (&Value::from("pass"), &Value::from(0)));
    assert_eq!(run["status"]["200"], run["requests"]);
    assert!(run["requests"].as_u64().unwrap() >= 80, "{run:#}");
    // Ten at once on two connections: 20 ms each.
    let slow = format!("{}/slow", service.url);
    let closed = ["--connections", "2", "--streams", "5", "--http2", "--json"];
    let run = load(&environment, &slow, &closed, 0).json();
    let requests = run["requests"].as_u64().unwrap();
    assert!((300..=1000).contains(&requests), "{run:#}");
    // What is broken off is no answer.
    let broken = format!("{}/broken", service.url);
    let run = load(&environment, &broken, &["--rate", "40/s", "--http2", "--json"], 3).json();
    assert_eq!(run["errors"]["closed"], 1, "{run:#}");
    // It does not know what the other version is.
    let run = load(&environment, &service.url, &["--rate", "40/s", "--json"], 3).json();
    assert_eq!(run["verdict"], "inconclusive", "{run:#}");
}

#[test]
fn with_tls_it_is_agreed_upon() {
    let environment = Environment::new(&[("service.py", PLAIN)]);
    let service = https::Service::start(&environment);
    let url = format!("{}/contacts", service.url());
    let header = format!("authorization: Bearer {}", https::TOKEN);
    let private = ["--http2", "--authorities", "authority.pem", "--header", &header, "--json"];
    let run = load(&environment, &url, &private, 0).json();
    assert_eq!(run["status"]["200"], run["requests"], "{run:#}");
    // One that does not speak it is not loaded, and it is said what to do.
    let other = Service::start(&environment, &[]);
    let ended = load(&environment, &other.url, &["--http2"], 3);
    assert!(ended.stdout.contains("what came is no answer in HTTP/2"), "{}", ended.stdout);
    assert!(ended.stdout.contains("leave HTTP/2 out"), "{}", ended.stdout);
    let wrong = environment.gate(&["load", &url, "--streams", "4"]);
    assert_eq!((wrong.code, wrong.stderr.contains("--http2")), (2, true), "{}", wrong.stderr);
}

/// A service of HTTP/1.1.
const PLAIN: &str = "
from serving import Handler, serve
class Answering(Handler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('content-length', '0')
        self.end_headers()
serve(Answering)
";

const VISITS: &str = r#"
gate: load
name: shop
with:
  http2: true
  streams: 4
  rate: 20/s
  duration: 3s
  max_duration: 3s
  warm_up: 1s
  max_connections: 2
  scenarios:
    - name: buyer
      steps:
        - name: offer
          request: GET /offer
          captures: { token: jsonpath "$.token" }
          asserts: [version == "2"]
          assets:
            - get: /static/app.css
            - { get: /static/hero.jpg, after: /static/app.css, wait: 5ms }
        - name: cart
          request: POST /cart
          form: { token: "{{token}}" }
          asserts: [jsonpath "$.ok" == true]
  thresholds:
    - { threshold: p(90)<30s, step: cart }
    - cache_hits rate>99%
"#;

#[test]
fn visitors_share_connections() {
    let (environment, service) = workspace();
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    environment.write("specs/shop.yaml", VISITS);
    let ended = environment.gate(&["run", "--json", "-q"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let report = ended.json();
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    for id in ["failures", "threshold-1", "threshold-2"] {
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        assert_eq!(check["verdict"], "pass", "{check:#}");
    }
}
