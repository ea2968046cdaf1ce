//! One request before all others, slowly: what is wrong is said once and in full, and a service that
//! asks for patience is not loaded.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use crate::request::Request;
use crate::response::Response;
use crate::tally::Failure;
use crate::visit::{Origin, Protocol};
use crate::worker::http2;

/// How much of the answer is read for its headers, in bytes.
const HEAD: usize = 64 << 10;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// Who has answered.
    pub address: SocketAddr,
    /// Such as 200.
    pub status: u16,
    /// When it may be asked again, as the header says it; `Retry-After` in RFC 9110.
    pub retry_after: Option<String>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// Of which kind this is.
    pub failure: Failure,
    /// What went wrong, in words that go on after "because".
    pub why: String,
}

/// Asks an origin once, trying one address after the other. It blocks, no longer than the time-out
/// for the whole of each address.
pub fn ask_once(
    origin: &Origin,
    request: &Request,
    timeout: Duration,
) -> Result<First, Unanswered> {
    let mut last = no(Failure::Connect, "its name stands for no address");
    for address in &origin.addresses {
        let until = Instant::now() + timeout;
        match TcpStream::connect_timeout(address, timeout) {
            Ok(stream) => return exchanged(*address, stream, origin, request, until),
            Err(error) => last = no(Failure::Connect, &format!("{address}: {}", words(&error))),
        }
    }
    Err(last)
}

fn no(failure: Failure, why: &str) -> Unanswered {
    Unanswered { failure, why: why.to_owned() }
}

/// An error of the system without its number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let short = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = short.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

trait Talk: Read + Write {}
impl<T: Read + Write> Talk for T {}

fn exchanged(
    address: SocketAddr,
    mut stream: TcpStream,
    origin: &Origin,
    request: &Request,
    until: Instant,
) -> Result<First, Unanswered> {
    let clock = stream.try_clone().map_err(|error| no(Failure::Exhausted, &words(&error)))?;
    let limit = || {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        clock.set_read_timeout(Some(left)).and_then(|()| clock.set_write_timeout(Some(left)))
    };
    let closed = |error: &io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            no(Failure::Timeout, "there was no whole answer in time")
        }
        _ => no(Failure::Closed, &format!("the connection ended: {}", words(error))),
    };
    limit().map_err(|error| closed(&error))?;
    let private = match &origin.tls {
        None => None,
        Some(tls) => {
            let wrong = |why: String| no(Failure::Tls, &format!("TLS was not agreed upon: {why}"));
            let mut connection = ClientConnection::new(Arc::clone(&tls.config), tls.name.clone())
                .map_err(|error| wrong(error.to_string()))?;
            while connection.is_handshaking() {
                limit().map_err(|error| closed(&error))?;
                connection.complete_io(&mut stream).map_err(|error| wrong(words(&error)))?;
            }
            Some(connection)
        }
    };
    if origin.protocol != Protocol::Http1 {
        let speaks = private.as_ref().is_none_or(|tls| tls.alpn_protocol() == Some(b"h2"));
        if !speaks {
            return Err(no(Failure::Tls, "it was asked for HTTP/2 and does not speak it"));
        }
        let asked = http2::ask(stream, private, request, until);
        let (status, headers) = asked.map_err(|(failure, why)| no(failure, &why))?;
        let after = headers.get("retry-after");
        let retry_after =
            after.map(|after| String::from_utf8_lossy(after.as_bytes()).trim().to_owned());
        return Ok(First { address, status, retry_after });
    }
    let mut stream: Box<dyn Talk> = match private {
        None => Box::new(stream),
        Some(connection) => Box::new(StreamOwned::new(connection, stream)),
    };
    stream.write_all(request.bytes()).and_then(|()| stream.flush()).map_err(|e| closed(&e))?;
    let (mut response, mut head) = (Response::new(request.is_head()), Vec::new());
    let mut buffer = vec![0; 64 << 10];
    while !response.is_done() {
        if Instant::now() >= until {
            return Err(no(Failure::Timeout, "there was no whole answer in time"));
        }
        limit().map_err(|error| closed(&error))?;
        let count = match stream.read(&mut buffer) {
            Ok(0) if response.closed() => break,
            Ok(0) => return Err(no(Failure::Closed, "the connection ended before the answer did")),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(closed(&error)),
        };
        if head.len() < HEAD {
            head.extend_from_slice(&buffer[..count]);
        }
        response
            .take(&buffer[..count], &mut |_| {})
            .map_err(|error| no(Failure::Malformed, &format!("what came is no answer: {error}")))?;
    }
    Ok(First { address, status: response.status, retry_after: retry_after(&head) })
}

fn retry_after(head: &[u8]) -> Option<String> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Response::new(&mut fields);
    parsed.parse(head).ok()?;
    let field = parsed.headers.iter().find(|one| one.name.eq_ignore_ascii_case("retry-after"))?;
    Some(String::from_utf8_lossy(field.value).trim().to_owned())
}
