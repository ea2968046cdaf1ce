//! Who wants to read or to decide without having been let in.

use serde_json::json;

use crate::environment::Environment;
use crate::reviewing::{Answered, Review, two_new_pages};

/// What only the run knows, and no refusal may tell.
pub(crate) const CANARY: &str = "canary-shop";

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
