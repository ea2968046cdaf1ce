//! What was measured amounts to, from nothing but that.

mod compared;
mod decided;
mod generator;
#[cfg(test)]
mod tests;
mod words;

use std::io::BufRead;

use gate_core::{Check, Error, Verdict};
use stats::share::Block;

pub(crate) use compared::Compared;
pub(crate) use decided::{Decided, Why};

use crate::figures::{self, Figures, Over, durations};
use crate::measure::Look;
use crate::seconds;
use crate::seen::Observation;
use crate::settings::Settings;
use crate::threshold::{Metric, Threshold};

/// Opens what was counted of a version.
pub(crate) type Open<'a> = dyn Fn(usize) -> Result<Box<dyn BufRead>, Error> + 'a;

/// What was counted of one version.
pub(crate) struct Reading<'a> {
    pub(crate) figures: Figures,
    pub(crate) looks: &'a [Look],
    /// How long was measured.
    pub(crate) seconds: f64,
    version: usize,
    open: &'a Open<'a>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        version: usize,
        looks: &'a [Look],
        seconds: f64,
        open: &'a Open<'a>,
    ) -> Result<Reading<'a>, Error> {
        let all = looks.last().map_or(0, |look| look.seconds);
        let figures = Figures::read(open(version)?, all)?;
        Ok(Reading { figures, looks, seconds, version, open })
    }

    fn blocks(&self, wanted: &[Over]) -> Result<Vec<Vec<Block>>, Error> {
        figures::blocks((self.open)(self.version)?, wanted)
    }

    /// The sum of the values of each second in microseconds, and how many there are.
    fn sums(&self, metric: Metric, is_unlagged: bool) -> Result<Vec<(f64, u64)>, Error> {
        seconds::read((self.open)(self.version)?)
            .map(|tally| {
                let tally = tally?;
                let values = durations(&tally, metric, is_unlagged);
                let count = values.count();
                Ok((values.mean().unwrap_or(0.0) * count as f64, count))
            })
            .collect()
    }
}

/// Whether more time could decide something.
pub(crate) fn is_open<'a>(
    spec: &Settings,
    looks: &'a [Look],
    versions: usize,
    seed: u64,
    open: &'a Open<'a>,
) -> Result<bool, Error> {
    let reading = Reading::new(0, looks, 1.0, open)?;
    let all = &reading.figures.all;
    // More of nothing decides nothing.
    if all.requests == 0 || all.failures() == all.requests {
        return Ok(false);
    }
    for threshold in &spec.thresholds {
        if threshold.decide(&reading)?.why.wants_more() {
            return Ok(true);
        }
    }
    if versions < 2 {
        return Ok(false);
    }
    let all = compared::compare(spec, looks, seed, open)?;
    Ok(all.iter().any(|one| one.verdict == Verdict::Inconclusive))
}

impl Why {
    /// Whether more samples could change it.
    fn wants_more(self) -> bool {
        matches!(self, Why::Few(_))
    }
}

/// All that a run came to.
pub(crate) struct Judged {
    pub(crate) checks: Vec<Check>,
    /// The thresholds, and what each came to.
    pub(crate) thresholds: Vec<(Threshold, Decided)>,
    pub(crate) comparison: Vec<Compared>,
    /// What was counted of each version.
    pub(crate) figures: Vec<Figures>,
}

/// Judges it. `seed` is what comparisons draw from.
pub(crate) fn judge<'a>(
    spec: &Settings,
    seen: &'a Observation,
    seed: u64,
    open: &'a Open<'a>,
) -> Result<Judged, Error> {
    let mut judged = Judged {
        checks: Vec::new(),
        thresholds: Vec::new(),
        comparison: Vec::new(),
        figures: Vec::new(),
    };
    if let Some(refused) = &seen.refused {
        judged.checks.push(words::refused(refused));
        judged.figures = seen.versions.iter().map(|_| Figures::default()).collect();
        return Ok(judged);
    }
    if let Some(lost) = seen.lost.as_ref().filter(|_| seen.looks.is_empty()) {
        judged.checks.push(generator::lost(lost));
        judged.figures = seen.versions.iter().map(|_| Figures::default()).collect();
        return Ok(judged);
    }
    let mut readings = Vec::new();
    for (at, version) in seen.versions.iter().enumerate() {
        readings.push(Reading::new(at, &seen.looks, version.seconds, open)?);
    }
    let own = generator::check(spec, seen, &readings);
    let is_fit = own.verdict == Verdict::Pass;
    judged.checks.push(own);
    let Some(reading) = readings.first() else { return Ok(judged) };
    judged.checks.push(words::failures(spec, &reading.figures.all));
    for threshold in &spec.thresholds {
        let decided = threshold.decide(reading)?;
        let id = format!("threshold-{}", judged.thresholds.len() + 1);
        judged.checks.push(words::threshold(id, threshold, &decided));
        judged.thresholds.push((*threshold, decided));
    }
    if seen.versions.len() > 1 {
        judged.comparison = compared::compare(spec, &seen.looks, seed, open)?;
        let broken = readings.get(1).map(|reading| &reading.figures.all).filter(|all| {
            all.failures() as f64 > spec.max_failures.fraction() * all.requests as f64
        });
        if broken.is_some() {
            for one in &mut judged.comparison {
                one.verdict = Verdict::Inconclusive;
            }
        }
        judged.checks.push(words::comparison(spec, seen, &judged.comparison, broken));
    }
    if !is_fit {
        for check in judged.checks.iter_mut().skip(1).filter(|one| one.verdict == Verdict::Fail) {
            check.verdict = Verdict::Inconclusive;
            check.message += "; but the generator was not fit to tell";
        }
    }
    judged.figures = readings.into_iter().map(|reading| reading.figures).collect();
    Ok(judged)
}
