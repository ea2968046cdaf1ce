//! A run for people: over time, and as a distribution.

use gate_core::Json;
use gate_core::evidence::{
    Align, Axis, Column, Series, SeriesEvidence, SeriesLimit, SeriesSchema, TableEvidence,
    TableSchema,
};
use serde_json::json;

use load::Tally;

use crate::figures::{Figures, Row};
use crate::measure::Look;
use crate::settings::Settings;
use crate::shown::Shown;
use crate::threshold::{Aggregate, Metric};

/// The quantiles of the distribution.
const QUANTILES: [(f64, &str); 7] = [
    (0.5, "half of all"),
    (0.75, "75%"),
    (0.9, "90%"),
    (0.95, "95%"),
    (0.99, "99%"),
    (0.999, "99.9%"),
    (1.0, "all"),
];

/// The line of what was answered in each second.
const ANSWERED: &str = "answered";

/// What people look at. The first of the versions is the one under test.
pub(crate) fn all(spec: &Settings, versions: &[Figures], looks: &[Look]) -> Vec<Shown> {
    // The second after a round has only the few answers that came late.
    let is_after = |rows: &[Row], second: usize| {
        let is_end = looks.iter().any(|look| look.seconds as usize == second + 1);
        let before = second.checked_sub(1).and_then(|before| rows.get(before));
        is_end && before.is_some_and(|before| rows[second].requests * 2 < before.requests)
    };
    let name = |at: usize, text: &str| match (versions.len(), at) {
        (1, _) => text.to_owned(),
        (_, 0) => format!("{text}, this version"),
        _ => format!("{text}, the other one"),
    };
    let over = |label: &str, unit: &str, lines: Vec<(String, Line)>, limits: Vec<SeriesLimit>| {
        let series = lines.into_iter().flat_map(|(text, value)| {
            versions.iter().enumerate().map(move |(at, figures)| {
                let points = figures.rows.iter().enumerate();
                let points = points
                    .filter(|(second, _)| text != ANSWERED || !is_after(&figures.rows, *second));
                let points =
                    points.filter_map(|(second, row)| Some([second as f64 + 1.0, value(row)?]));
                (at, text.clone(), points.collect::<Vec<_>>())
            })
        });
        let series = series
            .map(|(at, text, points)| Series {
                name: name(at, &text),
                unit: unit.to_owned(),
                points,
                band: None,
            })
            .collect();
        let axis = Axis { name: "time".to_owned(), unit: "s".to_owned() };
        let schema = SeriesSchema::default();
        Shown::series(label, SeriesEvidence { schema, x: axis, series, limits })
    };
    let whole = spec.thresholds.iter().filter(|one| one.step.is_none());
    let limits = whole.map(|one| one.threshold).filter(|threshold| {
        threshold.metric == Metric::Latency && matches!(threshold.aggregate, Aggregate::Quantile(_))
    });
    let limits = limits
        .map(|threshold| SeriesLimit { name: threshold.to_string(), value: threshold.limit / 1e3 })
        .collect();
    let line = |text: &str, value: Line| (text.to_owned(), value);
    let mut all = vec![
        over(
            "latency",
            "ms",
            vec![
                line("median", |row| row.p50.map(ms)),
                line("95%", |row| row.p95.map(ms)),
                line("99%", |row| row.p99.map(ms)),
            ],
            limits,
        ),
        over(
            "requests and failures",
            "/s",
            vec![
                line(ANSWERED, |row| Some(row.requests as f64)),
                line("failed", |row| Some(row.failures as f64)),
            ],
            Vec::new(),
        ),
        over(
            "lateness of the generator",
            "ms",
            vec![line("99%", |row| row.lag.map(ms))],
            Vec::new(),
        ),
        Shown::table("distribution of latency", distribution(versions)),
    ];
    if versions.iter().any(|figures| figures.all.cache_told > 0) {
        let hits: Line = |row| (row.told > 0).then(|| row.hits as f64 / row.told as f64 * 100.0);
        all.push(over("answers from a cache", "%", vec![line("hits", hits)], Vec::new()));
    }
    let steps = spec.steps();
    if let (Some(first), false) = (versions.first(), steps.is_empty()) {
        all.push(Shown::table("steps", of_steps(&steps, &first.all)));
    }
    all
}

/// What was counted of each step of the version under test.
fn of_steps(names: &[String], all: &Tally) -> TableEvidence {
    let column = |name: &str, unit: Option<&str>| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        align: if name == "step" { Align::Left } else { Align::Right },
    };
    let times = ["median", "95%", "99%", "slowest"].map(|name| column(name, Some("ms")));
    let counts = ["step", "requests", "failed"].map(|name| column(name, None));
    let row = |(name, step): (&String, &Tally)| {
        let at = |value: Option<u64>| value.map_or(Json::Null, |value| json!(ms(value)));
        let latency = &step.latency;
        let times = [0.5, 0.95, 0.99].map(|q| at(latency.quantile(q)));
        let counts = [json!(name), json!(step.requests), json!(step.failures())];
        counts.into_iter().chain(times).chain([at(latency.max())]).collect()
    };
    TableEvidence {
        schema: TableSchema::default(),
        columns: counts.into_iter().chain(times).collect(),
        rows: names.iter().zip(&all.steps).map(row).collect(),
        note: None,
    }
}

type Line = fn(&Row) -> Option<f64>;

fn ms(microseconds: u64) -> f64 {
    microseconds as f64 / 1e3
}

fn distribution(versions: &[Figures]) -> TableEvidence {
    let column = |name: &str, unit: Option<&str>, align| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        align,
    };
    let mut columns = vec![column("no slower than this", None, Align::Left)];
    let names: &[&str] =
        if versions.len() > 1 { &["this version", "the other one"] } else { &["latency"] };
    columns.extend(names.iter().map(|name| column(name, Some("ms"), Align::Right)));
    let row = |(quantile, text): (f64, &str)| {
        let at = |figures: &Figures| {
            figures.all.latency.quantile(quantile).map_or(Json::Null, |at| json!(ms(at)))
        };
        std::iter::once(json!(text)).chain(versions.iter().map(at)).collect()
    };
    TableEvidence {
        schema: TableSchema::default(),
        columns,
        rows: QUANTILES.into_iter().map(row).collect(),
        note: Some(
            "latency counts from the instant when a request was due, so waiting for a connection is in it"
                .to_owned(),
        ),
    }
}
