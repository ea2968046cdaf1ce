//! A hyper server that answers everything with the same bytes: what a replay is held against.
//!
//! `bare_server LENGTH` prints its address.

use std::convert::Infallible;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};

#[tokio::main]
async fn main() {
    let length: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("LENGTH");
    let body = Bytes::from(vec![b'x'; length]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::print_stdout, reason = "whoever starts it reads the address")]
    {
        println!("http://{address}");
    }
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = stream.set_nodelay(true);
        let body = body.clone();
        let service = hyper::service::service_fn(move |_| {
            let body = body.clone();
            async move {
                let response = Response::builder()
                    .header("content-type", "application/json")
                    .header("cache-control", "no-store")
                    .body(Full::new(body));
                Ok::<_, Infallible>(response.unwrap())
            }
        });
        tokio::spawn(async move {
            let mut builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            builder.http1().pipeline_flush(true);
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
