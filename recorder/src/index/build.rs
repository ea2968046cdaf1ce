//! Making an index.

use std::collections::HashMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use rayon::prelude::*;

use super::coding::{Writer, write_response};
use super::{HEAD, Index, MAGIC, RECORD, Source, origin_text, slot_of, with_origin};
use crate::canonical::{Address, Hash, Matching};
use crate::cassette::{self, Cassette, Recorded};
use crate::{Error, Result, files};

/// Marks the end of a group in the slot of a key that several origins share.
pub(super) const SEVERAL: u32 = 1 << 31;
/// How much of a part that counts is kept to say what differs, in bytes.
const SHOWN: usize = 2048;

/// A record before it has its place.
#[derive(Clone)]
struct Made {
    key: Hash,
    any: Hash,
    exact: Hash,
    order: u64,
    source: u32,
    blob: Bytes,
}

pub(super) fn digest(bytes: &[u8]) -> Hash {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    short
}

/// The files of a cassette as they are now. A file that has the size and the time that it had is
/// taken to be what it was; one with another time is read.
pub(super) fn sources_now(cassette: &Cassette, known: &[Source]) -> Result<Vec<Source>> {
    let known: HashMap<&str, &Source> =
        known.iter().map(|source| (source.path.as_str(), source)).collect();
    cassette
        .files()?
        .par_iter()
        .map(|path| {
            let wrong = |error: &dyn std::fmt::Display| Error::file("reading", path, error);
            let relative = path.strip_prefix(cassette.folder()).map_err(|error| wrong(&error))?;
            let relative = relative.to_str().ok_or_else(|| wrong(&"its name is no text"))?;
            let data = path.metadata().map_err(|error| wrong(&error))?;
            let modified = data.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let modified_ns = modified.map_or(0, |since| since.as_nanos() as u64);
            let digest = match known.get(relative) {
                Some(old) if (old.size, old.modified_ns) == (data.len(), modified_ns) => old.digest,
                _ => digest(&files::read(path)?),
            };
            Ok(Source { path: relative.to_owned(), size: data.len(), modified_ns, digest })
        })
        .collect()
}

/// Makes the index anew, with what is still right of the old one, and keeps it.
pub(super) fn update(
    cassette: &Cassette,
    policy: Hash,
    old: Option<&Index>,
    path: &Path,
) -> Result<Index> {
    let matching = cassette.policy().matching()?;
    let sources = sources_now(cassette, old.map_or(&[], |old| &old.sources))?;
    let kept = old.map(kept_by_source).unwrap_or_default();
    let made: Vec<Vec<Made>> = sources
        .par_iter()
        .enumerate()
        .map(|(at, source)| {
            if let Some(same) = kept.get(&(source.path.as_str(), source.digest)) {
                return Ok(same
                    .iter()
                    .map(|one| Made { source: at as u32, ..one.clone() })
                    .collect());
            }
            let recorded = cassette::read_file(&cassette.folder().join(&source.path))?;
            Ok(recorded.iter().map(|one| made(one, at as u32, &matching)).collect())
        })
        .collect::<Result<_>>()?;
    let bytes = laid_out(policy, &sources, made.into_iter().flatten().collect());
    let ignored = cassette.folder().join(".gitignore");
    if !ignored.is_file() {
        // A recording that came as a proposal has none; the index must not end in git.
        let _ = files::write(&ignored, cassette::IGNORED.as_bytes());
    }
    let wrote = files::write(path, &bytes);
    let mapped = wrote.ok().and_then(|()| Index::map(path).ok().flatten());
    let index = mapped.or_else(|| Index::parse(bytes));
    let mut index = index.expect("an index that was just made can be read");
    index.folder = Some(cassette.folder().to_owned());
    Ok(index)
}

pub(super) fn in_memory(recorded: &[Recorded], matching: &Matching) -> Vec<u8> {
    let made = recorded.par_iter().map(|one| made(one, 0, matching)).collect();
    laid_out([0; 16], &[], made)
}

fn kept_by_source(old: &Index) -> HashMap<(&str, Hash), Vec<Made>> {
    let mut kept: HashMap<_, Vec<Made>> = HashMap::new();
    for source in &old.sources {
        // A file without a recording is known, too.
        kept.insert((source.path.as_str(), source.digest), Vec::new());
    }
    for at in 0..old.len() {
        let record = old.record(at);
        let hash = |from: usize| -> Hash { record[from..from + 16].try_into().unwrap_or_default() };
        let source = u32::from_le_bytes(record[60..64].try_into().unwrap_or_default());
        let (Some(blob), Some(from)) = (old.blob(at), old.sources.get(source as usize)) else {
            continue;
        };
        let made = Made {
            key: hash(0),
            any: hash(16),
            exact: hash(32),
            order: old.order(at),
            source,
            blob,
        };
        kept.entry((from.path.as_str(), from.digest)).or_default().push(made);
    }
    kept
}

fn made(recorded: &Recorded, source: u32, matching: &Matching) -> Made {
    let request = &recorded.interaction.request;
    let keys = matching.keys(request);
    let origin = Address::of(&request.url).origin();
    let mut blob = Writer::default();
    blob.u32(0);
    write_response(&mut blob, &recorded.interaction.response);
    let length = (blob.0.len() - 4) as u32;
    blob.0[..4].copy_from_slice(&length.to_le_bytes());
    blob.bytes(request.method.as_bytes());
    blob.bytes(request.url.as_bytes());
    let parts = matching.parts(request);
    blob.u32(parts.len() as u32);
    for (name, value) in &parts {
        blob.bytes(name.as_bytes());
        blob.bytes(&value[..value.len().min(SHOWN)]);
    }
    Made {
        key: with_origin(&keys.loose, &origin_text(matching, &origin)),
        any: keys.loose,
        exact: keys.exact,
        order: recorded.order,
        source,
        blob: blob.0.into(),
    }
}

/// Groups of records with one key, as ranges of places.
fn groups(made: &[Made]) -> Vec<(u32, u32)> {
    let mut groups: Vec<(u32, u32)> = Vec::new();
    for (at, one) in (0u32..).zip(made) {
        match groups.last_mut() {
            Some((first, end)) if made[*first as usize].key == one.key => *end = at + 1,
            _ => groups.push((at, at + 1)),
        }
    }
    groups
}

/// A slot of an open hash table: the beginning of a key and its group, which ends at 0 where there
/// is none.
#[derive(Clone, Copy, Default)]
struct Slot {
    start: [u8; 8],
    first: u32,
    end: u32,
}

/// An open hash table of groups.
fn table(made: &[Made], groups: &[(u32, u32)], key: impl Fn(&Made) -> Hash) -> Vec<Slot> {
    let slots = (groups.len() * 2).next_power_of_two().max(2);
    let mut table = vec![Slot::default(); slots];
    for (first, end) in groups {
        let own = key(&made[*first as usize]);
        let mut slot = slot_of(&own, slots);
        loop {
            let there = &mut table[slot];
            if there.end == 0 {
                let mut start = [0; 8];
                start.copy_from_slice(&own[..8]);
                *there = Slot { start, first: *first, end: *end };
                break;
            }
            if key(&made[there.first as usize]) == own {
                there.end |= SEVERAL;
                break;
            }
            slot = (slot + 1) & (slots - 1);
        }
    }
    table
}

fn laid_out(policy: Hash, sources: &[Source], mut made: Vec<Made>) -> Vec<u8> {
    made.par_sort_by(|one, other| {
        (one.key, one.exact, one.order).cmp(&(other.key, other.exact, other.order))
    });
    let groups = groups(&made);
    let mut by_order: Vec<u32> = (0..made.len() as u32).collect();
    for (first, end) in &groups {
        by_order[*first as usize..*end as usize].sort_by_key(|at| made[*at as usize].order);
    }
    let slots = table(&made, &groups, |one| one.key);
    let any_slots = table(&made, &groups, |one| one.any);

    let mut out = Writer::default();
    out.0.extend_from_slice(MAGIC);
    out.0.extend_from_slice(&policy);
    out.0.resize(HEAD, 0);
    out.u32(sources.len() as u32);
    for source in sources {
        out.bytes(source.path.as_bytes());
        out.u64(source.size);
        out.u64(source.modified_ns);
        out.0.extend_from_slice(&source.digest);
    }
    out.0.resize(out.0.len().next_multiple_of(RECORD), 0);
    let mut places = vec![out.0.len()];
    out.0.reserve(made.len() * (RECORD + 8 + 4));
    let mut at = 0;
    for one in &made {
        for hash in [one.key, one.any, one.exact] {
            out.0.extend_from_slice(&hash);
        }
        out.u64(at);
        out.u32(one.blob.len() as u32);
        out.u32(one.source);
        at += one.blob.len() as u64;
    }
    places.push(out.0.len());
    for one in &made {
        out.u64(one.order);
    }
    places.push(out.0.len());
    for at in by_order {
        out.u32(at);
    }
    for table in [&slots, &any_slots] {
        places.push(out.0.len());
        for slot in table {
            out.0.extend_from_slice(&slot.start);
            out.u32(slot.first);
            out.u32(slot.end);
        }
    }
    places.push(out.0.len());
    for (at, place) in places.iter().enumerate() {
        let from = 8 + 16 + at * 8;
        out.0[from..from + 8].copy_from_slice(&(*place as u64).to_le_bytes());
    }
    out.0.reserve(made.iter().map(|one| one.blob.len()).sum());
    for one in &made {
        out.0.extend_from_slice(&one.blob);
    }
    out.0
}
