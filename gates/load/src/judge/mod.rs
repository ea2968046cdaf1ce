//! What was measured amounts to, from nothing but that.

mod both;
mod compared;
mod decided;
mod failing;
mod generator;
mod stored;
#[cfg(test)]
mod tests;
mod words;

use std::io::BufRead;

use gate_core::{Check, Error, Verdict};
use stats::share::Block;

pub(crate) use compared::{Compared, Estimate};
pub(crate) use decided::{ALPHA, Decided, Why};
pub(crate) use generator::{check as fitness, lost};

use crate::browsers::{self, Watched};
use crate::capacity;
use crate::figures::{self, Figures, Over, durations};
use crate::measure::Look;
use crate::seconds::Slice;
use crate::seen::Observation;
use crate::settings::{Required, Settings};
use crate::threshold::{Aggregate, Metric};

/// Opens what was counted of a version.
pub(crate) type Open<'a> = dyn Fn(usize) -> Result<Box<dyn BufRead>, Error> + 'a;

/// What was counted of one version, or a part of that.
pub(crate) struct Reading<'a> {
    pub(crate) figures: Figures,
    pub(crate) looks: Vec<Look>,
    /// How long was measured.
    pub(crate) seconds: f64,
    version: usize,
    slice: Slice,
    open: &'a Open<'a>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        version: usize,
        looks: &[Look],
        seconds: f64,
        open: &'a Open<'a>,
    ) -> Result<Reading<'a>, Error> {
        Reading::of(Slice::default(), version, looks, seconds, open)
    }

    fn of(
        slice: Slice,
        version: usize,
        looks: &[Look],
        seconds: f64,
        open: &'a Open<'a>,
    ) -> Result<Reading<'a>, Error> {
        let within = |look: &Look| Look { seconds: slice.count(look.seconds), ..*look };
        let of_slice: Vec<Look> = looks.iter().map(within).collect();
        let all = of_slice.last().map_or(0, |look| look.seconds);
        let figures = Figures::read(open(version)?, slice, all)?;
        let seconds = if slice.within.is_some() { all as f64 } else { seconds };
        Ok(Reading { figures, looks: of_slice, seconds, version, slice, open })
    }

    /// What a limit is about; none when that is all of it.
    fn part(
        &self,
        spec: &Settings,
        limit: &Required,
        looks: &[Look],
    ) -> Result<Option<Reading<'a>>, Error> {
        let slice = spec.slice(limit);
        if slice == Slice::default() {
            return Ok(None);
        }
        Reading::of(slice, self.version, looks, self.seconds, self.open).map(Some)
    }

    fn blocks(&self, wanted: &[Over]) -> Result<Vec<Vec<Block>>, Error> {
        figures::blocks((self.open)(self.version)?, self.slice, wanted)
    }

    /// The sum of the values of each second in microseconds, and how many there are.
    fn sums(&self, metric: Metric, is_unlagged: bool) -> Result<Vec<(f64, u64)>, Error> {
        self.slice
            .read((self.open)(self.version)?)
            .map(|tally| {
                let tally = tally?;
                let values = durations(&tally, metric, is_unlagged);
                let count = values.count();
                Ok((values.mean().unwrap_or(0.0) * count as f64, count))
            })
            .collect()
    }
}

/// The only look at an earlier run: at all of it.
fn whole(open: &Open<'_>) -> Result<Vec<Look>, Error> {
    let seconds = open(1)?.lines().count() as u64;
    Ok(vec![Look { seconds, part: 1.0 }])
}

/// What a limit comes to.
fn decide(
    spec: &Settings,
    limit: &Required,
    whole: &Reading<'_>,
    looks: &[Look],
    watched: Option<&Watched>,
) -> Result<Decided, Error> {
    if limit.threshold.metric.is_of_browser() {
        return Ok(browsers::decide(spec, limit, watched, looks));
    }
    match whole.part(spec, limit, looks)? {
        None => limit.threshold.decide(whole),
        Some(part) => limit.threshold.decide(&part),
    }
}

/// Which of the limits that end a run is certain not to hold after so many seconds, which are this
/// part of the most that there can be.
pub(crate) fn broken(
    spec: &Settings,
    seconds: u64,
    part: f64,
    open: &Open<'_>,
) -> Result<Option<String>, Error> {
    let looks = [Look { seconds, part }];
    let reading = Reading::new(0, &looks, seconds as f64, open)?;
    for limit in spec.thresholds.iter().filter(|limit| limit.abort_on_fail && limit.required) {
        let decided = decide(spec, limit, &reading, &looks, None)?;
        // A count that grows is not over before the time is.
        let is_growing =
            limit.threshold.aggregate == Aggregate::Count && !limit.threshold.operator.wants_less();
        if decided.verdict == Verdict::Fail && !is_growing {
            return Ok(Some(limit.to_string()));
        }
    }
    Ok(None)
}

/// Whether more time could decide something.
pub(crate) fn is_open(
    spec: &Settings,
    looks: &[Look],
    versions: usize,
    seed: u64,
    watched: Option<&Watched>,
    open: &Open<'_>,
) -> Result<bool, Error> {
    let reading = Reading::new(0, looks, 1.0, open)?;
    let all = &reading.figures.all;
    // More of nothing decides nothing.
    if all.requests == 0 || all.failures() == all.requests {
        return Ok(false);
    }
    for limit in &spec.thresholds {
        if decide(spec, limit, &reading, looks, watched)?.why.wants_more() {
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
    pub(crate) thresholds: Vec<(Required, Decided)>,
    pub(crate) comparison: Vec<Compared>,
    /// What was counted of each version.
    pub(crate) figures: Vec<Figures>,
}

impl Judged {
    /// Holds a limit.
    fn hold(
        &mut self,
        spec: &Settings,
        limit: &Required,
        reading: &Reading<'_>,
        seen: &Observation,
    ) -> Result<(), Error> {
        let watched = seen.browsers.as_ref();
        let decided = decide(spec, limit, reading, &seen.looks, watched)?;
        let id = format!("threshold-{}", self.thresholds.len() + 1);
        let samples = words::Samples::of(spec, limit, watched);
        self.checks.push(words::threshold(id, limit, &decided, &samples));
        self.thresholds.push((limit.clone(), decided));
        Ok(())
    }
}

/// Judges it. `seed` is what comparisons draw from.
pub(crate) fn judge(
    spec: &Settings,
    seen: &Observation,
    seed: u64,
    open: &Open<'_>,
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
        let is_earlier = at == 1 && spec.earlier().is_some();
        let looks = if is_earlier { whole(open)? } else { seen.looks.clone() };
        readings.push(Reading::new(at, &looks, version.seconds, open)?);
    }
    if let Some(capacity) = &spec.capacity {
        judged.checks = capacity::judge(capacity, &seen.capacity.clone().unwrap_or_default(), seen);
        // Failures belong to the rates at which they were; redirects are none of them.
        let all = readings.first().map(|reading| words::failures(spec, &reading.figures.all, &[]));
        judged.checks.extend(all.filter(|check| check.verdict == Verdict::Warn));
        judged.figures = readings.into_iter().map(|reading| reading.figures).collect();
        return Ok(judged);
    }
    // How an earlier run was sent says nothing of this one.
    let sent = if spec.earlier().is_some() { readings.len().min(1) } else { readings.len() };
    let own = generator::check(spec, seen, &readings[..sent]);
    let is_fit = own.verdict == Verdict::Pass;
    judged.checks.push(own);
    let Some(reading) = readings.first() else { return Ok(judged) };
    let reasons = seen.versions.first().map_or(&[][..], |version| &version.reasons);
    judged.checks.push(words::failures(spec, &reading.figures.all, reasons));
    for limit in &spec.thresholds {
        judged.hold(spec, limit, reading, seen)?;
    }
    if let Some(watched) = &seen.browsers {
        judged.checks.push(browsers::check(spec, watched));
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
        let check = words::comparison(spec, seen, &judged.comparison, broken);
        judged.checks.push(match (spec.earlier(), &readings[..]) {
            (Some(compare), [own, earlier]) => {
                stored::other_rate(own, earlier).unwrap_or_else(|| stored::weaker(check, compare))
            }
            _ => check,
        });
    }
    if let Some(limit) = &seen.aborted
        && judged.checks.iter().all(|check| check.verdict != Verdict::Fail)
    {
        // Judged by other limits, it was ended for nothing.
        if let Some(own) = judged.checks.first_mut() {
            own.verdict = Verdict::Inconclusive;
            own.message = format!("it was ended early because {limit} did not hold");
            own.advice = Some("measure again: the rest was never sent".to_owned());
        }
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
