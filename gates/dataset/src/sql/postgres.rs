//! Asks PostgreSQL.
//!
//! Its own sum of `double precision` rounds after each row: a million times 0.1 came out wrong by
//! 1.3e-11 of the sum (PostgreSQL 15). So values are added as decimals, by way of their shortest text,
//! which is exact but for half of a value's last bit. A cast without the text keeps 15 digits and
//! took twice as long. A total whose decimals cancel out (0.1 + 0.2 - 0.3) is 0 here, where the
//! floats of files leave 3e-17, which counts as some.

use std::pin::pin;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config};

use super::asking::{Server, answered};
use super::rows::Value::{self, Real, Text, Whole};
use super::rows::{Row, otherwise};
use super::tls::Tls;
use super::uses::Use;
use super::{Dialect, Kind, Table};
use crate::answer::Answer;
use crate::error::Error;
use crate::question::Question;

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
    let answer = answered(&Session(client), question).await?;
    client.batch_execute("commit").await.map_err(|error| refused(&error))?;
    Ok(answer)
}

/// A transaction.
struct Session<'c>(&'c Client);

impl Server for Session<'_> {
    const DIALECT: Dialect = Dialect::Postgres;

    fn kind(named: &str, used: Use) -> Option<Kind> {
        match (used, named) {
            (Use::Text, _)
            | (Use::Time, "timestamptz")
            | (Use::Value, "int2" | "int4" | "int8" | "numeric" | "float4" | "float8") => {
                Some(Kind::Plain)
            }
            (Use::Time, "timestamp" | "date") => Some(Kind::Wall),
            (Use::Time, "int4" | "int8") => Some(Kind::Count),
            (Use::Value, "bool") => Some(Kind::Truth),
            _ => None,
        }
    }

    async fn types(&self, sql: &str) -> Result<Vec<String>, Error> {
        let prepared = self.0.prepare(sql).await.map_err(|error| refused(&error))?;
        Ok(prepared.columns().iter().map(|column| column.type_().name().to_owned()).collect())
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Row>, Error> {
        let rows = self.0.query(sql, &[]).await.map_err(|error| refused(&error))?;
        rows.iter().map(read).collect()
    }
}

/// The values of a row, of the types that the queries have.
fn read(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let value = |at: usize, of: &Type| match *of {
        Type::INT4 => row.try_get::<_, Option<i32>>(at).map(|all| all.map(|one| Whole(one.into()))),
        Type::INT8 => row.try_get::<_, Option<i64>>(at).map(|all| all.map(Whole)),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(at).map(|all| all.map(Real)),
        _ => row.try_get::<_, Option<String>>(at).map(|all| all.map(Text)),
    };
    let columns = row.columns().iter().enumerate();
    let all: Result<Vec<Value>, tokio_postgres::Error> =
        columns.map(|(at, column)| Ok(value(at, column.type_())?.unwrap_or(Value::Null))).collect();
    all.map(Row::new).map_err(|error| otherwise(&error.to_string()))
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
