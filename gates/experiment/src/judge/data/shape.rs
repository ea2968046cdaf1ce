//! Is the effect the same over time, and in every segment?

use gate_core::{Check, Limit, Metric, Verdict};
use stats::multiple::{Method, adjusted};
use stats::{Error, normal};

use super::reading::Reading;
use crate::judge::causes::Symptom;
use crate::seen::Cell;
use crate::settings::MetricSpec;
use crate::words::{list, rough};

/// How far all together may be from the same within parts, in standard errors, when they say opposite
/// things: chance does that less than once in a thousand times, and hardly ever as far as this.
const FAR: f64 = 3.3;
/// How often a trend of the effect is seen where there is none.
const TREND: f64 = 0.01;
/// How many stretches of time a trend is seen in, at the least and at the most.
const STRETCHES: (usize, usize) = (4, 14);
/// With fewer who did something in a stretch, it is put together with the next one.
const FEWEST: f64 = 40.0;
/// Effects that are larger than this are rarely true.
const LARGE: f64 = 0.5;

/// The middle of a stretch of time in days, the relative effect in it, and its standard error.
type Point = (f64, f64, f64);
/// A part of the visitors, with a name.
type Part = (String, Vec<Cell>);

impl<'a> Reading<'a> {
    fn metric_of_success(&self) -> Option<&'a MetricSpec> {
        let success = self.spec.success.as_ref()?;
        self.spec.metrics.get(&success.metric)
    }
}

/// Whether all segments say one thing and all together say another.
pub(super) fn simpson(reading: &Reading<'_>) -> Option<Check> {
    let metric = reading.metric_of_success()?;
    let (id, title) = ("same-within", "All together say what the parts say");
    let days = reading.seen.days.iter().map(|(day, cells)| (day.clone(), cells.clone()));
    let mut ways: Vec<(String, Vec<Part>)> = Vec::new();
    if reading.seen.days.len() > 1 {
        ways.push(("days".to_owned(), days.collect()));
    }
    for segment in &reading.seen.segments {
        let parts = segment.values.iter().map(|(value, cells)| {
            (value.clone().unwrap_or_else(|| "none".to_owned()), cells.clone())
        });
        ways.push((segment.column.clone(), parts.collect()));
    }
    if ways.is_empty() {
        return None;
    }
    let mut looked: Vec<String> = Vec::new();
    for treatment in reading.treatments() {
        if reading.is_few(metric, &reading.seen.all, treatment) {
            continue;
        }
        let Ok(all) = reading.compare(metric, &reading.seen.all, treatment) else { continue };
        let all = all.comparison.absolute;
        for (name, parts) in &ways {
            let Some((within, error)) = within(reading, metric, parts, treatment) else { continue };
            if !looked.contains(name) {
                looked.push(name.clone());
            }
            let is_other_way = within * all.effect < 0.0;
            if is_other_way && (within - all.effect).abs() > FAR * error {
                let (up, down) = ("higher", "lower");
                let (whole, part) = if all.effect > 0.0 { (up, down) } else { (down, up) };
                let message = format!(
                    "{} is {whole} in {} when all are put together, and {part} within the {name}: \
                     the arms are mixed otherwise in them (Simpson's paradox)",
                    reading.title(&reading.spec.success.as_ref()?.metric),
                    reading.arm(treatment)
                );
                let check = Check::new(id, title, Verdict::Fail, message);
                return Some(check.advice(Symptom::Simpson.advice()));
            }
        }
    }
    let message = format!("looked at by {}", list(&looked));
    (!looked.is_empty()).then(|| Check::new(id, title, Verdict::Pass, message))
}

/// The difference within parts, weighted by their visitors, and its standard error.
fn within(
    reading: &Reading<'_>,
    metric: &MetricSpec,
    parts: &[Part],
    treatment: usize,
) -> Option<(f64, f64)> {
    let (mut sum, mut variance, mut units) = (0.0, 0.0, 0.0);
    for (_, cells) in parts {
        let both = [&cells[0], &cells[treatment]];
        let Ok(part) = reading.compare(metric, cells, treatment) else {
            // Where nobody has done anything there is no difference, in whichever arm they are.
            let own = crate::question::parts(reading.spec, metric).own;
            let has_some =
                |cell: &&Cell| reading.count(&own, cell).is_none_or(|(some, _)| some > 0.0);
            if both.iter().all(|cell| cell.units > 0) && !both.iter().any(has_some) {
                units += both.iter().map(|cell| cell.units as f64).sum::<f64>();
            }
            continue;
        };
        let weight = part.comparison.units;
        sum += weight * part.comparison.absolute.effect;
        variance += (weight * part.comparison.absolute.error).powi(2);
        units += weight;
    }
    let all = reading.seen.all[0].units + reading.seen.all[treatment].units;
    // Where most parts are too small to say anything they say nothing together.
    (units > 0.9 * all as f64).then(|| (sum / units, variance.sqrt() / units))
}

/// Whether the effect fades, or grows, from day to day.
pub(super) fn novelty(reading: &Reading<'_>) -> Result<Option<Check>, Error> {
    let Some(metric) = reading.metric_of_success() else { return Ok(None) };
    let (id, title) = ("no-trend", "The effect does not fade");
    let mut found: Vec<(usize, f64, Vec<Point>)> = Vec::new();
    for treatment in reading.treatments() {
        let points = stretches(reading, metric, treatment);
        if points.len() < STRETCHES.0 {
            continue;
        }
        let weight = |point: &Point| 1.0 / (point.2 * point.2);
        let all: f64 = points.iter().map(weight).sum();
        let middle = points.iter().map(|point| weight(point) * point.0).sum::<f64>() / all;
        let spread: f64 =
            points.iter().map(|point| weight(point) * (point.0 - middle).powi(2)).sum();
        let slope = points.iter().map(|point| weight(point) * (point.0 - middle) * point.1);
        // In standard errors: that of the slope is 1/√spread.
        let z = slope.sum::<f64>() / spread.sqrt();
        if z.is_finite() {
            found.push((treatment, z, points));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let p: Vec<f64> = found.iter().map(|(_, z, _)| (2.0 * normal::sf(z.abs())).min(1.0)).collect();
    let holm = adjusted(&p, Method::Holm)?;
    let Some(at) = (0..holm.len()).min_by(|a, b| holm[*a].total_cmp(&holm[*b])) else {
        return Ok(None);
    };
    let (treatment, z, points) = &found[at];
    let metric_of = Metric::new("p value of a trend", holm[at], "1").limit(Limit::AtLeast(TREND));
    if holm[at] >= TREND {
        let message = "it is about the same for those who came early and late".to_owned();
        return Ok(Some(Check::new(id, title, Verdict::Pass, message).metric(metric_of)));
    }
    let half = |part: &[Point]| {
        let all: f64 = part.iter().map(|point| 1.0 / (point.2 * point.2)).sum();
        part.iter().map(|point| point.1 / (point.2 * point.2)).sum::<f64>() / all
    };
    let (first, last) = points.split_at(points.len() / 2);
    let (early, late) = (half(first), half(last));
    let fades = early * z < 0.0;
    let message = format!(
        "the effect of {} {}: {} for those who came in the first half, {} in the second{}",
        reading.arm(*treatment),
        if fades { "fades" } else { "grows" },
        rough(early),
        rough(late),
        if fades { ", as what is new often does" } else { "" }
    );
    let advice = "Let it run on until the effect stays, and count on the later one. It can also \
                  mean that something was changed on the way.";
    let check = Check::new(id, title, Verdict::Warn, message).metric(metric_of);
    Ok(Some(check.advice(advice)))
}

/// Stretches of days with enough in each.
fn stretches(reading: &Reading<'_>, metric: &MetricSpec, treatment: usize) -> Vec<Point> {
    let own = crate::question::parts(reading.spec, metric).own;
    let days = &reading.seen.days;
    let least = days.len().div_ceil(STRETCHES.1);
    let mut points = Vec::new();
    let mut open: Option<(usize, Vec<Cell>)> = None;
    for (at, cells) in days.values().enumerate() {
        let (from, cells) = match open.take() {
            None => (at, cells.clone()),
            Some((from, before)) => {
                (from, before.iter().zip(cells).map(|(one, next)| one.and(next)).collect())
            }
        };
        let some = |arm: usize| reading.count(&own, &cells[arm]).unwrap_or_default().0;
        if some(0).min(some(treatment)) < FEWEST || at + 1 - from < least {
            open = Some((from, cells));
            continue;
        }
        let Ok(compared) = reading.compare(metric, &cells, treatment) else { continue };
        if let Some(relative) = compared.relative() {
            points.push(((from + at) as f64 / 2.0, relative.effect, relative.error));
        }
    }
    points
}

/// Whether a segment goes the other way, where all together are better.
pub(super) fn segments(reading: &Reading<'_>) -> Result<Option<Check>, Error> {
    let Some(metric) = reading.metric_of_success() else { return Ok(None) };
    if reading.seen.segments.is_empty() {
        return Ok(None);
    }
    let (id, title) = ("no-segment-harmed", "No segment is worse off");
    let is_worse = |treatment: usize| {
        let all = reading.compare(metric, &reading.seen.all, treatment);
        all.is_ok_and(|all| {
            let all = all.comparison.absolute;
            metric.sign() * all.effect < -2.0 * all.error
        })
    };
    // Where all are worse off, no segment has to be named.
    let treatments: Vec<usize> =
        reading.treatments().into_iter().filter(|treatment| !is_worse(*treatment)).collect();
    let (mut names, mut found, mut effects) = (Vec::new(), Vec::new(), Vec::new());
    for segment in &reading.seen.segments {
        for (value, cells) in &segment.values {
            for treatment in treatments.iter().copied() {
                if reading.is_few(metric, cells, treatment) {
                    continue;
                }
                let Ok(compared) = reading.compare(metric, cells, treatment) else { continue };
                let Some(relative) = compared.relative() else { continue };
                let worse = -metric.sign() * compared.comparison.absolute.effect
                    / compared.comparison.absolute.error;
                let value = value.as_deref().unwrap_or("none");
                names.push(format!("{} of {} {value}", reading.arm(treatment), segment.column));
                found.push(normal::sf(worse));
                effects.push(relative.effect);
            }
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    let holm = adjusted(&found, Method::Holm)?;
    let alpha = reading.spec.analysis.alpha.fraction() / 5.0;
    let told: Vec<String> = (0..holm.len())
        .filter(|at| holm[*at] < alpha)
        .map(|at| format!("{} ({})", names[at], rough(effects[at])))
        .collect();
    let least = holm.iter().copied().fold(1.0, f64::min);
    let number =
        Metric::new("smallest p value, for as many", least, "1").limit(Limit::AtLeast(alpha));
    if told.is_empty() {
        let message = format!("none of {} is", found.len());
        return Ok(Some(Check::new(id, title, Verdict::Pass, message).metric(number)));
    }
    let message = format!("worse than the control: {}", list(&told[..told.len().min(3)]));
    let check = Check::new(id, title, Verdict::Warn, message).metric(number);
    Ok(Some(check.advice("Look at the variant as they see it before it is shown to all.")))
}

/// Whether an effect is too large to be believed at once.
pub(super) fn plausible(reading: &Reading<'_>, effects: &[(String, f64)]) -> Option<Check> {
    let (id, title) = ("plausible", "The effect is of a size that happens");
    let most = effects.iter().max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()))?;
    let name = reading.title(reading.spec.success.as_ref().map(|one| one.metric.as_str())?);
    if most.1.abs() <= LARGE {
        return Some(Check::new(id, title, Verdict::Pass, format!("{} at most", rough(most.1))));
    }
    let message = format!(
        "{name} changes by {} in {}: whatever looks so remarkable is mostly a mistake (Twyman's law)",
        rough(most.1),
        most.0
    );
    let advice = "Look at how it is recorded in both arms before you believe it.";
    Some(Check::new(id, title, Verdict::Warn, message).advice(advice))
}
