//! The version under test beside the other one.

use gate_core::{Error, Verdict};
use stats::bootstrap::{Values, Wrong, not_worse};
use stats::random::Random;
use stats::share::Side;

use super::both::Both;
use super::{Open, failing};
use crate::figures::latencies;
use crate::measure::Look;
use crate::settings::Settings;

/// How often it may be wrong: who is blamed for what is not so stops to believe.
pub(super) const WRONG: Wrong = Wrong { pass: 0.05, fail: 0.005 };

/// A number beside that of the other version.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compared {
    /// Such as `p(95)`, or `failures`.
    pub(crate) metric: String,
    /// Of this version and of the other one: in microseconds, or as shares.
    pub(crate) values: Option<(f64, f64)>,
    /// What one is to the other; none when there was nothing to compare.
    pub(crate) estimate: Option<Estimate>,
    /// What is just allowed: a ratio such as 1.1, or a difference of shares such as 0.005.
    pub(crate) margin: f64,
    pub(crate) verdict: Verdict,
    /// About how many more seconds would tell; none when it is decided, or too near to the margin.
    pub(crate) missing: Option<u64>,
}

/// What one number is to another, between bounds that are each wrong once in twenty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Estimate {
    /// How many times the other one it is.
    Ratio { at: f64, low: f64, high: f64 },
    /// By how much it is larger.
    Difference { at: f64, low: f64, high: f64 },
}

impl Compared {
    /// Before anything is compared.
    pub(super) fn nothing(metric: String, margin: f64) -> Compared {
        Compared {
            metric,
            values: None,
            estimate: None,
            margin,
            verdict: Verdict::Inconclusive,
            missing: None,
        }
    }
}

/// Compares all that is to be compared.
pub(super) fn compare(
    spec: &Settings,
    looks: &[Look],
    seed: u64,
    open: &Open<'_>,
) -> Result<Vec<Compared>, Error> {
    let Some(settings) = &spec.compare else { return Ok(Vec::new()) };
    let all = looks.last().map_or(0, |look| look.seconds);
    let is_apart = settings.is_stored();
    let theirs = if is_apart { u64::MAX } else { all };
    let (own, other) = (latencies(open(0)?, all)?, latencies(open(1)?, theirs)?);
    let both = Both {
        own: own.iter().map(|second| &second[..]).collect(),
        other: other.iter().map(|second| &second[..]).collect(),
        is_apart,
    };
    let compared = settings.percentiles.iter().map(|percent| {
        let metric =
            if (percent - 50.0).abs() < 1e-9 { "med".to_owned() } else { format!("p({percent})") };
        let tolerance = settings.tolerance.0.as_micros() as f64;
        let allowed = Allowed { margin: settings.margin.fraction(), tolerance };
        one(metric, percent / 100.0, allowed, &both, looks, seed)
    });
    let failures = failing::compare(settings, looks, open)?;
    Ok(compared.chain([failures]).collect())
}

/// How much worse it may be.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    /// As a share of the other one's.
    margin: f64,
    /// In microseconds, where that is more.
    tolerance: f64,
}

impl Allowed {
    /// How many times the other one's it may be, when that is so many microseconds.
    fn ratio(self, other: f64) -> f64 {
        1.0 + self.margin.max(self.tolerance / other.max(1.0))
    }
}

fn one(
    metric: String,
    quantile: f64,
    allowed: Allowed,
    both: &Both<&Values>,
    looks: &[Look],
    seed: u64,
) -> Compared {
    let mut compared = Compared::nothing(metric, 1.0 + allowed.margin);
    let mut before = 0.0;
    for look in looks {
        let until = both.until(look.seconds, |second| !second.is_empty());
        let blocks = until.blocks();
        let (own, other) =
            (quantile_of(blocks.own(), quantile), quantile_of(blocks.other(), quantile));
        let margin = allowed.ratio(other);
        let mut random = Random::new(seed ^ look.seconds);
        let Some(looked) =
            not_worse(blocks, quantile, margin, WRONG, (before, look.part), &mut random)
        else {
            continue;
        };
        before = look.part;
        compared = Compared {
            values: Some((own, other)),
            estimate: Some(Estimate::Ratio {
                at: looked.ratio,
                low: looked.low,
                high: looked.high,
            }),
            margin,
            verdict: match looked.side {
                Side::Below => Verdict::Pass,
                Side::Above => Verdict::Fail,
                Side::Open => Verdict::Inconclusive,
            },
            missing: looked.missing,
            ..compared
        };
        if compared.verdict != Verdict::Inconclusive {
            break;
        }
    }
    unless_changed(compared, quantile, allowed, both)
}

/// What an early look was certain of is not what a run comes to that went on, for something else, and
/// says otherwise.
fn unless_changed(
    compared: Compared,
    quantile: f64,
    allowed: Allowed,
    both: &Both<&Values>,
) -> Compared {
    let own = quantile_of(both.own.iter().copied(), quantile);
    let other = quantile_of(both.other.iter().copied(), quantile);
    let holds = own < other * allowed.ratio(other);
    let is_contrary = match compared.verdict {
        Verdict::Pass => !holds,
        Verdict::Fail => holds,
        _ => false,
    };
    if !is_contrary {
        return compared;
    }
    let at = own / other.max(1.0);
    let estimate = compared.estimate.map(|estimate| match estimate {
        Estimate::Ratio { low, high, .. } => {
            Estimate::Ratio { at, low: low.min(at), high: high.max(at) }
        }
        difference @ Estimate::Difference { .. } => difference,
    });
    Compared { values: Some((own, other)), estimate, verdict: Verdict::Inconclusive, ..compared }
}

/// A quantile of all blocks together.
fn quantile_of<'a>(blocks: impl Iterator<Item = &'a Values>, quantile: f64) -> f64 {
    let mut all: Vec<(u64, u64)> = blocks.flatten().copied().collect();
    all.sort_unstable();
    let wanted = quantile * all.iter().map(|(_, count)| count).sum::<u64>() as f64;
    let mut seen = 0;
    let found = all.iter().find(|(_, count)| {
        seen += count;
        seen as f64 >= wanted - 1e-9
    });
    found.map_or(0.0, |(value, _)| *value as f64)
}
