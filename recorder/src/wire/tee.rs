//! A body from upstream on its way to the client, and a copy of it for the recording.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::mpsc::UnboundedSender;

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

/// A body that is passed on and copied.
pub(super) struct Tee {
    inner: Incoming,
    /// Taken when it is done.
    copy: Option<Exchange>,
    started: Instant,
    to: UnboundedSender<Exchange>,
    is_whole: bool,
}

impl Tee {
    pub(super) fn new(inner: Incoming, copy: Exchange, to: UnboundedSender<Exchange>) -> Tee {
        Tee { inner, copy: Some(copy), started: Instant::now(), to, is_whole: false }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
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
        self.inner.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Tee {
    /// The server asks no further once it knows that there is no more, so this is where it ends.
    fn drop(&mut self) {
        let is_whole = self.is_whole || self.inner.is_end_stream();
        if let Some(mut copy) = self.copy.take() {
            if !is_whole && copy.cut_short.is_none() {
                copy.cut_short = Some("the client went away".to_owned());
            }
            let _ = self.to.send(copy);
        }
    }
}
