//! Where an experiment's data are.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use gate_core::values::Template;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Settings, Wrong, names};

/// The name of the table of conversions.
pub(crate) const CONVERSIONS: &str = "conversions";
/// The name of the table of exposures.
pub(crate) const EXPOSURES: &str = "exposures";
/// What a column of times is called unless something else is said.
const TIMESTAMP: &str = "timestamp";

/// Files beside the spec, or tables of a warehouse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Who was exposed to which arm: a CSV, JSON Lines or Parquet file, or a table. With more:
    /// `{ from: exposures.parquet, arm: variant, time: seen_at, segments: [country] }`.
    pub exposures: Written<ExposuresTable>,
    /// What visitors did: `conversions.csv`, or `{ from: conversions.csv, event: name, time: done_at }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversions: Option<Written<EventsTable>>,
    /// Further tables of what visitors did, by name, for metrics that say `from`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<String, Written<EventsTable>>,
    /// A warehouse that has all of them as tables, and is asked for the sums alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<Warehouse>,
    /// An event of the conversions that every visitor has, whatever their arm, such as `page_view`: it
    /// shows whether events of one arm get lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<String>,
    /// Where days begin, and what times without a zone of their own are of: `Europe/Berlin`.
    #[serde(default = "default::zone")]
    pub time_zone: String,
}

mod default {
    pub(super) fn zone() -> String {
        "UTC".to_owned()
    }
    pub(super) fn arm() -> String {
        "arm".to_owned()
    }
    #[expect(clippy::unnecessary_wraps, reason = "null says that there is none")]
    pub(super) fn time() -> Option<String> {
        Some(super::TIMESTAMP.to_owned())
    }
    #[expect(clippy::unnecessary_wraps, reason = "null says that there is none")]
    pub(super) fn event() -> Option<String> {
        Some("event".to_owned())
    }
}

/// A table of exposures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExposuresTable {
    /// The file, relative to the spec, or the table of the warehouse.
    pub from: String,
    /// The column that says who; the spec's `unit` unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The column that says which arm.
    #[serde(default = "default::arm")]
    pub arm: String,
    /// What stands there for an arm, where that is not its name: `{ control: "0", new_hero: "1" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arms: BTreeMap<String, String>,
    /// The column that says when; null where there is none.
    #[serde(default = "default::time")]
    pub time: Option<String>,
    /// Columns that visitors are told apart by, such as `country` and `device`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<String>,
    /// A column that knows a person better than the unit does, such as an account or a hash of the
    /// address: it shows whether one person is counted several times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// What columns of a warehouse hold, where times are no instants and values are no numbers. For
    /// `gate experiment sql`; a server that is asked says it itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<String, Holds>,
}

/// A table of what visitors did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsTable {
    /// The file, relative to the spec, or the table of the warehouse.
    pub from: String,
    /// The column that says who; the spec's `unit` unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The column that says what was done; null where there is none.
    #[serde(default = "default::event")]
    pub event: Option<String>,
    /// The column that says when; null where there is none.
    #[serde(default = "default::time")]
    pub time: Option<String>,
    /// As for exposures.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<String, Holds>,
}

/// What a column of a warehouse holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// What a clock on the wall of the time zone shows, or a date.
    Wall,
    /// A whole number of seconds, milli-, micro- or nanoseconds since 1970.
    Count,
    /// Whether something is so.
    Truth,
}

/// A table as it is written: by its name alone, with the usual columns, or as a map with more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Written<T>(pub T);

/// A table that can be written by its name alone.
pub trait ByName {
    /// With the usual columns.
    fn by_name(from: &str) -> Self;
}

impl<T> Deref for Written<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: ByName + Deserialize<'de>> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written<T>, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: ByName + Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Written<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file or a table such as `exposures.parquet`, or a map with `from`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Written<T>, E> {
                Ok(Written(T::by_name(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Written)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Written{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let long = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, long] })
    }
}

impl ByName for ExposuresTable {
    fn by_name(from: &str) -> ExposuresTable {
        ExposuresTable {
            from: from.to_owned(),
            unit: None,
            arm: default::arm(),
            arms: BTreeMap::new(),
            time: default::time(),
            segments: Vec::new(),
            person: None,
            holds: BTreeMap::new(),
        }
    }
}

impl ByName for EventsTable {
    fn by_name(from: &str) -> EventsTable {
        EventsTable {
            from: from.to_owned(),
            unit: None,
            event: default::event(),
            time: default::time(),
            holds: BTreeMap::new(),
        }
    }
}

/// A warehouse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// Which one.
    #[serde(rename = "type")]
    pub kind: WarehouseKind,
    /// How it is reached. PostgreSQL: `postgresql://reader@db.example.com/shop`. ClickHouse: its HTTP
    /// interface and the database, `https://reader@clickhouse.example.com:8443/shop`. Trino: its
    /// coordinator, the catalogue and the schema, `https://reader@trino.example.com/hive/shop`. Or all
    /// of it as `${secret:WAREHOUSE}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Template>,
    /// Who asks ClickHouse or Trino, where the address does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Template>,
    /// Their password, such as `${secret:WAREHOUSE_PASSWORD}`. Trino is told one over https alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Template>,
}

/// Which warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WarehouseKind {
    /// PostgreSQL.
    Postgres,
    /// ClickHouse.
    Clickhouse,
    /// Trino.
    Trino,
    /// BigQuery, whose SQL is printed and which is not asked.
    Bigquery,
}

impl Data {
    /// The table that metrics are of when they do not say.
    pub(crate) fn usual_table(&self) -> &str {
        if self.conversions.is_some() { CONVERSIONS } else { EXPOSURES }
    }

    /// The names of all tables.
    pub(crate) fn tables(&self) -> Vec<String> {
        let usual = self.conversions.iter().map(|_| CONVERSIONS.to_owned());
        let exposures = std::iter::once(EXPOSURES.to_owned());
        exposures.chain(usual).chain(self.events.keys().cloned()).collect()
    }

    /// The tables of what visitors did, with their names, in the order in which they are asked for.
    pub(crate) fn event_tables(&self) -> Vec<(&str, &EventsTable)> {
        let usual = self.conversions.iter().map(|table| (CONVERSIONS, &**table));
        usual.chain(self.events.iter().map(|(name, table)| (name.as_str(), &**table))).collect()
    }

    /// Whether a column of that table says what was done.
    pub(crate) fn has_events(&self, table: &str) -> bool {
        self.event_tables().iter().any(|(name, one)| *name == table && one.event.is_some())
    }

    pub(super) fn problems(&self, spec: &Settings, wrong: &mut Wrong<'_>) {
        let exposures = &self.exposures;
        for arm in exposures.arms.keys().filter(|arm| !spec.split.contains_key(*arm)) {
            let hint = names::suggest(arm, spec.split.keys());
            let path = ["data", "exposures", "arms", arm];
            wrong(&path, &format!("there is no arm `{arm}`"), &hint);
        }
        let mut shown: Vec<&str> = spec
            .split
            .keys()
            .map(|arm| exposures.arms.get(arm).map_or(arm.as_str(), String::as_str))
            .collect();
        shown.sort_unstable();
        let twice = shown.iter().zip(shown.iter().skip(1)).find(|(one, next)| one == next);
        if let Some((same, _)) = twice {
            let message = format!("two arms are both written `{same}`");
            let path = ["data", "exposures", "arms"];
            wrong(&path, &message, "give each arm what stands for it in the data");
        }
        if dataset::Zone::named(&self.time_zone).is_none() {
            let message = format!("there is no time zone `{}`", self.time_zone);
            wrong(&["data", "time_zone"], &message, "write it like Europe/Berlin, or UTC");
        }
        let tables = self.event_tables();
        for name in
            self.events.keys().filter(|name| [CONVERSIONS, EXPOSURES].contains(&name.as_str()))
        {
            let hint = "give it another name";
            wrong(&["data", "events", name], "this name has a place of its own", hint);
        }
        for (name, table) in &tables {
            if table.from == exposures.from && self.warehouse.is_none() && table.event.is_none() {
                let hint = "leave it out: metrics may say from: exposures";
                wrong(&["data", name], "these are the exposures themselves", hint);
            }
        }
        if exposures.time.is_none() && tables.iter().any(|(_, table)| table.time.is_some()) {
            let hint = "name the column, or write time: null for the other tables, too";
            let message = "nothing says when anybody was exposed, but when they did something";
            wrong(&["data", "exposures"], message, hint);
        }
        if self.heartbeat.is_some() && !self.has_events(CONVERSIONS) {
            let message = "no column of conversions says what was done";
            wrong(&["data", "heartbeat"], message, "leave it out, or name that column");
        }
        if let Some(warehouse) = &self.warehouse {
            warehouse.problems(wrong);
        } else {
            let events = self.event_tables();
            let files = events.iter().map(|(name, table)| (*name, &table.from));
            for (name, file) in files.chain([(EXPOSURES, &exposures.from)]) {
                if !is_read(file) {
                    let path = if self.events.contains_key(name) {
                        vec!["data", "events", name]
                    } else {
                        vec!["data", name]
                    };
                    let hint = "csv, tsv, jsonl, ndjson and parquet are read; \
                                for a table, say in warehouse where it is";
                    wrong(&path, &format!("`{file}` is no file of data"), hint);
                }
            }
        }
    }
}

fn is_read(file: &str) -> bool {
    let end = file.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    ["csv", "tsv", "jsonl", "ndjson", "parquet"].contains(&end.as_str()) || file.contains("${")
}

impl Warehouse {
    fn problems(&self, wrong: &mut Wrong<'_>) {
        let is_asked = self.kind != WarehouseKind::Bigquery;
        if is_asked && self.connection.is_none() {
            let hint = "such as connection: \"${secret:WAREHOUSE}\"";
            wrong(&["data", "warehouse"], "nothing says how it is reached", hint);
        }
        if !is_asked && self.connection.is_some() {
            let hint = "leave it out; `gate experiment sql` prints what to ask it";
            wrong(&["data", "warehouse", "connection"], "BigQuery is not asked from here", hint);
        }
        let is_postgres = self.kind == WarehouseKind::Postgres;
        if is_postgres && (self.user.is_some() || self.password.is_some()) {
            let hint = "put them into connection";
            wrong(&["data", "warehouse"], "PostgreSQL is told these with the address", hint);
        }
    }
}
