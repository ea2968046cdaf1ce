//! Where workers come in: whoever has not the token is turned away, counted, and takes nobody's
//! place.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use gate_core::Error;

use super::line::{self, Hearing, Line};
use super::link::{Broken, Side};
use super::message::{FIRST, Greeting};
use super::token::Token;

/// How often it is looked who has come.
const TICK: Duration = Duration::from_millis(10);
/// How long it waits when it may open no more files.
const PAUSE: Duration = Duration::from_millis(200);
/// How many may be proving who they are at once.
const AT_ONCE: usize = 64;
/// How many who have come may wait to be let in.
const WAITING: usize = 64;

/// Who has come.
pub(crate) enum Knock {
    /// One with the token.
    Worker(Box<Arrived>),
    /// One without.
    Stranger { peer: SocketAddr, why: Broken },
    /// Too many to be asked who they are.
    Crowd { peer: SocketAddr },
}

/// A worker that has shown that it has the token.
pub(crate) struct Arrived {
    pub(crate) line: Line,
    pub(crate) hearing: Hearing,
    pub(crate) greeting: Greeting,
}

/// A socket on which workers are waited for. It is closed when this is dropped.
pub(crate) struct Door {
    address: SocketAddr,
    knocks: Receiver<Knock>,
    is_closed: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Door {
    /// Listens on the first of these addresses on which it may.
    pub(crate) fn open(addresses: &[SocketAddr], token: &Token) -> Result<Door, Error> {
        let listener = TcpListener::bind(addresses).map_err(|error| {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            Error::new(format!("cannot listen on {}: {error}", shown.join(" or ")))
                .hint("name another address or port: --listen 0.0.0.0:8123")
        })?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let (send, knocks) = mpsc::sync_channel(WAITING);
        let (closed, token) = (Arc::clone(&is_closed), token.clone());
        let listening = Some(thread::spawn(move || listen(&listener, &token, &send, &closed)));
        Ok(Door { address, knocks, is_closed, listening })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it can be reached from this machine.
    pub(crate) fn nearby(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// Who comes next, if anybody does so soon.
    pub(crate) fn next(&self, within: Duration) -> Option<Knock> {
        match self.knocks.recv_timeout(within) {
            Ok(knock) => Some(knock),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(within);
                None
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        if let Some(listening) = self.listening.take() {
            // It looks at the flag often; a panic of its would have been told.
            let _ = listening.join();
        }
    }
}

fn listen(listener: &TcpListener, token: &Token, send: &SyncSender<Knock>, closed: &AtomicBool) {
    let asking = Arc::new(AtomicUsize::new(0));
    while !closed.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, peer)) => {
                let peer = line::shown(peer);
                if asking.load(Ordering::Relaxed) >= AT_ONCE {
                    // Who cannot be told of is only turned away.
                    let _ = send.try_send(Knock::Crowd { peer });
                    continue;
                }
                asking.fetch_add(1, Ordering::Relaxed);
                let (token, send, asked) = (token.clone(), send.clone(), Arc::clone(&asking));
                thread::spawn(move || {
                    let knock = ask(stream, peer, &token);
                    asked.fetch_sub(1, Ordering::Relaxed);
                    match knock {
                        // Once nobody is waited for any more, the connection is ended.
                        Knock::Worker(_) => drop(send.send(knock)),
                        _ => drop(send.try_send(knock)),
                    }
                });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(TICK),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn ask(stream: TcpStream, peer: SocketAddr, token: &Token) -> Knock {
    let asked = line::open(stream, token, Side::Coordinator).and_then(|(line, mut hearing)| {
        let greeting = hearing.hear_first(FIRST)?;
        Ok(Knock::Worker(Box::new(Arrived { line, hearing, greeting })))
    });
    asked.unwrap_or_else(|why| Knock::Stranger { peer, why })
}
