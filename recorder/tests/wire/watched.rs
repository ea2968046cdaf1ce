//! Somebody who looks on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use recorder::{
    Content, Front, Headers, Latency, Library, Matching, Mode, Proxy, Request, Response, Setup,
    Watch,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::service::{Service, gzip};
use super::{NOW, asked_with, cleaner};

/// Answers for one path itself, and notes all.
struct Looker {
    asked: Mutex<Vec<(u64, Request)>>,
    answered: Mutex<Vec<(u64, u16)>>,
    held: mpsc::Sender<u64>,
    given_up: mpsc::Sender<u64>,
}

impl Watch for Looker {
    fn asked(&self, order: u64, request: &Request) -> Option<(Response, Duration)> {
        self.asked.lock().unwrap().push((order, request.clone()));
        let response = Response {
            status: 202,
            headers: Headers::from_iter([("x-by", "us")]),
            body: Content::from("noted"),
            ..Response::default()
        };
        match request.url.rsplit('/').next() {
            Some("collect") => Some((response, Duration::ZERO)),
            Some("never") => {
                let _ = self.held.try_send(order);
                Some((response, Duration::MAX))
            }
            _ => None,
        }
    }

    fn answered(&self, order: u64, status: u16) {
        self.answered.lock().unwrap().push((order, status));
    }

    fn given_up(&self, order: u64) {
        self.given_up.try_send(order).unwrap();
    }
}

fn watched(target: String, looker: &Arc<Looker>) -> Setup {
    Setup {
        front: Front::Reverse { target: Some(target) },
        mode: Mode::All,
        library: Arc::new(Library::of_recorded(&[], Matching::default(), false)),
        cassette: None,
        cleaner: cleaner(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: None,
        now: NOW,
        watch: Some(looker.clone()),
    }
}

fn looker() -> (Arc<Looker>, mpsc::Receiver<u64>, mpsc::Receiver<u64>) {
    let ((held, holds), (given_up, gives_up)) = (mpsc::channel(1), mpsc::channel(1));
    let (asked, answered) = (Mutex::default(), Mutex::default());
    (Arc::new(Looker { asked, answered, held, given_up }), holds, gives_up)
}

#[tokio::test]
async fn who_looks_on_sees_what_was_sent_and_may_answer() {
    let service = Service::start().await;
    let (looker, _holds, _gives_up) = looker();
    let setup = watched(service.url(""), &looker);
    let proxy = Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), setup).unwrap();
    let url = |path: &str| format!("http://{}{path}", proxy.address());
    // What would be a secret in a recording is told as it is, content codings taken off.
    let body = br#"{"email":"kim@example.com","token":"sesame-open-up-1234"}"#;
    let headers = [("content-encoding", "gzip")];
    let got = asked_with("POST", &url("/collect"), &headers, gzip(body, 6)).await;
    assert_eq!(
        (got.status.as_u16(), got.text(), &got.headers["x-by"]),
        (202, "noted", &"us".parse().unwrap())
    );
    assert_eq!(service.count(), 0);
    let got = asked_with("GET", &url("/json"), &[], Vec::new()).await;
    assert_eq!((got.status.as_u16(), service.count()), (200, 1));
    let outcome = proxy.finish().await;
    assert_eq!((outcome.seen, outcome.replayed, &outcome.failed), (2, 0, &Vec::new()));
    let asked = looker.asked.lock().unwrap();
    assert_eq!(asked[0].1.body.bytes().unwrap().as_ref(), body);
    let orders: Vec<u64> = asked.iter().map(|(order, _)| *order).collect();
    let answered = looker.answered.lock().unwrap();
    assert_eq!(*answered, [(orders[0], 202), (orders[1], 200)]);
}

#[tokio::test]
async fn who_does_not_wait_has_given_up() {
    let service = Service::start().await;
    let (looker, mut holds, mut gives_up) = looker();
    let setup = watched(service.url(""), &looker);
    let proxy = Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), setup).unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let request = b"POST /never HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}";
    client.write_all(request).await.unwrap();
    let order = holds.recv().await.unwrap();
    drop(client);
    assert_eq!(gives_up.recv().await, Some(order));
    assert!(looker.answered.lock().unwrap().is_empty());
    proxy.finish().await;
}
