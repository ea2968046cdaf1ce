//! Recorded HTTP: what was asked and answered is kept in a cassette, and answered again later.
//!
//! An engine: it knows no verdict, prints nothing, ends nothing and reads no environment variable.

mod age;
mod canonical;
mod cassette;
mod clean;
mod client;
mod coding;
pub mod drift;
mod error;
mod examine;
mod export;
mod files;
pub mod import;
mod index;
mod message;
mod openapi;
mod play;
mod rerecord;
mod revision;
pub mod rules;
mod show;
mod spool;
mod wire;
mod yaml;

pub use age::{age, unreachable};
pub use canonical::{
    Address, Hash, Ignored, JsonPath, Keys, Matching, Origin, Part, Step, written_place,
};
pub use cassette::{Cassette, MatchPolicy, Policy, Recorded, RedactPolicy, SCHEMA, Volatile};
pub use clean::{cleaned, with_clean_requests, without_secrets};
pub use coding::{Codings, content};
pub use error::{Error, Result};
pub use examine::{
    Damage, Large, Leak, Search, Stats, integrity, leaks, leaks_in, stats, unreached,
};
pub use export::{Mappings, to_har, to_wiremock};
pub use index::Index;
pub use message::{Content, Headers, Interaction, Request, Response, Stored, Timing};
pub use play::{Answer, Difference, Library, Miss, Near, Session, Why};
pub use rerecord::rerecorded;
pub use revision::{Revised, RevisedFile, revised};
pub use show::{shown, shown_cassette};
pub use wire::{
    Authority, Fault, Front, Latency, Missed, Mode, Outcome, Proxy, Setup, UNANSWERED, UNVOUCHED,
    Watch, is_unvouched, miss_words, system_authorities,
};

/// A key for the placeholders of one recording, drawn at random.
pub fn fresh_key() -> Result<redact::placeholder::Key> {
    use ring::rand::SecureRandom;
    let mut key = [0; 32];
    ring::rand::SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| Error::new("this system gives no random numbers"))?;
    Ok(redact::placeholder::Key(key))
}
