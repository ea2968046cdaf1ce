//! A service that says what it was told, in several ways.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

pub struct Upstream {
    address: SocketAddr,
}

impl Upstream {
    pub async fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = hyper::service::service_fn(|request| async {
                    Ok::<_, Infallible>(answer(request).await)
                });
                tokio::spawn(async move {
                    let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Upstream { address }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn whole(bytes: impl Into<Bytes>) -> BoxBody<Bytes, Infallible> {
    Full::new(bytes.into()).boxed()
}

/// Lines without any secret, with the body among them.
fn large(body: &[u8]) -> Vec<u8> {
    let line = b"an ordinary line of a large answer\n".repeat(2000);
    [&line[..], body, b"\n", &line].concat()
}

async fn answer(request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut response = Response::new(whole(""));
    if let Some(media_type) = head.headers.get("content-type") {
        response.headers_mut().insert("content-type", media_type.clone());
    }
    if let Some(encoding) = head.headers.get("content-encoding") {
        response.headers_mut().insert("content-encoding", encoding.clone());
    }
    let path = head.uri.path();
    match path {
        "/echo" => *response.body_mut() = whole(body),
        "/gzip" => {
            response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
            *response.body_mut() = whole(super::corpus::gzip(&body));
        }
        "/large" => {
            response.headers_mut().remove("content-encoding");
            *response.body_mut() = whole(large(&body));
        }
        "/huge" => {
            let piece = Bytes::from(large(&body));
            let pieces =
                (0..(101 << 20) / piece.len()).map(move |_| Ok(Frame::data(piece.clone())));
            *response.body_mut() =
                BodyExt::boxed(StreamBody::new(futures_util::stream::iter(pieces)));
        }
        "/endless" => {
            let piece = Bytes::from(large(&body));
            let pieces = futures_util::stream::repeat_with(move || Ok(Frame::data(piece.clone())));
            *response.body_mut() = BodyExt::boxed(StreamBody::new(pieces));
        }
        _ => {
            response.headers_mut().remove("content-encoding");
            if let Some(cookie) = path.strip_prefix("/cookie/") {
                let value = HeaderValue::from_str(&format!("sid={cookie}; HttpOnly")).unwrap();
                response.headers_mut().insert("set-cookie", value);
            }
        }
    }
    response
}
