//! What is known of each unit. Units stand in stripes by their fingerprints, so that those who read
//! hardly ever wait for one another, and what they look up lies close together.

use std::sync::{Mutex, PoisonError};

use crate::exact::Sum;

/// How many stripes: a power of two.
const STRIPES: usize = 256;
/// Words of an entry: the fingerprint, the time of the first exposure, and its arm with flags.
const KEY: usize = 2;
const TIME: usize = 2;
const META: usize = 3;
const HEAD: usize = 4;
/// In the word with the arm.
const IS_THERE: u64 = 1 << 16;
const IS_MULTIPLE: u64 = 1 << 17;
/// Stands for no value of a segment.
pub(crate) const NOTHING: u16 = u16::MAX;

/// A fingerprint of 128 bits (XXH3): two of a thousand million units share one with a chance of one
/// in 10^21, so that ids themselves need not be kept.
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

/// Some of them: a table with open places.
pub(crate) struct Stripe {
    words: Vec<u64>,
    stride: usize,
    segments: usize,
    used: usize,
    /// One less than how many places there are.
    mask: usize,
}

impl Units {
    pub(crate) fn new(segments: usize, totals: usize) -> Units {
        let stride = HEAD + segments.div_ceil(4) + 2 * totals;
        let stripe = || Stripe { words: vec![0; stride * 8], stride, segments, used: 0, mask: 7 };
        let stripes = (0..STRIPES).map(|_| Mutex::new(stripe())).collect();
        Units { stripes, segments, totals }
    }

    /// Goes through rows stripe by stripe, with each of them locked once.
    pub(crate) fn each(
        &self,
        keys: &[Key],
        order: &mut Order,
        mut each: impl FnMut(&mut Stripe, usize),
    ) {
        order.sort(keys);
        for (at, stripe) in self.stripes.iter().enumerate() {
            let rows = &order.rows[order.starts[at] as usize..order.starts[at + 1] as usize];
            if rows.is_empty() {
                continue;
            }
            let mut stripe = stripe.lock().unwrap_or_else(PoisonError::into_inner);
            for row in rows {
                each(&mut stripe, *row as usize);
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
    /// The entry of a unit, or the open place for it.
    #[inline]
    fn find(&self, key: Key) -> (usize, bool) {
        let (low, high) = (key as u64, (key >> 64) as u64);
        let mut place = low as usize & self.mask;
        loop {
            let at = place * self.stride;
            let entry = &self.words[at..at + HEAD];
            if entry[META] & IS_THERE == 0 {
                return (at, false);
            }
            if entry[0] == low && entry[1] == high {
                return (at, true);
            }
            place = (place + 1) & self.mask;
        }
    }

    /// A unit was exposed. `is_before` says which of two arms counts of exposures at the same time.
    #[inline]
    pub(crate) fn expose(
        &mut self,
        key: Key,
        exposure: Exposure<'_>,
        is_before: impl Fn(Exposure<'_>, Exposure<'_>) -> bool,
    ) -> usize {
        let (at, is_there) = self.find(key);
        if !is_there {
            return self.insert(key, at, exposure);
        }
        let (time, meta) = (self.words[at + TIME] as i64, self.words[at + META]);
        if meta as u16 != exposure.arm {
            self.words[at + META] |= IS_MULTIPLE;
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

    fn insert(&mut self, key: Key, mut at: usize, exposure: Exposure<'_>) -> usize {
        if (self.used + 1) * 4 > (self.mask + 1) * 3 {
            self.grow();
            at = self.find(key).0;
        }
        self.used += 1;
        (self.words[at], self.words[at + 1]) = (key as u64, (key >> 64) as u64);
        self.words[at + META] = IS_THERE;
        self.write(at, exposure);
        at
    }

    fn write(&mut self, at: usize, exposure: Exposure<'_>) {
        self.words[at + TIME] = exposure.time as u64;
        let flags = self.words[at + META] & !0xffff;
        self.words[at + META] = flags | u64::from(exposure.arm);
        for (one, value) in exposure.segments.iter().enumerate() {
            let word = &mut self.words[at + HEAD + one / 4];
            let by = 16 * (one % 4);
            *word = *word & !(0xffff << by) | u64::from(*value) << by;
        }
    }

    fn segment(&self, at: usize, one: usize) -> u16 {
        (self.words[at + HEAD + one / 4] >> (16 * (one % 4))) as u16
    }

    fn grow(&mut self) {
        let places = 2 * (self.mask + 1);
        let old = std::mem::replace(&mut self.words, vec![0; places * self.stride]);
        self.mask = places - 1;
        for entry in old.chunks_exact(self.stride).filter(|entry| entry[META] & IS_THERE != 0) {
            let key = u128::from(entry[1]) << 64 | u128::from(entry[0]);
            let (at, _) = self.find(key);
            self.words[at..at + self.stride].copy_from_slice(entry);
        }
    }

    /// When a unit was exposed first, and where its entry stands; none when it never was.
    #[inline]
    pub(crate) fn exposed(&self, key: Key) -> Option<(usize, i64)> {
        let (at, is_there) = self.find(key);
        is_there.then(|| (at, self.words[at + TIME] as i64))
    }

    /// Adds to a total of the unit whose entry stands there.
    #[inline]
    pub(crate) fn add(&mut self, at: usize, total: usize, value: f64) {
        let at = at + HEAD + self.segments.div_ceil(4) + 2 * total;
        let (high, low) = (f64::from_bits(self.words[at]), f64::from_bits(self.words[at + 1]));
        let mut sum = Sum { high, low };
        sum.add(value);
        (self.words[at], self.words[at + 1]) = (sum.high.to_bits(), sum.low.to_bits());
    }

    /// All units that stand here.
    pub(crate) fn units(&self) -> impl Iterator<Item = Unit<'_>> {
        let entries = self.words.chunks_exact(self.stride);
        let there = entries.filter(|entry| entry[META] & IS_THERE != 0);
        there.map(|words| Unit { words, segments: self.segments })
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

const _: () = assert!(KEY == TIME && HEAD == META + 1 && STRIPES.is_power_of_two());
