//! A service that answers in every way that HTTP has, and counts what it was asked.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub type Body = BoxBody<Bytes, Infallible>;

pub struct Service {
    pub address: SocketAddr,
    pub asked: Arc<AtomicU64>,
    /// Who signs for it, in PEM; none when it speaks in the clear.
    pub authority: Option<String>,
}

/// What a service does to its answers, given the path and how often it was asked before.
pub type Change = fn(&str, u64, &mut Response<Body>);

impl Service {
    pub async fn start() -> Service {
        Service::changed(|_, _, _| ()).await
    }

    /// The same service in another version.
    pub async fn changed(change: Change) -> Service {
        Service::of(change, None).await
    }

    /// The same over TLS, as `localhost`.
    pub async fn private() -> Service {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = made.signing_key.serialize_der();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.try_into().unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let service = Service::of(|_, _, _| (), Some(acceptor)).await;
        Service { authority: Some(made.cert.pem()), ..service }
    }

    async fn of(change: Change, tls: Option<TlsAcceptor>) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let counter = Arc::clone(&counter);
                let service = hyper::service::service_fn(move |request| {
                    let count = counter.fetch_add(1, Ordering::SeqCst);
                    async move {
                        let path = request.uri().path().to_owned();
                        let mut response = answer(count, request).await;
                        change(&path, count, &mut response);
                        Ok::<_, Infallible>(response)
                    }
                });
                let tls = tls.clone();
                tokio::spawn(async move {
                    let builder =
                        hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    if let Some(tls) = tls {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                    } else {
                        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        Service { address, asked, authority: None }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn count(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

pub fn bits(bits: Vec<(u64, Bytes)>, trailers: Option<HeaderMap>) -> Body {
    let frames = bits.into_iter().map(|(ms, bytes)| (ms, Frame::data(bytes)));
    let frames = frames.chain(trailers.map(|trailers| (0, Frame::trailers(trailers))));
    let frames: Vec<_> = frames.collect();
    let stream = futures_util::stream::unfold(frames.into_iter(), |mut frames| async {
        let (ms, frame) = frames.next()?;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Some((Ok(frame), frames))
    });
    BodyExt::boxed(StreamBody::new(stream))
}

pub fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn whole(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into()).boxed()
}

pub const LARGE: usize = 50 << 20;

fn coded(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn compressed(path: &str, response: &mut Response<Body>) {
    let headers = response.headers_mut();
    match path {
        "/gzip" => {
            headers.insert("content-type", coded("application/json"));
            headers.insert("content-encoding", coded("gzip"));
            *response.body_mut() = whole(gzip(br#"{"packed":[1,2,3]}"#, 9));
        }
        "/br" => {
            headers.insert("content-encoding", coded("br"));
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 22);
            encoder.write_all(b"brotli brotli brotli").unwrap();
            *response.body_mut() = whole(encoder.into_inner());
        }
        "/zstd" => {
            headers.insert("content-encoding", coded("zstd"));
            let level = ruzstd::encoding::CompressionLevel::Uncompressed;
            *response.body_mut() =
                whole(ruzstd::encoding::compress_to_vec(&b"zstd zstd"[..], level));
        }
        _ => {
            headers.insert("content-encoding", coded("gzip"));
            *response.body_mut() = whole("this is no gzip");
        }
    }
}

async fn answer(count: u64, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut response = Response::new(whole(""));
    let headers = response.headers_mut();
    headers.insert("x-count", HeaderValue::from_str(&count.to_string()).unwrap());
    match head.uri.path() {
        "/gzip" | "/br" | "/zstd" | "/not-gzip" => compressed(head.uri.path(), &mut response),
        "/json" => {
            headers.insert("content-type", coded("application/json"));
            *response.body_mut() = whole(r#"{"id":1,"tags":["a","b"],"price":1.50}"#);
        }
        "/count" => *response.body_mut() = whole(count.to_string()),
        "/echo" => *response.body_mut() = whole(body),
        "/binary" => {
            headers.insert("content-type", coded("image/png"));
            *response.body_mut() = whole((0..=255u8).cycle().take(70_000).collect::<Vec<_>>());
        }
        "/large" => {
            let piece = Bytes::from(vec![b'0' + (count % 10) as u8; 1 << 20]);
            *response.body_mut() = bits(vec![(0, piece); LARGE >> 20], None);
        }
        "/repeats" => {
            headers.append("x-list", coded("b"));
            headers.append("x-list", coded("a"));
            headers.append("x-list", coded("b"));
            headers.append("link", coded("</a>; rel=next"));
            headers.append("link", coded("</b>; rel=prev"));
            headers.insert("x-latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        }
        "/sse" => {
            headers.insert("content-type", coded("text/event-stream"));
            let events = ["data: one\n\n", "data: two\n\n", "data: three\n\n"];
            let events = events.map(|text| (60, Bytes::from_static(text.as_bytes())));
            *response.body_mut() = bits(events.to_vec(), None);
        }
        "/trailers" => {
            headers.insert("trailer", coded("x-checksum, x-parts"));
            let mut trailers = HeaderMap::new();
            trailers.append("x-checksum", coded("abc"));
            trailers.append("x-parts", coded("1"));
            trailers.append("x-parts", coded("2"));
            *response.body_mut() =
                bits(vec![(0, Bytes::from_static(b"with trailers"))], Some(trailers));
        }
        "/none" => *response.status_mut() = http::StatusCode::NO_CONTENT,
        "/same" => {
            headers.insert("etag", coded("\"v1\""));
            *response.status_mut() = http::StatusCode::NOT_MODIFIED;
        }
        "/moved" => {
            headers.insert("location", coded("/json"));
            *response.status_mut() = http::StatusCode::FOUND;
        }
        "/token" => {
            headers.insert("content-type", coded("application/json"));
            let given = r#"{"access_token": "tok-4f9a8b7c6d5e", "expires_in": 3600}"#;
            *response.body_mut() = whole(given);
        }
        "/whoami" => {
            let who = head.headers.get("authorization").map_or("", |value| value.to_str().unwrap());
            let name = if who == "Bearer tok-4f9a8b7c6d5e" { "Kim" } else { "nobody" };
            *response.body_mut() = whole(name);
        }
        "/broken" => {
            headers.insert("content-length", coded("100"));
            *response.body_mut() = bits(vec![(0, Bytes::from_static(b"cut"))], None);
        }
        _ => *response.status_mut() = http::StatusCode::NOT_FOUND,
    }
    if head.method == http::Method::HEAD {
        // HTTP/2 sends what it is given, whatever was asked.
        let length = response.body().size_hint().exact().unwrap_or(0);
        response.headers_mut().insert("content-length", length.into());
        *response.body_mut() = whole("");
    }
    response
}
