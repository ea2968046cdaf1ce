//! What went over the wire: requests, responses, and the pairs that a cassette keeps.

use std::fmt;

use bytes::Bytes;

/// Headers or trailers in the order they came in, repeats included. Names are in lower case.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// None yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// Adds one after the others. A value may hold any bytes, as HTTP has it.
    pub fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The values of one name, in order. The name is given in lower case.
    pub fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
        self.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The first value of a name, when it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.iter().find(|(other, _)| *other == name)?;
        std::str::from_utf8(value).ok()
    }

    /// Removes all of a name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }

    /// Changes values in place.
    pub fn values_mut(&mut self) -> impl Iterator<Item = (&str, &mut Vec<u8>)> {
        self.0.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are, repeats counted.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.0.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)));
        f.debug_map().entries(texts).finish()
    }
}

impl<N: AsRef<str>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.add(name.as_ref(), value);
        }
        headers
    }
}

/// The content of a message, content codings (gzip and the like) taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In memory.
    Bytes(Bytes),
    /// In the cassette's folder of bodies.
    Stored(Stored),
}

/// A body that lies in a file of its own, named by its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// BLAKE3 of the content, in hexadecimal.
    pub digest: String,
    /// Length in bytes.
    pub size: u64,
}

impl Default for Content {
    fn default() -> Content {
        Content::Bytes(Bytes::new())
    }
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Stored(stored) => stored.size,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, when they are in memory.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Content::Bytes(bytes) => Some(bytes),
            Content::Stored(_) => None,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Content {
        Content::Bytes(bytes.into())
    }
}

/// A request as it was recorded or has come in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// Absolute, as it stands in the recording; only a path where a format has no host.
    pub url: String,
    /// In order.
    pub headers: Headers,
    /// Content codings taken off.
    pub body: Content,
}

/// A response as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// In order; `content-encoding` stays although the body has its codings taken off.
    pub headers: Headers,
    /// Content codings taken off.
    pub body: Content,
    /// The body as it came over the wire, kept where coding the content again gives other bytes.
    pub encoded: Option<Content>,
    /// After the body.
    pub trailers: Headers,
    /// When its parts came; none where a format does not say.
    pub timing: Option<Timing>,
}

/// When the parts of a response came, counted from the end of the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timing {
    /// The head, in milliseconds.
    pub head_ms: u64,
    /// Of a body that came bit by bit (server-sent events): the milliseconds since the head and the
    /// length in bytes of each bit. Empty when it came at once, as far as one would notice.
    pub chunks: Vec<(u64, u64)>,
}

/// A request with the response to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interaction {
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
}
