//! What a threshold comes to, by numbers alone.

use gate_core::{Error, Verdict};
use stats::share::{Block, Looks, Seen, Side, clumps};
use stats::{binomial, looks, student};

use super::Reading;
use crate::figures::{Over, durations};
use crate::threshold::{Aggregate, Metric, Threshold};

/// How often a threshold may be decided wrongly, over all looks, on either side.
pub(crate) const ALPHA: f64 = 0.05;
/// The limits at which clumps are looked for, as shares of all samples below them.
const LEVELS: [f64; 4] = [0.5, 0.75, 0.9, 0.95];

/// How many times the slowest sample a limit has to be to be far from all of them.
const FAR: f64 = 2.0;

/// Of so many answers one at the least has to say whether it comes from a cache.
const TELLING: u64 = 10;

/// What a threshold comes to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    /// In the threshold's own unit; none when there was nothing to measure.
    pub(crate) value: Option<f64>,
    /// The bounds that the true value lies between, each wrong once in twenty; none where nothing
    /// bounds it, or there is nothing to estimate.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) verdict: Verdict,
    pub(crate) why: Why,
}

/// How it was decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Why {
    /// By what was seen alone.
    Seen,
    /// By bounds.
    Bounds,
    /// Nothing was measured.
    Nothing,
    /// It could be either: about so many more requests would tell.
    Few(Option<u64>),
    /// It would hold without the lateness of the generator.
    OwnLag,
    /// An early look was certain, and all of it together says otherwise.
    Changed,
}

impl Threshold {
    /// What it comes to after all looks.
    pub(crate) fn decide(&self, reading: &Reading<'_>) -> Result<Decided, Error> {
        let decided = self.decide_with(reading, false)?;
        let is_lagging = self.metric == Metric::Latency && decided.verdict == Verdict::Fail;
        if is_lagging && self.decide_with(reading, true)?.verdict != Verdict::Fail {
            return Ok(Decided { verdict: Verdict::Inconclusive, why: Why::OwnLag, ..decided });
        }
        Ok(decided)
    }

    fn decide_with(&self, reading: &Reading<'_>, is_unlagged: bool) -> Result<Decided, Error> {
        match self.aggregate {
            Aggregate::Quantile(quantile) => self.by_share(reading, quantile, is_unlagged),
            Aggregate::Average => self.by_mean(reading, is_unlagged),
            _ => Ok(self.by_what_was_seen(reading, is_unlagged)),
        }
    }

    /// What an early look was certain of is not what a run comes to that went on and says otherwise.
    pub(crate) fn unless_changed(&self, decided: Decided) -> Decided {
        let holds = decided.value.is_some_and(|value| self.operator.holds(value, self.limit));
        let is_contrary = match decided.verdict {
            Verdict::Pass => !holds,
            Verdict::Fail => holds,
            _ => false,
        };
        if !is_contrary {
            return decided;
        }
        Decided { verdict: Verdict::Inconclusive, why: Why::Changed, ..decided }
    }

    /// What needs no estimate: a number, or an extreme.
    fn by_what_was_seen(&self, reading: &Reading<'_>, is_unlagged: bool) -> Decided {
        let all = &reading.figures.all;
        // A run that goes on for something else has more of everything: counts are those of the
        // time that was asked for.
        let first = reading.looks.first().map_or(0, |look| look.seconds as usize);
        let rows = &reading.figures.rows;
        let rows = match self.aggregate {
            Aggregate::Count => &rows[..rows.len().min(first)],
            _ => &rows[..],
        };
        let number = rows.iter().map(|row| match self.metric {
            Metric::Failures => row.failures,
            Metric::Hits => row.hits,
            Metric::Bytes => row.bytes,
            _ => row.requests,
        });
        let number = number.sum::<u64>() as f64;
        let seconds = reading.seconds.max(f64::MIN_POSITIVE);
        let times = durations(all, self.metric, is_unlagged);
        let value = match self.aggregate {
            Aggregate::Count => Some(number),
            Aggregate::Rate if self.metric == Metric::Failures => {
                Some(number / all.requests.max(1) as f64)
            }
            Aggregate::Rate if self.metric == Metric::Hits => {
                // Pages that nobody caches say nothing of it; when hardly any answer does, the few that
                // do may be the hits alone.
                let is_told = all.cache_told > 0 && all.cache_told * TELLING >= all.requests;
                is_told.then(|| number / all.cache_told as f64)
            }
            Aggregate::Rate => Some(number / seconds),
            Aggregate::Min => times.min().map(|value| value as f64),
            _ => times.max().map(|value| value as f64),
        };
        let value = value.filter(|_| all.requests > 0);
        match value {
            Some(value) => Decided {
                verdict: kept(self.operator.holds(value, self.limit)),
                ..seen(Some(value), Why::Seen)
            },
            None => seen(None, Why::Nothing),
        }
    }

    /// A quantile, by the share of samples over the limit.
    fn by_share(
        &self,
        reading: &Reading<'_>,
        quantile: f64,
        is_unlagged: bool,
    ) -> Result<Decided, Error> {
        let all = durations(&reading.figures.all, self.metric, is_unlagged);
        let Some(value) = all.quantile(quantile) else { return Ok(seen(None, Why::Nothing)) };
        let at = |limit| Over { metric: self.metric, is_unlagged, limit, is_strict: false };
        let own_level = [quantile].into_iter().filter(|q| (1.0 - q) * all.count() as f64 >= 20.0);
        let levels = LEVELS.into_iter().chain(own_level).filter_map(|level| all.quantile(level));
        // Values are whole microseconds: from 1.5 on are those from 2 on.
        let is_strict = self.operator.is_strict();
        let limit = if is_strict { self.limit.ceil() } else { self.limit.floor() };
        let own = Over { is_strict, ..at(limit as u64) };
        let wanted: Vec<Over> = std::iter::once(own).chain(levels.map(at)).collect();
        let counted = reading.blocks(&wanted)?;
        let [own, others @ ..] = &counted[..] else { return Ok(seen(None, Why::Nothing)) };
        let Some(mut looks) = Looks::new(1.0 - quantile, ALPHA) else {
            return Ok(seen(None, Why::Nothing));
        };
        // How short delays clump says nothing of a limit that no sample comes anywhere near.
        let is_far = all.max().is_some_and(|max| max as f64 * FAR < self.limit);
        let (mut side, mut last) = (Side::Open, 1.0);
        for look in &reading.looks {
            let until =
                |blocks: &[Block]| blocks[..blocks.len().min(look.seconds as usize)].to_vec();
            let clump =
                if is_far { 1.0 } else { clumps(others.iter().map(|blocks| until(blocks))) };
            let Some(seen) = Seen::of(until(own), clump) else { continue };
            last = seen.clump;
            side = looks.look(seen, look.part);
            if side != Side::Open {
                break;
            }
        }
        let verdict = match side {
            Side::Open => Verdict::Inconclusive,
            side => kept((side == Side::Below) == self.operator.wants_less()),
        };
        let why = match side {
            Side::Open => Why::Few(looks.missing()),
            _ => Why::Bounds,
        };
        let (low, high) = between(all, quantile, last);
        let decided = Decided { value: Some(value as f64), low, high, verdict, why };
        Ok(self.unless_changed(decided))
    }

    /// A mean, by its spread over the seconds.
    fn by_mean(&self, reading: &Reading<'_>, is_unlagged: bool) -> Result<Decided, Error> {
        let all = durations(&reading.figures.all, self.metric, is_unlagged);
        let Some(value) = all.mean() else { return Ok(seen(None, Why::Nothing)) };
        let sums = reading.sums(self.metric, is_unlagged)?;
        let (mut verdict, mut bounds) = (Verdict::Inconclusive, (None, None));
        let mut before = 0.0;
        for look in &reading.looks {
            let until = &sums[..sums.len().min(look.seconds as usize)];
            let Some((mean, error)) = mean_of(until) else { continue };
            let freedom = until.iter().filter(|(_, count)| *count > 0).count() as f64 - 1.0;
            let usual = student::isf(ALPHA, freedom).unwrap_or(f64::INFINITY) * error;
            bounds = (Some((mean - usual).max(0.0)), Some(mean + usual));
            let budget = looks::increment(ALPHA, before, look.part);
            before = look.part;
            let away = budget.and_then(|alpha| student::isf(alpha, freedom));
            let away = away.unwrap_or(f64::INFINITY) * error;
            if mean + away < self.limit {
                verdict = kept(self.operator.wants_less());
            } else if mean - away > self.limit {
                verdict = kept(!self.operator.wants_less());
            }
            if verdict != Verdict::Inconclusive {
                break;
            }
        }
        let is_open = verdict == Verdict::Inconclusive;
        let why = if is_open { Why::Few(None) } else { Why::Bounds };
        let decided = Decided { value: Some(value), low: bounds.0, high: bounds.1, verdict, why };
        Ok(self.unless_changed(decided))
    }
}

fn kept(is_kept: bool) -> Verdict {
    if is_kept { Verdict::Pass } else { Verdict::Fail }
}

fn seen(value: Option<f64>, why: Why) -> Decided {
    Decided { value, low: None, high: None, verdict: Verdict::Inconclusive, why }
}

/// The bounds of a quantile: the values at the bounds of its rank. Where a rank may lie above all
/// samples nothing bounds it.
fn between(all: &load::Histogram, quantile: f64, clump: f64) -> (Option<f64>, Option<f64>) {
    let samples = all.count() as f64 / clump;
    let below = quantile * samples;
    let at = |rank: Option<f64>| rank.and_then(|rank| all.quantile(rank)).map(|value| value as f64);
    let low = at(binomial::lower(below, samples, ALPHA));
    let high = binomial::upper(below, samples, ALPHA)
        .filter(|rank| (1.0 - rank) * all.count() as f64 >= 1.0);
    (low, at(high))
}

/// The mean of all values, and its standard error from the spread of the seconds' sums (a ratio
/// estimator); none with fewer than two seconds that have any.
fn mean_of(seconds: &[(f64, u64)]) -> Option<(f64, f64)> {
    let full: Vec<_> = seconds.iter().filter(|(_, count)| *count > 0).collect();
    let (sum, count) =
        full.iter().fold((0.0, 0.0), |(sum, all), (one, count)| (sum + one, all + *count as f64));
    let blocks = full.len() as f64;
    let mean = sum / count;
    let squares: f64 = full.iter().map(|(sum, count)| (sum - mean * *count as f64).powi(2)).sum();
    (full.len() >= 2).then(|| (mean, (squares * blocks / (blocks - 1.0)).sqrt() / count))
}
