//! CONNECT: the client believes that it speaks to the host that it named.

use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsAcceptor;

use super::exchange::refusal;
use super::goes::Via;
use super::reply::Reply;
use super::serve;
use super::{State, Watch};

/// The user that a client gives to the proxy, who is the name of a session.
pub(super) fn user(headers: &HeaderMap) -> String {
    use base64::Engine as _;
    let value =
        headers.get(http::header::PROXY_AUTHORIZATION).and_then(|value| value.to_str().ok());
    let coded = value.and_then(|value| value.strip_prefix("Basic "));
    let plain =
        coded.and_then(|coded| base64::engine::general_purpose::STANDARD.decode(coded).ok());
    let text = plain.and_then(|plain| String::from_utf8(plain).ok()).unwrap_or_default();
    text.split_once(':').map_or(text.as_str(), |(user, _)| user).to_owned()
}

/// Answers that the tunnel is there, and speaks as the host inside it.
pub(super) fn connect(state: Arc<State>, request: Request<Incoming>) -> Response<Reply> {
    let Some(authority) = request.uri().authority().map(ToString::to_string) else {
        return refusal(400, "a tunnel goes to a host and a port");
    };
    let user = user(request.headers());
    let connecting = Connecting::of(&state);
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let mut stream = TokioIo::new(upgraded);
        // TLS begins with 22; anything else is HTTP in the clear, as some clients tunnel it.
        let mut first = [0];
        if stream.read_exact(&mut first).await.is_err() {
            return;
        }
        let stream = Rewound { first: Some(first[0]), inner: stream };
        if first[0] != 22 {
            drop(connecting);
            let via = Via { scheme: "http", authority: Some(authority), user };
            return serve::inside(stream, state, via).await;
        }
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        let config = state.authority.as_ref().map(|own| own.config(host));
        let config = match config {
            Some(Ok(config)) => config,
            Some(Err(error)) => return state.failed(format!("{authority}: {error}")),
            None => return,
        };
        match TlsAcceptor::from(config).accept(stream).await {
            Ok(stream) => {
                drop(connecting);
                let via = Via { scheme: "https", authority: Some(authority), user };
                serve::inside(stream, state, via).await;
            }
            Err(error) => state.failed(format!(
                "a client did not accept the certificate for {host} ({error}): it does not know the \
                 authority of this run"
            )),
        }
    });
    Response::new(Reply::Whole(None))
}

/// Tells who looks on that a connection is being made.
struct Connecting(Option<Arc<dyn Watch>>);

impl Connecting {
    fn of(state: &State) -> Connecting {
        if let Some(watch) = &state.watch {
            watch.connecting(true);
        }
        Connecting(state.watch.clone())
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(watch) = &self.0 {
            watch.connecting(false);
        }
    }
}

/// A stream of which the first byte was read already.
struct Rewound<S> {
    first: Option<u8>,
    inner: S,
}

mod rewound {
    use std::io::Result;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Rewound;

    impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            to: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            if to.remaining() > 0
                && let Some(first) = self.first.take()
            {
                to.put_slice(&[first]);
                return Poll::Ready(Ok(()));
            }
            Pin::new(&mut self.inner).poll_read(cx, to)
        }
    }

    impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            from: &[u8],
        ) -> Poll<Result<usize>> {
            Pin::new(&mut self.inner).poll_write(cx, from)
        }
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.inner).poll_flush(cx)
        }
        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.inner).poll_shutdown(cx)
        }
    }
}
