//! The right side of a threshold: durations, shares, numbers and sizes.

use super::{Aggregate, Metric};

/// What the unit of a limit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Microseconds; without a unit milliseconds are meant, as in k6.
    Time,
    Share,
    /// A score such as `0.1`.
    Score,
    Number,
    PerSecond,
    Bytes,
    BytesPerSecond,
}

impl Unit {
    fn of(metric: Metric, aggregate: Aggregate) -> Unit {
        match (metric, aggregate) {
            (Metric::Failures | Metric::Hits, Aggregate::Rate) => Unit::Share,
            (Metric::Bytes, Aggregate::Rate) => Unit::BytesPerSecond,
            (Metric::Bytes, _) => Unit::Bytes,
            (_, Aggregate::Rate) => Unit::PerSecond,
            (_, Aggregate::Count) => Unit::Number,
            (Metric::LayoutShift, _) => Unit::Score,
            _ => Unit::Time,
        }
    }

    /// How much a word after a number is worth.
    fn factor(self, word: &str) -> Option<f64> {
        let size = |word: &str| {
            Some(match word {
                "" | "B" => 1.0,
                "kB" => 1e3,
                "MB" => 1e6,
                "GB" => 1e9,
                "KiB" => 1024.0,
                "MiB" => 1024.0 * 1024.0,
                "GiB" => 1024.0 * 1024.0 * 1024.0,
                _ => return None,
            })
        };
        match self {
            Unit::Time => Some(match word {
                "us" | "µs" => 1.0,
                "" | "ms" => 1e3,
                "s" => 1e6,
                "m" => 6e7,
                _ => return None,
            }),
            Unit::Share => Some(match word {
                "" => 1.0,
                "%" => 0.01,
                _ => return None,
            }),
            Unit::Number | Unit::Score => word.is_empty().then_some(1.0),
            Unit::PerSecond => matches!(word, "" | "/s").then_some(1.0),
            Unit::Bytes => size(word),
            Unit::BytesPerSecond => size(word.strip_suffix("/s").unwrap_or(word)),
        }
    }

    fn examples(self) -> &'static str {
        match self {
            Unit::Time => "`500ms`, `1.5s` or `800us`",
            Unit::Share => "`1%` or `0.01`",
            Unit::Number => "`1000`",
            Unit::Score => "`0.1`",
            Unit::PerSecond => "`100/s`",
            Unit::Bytes => "`10MB`",
            Unit::BytesPerSecond => "`10MB/s`",
        }
    }
}

pub(super) fn limit(text: &str, metric: Metric, aggregate: Aggregate) -> Result<f64, String> {
    let unit = Unit::of(metric, aggregate);
    let wrong =
        || format!("`{text}` is no limit for {}: write it like {}", metric.name(), unit.examples());
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_');
    let (number, word) = text.split_at(end.unwrap_or(text.len()));
    let number: f64 = number.replace('_', "").parse().map_err(|_| wrong())?;
    let limit = number * unit.factor(word.trim()).ok_or_else(wrong)?;
    if unit == Unit::Share && limit > 1.0 {
        return Err(format!("`{text}` is more than all: a share lies between 0 and 100%"));
    }
    Ok(limit)
}

pub(super) fn shown(value: f64, metric: Metric, aggregate: Aggregate) -> String {
    match Unit::of(metric, aggregate) {
        Unit::Time => crate::words::time(value),
        Unit::Share => format!("{}%", plain(value * 100.0)),
        Unit::Number | Unit::Score => plain(value),
        Unit::PerSecond => format!("{}/s", plain(value)),
        Unit::Bytes => size(value),
        Unit::BytesPerSecond => format!("{}/s", size(value)),
    }
}

fn size(bytes: f64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let fits = units.into_iter().find(|(unit, _)| bytes >= *unit);
    fits.map_or_else(
        || format!("{}B", plain(bytes)),
        |(unit, name)| format!("{}{name}", plain(bytes / unit)),
    )
}

/// A number without zeros that say nothing; four digits of what is not whole.
pub(super) fn plain(value: f64) -> String {
    if value.fract().abs() < 1e-9 {
        return format!("{value:.0}");
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// A number as it was written: the shortest that reads as the same, to the billionth.
pub(super) fn exact(value: f64) -> String {
    format!("{}", (value * 1e9).round() / 1e9)
}

/// A limit as it can be read again.
pub(super) fn written(limit: f64, metric: Metric, aggregate: Aggregate) -> String {
    match Unit::of(metric, aggregate) {
        Unit::Time if limit >= 1e6 => format!("{}s", exact(limit / 1e6)),
        Unit::Time if limit >= 1e3 => format!("{}ms", exact(limit / 1e3)),
        Unit::Time => format!("{}us", exact(limit)),
        Unit::Share => format!("{}%", exact(limit * 100.0)),
        Unit::Number | Unit::Score => exact(limit),
        Unit::PerSecond => format!("{}/s", exact(limit)),
        Unit::Bytes => written_size(limit),
        Unit::BytesPerSecond => format!("{}/s", written_size(limit)),
    }
}

fn written_size(bytes: f64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let fits = units.into_iter().find(|(unit, _)| bytes >= *unit);
    fits.map_or_else(
        || format!("{}B", exact(bytes)),
        |(unit, name)| format!("{}{name}", exact(bytes / unit)),
    )
}
