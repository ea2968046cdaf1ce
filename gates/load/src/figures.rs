//! What all seconds come to.

use std::io::BufRead;

use gate_core::Error;
use load::{Histogram, Tally};
use stats::share::Block;

use crate::seconds::{self, Slice};
use crate::threshold::Metric;

/// A second in a few numbers, for charts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) bytes: u64,
    /// In microseconds; none when nothing was answered.
    pub(crate) p50: Option<u64>,
    pub(crate) p95: Option<u64>,
    pub(crate) p99: Option<u64>,
    /// The 99th percentile of the generator's lateness, in microseconds.
    pub(crate) lag: Option<u64>,
    /// Answers that say whether they come from a cache, and those that do.
    pub(crate) told: u64,
    pub(crate) hits: u64,
}

/// All that was counted.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) all: Tally,
    pub(crate) rows: Vec<Row>,
}

impl Figures {
    /// Of the first so many seconds of a slice.
    pub(crate) fn read(from: impl BufRead, slice: Slice, seconds: u64) -> Result<Figures, Error> {
        let mut figures = Figures::default();
        for tally in slice.read(from).take(seconds as usize) {
            let tally = tally?;
            figures.rows.push(Row {
                requests: tally.requests,
                failures: tally.failures(),
                bytes: tally.bytes,
                p50: tally.latency.quantile(0.5),
                p95: tally.latency.quantile(0.95),
                p99: tally.latency.quantile(0.99),
                lag: tally.lag.quantile(0.99),
                told: tally.cache_told,
                hits: tally.cache_hits,
            });
            figures.all.merge(&tally);
        }
        Ok(figures)
    }
}

/// The durations of a metric; latency may be without the lateness of the generator.
pub(crate) fn durations(tally: &Tally, metric: Metric, is_unlagged: bool) -> &Histogram {
    match metric {
        Metric::Service => &tally.service,
        Metric::FirstByte => &tally.first_byte,
        Metric::Connect => &tally.connect,
        _ if is_unlagged => &tally.unlagged,
        _ => &tally.latency,
    }
}

/// What is counted in each second: how many values of a metric are over a limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Over {
    pub(crate) metric: Metric,
    pub(crate) is_unlagged: bool,
    /// In microseconds.
    pub(crate) limit: u64,
    /// Whether the limit itself is over it.
    pub(crate) is_strict: bool,
}

/// For each of these the blocks, one a second.
pub(crate) fn blocks(
    from: impl BufRead,
    slice: Slice,
    wanted: &[Over],
) -> Result<Vec<Vec<Block>>, Error> {
    let mut all = vec![Vec::new(); wanted.len()];
    for tally in slice.read(from) {
        let tally = tally?;
        for (blocks, over) in all.iter_mut().zip(wanted) {
            let histogram = durations(&tally, over.metric, over.is_unlagged);
            let events = if over.is_strict {
                histogram.at_least(over.limit)
            } else {
                histogram.over(over.limit)
            };
            blocks.push(Block { samples: histogram.count(), events });
        }
    }
    Ok(all)
}

/// The latencies of each second, as values in microseconds with their numbers.
pub(crate) fn latencies(from: impl BufRead, count: u64) -> Result<Vec<Vec<(u64, u64)>>, Error> {
    let seconds = seconds::read(from).take(count as usize);
    seconds.map(|tally| Ok(tally?.latency.buckets().collect())).collect()
}
