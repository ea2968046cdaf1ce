//! A body from upstream on its way to the client, and a copy of it for the recording.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::reply::BoxError;
use crate::message::{Headers, Request, Timing};
use crate::spool::Spool;

/// How many bits of one body are told apart.
const MOST_BITS: usize = 100_000;

/// An exchange that came to its end, before its secrets are taken out.
pub(super) struct Exchange {
    /// Its place in the order of requests.
    pub(super) order: u64,
    /// Redacted already.
    pub(super) request: Request,
    pub(super) status: u16,
    pub(super) headers: Headers,
    /// As it came over the wire.
    pub(super) body: Spool,
    pub(super) trailers: HeaderMap,
    pub(super) timing: Timing,
    /// Why it is not whole.
    pub(super) cut_short: Option<String>,
}

/// How long a body is read to its end after its client has gone: a client that has seen the status
/// often wants no more, and the recording is to be whole all the same.
const AFTER_CLIENT: Duration = Duration::from_secs(10);

/// Where copies go when they are done.
#[derive(Clone)]
pub(super) struct Tape {
    pub(super) to: UnboundedSender<Exchange>,
    /// Bodies that are read on without a client.
    pub(super) reading: TaskTracker,
}

/// A body that is passed on and copied.
pub(super) struct Tee {
    /// The recording waits for it at its end.
    _token: TaskTrackerToken,
    /// Taken when it is read on without a client.
    inner: Option<Incoming>,
    /// Taken when it is done.
    copy: Option<Exchange>,
    started: Instant,
    tape: Tape,
    is_whole: bool,
}

impl Tee {
    pub(super) fn new(inner: Incoming, copy: Exchange, tape: Tape) -> Tee {
        let (inner, copy) = (Some(inner), Some(copy));
        let token = tape.reading.token();
        Tee { _token: token, inner, copy, started: Instant::now(), tape, is_whole: false }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let polled = std::task::ready!(Pin::new(inner).poll_frame(cx));
        let Some(copy) = &mut self.copy else { return Poll::Ready(polled.map(|frame| Ok(frame?))) };
        match &polled {
            None => self.is_whole = true,
            Some(Err(error)) => copy.cut_short = Some(format!("upstream stopped: {error}")),
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    let at = self.started.elapsed().as_millis() as u64;
                    if copy.timing.chunks.len() < MOST_BITS {
                        copy.timing.chunks.push((at, bytes.len() as u64));
                    }
                    if let Err(error) = copy.body.take(bytes) {
                        copy.cut_short = Some(format!("it could not be kept: {error}"));
                    }
                }
                if let Some(trailers) = frame.trailers_ref() {
                    copy.trailers = trailers.clone();
                    // They are the last frame, and nobody may ask for another.
                    self.is_whole = true;
                }
            }
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Tee {
    /// The server asks no further once it knows that there is no more, so this is where it ends.
    fn drop(&mut self) {
        let is_done = self.is_whole || self.is_end_stream();
        let Some(copy) = self.copy.take() else { return };
        let inner = self.inner.take();
        match inner.filter(|_| !is_done && copy.cut_short.is_none()) {
            None => {
                let _ = self.tape.to.send(copy);
            }
            Some(inner) => {
                let tape = self.tape.clone();
                let tee = Tee::new(inner, copy, tape);
                self.tape.reading.spawn(read_on(tee));
            }
        }
    }
}

/// Reads a body to its end although nobody wants it any more.
async fn read_on(mut tee: Tee) {
    let read = async {
        while std::future::poll_fn(|cx| tee.poll(cx)).await.is_some_and(|frame| frame.is_ok()) {}
    };
    let in_time = tokio::time::timeout(AFTER_CLIENT, read).await.is_ok();
    if let Some(copy) = &mut tee.copy
        && !in_time
        && copy.cut_short.is_none()
    {
        copy.cut_short = Some("the client went away".to_owned());
    }
}
