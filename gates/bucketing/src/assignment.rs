//! What an experiment answers for a subject.

use std::fmt;

use serde_json::Value;

/// A bucket in the service's own numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bucket {
    /// Counted: Unleash's 1 to N, Optimizely's 0 to 9999.
    Whole(u64),
    /// Measured: GrowthBook's 0 <= n < 1, Flagsmith's per cent.
    Share(f64),
}

impl Bucket {
    /// As a double.
    pub fn number(self) -> f64 {
        match self {
            Bucket::Whole(number) => number as f64,
            Bucket::Share(share) => share,
        }
    }
}

/// Why a subject is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its bucket decided.
    Bucket,
    /// It was there before, and assignments are kept.
    Stored,
    /// It is named, or the visitor asked for it.
    Forced,
    /// A rule that looks at no bucket took it.
    Rule,
    /// No rule took it.
    Default,
    /// It has no value for the attribute that is hashed.
    NoUnit,
    /// The experiment leaves it out; by what.
    Out(&'static str),
    /// The service draws lots, or asks something that is not known here; what.
    Unpredictable(&'static str),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Bucket => f.write_str("its bucket decides"),
            Why::Stored => f.write_str("an earlier assignment is kept"),
            Why::Forced => f.write_str("it is forced"),
            Why::Rule => f.write_str("a rule without a bucket takes it"),
            Why::Default => f.write_str("no rule takes it"),
            Why::NoUnit => f.write_str("it has no value for what is hashed"),
            Why::Out(by) => write!(f, "it is left out: {by}"),
            Why::Unpredictable(what) => write!(f, "it cannot be predicted: {what}"),
        }
    }
}

/// Where a subject is put.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment<'p> {
    /// Its bucket, when one was computed last on the way to the answer.
    pub bucket: Option<Bucket>,
    /// Its arm; none when it is in none.
    pub arm: Option<&'p str>,
    /// What the flag or experiment gives it, when the service has values.
    pub value: Option<&'p Value>,
    /// Why.
    pub why: Why,
}

impl<'p> Assignment<'p> {
    /// In no arm.
    pub fn none(why: Why) -> Assignment<'p> {
        Assignment { bucket: None, arm: None, value: None, why }
    }

    /// In an arm.
    pub fn arm(arm: &'p str, why: Why) -> Assignment<'p> {
        Assignment { bucket: None, arm: Some(arm), value: None, why }
    }

    /// With the bucket.
    pub fn bucket(self, bucket: Bucket) -> Assignment<'p> {
        Assignment { bucket: Some(bucket), ..self }
    }

    /// With the value.
    pub fn value(self, value: Option<&'p Value>) -> Assignment<'p> {
        Assignment { value, ..self }
    }
}

/// An arm of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// The service's name or key for it.
    pub name: String,
    /// Its share of those who are in the experiment by their bucket, 0 to 1; none when the
    /// configuration does not say it in one place.
    pub share: Option<f64>,
}

impl Arm {
    /// Arms with weights of any sum; no shares when the sum is not positive.
    pub fn weighted<N: Into<String>>(weights: impl IntoIterator<Item = (N, f64)>) -> Vec<Arm> {
        let weights: Vec<(String, f64)> =
            weights.into_iter().map(|(name, weight)| (name.into(), weight)).collect();
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let share = |weight: f64| (sum > 0.0).then(|| weight / sum);
        weights.into_iter().map(|(name, weight)| Arm { name, share: share(weight) }).collect()
    }
}
