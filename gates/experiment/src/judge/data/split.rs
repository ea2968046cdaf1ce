//! Is the split what was meant?
//!
//! Three ways to look, of all visitors, of each day and of each segment. At one look: chi-squared, or
//! exactly where few are expected. At any time: a mixture of the Bayes factors of M. Lindon and A. Malek
//! (arXiv 2011.03567) with priors drawn together by different strengths, so that both a large mismatch
//! among few and a small one among many is seen; a mean of martingales is one.

use gate_core::{Check, Limit, Metric, Verdict};
use stats::multiple::{Method, adjusted};
use stats::{Error, sample_ratio};

use super::reading::Reading;
use crate::judge::causes::Symptom;
use crate::judge::fair::chance;
use crate::seen::Cell;
use crate::words::{count, list, p_value, shares, times};

/// How strongly the priors are drawn together around the weights.
const CONCENTRATIONS: [f64; 4] = [1e2, 1e3, 1e4, 1e5];
/// How much less often than the alarm chance has to do it so that one look settles it, however often it
/// is looked at.
const SETTLED: f64 = 100.0;

/// What is said where one look has set off the alarm and settles nothing.
const ONCE: &str = ", if this is looked at once; it may still even out";
const AGAIN: &str = "Look again tomorrow. ";

/// Checks of the split.
pub(super) fn checks(reading: &Reading<'_>) -> Result<Vec<Check>, Error> {
    let mut all = Vec::new();
    all.extend(closed(reading));
    all.push(overall(reading)?);
    all.extend(by_day(reading)?);
    all.extend(by_segment(reading)?);
    Ok(all)
}

/// The p value at any time, from what was known after each day.
fn ever(looks: &[Vec<f64>], weights: &[f64]) -> Result<f64, Error> {
    let mut least = 1.0_f64;
    for look in looks {
        let mut mean = 0.0;
        for concentration in CONCENTRATIONS {
            let prior: Vec<f64> = weights.iter().map(|weight| weight * concentration).collect();
            let factor = sample_ratio::ln_bayes_factor(look, weights, Some(&prior))?;
            mean += factor.exp() / CONCENTRATIONS.len() as f64;
        }
        least = least.min(1.0 / mean);
    }
    Ok(least)
}

/// Counts and weights of the arms that are open.
fn open(reading: &Reading<'_>, cells: &[Cell]) -> (Vec<f64>, Vec<f64>) {
    let shares = reading.shares();
    let pairs = cells.iter().zip(shares).filter(|(_, share)| *share > 0.0);
    pairs.map(|(cell, share)| (cell.units as f64, share)).unzip()
}

fn closed(reading: &Reading<'_>) -> Option<Check> {
    let shares = reading.shares();
    if shares.iter().all(|share| *share > 0.0) {
        return None;
    }
    let inside: Vec<(usize, f64)> = reading
        .units()
        .into_iter()
        .enumerate()
        .filter(|(at, units)| shares[*at] <= 0.0 && *units > 0.0)
        .collect();
    let (id, title) = ("closed-arms", "Nobody is in a closed arm");
    let all: f64 = inside.iter().map(|(_, units)| units).sum();
    let check = |verdict, message: String| {
        Check::new(id, title, verdict, message)
            .metric(Metric::new("visitors in closed arms", all, "1").limit(Limit::AtMost(0.0)))
    };
    if inside.is_empty() {
        return Some(check(Verdict::Pass, "nobody was put into an arm with 0%".to_owned()));
    }
    let arms =
        inside.iter().map(|(at, units)| format!("{} in {}", count(*units), reading.arm(*at)));
    let message = format!(
        "{}, where nobody may be",
        times(all, "visitor") + " were put into closed arms: " + &list(&arms.collect::<Vec<_>>())
    );
    Some(check(Verdict::Fail, message).advice(Symptom::ClosedArm.advice()))
}

fn overall(reading: &Reading<'_>) -> Result<Check, Error> {
    let (observed, weights) = open(reading, &reading.seen.all);
    let (id, title) = ("split", "The split is what was meant");
    let Some(fixed) = chance(&observed, &weights)? else {
        return Ok(Check::new(id, title, Verdict::Inconclusive, "nobody was exposed yet"));
    };
    let mut looks: Vec<Vec<f64>> = Vec::new();
    for cells in reading.seen.days.values() {
        let (today, _) = open(reading, cells);
        let before = looks.last().cloned().unwrap_or_else(|| vec![0.0; today.len()]);
        looks.push(before.iter().zip(&today).map(|(before, today)| before + today).collect());
    }
    if looks.is_empty() {
        looks.push(observed.clone());
    }
    let always = ever(&looks, &weights)?;
    let alarm = reading.spec.analysis.alarm.fraction();
    let limit = Limit::AtLeast(alarm);
    let check = |verdict, message: String| {
        Check::new(id, title, verdict, message)
            .metric(Metric::new("p value at one look", fixed, "1").limit(limit))
            .metric(Metric::new("p value at any time", always, "1").limit(limit))
            .metric(Metric::new("visitors", observed.iter().sum(), "1"))
    };
    let verdict = judged(reading, fixed, always);
    let is_fair = verdict == Verdict::Pass;
    let (expected, got) = shares(&weights, &observed, if is_fair { 1 } else { 4 });
    let meant = format!("we expected {expected} and got {got}");
    if is_fair {
        let message = format!("{meant} of {}", times(observed.iter().sum(), "visitor"));
        return Ok(check(Verdict::Pass, message));
    }
    let rare = fixed.min(always);
    let message = format!("{meant}. A fair split would do this {}", less_often(rare));
    if verdict == Verdict::Fail {
        return Ok(check(Verdict::Fail, message).advice(Symptom::Split.advice()));
    }
    let advice = AGAIN.to_owned() + &Symptom::Split.advice();
    Ok(check(verdict, message + ONCE).advice(advice))
}

/// What p values at one look and at any time amount to.
fn judged(reading: &Reading<'_>, once: f64, ever: f64) -> Verdict {
    let alarm = reading.spec.analysis.alarm.fraction();
    if ever < alarm { Verdict::Fail } else { reading.alarmed(once) }
}

impl Reading<'_> {
    /// What a p value at one look amounts to in a trust check. Where it is looked at all the time, chance
    /// sets off the alarm sooner or later: then it settles nothing unless it is much rarer.
    pub(super) fn alarmed(&self, p: f64) -> Verdict {
        let alarm = self.spec.analysis.alarm.fraction();
        if p >= alarm {
            Verdict::Pass
        } else if p < alarm / SETTLED || !self.looks_often() {
            Verdict::Fail
        } else {
            Verdict::Inconclusive
        }
    }
}

/// `less than 1 time in 1,000`, or the p value where it is not that rare.
pub(super) fn less_often(p: f64) -> String {
    let power = (-p.max(1e-300).log10() + 1e-9).floor();
    if power < 1.0 {
        return format!("with {}", p_value(p));
    }
    if power > 9.0 {
        return "less than 1 time in 1,000,000,000".to_owned();
    }
    format!("less than 1 time in {}", count(10_f64.powf(power)))
}

/// A part of the visitors whose split is wrong.
struct Odd {
    name: String,
    p: f64,
    verdict: Verdict,
    told: String,
}

/// What came of looking at parts.
struct Parts {
    odd: Vec<Odd>,
    /// How many were looked at, and the smallest p value for as many.
    looked: usize,
    least: f64,
    /// Whether the split of all is wrong, and that of each part in the same way.
    is_all: bool,
}

/// Parts whose split is wrong even though so many were looked at, after Holm. Where that of all is wrong
/// and no part differs from all, it is wrong in none of them more than in the others.
fn odd(reading: &Reading<'_>, parts: &[(String, Vec<Cell>)]) -> Result<Parts, Error> {
    let alarm = reading.spec.analysis.alarm.fraction();
    let (of_all, meant) = open(reading, &reading.seen.all);
    let found = against(reading, parts, &meant)?;
    let is_wrong = chance(&of_all, &meant)?.is_some_and(|p| p < alarm);
    if is_wrong && of_all.iter().all(|count| *count > 0.0) {
        let others = against(reading, parts, &of_all)?;
        let least = others.iter().map(|one| one.p).fold(1.0, f64::min);
        if least >= alarm {
            let looked = others.len();
            return Ok(Parts { odd: Vec::new(), looked, least, is_all: true });
        }
    }
    let looked = found.len();
    let least = found.iter().map(|one| one.p).fold(1.0, f64::min);
    let odd = found.into_iter().filter(|one| one.verdict != Verdict::Pass).collect();
    Ok(Parts { odd, looked, least, is_all: false })
}

/// All parts with what is left of their p values for so many, against these weights.
fn against(
    reading: &Reading<'_>,
    parts: &[(String, Vec<Cell>)],
    weights: &[f64],
) -> Result<Vec<Odd>, Error> {
    let all: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.iter().map(|weight| weight / all).collect();
    let (mut found, mut at_once, mut at_any_time) = (Vec::new(), Vec::new(), Vec::new());
    for (name, cells) in parts {
        let (observed, _) = open(reading, cells);
        let Some(p) = chance(&observed, &weights)? else { continue };
        at_once.push(p);
        at_any_time.push(ever(std::slice::from_ref(&observed), &weights)?.min(1.0));
        let (_, told) = shares(&weights, &observed, 4);
        found.push((name.clone(), told));
    }
    let at_once = adjusted(&at_once, Method::Holm)?;
    let at_any_time = adjusted(&at_any_time, Method::Holm)?;
    let told = found.into_iter().zip(at_once.into_iter().zip(at_any_time));
    Ok(told
        .map(|((name, told), (once, ever))| Odd {
            name,
            told,
            p: once.min(ever),
            verdict: judged(reading, once, ever),
        })
        .collect())
}

fn check(
    (id, title): (&str, &str),
    Parts { odd, looked, least, is_all }: &Parts,
    what: &str,
    reading: &Reading<'_>,
    symptom: impl FnOnce(&[Odd]) -> Symptom,
) -> Check {
    let limit = Limit::AtLeast(reading.spec.analysis.alarm.fraction());
    let metric = Metric::new("smallest p value, for as many", *least, "1").limit(limit);
    let (expected, _) = shares(&reading.open_shares(), &reading.open_shares(), 4);
    let Some(first) = odd.iter().min_by(|one, other| one.p.total_cmp(&other.p)) else {
        let looked = times(*looked as f64, what);
        let message = if *is_all {
            format!(
                "none of {looked} differs from all others in it: what is wrong is the same in each"
            )
        } else {
            format!("each of {looked} has it")
        };
        return Check::new(id, title, Verdict::Pass, message).metric(metric);
    };
    let told: Vec<String> =
        odd.iter().take(3).map(|one| format!("{} of {}", one.told, one.name)).collect();
    let more = odd.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "we expected {expected} and got {}{more}. Of so many, a fair split would do this {}",
        list(&told),
        less_often(first.p)
    );
    let verdict = odd.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Fail);
    let (message, advice) = match verdict {
        Verdict::Fail => (message, symptom(odd).advice()),
        _ => (message + ONCE, AGAIN.to_owned() + &symptom(odd).advice()),
    };
    Check::new(id, title, verdict, message).metric(metric).advice(advice)
}

fn by_day(reading: &Reading<'_>) -> Result<Option<Check>, Error> {
    let days = &reading.seen.days;
    if days.len() < 2 {
        return Ok(None);
    }
    let parts: Vec<_> = days.iter().map(|(day, cells)| (day.clone(), cells.clone())).collect();
    let found = odd(reading, &parts)?;
    let newest: Vec<&String> = days.keys().rev().take(2).collect();
    let names = ("split-by-day", "Every day has that split");
    Ok(Some(check(names, &found, "day", reading, |odd| {
        let is_new = odd.iter().all(|one| newest.contains(&&one.name));
        if is_new { Symptom::SplitOfLastDays } else { Symptom::SplitOfDays }
    })))
}

fn by_segment(reading: &Reading<'_>) -> Result<Option<Check>, Error> {
    let segments = &reading.seen.segments;
    if segments.is_empty() {
        return Ok(None);
    }
    let parts = segments.iter().flat_map(|segment| {
        segment.values.iter().map(|(value, cells)| {
            let value = value.as_deref().unwrap_or("none");
            (format!("{} {value}", segment.column), cells.clone())
        })
    });
    let found = odd(reading, &parts.collect::<Vec<_>>())?;
    let others: Vec<&String> =
        reading.spec.also_running.iter().filter_map(|other| other.column.as_ref()).collect();
    let names = ("split-by-segment", "Every segment has that split");
    Ok(Some(check(names, &found, "segment", reading, |odd| {
        let is_other =
            |one: &Odd| others.iter().any(|other| one.name.starts_with(&format!("{other} ")));
        if odd.iter().any(is_other) { Symptom::SplitOfOther } else { Symptom::SplitOfSegments }
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_sees_large_and_small_mismatches() {
        let p = |looks: &[[f64; 2]]| {
            let looks: Vec<Vec<f64>> = looks.iter().map(|look| look.to_vec()).collect();
            ever(&looks, &[0.5, 0.5]).unwrap()
        };
        assert!(p(&[[600.0, 400.0]]) < 1e-6);
        assert!(p(&[[821_588.0, 815_482.0]]) < 1e-3);
        assert!(p(&[[500.0, 500.0]]) > 0.9 && p(&[[0.0, 0.0]]) > 0.999);
        // The smallest of all looks stays.
        assert!(p(&[[600.0, 400.0], [50_000.0, 50_000.0]]) < 1e-6);
    }

    #[test]
    fn how_often_chance_does_it() {
        let check = |p: f64, expect: &str| assert_eq!(less_often(p), expect);
        check(0.0004, "less than 1 time in 1,000");
        check(0.001, "less than 1 time in 1,000");
        check(1e-40, "less than 1 time in 1,000,000,000");
        check(0.4, "with p = 0.4000");
    }
}
