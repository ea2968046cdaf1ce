//! No bytes make an importer panic, or give more than was in them.

use std::sync::OnceLock;

use proptest::prelude::*;
use recorder::{Matching, import, shown, stats};

use super::recorded::manifest;
use super::recordings;
use super::stubs::{HOVERFLY, WIREMOCK};

/// What is changed: one file of every kind, the small ones.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let paths = manifest().into_keys().map(|name| recordings().join(name));
        let mut seeds: Vec<Vec<u8>> = paths
            .map(|path| std::fs::read(path).unwrap())
            .filter(|bytes| bytes.len() < 8192)
            .collect();
        seeds.push(WIREMOCK.as_bytes().to_vec());
        seeds.push(HOVERFLY.as_bytes().to_vec());
        seeds
    })
}

#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
}

const PIECES: &[&str] = &[
    "null",
    "[]",
    "{}",
    "-1",
    "1e400",
    "\"\\ud800\"",
    "!!binary x",
    "!!python/tuple [",
    "&a [*a]",
    "<<: ",
    "\u{0}",
    "'",
    "\"",
    "99999999999999999999",
    "  ",
    "\n- ",
    "..",
    "%",
    "\\",
    "|",
    ": ",
];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        at().prop_map(Change::Cut),
        (at(), 1..40usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), 1..200usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        (at(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Change::Insert(at, piece)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    match change {
        Change::Set(at, byte) => *at.get_mut(bytes) = *byte,
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Change::Remove(at, length) => {
            let at = at.index(bytes.len());
            bytes.drain(at..bytes.len().min(at + length));
        }
        Change::Repeat(at, length) => {
            let at = at.index(bytes.len());
            let piece = bytes[at..bytes.len().min(at + length)].to_vec();
            bytes.splice(at..at, piece);
        }
        Change::Insert(at, piece) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, piece.bytes());
        }
    }
}

/// Reads, and does with what was read all that is done with it.
fn read(bytes: &[u8]) {
    let Ok(imported) = import::read_bytes(bytes, None) else { return };
    assert_eq!(shown(&imported).count(), imported.recorded.len() + imported.rules.len());
    let stats = stats(&imported.recorded, &Matching::default());
    assert_eq!(stats.interactions, imported.recorded.len() as u64);
    let har = recorder::to_har(&imported.recorded).unwrap();
    let back = import::read_bytes(&har, None).unwrap();
    assert!(back.recorded.len() <= imported.recorded.len());
    recorder::to_wiremock(&imported.recorded, &imported.rules).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn changed_files(
        seed in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut bytes = seed.get(seeds()).clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        read(&bytes);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        read(pieces.concat().as_bytes());
    }
}
