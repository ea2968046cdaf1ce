//! An answer of HTTP/2 that is on its way.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Error, RecvStream};
use http::HeaderMap;

use crate::cached::Cached;
use crate::clock::Nanos;
use crate::exchange;
use crate::visit::{Answer, Keeps, Protocol};
use crate::worker::connection::{Arrival, LARGEST_BODY};

/// A request that is under way.
pub(in crate::worker) struct Coming {
    pub(in crate::worker) arrival: Arrival,
    /// When it went out: until then, when it was noticed.
    pub(in crate::worker) sent: Nanos,
    pub(in crate::worker) first_byte: Option<Nanos>,
    /// How many bytes had come on the connection when it was sent.
    pub(super) read_before: u64,
    keeps: Keeps,
    at: At,
    status: u16,
    headers: HeaderMap,
    /// The first part of the body.
    start: Bytes,
    body: Vec<u8>,
    is_whole: bool,
}

enum At {
    Head(ResponseFuture),
    Body(RecvStream),
}

/// How far it has come.
pub(super) enum Progress {
    More,
    Done,
    Broken(Error),
}

impl Coming {
    pub(super) fn new(
        answer: ResponseFuture,
        arrival: Arrival,
        keeps: Keeps,
        read_before: u64,
    ) -> Coming {
        Coming {
            arrival,
            sent: arrival.noticed,
            first_byte: None,
            read_before,
            keeps,
            at: At::Head(answer),
            status: 0,
            headers: HeaderMap::new(),
            start: Bytes::new(),
            body: Vec::new(),
            is_whole: true,
        }
    }

    /// Such as 200; 0 before the head is there.
    pub(in crate::worker) fn status(&self) -> u16 {
        self.status
    }

    /// Takes what has come.
    pub(super) fn go_on(&mut self, context: &mut Context<'_>, now: Nanos) -> Progress {
        loop {
            match &mut self.at {
                At::Head(answer) => match Pin::new(answer).poll(context) {
                    Poll::Pending => return Progress::More,
                    Poll::Ready(Err(error)) => return Progress::Broken(error),
                    Poll::Ready(Ok(answer)) => {
                        let (head, body) = answer.into_parts();
                        self.first_byte = Some(now);
                        self.status = head.status.as_u16();
                        self.headers = head.headers;
                        self.at = At::Body(body);
                    }
                },
                At::Body(body) => {
                    if body.is_end_stream() {
                        return Progress::Done;
                    }
                    let part = match body.poll_data(context) {
                        Poll::Pending => return Progress::More,
                        Poll::Ready(None) => return Progress::Done,
                        Poll::Ready(Some(Err(error))) => return Progress::Broken(error),
                        Poll::Ready(Some(Ok(part))) => part,
                    };
                    // It was taken: as much may come again. An error is told of by the next part.
                    let _ = body.flow_control().release_capacity(part.len());
                    self.take(part);
                }
            }
        }
    }

    fn take(&mut self, part: Bytes) {
        if self.keeps == Keeps::All {
            let room = LARGEST_BODY.saturating_sub(self.body.len()).min(part.len());
            self.body.extend_from_slice(&part[..room]);
            self.is_whole &= room == part.len();
        }
        if self.start.is_empty() {
            self.start = part;
        }
    }

    /// Whether it comes from a cache, when that is told.
    pub(in crate::worker) fn cached(&self) -> Option<bool> {
        let mut cached = Cached::default();
        for (name, value) in &self.headers {
            cached.take(name.as_str(), value.as_bytes());
        }
        cached.is_hit()
    }

    /// Its status and its headers.
    pub(super) fn into_head(self) -> (u16, HeaderMap) {
        (self.status, self.headers)
    }

    /// Its head, written as HTTP/1.1 writes it, for whoever wants to know it.
    pub(in crate::worker) fn head(&self) -> Vec<u8> {
        if self.keeps == Keeps::Nothing { Vec::new() } else { self.text() }
    }

    /// What came, for whoever asked.
    pub(in crate::worker) fn answer<'a>(
        &'a self,
        protocol: Protocol,
        head: &'a [u8],
        took: Nanos,
    ) -> Answer<'a> {
        let (status, body) = (self.status, &self.body[..]);
        Answer { protocol, status, head, body, is_whole: self.is_whole, took }
    }

    /// The start of what came, to be looked at.
    pub(in crate::worker) fn shown(&self) -> Vec<u8> {
        if self.status == 0 {
            return Vec::new();
        }
        let mut text = self.text();
        text.extend_from_slice(&self.start[..self.start.len().min(exchange::MOST)]);
        text
    }

    fn text(&self) -> Vec<u8> {
        let mut text = format!("HTTP/2 {} \r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text
    }
}
