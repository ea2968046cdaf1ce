//! What is known of each unit. Units stand in stripes by their fingerprints, so that those who read
//! hardly ever wait for one another, and what they look up lies close together.

use std::sync::{Mutex, PoisonError};

use crate::exact::Sum;

/// How many stripes: a power of two.
const STRIPES: usize = 256;
/// Words of an entry: the lower half of the fingerprint; its upper quarter with the arm and flags; and
/// the time of the first exposure.
const LOW: usize = 0;
const META: usize = 1;
const TIME: usize = 2;
const HEAD: usize = 3;
/// In the word with the arm.
const ARM: u64 = 0xffff;
const IS_MULTIPLE: u64 = 1 << 16;
const UPPER: u64 = 0xffff_ffff << 32;
const LOWEST: u64 = 0xffff_ffff;
/// How many rows are looked up at once.
const AHEAD: usize = 64;
/// Stands for no value of a segment.
pub(crate) const NOTHING: u16 = u16::MAX;

/// A fingerprint of 128 bits (XXH3), of which an entry and its stripe tell 104: two of a thousand
/// million units share one with a chance of one in 10^13, so that ids themselves need not be kept.
pub(crate) type Key = u128;

#[inline]
pub(crate) fn key(id: &[u8]) -> Key {
    xxhash_rust::xxh3::xxh3_128(id)
}

/// A unit was exposed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exposure<'a> {
    pub(crate) time: i64,
    pub(crate) arm: u16,
    pub(crate) segments: &'a [u16],
}

/// All units.
pub(crate) struct Units {
    stripes: Vec<Mutex<Stripe>>,
    segments: usize,
    totals: usize,
}

/// Some of them: entries one behind the other, and a table with open places that says where they
/// stand. What is looked up at random is so as small as it can be, and growing moves little.
pub(crate) struct Stripe {
    /// The lowest 32 bits of the fingerprint, and below them one more than the entry's number.
    places: Vec<u64>,
    entries: Vec<u64>,
    stride: usize,
    segments: usize,
    /// How many entries there are.
    used: usize,
}

/// Which entry is likely to be a unit's, one more than its number; 0 when it is likely to have none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Likely(u32);

impl Units {
    pub(crate) fn new(segments: usize, totals: usize) -> Units {
        let stride = HEAD + segments.div_ceil(4) + 2 * totals;
        let stripe =
            || Stripe { places: vec![0; 8], entries: Vec::new(), stride, segments, used: 0 };
        let stripes = (0..STRIPES).map(|_| Mutex::new(stripe())).collect();
        Units { stripes, segments, totals }
    }

    /// Goes through rows stripe by stripe, with each of them locked once. Entries are not where the
    /// processor looks ahead, so all that are needed next are touched before the first of them is
    /// needed: then their ways from memory overlap.
    pub(crate) fn each(
        &self,
        keys: &[Key],
        order: &mut Order,
        mut each: impl FnMut(&mut Stripe, Likely, usize),
    ) {
        order.sort(keys);
        // Those who read begin at different stripes, or they would all wait for the first one.
        order.first = order.first.wrapping_add(STRIPES / 2 + 1);
        let mut likely = [Likely::default(); AHEAD];
        for at in 0..STRIPES {
            let at = order.first.wrapping_add(at) % STRIPES;
            let rows = &order.rows[order.starts[at] as usize..order.starts[at + 1] as usize];
            if rows.is_empty() {
                continue;
            }
            let mut stripe = self.stripes[at].lock().unwrap_or_else(PoisonError::into_inner);
            for rows in rows.chunks(AHEAD) {
                let keys = rows.iter().map(|row| keys[*row as usize]);
                stripe.look_ahead(keys, &mut likely);
                for (row, likely) in rows.iter().zip(likely) {
                    each(&mut stripe, likely, *row as usize);
                }
            }
        }
    }

    pub(crate) fn stripes(self) -> impl Iterator<Item = Stripe> {
        self.stripes.into_iter().map(|one| one.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn segments(&self) -> usize {
        self.segments
    }

    pub(crate) fn totals(&self) -> usize {
        self.totals
    }
}

/// Rows in the order of the stripes that they belong to.
#[derive(Default)]
pub(crate) struct Order {
    rows: Vec<u32>,
    starts: Vec<u32>,
    first: usize,
}

impl Order {
    fn sort(&mut self, keys: &[Key]) {
        let stripe = |key: &Key| (key >> 64) as usize % STRIPES;
        self.starts.clear();
        self.starts.resize(STRIPES + 2, 0);
        for key in keys {
            self.starts[stripe(key) + 2] += 1;
        }
        for at in 2..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
        self.rows.clear();
        self.rows.resize(keys.len(), 0);
        for (row, key) in keys.iter().enumerate() {
            let at = &mut self.starts[stripe(key) + 1];
            self.rows[*at as usize] = row as u32;
            *at += 1;
        }
    }
}

impl Stripe {
    /// Where entries of these units are likely to stand, each of which is touched.
    #[inline]
    fn look_ahead(&self, keys: impl Iterator<Item = Key> + Clone, likely: &mut [Likely; AHEAD]) {
        let mask = self.places.len() - 1;
        let seen = keys.clone().fold(0, |seen, key| seen | self.places[key as usize & mask]);
        std::hint::black_box(seen);
        let mut seen = 0;
        for (key, likely) in keys.zip(likely) {
            let mut place = key as usize & mask;
            let found = loop {
                match self.places[place] {
                    0 => break 0,
                    known if known >> 32 == key as u64 & LOWEST => break known as u32,
                    _ => place = (place + 1) & mask,
                }
            };
            *likely = Likely(found);
            if found > 0 {
                // An entry may lie across two lines of the cache.
                let at = (found as usize - 1) * self.stride;
                seen |= self.entries[at] | self.entries[at + self.stride - 1];
            }
        }
        std::hint::black_box(seen);
    }

    #[inline]
    fn is_at(&self, key: Key, at: usize) -> bool {
        let entry = &self.entries[at..at + HEAD];
        entry[LOW] == key as u64 && entry[META] & UPPER == (key >> 64) as u64 & UPPER
    }

    /// The entry of a unit, or the open place for it.
    #[inline]
    fn find(&self, key: Key, likely: Likely) -> Result<usize, usize> {
        if likely.0 > 0 {
            let at = (likely.0 as usize - 1) * self.stride;
            if self.is_at(key, at) {
                return Ok(at);
            }
        }
        self.search(key)
    }

    fn search(&self, key: Key) -> Result<usize, usize> {
        let mask = self.places.len() - 1;
        let mut place = key as usize & mask;
        loop {
            let known = self.places[place];
            if known == 0 {
                return Err(place);
            }
            let at = (known as u32 as usize - 1) * self.stride;
            if known >> 32 == key as u64 & LOWEST && self.is_at(key, at) {
                return Ok(at);
            }
            place = (place + 1) & mask;
        }
    }

    /// A unit was exposed. `is_before` says which of two arms counts of exposures at the same time.
    #[inline]
    pub(crate) fn expose(
        &mut self,
        (key, likely): (Key, Likely),
        exposure: Exposure<'_>,
        is_before: impl Fn(Exposure<'_>, Exposure<'_>) -> bool,
    ) -> usize {
        let at = match self.find(key, likely) {
            Ok(at) => at,
            Err(place) => return self.insert(key, place, exposure),
        };
        let (time, meta) = (self.entries[at + TIME] as i64, self.entries[at + META]);
        if meta as u16 != exposure.arm {
            self.entries[at + META] |= IS_MULTIPLE;
        }
        if exposure.time < time {
            self.write(at, exposure);
        } else if exposure.time == time {
            let mut segments = [NOTHING; 64];
            let own = &mut segments[..self.segments];
            (0..own.len()).for_each(|one| own[one] = self.segment(at, one));
            if is_before(exposure, Exposure { time, arm: meta as u16, segments: own }) {
                self.write(at, exposure);
            }
        }
        at
    }

    fn insert(&mut self, key: Key, place: usize, exposure: Exposure<'_>) -> usize {
        let at = self.entries.len();
        self.used += 1;
        self.places[place] = (key as u64) << 32 | self.used as u64;
        self.entries.resize(at + self.stride, 0);
        self.entries[at + LOW] = key as u64;
        self.entries[at + META] = (key >> 64) as u64 & UPPER;
        self.write(at, exposure);
        if self.used * 4 > self.places.len() * 3 {
            self.grow();
        }
        at
    }

    fn write(&mut self, at: usize, exposure: Exposure<'_>) {
        self.entries[at + TIME] = exposure.time as u64;
        let flags = self.entries[at + META] & !ARM;
        self.entries[at + META] = flags | u64::from(exposure.arm);
        for (one, value) in exposure.segments.iter().enumerate() {
            let word = &mut self.entries[at + HEAD + one / 4];
            let by = 16 * (one % 4);
            *word = *word & !(0xffff << by) | u64::from(*value) << by;
        }
    }

    fn segment(&self, at: usize, one: usize) -> u16 {
        (self.entries[at + HEAD + one / 4] >> (16 * (one % 4))) as u16
    }

    fn grow(&mut self) {
        let wider = vec![0; 2 * self.places.len()];
        let mask = wider.len() - 1;
        for known in std::mem::replace(&mut self.places, wider) {
            if known > 0 {
                let mut place = (known >> 32) as usize & mask;
                while self.places[place] > 0 {
                    place = (place + 1) & mask;
                }
                self.places[place] = known;
            }
        }
    }

    /// When a unit was exposed first, and where its entry stands; none when it never was.
    #[inline]
    pub(crate) fn exposed(&self, key: Key, likely: Likely) -> Option<(usize, i64)> {
        self.find(key, likely).ok().map(|at| (at, self.entries[at + TIME] as i64))
    }

    /// Adds to a total of the unit whose entry stands there.
    #[inline]
    pub(crate) fn add(&mut self, at: usize, total: usize, value: f64) {
        let at = at + HEAD + self.segments.div_ceil(4) + 2 * total;
        let (high, low) = (f64::from_bits(self.entries[at]), f64::from_bits(self.entries[at + 1]));
        let mut sum = Sum { high, low };
        sum.add(value);
        (self.entries[at], self.entries[at + 1]) = (sum.high.to_bits(), sum.low.to_bits());
    }

    /// All units that stand here.
    pub(crate) fn units(&self) -> impl Iterator<Item = Unit<'_>> {
        let entries = self.entries.chunks_exact(self.stride);
        entries.map(|words| Unit { words, segments: self.segments })
    }
}

/// A unit, when all is read.
#[derive(Clone, Copy)]
pub(crate) struct Unit<'s> {
    words: &'s [u64],
    segments: usize,
}

impl Unit<'_> {
    pub(crate) fn time(&self) -> i64 {
        self.words[TIME] as i64
    }

    pub(crate) fn arm(&self) -> u16 {
        self.words[META] as u16
    }

    pub(crate) fn is_multiple(&self) -> bool {
        self.words[META] & IS_MULTIPLE != 0
    }

    pub(crate) fn segment(&self, one: usize) -> u16 {
        (self.words[HEAD + one / 4] >> (16 * (one % 4))) as u16
    }

    pub(crate) fn total(&self, one: usize) -> f64 {
        let at = HEAD + self.segments.div_ceil(4) + 2 * one;
        f64::from_bits(self.words[at]) + f64::from_bits(self.words[at + 1])
    }
}

const _: () = assert!(HEAD == TIME + 1 && STRIPES.is_power_of_two());
