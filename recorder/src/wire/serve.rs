//! Connections of clients, and the tunnels that they ask a forward proxy for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::State;
use super::answering::Answering;
use super::exchange;
use super::goes::Via;
use super::reply::Reply;
use super::tunnel;

/// How long what is under way may take once it is to stop.
const GRACE: std::time::Duration = std::time::Duration::from_secs(10);

/// Takes connections until it is to stop.
pub(super) async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many open files, for instance: others may be closed soon.
                Err(_) => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                }
            },
            _ = stopped.changed() => break,
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        let connection = connection(TokioIo::new(stream), state, Via::default());
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            let _ = watched.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

/// Up to which length answers are put behind their heads, in bytes. Two small pieces cost the
/// system more than copying them; a large one that was not read for a while costs more to copy.
const COPIED: usize = 2048;

fn builder(state: &State) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // What was recorded is sent: a date that was not recorded is not made up.
    let is_copied = state.library.usual_length() <= COPIED;
    builder.http1().auto_date_header(false).pipeline_flush(is_copied);
    builder.http2().auto_date_header(false).max_concurrent_streams(1000);
    builder
}

fn connection<I>(
    io: I,
    state: Arc<State>,
    via: Via,
) -> hyper_util::server::conn::auto::UpgradeableConnection<
    'static,
    I,
    impl hyper::service::Service<
        Request<Incoming>,
        Response = Response<Reply>,
        Error = Closed,
        Future: Send,
    >,
    TokioExecutor,
>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let via = Arc::new(via);
    let builder = builder(&state);
    let service =
        service_fn(move |request: Request<Incoming>| Served(respond(&state, &via, request)));
    builder.serve_connection_with_upgrades(io, service).into_owned()
}

/// The connection is closed without an answer, on purpose.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

/// An answer as the server wants it.
struct Served(Answering);

impl Future for Served {
    type Output = Result<Response<Reply>, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.ok_or(Closed))
    }
}

fn respond(state: &Arc<State>, via: &Arc<Via>, request: Request<Incoming>) -> Answering {
    let is_forward = state.authority.is_some() && via.authority.is_none();
    if request.method() == Method::CONNECT {
        if !is_forward {
            let why = "this is no proxy: nothing can be tunnelled through it";
            return Answering::given(exchange::refusal(400, why));
        }
        return Answering::given(tunnel::connect(Arc::clone(state), request));
    }
    exchange::respond(state, via, request)
}

/// Speaks HTTP inside a tunnel.
pub(super) async fn inside(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    state: Arc<State>,
    via: Via,
) {
    let _ = connection(TokioIo::new(stream), state, via).await;
}
