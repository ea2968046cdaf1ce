//! What an experiment is for, and how its numbers are judged.

use std::fmt;
use std::str::FromStr;

use gate_core::values::{DurationValue, Percent};
use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stats::looks::Spending;

use super::{MetricKind, Settings, Wrong};
use crate::values::{self, Share};

/// When an experiment is a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// The metric that has to become better.
    pub metric: String,
    /// The smallest change that matters, as a part of the control's value: `5%` of 4% is 0.2 points.
    pub detect: Percent,
    /// How long it may run, such as `14 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<DurationValue>,
    /// What the metric is today, such as `4.1%` or `12.5`. How many visitors are needed follows from it
    /// before there are data; afterwards the control has to be near to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Level>,
    /// How many visitors are planned, all arms together; as many as `detect` needs unless something
    /// else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitors: Option<f64>,
}

impl Success {
    pub(super) fn problems(&self, spec: &Settings, wrong: &mut Wrong<'_>) {
        if self.detect.fraction() <= 0.0 {
            let hint = "say which change matters, such as 5%";
            wrong(&["success", "detect"], "any change at all takes for ever to be seen", hint);
        }
        if self.within.is_some_and(|within| within.0.as_secs() < 86_400) {
            let hint = "give it whole weeks: people do other things at weekends";
            wrong(&["success", "within"], "an experiment takes a day or more", hint);
        }
        if self.visitors.is_some_and(|visitors| visitors.is_nan() || visitors < 2.0) {
            let hint = "give it 2 or more, or leave it out";
            wrong(&["success", "visitors"], "so few visitors show nothing", hint);
        }
        let metric = spec.metrics.get(&self.metric);
        let Some(baseline) = self.baseline else { return };
        let is_share = metric.is_some_and(|metric| metric.kind == MetricKind::Proportion);
        if is_share && !(baseline.0 > 0.0 && baseline.0 < 1.0) {
            let hint = "write it like 4.1%";
            wrong(&["success", "baseline"], "a share lies between 0% and 100%", hint);
        } else if baseline.0 == 0.0 {
            let hint = "leave it out";
            wrong(&["success", "baseline"], "nothing is a part of nothing", hint);
        }
    }
}

/// The value of a metric: a number, or a share such as `4.1%`, which is held as 0.041.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level(pub f64);

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Level, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Level;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a share such as `4.1%`")
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Level, E> {
                if number.is_finite() { Ok(Level(number)) } else { Err(E::custom("no number")) }
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Level, E> {
                Ok(Level(number as f64))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Level, E> {
                Ok(Level(number as f64))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Level, E> {
                text.parse().map(|Share(share)| Level(share)).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Level {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Level".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["number", "string"],
            "description": "a number, or a share such as `4.1%`"
        })
    }
}

/// How the numbers are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// How often may be looked at it.
    #[serde(default)]
    pub method: Method,
    /// How often an effect may be seen where there is none.
    #[serde(default = "default::alpha")]
    pub alpha: Percent,
    /// How often a change of `detect` is to be seen where there is one.
    #[serde(default = "default::power")]
    pub power: Percent,
    /// With `group-sequential`: how many looks were settled before, at equal numbers of visitors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
    /// With `group-sequential`: how the error is spent, `obrien-fleming`, `pocock` or `power:R`.
    #[serde(default)]
    pub spending: Spends,
    /// A split, or anything else that is held against pure chance to find a defect, counts as wrong
    /// when chance alone does it less often than this.
    #[serde(default = "default::alarm")]
    pub alarm: Percent,
    /// How many visitors may have seen several arms.
    #[serde(default = "default::several_arms")]
    pub several_arms: Percent,
    /// Whether nothing is decided before a whole week is over.
    #[serde(default = "default::yes")]
    pub whole_weeks: bool,
}

/// How often it may be looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// As often as one likes, in every run of a pipeline: confidence sequences.
    #[default]
    AlwaysValid,
    /// Once, when all that was planned is there.
    Fixed,
    /// At looks that were settled before.
    GroupSequential,
    /// What is to be believed, with no opinion before.
    Bayesian,
}

/// How an error is spent over looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spends(pub Spending);

impl Default for Spends {
    fn default() -> Spends {
        Spends(Spending::ObrienFleming)
    }
}

impl FromStr for Spends {
    type Err = String;

    fn from_str(text: &str) -> Result<Spends, String> {
        text.parse().map(|values::Spends(spending)| Spends(spending))
    }
}

impl fmt::Display for Spends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Spending::ObrienFleming => f.write_str("obrien-fleming"),
            Spending::Pocock => f.write_str("pocock"),
            Spending::Power(power) => write!(f, "power:{power}"),
        }
    }
}

impl Serialize for Spends {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Spends {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Spends, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Spends;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`obrien-fleming`, `pocock` or `power:R`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Spends, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Spends {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Spends".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^(obrien-fleming|pocock|power:[0-9.]+)$|\$\{",
            "description": "`obrien-fleming`, `pocock` or `power:R`"
        })
    }
}

mod default {
    use super::Percent;

    fn share(fraction: f64) -> Percent {
        Percent::from_fraction(fraction).expect("the defaults are shares")
    }
    pub(super) fn alpha() -> Percent {
        share(0.05)
    }
    pub(super) fn power() -> Percent {
        share(0.8)
    }
    pub(super) fn alarm() -> Percent {
        share(0.001)
    }
    pub(super) fn several_arms() -> Percent {
        share(0.01)
    }
    pub(super) fn yes() -> bool {
        true
    }
}

impl Default for Analysis {
    fn default() -> Analysis {
        Analysis {
            method: Method::default(),
            alpha: default::alpha(),
            power: default::power(),
            looks: None,
            spending: Spends::default(),
            alarm: default::alarm(),
            several_arms: default::several_arms(),
            whole_weeks: true,
        }
    }
}

impl Analysis {
    pub(super) fn is_default(&self) -> bool {
        *self == Analysis::default()
    }

    pub(super) fn problems(&self, wrong: &mut Wrong<'_>) {
        for (name, share, most) in
            [("alpha", self.alpha, 0.5), ("power", self.power, 1.0), ("alarm", self.alarm, 0.05)]
        {
            if share.fraction() <= 0.0 || share.fraction() >= most {
                let hint = format!("give it a share above 0% and below {}%", most * 100.0);
                wrong(&["analysis", name], "this is out of what makes sense", &hint);
            }
        }
        if self.power <= self.alpha {
            let hint = "leave it out: it is 80%";
            wrong(&["analysis", "power"], "no better than seeing what is not there", hint);
        }
        let is_grouped = self.method == Method::GroupSequential;
        if is_grouped && self.looks.is_none() {
            let hint = "such as looks: 4";
            wrong(&["analysis"], "the looks have to be settled before", hint);
        }
        if self.looks.is_some() && !is_grouped {
            let hint = "write method: group-sequential, or leave looks out";
            wrong(&["analysis", "looks"], "with this method nobody counts looks", hint);
        }
        if self.looks.is_some_and(|looks| !(1..=1000).contains(&looks)) {
            wrong(&["analysis", "looks"], "there are 1 to 1000 looks", "such as looks: 4");
        }
    }
}
