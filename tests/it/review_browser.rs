//! A Chromium that does what a person would, told so over WebDriver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::reviewing::Review;

/// How long something on a page may take to come about.
const PATIENCE_MS: u32 = 20_000;

/// Keys that are no characters, as WebDriver names them.
pub(crate) const ESCAPE: &str = "\u{E00C}";
pub(crate) const UP: &str = "\u{E013}";
pub(crate) const DOWN: &str = "\u{E015}";
pub(crate) const LEFT: &str = "\u{E012}";
pub(crate) const RIGHT: &str = "\u{E014}";
pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const TAB: &str = "\u{E004}";

/// A process group that ends with this.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let id = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// A browser with some windows.
pub(crate) struct Browser {
    address: String,
    session: String,
    _driver: Group,
    folder: tempfile::TempDir,
}

impl Browser {
    /// A browser that has been let into the review, and shows its list with everything loaded.
    pub(crate) fn at(review: &Review) -> Browser {
        let browser = Browser::open(&[]);
        browser.go(&review.url());
        browser.until("location.search === ''");
        browser.show(&review.page("review.html"));
        browser
    }

    /// A new one, with these arguments besides.
    #[expect(clippy::disallowed_methods, reason = "the tools of the machine are found by the PATH")]
    pub(crate) fn open(arguments: &[&str]) -> Browser {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut driver = Group(command.spawn().expect("chromedriver is installed"));
        let lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.rsplit_once("successfully on port ")?;
                Some(port.trim_end_matches('.').to_owned())
            })
            .expect("chromedriver says its port");
        let address = format!("127.0.0.1:{port}");
        let mut all = vec!["--headless=new", "--no-sandbox", "--window-size=1400,900"];
        all.extend(arguments);
        let downloads = folder.path().join("downloads");
        let options = json!({ "args": all, "prefs": { "download.default_directory": downloads } });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "timeouts": { "script": 2 * PATIENCE_MS },
        } } });
        let made = ask(&address, "POST", "/session", &wanted).unwrap();
        let session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        Browser { address, session, _driver: driver, folder }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        ask(&self.address, "POST", &format!("{}{path}", self.session), body)
            .unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Opens a page of the review, and waits until its first item is there.
    pub(crate) fn show(&self, url: &str) {
        self.go(url);
        self.settled();
    }

    /// Waits until the item of the address is shown with its pictures.
    pub(crate) fn settled(&self) {
        self.until(
            "document.documentElement.dataset.ready && \
             document.getElementById('viewer').getAttribute('aria-busy') === 'false'",
        );
    }

    /// The value of an expression.
    pub(crate) fn get(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The value of a promise.
    pub(crate) fn wait_for(&self, promise: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; ({promise}).then(done, (error) => done(`failed: ${{error}}`));"
        );
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Waits for something to become true.
    pub(crate) fn until(&self, expression: &str) {
        let script = format!(
            "const [done] = arguments; const until = performance.now() + {PATIENCE_MS};\
             (function look() {{ if ({expression}) done(true);\
             else if (performance.now() > until) done(false); else setTimeout(look, 10); }})();"
        );
        let came = self.post("/execute/async", &json!({ "script": script, "args": [] }));
        let text = || self.get("document.body.innerText");
        assert_eq!(came, true, "{expression}, which never came about:\n{}", text());
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub(crate) fn keys(&self, keys: &str) {
        let press = |key: char| {
            ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key.to_string() }))
        };
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        let device = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", &json!({ "actions": [device] }));
    }

    /// Clicks on what a selector finds first, in the middle of it.
    pub(crate) fn click(&self, selector: &str) {
        let found = self.find(selector);
        let id = found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    fn find(&self, selector: &str) -> Value {
        self.post("/element", &json!({ "using": "css selector", "value": selector }))
    }

    /// From now on everything happens within a frame.
    pub(crate) fn enter_frame(&self, selector: &str) {
        self.post("/frame", &json!({ "id": self.find(selector) }));
    }

    /// And from now on in the page again.
    pub(crate) fn leave_frame(&self) {
        self.post("/frame", &json!({ "id": null }));
    }

    /// The text of what a selector finds first.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.get(&format!("document.querySelector({selector:?}).innerText"));
        text.as_str().unwrap().to_owned()
    }

    /// Files that a page gives to be downloaded go to this folder from now on.
    pub(crate) fn downloads_to(&self, folder: &std::path::Path) {
        let params = json!({ "behavior": "allow", "downloadPath": folder });
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": "Browser.setDownloadBehavior", "params": params }),
        );
    }

    /// A file that a page has given to be downloaded, once it is whole.
    pub(crate) fn downloaded(&self, name: &str) -> String {
        let path = self.folder.path().join("downloads").join(name);
        // It has another name for as long as it is being written.
        let came = (0..1000).find_map(|_| {
            let text = std::fs::read_to_string(&path).ok().filter(|text| !text.is_empty());
            text.or_else(|| {
                self.wait_for("new Promise((resolve) => setTimeout(resolve, 10))");
                None
            })
        });
        came.unwrap_or_else(|| panic!("{name} was never downloaded"))
    }

    /// What the window shows, in PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let path = format!("{}/screenshot", self.session);
        let shot = ask(&self.address, "GET", &path, &Value::Null).unwrap();
        BASE64.decode(shot.as_str().unwrap()).unwrap()
    }

    /// Makes pages believe that somebody prefers this: `color-scheme` light or dark, for instance.
    pub(crate) fn prefers(&self, what: &str, value: &str) {
        let features = json!([{ "name": format!("prefers-{what}"), "value": value }]);
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } }),
        );
    }

    /// A second window, in which everything happens from now on; the names of this one and of it.
    pub(crate) fn second_window(&self) -> [String; 2] {
        let path = format!("{}/window", self.session);
        let first = ask(&self.address, "GET", &path, &Value::Null).unwrap();
        let made = self.post("/window/new", &json!({ "type": "window" }));
        let names = [first.as_str().unwrap(), made["handle"].as_str().unwrap()];
        self.switch_to(names[1]);
        names.map(str::to_owned)
    }

    pub(crate) fn switch_to(&self, window: &str) {
        self.post("/window", &json!({ "handle": window }));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends itself; the group is killed afterwards in any case.
        let _ = ask(&self.address, "DELETE", &self.session, &Value::Null);
    }
}

/// One request of WebDriver.
fn ask(address: &str, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(|error| error.to_string())?;
    stream.write_all(body.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).map_err(|error| error.to_string())?;
        if read <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(|_| "no length".to_owned())?;
        }
    }
    reader.take(length).read_to_end(&mut answer).map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
    match answer["value"]["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
        None => Ok(answer["value"].clone()),
    }
}
