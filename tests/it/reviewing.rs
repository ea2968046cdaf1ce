//! A run to be looked at, and a server of the review that goes with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::environment::Environment;
use crate::site::{Site, page};

/// A workspace whose last run proposes two pictures, `home` and `team`, of a site.
pub(crate) fn two_new_pages() -> (Environment, Site) {
    let pages = [("/", page("#0a7", "Canary home")), ("/team", page("#0a7", "Canary team"))];
    let site = Site::serve(&pages);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let spec = "gate: visual\nname: canary-shop\nwith: { pages: [/, /team] }\n";
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", spec)]);
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    (environment, site)
}

/// `gate review`, as long as this lives.
pub(crate) struct Review {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    pub(crate) token: String,
}

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Review {
    /// The review of the last run.
    pub(crate) fn of(environment: &Environment) -> Review {
        Review::start(environment, &["--by", "Kim"])
    }

    /// With these arguments besides.
    pub(crate) fn start(environment: &Environment, arguments: &[&str]) -> Review {
        let all = [&["review", "--json", "--no-open"], arguments].concat();
        let mut child = environment.command(&all).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = said["url"].as_str().unwrap();
        let (host, token) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once("/?token=")
            .expect("nothing in the path");
        Review { child, host: host.to_owned(), token: token.to_owned() }
    }

    /// The address that it has printed.
    pub(crate) fn url(&self) -> String {
        self.page(&format!("?token={}", self.token))
    }

    /// The address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("http://{}/{path}", self.host)
    }

    pub(crate) fn port(&self) -> &str {
        self.host.rsplit_once(':').unwrap().1
    }

    pub(crate) fn cookie(&self) -> String {
        format!("gate-review-{}={}", self.port(), self.token)
    }

    /// What a page of the review repeats on every write.
    pub(crate) fn csrf(&self) -> String {
        let page = self.ask(&format!(
            "GET / HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n",
            self.host,
            self.cookie()
        ));
        let (_, rest) = page.body.split_once("\"csrf\":\"").expect("the page has it");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Asks for decisions as a page of the review does.
    pub(crate) fn decide(&self, wishes: &serde_json::Value) -> Answered {
        let (host, body) = (&self.host, wishes.to_string());
        let (cookie, csrf, length) = (self.cookie(), self.csrf(), body.len());
        self.ask(&format!(
            "POST /api/decisions HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n\
             origin: http://{host}\r\ncontent-type: application/json\r\nx-gate-csrf: {csrf}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    }

    /// Sends a request as it stands here, with the empty line after its headers or without.
    pub(crate) fn ask(&self, request: &str) -> Answered {
        let head_only = !request.contains("\r\n\r\n");
        let request =
            format!("{request}{}", if head_only { "connection: close\r\n\r\n" } else { "" });
        self.send(request.as_bytes())
    }

    pub(crate) fn send(&self, request: &[u8]) -> Answered {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // Whoever is turned away may be cut off while still speaking.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("0");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Answered {
            status: status.parse().unwrap_or(0),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }
}

impl Drop for Review {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let ended = self.child.wait().unwrap();
        if !std::thread::panicking() {
            assert_eq!(ended.code(), Some(0), "the server did not end well");
        }
    }
}
