//! Visits of several requests: who makes them up, and what the engine needs to know of them.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::clock::Nanos;
use crate::request::Request;
use crate::worker::Tls;

/// A server.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What its name stands for; connections take turns.
    pub addresses: Vec<SocketAddr>,
    /// How connections are made private; none for plain ones.
    pub tls: Option<Tls>,
    /// What is spoken on them.
    pub protocol: Protocol,
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 (RFC 9113): agreed upon with TLS, and with prior knowledge in the clear.
    Http2 {
        /// How many requests may be under way on one connection at once.
        streams: usize,
    },
}

impl Protocol {
    /// How many requests may be under way on one connection at once.
    pub fn streams(self) -> usize {
        match self {
            Protocol::Http1 => 1,
            Protocol::Http2 { streams } => streams.max(1),
        }
    }

    /// Its name, such as `HTTP/1.1`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 { .. } => "HTTP/2",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Asks {
    /// Always the same, of the first origin.
    One(Request),
    /// What this makes up.
    Script(Arc<dyn Script>),
}

/// How visits go. Every thread has its own part of them.
pub trait Script: Debug + Send + Sync {
    /// How many steps there are in all: what is counted apart.
    fn steps(&self) -> usize;
    /// The visits of one thread.
    fn visits(&self) -> Box<dyn Visits>;
}

/// The visits of a thread.
pub trait Visits: Send {
    /// Somebody comes, the so-many-th of the whole run from 0: what is asked first. Nothing at all
    /// says that it could not be asked, which counts as a failure.
    fn begin(&mut self, number: u64, asks: &mut Vec<Ask>);

    /// What was asked has come to this, or to nothing: what is asked next.
    fn answered(&mut self, ask: &Ask, answer: Option<&Answer<'_>>, asks: &mut Vec<Ask>) -> Turn;
}

/// Something that is to be asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which visit it belongs to, for whoever made it up.
    pub visit: usize,
    /// Which step it is, from 0.
    pub step: usize,
    /// Anything that whoever made it up wants to know of it.
    pub tag: usize,
    /// Which origin it goes to, from 0.
    pub origin: usize,
    /// What is sent.
    pub request: Arc<Request>,
    /// How long after what it follows, in nanoseconds: it is due then.
    pub pause: Nanos,
    /// What of the answer itself is wanted.
    pub keeps: Keeps,
}

/// What of an answer is kept for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Only its status.
    Nothing,
    /// Its head.
    Head,
    /// Its head and its body.
    All,
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What was spoken.
    pub protocol: Protocol,
    /// Such as 200.
    pub status: u16,
    /// Its head, when it was wanted, for [`crate::fields`] to read.
    pub head: &'a [u8],
    /// Its body without chunks, when it was wanted, up to 8 MiB.
    pub body: &'a [u8],
    /// Whether that is all of the body.
    pub is_whole: bool,
    /// From when it was due to its last byte, in nanoseconds.
    pub took: Nanos,
}

/// What an answer meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Whether it was as it should be.
    pub is_good: bool,
    /// Whether nothing more belongs to its visit. It is said once of each: in a closed loop somebody
    /// else comes then.
    pub is_over: bool,
}
