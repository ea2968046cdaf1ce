//! Whether a share lies below a limit, from samples that come in clumps, looked at several times.
//!
//! Slow requests do not come one by one: a pause of a service hits all that are under way. Ten that
//! were slow together say as much as one. So what is counted in blocks of time is brought down to
//! the number of independent samples that would say as much, and exact binomial bounds are taken of
//! that.

use crate::binomial;
use crate::error::Error;
use crate::looks::Spending;

/// How large clumps may be that nothing at the limit itself has shown.
const MOST_ASSUMED: f64 = 12.0;
/// How many samples a block has at the least; shorter ones are put together.
const SHORTEST: u64 = 50;

/// How many times as many samples are thought of when it is asked how many are missing.
const MOST: f64 = 1024.0;

/// What was seen in a block of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// How many samples there were.
    pub samples: u64,
    /// How many of them were what is looked for.
    pub events: u64,
}

/// What was seen in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// How many samples there were.
    pub samples: u64,
    /// How many of them were what is looked for.
    pub events: u64,
    /// How many samples say as much as one that is independent; at least 1.
    pub clump: f64,
}

impl Seen {
    /// Puts blocks together that lie in the order of time; none when there is no sample, or a block
    /// has more events than samples. `clump` is what is known of how samples come together from
    /// elsewhere: [`clumps`] of the same samples at other limits, which tells when there are few
    /// events at this one. It counts up to 12: a bad minute of short delays must not outweigh any
    /// number of samples far below the limit.
    pub fn of(blocks: impl IntoIterator<Item = Block>, clump: f64) -> Option<Seen> {
        let long = put_together(blocks)?;
        let samples: u64 = long.iter().map(|block| block.samples).sum();
        let events: u64 = long.iter().map(|block| block.events).sum();
        let few = few_blocks(long.len() as f64 - 1.0);
        let own = design_effect(&long, samples, events).map_or(1.0, |own| own * few);
        let clump = own.max(clump.min(MOST_ASSUMED)).clamp(1.0, samples as f64);
        Some(Seen { samples, events, clump })
    }

    /// The samples that would say as much if they were independent, and the events among them.
    fn independent(&self) -> (f64, f64) {
        let samples = self.samples as f64 / self.clump;
        (samples, (self.events as f64 / self.clump).min(samples))
    }

    /// The share of events.
    pub fn share(&self) -> f64 {
        self.events as f64 / self.samples as f64
    }

    /// The bounds of the share, each with this error.
    pub fn bounds(&self, alpha: f64) -> Option<(f64, f64)> {
        let (samples, events) = self.independent();
        let low = binomial::lower(events, samples, alpha).ok()?;
        Some((low, binomial::upper(events, samples, alpha).ok()?))
    }
}

/// How many samples say as much as one that is independent, as far as the same samples tell at
/// other limits: the mean of what each of these says; 1 when none of them says anything.
pub fn clumps<B: IntoIterator<Item = Block>>(limits: impl IntoIterator<Item = B>) -> f64 {
    let found = limits.into_iter().filter_map(|blocks| {
        let long = put_together(blocks)?;
        let samples: u64 = long.iter().map(|block| block.samples).sum();
        let events: u64 = long.iter().map(|block| block.events).sum();
        design_effect(&long, samples, events)
    });
    let (sum, count) = found.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    if count > 0.0 { sum / count } else { 1.0 }
}

/// Blocks that are long enough to be held against each other; none when there is no sample, or a
/// block has more events than samples.
fn put_together(blocks: impl IntoIterator<Item = Block>) -> Option<Vec<Block>> {
    let mut long: Vec<Block> = Vec::new();
    let mut open = Block::default();
    for block in blocks {
        if block.events > block.samples {
            return None;
        }
        open.samples += block.samples;
        open.events += block.events;
        if open.samples >= SHORTEST {
            long.push(std::mem::take(&mut open));
        }
    }
    // What is too short to be a block goes with the last one.
    match long.last_mut() {
        Some(last) => {
            last.samples += open.samples;
            last.events += open.events;
        }
        None => long.push(open),
    }
    (long.iter().any(|block| block.samples > 0)).then_some(long)
}

/// The variance of the share between blocks over that of independent samples (the design effect of
/// a ratio; Cochran, Sampling Techniques, 1977, section 6.3).
fn design_effect(blocks: &[Block], samples: u64, events: u64) -> Option<f64> {
    let (all, share) = (samples as f64, events as f64 / samples as f64);
    let count = blocks.len() as f64;
    if events == 0 || events == samples || count < 2.0 {
        return None;
    }
    let squares: f64 = blocks
        .iter()
        .map(|block| (block.events as f64 - share * block.samples as f64).powi(2))
        .sum();
    let between = squares * count / (count - 1.0) / (all * all);
    let alone = share * (1.0 - share) / all;
    Some(between / alone)
}

/// How much more a variance from so many blocks has to count for: the square of Student's quantile
/// over that of the normal distribution, at 5% (Korn and Graubard, Survey Methodology 24, 1998; the
/// quantile by its expansion, Abramowitz and Stegun 26.7.5).
fn few_blocks(freedom: f64) -> f64 {
    const Z: f64 = 1.644_853_626_951_472_7;
    const FIRST: f64 = (Z * Z + 1.0) / 4.0;
    const SECOND: f64 = (5.0 * Z * Z * Z * Z + 16.0 * Z * Z + 3.0) / 96.0;
    (1.0 + FIRST / freedom + SECOND / (freedom * freedom)).powi(2)
}

/// What is known of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It is below the limit.
    Below,
    /// It is above the limit.
    Above,
    /// Either could be.
    Open,
}

/// Several looks at a share that share an error.
#[derive(Debug, Clone)]
pub struct Looks {
    limit: f64,
    alpha: f64,
    /// What the looks so far could have used up of the error, below and above.
    spent: (f64, f64),
    /// What the last look may be wrong by, below and above.
    allowed: (f64, f64),
    seen: Option<Seen>,
}

impl Looks {
    /// At whether a share lies below or above this limit, wrong on either side with probability
    /// `alpha` at the most over all looks. None unless both are within 0 and 1, excluded.
    pub fn new(limit: f64, alpha: f64) -> Option<Looks> {
        let is_good = |value: f64| value > 0.0 && value < 1.0;
        let looks = Looks { limit, alpha, spent: (0.0, 0.0), allowed: (0.0, 0.0), seen: None };
        (is_good(limit) && is_good(alpha)).then_some(looks)
    }

    /// Looks at all that was seen so far, which is this part (above 0, 1 for all) of the most there
    /// can be.
    pub fn look(&mut self, seen: Seen, part: f64) -> Side {
        self.seen = Some(seen);
        let (samples, events) = seen.independent();
        let budget = Spending::ObrienFleming.spent(self.alpha, part).unwrap_or(0.0);
        let left = (budget - self.spent.0, budget - self.spent.1);
        self.allowed = left;
        let rare = |tail: Result<f64, Error>, allowed: f64| tail.is_ok_and(|tail| tail <= allowed);
        if rare(binomial::cdf(events, samples, self.limit), left.0) {
            return Side::Below;
        }
        if rare(binomial::at_least(events, samples, self.limit), left.1) {
            return Side::Above;
        }
        // Counts are whole: what a look could not have used is there for the next one.
        self.spent.0 += used(left.0, |events| binomial::cdf(events, samples, self.limit));
        self.spent.1 += used(left.1, |events| {
            binomial::at_least((samples.floor() - events).max(0.0), samples, self.limit)
        });
        Side::Open
    }

    /// The bounds of the share that the last look has decided by.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let (samples, events) = self.seen?.independent();
        let bound = |alpha: f64| alpha.clamp(1e-300, 0.5);
        let low = binomial::lower(events, samples, bound(self.allowed.1)).ok()?;
        Some((low, binomial::upper(events, samples, bound(self.allowed.0)).ok()?))
    }

    /// About how many more samples would decide at one more look, if they went on as they were; none
    /// when the share is too near to the limit for that.
    pub fn missing(&self) -> Option<u64> {
        let seen = self.seen?;
        let share = seen.share();
        let is_decided = |times: f64| {
            let samples = seen.samples as f64 / seen.clump * times;
            let tail = if share < self.limit {
                binomial::cdf(share * samples, samples, self.limit)
            } else {
                binomial::at_least(share * samples, samples, self.limit)
            };
            tail.is_ok_and(|tail| tail <= self.alpha)
        };
        if !is_decided(MOST) {
            return None;
        }
        let (mut low, mut high) = (1.0, MOST);
        while high / low > 1.01 {
            let middle = f64::midpoint(low, high);
            *(if is_decided(middle) { &mut high } else { &mut low }) = middle;
        }
        Some(((high - 1.0) * seen.samples as f64).ceil() as u64)
    }
}

/// The largest probability of a whole count that is not above what is allowed. `tail` grows with
/// its argument.
fn used(allowed: f64, tail: impl Fn(f64) -> Result<f64, Error>) -> f64 {
    let at = |events: u64| tail(events as f64).ok().filter(|tail| *tail <= allowed);
    let Some(mut most) = at(0) else { return 0.0 };
    let (mut low, mut step) = (0_u64, 1_u64);
    while let Some(tail) = at(low + step) {
        (most, low, step) = (tail, low + step, step * 2);
    }
    while step > 1 {
        step /= 2;
        if let Some(tail) = at(low + step) {
            (most, low) = (tail, low + step);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What samples have in common.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Kind {
        /// Each is drawn on its own.
        Independent,
        /// Ten that follow each other have the same value.
        Clumps,
        /// Only the slow ones come ten at a time; the others are drawn each on its own.
        SlowClumps,
    }

    /// Values from 0 to 1, of which those above 1 − `share` are events.
    struct Source {
        random: Random,
        share: f64,
        kind: Kind,
        /// What the samples of a clump have, and how many are left of it.
        held: (f64, u64),
    }

    impl Source {
        fn new(seed: u64, share: f64, kind: Kind) -> Source {
            let mut source = Source { random: Random::new(seed), share, kind, held: (0.0, 0) };
            // Begins anywhere in a clump.
            source.value();
            if kind != Kind::Independent {
                source.held.1 = source.random.below(10) as u64;
            }
            source
        }

        fn value(&mut self) -> f64 {
            if self.held.1 > 0 {
                self.held.1 -= 1;
                return self.held.0;
            }
            let value = self.random.unit();
            match self.kind {
                Kind::Independent => {}
                Kind::Clumps => self.held = (value, 9),
                Kind::SlowClumps => {
                    // Of all samples the wanted share lies in clumps of ten.
                    let starts = self.share / (10.0 - 9.0 * self.share);
                    if self.random.unit() < starts {
                        self.held = (1.0, 9);
                        return 1.0;
                    }
                    return value * (1.0 - self.share);
                }
            }
            value
        }
    }

    /// The limits that clumps are looked for at, and last that of the share itself.
    fn limits(share: f64) -> [f64; 4] {
        [0.5, 0.75, 0.9, 1.0].map(|level| level * (1.0 - share))
    }

    /// Of 10,000 runs, how many come to each side. A run looks after some seconds and at each
    /// doubling: requests a second, seconds before the first look, and how many looks.
    fn simulate(share: f64, kind: Kind, (rate, first, count): (u64, u64, u32)) -> [u64; 3] {
        let mut sides = [0; 3];
        for run in 0..10_000 {
            let mut source = Source::new(run ^ (rate << 32), share, kind);
            let mut looks = Looks::new(share, 0.05).unwrap();
            let mut blocks: [Vec<Block>; 4] = Default::default();
            let mut side = Side::Open;
            for look in 0..count {
                while (blocks[0].len() as u64) < first << look {
                    let mut events = [0; 4];
                    for _ in 0..rate {
                        let value = source.value();
                        let over = limits(share).map(|limit| u64::from(value > limit));
                        events.iter_mut().zip(over).for_each(|(events, over)| *events += over);
                    }
                    for (blocks, events) in blocks.iter_mut().zip(events) {
                        blocks.push(Block { samples: rate, events });
                    }
                }
                let [others @ .., own] = &blocks;
                let clump = clumps(others.iter().map(|blocks| blocks.iter().copied()));
                let seen = Seen::of(own.iter().copied(), clump).unwrap();
                let part = f64::from(1 << look) / f64::from(1 << (count - 1));
                side = looks.look(seen, part);
                if side != Side::Open {
                    break;
                }
            }
            sides[side as usize] += 1;
        }
        sides
    }

    /// Requests a second, seconds before the first look, looks.
    const PLANS: [(u64, u64, u32); 5] =
        [(50, 30, 2), (50, 30, 4), (200, 10, 3), (10, 60, 2), (1000, 5, 2)];

    #[test]
    fn at_the_limit_few_runs_pass_and_few_fail() {
        for share in [0.05, 0.01] {
            for kind in [Kind::Independent, Kind::Clumps] {
                for plan in PLANS {
                    let [below, above, open] = simulate(share, kind, plan);
                    println!(
                        "{share} {kind:?} {plan:?}: {below} below, {above} above, {open} open"
                    );
                    assert!(below <= 500 && above <= 500, "{share} {kind:?} {plan:?}");
                }
            }
        }
    }

    // What no sample has shown cannot be known: when nothing but the slow ones clump and hardly a
    // clump is to be expected, many runs see none of them. From fifteen clumps on few are misled.
    #[test]
    fn where_only_slow_ones_clump_some_of_them_have_to_be_seen() {
        for share in [0.05, 0.01] {
            for plan in PLANS {
                let [below, above, open] = simulate(share, Kind::SlowClumps, plan);
                let (rate, first, looks) = plan;
                let expected = (rate * (first << (looks - 1))) as f64 * share / 10.0;
                println!(
                    "{share} {plan:?}, {expected} clumps: {below} below, {above} above, {open} open"
                );
                assert!(above <= 600, "{share} {plan:?}: {above}");
                assert!(below <= 600 || expected < 15.0, "{share} {plan:?}: {below}");
            }
        }
    }

    #[test]
    fn what_is_far_from_the_limit_is_decided_soon() {
        // 299 independent samples without an event are the fewest for one of a hundred.
        let quiet = |samples| Seen::of((0..6).map(|_| Block { samples, events: 0 }), 1.0).unwrap();
        let look = |seen, limit| Looks::new(limit, 0.05).unwrap().look(seen, 1.0);
        assert_eq!(look(quiet(50), 0.01), Side::Below);
        assert_eq!(look(quiet(49), 0.01), Side::Open);
        let busy = (0..6).map(|at| Block { samples: 50, events: 5 + at % 2 });
        assert_eq!(look(Seen::of(busy, 1.0).unwrap(), 0.01), Side::Above);
    }

    #[test]
    fn what_is_missing_is_told() {
        let seen = |seconds| Seen::of((0..seconds).map(|_| Block { samples: 50, events: 0 }), 1.0);
        let mut looks = Looks::new(0.01, 0.05).unwrap();
        assert_eq!(looks.look(seen(2).unwrap(), 0.5), Side::Open);
        let missing = looks.missing().unwrap();
        assert!((199..=205).contains(&missing), "{missing}");
        let (low, high) = looks.bounds().unwrap();
        assert!(low == 0.0 && (0.05..0.06).contains(&high), "{high}");
        // At the very limit no number of them would do.
        let even = Seen::of((0..100).map(|_| Block { samples: 100, events: 1 }), 1.0).unwrap();
        assert_eq!(looks.look(even, 1.0), Side::Open);
        assert_eq!(looks.missing(), None);
    }

    #[test]
    fn nothing_of_what_cannot_be() {
        assert_eq!(Seen::of([], 1.0), None);
        assert_eq!(Seen::of([Block { samples: 1, events: 2 }], 1.0), None);
        for (limit, alpha) in [(0.0, 0.05), (1.0, 0.05), (0.5, 0.0), (f64::NAN, 0.05)] {
            assert!(Looks::new(limit, alpha).is_none());
        }
    }
}
