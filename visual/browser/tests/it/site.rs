//! A small web server on loopback.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What is served at a path.
#[derive(Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) after: Duration,
    /// `user:password` in base64 that has to be given.
    pub(crate) auth: Option<&'static str>,
}

pub(crate) fn html(body: &str) -> Answer {
    let page = format!("<!doctype html><meta charset=utf-8><title>t</title>{body}");
    file("text/html", page.into_bytes())
}

pub(crate) fn file(kind: &str, body: Vec<u8>) -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type", kind.to_owned())],
        body,
        ..Answer::default()
    }
}

pub(crate) struct Site {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Serves these pages until the test's runtime ends; anything else is a 404 with a body.
    pub(crate) async fn serve(pages: &[(&'static str, Answer)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let pages: Arc<HashMap<_, _>> = Arc::new(pages.iter().cloned().collect());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&pages), Arc::clone(&notes)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The requests so far for this path, each as its head in lower case.
    pub(crate) fn seen(&self, path: &str) -> Vec<String> {
        let start = format!("get {path} ");
        self.seen.lock().unwrap().iter().filter(|head| head.starts_with(&start)).cloned().collect()
    }
}

async fn answer(
    mut stream: TcpStream,
    pages: Arc<HashMap<&'static str, Answer>>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut head = String::new();
    let mut lines = BufReader::new(&mut stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
        head.push_str(&line);
        head.push('\n');
    }
    let path = head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default();
    let missing = Answer { status: 404, ..html("<h1>nothing here</h1>") };
    let mut found = pages.get(path).cloned().unwrap_or(missing);
    if let Some(auth) = found.auth
        && !head.contains(&format!("Basic {auth}"))
    {
        found = Answer { status: 401, ..html("who are you?") };
        found.headers.push(("www-authenticate", "Basic realm=\"preview\"".to_owned()));
    }
    seen.lock().unwrap().push(head.to_lowercase());
    tokio::time::sleep(found.after).await;
    let mut reply = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", found.status);
    for (name, value) in &found.headers {
        let _ = write!(reply, "{name}: {value}\r\n");
    }
    let _ = write!(reply, "content-length: {}\r\n\r\n", found.body.len());
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.write_all(&found.body).await;
    let _ = stream.shutdown().await;
}
