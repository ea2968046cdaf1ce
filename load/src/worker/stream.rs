//! The bytes of a connection, in TLS or plain.

use std::io::{self, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// How a connection is made private.
#[derive(Debug, Clone)]
pub struct Tls {
    /// What is trusted, and which versions are spoken.
    pub config: Arc<ClientConfig>,
    /// Whom the certificate has to name.
    pub name: ServerName<'static>,
}

/// A connection, in TLS or plain.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<(TcpStream, ClientConnection)>),
}

/// How far TLS has been agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreed {
    Yes,
    NotYet,
    Never,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, tls: Option<&Tls>) -> io::Result<Stream> {
        let Some(tls) = tls else { return Ok(Stream::Plain(socket)) };
        let connection = ClientConnection::new(Arc::clone(&tls.config), tls.name.clone())
            .map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new((socket, connection))))
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(both) => &mut both.0,
        }
    }

    /// Goes on with what has to be agreed upon before anything is sent.
    pub(super) fn agree(&mut self) -> Agreed {
        let Stream::Tls(both) = self else { return Agreed::Yes };
        let (socket, tls) = &mut **both;
        while tls.is_handshaking() {
            match tls.complete_io(socket) {
                Ok(_) => {}
                Err(error) if is_later(&error) => return Agreed::NotYet,
                Err(_) => return Agreed::Never,
            }
        }
        // The last of it may still have to go out.
        while tls.wants_write() {
            match tls.write_tls(socket) {
                Ok(_) => {}
                Err(error) if is_later(&error) => break,
                Err(_) => return Agreed::Never,
            }
        }
        Agreed::Yes
    }

    /// Whether this protocol was agreed upon (RFC 7301), where that is done.
    pub(super) fn is_agreed(&self, protocol: &[u8]) -> bool {
        match self {
            Stream::Plain(_) => true,
            Stream::Tls(both) => both.1.alpn_protocol() == Some(protocol),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Stream::Tls(both) = self else { return self.socket().write(bytes) };
        let (socket, tls) = &mut **both;
        // What was taken before goes out first; it is told of again when there is room.
        while tls.wants_write() {
            tls.write_tls(socket)?;
        }
        let count = tls.writer().write(bytes)?;
        while tls.wants_write() {
            match tls.write_tls(socket) {
                Ok(_) => {}
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Sends what TLS still holds back; whether nothing is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Stream::Tls(both) = self else { return Ok(true) };
        let (socket, tls) = &mut **both;
        while tls.wants_write() {
            match tls.write_tls(socket) {
                Ok(_) => {}
                Err(error) if is_later(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads; with whether the socket was emptied by it, so that no other read has to learn that.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        let Stream::Tls(both) = self else {
            let count = self.socket().read(buffer)?;
            return Ok((count, count < buffer.len()));
        };
        let (socket, tls) = &mut **both;
        loop {
            match tls.reader().read(buffer) {
                Ok(count) => return Ok((count, false)),
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error),
            }
            if tls.read_tls(socket)? == 0 {
                return Ok((0, true));
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
