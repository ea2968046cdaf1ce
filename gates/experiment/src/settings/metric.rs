//! What is measured of each visitor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Settings, Wrong, names};

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricSpec {
    /// How it is counted.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// Only rows of this event count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The column that is added up; without it rows are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// For a ratio, what it is of: `{ event: page_view }` for rows of that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// The table: `conversions`, or one of `data.events`, or `exposures`. It is `conversions` where
    /// there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Which direction is the good one.
    #[serde(default)]
    pub better: Better,
    /// What it is called in a report, such as `Sign-ups`; its name unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The unit of its values, such as `€` or `ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Takes out what visitors did before they were exposed (CUPED), so that less time is needed. The
    /// same events from before have to be in the data. For a mean.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reduce_variance: bool,
}

/// How a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// The share of visitors who did it at all.
    Proportion,
    /// What it comes to for each visitor on average; nothing for those who did not.
    Mean,
    /// One sum over another, both of the same visitors: milliseconds for each page view.
    Ratio,
}

/// Which direction is the good one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// More of it.
    #[default]
    Higher,
    /// Less of it.
    Lower,
}

/// What a ratio is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// Only rows of this event count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The column that is added up; without it rows are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The table; that of the metric unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl MetricSpec {
    /// The same without what only judges and shows.
    pub(super) fn measured(&self) -> MetricSpec {
        MetricSpec { better: Better::default(), title: None, unit: None, ..self.clone() }
    }

    /// The table that it is of.
    pub fn table<'s>(&'s self, spec: &'s Settings) -> &'s str {
        let usual = || spec.data.as_ref().map_or("conversions", |data| data.usual_table());
        self.from.as_deref().unwrap_or_else(usual)
    }

    pub(super) fn problems(&self, name: &str, spec: &Settings, wrong: &mut Wrong<'_>) {
        if !names::is_good(name) {
            wrong(&["metrics", name], "this is no name of a metric", names::HINT);
        }
        let is_ratio = self.kind == MetricKind::Ratio;
        if is_ratio != self.over.is_some() {
            if is_ratio {
                let hint = "such as over: { event: page_view }";
                wrong(&["metrics", name], "a ratio is of something", hint);
            } else {
                let hint = "leave over out, or write type: ratio";
                wrong(&["metrics", name, "over"], "only a ratio is of something", hint);
            }
        }
        if self.kind == MetricKind::Proportion && self.column.is_some() {
            let hint = "leave column out, or write type: mean";
            wrong(&["metrics", name, "column"], "a share of visitors adds nothing up", hint);
        }
        if self.reduce_variance && self.kind != MetricKind::Mean {
            let hint = "leave it out";
            wrong(&["metrics", name, "reduce_variance"], "this is done for means alone", hint);
        }
        let Some(data) = &spec.data else { return };
        table_problems(name, &["from"], self.from.as_deref(), spec, wrong);
        let table = self.table(spec);
        if self.reduce_variance && table == "exposures" {
            let hint = "count it in another table, or leave reduce_variance out";
            let message = "nothing is exposed before it is exposed";
            wrong(&["metrics", name, "reduce_variance"], message, hint);
        }
        let has_time = |time: Option<&String>| time.is_some();
        let times = [
            has_time(data.exposures.time.as_ref()),
            data.event_tables()
                .iter()
                .any(|(name, one)| *name == table && has_time(one.time.as_ref())),
        ];
        if self.reduce_variance && table != "exposures" && times.contains(&false) {
            let hint = "name the columns of times (time: ...), or leave reduce_variance out";
            let message = "nothing says what was before the exposure";
            wrong(&["metrics", name, "reduce_variance"], message, hint);
        }
        let events = [
            (&["event"][..], self.event.is_some(), table),
            (
                &["over", "event"][..],
                self.over.as_ref().is_some_and(|over| over.event.is_some()),
                self.over.as_ref().and_then(|over| over.from.as_deref()).unwrap_or(table),
            ),
        ];
        for (path, named, table) in events {
            if named && !data.has_events(table) {
                let mut full = vec!["metrics", name];
                full.extend(path);
                let hint = "leave it out, or name the column that says what was done";
                wrong(&full, &format!("no column of {table} says what was done"), hint);
            }
        }
        if let Some(over) = &self.over {
            table_problems(name, &["over", "from"], over.from.as_deref(), spec, wrong);
            let is_same = over.event == self.event
                && over.column == self.column
                && over.from.as_deref().unwrap_or(table) == table;
            if is_same {
                let hint = "such as column: load_ms with over: { event: page_view }";
                wrong(&["metrics", name, "over"], "this is the same over itself", hint);
            }
        }
    }
}

/// Whether there is such a table.
fn table_problems(
    name: &str,
    path: &[&str],
    from: Option<&str>,
    spec: &Settings,
    wrong: &mut Wrong<'_>,
) {
    let Some(data) = &spec.data else { return };
    let known = data.tables();
    let Some(from) = from.filter(|from| !known.iter().any(|one| one == from)) else { return };
    let mut full = vec!["metrics", name];
    full.extend(path);
    let hint = names::suggest(from, known.iter());
    wrong(&full, &format!("there is no table `{from}`"), &hint);
}
