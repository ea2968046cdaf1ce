//! Bodies that are sent to a client: from the recording, or as they come from upstream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::tee::Tee;

/// What ends a body before its end.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body on its way to a client.
pub(super) enum Reply {
    /// At once.
    Whole(Option<Bytes>),
    /// Bit by bit.
    Bits(Bits),
    /// As it comes from upstream, copied on its way.
    Tee(Box<Tee>),
    /// Bytes of a file.
    File(Box<FileBody>),
}

impl Reply {
    pub(super) fn text(text: impl Into<Bytes>) -> Reply {
        Reply::Whole(Some(text.into()))
    }
}

/// How long a body that breaks off waits before it does.
const FLUSHED: Duration = Duration::from_millis(20);

/// A body in bits, each at its time, then trailers.
pub(super) struct Bits {
    /// The body breaks off after its last bit.
    is_cut: bool,
    queue: VecDeque<(Duration, Bytes)>,
    trailers: Option<HeaderMap>,
    started: Option<Instant>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Bits {
    pub(super) fn new(queue: VecDeque<(Duration, Bytes)>, trailers: Option<HeaderMap>) -> Bits {
        Bits { is_cut: false, queue, trailers, started: None, waiting: None }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let started = *self.started.get_or_insert_with(Instant::now);
        if let Some((at, _)) = self.queue.front() {
            if !at.is_zero() {
                let due = started + *at;
                let waiting =
                    self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
                std::task::ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
            }
            let bit = self.queue.pop_front().map(|(_, bytes)| Ok(Frame::data(bytes)));
            return Poll::Ready(bit);
        }
        if self.is_cut {
            // What was given so far is to reach the client before the connection goes.
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(FLUSHED)));
            std::task::ready!(waiting.as_mut().poll(cx));
            self.is_cut = false;
            return Poll::Ready(Some(Err("the answer breaks off on purpose".into())));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    /// The same, broken off after its last bit.
    pub(super) fn cut(mut self) -> Bits {
        self.is_cut = true;
        self
    }
}

/// The bytes of a file, read a piece at a time.
pub(super) struct FileBody {
    pub(super) file: tokio::fs::File,
    pub(super) left: u64,
    pub(super) buffer: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
}

/// How much of a file is read at once, in bytes.
pub(super) const PIECE: usize = 128 << 10;

impl FileBody {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        use tokio::io::AsyncRead;
        if self.left == 0 {
            return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
        }
        self.buffer.resize(PIECE.min(self.left as usize), 0);
        let mut into = tokio::io::ReadBuf::new(&mut self.buffer);
        std::task::ready!(Pin::new(&mut self.file).poll_read(cx, &mut into))?;
        let read = into.filled().len();
        if read == 0 {
            return Poll::Ready(Some(Err("a body of the cassette was cut short".into())));
        }
        self.left -= read as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(&self.buffer[..read])))))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Reply::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Reply::Bits(bits) => bits.poll(cx),
            Reply::Tee(tee) => tee.poll(cx),
            Reply::File(file) => file.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Reply::Whole(bytes) => bytes.is_none(),
            Reply::Bits(bits) => bits.queue.is_empty() && bits.trailers.is_none() && !bits.is_cut,
            Reply::Tee(tee) => tee.is_end_stream(),
            Reply::File(file) => file.left == 0 && file.trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Reply::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            Reply::Bits(_) => SizeHint::default(),
            Reply::Tee(tee) => tee.size_hint(),
            Reply::File(file) => SizeHint::with_exact(file.left),
        }
    }
}
