//! Is everybody counted once?
//!
//! A split can be perfect while the denominator is wrong: growthbook #6386 tells of a redirect after
//! which ids were made anew, so that visitors were counted 1.9 times in both arms. The sums show it
//! where one arm is counted otherwise than the other, and where something else says how many there
//! should be: what the spec says is recorded, persons, the metric's value of today, visitors a day.

use gate_core::{Check, Metric, Verdict};
use stats::estimate::{Comparison, Mean};
use stats::means::Moments;
use stats::{Error, normal, ratios};

use super::reading::Reading;
use crate::judge::causes::Symptom;
use crate::question;
use crate::seen::{Cell, Counted};
use crate::settings::{EXPOSURES, MetricKind, Times};
use crate::words::{count, figure, level};

/// How much more often than it should something may be recorded: a reload here and there.
const SPARE: f64 = 1.05;
/// So many rows too many happen.
const HAPPEN: f64 = 5.0;
/// From so many times what is meant on it is told: people come back, and some buy twice.
const OFTEN: f64 = 1.5;
/// With fewer who have it in an arm nothing is said of how often they do.
const FEW: f64 = 10.0;
/// How far a value may be from what was expected before it is looked at, and before it is wrong.
const FAR: f64 = 1.25;
const WRONG: f64 = 1.5;

/// Something that was found, with what it means.
struct Found {
    verdict: Verdict,
    message: String,
    symptom: Symptom,
}

/// The check, and its numbers.
struct Counting<'r> {
    reading: &'r Reading<'r>,
    found: Vec<Found>,
    metrics: Vec<Metric>,
    /// What it was held against.
    against: Vec<&'static str>,
}

/// The check.
pub(super) fn check(reading: &Reading<'_>) -> Result<Check, Error> {
    let (found, metrics, against) = (Vec::new(), Vec::new(), Vec::new());
    let mut counting = Counting { reading, found, metrics, against };
    counting.exposures()?;
    counting.conversions()?;
    counting.persons();
    counting.baseline()?;
    counting.per_day()?;
    Ok(counting.told())
}

impl Counting<'_> {
    fn find(&mut self, verdict: Verdict, message: String, symptom: Symptom) {
        self.found.push(Found { verdict, message, symptom });
    }

    fn told(mut self) -> Check {
        let (id, title) = ("counted-once", "Everybody is counted once");
        self.found.sort_by_key(|one| std::cmp::Reverse(one.verdict));
        let mut check = match self.found.first() {
            None => {
                let against = if self.against.is_empty() {
                    "it is held against nothing else: success.baseline, visitors_per_day or a \
                     column of persons would show whether all arms count too many"
                        .to_owned()
                } else {
                    let against: Vec<String> =
                        self.against.iter().map(|one| (*one).to_owned()).collect();
                    format!("it agrees with {}", crate::words::list(&against))
                };
                let message = format!("all arms are recorded alike; {against}");
                Check::new(id, title, Verdict::Pass, message)
            }
            Some(first) => {
                let all: Vec<&str> = self.found.iter().map(|one| one.message.as_str()).collect();
                Check::new(id, title, first.verdict, all.join("; ")).advice(first.symptom.advice())
            }
        };
        check.metrics = self.metrics;
        check
    }

    /// Rows of exposures for each visitor.
    fn exposures(&mut self) -> Result<(), Error> {
        let counted = question::rows(EXPOSURES, false);
        let Some(place) = self.reading.place(&counted) else { return Ok(()) };
        let mean = |cell: &Cell| -> Result<Mean, Error> {
            let (_, sum, centred, squares) = cell.totals[place];
            let units = cell.units as f64;
            let spread = Moments::of_sums(units, centred, squares)?;
            Ok(Mean { units, value: sum / units, variance: spread.variance / units })
        };
        let often = self.often("exposures", &mean);
        let everybody = |cell: &Cell| cell.units as f64;
        if let Some((verdict, message)) =
            self.differ("an exposure is recorded", &mean, &everybody)?
        {
            self.find(verdict, message, Symptom::Exposures);
            return Ok(());
        }
        let records = self.reading.spec.before_launch.as_ref();
        let records = records.and_then(|before| before.records.as_ref());
        match records.map(|records| records.exposure) {
            Some(Times::Once) if often >= OFTEN && self.too_many(often - 1.0) => {
                let message = format!(
                    "an exposure is to be recorded once, and is {} times: whoever counts rows \
                     counts as many visitors too many (where each page view is one, say so: \
                     exposure: at_least_once)",
                    figure((often * 100.0).round() / 100.0)
                );
                self.find(Verdict::Fail, message, Symptom::Exposures);
            }
            Some(Times::Once) => self.against.push("what is to be recorded"),
            None if often >= OFTEN => {
                let message = format!(
                    "an exposure is recorded {} times of each visitor; they are counted once \
                     here, and {} times by whoever counts rows",
                    figure((often * 100.0).round() / 100.0),
                    figure((often * 100.0).round() / 100.0)
                );
                self.find(Verdict::Warn, message, Symptom::Exposures);
            }
            Some(Times::AtLeastOnce) | None => {}
        }
        Ok(())
    }

    /// How often on average, in all arms, with a metric for it.
    fn often(&mut self, what: &str, mean: &dyn Fn(&Cell) -> Result<Mean, Error>) -> f64 {
        let means = self.reading.seen.all.iter().filter_map(|cell| mean(cell).ok());
        let (sum, units) = means
            .fold((0.0, 0.0), |(sum, units), one| (sum + one.value * one.units, units + one.units));
        let often = if units > 0.0 { sum / units } else { 0.0 };
        if units > 0.0 {
            self.metrics.push(Metric::new(format!("{what} of each"), often, "1"));
        }
        often
    }

    /// Whether so many more of each visitor are more rows than happen.
    fn too_many(&self, more: f64) -> bool {
        more * self.reading.units().iter().sum::<f64>() > HAPPEN
    }

    /// How many standard errors away chance hardly leads.
    fn hardly(&self) -> Result<f64, Error> {
        normal::upper_quantile(self.reading.spec.analysis.alarm.fraction() / 2.0)
    }

    /// Whether an arm has more of it than the control, by more than chance and by more than a little.
    /// Twice as much is a mistake; anything else may be what the variant does to people.
    fn differ(
        &self,
        what: &str,
        mean: &dyn Fn(&Cell) -> Result<Mean, Error>,
        having: &dyn Fn(&Cell) -> f64,
    ) -> Result<Option<(Verdict, String)>, Error> {
        let treatments = self.reading.treatments();
        // So many comparisons may be made in all: of exposures, and of each metric.
        let comparisons = treatments.len() * (2 + self.reading.spec.metrics.len());
        for treatment in treatments {
            let cells = [&self.reading.seen.all[0], &self.reading.seen.all[treatment]];
            if cells.iter().any(|cell| having(cell) < FEW) {
                continue;
            }
            let (Ok(control), Ok(own)) = (mean(cells[0]), mean(cells[1])) else { continue };
            let ratio = own.value / control.value;
            if (1.0 / SPARE..=SPARE).contains(&ratio) {
                continue;
            }
            // Where nothing varies the difference is exact.
            let compared = Comparison::of(control, own, f64::INFINITY);
            let p = match compared {
                Ok(compared) => compared.absolute.p_value(0.0)?,
                Err(_) => 0.0,
            };
            let found = self.reading.alarmed((p * comparisons as f64).min(1.0));
            if found == Verdict::Pass {
                continue;
            }
            let message = format!(
                "{what} {} times of each in {} and {} times in {}",
                figure((own.value * 100.0).round() / 100.0),
                self.reading.arm(treatment),
                figure((control.value * 100.0).round() / 100.0),
                self.reading.arm(0)
            );
            return Ok(Some(if is_doubled(ratio.max(1.0 / ratio)) {
                (found, message)
            } else {
                (
                    Verdict::Warn,
                    message + ", which is a mistake unless the variant makes people do it",
                )
            }));
        }
        Ok(None)
    }

    /// Rows of an event for each who has it at all.
    fn conversions(&mut self) -> Result<(), Error> {
        let spec = self.reading.spec;
        let records = spec.before_launch.as_ref().and_then(|before| before.records.as_ref());
        let meant = records.and_then(|records| records.conversion.as_ref());
        let mut all: Vec<(String, Counted, Option<f64>)> = Vec::new();
        if let Some(meant) = meant {
            let counted = question::conversions(&meant.event);
            all.push((meant.event.clone(), counted, Some(f64::from(meant.times))));
        }
        for (name, metric) in &spec.metrics {
            let counted = question::parts(spec, metric).own;
            let is_known = all.iter().any(|(_, one, _)| *one == counted);
            if metric.kind == MetricKind::Proportion && !is_known && counted.table != EXPOSURES {
                all.push((self.reading.title(name).to_owned(), counted, None));
            }
        }
        for (name, counted, meant) in all {
            let Some(place) = self.reading.place(&counted) else { continue };
            let centre = self.reading.seen.centres.get(place).copied().unwrap_or(0.0);
            // A ratio of rows and of whether there are any: the product is the rows again.
            let mean = |cell: &Cell| -> Result<Mean, Error> {
                let (some, sum, centred, squares) = cell.totals[place];
                let (some, units) = (some as f64, cell.units as f64);
                let m2 = squares + 2.0 * centre * centred + centre * centre * units;
                let sums = ratios::Sums { units, m: sum, m2, d: some, d2: some, md: sum };
                sums.ratio()
            };
            let often = self.often(&name, &mean);
            let what = format!("{name} is recorded");
            let having = |cell: &Cell| cell.totals[place].0 as f64;
            if let Some((verdict, message)) = self.differ(&what, &mean, &having)? {
                self.find(verdict, message, Symptom::Conversions);
                continue;
            }
            let having: f64 = self.reading.seen.all.iter().map(having).sum();
            if let Some(meant) = meant {
                if often >= meant * OFTEN && (often - meant) * having > HAPPEN {
                    let message = format!(
                        "{name} is to be recorded {} of each who has it, and is {} times (where \
                         people do it again, say how often: times)",
                        if meant > 1.0 { count(meant) + " times" } else { "once".to_owned() },
                        figure((often * 100.0).round() / 100.0)
                    );
                    self.find(Verdict::Fail, message, Symptom::Conversions);
                }
            } else if often >= OFTEN && (often - 1.0) * having > HAPPEN {
                let message = format!(
                    "{name} is recorded {} times of each who has it; they are counted once here",
                    figure((often * 100.0).round() / 100.0)
                );
                self.find(Verdict::Warn, message, Symptom::Conversions);
            }
        }
        Ok(())
    }

    fn persons(&mut self) {
        let Some(persons) = &self.reading.seen.persons else { return };
        let units: f64 = self.reading.units().iter().sum();
        let times = units / (persons.all as f64).max(1.0);
        self.metrics.push(Metric::new(format!("visitors for each {}", persons.column), times, "1"));
        if times <= SPARE || units - persons.all as f64 <= HAPPEN {
            self.against.push("the column of persons");
            return;
        }
        let message = format!(
            "there are {} visitors and {} persons ({}): each is counted {} times, though the split \
             may look perfect",
            count(units),
            count(persons.all as f64),
            persons.column,
            figure((times * 100.0).round() / 100.0)
        );
        self.find(Verdict::Fail, message, Symptom::Persons);
    }

    /// The control against what the metric is today.
    fn baseline(&mut self) -> Result<(), Error> {
        let reading = *self.reading;
        let Some(success) = &reading.spec.success else { return Ok(()) };
        let (Some(baseline), Some(metric)) =
            (success.baseline, reading.spec.metrics.get(&success.metric))
        else {
            return Ok(());
        };
        let Some(treatment) = reading.treatments().first().copied() else { return Ok(()) };
        if reading.is_few(metric, &reading.seen.all, treatment) {
            return Ok(());
        }
        let compared = reading.compare(metric, &reading.seen.all, treatment);
        let Ok(compared) = compared else { return Ok(()) };
        let value = compared.values[0];
        let times = (baseline.0 / value).abs();
        let is_share = metric.kind == MetricKind::Proportion;
        let told = |value| level(value, is_share, metric.unit.as_deref());
        let (fewer, more) = (times > FAR, times < 1.0 / FAR);
        let away = (value - baseline.0).abs() / compared.comparison.absolute.error;
        if !(fewer || more) || away < self.hardly()? {
            self.against.push("the metric's value of today");
            return Ok(());
        }
        let far = if fewer { times } else { 1.0 / times };
        let verdict = if far >= WRONG { Verdict::Fail } else { Verdict::Warn };
        let far = figure((far * 100.0).round() / 100.0);
        let title = reading.title(&success.metric);
        let message = if fewer {
            format!(
                "{title} of {} is {}, and {} was expected: {far} times as much, as if each visitor \
                 were counted {far} times",
                reading.arm(0),
                told(value),
                told(baseline.0)
            )
        } else {
            format!(
                "{title} of {} is {}, and {} was expected: {far} times as little, as if visitors \
                 were lost or conversions counted {far} times",
                reading.arm(0),
                told(value),
                told(baseline.0)
            )
        };
        let symptom = if fewer { Symptom::Persons } else { Symptom::Conversions };
        self.find(verdict, message, symptom);
        Ok(())
    }

    /// Visitors a day against what was expected, of whole days.
    fn per_day(&mut self) -> Result<(), Error> {
        let Some(expected) = self.reading.spec.visitors_per_day else { return Ok(()) };
        // The first and the last day are seldom whole.
        let Some(per_day) = self.reading.per_day() else { return Ok(()) };
        self.metrics.push(Metric::new("visitors a day", per_day, "1"));
        let times = per_day / expected;
        // A count of that many has this spread at the least.
        let away = (per_day - expected).abs() * (self.reading.whole_days() / expected).sqrt();
        if (1.0 / FAR..=FAR).contains(&times) || away < self.hardly()? {
            self.against.push("the visitors a day that were expected");
            return Ok(());
        }
        let (day, meant) = (count(per_day.round()), count(expected));
        if times > 1.0 {
            let verdict = if times >= WRONG { Verdict::Fail } else { Verdict::Warn };
            let message = format!(
                "{day} visitors came each day, and {meant} were expected: {} times as many",
                figure((times * 100.0).round() / 100.0)
            );
            self.find(verdict, message, Symptom::Persons);
        } else {
            let message = format!(
                "{day} visitors came each day, and {meant} were expected: it takes longer, or \
                 exposures are lost"
            );
            self.find(Verdict::Warn, message, Symptom::Exposures);
        }
        Ok(())
    }
}

/// Whether something is recorded twice, or three times, where it should be once.
fn is_doubled(ratio: f64) -> bool {
    let whole = ratio.round();
    whole >= 2.0 && (ratio / whole - 1.0).abs() < SPARE - 1.0
}
