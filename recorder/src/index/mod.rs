//! The index of a cassette: from the key of a request to what was answered to it, in one mapped
//! file that is never part of the cassette.
//!
//! A cassette may hold hundreds of megabytes of JSON. What is looked up is laid out here once: keys
//! in an open hash table, responses ready to be sent. It is made anew for the files that have
//! changed, and the digest of a file is checked when something of it is first served.

mod build;
mod coding;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::canonical::{Hash, Matching, Origin};
use crate::cassette::{Cassette, Recorded};
use crate::{Error, Result, files};
use coding::Reader;
pub(crate) use coding::{Fields, Recalled};

const MAGIC: &[u8; 8] = b"gatecix2";
/// What the file begins with: the magic, the policy's digest and the places of the parts.
const HEAD: usize = 8 + 16 + 6 * 8;
/// How long a record is: three keys, and the place, length and source of its blob. Records begin at
/// multiples of it, so that each is one line of the processor's cache.
const RECORD: usize = 16 * 3 + 8 + 4 + 4;
/// How long a slot of a table is: the beginning of a key, and the group that has it.
const SLOT: usize = 8 + 4 + 4;
/// How many handles of the bytes there are: an answer takes a share in one, and threads that
/// answer at once would wait for each other at a single count of shares.
const HANDLES: usize = 16;

/// The file that a record comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    /// Relative to the cassette.
    path: String,
    size: u64,
    modified_ns: u64,
    digest: Hash,
}

/// Where the parts of the index begin.
#[derive(Debug, Clone, Copy)]
struct Parts {
    records: usize,
    /// The place of each record among all.
    orders: usize,
    /// The records of each group in order.
    by_order: usize,
    /// Groups by their key.
    slots: usize,
    /// Groups by their key without the origin.
    any_slots: usize,
    blobs: usize,
}

/// What was recorded, by key.
pub struct Index {
    bytes: Bytes,
    handles: [Bytes; HANDLES],
    parts: Parts,
    policy: Hash,
    sources: Vec<Source>,
    /// Whether a source was found to be what it was when the index was made.
    checked: Vec<AtomicBool>,
    /// Where the sources lie; none when there are none.
    folder: Option<std::path::PathBuf>,
}

/// Bytes with several handles.
struct Shared<T>(Arc<T>);

impl<T: AsRef<[u8]>> AsRef<[u8]> for Shared<T> {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// Records that were asked for alike, as a range of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) first: u32,
    pub(crate) end: u32,
}

/// What a key leads to when the request does not say where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    One(Group),
    /// Recordings of several origins.
    Several,
}

/// A key with the origin in it.
fn with_origin(loose: &Hash, origin: &str) -> Hash {
    build::digest(&[loose, origin.as_bytes()].concat())
}

/// What of an origin counts, as a text.
fn origin_text<'a>(matching: &Matching, origin: &'a Origin) -> String {
    use crate::canonical::Part;
    let part = |part: Part, value: &'a Option<String>| {
        let counts = matching.on.contains(&part);
        value.as_deref().filter(|_| counts).unwrap_or_default()
    };
    [part(Part::Scheme, &origin.scheme), " ", part(Part::Host, &origin.host)].concat()
}

impl Index {
    /// The index of a cassette: the one beside it, brought up to date. It is kept there for the
    /// next time, unless the folder cannot be written.
    pub fn of_cassette(cassette: &Cassette) -> Result<Index> {
        let path = cassette.folder().join(".index");
        let policy = policy_digest(cassette)?;
        let old = Index::map(&path).ok().flatten().filter(|old| old.policy == policy);
        if let Some(mut old) = old {
            if old.sources == build::sources_now(cassette, &old.sources)? {
                old.folder = Some(cassette.folder().to_owned());
                return Ok(old);
            }
            return build::update(cassette, policy, Some(&old), &path);
        }
        build::update(cassette, policy, None, &path)
    }

    /// The index of interactions that lie in no cassette, in memory.
    pub fn of_recorded(recorded: &[Recorded], matching: &Matching) -> Index {
        Index::parse(build::in_memory(recorded, matching))
            .expect("an index that was just made can be read")
    }

    #[expect(unsafe_code, reason = "mapping a file has no safe form")]
    fn map(path: &Path) -> Result<Option<Index>> {
        let file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("opening", path, error)),
        };
        // SAFETY: the file is only ever replaced as a whole, never written in place, so what is
        // mapped stays what it is.
        let map = unsafe { memmap2::Mmap::map(&file) }
            .map_err(|error| Error::file("mapping", path, error))?;
        Ok(Index::parse(map))
    }

    /// None when it is no index of this version, or not whole.
    fn parse(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Option<Index> {
        let owner = Arc::new(owner);
        let handle = || Bytes::from_owner(Shared(Arc::clone(&owner)));
        let (bytes, handles) = (handle(), std::array::from_fn(|_| handle()));
        let mut reader = Reader::of(&bytes);
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        reader.skip(MAGIC.len())?;
        let policy = reader.digest()?;
        let mut part = || reader.u64().map(|place| place as usize);
        let (records, orders, by_order) = (part()?, part()?, part()?);
        let (slots, any_slots, blobs) = (part()?, part()?, part()?);
        let ascending = [HEAD, records, orders, by_order, slots, any_slots, blobs, bytes.len()];
        if !ascending.is_sorted() {
            return None;
        }
        let count = reader.u32()?;
        let sources = (0..count).map(|_| {
            let path = reader.text()?;
            let (size, modified_ns) = (reader.u64()?, reader.u64()?);
            Some(Source { path, size, modified_ns, digest: reader.digest()? })
        });
        let sources: Vec<Source> = sources.collect::<Option<_>>()?;
        let checked = sources.iter().map(|_| AtomicBool::new(false)).collect();
        let parts = Parts { records, orders, by_order, slots, any_slots, blobs };
        Some(Index { bytes, handles, parts, policy, sources, checked, folder: None })
    }

    /// How many interactions it has.
    pub fn len(&self) -> u32 {
        ((self.parts.by_order - self.parts.orders) / 8) as u32
    }

    /// How long what is kept of an interaction is on average, in bytes.
    pub(crate) fn usual_length(&self) -> usize {
        (self.bytes.len() - self.parts.blobs).checked_div(self.len() as usize).unwrap_or(0)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn u32_at(&self, place: usize) -> u32 {
        let bytes = self.bytes.get(place..place + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes)
    }

    fn record(&self, at: u32) -> &[u8] {
        let from = self.parts.records + at as usize * RECORD;
        self.bytes.get(from..from + RECORD).unwrap_or(&[0; RECORD])
    }

    /// Looks a key up in a table; `place` is where the key stands in a record. With the group it is
    /// said whether several origins have the key.
    fn probe(&self, from: usize, to: usize, key: &Hash, place: usize) -> Option<(Group, bool)> {
        let slots = (to - from) / SLOT;
        let mut slot = slot_of(key, slots);
        for _ in 0..slots {
            let entry = self.bytes.get(from + slot * SLOT..from + (slot + 1) * SLOT)?;
            let number = |at: usize| entry[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
            let (first, end) = (number(8), number(12));
            if end == 0 {
                return None;
            }
            if entry[..8] == key[..8] && self.record(first)[place..place + 16] == key[..] {
                let group = Group { first, end: end & !build::SEVERAL };
                return Some((group, end & build::SEVERAL != 0));
            }
            slot = (slot + 1) & (slots - 1);
        }
        None
    }

    /// The records of a key that come from an origin, or of which nobody said where they come from.
    pub(crate) fn find(&self, loose: &Hash, origin: &Origin, matching: &Matching) -> Option<Group> {
        let Parts { slots, any_slots, .. } = self.parts;
        let probe = |origin: &str| self.probe(slots, any_slots, &with_origin(loose, origin), 0);
        let (group, _) = probe(&origin_text(matching, origin)).or_else(|| probe(" "))?;
        Some(group)
    }

    /// The records of a key wherever they come from.
    pub(crate) fn find_anywhere(&self, loose: &Hash) -> Found {
        let Parts { any_slots, blobs, .. } = self.parts;
        match self.probe(any_slots, blobs, loose, 16) {
            None => Found::Nothing,
            Some((_, true)) => Found::Several,
            Some((group, false)) => Found::One(group),
        }
    }

    /// The records of a group that were asked for with the same secrets, too.
    pub(crate) fn exact(&self, group: Group, exact: &Hash) -> Group {
        let key = |at: u32| &self.record(at)[32..48];
        let bound = |is_before: &dyn Fn(&[u8]) -> bool| {
            let (mut low, mut high) = (group.first, group.end);
            while low < high {
                let middle = low.midpoint(high);
                if is_before(key(middle)) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        };
        Group { first: bound(&|key| key < &exact[..]), end: bound(&|key| key <= &exact[..]) }
    }

    /// The record at this place of a group when they are in order.
    pub(crate) fn in_order(&self, group: Group, place: u32) -> u32 {
        self.u32_at(self.parts.by_order + (group.first + place) as usize * 4)
    }

    /// The place of a record among all that was recorded.
    pub(crate) fn order(&self, at: u32) -> u64 {
        let from = self.parts.orders + at as usize * 8;
        let bytes = self.bytes.get(from..from + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    }

    fn blob_place(&self, at: u32) -> Option<Range<usize>> {
        let record = self.record(at);
        let from = u64::from_le_bytes(record[48..56].try_into().ok()?) as usize;
        let length = u32::from_le_bytes(record[56..60].try_into().ok()?) as usize;
        let from = self.parts.blobs.checked_add(from)?;
        let end = from.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        Some(from..end)
    }

    fn blob(&self, at: u32) -> Option<Bytes> {
        self.blob_place(at).map(|place| self.bytes.slice(place))
    }

    fn reader(&self, at: u32) -> Option<Reader<'_>> {
        Reader::within(&self.handles[at as usize % HANDLES], self.blob_place(at)?)
    }

    /// What was answered. The file that it comes from is looked at when it first is.
    pub(crate) fn response<H: Fields>(&self, at: u32) -> Result<Recalled<H>> {
        self.check(at)?;
        let read = self.reader(at).and_then(|mut reader| {
            reader.u32()?;
            coding::read_response(&mut reader)
        });
        read.ok_or_else(|| {
            Error::new("the index of the cassette is damaged").hint("remove its file .index")
        })
    }

    /// The method, the address and the parts that count of what was asked.
    pub(crate) fn asked(&self, at: u32) -> Option<Asked> {
        let mut reader = self.reader(at)?;
        let response = reader.u32()? as usize;
        reader.skip(response)?;
        let (method, url) = (reader.text()?, reader.text()?);
        let count = reader.u32()?;
        let parts = (0..count).map(|_| Some((reader.text()?, reader.bytes()?)));
        Some(Asked { method, url, parts: parts.collect::<Option<_>>()? })
    }

    fn check(&self, at: u32) -> Result<()> {
        let record = self.record(at);
        let file = u32::from_le_bytes(record[60..64].try_into().unwrap_or_default()) as usize;
        let (Some(folder), Some(source)) = (&self.folder, self.sources.get(file)) else {
            return Ok(());
        };
        if self.checked[file].load(Ordering::Relaxed) {
            return Ok(());
        }
        let path = folder.join(&source.path);
        if build::digest(&files::read(&path)?) != source.digest {
            let text =
                format!("{} is not what it was when the cassette was opened", path.display());
            return Err(
                Error::new(text).hint("start again; if it helps not, remove the file .index")
            );
        }
        self.checked[file].store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// What was asked, as far as it is looked up.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) parts: Vec<(String, Bytes)>,
}

fn slot_of(key: &Hash, slots: usize) -> usize {
    let start: [u8; 8] = key[..8].try_into().unwrap_or_default();
    u64::from_le_bytes(start) as usize & (slots - 1)
}

fn policy_digest(cassette: &Cassette) -> Result<Hash> {
    let matching = cassette.policy().matching()?;
    Ok(build::digest(format!("{matching:?}").as_bytes()))
}
