//! The way to the real service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::trust::{Trust, UNVOUCHED, is_unvouched};
use crate::spool::{Place, Spool};
use crate::{Error, Result};

/// Sends requests on; redirects and codings are left to the client that asked.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Sent>,
    /// Speaks HTTP/1.1 alone: a connection of HTTP/2 becomes nothing else.
    in_one: Client<HttpsConnector<HttpConnector>, Sent>,
}

impl Upstream {
    /// Trusts the system's authorities, and those of this PEM text.
    pub(crate) fn new(more_authorities: Option<&str>) -> Result<Upstream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = Arc::new(Trust::new(more_authorities, Arc::clone(&provider))?);
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(format!("preparing TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(trust)
            .with_no_client_auth();
        let one = HttpsConnectorBuilder::new().with_tls_config(config.clone()).https_or_http();
        let both = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        let client = Client::builder(TokioExecutor::new());
        Ok(Upstream {
            client: client.build(both.enable_http1().enable_http2().build()),
            in_one: client.build(one.enable_http1().build()),
        })
    }

    /// Sends a request on over HTTP/1.1, as one that asks for an upgrade has to be.
    pub(super) async fn send_in_one(
        &self,
        request: http::Request<Sent>,
    ) -> Result<http::Response<Incoming>, String> {
        self.in_one.request(request).await.map_err(|error| told(&error))
    }

    /// Sends a request on.
    pub(crate) async fn send(
        &self,
        request: http::Request<Sent>,
    ) -> Result<http::Response<Incoming>, String> {
        self.client.request(request).await.map_err(|error| told(&error))
    }
}

/// Why a service could not be asked, down to the cause.
fn told(error: &hyper_util::client::legacy::Error) -> String {
    if is_unvouched(error) {
        return UNVOUCHED.to_owned();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// The body of a request, which has come in whole.
pub(crate) struct Sent {
    pub(crate) spool: Spool,
    pub(crate) place: Place,
    /// In bytes.
    pub(crate) left: u64,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.next().transpose().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
