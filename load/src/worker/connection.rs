//! One connection, and the request that is under way on it.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;

use super::stream::{Agreed, Stream, Tls};
use crate::clock::Nanos;
use crate::exchange;
use crate::response::{self, Malformed, Response};
use crate::tally::Failure;

/// A request that is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// When it was to be sent.
    pub(super) intended: Nanos,
    /// When that was noticed.
    pub(super) noticed: Nanos,
    /// Where what is asked stands.
    pub(super) asked: u32,
    /// How often it was sent and not begun with.
    pub(super) tries: u8,
}

impl Arrival {
    pub(super) fn new(intended: Nanos, noticed: Nanos, asked: u32) -> Arrival {
        Arrival { intended, noticed, asked, tries: 0 }
    }
}

/// What a connection is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    /// Connected, and TLS is agreed upon.
    Agreeing,
    Idle,
    /// The request goes out: so many bytes of it have.
    Sending(usize),
    Receiving,
}

/// A connection with its request.
pub(super) struct Connection {
    stream: Stream,
    pub(super) state: State,
    pub(super) response: Response,
    pub(super) arrival: Arrival,
    pub(super) started: Nanos,
    pub(super) sent: Nanos,
    pub(super) first_byte: Option<Nanos>,
    pub(super) kept: Kept,
    /// Whether nothing more will come.
    pub(super) is_ended: bool,
    /// How many requests it has carried.
    pub(super) uses: u64,
}

/// How much of a body is kept for whoever wants it, in bytes.
pub(super) const LARGEST_BODY: usize = 8 << 20;

/// How much room for one a connection holds on to, in bytes.
const USUAL_BODY: usize = 64 << 10;

/// What is kept of an answer.
#[derive(Default)]
pub(super) struct Kept {
    /// Its first bytes as they came.
    raw: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) is_whole: bool,
}

impl Kept {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.raw.clear();
        self.body.clear();
        // A large one is no reason to hold on to as much for ever, on each of many connections.
        self.body.shrink_to(USUAL_BODY);
        self.is_whole = true;
    }

    /// Its first bytes, where it does not come in one piece.
    pub(super) fn begin(&mut self, input: &[u8]) {
        self.raw.extend_from_slice(&input[..input.len().min(exchange::MOST)]);
    }

    /// The first bytes, when they were kept.
    pub(super) fn begun(&self) -> Option<&[u8]> {
        (!self.raw.is_empty()).then_some(&self.raw[..])
    }

    /// The last head: others may stand before it.
    pub(super) fn head(&self) -> &[u8] {
        let head = response::behind_interim(&self.raw);
        let end = head.windows(4).position(|four| four == b"\r\n\r\n");
        &head[..end.map_or(head.len(), |at| at + 4)]
    }
}

/// What came of reading.
pub(super) enum Came {
    /// So many bytes, and perhaps more.
    Bytes(usize),
    /// So many bytes, and no more for now.
    Last(usize),
    /// Nothing for now.
    Nothing,
    /// The end of the connection.
    End,
    /// It broke.
    Broken,
}

impl Connection {
    /// Begins to connect, for this arrival.
    pub(super) fn open(
        to: SocketAddr,
        arrival: Arrival,
        is_head: bool,
        tls: Option<&Tls>,
        now: Nanos,
    ) -> io::Result<Connection> {
        let stream = TcpStream::connect(to)?;
        // Requests are written whole; waiting for more to fill a packet would be a lie.
        let _ = stream.set_nodelay(true);
        Ok(Connection {
            stream: Stream::new(stream, tls)?,
            state: State::Connecting,
            response: Response::new(is_head),
            arrival,
            started: now,
            sent: 0,
            first_byte: None,
            kept: Kept::default(),
            is_ended: false,
            uses: 0,
        })
    }

    /// Takes what came in, and keeps it for whoever wants to look at it.
    pub(super) fn take_and_keep(
        &mut self,
        input: &[u8],
        has_body: bool,
    ) -> Result<usize, Malformed> {
        let Kept { raw, body, is_whole } = &mut self.kept;
        if self.response.status == 0 {
            raw.extend_from_slice(input);
        }
        self.response.take(input, &mut |part| {
            let most = if has_body { LARGEST_BODY } else { 0 };
            let room = most.saturating_sub(body.len()).min(part.len());
            body.extend_from_slice(&part[..room]);
            *is_whole &= room == part.len();
        })
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        self.stream.socket()
    }

    /// Whether the other end speaks HTTP/2: in TLS it says so, in the clear it has to be known.
    pub(super) fn speaks_http2(&self) -> bool {
        self.stream.is_agreed(b"h2")
    }

    /// Its bytes, for another protocol.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Goes on to agree upon TLS, where there is any.
    pub(super) fn agree(&mut self) -> Agreed {
        self.stream.agree()
    }

    /// Whether it is connected by now; the error says that it never will be.
    pub(super) fn is_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.socket().take_error()? {
            return Err(error);
        }
        match self.socket().peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends as much of the rest of the request as goes out now; whether all of it has.
    pub(super) fn send(&mut self, request: &[u8]) -> io::Result<bool> {
        let State::Sending(mut done) = self.state else { return Ok(true) };
        while done < request.len() {
            match self.stream.write(&request[done..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let is_sent = done == request.len() && self.stream.flush()?;
        self.state = if is_sent { State::Receiving } else { State::Sending(done) };
        Ok(is_sent)
    }

    /// Reads what is there. A read that does not fill the buffer has emptied the socket, so no
    /// other one is made to learn that.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Came {
        loop {
            return match self.stream.read(buffer) {
                Ok((0, _)) => Came::End,
                Ok((count, true)) => Came::Last(count),
                Ok((count, false)) => Came::Bytes(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Came::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => Came::Broken,
            };
        }
    }
}

/// What an error of connecting is.
pub(super) fn why(error: &io::Error) -> Failure {
    // EMFILE, ENFILE and EADDRNOTAVAIL: this machine's own limits.
    match error.raw_os_error() {
        Some(23 | 24 | 99) => Failure::Exhausted,
        _ => Failure::Connect,
    }
}
