//! A link over TCP on which several threads may speak.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::link::{Broken, Opener, Sealer, Side, agree};
use super::message::MOST;
use super::token::Token;

/// How long a worker goes on without a word from its coordinator.
const ALONE: Duration = Duration::from_secs(2);
/// How long nothing may come from a worker until it counts as lost.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);
/// In how many parts that is waited for: a machine that stood still for longer than all of it lets
/// the other end speak before it takes that for silent.
const PARTS: u32 = 4;
/// How often each end says that it is there.
const ALIVE: Duration = Duration::from_millis(250);
/// How long agreeing may take in all.
const AGREEING: Duration = Duration::from_secs(5);

/// The end that speaks.
#[derive(Clone)]
pub(crate) struct Line {
    speaking: Arc<Mutex<(TcpStream, Sealer)>>,
    peer: SocketAddr,
}

/// The end that hears.
pub(crate) struct Hearing {
    stream: TcpStream,
    silence: Duration,
    opener: Opener,
}

/// Agrees with the other end of a connection, and gives both ends of the line.
pub(crate) fn open(
    stream: TcpStream,
    token: &Token,
    side: Side,
) -> Result<(Line, Hearing), Broken> {
    let peer = shown(stream.peer_addr()?);
    stream.set_nonblocking(false)?;
    // A second that waits for the next one would be late.
    stream.set_nodelay(true)?;
    let mut patient = Patient { stream: &stream, until: Instant::now() + AGREEING };
    let (sealer, opener) = agree(&mut patient, token, side)?;
    let silence = if side == Side::Worker { ALONE } else { SILENCE };
    stream.set_read_timeout(Some(silence / PARTS))?;
    stream.set_write_timeout(Some(silence))?;
    let speaking = Arc::new(Mutex::new((stream.try_clone()?, sealer)));
    Ok((Line { speaking, peer }, Hearing { stream, silence, opener }))
}

/// An address as people know it: one of IPv4 that comes over IPv6 is one of IPv4.
pub(crate) fn shown(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

impl Line {
    /// Who is at the other end.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn say(&self, message: &impl Serialize) -> Result<(), Broken> {
        let bytes = serde_json::to_vec(message).map_err(|_| Broken::Senseless)?;
        if bytes.len() > MOST {
            return Err(Broken::TooLong);
        }
        let mut speaking = self.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        let (stream, sealer) = &mut *speaking;
        let said = sealer.send(stream, &bytes);
        if said.is_err() {
            // Half a message may have gone out: nothing that follows it would open.
            let _ = stream.shutdown(Shutdown::Both);
        }
        said
    }

    /// Says from time to time that this end is there, until the line is ended.
    pub(crate) fn keep_alive(&self, message: impl Serialize + Send + 'static) {
        let line = self.clone();
        thread::spawn(move || {
            while line.say(&message).is_ok() {
                thread::sleep(ALIVE);
            }
        });
    }

    /// Says nothing more; what was said still arrives.
    pub(crate) fn finish(&self) {
        self.shut(Shutdown::Write);
    }

    pub(crate) fn end(&self) {
        self.shut(Shutdown::Both);
    }

    fn shut(&self, how: Shutdown) {
        let speaking = self.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have ended already.
        let _ = speaking.0.shutdown(how);
    }
}

impl Hearing {
    /// Waits for a message; gives when it came, too.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Result<(T, Instant), Broken> {
        let sealed = Opener::read(&mut Waiting(&self.stream), MOST)?;
        let came = Instant::now();
        Ok((read(&self.opener.open(sealed)?)?, came))
    }

    /// The first message, which is short and comes soon.
    pub(crate) fn hear_first<T: DeserializeOwned>(&mut self, most: usize) -> Result<T, Broken> {
        let until = Instant::now() + AGREEING;
        let sealed = Opener::read(&mut Patient { stream: &self.stream, until }, most)?;
        let opened = self.opener.open(sealed)?;
        self.stream.set_read_timeout(Some(self.silence / PARTS))?;
        read(&opened)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Broken> {
    serde_json::from_slice(bytes).map_err(|_| Broken::Senseless)
}

/// A stream that is waited for in parts.
struct Waiting<'s>(&'s TcpStream);

impl Read for Waiting<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        for _ in 1..PARTS {
            match self.0.read(bytes) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                other => return other,
            }
        }
        self.0.read(bytes)
    }
}

/// A stream of which all that is read and written has to be done by an instant: one that drips
/// holds nobody up for longer.
struct Patient<'s> {
    stream: &'s TcpStream,
    until: Instant,
}

impl Patient<'_> {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(bytes)
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
