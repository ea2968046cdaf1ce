//! Who wants to read or to decide without having been let in.

use serde_json::json;

use crate::environment::Environment;
use crate::review_browser::Browser;
use crate::reviewing::{Answered, Review, two_new_pages};
use crate::site::{Answer, Site};

/// What only the run knows, and no refusal may tell.
const CANARY: &str = "canary-shop";

/// An attack on a server: what is sent, and with which status it has to be turned away.
struct Probe<'a> {
    name: &'a str,
    request: String,
    expect: u16,
}

struct Attack<'a> {
    review: &'a Review,
    csrf: String,
    body: String,
}

impl Attack<'_> {
    /// A request with these headers; `{host}`, `{cookie}` and the like stand for the right ones.
    fn request(&self, line: &str, headers: &[&str], body: Option<&str>) -> String {
        let mut request = format!("{line} HTTP/1.1\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        if let Some(body) = body {
            request.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        request.push_str("connection: close\r\n\r\n");
        request.push_str(body.unwrap_or_default());
        request
            .replace("{host}", &self.review.host)
            .replace("{port}", self.review.port())
            .replace("{cookie}", &self.review.cookie())
            .replace("{token}", &self.review.token)
            .replace("{csrf}", &self.csrf)
    }

    fn read<'a>(&self, name: &'a str, line: &str, headers: &[&str], expect: u16) -> Probe<'a> {
        Probe { name, request: self.request(line, headers, None), expect }
    }

    fn write<'a>(&self, name: &'a str, headers: &[&str], expect: u16) -> Probe<'a> {
        let request = self.request("POST /api/decisions", headers, Some(&self.body));
        Probe { name, request, expect }
    }

    fn reads(&self) -> Vec<Probe<'_>> {
        const HOST: &str = "host: {host}";
        const COOKIE: &str = "cookie: {cookie}";
        vec![
            self.read("no cookie", "GET /", &[HOST], 401),
            self.read("no cookie, items", "GET /api/items", &[HOST], 401),
            self.read("no cookie, nowhere", "GET /nowhere", &[HOST], 401),
            self.read("no cookie, a style", "GET /assets/review.css", &[HOST], 401),
            self.read("wrong token", "GET /?token=0000", &[HOST], 401),
            self.read("a token with more", "GET /?token={token}0", &[HOST], 401),
            self.read("a token elsewhere", "GET /api/items?token={token}", &[HOST], 401),
            self.read(
                "a token in a header",
                "GET /",
                &[HOST, "authorization: Bearer {token}"],
                401,
            ),
            self.read(
                "a cookie of another port",
                "GET /",
                &[HOST, "cookie: gate-review-1={token}"],
                401,
            ),
            self.read("a cut cookie", "GET /", &[HOST, "cookie: gate-review-{port}="], 401),
            self.read("a wrong cookie", "GET /", &[HOST, "cookie: gate-review-{port}=00"], 401),
            self.read("no host", "GET /", &[COOKIE], 403),
            self.read("two hosts", "GET /", &[HOST, HOST, COOKIE], 403),
            self.read(
                "an address as target",
                "GET http://evil.test/api/items",
                &[HOST, COOKIE],
                403,
            ),
            self.read("another method", "PUT /api/items", &[HOST, COOKIE], 405),
            self.read("delete", "DELETE /api/items", &[HOST, COOKIE], 405),
            self.read("options", "OPTIONS /api/items", &[HOST, COOKIE], 405),
        ]
    }

    /// From other names of this machine, other sites, and along paths that lead elsewhere.
    fn strangers(&self) -> Vec<Probe<'_>> {
        const HOST: &str = "host: {host}";
        const COOKIE: &str = "cookie: {cookie}";
        let mut probes = Vec::new();
        for host in [
            "localhost:{port}",
            "127.0.0.1",
            "evil.test:{port}",
            "evil.test",
            "[::1]:{port}",
            "127.0.0.1.:{port}",
        ] {
            let header = format!("host: {host}");
            probes.push(self.read("another host", "GET /api/items", &[&header, COOKIE], 403));
            probes.push(self.read(
                "another host, with the token",
                "GET /?token={token}",
                &[&header],
                403,
            ));
        }
        for origin in ["null", "http://evil.test", "https://{host}", "http://127.0.0.1:1"] {
            let header = format!("origin: {origin}");
            probes.push(self.read(
                "another origin",
                "GET /api/items",
                &[HOST, COOKIE, &header],
                403,
            ));
            probes.push(self.read(
                "another origin, with the token",
                "GET /?token={token}",
                &[HOST, &header],
                403,
            ));
        }
        for site in ["cross-site", "same-site"] {
            let header = format!("sec-fetch-site: {site}");
            probes.push(self.read(
                "a script of another site",
                "GET /api/items",
                &[HOST, COOKIE, &header],
                403,
            ));
            probes.push(self.read(
                "a picture on another site",
                "GET /thumbnails/x.png",
                &[HOST, COOKIE, &header],
                403,
            ));
        }
        for path in [
            "/evidence/../../etc/passwd",
            "/evidence/..%2f..%2f..%2fetc%2fpasswd",
            "/evidence/%2e%2e/run.json",
            "/evidence/run.json",
            "/assets/../report.json",
            "/assets/%2e%2e%2freport.json",
            "/thumbnails/..%2f..%2fjournal.json",
            "/%2e%2e/gate.yaml",
            "/gate.yaml",
            "//etc/passwd",
            "/gate-1.html/../../gate.yaml",
            // Nothing that the report does not name, though it lies in the store.
            "/evidence/0000000000000000000000000000000000000000000000000000000000000000.json",
        ] {
            probes.push(self.read("a path", &format!("GET {path}"), &[HOST, COOKIE], 404));
        }
        probes
    }

    fn writes(&self) -> Vec<Probe<'_>> {
        const HOST: &str = "host: {host}";
        const COOKIE: &str = "cookie: {cookie}";
        const ORIGIN: &str = "origin: http://{host}";
        const JSON: &str = "content-type: application/json";
        const CSRF: &str = "x-gate-csrf: {csrf}";
        let form = "content-type: application/x-www-form-urlencoded";
        vec![
            self.write("no cookie", &[HOST, ORIGIN, JSON, CSRF], 401),
            self.write("no origin", &[HOST, COOKIE, JSON, CSRF], 403),
            self.write(
                "another origin",
                &[HOST, COOKIE, JSON, CSRF, "origin: http://evil.test"],
                403,
            ),
            self.write("no origin at all", &[HOST, COOKIE, JSON, CSRF, "origin: null"], 403),
            self.write(
                "another port",
                &[HOST, COOKIE, JSON, CSRF, "origin: http://127.0.0.1:1"],
                403,
            ),
            self.write("another host", &["host: evil.test", COOKIE, ORIGIN, JSON, CSRF], 403),
            self.write(
                "another site",
                &[HOST, COOKIE, ORIGIN, JSON, CSRF, "sec-fetch-site: same-site"],
                403,
            ),
            self.write("no second secret", &[HOST, COOKIE, ORIGIN, JSON], 403),
            self.write("a wrong secret", &[HOST, COOKIE, ORIGIN, JSON, "x-gate-csrf: 00"], 403),
            self.write(
                "the token as secret",
                &[HOST, COOKIE, ORIGIN, JSON, "x-gate-csrf: {token}"],
                403,
            ),
            self.write("a form", &[HOST, COOKIE, ORIGIN, form, CSRF], 415),
            self.write(
                "plain text",
                &[HOST, COOKIE, ORIGIN, "content-type: text/plain", CSRF],
                415,
            ),
            self.write("no type", &[HOST, COOKIE, ORIGIN, CSRF], 415),
            Probe {
                name: "a write by reading",
                request: self.request("GET /api/decisions", &[HOST, COOKIE], None),
                expect: 405,
            },
        ]
    }

    /// As a page of the review sends it.
    fn right(&self, body: &str) -> Answered {
        let headers = [
            "host: {host}",
            "cookie: {cookie}",
            "origin: http://{host}",
            "content-type: application/json",
            "x-gate-csrf: {csrf}",
        ];
        self.review.send(self.request("POST /api/decisions", &headers, Some(body)).as_bytes())
    }
}

#[test]
fn nobody_reads_and_nobody_decides() {
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let report = environment.path().join(".gate/runs").join(environment.last_run());
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report.join("report.json")).unwrap()).unwrap();
    let proposals = report["gates"][0]["proposals"].as_array().unwrap();
    let wish = json!({ "proposal": proposals[0]["id"], "said": "approved", "seen": null });
    let body = json!({ "decisions": [wish], "reason": "why" }).to_string();
    let attack = Attack { review: &review, csrf: review.csrf(), body: body.clone() };
    let probes = [attack.reads(), attack.strangers(), attack.writes()];
    let probes: Vec<Probe<'_>> = probes.into_iter().flatten().collect();
    println!("{} probes", probes.len());
    assert!(probes.len() >= 60, "{}", probes.len());
    for Probe { name, request, expect } in probes {
        let answer = review.ask(&request);
        assert_eq!(answer.status, expect, "{name}\n{request}\n{answer:?}");
        assert!(!answer.body.contains(CANARY), "{name} was told something: {}", answer.body);
        assert!(answer.header("set-cookie").is_none(), "{name} got the cookie");
    }
    let folder = environment.path().to_owned();
    let written = || {
        let approved = folder.join("specs/shop.baselines").exists();
        approved || folder.join("specs/gate-decisions.jsonl").exists()
    };
    assert!(!written(), "somebody has decided");
    let pipeline = environment.with("CI", "true");
    let in_ci = Review::of(&pipeline);
    let answer = Attack { review: &in_ci, csrf: in_ci.csrf(), body: body.clone() }.right(&body);
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.body.contains("--in-ci") && !written(), "{answer:?}");
    // The same from a page of the review: broken bodies change nothing, the right one does.
    let long = "x".repeat(5000);
    for (broken, status) in [
        (String::new(), 400),
        ("[]".to_owned(), 400),
        ("{}".to_owned(), 400),
        (body.replace("approved", "deleted"), 400),
        (body.replace("\"why\"", "\"\""), 400),
        (body.replace("why", &long), 400),
        (body.replace("\"seen\"", "\"path\":\"../x\",\"seen\""), 400),
        (" ".repeat(5 << 20), 413),
    ] {
        let answer = attack.right(&broken);
        assert_eq!(answer.status, status, "{broken:.80}");
    }
    assert!(!written(), "a broken request has decided");
    let answer = attack.right(&body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(written(), "{answer:?}");
}

/// All that a page of the review may do, in the order of the alphabet.
const POLICY: [&str; 9] = [
    "base-uri 'none'",
    "connect-src 'self'",
    "default-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    "frame-src 'self'",
    "img-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
];

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let get = |path: &str| {
        let (host, cookie) = (&review.host, review.cookie());
        review.ask(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n"))
    };
    let check = |answer: &Answered| {
        for (name, expect) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "SAMEORIGIN"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(expect), "{answer:?}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        let mut directives: Vec<&str> = policy.split("; ").collect();
        directives.sort_unstable();
        assert_eq!(directives, POLICY, "{answer:?}");
    };
    for path in
        ["/", "/review.html", "/gate-1.html", "/assets/review.css", "/api/items", "/nowhere"]
    {
        check(&get(path));
    }
    let turned_away = review.ask(&format!("GET / HTTP/1.1\r\nhost: {}\r\n", review.host));
    assert_eq!(turned_away.status, 401);
    check(&turned_away);
    let (host, token) = (&review.host, &review.token);
    let welcome = review.ask(&format!("GET /?token={token} HTTP/1.1\r\nhost: {host}\r\n"));
    check(&welcome);
    let cookie = format!("{}; Path=/; HttpOnly; SameSite=Strict", review.cookie());
    assert_eq!(welcome.header("set-cookie"), Some(&*cookie));
    assert!(welcome.body.contains("url=/") && !welcome.body.contains(CANARY));
}

#[test]
fn an_address_that_no_browser_can_name_is_refused() {
    let environment = Environment::new(&[("gate.yaml", "{}\n")]);
    for host in ["0.0.0.0", "::", "::ffff:0.0.0.0"] {
        let ended = environment.gate(&["review", "--no-open", "--host", host]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains("no address that a browser can name"), "{}", ended.stderr);
    }
}

#[test]
fn secrets_are_new_with_every_server_and_other_machines_are_warned_of() {
    let (environment, _site) = two_new_pages();
    let servers = [Review::of(&environment), Review::of(&environment)];
    let mut secrets: Vec<String> =
        servers.iter().flat_map(|one| [one.token.clone(), one.csrf()]).collect();
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 4, "{secrets:?}");
    let is_secret = |one: &String| one.len() == 64 && one.bytes().all(|c| c.is_ascii_hexdigit());
    assert!(secrets.iter().all(is_secret), "{secrets:?}");
    assert!(servers.iter().all(|one| one.host.starts_with("127.0.0.1:")));
    // The address of no machine: the warning comes before anybody could be let in.
    let ended = environment.gate(&["review", "--no-open", "--host", "203.0.113.1"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("other machines are let in"), "{}", ended.stderr);
}

/// A browser for which `evil.test` is this machine, as after DNS rebinding.
async fn rebound(scratch: &std::path::Path) -> visual_browser::Session {
    use visual_browser::{DriverAt, Launch, Session, find};
    let found = find(std::ffi::OsStr::new("/usr/local/bin:/usr/bin:/bin")).await;
    let chromium = found.chromium.expect("Chromium is installed").path;
    let mut launch = Launch::new(DriverAt::Chromium { chromium }, scratch.to_owned());
    launch.arguments.push("--host-resolver-rules=MAP evil.test 127.0.0.1".to_owned());
    Session::open(&launch, &|_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_points_here_reads_nothing() {
    use visual_browser::Shot;
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let scratch = tempfile::tempdir().unwrap();
    let mut session = rebound(scratch.path()).await;
    let token = &review.token;
    for path in ["/", "/api/items", &format!("/?token={token}")] {
        let url = format!("http://evil.test:{}{path}", review.port());
        let capture = session.capture(&Shot::of(url), &|_| {}).await.unwrap();
        assert_eq!(capture.status, Some(403), "{path}");
    }
    // The very same browser is let in at the address that was printed, and goes on from there.
    let url = format!("http://{}/?token={token}", review.host);
    let capture = session.capture(&Shot::of(url), &|_| {}).await.unwrap();
    let home = format!("http://{}/", review.host);
    assert_eq!((capture.status, &*capture.final_url), (Some(200), &*home));
    session.close().await;
}

/// What another site tries, by name. `ROOT` is the review.
const TRIES: &[(&str, &str)] = &[
    ("a picture", "load('img', 'src', 'ROOT/EVIDENCE')"),
    ("an icon", "load('img', 'src', 'ROOT/assets/icon.svg')"),
    ("data as a script", "load('script', 'src', 'ROOT/api/items')"),
    ("a script of the pages", "load('script', 'src', 'ROOT/assets/page.js')"),
    ("a style", "load('link', 'href', 'ROOT/assets/page.css')"),
    ("reading", "fetch('ROOT/api/items', { credentials: 'include' })"),
    ("reading blindly", "fetch('ROOT/api/items', { credentials: 'include', mode: 'no-cors' })"),
    (
        "writing",
        "fetch('ROOT/api/decisions', { method: 'POST', credentials: 'include', \
      headers: { 'content-type': 'application/json' }, body: BODY })",
    ),
    (
        "writing blindly",
        "fetch('ROOT/api/decisions', { method: 'POST', credentials: 'include', \
      mode: 'no-cors', body: BODY })",
    ),
    (
        "keeping alive",
        "fetch('ROOT/api/decisions', { method: 'POST', credentials: 'include', \
      mode: 'no-cors', keepalive: true, headers: { 'content-type': 'text/plain' }, body: BODY })",
    ),
];

/// A page whose elements are asked for from elsewhere.
const ELSEWHERE: &str = "window.load = (tag, name, url) => new Promise((resolve, reject) => {
  const one = document.createElement(tag);
  one.rel = 'stylesheet';
  [one.onload, one.onerror] = [resolve, reject];
  one[name] = url;
  document.body.append(one);
}), true";

#[test]
fn another_site_in_the_same_browser_gets_nothing() {
    let (environment, _site) = two_new_pages();
    let review = Review::of(&environment);
    let browser = Browser::at(&review);
    let item = browser.get("gate.data.items.find((item) => item.proposal)");
    let picture = format!("evidence/{}.png", item["thumbnail"].as_str().unwrap());
    let wish = json!({ "proposal": item["proposal"], "said": "approved", "seen": null });
    let body = json!({ "decisions": [wish], "reason": "why", "by": "Kim" }).to_string();
    let come_to = |what: &str, root: &str| {
        let what = what.replace("BODY", &json!(body).to_string());
        let what = what.replace("EVIDENCE", &picture).replace("ROOT", root);
        browser.wait_for(&format!("({what}).then(() => 'in', () => 'refused')"))
    };
    // A page of the review may do all of the reading, so the tries are no idle ones.
    browser.get(ELSEWHERE);
    for (name, what) in &TRIES[..6] {
        let expect = if name.starts_with("data as") { "refused" } else { "in" };
        assert_eq!(come_to(what, ""), expect, "{name} from a page of the review");
    }
    // Another port of this machine is the same site to a browser, which sends the cookie along.
    let elsewhere = Site::serve(&[("/", Answer::Page("<body>elsewhere".to_owned()))]);
    browser.go(&elsewhere.url);
    browser.get(ELSEWHERE);
    let root = format!("http://{}", review.host);
    for (name, what) in TRIES {
        assert_eq!(come_to(what, &root), "refused", "{name}");
    }
    // A form needs nobody's leave to be sent, and a frame shows what came of it.
    browser.wait_for(&format!(
        "new Promise((resolve) => {{ document.body.innerHTML = `<iframe name=frame></iframe> \
         <form method=post enctype=text/plain target=frame action='{root}/api/decisions'> \
         <input name='{{\"x\":\"' value='\"}}'></form>`; \
         document.querySelector('iframe').onload = resolve; document.forms[0].submit(); }})"
    ));
    browser.get(&format!("document.body.innerHTML = '<iframe src=\"{root}/\"></iframe>'"));
    browser.enter_frame("iframe");
    browser.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    assert!(!browser.text("html").contains(CANARY), "{}", browser.text("html"));
    assert!(!environment.path().join("specs/shop.baselines").exists());
    assert!(!environment.path().join("specs/gate-decisions.jsonl").exists());
}
