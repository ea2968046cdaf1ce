//! A server that answers as it is told to, well or badly.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What a server does with a request: writes an answer; whether the connection stays.
pub(crate) type Answer = dyn Fn(u64, &mut TcpStream) -> bool + Send + Sync;

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// How many requests came.
    pub(crate) requests: Arc<AtomicU64>,
    /// How many connections were made.
    pub(crate) connections: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(
        answer: impl Fn(u64, &mut TcpStream) -> bool + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicU64::new(0));
        let connections = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let shared = (Arc::clone(&requests), Arc::clone(&connections), Arc::clone(&stop));
        std::thread::spawn(move || {
            let (requests, connections, stop) = shared;
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), &requests, &*answer));
            }
        });
        Server { address, requests, connections, stop }
    }

    /// With the same answer to everything.
    pub(crate) fn saying(text: &'static str) -> Server {
        Server::start(move |_, stream| stream.write_all(text.as_bytes()).is_ok())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, requests: &AtomicU64, answer: &Answer) {
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut line = String::new();
        let mut length = 0;
        loop {
            line.clear();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => {
                    let value = line.strip_prefix("content-length: ");
                    length = value.map_or(length, |value| value.trim().parse().unwrap());
                }
            }
        }
        let mut body = vec![0; length];
        if std::io::Read::read_exact(&mut reader, &mut body).is_err() {
            return;
        }
        let number = requests.fetch_add(1, Ordering::Relaxed);
        if !answer(number, &mut stream) {
            return;
        }
    }
}
