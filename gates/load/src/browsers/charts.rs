//! What browsers have seen, for people: over time, and each page load.

use gate_core::Json;
use gate_core::evidence::{
    Align, Axis, Column, Series, SeriesEvidence, SeriesLimit, SeriesSchema, TableEvidence,
    TableSchema,
};
use serde_json::json;

use super::{Load, Watched};
use crate::settings::Settings;
use crate::shown::Shown;
use crate::threshold::{Aggregate, Metric};

/// What people look at.
pub(crate) fn shown(spec: &Settings, seen: &Watched) -> Vec<Shown> {
    if seen.loads.is_empty() {
        return Vec::new();
    }
    let both = [
        (
            "page in browsers",
            "ms",
            &[
                ("largest contentful paint", Metric::LargestPaint),
                ("first contentful paint", Metric::FirstPaint),
                ("first byte", Metric::PageFirstByte),
            ][..],
        ),
        ("layout shift in browsers", "", &[("cumulative layout shift", Metric::LayoutShift)][..]),
    ];
    let charts = both
        .into_iter()
        .map(|(label, unit, lines)| Shown::series(label, chart(spec, seen, unit, lines)));
    charts.chain([Shown::table("page loads in browsers", table(seen))]).collect()
}

fn chart(spec: &Settings, seen: &Watched, unit: &str, lines: &[(&str, Metric)]) -> SeriesEvidence {
    let scale = |metric: Metric| if metric.is_time() { 1e3 } else { 1.0 };
    let versions = seen.pages.len();
    // Two versions at three lines each would be hard to read.
    let lines = if versions > 1 { &lines[..1] } else { lines };
    let series = lines.iter().flat_map(|(name, metric)| {
        (0..versions).map(move |version| Series {
            name: match (versions, version) {
                (1, _) => (*name).to_owned(),
                (_, 0) => format!("{name}, this version"),
                _ => format!("{name}, the other one"),
            },
            unit: unit.to_owned(),
            points: seen
                .of(version)
                .filter_map(|load| Some([load.at, load.value(*metric)? / scale(*metric)]))
                .collect(),
            band: None,
        })
    });
    let is_shown = |metric: Metric| lines.iter().any(|(_, shown)| *shown == metric);
    let limits = spec.thresholds.iter().map(|one| one.threshold).filter(|threshold| {
        is_shown(threshold.metric) && matches!(threshold.aggregate, Aggregate::Quantile(_))
    });
    let limits = limits.map(|threshold| SeriesLimit {
        name: threshold.to_string(),
        value: threshold.limit / scale(threshold.metric),
    });
    SeriesEvidence {
        schema: SeriesSchema::default(),
        x: Axis { name: "time".to_owned(), unit: "s".to_owned() },
        series: series.collect(),
        limits: limits.collect(),
    }
}

fn table(seen: &Watched) -> TableEvidence {
    let column = |name: &str, unit: Option<&str>, align| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        align,
    };
    let times = ["first byte", "first paint", "largest paint", "load event"];
    let mut columns = vec![column("at", Some("s"), Align::Right)];
    if seen.pages.len() > 1 {
        columns.push(column("version", None, Align::Left));
    }
    columns.extend(times.map(|name| column(name, Some("ms"), Align::Right)));
    columns.push(column("layout shift", None, Align::Right));
    columns.push(column("waited for a processor", Some("ms"), Align::Right));
    columns.push(column("what else", None, Align::Left));
    TableEvidence {
        schema: TableSchema::default(),
        columns,
        rows: seen.loads.iter().map(|load| row(load, seen.pages.len() > 1)).collect(),
        note: Some(
            "each time with nothing kept of the time before: no cache, no cookies, no open connection"
                .to_owned(),
        ),
    }
}

fn row(load: &Load, is_compared: bool) -> Vec<Json> {
    let time =
        |time: Option<u64>| time.map_or(Json::Null, |time| json!((time / 100) as f64 / 10.0));
    let shift = |shift: f64| json!((shift * 1e4).round() / 1e4);
    let mut row = vec![json!((load.at * 10.0).round() / 10.0)];
    if is_compared {
        row.push(json!(if load.version == 0 { "this one" } else { "the other one" }));
    }
    let times = [load.first_byte, load.first_paint, load.largest_paint, load.loaded];
    row.extend(times.map(time));
    row.push(load.layout_shift.map_or(Json::Null, shift));
    row.push(time(load.waited));
    row.push(match &load.failed {
        Some(why) => json!(why),
        None if load.is_restless => json!("was still changing"),
        None => json!(""),
    });
    row
}
