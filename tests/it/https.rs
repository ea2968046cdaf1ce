//! A service over HTTPS whose certificate an authority of its own has signed.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::environment::Environment;

/// What a client has to be given to be told who it is.
pub(crate) const TOKEN: &str = "tok-4f9a8b7c6d5e";
/// With letters that take more than a byte.
pub(crate) const CONTACTS: &str = r#"{"contacts":[{"id":1,"name":"Jürgen"},{"id":2,"name":"花"}]}"#;
/// Several events, each a piece of its own.
pub(crate) const EVENTS: [&str; 3] = ["data: one\n\n", "data: two\n\n", "data: three\n\n"];

/// Bytes that are no text.
pub(crate) fn picture() -> Vec<u8> {
    (0..=255).cycle().take(70_000).collect()
}

type Body = BoxBody<Bytes, Infallible>;

/// Answers until it is dropped; then nothing listens there any more.
pub(crate) struct Service {
    address: SocketAddr,
    asked: Arc<AtomicU64>,
    /// Everything that answers runs here.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Service {
    /// Puts the certificate of its authority into `authority.pem` of the workspace.
    pub(crate) fn start(environment: &Environment) -> Service {
        let (authority, config) = signed();
        environment.write("authority.pem", &authority);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let (counter, count) = (Arc::clone(&asked), Arc::new(AtomicU64::new(0)));
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (counter, count) = (Arc::clone(&counter), Arc::clone(&count));
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not know the authority goes away here.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper::service::service_fn(move |request| {
                        counter.fetch_add(1, Ordering::SeqCst);
                        let count = Arc::clone(&count);
                        async move { Ok::<_, Infallible>(answer(request, &count).await) }
                    });
                    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Service { address, asked, runtime: Some(runtime) }
    }

    /// Its address, by a name that its certificate has.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// How many requests have come.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // Its port is free when nobody is let in any more.
        while std::net::TcpStream::connect(self.address).is_ok() {
            std::thread::yield_now();
        }
    }
}

/// Speaks TLS for a service that does not, until it is dropped.
pub(crate) struct Front {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Front {
    /// Puts the certificate of its authority into `authority.pem` of the workspace.
    pub(crate) fn start(environment: &Environment, port: u16) -> Front {
        let (authority, mut config) = signed();
        environment.write("authority.pem", &authority);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let own = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let to = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut to.unwrap()).await;
                });
            }
        });
        Front { port: own, _runtime: runtime }
    }

    /// Its address, by a name that its certificate has.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// The authority in PEM, and how to speak as who it has signed for.
fn signed() -> (String, rustls::ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(DnType::CommonName, "a company's own authority");
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (pem, config)
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into()).boxed()
}

fn in_pieces(pieces: &[&'static str]) -> Body {
    let frames: Vec<_> =
        pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
    BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn has(headers: &HeaderMap, name: &str, text: &str) -> bool {
    let values = headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).any(|value| value.contains(text))
}

async fn answer(request: Request<Incoming>, count: &AtomicU64) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (mut status, mut kind) = (StatusCode::OK, "application/json");
    let mut more: Vec<(&'static str, &'static str)> = Vec::new();
    let body = match (head.method.as_str(), head.uri.path()) {
        ("GET" | "HEAD", "/contacts") if has(&head.headers, "accept-encoding", "gzip") => {
            more.push(("content-encoding", "gzip"));
            whole(gzip(CONTACTS))
        }
        ("GET" | "HEAD", "/contacts") => whole(CONTACTS),
        ("PUT", "/contacts/7") => whole(body),
        ("DELETE", "/contacts/7") => {
            status = StatusCode::NO_CONTENT;
            whole("")
        }
        ("POST", "/token") => whole(format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#)),
        ("GET", "/me") if has(&head.headers, "authorization", TOKEN) => whole(r#"{"name":"Kim"}"#),
        ("GET", "/count") => whole((count.fetch_add(1, Ordering::SeqCst) + 1).to_string()),
        ("GET", "/moved") => {
            status = StatusCode::FOUND;
            more.push(("location", "/contacts?limit=2"));
            whole("")
        }
        ("GET", "/picture") => {
            kind = "image/png";
            whole(picture())
        }
        ("POST", "/upload") => {
            status = StatusCode::CREATED;
            // Whatever boundary a client has thought of.
            whole(memchr::memmem::find_iter(&body, "form-data; name=").count().to_string())
        }
        ("GET", "/events") => {
            kind = "text/event-stream";
            in_pieces(&EVENTS)
        }
        ("GET", "/gone") => {
            status = StatusCode::GONE;
            whole(r#"{"error":"gone"}"#)
        }
        _ => {
            status = StatusCode::UNAUTHORIZED;
            whole(r#"{"error":"who are you?"}"#)
        }
    };
    // Over HTTP/2 nobody else leaves it away.
    let body = if head.method == http::Method::HEAD { whole("") } else { body };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(kind));
    for (name, value) in more {
        headers.append(name, HeaderValue::from_static(value));
    }
    response
}
