//! What a limit on pages comes to.
//!
//! Each time that a page was loaded is one sample, and there are few. They are decided as those of
//! requests are, by exact bounds of the share over the limit; but there are too few in a second to
//! see from seconds how they come together. So that is estimated from how much each is like the one
//! before: with an autocorrelation of r, so many say as much as (1 - r) / (1 + r) of them that are
//! independent (the effective size of a sample from an autoregressive process of the first order;
//! Wilks, Statistical Methods in the Atmospheric Sciences, section 5.2.4).

use gate_core::Verdict;
use stats::share::{Block, Looks, Seen, Side};
use stats::{binomial, looks, student};

use super::{Watched, quantile};
use crate::judge::{ALPHA, Decided, Why};
use crate::measure::Look;
use crate::settings::{Required, Settings};
use crate::threshold::{Aggregate, Metric, Threshold};

/// How many times the largest sample a limit has to be to be far from all of them.
const FAR: f64 = 2.0;

/// How many page loads there have to be before anything is said of their mean or their extremes: two
/// may be alike by chance.
const FEWEST: usize = 5;

/// A page load, as a limit sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// In seconds since the start of what is counted.
    pub(super) at: f64,
    /// None when the page did not come, or nothing was painted: that is no better than any value.
    pub(super) value: Option<f64>,
    /// How much less it might have been, had the browser not waited for a processor.
    pub(super) waited: f64,
    /// For how many loads it stands.
    pub(super) times: u64,
}

/// What a limit comes to after these looks.
pub(crate) fn decide(
    spec: &Settings,
    limit: &Required,
    seen: Option<&Watched>,
    looks: &[Look],
) -> Decided {
    let samples = samples_of(spec, limit, seen);
    let decided = over(&limit.threshold, &samples, looks);
    if decided.verdict != Verdict::Fail || !limit.threshold.metric.is_time() {
        return decided;
    }
    // Waiting for a processor only makes a page slower: it may spoil a fail and never makes a pass.
    let at_once = |one: &Sample| Sample {
        value: one.value.map(|value| (value - one.waited).max(0.0)),
        ..*one
    };
    let at_once: Vec<Sample> = samples.iter().map(at_once).collect();
    match over(&limit.threshold, &at_once, looks).verdict {
        Verdict::Fail => decided,
        _ => Decided { verdict: Verdict::Inconclusive, why: Why::OwnLag, ..decided },
    }
}

/// How many page loads a limit is about, and how many of those have no value.
pub(crate) fn samples(spec: &Settings, limit: &Required, seen: Option<&Watched>) -> (u64, u64) {
    let samples = samples_of(spec, limit, seen);
    let missing = samples.iter().filter(|one| one.value.is_none()).count();
    (samples.len() as u64, missing as u64)
}

fn samples_of(spec: &Settings, limit: &Required, seen: Option<&Watched>) -> Vec<Sample> {
    let (slice, metric) = (spec.slice(limit), limit.threshold.metric);
    let loads = seen.into_iter().flat_map(|seen| seen.of(0));
    let loads = loads.filter(|load| slice.has(load.at as u64));
    loads
        .map(|load| {
            let value = load.value(metric);
            // What the server took is nothing that the browser has waited for. A page that is painted
            // before its first byte is nonsense of somebody's.
            let own = value.zip(load.first_byte).map(|(value, first)| value - first as f64);
            let own = own.filter(|own| metric != Metric::PageFirstByte && *own > 0.0);
            let waited = load.waited.unwrap_or(0) as f64;
            let waited = own.map_or(waited, |own| waited.min(own));
            Sample { at: load.at, value, waited, times: load.times.max(1) }
        })
        .collect()
}

pub(super) fn over(threshold: &Threshold, samples: &[Sample], looks: &[Look]) -> Decided {
    let values = || samples.iter().filter_map(|one| one.value);
    if values().next().is_none() {
        return decided(None, Verdict::Inconclusive, Why::Nothing);
    }
    match threshold.aggregate {
        Aggregate::Quantile(share) => by_share(threshold, share, samples, looks),
        Aggregate::Average => by_mean(threshold, samples, looks),
        Aggregate::Min => by_extreme(threshold, values().reduce(f64::min), samples),
        _ => by_extreme(threshold, values().reduce(f64::max), samples),
    }
}

fn decided(value: Option<f64>, verdict: Verdict, why: Why) -> Decided {
    Decided { value, low: None, high: None, verdict, why }
}

fn kept(is_kept: bool) -> Verdict {
    if is_kept { Verdict::Pass } else { Verdict::Fail }
}

/// Those that a look has seen.
fn until<'a>(samples: &'a [Sample], look: &Look) -> &'a [Sample] {
    let end = samples.iter().position(|one| one.at >= look.seconds as f64);
    &samples[..end.unwrap_or(samples.len())]
}

fn by_extreme(threshold: &Threshold, value: Option<f64>, samples: &[Sample]) -> Decided {
    let is_missing = samples.iter().any(|one| one.value.is_none());
    let holds = value.is_some_and(|value| threshold.operator.holds(value, threshold.limit));
    // The largest of all is one that never came.
    let spoilt =
        is_missing && threshold.aggregate == Aggregate::Max && threshold.operator.wants_less();
    // That one was below is proof that the least of all is, however many follow.
    let is_proof = (threshold.aggregate == Aggregate::Min) == threshold.operator.wants_less();
    if holds && !spoilt && !is_proof && samples.len() < FEWEST {
        return decided(value, Verdict::Inconclusive, Why::Few(None));
    }
    decided(value, kept(holds && !spoilt), Why::Seen)
}

fn by_share(threshold: &Threshold, share: f64, samples: &[Sample], looks: &[Look]) -> Decided {
    let operator = threshold.operator;
    let is_over = |one: &Sample| match one.value {
        None => operator.wants_less(),
        Some(value) if operator.is_strict() => value >= threshold.limit,
        Some(value) => value > threshold.limit,
    };
    let Some(mut planned) = Looks::new(1.0 - share, ALPHA) else {
        return decided(None, Verdict::Inconclusive, Why::Nothing);
    };
    let (mut side, mut last) = (Side::Open, 1.0);
    for look in looks {
        let seen = until(samples, look);
        let block = |one: &Sample| Block {
            samples: one.times,
            events: if is_over(one) { one.times } else { 0 },
        };
        let is_far =
            seen.iter().all(|one| one.value.is_some_and(|value| value * FAR < threshold.limit));
        // How quick pages come together says nothing of a limit that none of them comes near.
        let clump = if is_far { unequal(seen) } else { together(seen) };
        let Some(seen) = Seen::of(seen.iter().map(block), clump) else { continue };
        last = seen.clump;
        side = planned.look(seen, look.part);
        if side != Side::Open {
            break;
        }
    }
    let mut verdict = match side {
        Side::Open => Verdict::Inconclusive,
        side => kept((side == Side::Below) == operator.wants_less()),
    };
    // How long those would have taken that never came, nobody knows.
    let is_missing = samples.iter().any(|one| one.value.is_none());
    if is_missing && !operator.wants_less() && verdict == Verdict::Fail {
        verdict = Verdict::Inconclusive;
    }
    let why = match side {
        Side::Open => Why::Few(planned.missing()),
        _ if verdict == Verdict::Inconclusive => Why::Few(None),
        _ => Why::Bounds,
    };
    let value = |one: &Sample| one.value.unwrap_or(f64::INFINITY);
    let mut sorted: Vec<f64> = samples
        .iter()
        .flat_map(|one| std::iter::repeat_n(value(one), one.times as usize))
        .collect();
    sorted.sort_by(f64::total_cmp);
    let finite = |at: Option<f64>| at.filter(|at| at.is_finite());
    let effective = sorted.len() as f64 / last;
    let bound = |rank: Option<f64>| finite(rank.and_then(|rank| quantile(&sorted, rank)));
    let low = bound(binomial::lower(share * effective, effective, ALPHA).ok());
    let high = binomial::upper(share * effective, effective, ALPHA).ok();
    // Where the bound of a rank may lie above all samples nothing bounds it.
    let high = bound(high.filter(|rank| (1.0 - rank) * sorted.len() as f64 >= 1.0));
    let value = finite(quantile(&sorted, share));
    threshold.unless_changed(Decided { value, low, high, verdict, why })
}

fn by_mean(threshold: &Threshold, samples: &[Sample], looks: &[Look]) -> Decided {
    let mut found = decided(None, Verdict::Inconclusive, Why::Few(None));
    let mut before = 0.0;
    for look in looks {
        let seen = until(samples, look);
        let values: Vec<(f64, f64)> =
            seen.iter().filter_map(|one| Some((one.value?, one.times as f64))).collect();
        let count = values.iter().map(|(_, times)| times).sum::<f64>();
        let mean = values.iter().map(|(value, times)| value * times).sum::<f64>() / count.max(1.0);
        found.value = Some(mean);
        if values.len() < FEWEST {
            continue;
        }
        let squares: f64 = values.iter().map(|(value, times)| times * (value - mean).powi(2)).sum();
        let independent = (count / together(seen)).max(2.0);
        let error = (squares / (count - 1.0) / independent).sqrt();
        let away = |alpha: Option<f64>| {
            let far =
                alpha.and_then(|alpha| student::upper_quantile(alpha, independent - 1.0).ok());
            far.unwrap_or(f64::INFINITY) * error
        };
        let usual = away(Some(ALPHA));
        (found.low, found.high) = (Some((mean - usual).max(0.0)), Some(mean + usual));
        let budget = away(looks::increment(ALPHA, before, look.part));
        before = look.part;
        let is_below = mean + budget < threshold.limit;
        if is_below || mean - budget > threshold.limit {
            found.verdict = kept(is_below == threshold.operator.wants_less());
            found.why = Why::Bounds;
            break;
        }
    }
    // What did not come is in no mean.
    let is_missing = samples.iter().any(|one| one.value.is_none());
    if is_missing && found.verdict == Verdict::Pass {
        found.verdict = Verdict::Inconclusive;
        found.why = Why::Few(None);
    }
    threshold.unless_changed(found)
}

/// How many samples say as much as one that is independent, from how much the ranks of each two
/// that follow each other are alike, and from how many some of them stand for (L. Kish, Survey
/// Sampling, 1965, section 11.7); at least 1. Pages that did not come are the slowest.
pub(super) fn together(samples: &[Sample]) -> f64 {
    unequal(samples) * alike(samples)
}

fn unequal(samples: &[Sample]) -> f64 {
    let times = || samples.iter().map(|one| one.times as f64);
    let squares: f64 = times().map(|one| one * one).sum();
    (squares / times().sum::<f64>()).max(1.0)
}

fn alike(samples: &[Sample]) -> f64 {
    let count = samples.len();
    if count < 4 {
        return 1.0;
    }
    let value = |at: usize| samples[at].value.unwrap_or(f64::INFINITY);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|one, other| value(*one).total_cmp(&value(*other)));
    // Those that are equal have the mean of their ranks.
    let mut ranks = vec![0.0; count];
    let mut from = 0;
    while from < count {
        let same = order[from..]
            .iter()
            .take_while(|at| value(**at).total_cmp(&value(order[from])).is_eq());
        let to = from + same.count();
        for at in &order[from..to] {
            ranks[*at] = f64::midpoint(from as f64, to as f64 - 1.0);
        }
        from = to;
    }
    let middle = (count as f64 - 1.0) / 2.0;
    let all: f64 = ranks.iter().map(|rank| (rank - middle).powi(2)).sum();
    if all <= 0.0 {
        return 1.0;
    }
    let pairs = ranks.windows(2).map(|pair| (pair[0] - middle) * (pair[1] - middle));
    // Of samples that are independent it is a little below nothing.
    let alike = pairs.sum::<f64>() / all + 1.0 / count as f64;
    let alike = alike.clamp(0.0, 0.95);
    (1.0 + alike) / (1.0 - alike)
}
