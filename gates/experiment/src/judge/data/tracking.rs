//! Do visitors stay in one arm, and is what they do recorded alike in each?

use gate_core::{Check, Limit, Metric, Verdict};
use stats::multiple::{Method, adjusted};
use stats::proportions::{Proportion, pooled};
use stats::{Error, means};

use super::reading::Reading;
use super::split::less_often;
use crate::judge::causes::Symptom;
use crate::question;
use crate::seen::Cell;
use crate::settings::{Better, CONVERSIONS, EXPOSURES};
use crate::words::{count, level, list, percent, times};

/// An arm without any conversion is broken when so many would have been expected of it: chance leaves
/// none once in 160,000 such arms.
const EXPECTED: f64 = 12.0;
/// Among so many visitors somebody does something.
const SOMEBODY: f64 = 1000.0;
/// A share of events of people who were never exposed that is looked at.
const MOSTLY: f64 = 0.9;
/// How many visitors have the event that everybody has.
const HEARTBEAT: f64 = 0.9;
/// With a smaller share of it that event is another one than was meant, or is not recorded.
const NOBODY: f64 = 0.01;

/// Checks of what was recorded.
pub(super) fn checks(reading: &Reading<'_>) -> Result<Vec<Check>, Error> {
    let mut all = vec![exclusive(reading)];
    all.extend(tracked(reading));
    all.extend(heartbeat(reading)?);
    all.extend(alike_before(reading)?);
    Ok(all)
}

fn exclusive(reading: &Reading<'_>) -> Check {
    let (id, title) = ("one-arm", "Everybody has seen one arm alone");
    let all: f64 = reading.units().iter().sum();
    let several: f64 = reading.seen.all.iter().map(|cell| cell.multiple as f64).sum();
    let most = reading.spec.analysis.several_arms.fraction();
    let persons = reading.seen.persons.as_ref();
    let (several, all, who) = match persons {
        Some(persons) if persons.several as f64 * all > several * persons.all as f64 => {
            (persons.several as f64, persons.all as f64, "person")
        }
        _ => (several, all, "visitor"),
    };
    let share = several / all.max(1.0);
    let check = |verdict, message: String| {
        let limit = Limit::AtMost(most * 100.0);
        let metric = Metric::new("have seen several arms", share * 100.0, "%");
        Check::new(id, title, verdict, message).metric(metric.limit(limit))
    };
    if several <= 0.0 {
        return check(Verdict::Pass, format!("none of {} has seen another one", times(all, who)));
    }
    let message = format!(
        "{} of {} ({}) have seen several arms; each counts for the first one",
        count(several),
        times(all, who),
        percent(share)
    );
    if share <= most {
        return check(Verdict::Warn, message + ", and what the others did to them cannot be told");
    }
    let message = format!("{message}, but at most {} may", percent(most));
    check(Verdict::Fail, message).advice(Symptom::SeveralArms.advice())
}

/// Whether what visitors did is known, and of every arm.
fn tracked(reading: &Reading<'_>) -> Option<Check> {
    let data = reading.spec.data.as_ref()?;
    if data.event_tables().is_empty() {
        return None;
    }
    let (id, title) = ("tracking", "What visitors did is recorded in every arm");
    let rows = reading.seen.rows;
    let all: f64 = reading.units().iter().sum();
    let known = rows.events - rows.unexposed.min(rows.events);
    let check = |verdict, message: String| {
        Check::new(id, title, verdict, message)
            .metric(Metric::new("recorded events", rows.events as f64, "1"))
            .metric(Metric::new("of visitors who were exposed", known as f64, "1"))
    };
    if rows.events == 0 {
        let (verdict, more) = if all < SOMEBODY {
            (Verdict::Inconclusive, "; perhaps it is too early")
        } else {
            (Verdict::Fail, "")
        };
        let message =
            format!("nothing was recorded of {} who were exposed{more}", times(all, "visitor"));
        return Some(check(verdict, message).advice(Symptom::NoConversions.advice()));
    }
    if known == 0 {
        let message = format!(
            "none of {} belongs to anybody who was exposed: the join is broken",
            times(rows.events as f64, "event")
        );
        return Some(check(Verdict::Fail, message).advice(Symptom::Unjoined.advice()));
    }
    if let Some((verdict, message)) = lost(reading) {
        return Some(check(verdict, message).advice(Symptom::LostConversions.advice()));
    }
    let after: f64 = data
        .event_tables()
        .iter()
        .flat_map(|(name, _)| {
            let counted = question::rows(name, false);
            reading.seen.all.iter().filter_map(move |cell| reading.count(&counted, cell))
        })
        .map(|(_, sum)| sum)
        .sum();
    let share = rows.unexposed as f64 / rows.events as f64;
    if share > MOSTLY {
        let message = format!(
            "{} of the recorded events are of people who were never exposed",
            percent(share)
        );
        let advice = "That is right where the tables hold everybody. ".to_owned();
        let advice = advice + &Symptom::Unjoined.advice();
        return Some(check(Verdict::Warn, message).advice(advice));
    }
    if rows.before as f64 > after && rows.before > 0 && !uses_before(reading) {
        let message = format!(
            "{} were recorded before the exposure that they should follow, and {} after it",
            times(rows.before as f64, "event"),
            count(after)
        );
        let advice = "That is right where the tables hold what was before the experiment; \
                      otherwise exposures are recorded too late.";
        return Some(check(Verdict::Warn, message).advice(advice));
    }
    let message = format!("{} after exposures, in all arms", times(after, "event"));
    Some(check(Verdict::Pass, message))
}

/// Whether a metric is about the time before.
fn uses_before(reading: &Reading<'_>) -> bool {
    reading.spec.metrics.values().any(|metric| metric.reduce_variance)
}

/// An arm without conversions where the others have many, of all or of a day. What nothing hangs on may
/// be something that one arm alone has, such as clicks on what is new in it.
fn lost(reading: &Reading<'_>) -> Option<(Verdict, String)> {
    let spec = reading.spec;
    let is_needed = |name: &str| {
        spec.must_not_harm.contains_key(name)
            || spec.success.as_ref().is_some_and(|success| success.metric == name)
    };
    let mut metrics: Vec<_> = spec.metrics.iter().collect();
    metrics.sort_by_key(|(name, _)| !is_needed(name));
    for (name, metric) in metrics {
        let counted = question::parts(reading.spec, metric).own;
        // What there is to be less of may well be gone in one arm.
        if counted.table == EXPOSURES || metric.better == Better::Lower {
            continue;
        }
        let without = |cells: &[Cell]| {
            let known: Vec<(f64, f64)> = cells
                .iter()
                .map(|cell| {
                    let (some, _) = reading.count(&counted, cell).unwrap_or_default();
                    (cell.units as f64, some)
                })
                .collect();
            let bare = known.iter().position(|(units, some)| {
                let others: (f64, f64) = known
                    .iter()
                    .fold((0.0, 0.0), |sum, (units, some)| (sum.0 + units, sum.1 + some));
                let rest = (others.0 - units, others.1 - some);
                *some <= 0.0 && rest.1 > 0.0 && units * rest.1 / rest.0 >= EXPECTED
            })?;
            let units: f64 = known.iter().map(|(units, _)| units).sum();
            let some: f64 = known.iter().map(|(_, some)| some).sum();
            Some((bare, known[bare].0, some / (units - known[bare].0).max(1.0)))
        };
        let title = reading.title(name);
        let told = |(arm, units, rate): (usize, f64, f64), when: &str| {
            let arm = reading.arm(arm);
            let message = format!(
                "nobody of {} in {arm}{when} has any {title}, where {} would be expected",
                times(units, "visitor"),
                count((units * rate).round())
            );
            if is_needed(name) {
                (Verdict::Fail, message + ": what they do is lost")
            } else {
                (Verdict::Warn, message + ": unless only other arms have it, what they do is lost")
            }
        };
        if let Some(found) = without(&reading.seen.all) {
            return Some(told(found, ""));
        }
        for (day, cells) in &reading.seen.days {
            if let Some(found) = without(cells) {
                return Some(told(found, &format!(" who came on {day}")));
            }
        }
    }
    None
}

/// Whether the event that everybody has is as frequent in each arm.
fn heartbeat(reading: &Reading<'_>) -> Result<Option<Check>, Error> {
    let Some(event) = reading.spec.data.as_ref().and_then(|data| data.heartbeat.as_ref()) else {
        return Ok(None);
    };
    let (id, title) = ("heartbeat", "No arm loses its events");
    let counted = question::conversions(event);
    let share = |cell: &Cell| {
        let (some, _) = reading.count(&counted, cell).unwrap_or_default();
        Proportion::new(some, (cell.units as f64).max(1.0))
    };
    let control = share(&reading.seen.all[0])?;
    let mut told = vec![format!("{} of {}", level(control.share(), true, None), reading.arm(0))];
    let (mut found, mut least) = (Vec::new(), control.share());
    for treatment in reading.treatments() {
        let own = share(&reading.seen.all[treatment])?;
        told.push(format!("{} of {}", level(own.share(), true, None), reading.arm(treatment)));
        least = least.min(own.share());
        found.push(pooled(control, own).and_then(|z| z.p_value(0.0)).unwrap_or(1.0));
    }
    let all: f64 = reading.units().iter().sum();
    let p = adjusted(&found, Method::Holm)?.into_iter().fold(1.0, f64::min);
    let alarm = reading.spec.analysis.alarm.fraction();
    let message = format!("{event} is known of {}", list(&told));
    let metric = Metric::new("p value", p, "1").limit(Limit::AtLeast(alarm));
    let check =
        |verdict, message: String| Check::new(id, title, verdict, message).metric(metric.clone());
    Ok(Some(if p < alarm {
        let message = format!("{message}: events of one arm are lost");
        check(reading.alarmed(p), message).advice(Symptom::LostConversions.advice())
    } else if least < NOBODY && all >= SOMEBODY {
        let message = message + ": nearly nobody has what everybody should";
        check(Verdict::Fail, message).advice(Symptom::NoConversions.advice())
    } else if least < HEARTBEAT {
        let message = message + ", though everybody should have it";
        check(Verdict::Warn, message).advice(Symptom::NoConversions.advice())
    } else {
        check(Verdict::Pass, message)
    }))
}

/// Whether visitors of all arms were alike before they were exposed.
fn alike_before(reading: &Reading<'_>) -> Result<Option<Check>, Error> {
    let Some(data) = &reading.spec.data else { return Ok(None) };
    let (id, title) = ("alike-before", "The arms were alike before it began");
    let (mut found, mut told) = (Vec::new(), Vec::new());
    for (name, _) in data.event_tables() {
        let Some(place) = reading.place(&question::rows(name, true)) else { continue };
        let all: u64 = reading.seen.all.iter().map(|cell| cell.totals[place].0).sum();
        if all == 0 {
            continue;
        }
        let own = |at: usize| &reading.seen.all[at];
        for treatment in reading.treatments() {
            let share = |cell: &Cell| {
                Proportion::new(cell.totals[place].0 as f64, (cell.units as f64).max(1.0))
            };
            let shares = [share(own(0))?, share(own(treatment))?];
            let of_shares = pooled(shares[0], shares[1]).and_then(|z| z.p_value(0.0));
            let moments = |cell: &Cell| {
                let (_, sum, centred, squares) = cell.totals[place];
                let units = cell.units as f64;
                means::Moments::of_sums(units, centred, squares)
                    .map(|one| means::Moments { mean: sum / units, ..one })
            };
            let of_means = moments(own(0))
                .and_then(|first| means::welch(first, moments(own(treatment))?))
                .and_then(|both| both.absolute.p_value(0.0));
            found.extend([of_shares.unwrap_or(1.0), of_means.unwrap_or(1.0)]);
            let table = if name == CONVERSIONS { String::new() } else { format!(" ({name})") };
            told.push(format!(
                "{} of {} and {} of {} had done something before it{table}",
                level(shares[0].share(), true, None),
                reading.arm(0),
                level(shares[1].share(), true, None),
                reading.arm(treatment)
            ));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let holm = adjusted(&found, Method::Holm)?;
    let (at, p) = holm
        .iter()
        .copied()
        .enumerate()
        .fold((0, 1.0), |least, one| if one.1 < least.1 { one } else { least });
    let alarm = reading.spec.analysis.alarm.fraction();
    let check = |verdict, message: String| {
        let metric = Metric::new("smallest p value, for as many", p, "1");
        Check::new(id, title, verdict, message).metric(metric.limit(Limit::AtLeast(alarm)))
    };
    let told = told.get(at / 2).cloned().unwrap_or_default();
    if p >= alarm {
        return Ok(Some(check(Verdict::Pass, told)));
    }
    let message = format!(
        "{told}, when nothing had been shown to them. Arms that are alike would do this {}",
        less_often(p)
    );
    Ok(Some(check(reading.alarmed(p), message).advice(Symptom::Before.advice())))
}
