//! How far it is: whole weeks, visitors that are needed, days that are left.

use gate_core::{Check, Limit, Metric, Verdict};
use jiff::civil::Date;
use stats::Error;

use super::effect::{Lens, reach};
use super::reading::Reading;
use crate::seen::Cell;
use crate::settings::{Level, Method, MetricKind};
use crate::words::{count, times};

/// A week, in days.
const WEEK: usize = 7;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Progress {
    /// Visitors of all arms so far.
    pub(crate) visitors: f64,
    /// How many are needed, when that is known.
    pub(crate) needed: Option<f64>,
    /// How many come each day.
    pub(crate) per_day: Option<f64>,
    /// How many days there are so far, from the first to the last.
    pub(crate) days: Option<usize>,
}

impl Progress {
    pub(super) fn of(reading: &Reading<'_>) -> Result<Progress, Error> {
        Ok(Progress {
            visitors: reading.units().iter().sum(),
            needed: needed(reading)?,
            per_day: reading.per_day().or(reading.spec.visitors_per_day),
            days: span(reading).map(|(_, days)| days),
        })
    }

    /// Whether all who are needed have come.
    pub(crate) fn is_reached(&self) -> bool {
        self.needed.is_some_and(|needed| self.visitors >= needed * (1.0 - 1e-9))
    }

    /// About how many more days it takes, until so many have come.
    pub(crate) fn days_until(&self, visitors: f64) -> Option<f64> {
        let per_day = self.per_day.filter(|per_day| *per_day > 0.0)?;
        Some(((visitors - self.visitors) / per_day).ceil().max(1.0))
    }

    /// About how many more days it takes; none when that is not known.
    pub(crate) fn days_left(&self) -> Option<f64> {
        self.needed.filter(|_| !self.is_reached()).and_then(|needed| self.days_until(needed))
    }
}

impl Reading<'_> {
    /// Visitors of all arms on a day, without the first and the last one: these are seldom whole. None
    /// where there are no others.
    pub(crate) fn per_day(&self) -> Option<f64> {
        let days = self.visitors_of_days();
        (!days.is_empty()).then(|| days.iter().sum::<f64>() / days.len() as f64)
    }

    /// How many days that is of.
    pub(crate) fn whole_days(&self) -> f64 {
        self.visitors_of_days().len() as f64
    }

    fn visitors_of_days(&self) -> Vec<f64> {
        let of_day = |cells: &Vec<Cell>| cells.iter().map(|cell| cell.units as f64).sum();
        let days: Vec<f64> = self.seen.days.values().map(of_day).collect();
        if days.len() > 2 { days[1..days.len() - 1].to_vec() } else { Vec::new() }
    }

    /// The weights of the arms that are open.
    pub(crate) fn open_shares(&self) -> Vec<f64> {
        self.shares().into_iter().filter(|share| *share > 0.0).collect()
    }

    /// Whether the method lets it be looked at all the time.
    pub(crate) fn looks_often(&self) -> bool {
        self.spec.analysis.method == Method::AlwaysValid
    }

    /// Whether the method settles beforehand after how many visitors something may be said.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.spec.analysis.method, Method::Fixed | Method::GroupSequential)
    }

    /// How often one of several comparisons with the control may see what is not there.
    pub(crate) fn alpha(&self) -> f64 {
        self.spec.analysis.alpha.fraction() / self.treatments().len().max(1) as f64
    }

    /// How an arm is looked at, when so many visitors of all arms are needed.
    pub(crate) fn lens(&self, treatment: usize, needed: Option<f64>) -> Lens<'_> {
        let shares = self.shares();
        let part = shares[0] + shares[treatment];
        let both = self.seen.all[0].units + self.seen.all[treatment].units;
        let planned = match needed {
            // One who waits for so many visitors waits until it is known how many.
            None if self.waits() && self.spec.success.is_some() => f64::INFINITY,
            None => both.max(2) as f64,
            // What is planned may not follow the data: it moves in large steps alone.
            Some(needed) if self.looks_often() && self.is_estimated() => {
                (needed * part).max(2.0).log2().ceil().exp2()
            }
            Some(needed) => (needed * part).max(2.0),
        };
        Lens { analysis: &self.spec.analysis, alpha: self.alpha(), planned }
    }

    /// Whether how many are needed was worked out from the data.
    fn is_estimated(&self) -> bool {
        self.spec.success.as_ref().is_none_or(|success| {
            // The spread of a share follows from the share; that of anything else does not.
            let metric = self.spec.metrics.get(&success.metric);
            let is_share = metric.is_some_and(|metric| metric.kind == MetricKind::Proportion);
            success.visitors.is_none() && !(is_share && success.baseline.is_some())
        })
    }
}

/// How many visitors of all arms it takes to see the smallest change that matters.
fn needed(reading: &Reading<'_>) -> Result<Option<f64>, Error> {
    let Some(success) = &reading.spec.success else { return Ok(None) };
    if success.visitors.is_some() {
        return Ok(success.visitors);
    }
    let Some(metric) = reading.spec.metrics.get(&success.metric) else { return Ok(None) };
    let reach = reach(&reading.spec.analysis, reading.alpha())?;
    let times = (reach / success.detect.fraction()).powi(2);
    let shares = reading.shares();
    let mut most: Option<f64> = None;
    for treatment in reading.treatments() {
        let both = [shares[0], shares[treatment]];
        let needed = match (success.baseline, metric.kind) {
            (Some(Level(share)), MetricKind::Proportion) => {
                // The variance of the relative difference, of a visitor.
                Some(
                    times * (1.0 - share) / share * both.map(|part| 1.0 / part).iter().sum::<f64>(),
                )
            }
            _ if reading.is_few(metric, &reading.seen.all, treatment) => None,
            _ => {
                let compared = reading.compare(metric, &reading.seen.all, treatment);
                let relative = compared.ok().and_then(|one| {
                    Some((one.comparison.relative.ok()?.error, one.comparison.units))
                });
                let part: f64 = both.iter().sum();
                relative.map(|(error, units)| times * error * error * units / part)
            }
        };
        most = match (most, needed) {
            (Some(most), Some(needed)) => Some(most.max(needed)),
            (most, needed) => most.or(needed),
        };
    }
    Ok(most.map(f64::ceil))
}

/// The first day, and how many there are to the last.
fn span(reading: &Reading<'_>) -> Option<(Date, usize)> {
    let days = &reading.seen.days;
    let first: Date = days.keys().next()?.parse().ok()?;
    let last: Date = days.keys().next_back()?.parse().ok()?;
    Some((first, (last - first).get_days().unsigned_abs() as usize + 1))
}

/// Whether whole weeks were seen: of the days since it has started those that are over, and that anybody
/// came on. The worst of what there is to say is the verdict.
pub(super) fn weeks(reading: &Reading<'_>) -> Check {
    let (id, title) = ("whole-weeks", "Whole weeks were seen");
    let check = |verdict, message: String| Check::new(id, title, verdict, message);
    let is_asked = reading.spec.analysis.whole_weeks;
    let Some((first, days)) = span(reading) else {
        if !is_asked {
            return check(Verdict::Pass, "whole weeks are not asked for".to_owned());
        }
        let message = "nothing says when anybody came, so nobody can tell whether these are weeks";
        return check(Verdict::Inconclusive, message.to_owned()).advice(
            "Name the column of times (exposures: { from: ..., time: seen_at }), or do without \
             whole weeks (analysis: { whole_weeks: false }).",
        );
    };
    let started = reading.spec.started.as_ref().and_then(|day| day.parse::<Date>().ok());
    let is_over = |day: &&String| {
        let is_early = |started: Date| day.parse::<Date>().is_ok_and(|day| day < started);
        !started.is_some_and(is_early) && reading.seen.today.as_ref() != Some(*day)
    };
    let whole = reading.seen.days.keys().filter(is_over).count();
    let mut remarks: Vec<(Verdict, String, &str)> = Vec::new();
    if let Some(started) = started.filter(|started| first < *started) {
        let message = format!("visitors were exposed on {first}, and it has started on {started}");
        remarks.push((
            Verdict::Warn,
            message,
            "Leave out what was before it, or correct `started`.",
        ));
    }
    let missing = days - reading.seen.days.len();
    if missing > 0 {
        let message = format!(
            "nobody was exposed on {} of {}: data are missing, or it was paused",
            times(missing as f64, "day"),
            count(days as f64)
        );
        remarks.push((Verdict::Warn, message, "Find out what happened on those days."));
    }
    let (weeks, over) = (whole / WEEK, whole % WEEK);
    let (left, more) = (times((WEEK - over) as f64, "more day"), times(over as f64, "day"));
    let (verdict, message, advice) = if !is_asked {
        let message = format!("{}; whole weeks are not asked for", times(days as f64, "day"));
        (Verdict::Pass, message, String::new())
    } else if weeks == 0 {
        let message = format!(
            "{} were seen: people do other things at weekends, so a week is the least",
            times(whole as f64, "whole day")
        );
        (Verdict::Inconclusive, message, format!("Wait for {left}."))
    } else if over > 0 {
        let message = format!(
            "{} and {more} were seen, so some days of the week count more than others",
            times(weeks as f64, "week")
        );
        (Verdict::Warn, message, format!("Decide after {left}, when the week is over."))
    } else {
        let message = format!("{} were seen", times(weeks as f64, "whole week"));
        (Verdict::Pass, message, String::new())
    };
    if verdict != Verdict::Pass || remarks.is_empty() {
        remarks.push((verdict, message, &advice));
    }
    remarks.sort_by_key(|(verdict, ..)| std::cmp::Reverse(*verdict));
    let said: Vec<&str> = remarks.iter().map(|(_, message, _)| message.as_str()).collect();
    let (worst, _, advice) = remarks[0];
    let metric = Metric::new("whole days", whole as f64, "1").limit(Limit::AtLeast(WEEK as f64));
    let made = check(worst, said.join("; ")).metric(metric);
    if advice.is_empty() { made } else { made.advice(advice) }
}

/// Whether as many visitors have come as are needed; `is_told` says that fewer were enough.
pub(super) fn enough(progress: &Progress, is_told: bool) -> Check {
    let (id, title) = ("enough-visitors", "Enough visitors have come");
    let came = count(progress.visitors);
    let Some(needed) = progress.needed else {
        let message =
            format!("{came} have come; too little has happened to say how many are needed");
        let message = if is_told { format!("{came} were enough to tell") } else { message };
        if is_told {
            return Check::new(id, title, Verdict::Pass, message);
        }
        return Check::new(id, title, Verdict::Warn, message)
            .advice("Say what the metric is today: success: { baseline: 4.1%, ... }.");
    };
    let metric = Metric::new("visitors", progress.visitors, "1").limit(Limit::AtLeast(needed));
    let (verdict, message) = if progress.is_reached() {
        (Verdict::Pass, format!("{came} have come, and {} are needed", count(needed)))
    } else {
        let part = crate::words::percent((progress.visitors / needed * 100.0).floor() / 100.0);
        let message = format!("{came} of {} have come ({part})", count(needed));
        if is_told {
            (Verdict::Pass, message + ", which was enough to tell")
        } else {
            (Verdict::Warn, message)
        }
    };
    Check::new(id, title, verdict, message).metric(metric)
}
