//! Histograms of durations, after Gil Tene's HdrHistogram: linear within powers of two, so that the
//! error is relative and the same everywhere.
//!
//! Values are whole microseconds from 1 µs to 60 s, kept to three significant digits: a bucket is
//! never wider than a thousandth of its values. What lies outside counts as the nearest end, and
//! smallest, largest and sum are kept as they are.

/// The smallest value that is told apart from nothing, in microseconds.
pub const LOWEST: u64 = 1;
/// The largest value that is told apart from a larger one, in microseconds: 60 s.
pub const HIGHEST: u64 = 60_000_000;

/// Buckets of width one; from there on each power of two has half as many, of double width. 2,048
/// are the fewest powers of two that keep 1/1000 apart.
const LINEAR: u64 = 2048;
const HALF: u64 = LINEAR / 2;
/// How many buckets there are.
const BUCKETS: usize = index(HIGHEST) + 1;

/// The bucket of a value.
const fn index(value: u64) -> usize {
    if value < LINEAR {
        return value as usize;
    }
    let shift = value.ilog2() - (LINEAR.ilog2() - 1);
    (shift as u64 * HALF + (value >> shift)) as usize
}

/// The smallest value of a bucket.
const fn first(index: usize) -> u64 {
    let index = index as u64;
    if index < LINEAR {
        return index;
    }
    let shift = index / HALF - 1;
    (index - shift * HALF) << shift
}

/// How many durations there were of each length.
#[derive(Clone)]
pub struct Histogram {
    /// As many as were needed so far: most histograms never see their upper end.
    counts: Vec<u64>,
    total: u64,
    /// In microseconds; it takes 600,000 years of latency to fill it.
    sum: u64,
    smallest: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: Vec::new(), total: 0, sum: 0, smallest: u64::MAX, largest: 0 }
    }
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Histogram { total, sum, smallest, largest, .. } = self;
        write!(f, "Histogram({total} values, sum {sum}, {smallest} to {largest} µs)")
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Histogram) -> bool {
        let ends = |one: &Histogram| (one.total, one.sum, one.smallest, one.largest);
        ends(self) == ends(other) && self.buckets().eq(other.buckets())
    }
}

impl Eq for Histogram {}

impl Histogram {
    /// Without any value.
    pub fn new() -> Histogram {
        Histogram::default()
    }

    /// Adds a duration in microseconds.
    #[inline]
    pub fn record(&mut self, microseconds: u64) {
        let at = index(microseconds.min(HIGHEST));
        if at >= self.counts.len() {
            self.grow(at);
        }
        self.counts[at] += 1;
        self.total += 1;
        self.sum += microseconds;
        self.smallest = self.smallest.min(microseconds);
        self.largest = self.largest.max(microseconds);
    }

    /// Makes room for a bucket, and for all of the same power of two.
    #[cold]
    fn grow(&mut self, at: usize) {
        let whole = (at + 1).next_multiple_of(HALF as usize).min(BUCKETS);
        self.counts.resize(whole, 0);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The largest value in microseconds, as it was; none when there is no value.
    pub fn max(&self) -> Option<u64> {
        (self.total > 0).then_some(self.largest)
    }

    /// The smallest value in microseconds, as it was; none when there is no value.
    pub fn min(&self) -> Option<u64> {
        (self.total > 0).then_some(self.smallest)
    }

    /// The mean in microseconds; none when there is no value.
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0).then(|| self.sum as f64 / self.total as f64)
    }

    /// The smallest value, in microseconds, that at least this share of the values does not exceed,
    /// to the width of a bucket: `q` of 0.99 is the 99th percentile. None when there is no value or
    /// `q` is not within 0 and 1.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        if self.total == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        // Rounding must not ask for one value more: 0.99 of 100 is 99.
        let wanted = ((q * self.total as f64) - 1e-9).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                // The middle of the bucket, unless all of its values lie on one side.
                let (low, high) = (first(at), first(at + 1) - 1);
                return Some(u64::midpoint(low, high).clamp(self.smallest, self.largest));
            }
        }
        Some(self.largest)
    }

    /// How many values are larger than this many microseconds. Values of the bucket that the limit
    /// lies in count as not larger.
    pub fn over(&self, microseconds: u64) -> u64 {
        if microseconds >= HIGHEST {
            let last = self.counts.get(BUCKETS - 1).copied().unwrap_or(0);
            return u64::from(self.largest > microseconds) * last;
        }
        self.counts.get(index(microseconds) + 1..).unwrap_or_default().iter().sum()
    }

    /// How many values are this many microseconds or more. Values of the bucket that the limit lies
    /// in count as such.
    pub fn at_least(&self, microseconds: u64) -> u64 {
        self.counts.get(index(microseconds.min(HIGHEST))..).unwrap_or_default().iter().sum()
    }

    /// Adds all values of another one: the same as if they had been recorded here.
    pub fn merge(&mut self, other: &Histogram) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.smallest = self.smallest.min(other.smallest);
        self.largest = self.largest.max(other.largest);
    }

    /// Takes all values out.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        *self = Histogram {
            counts: std::mem::take(&mut self.counts),
            total: 0,
            sum: 0,
            smallest: u64::MAX,
            largest: 0,
        };
    }

    /// The buckets that hold something: the smallest value of each in microseconds, and how many
    /// values it holds.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let held = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        held.map(|(at, count)| (first(at), *count))
    }

    /// Appends it to bytes, without the buckets that hold nothing: numbers in base 128, least
    /// significant group first (LEB128).
    pub fn encode(&self, to: &mut Vec<u8>) {
        let held = self.counts.iter().filter(|count| **count > 0).count();
        for number in [held as u64, self.sum, self.smallest.min(self.largest), self.largest] {
            put(to, number);
        }
        let mut before = 0;
        for (at, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            put(to, (at - before) as u64);
            put(to, *count);
            before = at;
        }
    }

    /// Reads one from the start of bytes, and gives what stands behind it; none when that is none.
    pub fn decode(mut bytes: &[u8]) -> Option<(Histogram, &[u8])> {
        let mut histogram = Histogram::new();
        let held = take(&mut bytes)?;
        histogram.sum = take(&mut bytes)?;
        histogram.smallest = take(&mut bytes)?;
        histogram.largest = take(&mut bytes)?;
        let mut at = 0_u64;
        for number in 0..held {
            let step = take(&mut bytes)?;
            at = at.checked_add(step).filter(|_| number == 0 || step > 0)?;
            let place = usize::try_from(at).ok().filter(|place| *place < BUCKETS)?;
            if place >= histogram.counts.len() {
                histogram.grow(place);
            }
            let count = &mut histogram.counts[place];
            *count = take(&mut bytes).filter(|count| *count > 0)?;
            histogram.total = histogram.total.checked_add(*count)?;
        }
        if held == 0 {
            histogram.smallest = u64::MAX;
        }
        (histogram.smallest <= histogram.largest || held == 0).then_some((histogram, bytes))
    }
}

pub(crate) fn put(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for value in values {
            histogram.record(*value);
        }
        histogram
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for at in 0..BUCKETS {
            assert_eq!(index(first(at)), at);
            assert_eq!(index(first(at + 1) - 1), at, "{at}");
            let width = first(at + 1) - first(at);
            assert!(width == 1 || width as f64 / first(at) as f64 <= 0.001, "{at}: {width}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let check = |values: &[u64], q: f64, expect: Option<u64>| {
            assert_eq!(of(values).quantile(q), expect, "{values:?} {q}");
        };
        let hundred: Vec<u64> = (1..=100).collect();
        check(&hundred, 0.5, Some(50));
        check(&hundred, 0.99, Some(99));
        check(&hundred, 0.991, Some(100));
        check(&hundred, 1.0, Some(100));
        check(&hundred, 0.0, Some(1));
        check(&[5], 0.5, Some(5));
        check(&[], 0.5, None);
        check(&[5], 1.5, None);
        check(&[5], f64::NAN, None);
        // Neither end is made up.
        check(&[1_000_003], 0.5, Some(1_000_003));
        check(&[90_000_000], 0.5, Some(90_000_000));
        assert_eq!(of(&[1, 2, 3, 4000]).over(3), 1);
        assert_eq!(of(&[1, 2, 3, 4000]).over(4000), 0);
        assert_eq!(of(&[90_000_000, 1]).over(60_000_000), 1);
        assert_eq!((of(&[2, 4]).mean(), of(&[]).mean()), (Some(3.0), None));
        assert_eq!((of(&[2, 4]).min(), of(&[2, 4]).max(), of(&[]).max()), (Some(2), Some(4), None));
    }

    proptest! {
        #[test]
        fn merged_is_the_same_as_recorded(
            one in prop::collection::vec(0..200_000_000_u64, 0..50),
            other in prop::collection::vec(0..200_000_000_u64, 0..50),
        ) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            prop_assert_eq!(merged, of(&[one, other].concat()));
        }

        #[test]
        fn what_is_encoded_is_read_again(values in prop::collection::vec(0..200_000_000_u64, 0..80)) {
            let histogram = of(&values);
            let mut bytes = Vec::new();
            histogram.encode(&mut bytes);
            prop_assert!(bytes.len() <= 40 + 8 * values.len());
            bytes.extend(b"rest");
            prop_assert_eq!(Histogram::decode(&bytes), Some((histogram, &b"rest"[..])));
            let cut = bytes.len().saturating_sub(5);
            prop_assert_eq!(Histogram::decode(&bytes[..cut]), None);
        }

        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Histogram::decode(&bytes);
        }

        #[test]
        fn a_quantile_is_within_a_thousandth(
            mut values in prop::collection::vec(1..60_000_000_u64, 1..200),
            q in 0.0..=1.0_f64,
        ) {
            let found = of(&values).quantile(q).unwrap();
            values.sort_unstable();
            let rank = ((q * values.len() as f64 - 1e-9).ceil().max(1.0)) as usize;
            let truth = values[rank - 1];
            prop_assert!(found.abs_diff(truth) as f64 <= truth as f64 / 1000.0, "{} {}", found, truth);
        }
    }
}
