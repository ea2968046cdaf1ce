//! Whether a share lies below a limit, from samples that come in clumps, looked at several times.
//!
//! Slow requests do not come one by one: a pause of a service hits all that are under way. Ten that
//! were slow together say as much as one. So what is counted in blocks of time is brought down to
//! the number of independent samples that would say as much, and exact binomial bounds are taken of
//! that.

use crate::{beta, binomial, looks, normal};

/// How many events come together, until the blocks have said otherwise.
const CLUMP: f64 = 10.0;
/// How many blocks with events weigh as much as that assumption.
const DOUBT: f64 = 2.0;
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
    /// has more events than samples.
    pub fn of(blocks: impl IntoIterator<Item = Block>) -> Option<Seen> {
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
        let samples: u64 = long.iter().map(|block| block.samples).sum();
        let events: u64 = long.iter().map(|block| block.events).sum();
        (samples > 0).then(|| Seen { samples, events, clump: clump(&long, samples, events) })
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
        Some((binomial::lower(events, samples, alpha)?, binomial::upper(events, samples, alpha)?))
    }
}

/// The variance of the share between blocks over that of independent samples (the design effect of
/// a ratio; Cochran, Sampling Techniques, 1977, section 6.3), drawn towards an assumption as long as
/// few blocks have events.
fn clump(blocks: &[Block], samples: u64, events: u64) -> f64 {
    let (all, share) = (samples as f64, events as f64 / samples as f64);
    // A single block with events says nothing of how they are spread.
    let with_events =
        blocks.iter().filter(|block| block.events > 0).count().saturating_sub(1) as f64;
    let count = blocks.len() as f64;
    if events == 0 || events == samples || count < 2.0 {
        return CLUMP.max(if count < 2.0 { events as f64 } else { 1.0 }).min(all);
    }
    let squares: f64 = blocks
        .iter()
        .map(|block| (block.events as f64 - share * block.samples as f64).powi(2))
        .sum();
    let between = squares * count / (count - 1.0) / (all * all);
    let alone = share * (1.0 - share) / all;
    let found = between / alone * few_blocks(count - 1.0);
    ((CLUMP * DOUBT + found * with_events) / (DOUBT + with_events)).clamp(1.0, all)
}

/// How much more a variance from so many blocks has to count for: the square of Student's quantile
/// over that of the normal distribution, at 5% (Korn and Graubard, Survey Methodology 24, 1998).
fn few_blocks(freedom: f64) -> f64 {
    const ALPHA: f64 = 0.05;
    let part = beta::quantile(2.0 * ALPHA, freedom / 2.0, 0.5);
    let z = normal::isf(ALPHA);
    match (part, z) {
        (Some(part), Some(z)) => freedom * (1.0 - part) / part / (z * z),
        _ => 1.0,
    }
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
        let budget = looks::obrien_fleming(self.alpha, part).unwrap_or(0.0);
        let left = (budget - self.spent.0, budget - self.spent.1);
        self.allowed = left;
        let rare = |tail: Option<f64>, allowed: f64| tail.is_some_and(|tail| tail <= allowed);
        if rare(binomial::at_most(events, samples, self.limit), left.0) {
            return Side::Below;
        }
        if rare(binomial::at_least(events, samples, self.limit), left.1) {
            return Side::Above;
        }
        // Counts are whole: what a look could not have used is there for the next one.
        self.spent.0 += used(left.0, |events| binomial::at_most(events, samples, self.limit));
        self.spent.1 += used(left.1, |events| {
            binomial::at_least((samples.floor() - events).max(0.0), samples, self.limit)
        });
        Side::Open
    }

    /// The bounds of the share that the last look has decided by.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let (samples, events) = self.seen?.independent();
        let bound = |alpha: f64| alpha.clamp(1e-300, 0.5);
        let low = binomial::lower(events, samples, bound(self.allowed.1))?;
        Some((low, binomial::upper(events, samples, bound(self.allowed.0))?))
    }

    /// About how many more samples would decide at one more look, if they went on as they were; none
    /// when the share is too near to the limit for that.
    pub fn missing(&self) -> Option<u64> {
        let seen = self.seen?;
        let share = seen.share();
        let is_decided = |times: f64| {
            let samples = seen.samples as f64 / seen.clump * times;
            let tail = if share < self.limit {
                binomial::at_most(share * samples, samples, self.limit)
            } else {
                binomial::at_least(share * samples, samples, self.limit)
            };
            tail.is_some_and(|tail| tail <= self.alpha)
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
fn used(allowed: f64, tail: impl Fn(f64) -> Option<f64>) -> f64 {
    let at = |events: u64| tail(events as f64).filter(|tail| *tail <= allowed);
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

    /// Samples of which a share are events that come so many at a time.
    struct Source {
        random: Random,
        share: f64,
        clump: u64,
        /// Events that are still to come, or samples before the next ones.
        left: (u64, bool),
    }

    impl Source {
        fn new(seed: u64, share: f64, clump: u64) -> Source {
            let mut random = Random::new(seed);
            let is_event = random.unit() < share;
            let place = random.below(clump as usize) as u64 + 1;
            let mut source = Source { random, share, clump, left: (place, is_event) };
            if !is_event {
                source.left.0 = source.gap();
            }
            source
        }

        /// Gaps have no memory, and are as long on average as keeps the share.
        fn gap(&mut self) -> u64 {
            let mean = self.clump as f64 * (1.0 - self.share) / self.share;
            let stay = 1.0 - 1.0 / (mean + 1.0);
            (self.random.unit().ln() / stay.ln()) as u64
        }

        fn is_event(&mut self) -> bool {
            if self.clump == 1 {
                return self.random.unit() < self.share;
            }
            while self.left.0 == 0 {
                let next = !self.left.1;
                self.left = (if next { self.clump } else { self.gap() }, next);
            }
            self.left.0 -= 1;
            self.left.1
        }

        fn block(&mut self, samples: u64) -> Block {
            let events = (0..samples).filter(|_| self.is_event()).count() as u64;
            Block { samples, events }
        }
    }

    /// Of so many runs, how many come to each side; and of all looks that were had. A run looks
    /// after `first` seconds and at each doubling, `looks` times in all.
    fn simulate(runs: u64, limit: f64, share: f64, clump: u64, plan: (u64, u64, u32)) -> [u64; 3] {
        let (rate, first, count) = plan;
        let mut sides = [0; 3];
        for run in 0..runs {
            let mut source = Source::new(run ^ (clump << 32), share, clump);
            let mut looks = Looks::new(limit, 0.05).unwrap();
            let mut blocks = Vec::new();
            let mut side = Side::Open;
            for look in 0..count {
                let seconds = first << look;
                while (blocks.len() as u64) < seconds {
                    blocks.push(source.block(rate));
                }
                let part = f64::from(1 << look) / f64::from(1 << (count - 1));
                side = looks.look(Seen::of(blocks.iter().copied()).unwrap(), part);
                if side != Side::Open {
                    break;
                }
            }
            sides[side as usize] += 1;
        }
        sides
    }

    #[test]
    fn at_the_limit_few_runs_pass_and_few_fail() {
        // Requests a second, seconds before the first look, looks.
        let plans = [(50, 30, 2), (50, 30, 4), (200, 10, 3), (10, 60, 2), (1000, 5, 2)];
        for limit in [0.05, 0.01, 0.001] {
            for clump in [1, 10] {
                for plan in plans {
                    let [below, above, open] = simulate(10_000, limit, limit, clump, plan);
                    println!("{limit} {clump} {plan:?}: {below} below, {above} above, {open} open");
                    assert!(below <= 500, "{limit} {clump} {plan:?}: {below}");
                    assert!(above <= 500, "{limit} {clump} {plan:?}: {above}");
                }
            }
        }
    }
}
