//! The same sums, asked of a warehouse: one logical query, written in each dialect. What comes back
//! are sums of each arm, day and value of a segment, so it does not grow with the rows.
//!
//! Three questions make an answer: what is wrong with the rows ([`look`]), what totals are on the
//! average ([`means`]), and the sums without that ([`sums`]). PostgreSQL, ClickHouse and Trino are asked
//! from here; BigQuery's queries are written as its documentation has them.

mod asking;
mod clickhouse;
mod dialect;
mod http;
mod known;
mod postgres;
mod render;
mod rows;
mod tls;
mod trino;
mod uses;

use std::collections::BTreeMap;
use std::fmt;

pub use clickhouse::clickhouse;
pub use dialect::Dialect;
pub use http::Login;
pub use postgres::postgres;
pub use render::{look, means, sums};
pub use trino::trino;

/// A table or a view of a warehouse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Its name behind those that it lies in, such as a schema.
    pub path: Vec<String>,
    /// What columns hold, where times are no instants and values are no numbers. A server that is
    /// asked says it itself.
    pub kinds: BTreeMap<String, Kind>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// What its use wants: an instant, a number or text.
    #[default]
    Plain,
    /// What a clock on the wall of the question's zone shows, or a date.
    Wall,
    /// A whole number of seconds, milli-, micro- or nanoseconds since 1970.
    Count,
    /// Whether something is so, as 1 or 0.
    Truth,
}

impl Table {
    /// The table with this name, such as `shop.exposures`. A part with a dot in it stands between
    /// double quotes; two of these stand for one.
    pub fn named(name: &str) -> Table {
        let (mut path, mut is_quoted) = (vec![String::new()], false);
        let mut letters = name.chars().peekable();
        while let Some(c) = letters.next() {
            match (c, path.last_mut()) {
                ('"', Some(last)) if is_quoted && letters.next_if_eq(&'"').is_some() => {
                    last.push('"');
                }
                ('"', _) => is_quoted = !is_quoted,
                ('.', _) if !is_quoted => path.push(String::new()),
                (c, Some(last)) => last.push(c),
                (_, None) => {}
            }
        }
        Table { path, kinds: BTreeMap::new() }
    }

    fn kind(&self, column: &str) -> Kind {
        self.kinds.get(column).copied().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path.join("."))
    }
}
