//! One request on a connection of its own, waited for.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use http::HeaderMap;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConnection;

use super::{Multiplexed, Unanswered, asked, why};
use crate::clock::Nanos;
use crate::request::Request;
use crate::tally::Failure;
use crate::visit::Keeps;
use crate::worker::connection::Arrival;
use crate::worker::pending::ONE;
use crate::worker::stream::Stream;

/// For how long an answer that was given up would be remembered: there is no other.
const REMEMBERED: Nanos = 1_000_000_000;

/// Asks on a connection that is there, and agreed upon where it is private; gives the status and the
/// headers of the answer once all of it has come. It blocks until then, or until its time is over.
pub(crate) fn ask(
    socket: TcpStream,
    tls: Option<ClientConnection>,
    request: &Request,
    until: Instant,
) -> Result<(u16, HeaderMap), (Failure, String)> {
    let broken = |error: io::Error| (Failure::Exhausted, error.to_string());
    let ended = |why: &str| (Failure::Closed, why.to_owned());
    let Some((asked, body)) = asked(request, tls.is_some()) else {
        return Err((Failure::Check, "its path or host cannot be asked for in HTTP/2".to_owned()));
    };
    socket.set_nonblocking(true).map_err(broken)?;
    let mut socket = mio::net::TcpStream::from_std(socket);
    let (mut poll, mut events) = (Poll::new().map_err(broken)?, Events::with_capacity(8));
    let interest = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut socket, Token(0), interest).map_err(broken)?;
    let stream = match tls {
        None => Stream::Plain(socket),
        Some(tls) => Stream::Tls(Box::new((socket, tls))),
    };
    let mut many = Multiplexed::begin(stream, 0, REMEMBERED)
        .ok_or_else(|| ended("the connection ended at once"))?;
    many.send(Arrival::new(0, 0, ONE), asked, body, Keeps::Head)
        .map_err(|_| ended("the connection takes no request"))?;
    loop {
        let went = many.turn(0);
        match many.next(0) {
            Some(over) => match over.unanswered {
                None => return Ok(over.coming.into_head()),
                Some(
                    Unanswered::Failed(Failure::Closed) | Unanswered::Refused | Unanswered::Left,
                ) => {
                    return Err(ended("the connection ended before the answer did"));
                }
                Some(Unanswered::Failed(failure)) => {
                    return Err((failure, "what came is no answer in HTTP/2".to_owned()));
                }
            },
            None if went.is_err() => {
                return Err(match went.err().flatten() {
                    Some(error) => (why(&error), format!("HTTP/2 broke: {error}")),
                    None => ended("the connection ended before the answer did"),
                });
            }
            None => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return Err((Failure::Timeout, "there was no whole answer in time".to_owned()));
        }
        if many.is_awake() {
            continue;
        }
        match poll.poll(&mut events, Some(left)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(broken(error)),
            _ => many.wake(),
        }
    }
}
