//! Which columns of a table a question uses, and as what.

use super::render::Sql;
use super::{Dialect, Table};
use crate::error::Error;
use crate::question::{Question, Source};

/// Columns of a table that are added up, each once.
pub(super) fn values(question: &Question<Table>, source: Source) -> Vec<&str> {
    let mut all = Vec::new();
    for total in question.totals.iter().filter(|total| total.source == source) {
        if let Some(column) = total.column.as_deref().filter(|column| !all.contains(column)) {
            all.push(column);
        }
    }
    all
}

/// What a column is used as, to ask a server what it holds: times, values, or any.
pub(super) fn uses(question: &Question<Table>, source: Source) -> Vec<(&str, Use)> {
    let Question { exposures, events, .. } = question;
    let (unit, time) = match source {
        Source::Exposures => (&exposures.unit, &exposures.time),
        Source::Events(at) => (&events[at].unit, &events[at].time),
    };
    let mut all = vec![(unit.as_str(), Use::Text)];
    all.extend(time.iter().map(|time| (time.as_str(), Use::Time)));
    match source {
        Source::Exposures => {
            all.push((&exposures.arm, Use::Text));
            all.extend(exposures.segments.iter().map(|one| (one.as_str(), Use::Text)));
        }
        Source::Events(at) => {
            all.extend(events[at].event.iter().map(|one| (one.as_str(), Use::Text)));
        }
    }
    all.extend(values(question, source).into_iter().map(|one| (one, Use::Value)));
    all
}

/// What a column is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Text,
    Time,
    Value,
}

/// `select` of these columns that no row comes of.
pub(super) fn columns(
    question: &Question<Table>,
    source: Source,
    dialect: Dialect,
) -> Result<String, Error> {
    let sql = Sql::new(question, dialect)?;
    let all: Vec<String> =
        uses(question, source).iter().map(|(name, _)| sql.column(name)).collect();
    Ok(format!("select {} from {} limit 0", all.join(", "), sql.from(source)))
}
