//! Asks PostgreSQL.
//!
//! Its own sum of `double precision` rounds after each row: a million times 0.1 came out wrong by
//! 1.3e-11 of the sum (PostgreSQL 15). So values are added as decimals, by way of their shortest text,
//! which is exact but for half of a value's last bit. A cast without the text keeps 15 digits and
//! took twice as long. A total whose decimals cancel out (0.1 + 0.2 - 0.3) is 0 here, where the
//! floats of files leave 3e-17, which counts as some.

use std::collections::BTreeMap;
use std::pin::pin;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, Row};

use super::render::{look, means, order, sums};
use super::tls::Tls;
use super::uses::{Use, columns, uses, values};
use super::{Dialect, Kind, Table};
use crate::answer::{Answer, Cell, Left, Moments};
use crate::error::Error;
use crate::fold::short;
use crate::question::{Question, Source};

/// Answers a question about tables of a PostgreSQL server, in one transaction that only reads, so all
/// queries see the same rows. `connection` is as libpq has it, `host=/run/postgresql dbname=shop` or
/// `postgresql://reader@db.example.com/shop`; nothing else says where to connect to. Waits as long as
/// the server takes.
///
/// Connections are encrypted where the server can (`sslmode=prefer`), and then its certificate has to
/// be one that this machine trusts, for that host.
pub async fn postgres(question: &Question<Table>, connection: &str) -> Result<Answer, Error> {
    question.check()?;
    // What it says is not repeated: there may be a password in it.
    let config: Config = connection.parse().map_err(|_| {
        Error::new("this is no connection string of PostgreSQL")
            .hint("write it like postgresql://reader@db.example.com/shop")
    })?;
    if config.get_user().is_none() {
        return Err(Error::new("the connection string names no user")
            .hint("write it like postgresql://reader@db.example.com/shop"));
    }
    let (client, connection) = config.connect(Tls).await.map_err(|error| {
        Error::new(format!("the server cannot be connected to: {}", words(&error)))
            .hint("where a certificate is refused, sslmode=disable connects without encryption")
    })?;
    let (mut connection, work) = (pin!(connection), pin!(ask(&client, question)));
    tokio::select! {
        biased;
        answer = work => answer,
        ended = &mut connection => Err(Error::new(match ended {
            Ok(()) => "the server has closed the connection".to_owned(),
            Err(error) => format!("the connection broke: {}", words(&error)),
        })),
    }
}

async fn ask(client: &Client, question: &Question<Table>) -> Result<Answer, Error> {
    // Totals of units are estimated too low where a query is as long as these; joined row by row they
    // would take hours.
    let begin = "begin isolation level repeatable read read only; set local enable_nestloop = off; \
                 set local extra_float_digits = 1";
    client.batch_execute(begin).await.map_err(|error| refused(&error))?;
    let question = &kinds(client, question).await?;
    let (mut left, rows) = looked(client, question).await?;
    let row = one(client, &means(question, Dialect::Postgres)?).await?;
    let mut at = 0;
    let units: i64 = next(&row, &mut at)?;
    for rows in rows {
        let matched: i64 = next(&row, &mut at)?;
        let earlier: i64 = next(&row, &mut at)?;
        left.unexposed += rows - matched as u64;
        left.before += earlier as u64;
    }
    let mut centres = Vec::new();
    for _ in &question.totals {
        let sum: f64 = next(&row, &mut at)?;
        centres.push(short(sum / units.max(1) as f64));
    }
    let sql = sums(question, Dialect::Postgres, Some(&centres))?;
    let rows = client.query(&sql, &[]).await.map_err(|error| refused(&error))?;
    let answer = collected(question, &rows, centres, left)?;
    client.batch_execute("commit").await.map_err(|error| refused(&error))?;
    Ok(answer)
}

/// The question with what the server says that columns hold.
async fn kinds(client: &Client, question: &Question<Table>) -> Result<Question<Table>, Error> {
    let mut known = question.clone();
    for source in sources(question) {
        let table = match source {
            Source::Exposures => &mut known.exposures.from,
            Source::Events(at) => &mut known.events[at].from,
        };
        let name = table.to_string();
        let sql = columns(question, source, Dialect::Postgres)?;
        let prepared =
            client.prepare(&sql).await.map_err(|error| refused(&error).table(name.as_str()))?;
        for (column, (wanted, used)) in prepared.columns().iter().zip(uses(question, source)) {
            let kind = kind(column.type_(), used).ok_or_else(|| {
                let what = if used == Use::Time { "time" } else { "number" };
                Error::new(format!("`{}` is no type of a {what}", column.type_().name()))
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

fn kind(column: &Type, used: Use) -> Option<Kind> {
    match (used, column) {
        (Use::Text, _)
        | (Use::Time, &Type::TIMESTAMPTZ)
        | (
            Use::Value,
            &(Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8),
        ) => Some(Kind::Plain),
        (Use::Time, &(Type::TIMESTAMP | Type::DATE)) => Some(Kind::Wall),
        (Use::Time, &(Type::INT4 | Type::INT8)) => Some(Kind::Count),
        (Use::Value, &Type::BOOL) => Some(Kind::Truth),
        _ => None,
    }
}

fn sources(question: &Question<Table>) -> impl Iterator<Item = Source> {
    [Source::Exposures].into_iter().chain((0..question.events.len()).map(Source::Events))
}

/// How many rows there are, in all and in each table of events; an error when some are wrong.
async fn looked(client: &Client, question: &Question<Table>) -> Result<(Left, Vec<u64>), Error> {
    let (mut left, mut events) = (Left::default(), Vec::new());
    let queries = look(question, Dialect::Postgres)?;
    for (sql, source) in queries.iter().zip(sources(question)) {
        let row = one(client, sql).await?;
        match source {
            Source::Exposures => {
                left.exposures = wrong(question, source, &row)
                    .map_err(|error| error.table(question.exposures.from.to_string()))?;
            }
            Source::Events(at) => {
                let rows = wrong(question, source, &row)
                    .map_err(|error| error.table(question.events[at].from.to_string()))?;
                left.events += rows;
                events.push(rows);
            }
        }
    }
    Ok((left, events))
}

/// What is wrong with the rows of a table, or how many there are.
fn wrong(question: &Question<Table>, source: Source, row: &Row) -> Result<u64, Error> {
    let Question { exposures, events, .. } = question;
    let mut at = 0;
    let rows: i64 = next(row, &mut at)?;
    let none = |at: &mut usize, what: &str, column: &str, hint: &str| match next::<i64>(row, at)? {
        0 => Ok(()),
        count => Err(Error::new(format!("{} {what}", counted(count))).column(column).hint(hint)),
    };
    let (unit, time) = match source {
        Source::Exposures => (&exposures.unit, &exposures.time),
        Source::Events(at) => (&events[at].unit, &events[at].time),
    };
    none(&mut at, "with nobody named", unit, "leave rows out that belong to nobody")?;
    if let Some(time) = time {
        none(&mut at, "with no time", time, "leave rows out that never happened")?;
    }
    if source == Source::Exposures {
        let (unknown, arm): (i64, Option<String>) = (next(row, &mut at)?, next(row, &mut at)?);
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
            if next::<i64>(row, &mut at)? > 1000 {
                return Err(Error::new("there are over a thousand different values in it")
                    .column(segment)
                    .hint("a segment has few values: group them first"));
            }
        }
    }
    for column in values(question, source) {
        let what = "with NaN or infinity, which cannot be added up";
        none(&mut at, what, column, "leave it empty where nothing was measured")?;
    }
    Ok(rows as u64)
}

fn counted(rows: i64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// The answer, of rows that are each of an arm, and perhaps of a day or of a value of a segment.
fn collected(
    question: &Question<Table>,
    rows: &[Row],
    centres: Vec<f64>,
    left: Left,
) -> Result<Answer, Error> {
    let (totals, products) = (question.totals.len(), question.products.len());
    let empty = || {
        let cell = Cell {
            totals: vec![Moments::default(); totals],
            products: vec![0.0; products],
            ..Cell::default()
        };
        vec![cell; question.arms.len()]
    };
    let segments = question.exposures.segments.len();
    let has_days = question.exposures.time.is_some();
    let keys = usize::from(has_days) + segments;
    let order = order(&question.arms);
    let mut answer = Answer {
        arms: empty(),
        days: BTreeMap::new(),
        segments: vec![BTreeMap::new(); segments],
        centres,
        left,
    };
    for row in rows {
        let mut at = 0;
        let mut by = None;
        for key in 0..keys {
            if next::<i32>(row, &mut at)? == 0 {
                by = Some(key);
            }
        }
        let arm: i32 = next(row, &mut at)?;
        let arm = *order.get(arm as usize).ok_or_else(|| Error::new("an arm came that is none"))?;
        let mut names = Vec::new();
        for _ in 0..keys {
            names.push(next::<Option<String>>(row, &mut at)?);
        }
        let cell = cell(row, &mut at, totals, products)?;
        let arms = match by {
            None => &mut answer.arms,
            Some(0) if has_days => {
                answer.days.entry(names[0].take().unwrap_or_default()).or_insert_with(empty)
            }
            Some(key) => {
                let by = &mut answer.segments[key - usize::from(has_days)];
                by.entry(names[key].take()).or_insert_with(empty)
            }
        };
        arms[arm] = cell;
    }
    Ok(answer)
}

fn cell(row: &Row, at: &mut usize, totals: usize, products: usize) -> Result<Cell, Error> {
    let units: i64 = next(row, at)?;
    let multiple: i64 = next(row, at)?;
    let mut cell = Cell { units: units as u64, multiple: multiple as u64, ..Cell::default() };
    for _ in 0..totals {
        let some: i64 = next(row, at)?;
        cell.totals.push(Moments {
            some: some as u64,
            sum: next(row, at)?,
            centred: next(row, at)?,
            squares: next(row, at)?,
        });
    }
    for _ in 0..products {
        cell.products.push(next(row, at)?);
    }
    Ok(cell)
}

/// The next column of a row.
fn next<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    at: &mut usize,
) -> Result<T, Error> {
    let value = row.try_get(*at);
    *at += 1;
    value.map_err(|error| Error::new(format!("the server answered otherwise: {error}")))
}

async fn one(client: &Client, sql: &str) -> Result<Row, Error> {
    client.query_one(sql, &[]).await.map_err(|error| refused(&error))
}

/// What the server says is wrong.
fn refused(error: &tokio_postgres::Error) -> Error {
    let told = Error::new(format!("PostgreSQL refuses: {}", words(error)));
    match error.as_db_error().and_then(|error| error.hint()) {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// An error with what it comes from.
fn words(error: &tokio_postgres::Error) -> String {
    if let Some(told) = error.as_db_error() {
        return told.message().to_owned();
    }
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        let more = one.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = one.source();
    }
    words
}
