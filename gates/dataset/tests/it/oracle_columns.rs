//! Columns of many types, and what may be wrong with rows, in the engines of `oracle.rs`.

use dataset::sql::{Dialect, Table};
use dataset::{Answer, Error, Events, Source, Total, When, Zone};

use crate::oracle::Oracle;
use crate::pushed_down::question;

/// A table of exposures whose who, at, kind and amount are of these types.
struct Columns {
    types: [&'static str; 4],
    rows: String,
}

fn columns(types: [&'static str; 4], rows: &str) -> Columns {
    Columns { types, rows: rows.to_owned() }
}

impl Oracle {
    fn of_columns(&self, table: &Columns, zone: &str) -> Result<Answer, Error> {
        let [who, at, kind, amount] = table.types;
        self.run("drop table if exists facts.exposures");
        let end = match self.dialect {
            Dialect::ClickHouse => "engine = MergeTree order by tuple()",
            _ => "",
        };
        self.run(&format!(
            "create table facts.exposures (who {who}, \"at\" {at}, arm {}, kind {kind}, amount {amount}) {end}",
            if end.is_empty() { "text" } else { "LowCardinality(Nullable(String))" }
        ));
        if !table.rows.is_empty() {
            self.run(&format!("insert into facts.exposures values {}", table.rows));
        }
        let zone = Zone::named(zone).unwrap();
        self.asked(&question(Table::named("facts.exposures"), zone))
    }

    fn check(&self, table: &Columns, zone: &str, days: &[&str], kinds: &[Option<&str>], sum: f64) {
        let got = self.of_columns(table, zone).unwrap();
        assert_eq!(got.days.keys().collect::<Vec<_>>(), days, "{:?}", table.types);
        let named: Vec<Option<&str>> = got.segments[0].keys().map(Option::as_deref).collect();
        assert_eq!(named, kinds, "{:?}", table.types);
        let total: f64 = got.arms.iter().map(|arm| arm.totals[0].sum).sum();
        assert!((total - sum).abs() <= 1e-15 * sum.abs(), "{:?}: {total}", table.types);
    }

    fn refuses(&self, table: &Columns, expect: &str) {
        let error = self.of_columns(table, "UTC").unwrap_err().to_string();
        assert!(error.starts_with(&format!("table `facts.exposures`: {expect}")), "{error}");
    }
}

const NEW_YORK: &str = "America/New_York";

#[test]
#[ignore = "its server comes from PyPI: see tests/oracle/warehouse/clickhouse.py"]
fn columns_of_clickhouse() {
    let oracle = Oracle::start(Dialect::ClickHouse);
    println!("{}", oracle.version);
    oracle.run("create database facts");
    oracle.check(
        &columns(
            ["Int64", "DateTime('Asia/Tokyo')", "Nullable(Int32)", "Float32"],
            "(-7, toDateTime('2026-11-01 03:30:00', 'UTC'), 'a', 3, 0.1), \
             (8, toDateTime('2026-11-02 04:30:00', 'UTC'), 'b', null, 1e-3)",
        ),
        NEW_YORK,
        &["2026-10-31", "2026-11-01"],
        &[None, Some("3")],
        f64::from(0.1_f32) + f64::from(1e-3_f32),
    );
    oracle.check(
        &columns(
            ["UUID", "Nullable(DateTime64(9, 'UTC'))", "LowCardinality(String)", "Nullable(Decimal(12, 2))"],
            "('00000000-0000-0000-0000-000000000001', '2026-11-01 03:59:59.999999999', 'a', '', 1000000000.25), \
             ('00000000-0000-0000-0000-000000000002', '2026-11-01 04:00:00', 'a', 'B', null)",
        ),
        NEW_YORK,
        &["2026-10-31", "2026-11-01"],
        &[None, Some("B")],
        1_000_000_000.25,
    );
    oracle.check(
        &columns(
            ["FixedString(9)", "Nullable(Int64)", "Nullable(Bool)", "Bool"],
            "('a', 1793491199, 'a', true, true), ('b', 1793491200000, 'a', false, true), \
             ('c', 1793577600000000, 'b', null, false), ('d', 1793664000000000000, 'b', true, false), \
             ('d', 1793491199999999999, 'b', true, true)",
        ),
        "UTC",
        &["2026-10-31", "2026-11-01", "2026-11-02"],
        &[None, Some("false"), Some("true")],
        3.0,
    );
    oracle.check(
        &columns(
            ["String", "Date32", "Enum8('x' = 1, 'ä' = 2)", "UInt64"],
            "('a', '2026-11-02', 'b', 'x', 9007199254740992), ('b', '2026-11-03', 'b', 'ä', 1)",
        ),
        "Europe/Berlin",
        &["2026-11-02", "2026-11-03"],
        &[Some("x"), Some("ä")],
        9_007_199_254_740_992.0,
    );
    let of_before =
        columns(["UInt8", "Date32", "String", "Int8"], "(1, '1969-12-31', 'a', 'x', -3)");
    oracle.check(&of_before, "UTC", &["1969-12-31"], &[Some("x")], -3.0);
    let plain = ["Nullable(String)", "Nullable(DateTime64(6, 'UTC'))", "String", "Float64"];
    oracle.check(&columns(plain, ""), "UTC", &[], &[], 0.0);
    what_is_wrong_is_told(&oracle, plain);
    oracle.refuses(
        &columns(["String", "String", "String", "Float64"], ""),
        "column `at`: `String` is no type of a time",
    );
    oracle.run("drop table facts.exposures");
    let error = oracle.asked(&question(Table::named("facts.exposures"), Zone::default()));
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("table `facts.exposures`: ClickHouse refuses: Unknown table"),
        "{error}"
    );
    // Names that are also those of columns of ours.
    oracle.run(
        "create table facts.odd (unit String, instant DateTime, place String, value_0 Float64, \
         multiple String) engine = Memory",
    );
    oracle.run("insert into facts.odd values ('a', '2026-11-02 00:00:00', 'b', 2, 'x')");
    let mut asked = question(Table::named("facts.odd"), Zone::default());
    asked.exposures.unit = "unit".to_owned();
    asked.exposures.arm = "place".to_owned();
    asked.exposures.time = Some("instant".to_owned());
    asked.exposures.segments = vec!["multiple".to_owned()];
    asked.totals[0].column = Some("value_0".to_owned());
    assert_eq!(oracle.asked(&asked).unwrap().arms[0].totals[0].sum, 2.0);
}

fn what_is_wrong_is_told(oracle: &Oracle, plain: [&'static str; 4]) {
    let now = "'2026-11-02 00:00:00'";
    let rows = |rows: &str| columns(plain, &rows.replace("now", now));
    oracle.refuses(
        &rows("('u', now, 'c', 'x', 1)"),
        "column `arm`: there is no arm `c` (1 row with an unknown arm)",
    );
    oracle.refuses(
        &rows("('u', now, 'A', 'x', 1), ('u', now, null, 'x', 1)"),
        "column `arm`: there is no arm `A` (2 rows with an unknown arm)",
    );
    oracle.refuses(
        &rows("('', now, 'a', 'x', 1), (null, now, 'a', 'x', 1)"),
        "column `who`: 2 rows with nobody named",
    );
    oracle.refuses(&rows("('u', null, 'a', 'x', 1)"), "column `at`: 1 row with no time");
    let nan = "column `amount`: 1 row with NaN or infinity, which cannot be added up";
    let literal = if oracle.dialect == Dialect::ClickHouse { "nan" } else { "'nan'::double" };
    oracle.refuses(&rows(&format!("('u', now, 'a', 'x', {literal})")), nan);
    let many: Vec<String> = (0..1001).map(|at| format!("('u', now, 'a', '{at}', 1)")).collect();
    oracle.refuses(
        &rows(&many.join(",")),
        "column `kind`: there are over a thousand different values in it",
    );
}

#[test]
#[ignore = "its server comes from PyPI: see tests/oracle/warehouse/trino.py"]
fn columns_of_trino() {
    let oracle = Oracle::start(Dialect::Trino);
    println!("{}", oracle.version);
    oracle.run("create schema facts");
    oracle.check(
        &columns(
            ["bigint", "timestamp", "integer", "real"],
            "(-7, '2026-11-01 01:30', 'a', 3, 0.1), (8, '2026-11-01 23:30', 'b', null, 1e-3)",
        ),
        NEW_YORK,
        &["2026-11-01"],
        &[None, Some("3")],
        f64::from(0.1_f32) + f64::from(1e-3_f32),
    );
    oracle.check(
        &columns(
            ["uuid", "timestamptz", "text", "numeric(12,2)"],
            "('00000000-0000-0000-0000-000000000001', '2026-11-01 03:59Z', 'a', '', 1000000000.25), \
             ('00000000-0000-0000-0000-000000000002', '2026-11-01 04:00Z', 'a', 'B', null)",
        ),
        NEW_YORK,
        &["2026-10-31", "2026-11-01"],
        &[None, Some("B")],
        1_000_000_000.25,
    );
    oracle.check(
        &columns(
            ["text", "bigint", "boolean", "boolean"],
            "('a', 1793491199, 'a', true, true), ('b', 1793491200000, 'a', false, true), \
             ('c', 1793577600000000, 'b', null, false), ('d', 1793664000000000000, 'b', true, null), \
             ('d', 1793491199999999999, 'b', true, true)",
        ),
        "UTC",
        &["2026-10-31", "2026-11-01", "2026-11-02"],
        &[None, Some("false"), Some("true")],
        3.0,
    );
    let plain = ["text", "timestamptz", "text", "double"];
    what_is_wrong_is_told(&oracle, plain);
    // Half a million units, whose sum is wrong by 1e-12 when they are added one by one.
    let many = "select i, '2026-11-01 00:00Z', 'a', 'x', 0.1 from range(500000) as r(i)";
    oracle.of_columns(&columns(plain, "('u', '2026-11-01 00:00Z', 'a', 'x', 0.1)"), "UTC").unwrap();
    oracle.run(&format!("truncate table facts.exposures; insert into facts.exposures {many}"));
    let got = oracle.asked(&question(Table::named("facts.exposures"), Zone::default())).unwrap();
    let total = &got.arms[1].totals[0];
    assert_eq!(total.some, 500_000);
    assert!((total.sum - 50_000.0).abs() <= 50_000.0 * 1e-15, "{}", total.sum);
}

/// At half past one in the morning clocks are put back by an hour: that was an exposure at 06:30 UTC.
#[test]
#[ignore = "its server comes from PyPI: see tests/oracle/warehouse/trino.py"]
fn what_a_clock_shows_twice_it_shows_the_second_time() {
    let oracle = Oracle::start(Dialect::Trino);
    oracle.run("create schema facts");
    oracle.run("create table facts.exposures (who text, \"at\" timestamp, arm text, kind text)");
    oracle.run("insert into facts.exposures values ('u', '2026-11-01 01:30', 'a', 'x'), ('v', '2026-07-01 01:30', 'a', 'x')");
    oracle.run("create table facts.done (who text, \"at\" timestamptz)");
    oracle.run(
        "insert into facts.done values ('u', '2026-11-01 06:29Z'), ('u', '2026-11-01 06:31Z'), \
         ('v', '2026-07-01 05:29Z'), ('v', '2026-07-01 05:31Z')",
    );
    let mut asked = question(Table::named("facts.exposures"), Zone::named(NEW_YORK).unwrap());
    asked.events = vec![Events {
        from: Table::named("facts.done"),
        unit: "who".to_owned(),
        time: Some("at".to_owned()),
        event: None,
    }];
    asked.totals =
        vec![Total { source: Source::Events(0), event: None, column: None, when: When::After }];
    let got = oracle.asked(&asked).unwrap();
    assert_eq!((got.left.events, got.left.before), (4, 2));
    assert_eq!((got.arms[1].totals[0].some, got.arms[1].totals[0].sum), (2, 2.0));
}
