//! What oracles have said (`oracle.rs`), to be said again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::faked::{Faked, Reply, Request};

/// What stands for the address of whoever answers.
const HERE: &str = "{here}";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/recorded/{name}.json"))
}

/// A server that stands before another one and keeps what both say.
pub(crate) fn keeping(port: u16) -> (Faked, Arc<Mutex<Vec<Value>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (keeps, own) = (Arc::clone(&kept), Arc::new(Mutex::new(String::new())));
    let here = Arc::clone(&own);
    let server = Faked::start(move |_, request| {
        let there = format!("http://127.0.0.1:{port}");
        let said = passed_on(port, request).replace(&there, HERE);
        keeps.lock().unwrap().push(json!({
            "asked": format!("{} {}", request.method, request.target),
            "body": request.body,
            "said": said,
        }));
        Reply::of(200, said.replace(HERE, &here.lock().unwrap()))
    });
    *own.lock().unwrap() = server.address();
    (server, kept)
}

fn passed_on(port: u16, request: &Request) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut head =
        format!("{} {} HTTP/1.1\r\nConnection: close\r\n", request.method, request.target);
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{}", request.body).as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{said}");
    body.to_owned()
}

/// Writes what has been kept.
pub(crate) fn write(name: &str, kept: &[Value]) {
    let text = serde_json::to_string_pretty(kept).unwrap() + "\n";
    std::fs::write(file(name), text).unwrap();
}

/// A server that says it again, to whoever asks for the same in the same order.
pub(crate) fn server(name: &str) -> Faked {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let kept: Vec<Value> = serde_json::from_str(&text).unwrap();
    let own = Arc::new(Mutex::new(String::new()));
    let here = Arc::clone(&own);
    let server = Faked::start(move |number, request| {
        let asked = format!("{} {}", request.method, request.target);
        let known =
            kept.get(number).filter(|one| one["asked"] == asked && one["body"] == request.body);
        match known {
            Some(one) => {
                let said = one["said"].as_str().unwrap();
                Reply::of(200, said.replace(HERE, &here.lock().unwrap()))
            }
            None => Reply::of(501, format!("{asked}\n{}", request.body))
                .with("Content-Type", "text/plain"),
        }
    });
    *own.lock().unwrap() = server.address();
    server
}
