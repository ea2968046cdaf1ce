//! What is said between coordinator and worker: nobody without the token can read it, or say any
//! of it.
//!
//! Both send a public key that is made for this connection (X25519). Keys for the two directions
//! come from what they agree upon and the token (HKDF, RFC 5869), so the token itself never goes
//! over the wire, and who learns it later cannot read what was recorded. Every message is sealed
//! (ChaCha20-Poly1305) under its number: what is changed, repeated, left out or put in by somebody
//! else does not open.

use std::fmt;
use std::io::{self, Read, Write};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, X25519};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::SystemRandom;

use super::token::Token;

/// What both begin with: the handshake, which stays as it is in all versions.
const MAGIC: &[u8; 16] = b"gate-load/link/1";
const KEY: usize = 32;
const HELLO: usize = MAGIC.len() + KEY;
/// What sealing adds, in bytes.
const TAG: usize = 16;

/// Which end of a link this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Coordinator,
    Worker,
}

/// Why a link is of no use.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It was ended, or the network has failed.
    Ended(io::Error),
    /// Nothing came for too long.
    Silent,
    /// This is somebody else, or something else than this protocol.
    Foreign,
    /// What came was not said by the other end, or not with this token.
    Forged,
    /// A message is longer than any may be.
    TooLong,
    /// A message that makes no sense.
    Senseless,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Ended(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("the connection was ended")
            }
            Broken::Ended(error) => write!(f, "the connection has failed: {error}"),
            Broken::Silent => f.write_str("nothing came from it for too long"),
            Broken::Foreign => f.write_str("it speaks something else"),
            Broken::Forged => f.write_str("it has not the same token"),
            Broken::TooLong => f.write_str("it sends more than there can be"),
            Broken::Senseless => f.write_str("it says what makes no sense"),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Broken::Silent,
            _ => Broken::Ended(error),
        }
    }
}

/// Agrees upon keys. That the other one has the token shows with the first message that opens.
pub(crate) fn agree(
    stream: &mut (impl Read + Write),
    token: &Token,
    side: Side,
) -> Result<(Sealer, Opener), Broken> {
    let random = SystemRandom::new();
    let no_key = |_| Broken::Ended(io::Error::other("no key could be made"));
    let private = EphemeralPrivateKey::generate(&X25519, &random).map_err(no_key)?;
    let public = private.compute_public_key().map_err(no_key)?;
    let mut own = [0; HELLO];
    own[..MAGIC.len()].copy_from_slice(MAGIC);
    own[MAGIC.len()..].copy_from_slice(public.as_ref());
    let mut other = [0; HELLO];
    if side == Side::Worker {
        stream.write_all(&own)?;
        stream.flush()?;
    }
    // Who does not begin like this is told nothing.
    stream.read_exact(&mut other[..MAGIC.len()])?;
    if other[..MAGIC.len()] != MAGIC[..] {
        return Err(Broken::Foreign);
    }
    stream.read_exact(&mut other[MAGIC.len()..])?;
    if side == Side::Coordinator {
        stream.write_all(&own)?;
        stream.flush()?;
    }
    let of_worker = if side == Side::Worker { &own } else { &other };
    let of_coordinator = if side == Side::Worker { &other } else { &own };
    let peer = UnparsedPublicKey::new(&X25519, &other[MAGIC.len()..]);
    let keys = agreement::agree_ephemeral(private, &peer, |shared| {
        let secret = Salt::new(HKDF_SHA256, token.bytes()).extract(shared);
        let key = |to: &[u8]| {
            let about: [&[u8]; 3] = [to, of_worker, of_coordinator];
            let key = secret.expand(&about, &CHACHA20_POLY1305);
            key.map(|key| LessSafeKey::new(UnboundKey::from(key)))
        };
        Some((key(b"to the coordinator").ok()?, key(b"to the worker").ok()?))
    });
    let (to_coordinator, to_worker) = keys.ok().flatten().ok_or(Broken::Foreign)?;
    let (sealing, opening) = match side {
        Side::Worker => (to_coordinator, to_worker),
        Side::Coordinator => (to_worker, to_coordinator),
    };
    Ok((Sealer { key: sealing, number: 0 }, Opener { key: opening, number: 0 }))
}

/// Seals what is said in one direction.
pub(crate) struct Sealer {
    key: LessSafeKey,
    number: u64,
}

impl Sealer {
    /// Sends a message: its length in four bytes, then what it is sealed to.
    pub(crate) fn send(&mut self, to: &mut impl Write, message: &[u8]) -> Result<(), Broken> {
        let length = u32::try_from(message.len() + TAG).map_err(|_| Broken::TooLong)?;
        let mut sealed = message.to_vec();
        let sealing =
            self.key.seal_in_place_append_tag(nonce(self.number), Aad::empty(), &mut sealed);
        sealing.map_err(|_| Broken::TooLong)?;
        self.number += 1;
        let mut frame = Vec::with_capacity(4 + sealed.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&sealed);
        to.write_all(&frame)?;
        Ok(to.flush()?)
    }
}

/// Opens what comes from the other direction.
pub(crate) struct Opener {
    key: LessSafeKey,
    number: u64,
}

impl Opener {
    /// Reads a sealed message of at most so many bytes. What is longer is not read at all.
    pub(crate) fn read(from: &mut impl Read, most: usize) -> Result<Vec<u8>, Broken> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > most + TAG {
            return Err(Broken::TooLong);
        }
        // Memory is taken for what has come, and not for what is announced.
        let mut sealed = Vec::new();
        from.by_ref().take(length as u64).read_to_end(&mut sealed)?;
        if sealed.len() < length {
            return Err(Broken::Ended(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(sealed)
    }

    /// Opens it, when it is the next that the other end has said.
    pub(crate) fn open(&mut self, mut sealed: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let opened = self.key.open_in_place(nonce(self.number), Aad::empty(), &mut sealed);
        let length = opened.map_err(|_| Broken::Forged)?.len();
        self.number += 1;
        sealed.truncate(length);
        Ok(sealed)
    }
}

/// Each number is used once: a key is of one direction of one connection.
fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
