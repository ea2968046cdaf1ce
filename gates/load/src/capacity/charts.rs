//! A search for people: what became of latency and failures from rate to rate.

use gate_core::evidence::{Axis, Series, SeriesEvidence, SeriesLimit, SeriesSchema};

use super::{Capacity, Searched, Step};
use crate::shown::Shown;
use crate::threshold::{Aggregate, Metric};

type Line = fn(&Step) -> Option<f64>;

/// The charts.
pub(crate) fn shown(capacity: &Capacity, searched: &Searched) -> Vec<Shown> {
    let steps = searched.sorted();
    let chart = |label: &str, unit: &str, lines: &[(&str, Line)], limits: Vec<SeriesLimit>| {
        let series = lines.iter().map(|(name, value)| Series {
            name: (*name).to_owned(),
            unit: unit.to_owned(),
            points: steps.iter().filter_map(|step| Some([step.rate, value(step)?])).collect(),
            band: None,
        });
        let x = Axis { name: "rate".to_owned(), unit: "/s".to_owned() };
        let schema = SeriesSchema::default();
        Shown::series(label, SeriesEvidence { schema, x, series: series.collect(), limits })
    };
    let limits = |is_time: bool| {
        let wanted = capacity.holds.iter().filter(|one| match one.aggregate {
            Aggregate::Quantile(_) => is_time && one.metric == Metric::Latency,
            Aggregate::Rate => !is_time,
            _ => false,
        });
        let limit = |limit: f64| if is_time { limit / 1e3 } else { limit * 100.0 };
        wanted.map(|one| SeriesLimit { name: one.to_string(), value: limit(one.limit) }).collect()
    };
    let times: [(&str, Line); 3] = [
        ("median", |step| ms(step.p50)),
        ("95%", |step| ms(step.p95)),
        ("99%", |step| ms(step.p99)),
    ];
    let failures: [(&str, Line); 1] =
        [("failed", |step| Some(100.0 * step.failures as f64 / step.requests.max(1) as f64))];
    vec![
        chart("latency at each rate", "ms", &times, limits(true)),
        chart("failures at each rate", "%", &failures, limits(false)),
    ]
}

fn ms(microseconds: Option<u64>) -> Option<f64> {
    microseconds.map(|at| at as f64 / 1e3)
}
