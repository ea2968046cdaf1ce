//! Thresholds in k6's words: `p(95)<500ms`, `rate<0.1%`, `service p(99)<200ms`.

mod scalar;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// From the intended instant to the last byte, the wait for a connection included.
    Latency,
    /// From the instant when a request was sent to the last byte.
    Service,
    /// From the instant when a request was sent to the first byte.
    FirstByte,
    /// What making a connection took.
    Connect,
    /// Requests without a good answer.
    Failures,
    /// All requests.
    Requests,
    /// Bytes that came.
    Bytes,
    /// Answers from a cache, of those that say whether they are.
    Hits,
    /// Largest contentful paint of the page in a browser.
    LargestPaint,
    /// Cumulative layout shift of the page in a browser.
    LayoutShift,
    /// First contentful paint of the page in a browser.
    FirstPaint,
    /// From when a browser asked for the page to its first byte.
    PageFirstByte,
}

impl Metric {
    const ALL: [(Metric, &'static str, &'static str); 12] = [
        (Metric::Latency, "latency", "http_req_duration"),
        (Metric::Service, "service", ""),
        (Metric::FirstByte, "first_byte", "http_req_waiting"),
        (Metric::Connect, "connect", "http_req_connecting"),
        (Metric::Failures, "failures", "http_req_failed"),
        (Metric::Requests, "requests", "http_reqs"),
        (Metric::Bytes, "bytes", "data_received"),
        (Metric::Hits, "cache_hits", ""),
        (Metric::LargestPaint, "lcp", "browser_web_vital_lcp"),
        (Metric::LayoutShift, "cls", "browser_web_vital_cls"),
        (Metric::FirstPaint, "fcp", "browser_web_vital_fcp"),
        (Metric::PageFirstByte, "ttfb", "browser_web_vital_ttfb"),
    ];

    /// Its name in a spec.
    pub fn name(self) -> &'static str {
        Metric::ALL[self as usize].1
    }

    /// By our name, or by k6's.
    fn of(word: &str) -> Option<Metric> {
        let mut all = Metric::ALL.iter();
        all.find(|(_, ours, theirs)| word == *ours || (word == *theirs && !word.is_empty()))
            .map(|(metric, ..)| *metric)
    }

    /// Whether its rate is a share of all, and not so many a second.
    pub fn is_of_all(self) -> bool {
        matches!(self, Metric::Failures | Metric::Hits)
    }

    /// Whether its values are durations.
    pub fn is_time(self) -> bool {
        matches!(
            self,
            Metric::Latency
                | Metric::Service
                | Metric::FirstByte
                | Metric::Connect
                | Metric::LargestPaint
                | Metric::FirstPaint
                | Metric::PageFirstByte
        )
    }

    /// Whether each sample has a value of it, and not all of them together a number.
    pub fn is_of_each(self) -> bool {
        self.is_time() || self == Metric::LayoutShift
    }

    /// Whether browsers measure it.
    pub fn is_of_browser(self) -> bool {
        matches!(
            self,
            Metric::LargestPaint | Metric::LayoutShift | Metric::FirstPaint | Metric::PageFirstByte
        )
    }
}

/// What of all values is held against the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// The value that this share (0 to 1) does not exceed: `p(95)` is 0.95.
    Quantile(f64),
    /// The mean.
    Average,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The share of failures or cache hits; of the others, how many a second.
    Rate,
    /// How many.
    Count,
}

/// On which side of the limit it has to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Operator {
    const ALL: [(Operator, &'static str); 4] = [
        // The longer ones first, as they are looked for in this order.
        (Operator::AtMost, "<="),
        (Operator::AtLeast, ">="),
        (Operator::Below, "<"),
        (Operator::Above, ">"),
    ];

    /// Whether a value keeps it.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Operator::Below => value < limit,
            Operator::AtMost => value <= limit,
            Operator::Above => value > limit,
            Operator::AtLeast => value >= limit,
        }
    }

    /// Whether the limit itself is on the wrong side.
    pub fn is_strict(self) -> bool {
        matches!(self, Operator::Below | Operator::AtLeast)
    }

    /// Whether small values are the good ones.
    pub fn wants_less(self) -> bool {
        matches!(self, Operator::Below | Operator::AtMost)
    }

    fn sign(self) -> &'static str {
        Operator::ALL.iter().find(|(other, _)| *other == self).map_or("", |(_, sign)| sign)
    }
}

/// A limit that has to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Threshold {
    /// Of what.
    pub metric: Metric,
    /// Of all its values.
    pub aggregate: Aggregate,
    /// On which side.
    pub operator: Operator,
    /// Microseconds, a share, or a number, as the metric has it.
    pub limit: f64,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let text = text.trim();
        let (sign_at, operator, sign) = Operator::ALL
            .iter()
            .filter_map(|(operator, sign)| Some((text.find(sign)?, *operator, *sign)))
            .min_by_key(|(at, _, sign)| (*at, usize::MAX - sign.len()))
            .ok_or_else(|| format!("`{text}` compares nothing: write it like `p(95)<500ms`"))?;
        let (left, right) = (text[..sign_at].trim(), text[sign_at + sign.len()..].trim());
        let (metric, word) = match left.split_once(|c: char| c.is_whitespace() || c == ':') {
            Some((name, word)) => {
                let metric = Metric::of(name.trim()).ok_or_else(|| unknown_metric(name))?;
                (Some(metric), word.trim_start_matches([':', ' ']).trim())
            }
            None => (None, left),
        };
        let aggregate = aggregate(word)?;
        let metric = metric.unwrap_or(match aggregate {
            Aggregate::Rate => Metric::Failures,
            Aggregate::Count => Metric::Requests,
            _ => Metric::Latency,
        });
        let suits = match aggregate {
            Aggregate::Rate | Aggregate::Count => !metric.is_of_each(),
            _ => metric.is_of_each(),
        };
        if !suits {
            let (good, of) = match metric {
                Metric::LayoutShift => ("p(N), avg, med, min and max", "scores"),
                _ if metric.is_time() => ("p(N), avg, med, min and max", "durations"),
                _ => ("rate and count", "numbers"),
            };
            return Err(format!("`{}` has {of}: use {good} with it", metric.name()));
        }
        let limit = scalar::limit(right, metric, aggregate)?;
        let threshold = Threshold { metric, aggregate, operator, limit };
        threshold.can_be_kept()?;
        Ok(threshold)
    }
}

fn unknown_metric(name: &str) -> String {
    let names: Vec<&str> = Metric::ALL.iter().map(|(_, name, _)| *name).collect();
    let hint = gate_core::spec::did_you_mean(name, names.iter().copied());
    let hint = hint.unwrap_or_else(|| format!("there are {}", names.join(", ")));
    format!("`{name}` is not measured; {hint}")
}

fn aggregate(word: &str) -> Result<Aggregate, String> {
    let wrong =
        || format!("`{word}` is no aggregate: there are p(N), avg, med, min, max, rate and count");
    Ok(match word {
        "avg" => Aggregate::Average,
        "med" => Aggregate::Quantile(0.5),
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "rate" => Aggregate::Rate,
        "count" => Aggregate::Count,
        _ => {
            let inner = word.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
            let percent: f64 = inner.ok_or_else(wrong)?.trim().parse().map_err(|_| wrong())?;
            if !(percent > 0.0 && percent < 100.0) {
                return Err(format!(
                    "`{word}`: a percentile lies between 0 and 100; use min or max"
                ));
            }
            Aggregate::Quantile(percent / 100.0)
        }
    })
}

impl Threshold {
    /// A share below nothing, or above all, can never be.
    fn can_be_kept(&self) -> Result<(), String> {
        let is_share = self.metric.is_of_all() && self.aggregate == Aggregate::Rate;
        let never = match self.operator {
            Operator::Below => self.limit <= 0.0,
            Operator::AtMost => self.limit < 0.0,
            Operator::Above => is_share && self.limit >= 1.0,
            Operator::AtLeast => is_share && self.limit > 1.0,
        };
        if never { Err(format!("`{self}` can never be kept")) } else { Ok(()) }
    }

    /// A value in the unit that JSON has: milliseconds, shares and numbers.
    pub fn in_its_unit(&self, value: f64) -> f64 {
        if self.metric.is_time() { value / 1e3 } else { value }
    }

    /// A value of it in words.
    pub fn value(&self, value: f64) -> String {
        scalar::shown(value, self.metric, self.aggregate)
    }

    /// Its left side: `p(95)`, `service p(95)`.
    pub fn name(&self) -> String {
        let aggregate = match self.aggregate {
            Aggregate::Quantile(q) if (q - 0.5).abs() < 1e-12 => "med".to_owned(),
            Aggregate::Quantile(q) => format!("p({})", scalar::exact(q * 100.0)),
            Aggregate::Average => "avg".to_owned(),
            Aggregate::Min => "min".to_owned(),
            Aggregate::Max => "max".to_owned(),
            Aggregate::Rate => "rate".to_owned(),
            Aggregate::Count => "count".to_owned(),
        };
        let is_usual = match self.aggregate {
            Aggregate::Rate => self.metric == Metric::Failures,
            Aggregate::Count => self.metric == Metric::Requests,
            _ => self.metric == Metric::Latency,
        };
        if is_usual { aggregate } else { format!("{} {aggregate}", self.metric.name()) }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = scalar::written(self.limit, self.metric, self.aggregate);
        write!(f, "{}{}{limit}", self.name(), self.operator.sign())
    }
}

impl TryFrom<String> for Threshold {
    type Error = String;

    fn try_from(text: String) -> Result<Threshold, String> {
        text.parse()
    }
}

impl From<Threshold> for String {
    fn from(threshold: Threshold) -> String {
        threshold.to_string()
    }
}

impl schemars::JsonSchema for Threshold {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "[<>]|\\$\\{",
            "description": "a threshold such as `p(95)<500ms`, `rate<0.1%` or `service p(99)<200ms`"
        })
    }
}
