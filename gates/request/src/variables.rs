//! What was captured, and the places that it stands in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_core::{Json, Timestamp};

/// What was captured so far, by name.
#[derive(Debug, Default)]
pub struct Variables {
    own: BTreeMap<String, Json>,
    seed: u64,
    now: Option<Timestamp>,
    drawn: AtomicU64,
}

impl Variables {
    /// None yet; new identifiers come from the seed, new dates from the clock.
    pub fn new(seed: u64, now: Timestamp) -> Variables {
        Variables { seed, now: Some(now), ..Variables::default() }
    }

    /// Keeps a value under a name.
    pub fn set(&mut self, name: &str, value: Json) {
        self.own.insert(name.to_owned(), value);
    }

    /// What was kept.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.own.get(name)
    }

    /// What was kept, or what is made anew.
    pub fn wanted(&self, name: &str) -> Result<Json, String> {
        if let Some(value) = self.own.get(name) {
            return Ok(value.clone());
        }
        match (name, self.now) {
            ("newUuid", _) => Ok(self.uuid().into()),
            ("newDate", Some(now)) => Ok(now.to_string().into()),
            _ => Err(format!("there is no variable `{name}`: nothing was captured under it")),
        }
    }

    /// A UUID of version 4 whose random bits come from the seed, another one each time.
    fn uuid(&self) -> String {
        let count = self.drawn.fetch_add(1, Ordering::Relaxed);
        let text = format!("{}/{count}", self.seed);
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut bytes: [u8; 16] = digest.as_ref()[..16].try_into().expect("a digest has 32 bytes");
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = u128::from_be_bytes(bytes);
        let hex = format!("{hex:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// The text with its `{{variables}}` filled in.
pub fn filled(text: &str, variables: &Variables) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) =
            after.split_once("}}").ok_or_else(|| format!("`{text}`: `{{{{` is never closed"))?;
        out.push_str(before);
        match variables.wanted(name.trim())? {
            Json::String(value) => out.push_str(&value),
            other => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    Ok(out + rest)
}
