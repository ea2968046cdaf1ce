//! How a server is asked, whichever it is: what its columns hold, what is wrong with the rows, what
//! totals are on the average, and then for the sums.

use super::known::Known;
use super::render::{look, means, sums_of};
use super::rows::{Row, collected, otherwise};
use super::uses::{Use, columns, uses, values};
use super::{Dialect, Kind, Table};
use crate::answer::{Answer, Left};
use crate::error::Error;
use crate::fold::short;
use crate::question::{Question, Source};

/// A server that answers queries.
pub(super) trait Server {
    /// Its SQL.
    const DIALECT: Dialect;

    /// What a column of this type holds, for this use; none when it cannot be used so. Types are
    /// called as `types` calls them.
    fn kind(named: &str, used: Use) -> Option<Kind>;

    /// The types of a query's columns.
    async fn types(&self, sql: &str) -> Result<Vec<String>, Error>;

    /// The rows that a query has.
    async fn rows(&self, sql: &str) -> Result<Vec<Row>, Error>;
}

/// The answer to a question that makes sense.
///
/// The sums of arms, days and segments come from one query. Where a server has no transactions and
/// rows are added meanwhile, what was left out is counted as it was a moment before.
pub(super) async fn answered<S: Server>(
    server: &S,
    question: &Question<Table>,
) -> Result<Answer, Error> {
    let question = &kinds(server, question).await?;
    let (mut left, rows) = looked(server, question).await?;
    let mut row = one(server, &means(question, S::DIALECT)?).await?;
    let units = row.count()?;
    for rows in rows {
        left.unexposed += rows.saturating_sub(row.count()?);
        left.before += row.count()?;
    }
    let mut centres = Vec::new();
    for _ in &question.totals {
        centres.push(short(row.real()? / units.max(1) as f64));
    }
    let mut known = Known { units, most: Vec::new() };
    for _ in 0..S::DIALECT.split(question.totals.len()) {
        known.most.push(row.real()?);
    }
    row.end()?;
    let known = (!known.most.is_empty()).then_some(&known);
    let rows = server.rows(&sums_of(question, S::DIALECT, Some(&centres), known)?).await?;
    collected(question, rows, centres, left)
}

/// The question with what the server says that columns hold.
async fn kinds<S: Server>(
    server: &S,
    question: &Question<Table>,
) -> Result<Question<Table>, Error> {
    let mut known = question.clone();
    for source in sources(question) {
        let table = match source {
            Source::Exposures => &mut known.exposures.from,
            Source::Events(at) => &mut known.events[at].from,
        };
        let name = table.to_string();
        let sql = columns(question, source, S::DIALECT)?;
        let types = server.types(&sql).await.map_err(|error| error.table(name.as_str()))?;
        let wanted = uses(question, source);
        if types.len() != wanted.len() {
            return Err(otherwise("there are not as many columns as were asked for"));
        }
        for (named, (wanted, used)) in types.iter().zip(wanted) {
            let kind = S::kind(named, used).ok_or_else(|| {
                let what = if used == Use::Time { "time" } else { "number" };
                Error::new(format!("`{named}` is no type of a {what}"))
                    .table(name.as_str())
                    .column(wanted)
                    .hint("make a view with a column that is one")
            })?;
            if used != Use::Text {
                table.kinds.insert(wanted.to_owned(), kind);
            }
        }
    }
    Ok(known)
}

fn sources(question: &Question<Table>) -> impl Iterator<Item = Source> {
    [Source::Exposures].into_iter().chain((0..question.events.len()).map(Source::Events))
}

/// How many rows there are, in all and in each table of events; an error when some are wrong.
async fn looked<S: Server>(
    server: &S,
    question: &Question<Table>,
) -> Result<(Left, Vec<u64>), Error> {
    let (mut left, mut events) = (Left::default(), Vec::new());
    let queries = look(question, S::DIALECT)?;
    for (sql, source) in queries.iter().zip(sources(question)) {
        let row = one(server, sql).await?;
        match source {
            Source::Exposures => {
                left.exposures = wrong(question, source, row)
                    .map_err(|error| error.table(question.exposures.from.to_string()))?;
            }
            Source::Events(at) => {
                let rows = wrong(question, source, row)
                    .map_err(|error| error.table(question.events[at].from.to_string()))?;
                left.events += rows;
                events.push(rows);
            }
        }
    }
    Ok((left, events))
}

/// What is wrong with the rows of a table, or how many there are.
fn wrong(question: &Question<Table>, source: Source, mut row: Row) -> Result<u64, Error> {
    let Question { exposures, events, .. } = question;
    let rows = row.count()?;
    let none = |row: &mut Row, what: &str, column: &str, hint: &str| match row.count()? {
        0 => Ok(()),
        count => Err(Error::new(format!("{} {what}", counted(count))).column(column).hint(hint)),
    };
    let (unit, time) = match source {
        Source::Exposures => (&exposures.unit, &exposures.time),
        Source::Events(at) => (&events[at].unit, &events[at].time),
    };
    none(&mut row, "with nobody named", unit, "leave rows out that belong to nobody")?;
    if let Some(time) = time {
        none(&mut row, "with no time", time, "leave rows out that never happened")?;
    }
    if source == Source::Exposures {
        let (unknown, arm) = (row.count()?, row.text()?);
        if unknown > 0 {
            let what = match arm.filter(|arm| !arm.is_empty()) {
                Some(arm) => format!("there is no arm `{arm}`"),
                None => "no arm is named".to_owned(),
            };
            return Err(Error::new(format!("{what} ({} with an unknown arm)", counted(unknown)))
                .column(&exposures.arm)
                .hint(format!("the arms are {}", question.arms.join(", "))));
        }
        for segment in &exposures.segments {
            if row.count()? > 1000 {
                return Err(Error::new("there are over a thousand different values in it")
                    .column(segment)
                    .hint("a segment has few values: group them first"));
            }
        }
    }
    for column in values(question, source) {
        let what = "with NaN or infinity, which cannot be added up";
        none(&mut row, what, column, "leave it empty where nothing was measured")?;
    }
    row.end()?;
    Ok(rows)
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// The only row that a query has.
async fn one<S: Server>(server: &S, sql: &str) -> Result<Row, Error> {
    let mut rows = server.rows(sql).await?.into_iter();
    match (rows.next(), rows.next()) {
        (Some(row), None) => Ok(row),
        _ => Err(otherwise("there is not the one row that was asked for")),
    }
}
