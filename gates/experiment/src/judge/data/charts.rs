//! Effects as people look at them: bars with their bounds, and how the effect came about over time.

use gate_core::evidence::{Axis, Interval, Series, SeriesEvidence, SeriesSchema};

use super::Judged;
use super::lift::Lift;
use super::reading::Reading;
use crate::seen::{Cell, SeenData};
use crate::settings::{MetricSpec, Settings};

/// A bar for each arm in the metric of the success, in percent.
pub(crate) fn primary(spec: &Settings, judged: &Judged) -> Vec<Interval> {
    let title = |lift: &Lift| lift.arm.clone();
    let limit = spec.success.as_ref().map(|success| success.detect.fraction() * 100.0);
    let sign = spec
        .success
        .as_ref()
        .and_then(|success| spec.metrics.get(&success.metric))
        .map_or(1.0, MetricSpec::sign);
    let limit = limit.map(|limit| limit * sign);
    judged.primary.iter().filter_map(|lift| bar(lift, title(lift), limit)).collect()
}

/// A bar for each metric that may not be harmed, with the limit.
pub(crate) fn guardrails(spec: &Settings, judged: &Judged) -> Vec<Interval> {
    let several = judged.primary.len() > 1;
    let bars = judged.guardrails.iter().filter_map(|lift| {
        let metric = spec.metrics.get(&lift.metric)?;
        let name = metric.title.as_deref().unwrap_or(&lift.metric);
        let name = if several { format!("{name}, {}", lift.arm) } else { name.to_owned() };
        let limit = lift.margin.map(|margin| -margin * metric.sign() * 100.0);
        bar(lift, name, limit)
    });
    bars.collect()
}

fn bar(lift: &Lift, label: String, limit: Option<f64>) -> Option<Interval> {
    let told = lift.relative?;
    let [low, middle, high] = [told.low, told.effect, told.high].map(|part| part * 100.0);
    Some(Interval { label, low, middle, high, limit })
}

/// The change so far after each day, with its band, for those who had come by then. None where nothing
/// is said of effects or there are no days.
pub(crate) fn over_time(
    spec: &Settings,
    seen: &SeenData,
    judged: &Judged,
) -> Option<SeriesEvidence> {
    let reading = Reading { spec, seen };
    let metric = spec.metrics.get(&spec.success.as_ref()?.metric)?;
    if !judged.is_trusted || seen.days.len() < 2 {
        return None;
    }
    let mut series = Vec::new();
    for treatment in reading.treatments() {
        if judged
            .primary
            .iter()
            .all(|lift| lift.arm != reading.arm(treatment) || lift.relative.is_none())
        {
            continue;
        }
        let lens = reading.lens(treatment, judged.progress.needed);
        let (mut points, mut band) = (Vec::new(), Vec::new());
        let mut so_far: Option<Vec<Cell>> = None;
        for (day, today) in (1_u32..).zip(seen.days.values()) {
            let cells: Vec<Cell> = match so_far.take() {
                None => today.clone(),
                Some(before) => before.iter().zip(today).map(|(one, next)| one.and(next)).collect(),
            };
            let bounds = (!reading.is_few(metric, &cells, treatment))
                .then(|| reading.compare(metric, &cells, treatment).ok())
                .flatten()
                .and_then(|compared| {
                    let estimate = compared.relative()?;
                    let bounds = lens.bounds(estimate, compared.comparison.units).ok()?;
                    Some((estimate.effect, bounds))
                });
            // A look that may spend next to nothing has no bounds.
            if let Some((effect, (low, high))) = bounds.filter(|(_, (low, _))| low.is_finite()) {
                points.push([f64::from(day), effect * 100.0]);
                band.push([low * 100.0, high * 100.0]);
            }
            so_far = Some(cells);
        }
        let wide = wide(&band);
        series.push(Series {
            name: reading.arm(treatment).to_owned(),
            unit: "%".to_owned(),
            points: points.split_off(wide),
            band: Some(band.split_off(wide)),
        });
    }
    let series: Vec<Series> = series.into_iter().filter(|one| one.points.len() > 1).collect();
    (!series.is_empty()).then(|| SeriesEvidence {
        schema: SeriesSchema::default(),
        x: Axis { name: "time".to_owned(), unit: "days".to_owned() },
        series,
        limits: vec![gate_core::evidence::SeriesLimit { name: "no change".to_owned(), value: 0.0 }],
    })
}

/// How many of the first days have bounds so wide that nothing else would be seen.
fn wide(band: &[[f64; 2]]) -> usize {
    let last = band.last().map_or(0.0, |[low, high]| high - low);
    band.iter().take_while(|[low, high]| high - low > 6.0 * last).count()
}
