//! What browsers have seen, as JSON.

use gate_core::Json;
use serde_json::json;

use super::{Load, Watched, quantile};
use crate::threshold::Metric;

/// Of a version; times are in milliseconds.
pub(crate) fn document(seen: &Watched, version: usize) -> Json {
    let loads = || seen.of(version);
    let failed = loads().filter(|load| load.failed.is_some()).count();
    let restless = loads().filter(|load| load.is_restless).count();
    let of = |metric: Metric| {
        let sorted = seen.sorted(version, metric);
        let (unit, digits) = if metric.is_time() { (1e3, 1e3) } else { (1.0, 1e4) };
        let at = |value: Option<f64>| value.map(|value| (value / unit * digits).round() / digits);
        json!({
            "p50": at(quantile(&sorted, 0.5)),
            "p75": at(quantile(&sorted, 0.75)),
            "max": at(sorted.last().copied()),
        })
    };
    let each = |time: fn(&Load) -> Option<u64>| {
        let times: Vec<u64> = loads().filter_map(time).collect();
        (!times.is_empty()).then(|| times.iter().sum::<u64>() / times.len() as u64 / 1000)
    };
    json!({
        "url": seen.pages.get(version),
        "browsers": seen.count,
        "samples": loads().count(),
        "failed": failed,
        "still_changing": restless,
        "lcp_ms": of(Metric::LargestPaint),
        "cls": of(Metric::LayoutShift),
        "fcp_ms": of(Metric::FirstPaint),
        "ttfb_ms": of(Metric::PageFirstByte),
        "processor_ms": each(|load| load.ran),
        "waited_ms": each(|load| load.waited),
        "trouble": seen.trouble.as_ref().map(|trouble| &trouble.why),
    })
}
