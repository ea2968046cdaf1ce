//! A quantile of blocks that are drawn again and again, without sorting their values each time.
//!
//! Draws move a quantile a little: only the values around it are sorted, with how many of each block
//! come before some of them. Then a draw takes a few sums over the blocks.

/// What was seen in a block: values, ascending, each with how often it was.
pub type Values = [(u64, u64)];

/// How many standard errors of its rank the values are kept to either side of the quantile.
const AROUND: f64 = 6.0;
/// How many values lie between two marks at the least.
const STEP: usize = 32;

/// Blocks, made ready for one quantile of draws of them.
pub(crate) struct Ranked<'a> {
    blocks: Vec<Cumulated<'a>>,
    quantile: f64,
    /// How many values there are in each block.
    sizes: Vec<u32>,
    /// The values around the quantile, ascending.
    around: Vec<Entry>,
    /// How many values lie between two marks.
    step: usize,
    /// How many values of each block come before every so many of those around the quantile, and
    /// before the first one that lies beyond them.
    marks: Vec<Vec<u32>>,
    /// The quantile when each block is drawn once.
    pub(crate) estimate: u64,
    /// How many values there are.
    samples: u64,
}

/// A value around the quantile.
#[derive(Debug, Clone, Copy)]
struct Entry {
    value: u64,
    block: u32,
    count: u32,
}

/// A block with how many of its values come before each.
struct Cumulated<'a> {
    values: &'a Values,
    before: Vec<u64>,
}

impl<'a> Cumulated<'a> {
    fn new(values: &'a Values) -> Cumulated<'a> {
        let mut sum = 0;
        let mut before = vec![0];
        before.extend(values.iter().map(|(_, count)| {
            sum += count;
            sum
        }));
        Cumulated { values, before }
    }

    fn size(&self) -> u64 {
        self.before[self.values.len()]
    }

    /// Where the first value is that is larger than this.
    fn beyond(&self, value: u64) -> usize {
        self.values.partition_point(|(own, _)| *own <= value)
    }

    fn at_most(&self, value: u64) -> u64 {
        self.before[self.beyond(value)]
    }
}

impl<'a> Ranked<'a> {
    /// None when nothing was seen in any of the blocks.
    pub(crate) fn new(
        blocks: impl Iterator<Item = &'a Values>,
        quantile: f64,
    ) -> Option<Ranked<'a>> {
        let blocks: Vec<Cumulated> = blocks.map(Cumulated::new).collect();
        let samples: u64 = blocks.iter().map(Cumulated::size).sum();
        let estimate = whole(&blocks, samples, quantile)?;
        let mut ranked = Ranked {
            quantile,
            sizes: Vec::new(),
            around: Vec::new(),
            step: blocks.len().max(STEP),
            marks: Vec::new(),
            estimate,
            samples,
            blocks,
        };
        ranked.look_around();
        Some(ranked)
    }

    /// Sorts the values around the quantile. Where a block has more values than a number of 32 bits
    /// counts none are, and draws are looked at as a whole.
    fn look_around(&mut self) {
        let small = |number: u64| u32::try_from(number).ok();
        let sizes = self.blocks.iter().map(|block| small(block.size()));
        let Some(sizes) = sizes.collect::<Option<Vec<u32>>>() else { return };
        let away = AROUND * self.error_of_rank();
        let at = |quantile: f64| whole(&self.blocks, self.samples, quantile.clamp(0.0, 1.0));
        let (Some(low), Some(high)) = (at(self.quantile - away), at(self.quantile + away)) else {
            return;
        };
        let mut first = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            let (from, to) = (block.beyond(low.saturating_sub(1)), block.beyond(high));
            let from = if low == 0 { 0 } else { from };
            first.push(block.before[from] as u32);
            let entry = |(value, count): &(u64, u64)| Entry {
                value: *value,
                block: number as u32,
                count: *count as u32,
            };
            self.around.extend(block.values[from..to].iter().map(entry));
        }
        self.around.sort_unstable_by_key(|entry| entry.value);
        self.marks.push(first.clone());
        for step in self.around.chunks(self.step) {
            for entry in step {
                first[entry.block as usize] += entry.count;
            }
            self.marks.push(first.clone());
        }
        self.sizes = sizes;
    }

    /// The standard error of the share of values up to the quantile, from how it differs between
    /// blocks, and as if all values were independent where that is more.
    fn error_of_rank(&self) -> f64 {
        let off = |block: &Cumulated| {
            block.at_most(self.estimate) as f64 - self.quantile * block.size() as f64
        };
        let squares: f64 = self.blocks.iter().map(|block| off(block).powi(2)).sum();
        let samples = self.samples as f64;
        (squares.sqrt() / samples).max(self.error_alone()) + 1.0 / samples
    }

    /// That if all values were independent.
    fn error_alone(&self) -> f64 {
        (self.quantile * (1.0 - self.quantile) / self.samples.max(1) as f64).sqrt()
    }

    /// The standard error of the logarithm of the quantile if all values were independent, from the
    /// values one standard error of their rank to either side.
    pub(crate) fn alone(&self) -> Option<f64> {
        let off = self.error_alone();
        let low = whole(&self.blocks, self.samples, (self.quantile - off).max(0.0))?;
        let high = whole(&self.blocks, self.samples, (self.quantile + off).min(1.0))?;
        (low > 0).then(|| (high as f64 / low as f64).ln() / 2.0)
    }

    /// The quantile when each block is drawn so many times; none when nothing is drawn.
    pub(crate) fn drawn(&self, times: &[u32]) -> Option<u64> {
        if self.sizes.is_empty() {
            return self.drawn_from_all(times);
        }
        let wanted = wanted(self.quantile, product(&self.sizes, times))?;
        let is_before = |mark: &Vec<u32>| product(mark, times) < wanted;
        let at = self.marks.partition_point(is_before);
        if at == 0 || at == self.marks.len() {
            return self.drawn_from_all(times);
        }
        let mut seen = product(&self.marks[at - 1], times);
        let found = self.around[(at - 1) * self.step..].iter().find(|entry| {
            seen += u64::from(entry.count) * u64::from(times[entry.block as usize]);
            seen >= wanted
        })?;
        Some(found.value)
    }

    /// The same, however far it is from the quantile of all.
    fn drawn_from_all(&self, times: &[u32]) -> Option<u64> {
        let all = self.blocks.iter().zip(times).flat_map(|(block, times)| {
            let times = u64::from(*times);
            block.values.iter().map(move |(value, count)| (*value, count * times))
        });
        let mut all: Vec<(u64, u64)> = all.collect();
        all.sort_unstable();
        let wanted = wanted(self.quantile, all.iter().map(|(_, count)| count).sum())?;
        let mut seen = 0;
        let found = all.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        })?;
        Some(found.0)
    }
}

/// Which of so many values, in their order, is the quantile; none when there is no value.
fn wanted(quantile: f64, samples: u64) -> Option<u64> {
    // Rounding must not ask for one value more: 0.99 of 100 is 99.
    let rank = (quantile * samples as f64 - 1e-9).ceil().max(1.0) as u64;
    (samples > 0).then_some(rank)
}

/// A quantile of all blocks: the smallest value that so many do not exceed.
fn whole(blocks: &[Cumulated<'_>], samples: u64, quantile: f64) -> Option<u64> {
    let wanted = wanted(quantile, samples)?;
    let ends = |block: &Cumulated| Some((block.values.first()?.0, block.values.last()?.0));
    let ends = blocks.iter().filter_map(ends);
    let (mut low, mut high) = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
    while low < high {
        let middle = low + (high - low) / 2;
        let seen: u64 = blocks.iter().map(|block| block.at_most(middle)).sum();
        if seen >= wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

fn product(counts: &[u32], times: &[u32]) -> u64 {
    counts.iter().zip(times).map(|(count, times)| u64::from(*count) * u64::from(*times)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A block: any values, those of one of two places mostly.
    fn block() -> impl Strategy<Value = Vec<(u64, u64)>> {
        let value = prop_oneof![0..5_u64, 900..1100_u64, 0..1_000_000_u64];
        prop::collection::btree_map(value, 1..9_u64, 0..40)
            .prop_map(|values| values.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_draw_has_the_quantile_of_its_values(
            blocks in prop::collection::vec(block(), 1..40),
            draws in prop::collection::vec(prop::collection::vec(0..4_u32, 40), 1..20),
            quantile in prop_oneof![Just(0.5), Just(0.95), Just(0.99), 0.0..=1.0],
        ) {
            let ranked = Ranked::new(blocks.iter().map(|block| &block[..]), quantile);
            let Some(ranked) = ranked else {
                prop_assert!(blocks.iter().all(Vec::is_empty));
                return Ok(());
            };
            let once = vec![1; blocks.len()];
            prop_assert_eq!(Some(ranked.estimate), ranked.drawn_from_all(&once));
            prop_assert_eq!(Some(ranked.estimate), ranked.drawn(&once));
            for times in draws {
                let times = &times[..blocks.len()];
                prop_assert_eq!(ranked.drawn(times), ranked.drawn_from_all(times));
            }
        }
    }

    #[test]
    fn counts_beyond_32_bits_are_no_trouble() {
        let block = [(7, 5_000_000_000), (9, 5_000_000_000)];
        let ranked = Ranked::new(std::iter::repeat_n(&block[..], 3), 0.9).unwrap();
        assert_eq!((ranked.estimate, ranked.drawn(&[1, 0, 2])), (9, Some(9)));
    }
}
