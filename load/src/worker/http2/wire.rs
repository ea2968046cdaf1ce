//! What a connection of HTTP/2 reads from and writes to: never waiting, as the thread that it
//! belongs to waits for all of them at once.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::worker::stream::Stream;

/// The bytes of a connection. What is said to be pending is tried again when the system tells that
/// it may go on.
pub(super) struct Wire {
    stream: RefCell<Stream>,
    read: Cell<u64>,
    /// How much may be read before others have their turn.
    left: Cell<usize>,
}

/// How much is read in a turn, in bytes: who sends without an end does not keep the others from
/// theirs.
const TURN: usize = 64 << 10;

impl Wire {
    pub(super) fn new(stream: Stream) -> Wire {
        Wire { stream: RefCell::new(stream), read: Cell::new(0), left: Cell::new(0) }
    }

    /// It has its turn.
    pub(super) fn turn(&self) {
        self.left.set(TURN);
    }

    /// How many bytes have come.
    pub(super) fn read(&self) -> u64 {
        self.read.get()
    }
}

/// The end of it that HTTP/2 is spoken at.
pub(super) struct Spoken(pub(super) Rc<Wire>);

fn polled<T>(done: io::Result<T>) -> Poll<io::Result<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

impl AsyncRead for Spoken {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.left.get() == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = loop {
            match self.0.stream.borrow_mut().read(buffer.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        polled(read).map_ok(|(count, _)| {
            buffer.advance(count);
            self.0.read.set(self.0.read.get() + count as u64);
            self.0.left.set(self.0.left.get().saturating_sub(count));
        })
    }
}

impl AsyncWrite for Spoken {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.0.stream.borrow_mut().write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return polled(other),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.stream.borrow_mut().flush() {
            Ok(false) => Poll::Pending,
            Ok(true) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether somebody is to be asked again.
#[derive(Clone)]
pub(super) struct Woken {
    flag: Arc<Flag>,
    pub(super) waker: Waker,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Woken {
    pub(super) fn new() -> Woken {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Woken { waker: Waker::from(Arc::clone(&flag)), flag }
    }

    pub(super) fn set(&self) {
        self.flag.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.flag.0.load(Ordering::Relaxed)
    }

    /// Whether it was woken since it was last asked. All is done by one thread.
    pub(super) fn take(&self) -> bool {
        let was = self.is_set();
        self.flag.0.store(false, Ordering::Relaxed);
        was
    }
}
