//! What is asked of data: one question for files and for warehouses.

use std::path::PathBuf;

use dataset::sql::{Kind as Column, Table};
use dataset::{Events, Exposures, Question, Source, Total, When, Zone};

use crate::seen::Counted;
use crate::settings::{CONVERSIONS, Data, EXPOSURES, Holds, MetricKind, MetricSpec, Settings};

/// A question, and what its parts mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked<P> {
    pub(crate) question: Question<P>,
    /// What the totals are.
    pub(crate) totals: Vec<Counted>,
}

/// Which totals belong to a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    /// What is counted.
    pub(crate) own: Counted,
    /// What a ratio is of.
    pub(crate) over: Option<Counted>,
    /// The same as `own` from before the exposure.
    pub(crate) before: Option<Counted>,
}

/// What is counted for a metric.
pub(crate) fn parts(spec: &Settings, metric: &MetricSpec) -> Parts {
    let table = metric.table(spec).to_owned();
    let own = Counted {
        table: table.clone(),
        event: metric.event.clone(),
        column: metric.column.clone(),
        before: false,
    };
    let over = metric.over.as_ref().filter(|_| metric.kind == MetricKind::Ratio);
    let over = over.map(|over| Counted {
        table: over.from.clone().unwrap_or(table),
        event: over.event.clone(),
        column: over.column.clone(),
        before: false,
    });
    let before = metric.reduce_variance.then(|| Counted { before: true, ..own.clone() });
    Parts { own, over, before }
}

/// Rows of a table, whatever happened in them.
pub(crate) fn rows(table: &str, before: bool) -> Counted {
    Counted { table: table.to_owned(), event: None, column: None, before }
}

/// Rows of an event of the conversions.
pub(crate) fn conversions(event: &str) -> Counted {
    let event = Some(event.to_owned());
    Counted { table: CONVERSIONS.to_owned(), event, column: None, before: false }
}

/// The columns that visitors are told apart by: segments, and arms of other experiments.
pub(crate) fn segments(spec: &Settings, data: &Data) -> Vec<String> {
    let others = spec.also_running.iter().filter_map(|other| other.column.clone());
    let mut all: Vec<String> = Vec::new();
    for column in data.exposures.segments.iter().cloned().chain(others) {
        if !all.contains(&column) {
            all.push(column);
        }
    }
    all
}

/// The question about files of a folder.
pub(crate) fn of_files(spec: &Settings, data: &Data, folder: &std::path::Path) -> Asked<PathBuf> {
    asked(spec, data, &|from, _| folder.join(from))
}

/// The question about tables of a warehouse.
pub(crate) fn of_tables(spec: &Settings, data: &Data) -> Asked<Table> {
    let is_file = data.warehouse.is_none();
    asked(spec, data, &|from, holds| {
        // A file that has become a table is called as the file without its folder and its format.
        let stem = std::path::Path::new(from).file_stem().and_then(|stem| stem.to_str());
        let from = stem.filter(|_| is_file).unwrap_or(from);
        let kind = |held: &Holds| match held {
            Holds::Wall => Column::Wall,
            Holds::Count => Column::Count,
            Holds::Truth => Column::Truth,
        };
        let kinds = holds.iter().map(|(column, held)| (column.clone(), kind(held))).collect();
        Table { kinds, ..Table::named(from) }
    })
}

type From<'f, P> = dyn Fn(&str, &std::collections::BTreeMap<String, Holds>) -> P + 'f;

fn asked<P>(spec: &Settings, data: &Data, from: &From<'_, P>) -> Asked<P> {
    let unit = |own: &Option<String>| own.clone().unwrap_or_else(|| spec.unit.clone());
    let exposures = &data.exposures;
    let tables = data.event_tables();
    let (totals, pairs) = wanted(spec, data);
    let source = |table: &str| {
        let at = tables.iter().position(|(name, _)| *name == table);
        at.map_or(Source::Exposures, Source::Events)
    };
    let total = |counted: &Counted| Total {
        source: source(&counted.table),
        event: counted.event.clone(),
        column: counted.column.clone(),
        when: if counted.before { When::Before } else { When::After },
    };
    let arm = |name: &&str| exposures.arms.get(*name).map_or(*name, String::as_str).to_owned();
    let question = Question {
        exposures: Exposures {
            from: from(&exposures.from, &exposures.holds),
            unit: unit(&exposures.unit),
            arm: exposures.arm.clone(),
            time: exposures.time.clone(),
            segments: segments(spec, data),
        },
        events: tables
            .iter()
            .map(|(_, table)| Events {
                from: from(&table.from, &table.holds),
                unit: unit(&table.unit),
                time: table.time.clone(),
                event: table.event.clone(),
            })
            .collect(),
        arms: spec.arms().iter().map(arm).collect(),
        totals: totals.iter().map(total).collect(),
        products: pairs,
        zone: Zone::named(&data.time_zone).unwrap_or_default(),
    };
    Asked { question, totals }
}

/// The same exposures with persons as units.
pub(crate) fn of_persons<P: Clone>(asked: &Asked<P>, person: &str) -> Question<P> {
    let own = &asked.question;
    let exposures =
        Exposures { unit: person.to_owned(), segments: Vec::new(), ..own.exposures.clone() };
    Question {
        exposures,
        events: Vec::new(),
        totals: Vec::new(),
        products: Vec::new(),
        ..own.clone()
    }
}

/// All that is counted, each once, and whose products are.
fn wanted(spec: &Settings, data: &Data) -> (Vec<Counted>, Vec<(usize, usize)>) {
    let mut totals: Vec<Counted> = vec![rows(EXPOSURES, false)];
    let mut place = |counted: Counted| {
        totals.iter().position(|one| *one == counted).unwrap_or_else(|| {
            totals.push(counted);
            totals.len() - 1
        })
    };
    for (name, table) in data.event_tables() {
        place(rows(name, false));
        if table.time.is_some() && data.exposures.time.is_some() {
            place(rows(name, true));
        }
    }
    if data.has_events(CONVERSIONS) {
        let records = spec.before_launch.as_ref().and_then(|before| before.records.as_ref());
        let converts = records.and_then(|records| records.conversion.as_ref());
        let events = converts.map(|one| &one.event).into_iter().chain(&data.heartbeat);
        events.for_each(|event| {
            place(conversions(event));
        });
    }
    let mut pairs = Vec::new();
    for metric in spec.metrics.values() {
        let Parts { own, over, before } = parts(spec, metric);
        let own = place(own);
        for other in [over, before].into_iter().flatten() {
            let pair = (own, place(other));
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    (totals, pairs)
}
