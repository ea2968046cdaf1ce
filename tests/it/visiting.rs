//! Synthetic visitors of an experiment, some of them in browsers.

use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::https::Front;
use crate::python::Service;

/// A site that chooses its variant in the browser, reports to a host of others when it is left, has a
/// subdomain (its other name), and is slow for one arm.
const SITE: &str = r#"
import http.server
SCRIPT = """
const cookie = (name) => (document.cookie.match(new RegExp(name + '=([^;]*)')) || [])[1];
const id = decodeURIComponent(cookie('user_id') || '');
const fnv = (text) => [...text].reduce((h, c) => Math.imul(h ^ c.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5);
const bucket = fnv(String(fnv('spring' + id))) % 10000 / 10000;
const arm = bucket < 0.5 ? 'control' : 'new_hero';
document.cookie = 'arm=' + arm + '; max-age=900';
const tell = (event, more) => ({ type: 'track', event, anonymousId: id, properties: more || {} });
const seen = tell('Experiment Viewed', { experiment_id: 'spring', variation_id: arm });
const send = (batch) => navigator.sendBeacon('THIRD/v1/batch', JSON.stringify({ batch }));
addEventListener('pagehide', () => send([seen]));
"""
PAGE = """<!doctype html><title>t</title><div id=old>old</div><button id=buy>buy</button>
<script>%s
setTimeout(() => { if (arm === 'new_hero') old.outerHTML = '<div id=new>new</div>'; }, 300);
buy.onclick = () => send([tell('signup')]);
</script>"""
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        third = "http://localhost:%d" % self.server.server_address[1]
        said = (PAGE % SCRIPT).replace("THIRD", third) if self.path == "/" else "<h1>more</h1>"
        self.answer("text/html", said)
    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        with open("counted.txt", "ab") as counted:
            counted.write(self.rfile.read(length))
        self.answer("text/plain", "")
    def answer(self, kind, said):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

const FEATURES: &str = r#"{ "features": { "hero": { "defaultValue": 0, "rules": [{
    "key": "spring", "seed": "spring", "hashAttribute": "user_id", "hashVersion": 2,
    "variations": [0, 1], "weights": [0.5, 0.5], "coverage": 1,
    "meta": [{ "key": "control" }, { "key": "new_hero" }] }] } } }"#;

fn workspace(before: &str) -> (Environment, Service) {
    let environment = Environment::new(&[("service.py", SITE), ("features.json", FEATURES)]);
    let service = Service::start(&environment, &[]);
    environment
        .write("gate.yaml", &format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url));
    environment.write(
        "specs/spring.yaml",
        &format!(
            "gate: experiment\nname: spring\nwith:\n  hypothesis: Shorter is better\n  \
             owner: growth@example.com\n  \
             provider: {{ type: growthbook, config: ../features.json, experiment: spring }}\n  \
             split: {{ control: 50%, new_hero: 50% }}\n  unit: user_id\n  before_launch:\n    \
             shows: {{ control: \"#old\", new_hero: \"#new\" }}\n    {before}\n"
        ),
    );
    (environment, service)
}

fn visited(environment: &Environment, code: i32) -> (Value, Ended) {
    let ended = environment.gate(&["experiment", "visit", "specs/spring.yaml", "--json"]);
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    (ended.json(), ended)
}

fn message<'v>(seen: &'v Value, id: &str, verdict: &str) -> &'v str {
    let checks = seen["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == id);
    let check = check.unwrap_or_else(|| panic!("no {id}: {seen:#}"));
    assert_eq!(check["verdict"], verdict, "{check:#}");
    check["message"].as_str().unwrap()
}

#[test]
fn what_is_sent_on_leaving_is_seen_and_counts_for_nobody() {
    let (environment, _service) = workspace(
        "visitors: 6\n    browsers: 2\n    arm_cookie: arm\n    stays_after: [reload]\n    \
         beacons: { profile: segment }\n    converts: [{ click: \"#buy\" }]\n    \
         records: { exposure: once, conversion: { event: signup, times: 1 } }",
    );
    let (seen, _) = visited(&environment, 0);
    let came = message(&seen, "visitors", "pass");
    assert!(came.contains("their beacons were kept from localhost"), "{came}");
    // Its HTML does not say which variant it will be.
    assert!(came.contains("the others all saw that of control"), "{came}");
    assert!(message(&seen, "visit-arm", "pass").starts_with("all 2 visitors"));
    assert!(message(&seen, "visit-assignment", "pass").contains("4 times"));
    assert!(message(&seen, "visit-exposure", "pass").contains("of each of 2 visitors"));
    message(&seen, "visit-conversion", "pass");
    let flicker = message(&seen, "visit-flicker", "warn");
    assert!(flicker.contains("that of control for "), "{flicker}");
    let browsers: Vec<&Value> = seen["seen"]["visitors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["way"] == "browser")
        .collect();
    for one in browsers {
        let events = one["events"].as_array().unwrap();
        assert_eq!(events.len(), 3, "{one:#}");
        assert!(events.iter().all(|event| event["id"] == one["id"]), "{one:#}");
    }
    // Whoever counts has heard of none of them.
    assert!(!environment.path().join("counted.txt").exists());
}

/// A page that leads on in one arm, whose beacon does not outlive it: a quick host would have it all the same.
#[test]
fn what_is_cut_off_when_a_page_is_left_is_lost() {
    let (environment, service) = workspace(
        "visitors: 4\n    browsers: 4\n    beacons: { profile: segment }\n    \
         records: { exposure: once }",
    );
    let site = SITE
        .replace("addEventListener('pagehide', () => send([seen]));", CUT)
        .replace("if self.path == \"/\" else", "if self.path in (\"/\", \"/b\") else");
    environment.write("service.py", &site);
    drop(service);
    let service = Service::start(&environment, &[]);
    environment
        .write("gate.yaml", &format!("environments:\n  test: {{ url: \"{}\" }}\n", service.url));
    let (seen, _) = visited(&environment, 1);
    let exposure = message(&seen, "visit-exposure", "fail");
    assert!(exposure.contains("of 4 visitors was still on its way"), "{exposure}");
}

const CUT: &str = r"
const tellNow = () => fetch('THIRD/v1/batch', { method: 'POST', body: JSON.stringify({ batch: [seen] }) });
if (arm === 'control') tellNow();
else if (location.pathname === '/') { tellNow(); setTimeout(() => location.replace('/b'), 50); }
";

/// The same over TLS, with requests that a service worker passes on: all of them go through the proxy, which
/// has certificates of its own.
#[test]
fn what_is_encrypted_is_seen_as_well() {
    let (environment, service) = workspace(
        "visitors: 4\n    browsers: 2\n    stays_after: [reload, new_session]\n    \
         beacons: { profile: segment }\n    converts: [{ click: \"#buy\" }]\n    \
         records: { exposure: once, conversion: { event: signup, times: 1 } }",
    );
    let site = SITE
        .replace(
            r#""http://localhost:%d" % self.server.server_address[1]"#,
            r#""https://127.0.0.1:" + self.headers["host"].split(":")[1]"#,
        )
        // What a page with a worker sends while it is left is lost in this browser.
        .replace("addEventListener('pagehide', () => send([seen]));", "send([seen]);")
        .replace("buy.onclick", "navigator.serviceWorker.register('/worker.js');\nbuy.onclick")
        .replace(
            r#"self.answer("text/html", said)"#,
            r#"self.answer("text/javascript", WORKER) if "worker" in self.path else self.answer("text/html", said)"#,
        )
        .replace("class Handler", &format!("WORKER = \"\"\"{WORKER}\"\"\"\nclass Handler"));
    environment.write("service.py", &site);
    drop(service);
    let service = Service::start(&environment, &[]);
    let port = service.url.rsplit_once(':').unwrap().1.parse().unwrap();
    let front = Front::start(&environment, port);
    environment
        .write("gate.yaml", &format!("environments:\n  test: {{ url: \"{}\" }}\n", front.url()));
    let authority = environment.path().join("authority.pem");
    let environment = environment.with("SSL_CERT_FILE", authority.to_str().unwrap());
    let (seen, _) = visited(&environment, 0);
    let came = message(&seen, "visitors", "pass");
    assert!(came.contains("their beacons were kept from 127.0.0.1"), "{came}");
    let stays = message(&seen, "visit-stays", "pass");
    assert!(stays.contains("closed and opened again (2 times)"), "{stays}");
    assert!(message(&seen, "visit-exposure", "pass").contains("of each of 2 visitors"));
    message(&seen, "visit-conversion", "pass");
    // The site itself has heard of the worker of each browser, and of nothing else.
    let counted = std::fs::read_to_string(environment.path().join("counted.txt")).unwrap();
    assert_eq!(counted, "ww");
}

/// Takes over at once, and asks for pages itself.
const WORKER: &str = "
addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(
    clients.claim().then(() => fetch('/', { method: 'POST', body: 'w' }))));
addEventListener('fetch', (event) => {
    if (event.request.mode === 'navigate') event.respondWith(fetch(event.request));
});
";

#[test]
fn another_host_that_knows_nobody_loses_them() {
    let (environment, _service) = workspace(
        "visitors: 2\n    browsers: 2\n    other_host: localhost\n    stays_after: [subdomain]",
    );
    let (seen, _) = visited(&environment, 1);
    let stays = message(&seen, "visit-stays", "fail");
    assert!(stays.contains("is not sent to the other subdomain"), "{stays}");
}

#[test]
fn where_nobody_can_come_nobody_can_tell() {
    let (environment, _service) = workspace("visitors: 4\n    browsers: 1");
    environment.write("gate.yaml", "environments:\n  test: { url: \"http://127.0.0.1:1\" }\n");
    let (seen, _) = visited(&environment, 3);
    let came = message(&seen, "visitors", "inconclusive");
    assert!(came.contains("4 of them came to no end"), "{came}");
    let bare = environment.with("PATH", "/nowhere");
    let ended = bare.gate(&["experiment", "visit", "specs/spring.yaml"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("there is no Chromium on the PATH"), "{}", ended.stderr);
    assert!(ended.stderr.contains("gate browser install"), "{}", ended.stderr);
}

#[test]
fn a_spec_that_cannot_be_visited_is_refused_with_its_place() {
    let (environment, _service) =
        workspace("visitors: 4\n    browsers: 1\n    known_by: { ids: [me] }");
    let ended = environment.gate(&["experiment", "visit", "specs/spring.yaml"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("each visitor needs another id"), "{}", ended.stderr);
    let (environment, _service) = workspace("visitors: 4");
    environment.write("features.json", "{ \"features\": {} }");
    let ended = environment.gate(&["experiment", "visit", "specs/spring.yaml"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("spring: there is no such feature or experiment"),
        "{}",
        ended.stderr
    );
}
