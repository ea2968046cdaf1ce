//! A server that answers as it is told to, well or badly.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

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
        Server::of(move |stream, requests| serve(stream, requests, &answer))
    }

    /// One that does this with every connection.
    fn of(serve: impl Fn(TcpStream, &AtomicU64) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicU64::new(0));
        let connections = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let serve = Arc::new(serve);
        let shared = (Arc::clone(&requests), Arc::clone(&connections), Arc::clone(&stop));
        std::thread::spawn(move || {
            let (requests, connections, stop) = shared;
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                let (requests, serve) = (Arc::clone(&requests), Arc::clone(&serve));
                std::thread::spawn(move || serve(stream.unwrap(), &requests));
            }
        });
        Server { address, requests, connections, stop }
    }

    /// One that does this with every connection, whatever is asked.
    pub(crate) fn start_raw(
        serve: impl Fn(TcpStream, &AtomicU64) + Send + Sync + 'static,
    ) -> Server {
        Server::of(serve)
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

fn serve(
    mut stream: TcpStream,
    requests: &AtomicU64,
    answer: &dyn Fn(u64, &mut TcpStream) -> bool,
) {
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

/// What a server needs to speak TLS with these protocols, and a client that trusts it.
pub(crate) fn certified(protocols: &[&[u8]]) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    (Arc::new(config), trusting(roots))
}

fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A server that speaks TLS and has the same answer to everything; and clients, one that trusts it
/// and one that trusts nobody.
pub(crate) fn private(text: &'static str) -> (Server, Arc<ClientConfig>, Arc<ClientConfig>) {
    let (config, client) = certified(&[]);
    let server = Server::of(move |stream, requests| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut reader = BufReader::new(StreamOwned::new(tls, stream));
        loop {
            let mut line = String::new();
            loop {
                line.clear();
                match reader.read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) if line == "\r\n" => break,
                    Ok(_) => {}
                }
            }
            requests.fetch_add(1, Ordering::Relaxed);
            if reader.get_mut().write_all(text.as_bytes()).is_err() {
                return;
            }
            let _ = reader.get_mut().flush();
        }
    });
    (server, client, trusting(RootCertStore::empty()))
}
