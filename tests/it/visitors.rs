//! Load by visitors of several requests.

use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::python::Service;

/// A shop: an offer with a token, a cart that wants it and the cookie of the offer, and pictures
/// from a cache.
const SHOP: &str = r#"
import json, time, urllib.parse
from serving import Handler, serve
class Answering(Handler):
    def answer(self, status, said, *headers):
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.encode())
    def do_GET(self):
        path = urllib.parse.urlparse(self.path)
        who = urllib.parse.parse_qs(path.query).get("who", [""])[0]
        if path.path == "/offer":
            said = json.dumps({"token": "t-" + who, "items": [1, 2]})
            self.answer(200, said, ("set-cookie", "sid=s-" + who + "; Path=/"))
        elif path.path.startswith("/static"):
            self.answer(200, "x" * 5000, ("x-cache", "HIT"))
        else:
            self.answer(404, "none")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        asked = urllib.parse.parse_qs(body)
        token = asked["token"][0]
        who = token.removeprefix("t-")
        if who == "slow":
            time.sleep(0.12)
        known = self.headers.get("cookie", "") == "sid=s-" + who
        self.answer(200, json.dumps({"ok": known, "password": "hunter2-of-" + who}),
            ("content-type", "application/json"))
serve(Answering)
"#;

const SCENARIO: &str = r#"
  rate: 20/s
  duration: 3s
  max_duration: 3s
  warm_up: 1s
  scenarios:
    - name: buyer
      feed: people.csv
      steps:
        - name: offer
          request: GET /offer?who={{who}}
          captures: { token: jsonpath "$.token" }
          assets:
            - get: /static/app.css
            - { get: /static/hero.jpg, after: /static/app.css, wait: 5ms }
        - name: cart
          think: 50ms..150ms
          request: POST /cart
          form: { token: "{{token}}" }
          asserts: [ASSERT]
"#;

fn workspace(people: &str) -> (Environment, Service) {
    let environment = Environment::new(&[("service.py", SHOP)]);
    environment.write("specs/people.csv", people);
    let service = Service::start(&environment, &[]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url);
    environment.write("gate.yaml", &config);
    (environment, service)
}

fn run(environment: &Environment, assert: &str, more: &str) -> Ended {
    let with = SCENARIO.replace("ASSERT", assert) + more;
    environment.write("specs/shop.yaml", &format!("gate: load\nname: shop\nwith:{with}"));
    environment.gate(&["run", "--json", "-q"])
}

fn check<'r>(report: &'r Value, id: &str) -> &'r Value {
    let checks = report["gates"][0]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id}: {checks:#?}"))
}

#[test]
fn a_shop_is_visited() {
    let (environment, _service) = workspace("who\nada\nbob\n");
    let limits = "  thresholds:\n    - { threshold: p(90)<30s, step: cart }\n    \
                  - { threshold: count>=40, step: offer (assets) }\n    \
                  - cache_hits rate>99%\n    \
                  - { threshold: p(90)<1us, step: offer, required: false }\n";
    let ended = run(&environment, "jsonpath \"$.ok\" == true", limits);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let report = ended.json();
    for (id, verdict) in [
        ("failures", "pass"),
        ("threshold-1", "pass"),
        ("threshold-2", "pass"),
        ("threshold-3", "pass"),
        ("threshold-4", "warn"),
    ] {
        assert_eq!(check(&report, id)["verdict"], verdict, "{:#}", check(&report, id));
    }
    assert_eq!(check(&report, "threshold-1")["title"], "p(90)<30s of cart");
    // The slowest are kept, and no password of theirs.
    let evidence = check(&report, "threshold-4")["evidence"].as_array().unwrap();
    assert!(evidence.len() == 5 && evidence.iter().all(|one| one["role"] == "exchange"));
    let kept = environment.all_of(".gate");
    assert!(kept.contains("/static/app.css") || kept.contains("/cart"));
    assert!(!kept.contains("hunter2"), "a password is kept");
}

#[test]
fn what_answers_lack_is_told() {
    let (environment, _service) = workspace("who\nada\n");
    let ended = run(&environment, "jsonpath \"$.ok\" == false", "");
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let report = ended.json();
    let failures = check(&report, "failures");
    let said = failures["message"].as_str().unwrap();
    assert!(said.contains("were answered otherwise than expected"), "{said}");
    assert!(said.contains("jsonpath \"$.ok\" == false of cart did not hold"), "{said}");
    assert!(said.contains("(it is true)"), "{said}");
    assert_eq!(failures["evidence"].as_array().unwrap().len(), 5);
    let kept = environment.all_of(".gate");
    assert!(kept.contains("password") && !kept.contains("hunter2"), "a password is kept");
}

#[test]
fn a_run_ends_as_soon_as_it_is_certain_to_fail() {
    let (environment, _service) = workspace("who\nslow\n");
    let more = "  thresholds:\n    - { threshold: p(90)<60ms, step: cart, abort_on_fail: true }\n";
    let long = SCENARIO.replace("ASSERT", "status == 200").replace("3s", "5m");
    let long = long.replace("max_duration: 5m", "max_duration: 10m");
    environment.write("specs/shop.yaml", &format!("gate: load\nname: shop\nwith:{long}{more}"));
    let started = std::time::Instant::now();
    let ended = environment.gate(&["run", "--json", "-q"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
    let report = ended.json();
    assert_eq!(check(&report, "threshold-1")["verdict"], "fail");
    assert_eq!(check(&report, "generator")["verdict"], "pass", "{report:#}");
}

#[test]
fn what_cannot_be_visited_is_told_first() {
    let (environment, _service) = workspace("name\nada\n");
    let ended = run(&environment, "status == 200", "");
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("there is no variable `who`"), "{}", ended.stdout);
    let wrong = run(&environment, "status = 200", "");
    assert_eq!(wrong.code, 2, "{}", wrong.stdout);
    let more = "  thresholds: [{ threshold: p(9)<1s, step: pay }]\n";
    let wrong = run(&environment, "status == 200", more);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("there is no step `pay`"), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("offer, offer (assets), cart"), "{}", wrong.stderr);
}

#[test]
fn a_log_is_asked_for_again_and_a_campaign_comes() {
    let (environment, _service) = workspace("who\nada\n");
    let mut log = String::new();
    for second in 0..20 {
        let asked = ["GET /static/a", "GET /offer?who=kim", "POST /cart"];
        for line in asked.iter().cycle().take(if second < 10 { 30 } else { 6 }) {
            let time = format!("10/Oct/2025:13:55:{second:02} +0200");
            log += &format!("203.0.113.7 - - [{time}] \"{line} HTTP/1.1\" 200 12 \"-\" \"x\"\n");
        }
    }
    environment.write("specs/access.log", &log);
    let usual = "  duration: 3s\n  max_duration: 3s\n  warm_up: 1s\n";
    let replay = "  replay: { log: access.log, from: 8s }\n";
    let spec = format!("gate: load\nname: log\nwith:\n{usual}{replay}");
    environment.write("specs/shop.yaml", &spec);
    let ended = environment.gate(&["run", "--json", "-q"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let report = ended.json();
    // Two seconds of twenty each, and one of four.
    let said = check(&report, "failures")["message"].as_str().unwrap().to_owned();
    assert_eq!(said, "none of 44 requests failed");

    let campaign = "  warm_up: 1s\n  path: /static/a\n  campaign:\n    sends:\n      - { at: \"09:00\", \
                    count: 40000, takes: 1m, open_rate: 50%, click_rate: 10%, half_life: 1m }\n    \
                    to: \"09:05\"\n    shorten: 100\n  max_duration: 3s\n";
    let spec = format!("gate: load\nname: campaign\nwith:\n{campaign}");
    environment.write("specs/shop.yaml", &spec);
    let ended = environment.gate(&["run", "--json", "-q"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let report = ended.json();
    let said = check(&report, "failures")["message"].as_str().unwrap().to_owned();
    let requests: u64 = said.split(' ').nth(2).unwrap().parse().unwrap();
    // A hundredth of nearly two thousand.
    assert!((10..32).contains(&requests), "{said}");

    environment.write("specs/access.log", "nothing\n");
    let spec = format!("gate: load\nname: log\nwith:\n{usual}{replay}");
    environment.write("specs/shop.yaml", &spec);
    let empty = environment.gate(&["run"]);
    assert_eq!(empty.code, 3, "{}{}", empty.stdout, empty.stderr);
    assert!(empty.stdout.contains("nothing that can be asked for again"), "{}", empty.stdout);
}
