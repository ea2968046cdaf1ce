//! One connection of HTTP/2, and the requests that are under way on it. Framing, header compression
//! and flow control are h2's; when something is read or written is up to the thread.

mod coming;
mod once;
mod wire;

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Error, Reason};

use super::connection::Arrival;
use super::stream::Stream;
use crate::clock::Nanos;
use crate::request::Request;
use crate::tally::Failure;
use crate::visit::Keeps;
pub(super) use coming::Coming;
use coming::Progress;
pub(crate) use once::ask;
use wire::{Spoken, Wire, Woken};

/// How much may come before it was taken, in bytes: of one answer, and of all on a connection. As
/// much as browsers allow.
const WINDOW: u32 = 6 << 20;
const WINDOW_OF_ALL: u32 = 15 << 20;
/// How many answers that were given up are remembered.
const REMEMBERED: usize = 1000;
/// The longest head that is taken, in bytes, as in HTTP/1.1.
const LONGEST_HEAD: u32 = 64 << 10;

/// A connection that carries many requests.
pub(super) struct Multiplexed {
    connection: Connection<Spoken, Bytes>,
    requests: SendRequest<Bytes>,
    wire: Rc<Wire>,
    /// Whether there is something to read or to send.
    woken: Woken,
    /// By their places.
    places: Vec<(Option<Coming>, Woken)>,
    free: Vec<usize>,
    /// Requests that have not gone out.
    unsent: Vec<usize>,
    /// When it was agreed upon.
    pub(super) begun: Nanos,
    /// How many bytes had come when it was last asked.
    seen: u64,
    /// How many requests it has carried.
    pub(super) uses: u64,
    /// Whether it takes no more requests.
    pub(super) is_leaving: bool,
    /// Whether it is among those that have room for a request.
    pub(super) is_listed: bool,
    /// Whether it is among those that have something to do.
    pub(super) is_queued: bool,
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The server has not begun with it and says so: it may be sent again (RFC 9113, 8.7).
    Refused,
    /// The same, and it will begin with nothing more on this connection.
    Left,
    Failed(Failure),
}

/// A request that has come to its end.
pub(super) struct Over {
    pub(super) coming: Coming,
    /// How much has come on the connection since the last one.
    pub(super) bytes: u64,
    pub(super) unanswered: Option<Unanswered>,
}

impl Multiplexed {
    /// Begins on a connection that is agreed upon; none when its first bytes do not even go out.
    /// Answers that were given up are remembered for as long as others may take.
    pub(super) fn begin(stream: Stream, begun: Nanos, timeout: Nanos) -> Option<Multiplexed> {
        let wire = Rc::new(Wire::new(stream));
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW_OF_ALL)
            .max_header_list_size(LONGEST_HEAD)
            // How many it takes is not known before it has said so.
            .initial_max_send_streams(1)
            // Who answers late what was given up is slow, and nothing is wrong with the connection.
            .reset_stream_duration(Duration::from_nanos(timeout))
            .max_concurrent_reset_streams(REMEMBERED)
            .max_local_error_reset_streams(None);
        let woken = Woken::new();
        let agreed = pin!(builder.handshake::<_, Bytes>(Spoken(Rc::clone(&wire))));
        // Nothing has gone out before: there is room for it.
        let Poll::Ready(Ok((requests, connection))) =
            agreed.poll(&mut Context::from_waker(&woken.waker))
        else {
            return None;
        };
        woken.set();
        Some(Multiplexed {
            connection,
            requests,
            wire,
            woken,
            places: Vec::new(),
            free: Vec::new(),
            unsent: Vec::new(),
            begun,
            seen: 0,
            uses: 0,
            is_leaving: false,
            is_listed: false,
            is_queued: false,
        })
    }

    /// There may be something to read, or room to write.
    pub(super) fn wake(&mut self) {
        self.woken.set();
    }

    /// Whether there is something to do.
    pub(super) fn is_awake(&self) -> bool {
        self.woken.is_set()
            || self.places.iter().any(|(coming, woken)| coming.is_some() && woken.is_set())
    }

    /// How many requests are under way.
    pub(super) fn under_way(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether it may carry another request, where so many at once and so many in all are allowed.
    pub(super) fn has_room(&self, streams: usize, reuse: u64) -> bool {
        let most = streams.min(self.requests.current_max_send_streams());
        !self.is_leaving && self.uses < reuse && self.under_way() < most
    }

    /// Sends a request; gives the arrival back when this connection takes no more.
    pub(super) fn send(
        &mut self,
        arrival: Arrival,
        request: http::Request<()>,
        body: &Bytes,
        keeps: Keeps,
    ) -> Result<(), Arrival> {
        let mut context = Context::from_waker(&self.woken.waker);
        let sent = match self.requests.poll_ready(&mut context) {
            Poll::Ready(Ok(())) => self.requests.send_request(request, body.is_empty()),
            Poll::Ready(Err(error)) => Err(error),
            // Another one has not gone out: it does with the next turn.
            Poll::Pending => return Err(arrival),
        };
        let Ok((answer, mut sending)) = sent else {
            self.is_leaving = true;
            return Err(arrival);
        };
        if !body.is_empty() && sending.send_data(body.clone(), true).is_err() {
            self.is_leaving = true;
            return Err(arrival);
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((None, Woken::new()));
            self.places.len() - 1
        });
        self.uses += 1;
        self.unsent.push(place);
        let (coming, woken) = &mut self.places[place];
        woken.set();
        *coming = Some(Coming::new(answer, arrival, keeps, self.wire.read()));
        self.woken.set();
        Ok(())
    }

    /// Reads and sends what there is. The error says what became of the connection: nothing at all
    /// where it has ended as it should.
    pub(super) fn turn(&mut self, now: Nanos) -> Result<(), Option<Error>> {
        if !self.woken.take() {
            return Ok(());
        }
        for place in self.unsent.drain(..) {
            if let Some(coming) = &mut self.places[place].0 {
                coming.sent = now;
            }
        }
        self.wire.turn();
        let mut context = Context::from_waker(&self.woken.waker);
        match Pin::new(&mut self.connection).poll(&mut context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => Err(None),
            Poll::Ready(Err(error)) => Err(Some(error)),
        }
    }

    /// The next request that has come to its end.
    pub(super) fn next(&mut self, now: Nanos) -> Option<Over> {
        for place in 0..self.places.len() {
            let (coming, woken) = &mut self.places[place];
            let Some(one) = coming else { continue };
            if !woken.take() {
                continue;
            }
            let ended = match one.go_on(&mut Context::from_waker(&woken.waker), now) {
                Progress::More => continue,
                Progress::Done => None,
                Progress::Broken(error) => Some(unanswered(&error)),
            };
            return self.take(place, ended);
        }
        None
    }

    /// A request that is under way and that this holds for, as one that was given up for this.
    pub(super) fn give_up(
        &mut self,
        is_late: impl Fn(&Arrival) -> bool,
        failure: Failure,
    ) -> Option<Over> {
        let place = self.places.iter().position(|(coming, _)| {
            coming.as_ref().is_some_and(|coming| is_late(&coming.arrival))
        })?;
        let over = self.take(place, Some(Unanswered::Failed(failure)))?;
        // Nothing at all has come since: the other end may be gone.
        self.is_leaving |= over.coming.read_before == self.wire.read();
        self.woken.set();
        Some(over)
    }

    fn take(&mut self, place: usize, unanswered: Option<Unanswered>) -> Option<Over> {
        let coming = self.places[place].0.take()?;
        self.free.push(place);
        let bytes = self.wire.read() - self.seen;
        self.seen = self.wire.read();
        Some(Over { coming, bytes, unanswered })
    }
}

/// What an error means for a request.
fn unanswered(error: &Error) -> Unanswered {
    match error.reason() {
        Some(Reason::REFUSED_STREAM) if error.is_remote() => Unanswered::Refused,
        Some(Reason::NO_ERROR) if error.is_remote() && error.is_go_away() => Unanswered::Left,
        _ => Unanswered::Failed(why(error)),
    }
}

/// What an error of the connection is.
pub(super) fn why(error: &Error) -> Failure {
    // What h2 itself complains of is what the server has sent.
    if error.is_library() { Failure::Malformed } else { Failure::Closed }
}

/// A request as HTTP/2 sends it.
pub(super) fn asked(request: &Request, is_private: bool) -> Option<(http::Request<()>, &Bytes)> {
    let parts = request.parts()?;
    let scheme = if is_private { "https" } else { "http" };
    let uri = http::Uri::builder()
        .scheme(scheme)
        .authority(parts.authority.clone())
        .path_and_query(parts.path.clone())
        .build()
        .ok()?;
    let mut asked = http::Request::new(());
    *asked.method_mut() = parts.method.clone();
    *asked.uri_mut() = uri;
    *asked.version_mut() = http::Version::HTTP_2;
    *asked.headers_mut() = parts.headers.clone();
    Some((asked, &parts.body))
}
