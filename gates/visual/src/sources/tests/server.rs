//! A site on loopback that lists its pages.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A path, the status that it answers with, and a body; a redirect's body says where to.
pub(super) type Route = (&'static str, u16, Vec<u8>);

/// A site that is served until the tests end.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn serve(routes: Vec<Route>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, here) = (requests.clone(), url.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &routes, &seen, &here);
            }
        });
        Server { url, requests }
    }

    /// The requests so far, each with its headers.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request and hangs up. `HERE` in a body stands for the site's own address.
fn answer(mut stream: TcpStream, routes: &[Route], seen: &Mutex<Vec<String>>, here: &str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    while reader.read_line(&mut request).unwrap_or(0) > 2 {}
    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
    seen.lock().unwrap().push(request);
    let found = routes.iter().find(|(known, ..)| *known == path);
    let (status, body) = found.map_or((404, Vec::new()), |(_, s, body)| (*s, body.clone()));
    let body = match String::from_utf8(body) {
        Ok(text) => text.replace("HERE", here).into_bytes(),
        Err(bytes) => bytes.into_bytes(),
    };
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    if (300..400).contains(&status) {
        head.push_str(&format!("location: {}\r\n", String::from_utf8_lossy(&body)));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
