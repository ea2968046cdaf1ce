//! Lines over an axis, drawn in SVG: they can be printed, and read without seeing them.

use std::fmt::Write as _;

use gate_core::evidence::{Interval, Series, SeriesEvidence};
use gate_runs::clean;
use maud::{Markup, PreEscaped, html};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
/// Room for the numbers at the left and below.
const LEFT: f64 = 64.0;
const BELOW: f64 = 36.0;
const ABOVE: f64 = 8.0;
const RIGHT: f64 = 12.0;
/// How many points of a line are drawn; of more, the highest and the lowest of each column.
const COLUMNS: usize = 300;

/// From values to places on the paper.
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Over these values, with some room; one value alone gets room on both sides.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Scale> {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return None;
        }
        let spare = if low < high { 0.0 } else { (low.abs() * 0.1).max(0.5) };
        Some(Scale { low: low - spare, high: high + spare, from, to })
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Some five round values within.
    fn ticks(&self) -> Vec<f64> {
        let raw = (self.high - self.low) / 4.0;
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= raw)
            .unwrap_or(raw);
        if !(step.is_finite() && step > 0.0) {
            return vec![self.low];
        }
        let first = (self.low / step).ceil();
        let ticks = (0..10).map(|n| (first + f64::from(n)) * step);
        ticks.take_while(|tick| *tick <= self.high + step * 1e-9).collect()
    }
}

/// Lines over an axis, with their limits.
pub fn chart(series: &SeriesEvidence) -> Markup {
    let points = || series.series.iter().flat_map(|line| &line.points);
    let bands = series.series.iter().filter_map(|line| line.band.as_ref()).flatten().flatten();
    let values = points()
        .map(|[_, y]| *y)
        .chain(bands.copied())
        .chain(series.limits.iter().map(|limit| limit.value));
    let (Some(x), Some(y)) = (
        Scale::over(points().map(|[x, _]| *x), LEFT, WIDTH - RIGHT),
        Scale::over(values, HEIGHT - BELOW, ABOVE),
    ) else {
        return html! { p.note { "There are no values to draw." } };
    };
    let unit = series.series.first().map(|line| clean::line(&line.unit)).unwrap_or_default();
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(summary(series)) {
            (axes(&x, &y, &unit, &format!("{} ({})", clean::line(&series.x.name), clean::line(&series.x.unit))))
            @for (line, at) in series.series.iter().zip(0..) { (drawn(line, at, &x, &y)) }
            @for limit in &series.limits {
                @let level = round(y.at(limit.value));
                line.limit x1=(LEFT) x2=(WIDTH - RIGHT) y1=(level) y2=(level) {}
                text.limit x=(WIDTH - RIGHT) y=(round(beside(y.at(limit.value)))) text-anchor="end" { (clean::line(&limit.name)) " " (number(limit.value)) }
            }
        }
        ul.legend {
            @for (line, at) in series.series.iter().zip(0..) {
                li class={ "line-" (at % 6) } { (clean::line(&line.name)) }
            }
        }
    }
}

/// Where the name of a limit stands: above its line, or below one that is at the very top.
fn beside(level: f64) -> f64 {
    if level < ABOVE + 12.0 { level + 13.0 } else { level - 3.0 }
}

/// What the chart says, for whoever does not see it.
fn summary(series: &SeriesEvidence) -> String {
    let mut text = format!("Chart over {}.", clean::line(&series.x.name));
    for line in &series.series {
        let values = || line.points.iter().map(|[_, y]| *y);
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if low <= high {
            let (name, unit) = (clean::line(&line.name), clean::line(&line.unit));
            let _ = write!(text, " {name}: {} to {} {unit}.", number(low), number(high));
        }
    }
    for limit in &series.limits {
        let _ = write!(text, " Limit {}: {}.", clean::line(&limit.name), number(limit.value));
    }
    text
}

fn axes(x: &Scale, y: &Scale, unit: &str, below: &str) -> Markup {
    html! {
        @for tick in y.ticks() {
            @let level = round(y.at(tick));
            line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(level) y2=(level) {}
            text x=(LEFT - 6.0) y=(round(y.at(tick) + 4.0)) text-anchor="end" { (number(tick)) }
        }
        @for tick in x.ticks() {
            text x=(round(x.at(tick))) y=(HEIGHT - BELOW + 16.0) text-anchor="middle" { (number(tick)) }
        }
        text x=(WIDTH / 2.0) y=(HEIGHT - 4.0) text-anchor="middle" { (below) }
        text x="4" y="12" { (unit) }
    }
}

fn drawn(line: &Series, at: usize, x: &Scale, y: &Scale) -> Markup {
    let path = |points: &[[f64; 2]]| {
        points.iter().fold(String::new(), |mut path, [px, py]| {
            let verb = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{verb}{:.1} {:.1}", x.at(*px), y.at(*py));
            path
        })
    };
    let band = line.band.as_ref().map(|band| {
        let pair =
            |at: usize| line.points.iter().zip(band).map(move |([x, _], edge)| [*x, edge[at]]);
        let around: Vec<[f64; 2]> =
            pair(0).chain(pair(1).collect::<Vec<_>>().into_iter().rev()).collect();
        format!("{}Z", path(&around))
    });
    html! {
        @if let Some(band) = band { path class={ "band line-" (at % 6) } d=(band) {} }
        path class={ "line line-" (at % 6) } d=(path(&thinned(&line.points))) {}
    }
}

/// As many points as can be told apart: of each column the lowest and the highest, in their order.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= 2 * COLUMNS {
        return points.to_vec();
    }
    let each = points.len().div_ceil(COLUMNS);
    let mut thin = Vec::with_capacity(2 * COLUMNS);
    for column in points.chunks(each) {
        let by_value = |a: &(usize, &[f64; 2]), b: &(usize, &[f64; 2])| a.1[1].total_cmp(&b.1[1]);
        let all = || column.iter().enumerate();
        let mut ends: Vec<_> =
            all().min_by(by_value).into_iter().chain(all().max_by(by_value)).collect();
        ends.sort_by_key(|(at, _)| *at);
        ends.dedup_by_key(|(at, _)| *at);
        thin.extend(ends.into_iter().map(|(_, point)| *point));
    }
    thin
}

/// Estimates with their uncertainty, on one axis.
pub fn intervals(unit: &str, intervals: &[Interval]) -> Markup {
    let ends = || {
        let ends = |one: &Interval| [Some(one.low), Some(one.high), Some(one.middle), one.limit];
        intervals.iter().flat_map(ends).flatten().filter(|end| end.is_finite())
    };
    let (low, high) =
        (ends().fold(f64::INFINITY, f64::min), ends().fold(f64::NEG_INFINITY, f64::max));
    // Nothing at all belongs to the axis, unless bars would become too short to be read.
    let nothing = Some(0.0).filter(|_| low.abs().min(high.abs()) <= 2.0 * (high - low));
    let Some(x) = Scale::over(ends().chain(nothing), 220.0, WIDTH - RIGHT) else { return html! {} };
    let height = 28.0 * intervals.len() as f64 + 28.0;
    let said = intervals.iter().map(|one| {
        let (label, unit) = (clean::line(&one.label), clean::line(unit));
        format!(
            "{label}: {} {unit}, between {} and {}",
            number(one.middle),
            number(one.low),
            number(one.high)
        )
    });
    let said = said.collect::<Vec<_>>().join("; ");
    html! {
        svg.intervals viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(said) {
            @for tick in x.ticks() {
                line.grid x1=(round(x.at(tick))) x2=(round(x.at(tick))) y1="4" y2=(height - 22.0) {}
                text x=(round(x.at(tick))) y=(height - 6.0) text-anchor="middle" { (number(tick)) }
            }
            @if nothing.is_some() {
                line.nothing x1=(round(x.at(0.0))) x2=(round(x.at(0.0))) y1="4" y2=(height - 22.0) {}
            }
            @for (one, row) in intervals.iter().zip(0..) {
                @let y = 20.0 + 28.0 * f64::from(row);
                text x="4" y=(y + 4.0) { (clean::line(&one.label)) }
                line.bar x1=(round(x.at(one.low))) x2=(round(x.at(one.high))) y1=(y) y2=(y) {}
                circle.middle cx=(round(x.at(one.middle))) cy=(y) r="5" {}
                @if let Some(limit) = one.limit {
                    line.limit x1=(round(x.at(limit))) x2=(round(x.at(limit))) y1=(y - 10.0) y2=(y + 10.0) {}
                }
            }
        }
        p.note { "in " (clean::line(unit)) }
    }
}

fn round(value: f64) -> PreEscaped<String> {
    PreEscaped(format!("{value:.1}"))
}

/// A number with as many digits as say something.
fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size == 0.0 => return "0".to_owned(),
        1e6.. | ..1e-3 => return format!("{value:.2e}"),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(low: f64, high: f64, ticks: &[f64]) {
        let scale = Scale::over([low, high].into_iter(), 0.0, 100.0).unwrap();
        let found = scale.ticks();
        assert_eq!(found.len(), ticks.len(), "{found:?}");
        assert!(
            found.iter().zip(ticks).all(|(a, b)| (a - b).abs() < 1e-9 * b.abs().max(1.0)),
            "{found:?}"
        );
    }

    #[test]
    fn ticks_are_round() {
        check(0.0, 10.0, &[0.0, 5.0, 10.0]);
        check(0.0, 100.0, &[0.0, 50.0, 100.0]);
        check(-3.0, 7.0, &[0.0, 5.0]);
        check(0.011, 0.019, &[0.012, 0.014, 0.016, 0.018]);
        check(5.0, 5.0, &[4.5, 5.0, 5.5]);
        assert!(Scale::over([f64::NAN].into_iter(), 0.0, 1.0).is_none());
    }

    #[test]
    fn a_long_line_keeps_its_peaks() {
        let points: Vec<[f64; 2]> =
            (0..100_000).map(|at| [f64::from(at), if at == 77_777 { 9.0 } else { 1.0 }]).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= 2 * COLUMNS, "{}", thin.len());
        assert!(thin.contains(&[77_777.0, 9.0]));
        assert!(thin.is_sorted_by(|a, b| a[0] < b[0]));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (0.25, "0.25"),
            (123.4, "123"),
            (12.0, "12"),
            (2e9, "2.00e9"),
            (-0.5, "-0.5"),
            (1e-5, "1.00e-5"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
