//! A server over HTTP that says what a test wants, also what no server should.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// By their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What goes back.
pub(crate) enum Reply {
    /// A whole answer.
    Says { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// The beginning of one that should be longer.
    Breaks(Vec<u8>),
    /// One that has no end.
    Endless,
    /// None, until the other side goes away.
    Waits,
}

impl Reply {
    pub(crate) fn of(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply::Says { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Reply {
        match self {
            Reply::Says { status, mut headers, body } => {
                headers.push((name.to_owned(), value.to_owned()));
                Reply::Says { status, headers, body }
            }
            other => other,
        }
    }
}

/// Something that a test can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    /// A request whose answer is waited for.
    Waits,
    /// Whoever waited has gone.
    Gone,
    /// A DELETE.
    Deleted,
}

pub(crate) struct Faked {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    pub(crate) noted: mpsc::UnboundedReceiver<Noted>,
    has_ended: Arc<AtomicBool>,
    accepts: Option<JoinHandle<()>>,
}

impl Faked {
    /// A server that answers the request with this number, from 0, so.
    pub(crate) fn start(
        answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Faked {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let has_ended = Arc::new(AtomicBool::new(false));
        let (notes, noted) = mpsc::unbounded_channel();
        let (all, ended, answer) =
            (Arc::clone(&requests), Arc::clone(&has_ended), Arc::new(answer));
        let accepts = thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, all) = (stream.unwrap(), Arc::clone(&all));
                let (notes, answer) = (notes.clone(), Arc::clone(&answer));
                thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    if request.method == "DELETE" {
                        let _ = notes.send(Noted::Deleted);
                    }
                    let number = {
                        let mut all = all.lock().unwrap();
                        all.push(request.clone());
                        all.len() - 1
                    };
                    write(stream, answer(number, &request), &notes);
                });
            }
        });
        Faked { port, requests, noted, has_ended, accepts: Some(accepts) }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What has come so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Faked {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepts) = self.accepts.take() {
            let _ = accepts.join();
        }
    }
}

pub(crate) fn read(stream: impl Read) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body: String::from_utf8(body).unwrap() })
}

fn write(mut stream: TcpStream, reply: Reply, notes: &mpsc::UnboundedSender<Noted>) {
    // Whoever has had enough may have gone: that is no fault of this side.
    let _ = match reply {
        Reply::Says { status, headers, body } => {
            let mut head = format!("HTTP/1.1 {status} Said\r\nConnection: close\r\n");
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            head += &format!("Content-Length: {}\r\n\r\n", body.len());
            stream.write_all(&[head.into_bytes(), body].concat())
        }
        Reply::Breaks(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len() + 1);
            stream.write_all(&[head.into_bytes(), body].concat())
        }
        Reply::Endless => {
            let some = vec![b' '; 1 << 20];
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").and_then(|()| {
                loop {
                    stream.write_all(&some)?;
                }
            })
        }
        Reply::Waits => {
            let _ = notes.send(Noted::Waits);
            let gone = stream.read(&mut [0]);
            let _ = notes.send(Noted::Gone);
            gone.map(drop)
        }
    };
}
