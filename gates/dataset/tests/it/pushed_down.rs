//! A PostgreSQL server says the same of its tables as files do.

use std::sync::atomic::Ordering;

use dataset::sql::{Table, postgres};
use dataset::{Answer, Error, Events, Exposures, Question, Source, Total, When, Zone, answer};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio_postgres::Client;

use crate::all_same;
use crate::plain::{self, ARMS, Exposed, Format, Happened, Rows, START};
use crate::server::Server;

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The same question about tables.
pub(crate) fn tables(question: &Question) -> Question<Table> {
    let Exposures { unit, arm, time, segments, .. } = question.exposures.clone();
    let from = Table::named("\"an \"\"odd\"\" schema.\".exposures");
    let events = |events: &Events| {
        let Events { unit, time, event, .. } = events.clone();
        Events { from: Table::named("facts.\"Events\""), unit, time, event }
    };
    Question {
        exposures: Exposures { from, unit, arm, time, segments },
        events: question.events.iter().map(events).collect(),
        arms: question.arms.clone(),
        totals: question.totals.clone(),
        products: question.products.clone(),
        zone: question.zone.clone(),
    }
}

/// Tables whose times are of this type.
async fn create(client: &Client, times: &str) {
    let sql = format!(
        r#"create schema "an ""odd"" schema."; create schema facts;
           create table "an ""odd"" schema.".exposures
             ("user" text, at {times}, country text, variant text);
           create table facts."Events"
             ("user" text, at {times}, event text, amount double precision)"#
    );
    client.batch_execute(&sql).await.unwrap();
}

async fn fill(client: &Client, rows: &Rows) {
    client
        .batch_execute(r#"truncate "an ""odd"" schema.".exposures, facts."Events""#)
        .await
        .unwrap();
    let Rows { exposed, happened } = rows;
    let texts = |of: &dyn Fn(&Exposed) -> String| exposed.iter().map(of).collect::<Vec<String>>();
    let at: Vec<f64> = exposed.iter().map(|row| row.at as f64).collect();
    let countries: Vec<Option<&str>> = exposed.iter().map(|row| row.segment.as_deref()).collect();
    let sql = r#"insert into "an ""odd"" schema.".exposures
        select unit, to_timestamp(at), country, variant
        from unnest($1::text[], $2::float8[], $3::text[], $4::text[]) as t(unit, at, country, variant)"#;
    let (units, arms) = (texts(&|row| row.unit.clone()), texts(&|row| ARMS[row.arm].to_owned()));
    client.execute(sql, &[&units, &at, &countries, &arms]).await.unwrap();
    let texts = |of: &dyn Fn(&Happened) -> String| happened.iter().map(of).collect::<Vec<String>>();
    let at: Vec<f64> = happened.iter().map(|row| row.at as f64).collect();
    let amounts: Vec<Option<f64>> = happened.iter().map(|row| row.amount).collect();
    let sql = r#"insert into facts."Events"
        select unit, to_timestamp(at), event, amount
        from unnest($1::text[], $2::float8[], $3::text[], $4::float8[]) as t(unit, at, event, amount)"#;
    let (units, events) = (texts(&|row| row.unit.clone()), texts(&|row| row.event.clone()));
    client.execute(sql, &[&units, &at, &events, &amounts]).await.unwrap();
}

#[test]
fn a_server_and_files_say_the_same() {
    let (server, folder) = (Server::start(&[]), tempfile::tempdir().unwrap());
    block_on(async {
        let client = server.client().await;
        create(&client, "timestamptz").await;
    });
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(60)
    });
    let checked = runner.run(&plain::rows(), |rows| {
        let question = rows.write(folder.path(), Format::Csv);
        let expect = answer(&question, 2).unwrap();
        let got = block_on(async {
            fill(&server.client().await, &rows).await;
            postgres(&tables(&question), &server.connection()).await.unwrap()
        });
        prop_assert!(all_same(&got, &expect, &question), "{got:#?}\n{expect:#?}");
        Ok(())
    });
    checked.unwrap();
}

/// A question about amounts in a table of exposures.
pub(crate) fn question(from: Table, zone: Zone) -> Question<Table> {
    Question {
        exposures: Exposures {
            from,
            unit: "who".to_owned(),
            arm: "arm".to_owned(),
            time: Some("at".to_owned()),
            segments: vec!["kind".to_owned()],
        },
        events: Vec::new(),
        arms: vec!["b".to_owned(), "a".to_owned()],
        totals: vec![Total {
            source: Source::Exposures,
            event: None,
            column: Some("amount".to_owned()),
            when: When::After,
        }],
        products: Vec::new(),
        zone,
    }
}

/// What is asked about `exposures` that were made by these statements.
async fn asked(server: &Server, sql: &str, zone: Zone) -> Result<Answer, Error> {
    server.client().await.batch_execute(sql).await.unwrap();
    postgres(&question(Table::named("exposures"), zone), &server.connection()).await
}

fn created(types: [&str; 4], rows: &str) -> String {
    let [who, at, kind, amount] = types;
    format!(
        "drop table if exists exposures; set time zone 'Asia/Tokyo';
         create table exposures (who {who}, at {at}, arm text, kind {kind}, amount {amount});
         {}",
        if rows.is_empty() {
            String::new()
        } else {
            format!("insert into exposures values {rows}")
        }
    )
}

#[test]
fn columns_are_of_many_types() {
    let server = Server::start(&[]);
    let check = |types, rows: &str, zone: &str, days: &[&str], kinds: &[Option<&str>], sum: f64| {
        let zone = Zone::named(zone).unwrap();
        let got = block_on(asked(&server, &created(types, rows), zone)).unwrap();
        assert_eq!(got.days.keys().collect::<Vec<_>>(), days, "{types:?}");
        let named: Vec<Option<&str>> = got.segments[0].keys().map(Option::as_deref).collect();
        assert_eq!(named, kinds, "{types:?}");
        let total: f64 = got.arms.iter().map(|arm| arm.totals[0].sum).sum();
        assert!((total - sum).abs() <= 1e-12 * sum.abs(), "{types:?}: {total}");
    };
    let new_york = "America/New_York";
    // What a clock shows twice, it shows the second time: 06:30 UTC.
    check(
        ["bigint", "timestamp", "integer", "real"],
        "(-7, '2026-11-01 01:30', 'a', 3, 0.1), (8, '2026-11-01 23:30', 'b', null, 1e-3)",
        new_york,
        &["2026-11-01"],
        &[None, Some("3")],
        f64::from(0.1_f32) + f64::from(1e-3_f32),
    );
    check(
        ["uuid", "timestamptz", "text", "numeric(12,2)"],
        "('00000000-0000-0000-0000-000000000001', '2026-11-01 03:59Z', 'a', '', 1000000000.25),
         ('00000000-0000-0000-0000-000000000002', '2026-11-01 04:00Z', 'a', 'B', null)",
        new_york,
        &["2026-10-31", "2026-11-01"],
        &[None, Some("B")],
        1_000_000_000.25,
    );
    // Seconds, and milli-, micro- and nanoseconds.
    check(
        ["varchar(9)", "bigint", "boolean", "boolean"],
        "('a', 1793491199, 'a', true, true), ('b', 1793491200000, 'a', false, true),
         ('c', 1793577600000000, 'b', null, false), ('d', 1793664000000000000, 'b', true, null),
         ('d', 1793491199999999999, 'b', true, true)",
        "UTC",
        &["2026-10-31", "2026-11-01", "2026-11-02"],
        &[None, Some("false"), Some("true")],
        3.0,
    );
    check(
        ["text", "date", "text", "bigint"],
        "('a', '2026-11-02', 'b', 'x', 9007199254740992), ('b', '2026-11-03', 'b', 'ä', 1)",
        "Europe/Berlin",
        &["2026-11-02", "2026-11-03"],
        &[Some("x"), Some("ä")],
        9_007_199_254_740_992.0,
    );
    // No rows: nobody in no arm.
    check(["text", "timestamptz", "text", "float8"], "", "UTC", &[], &[], 0.0);
}

#[test]
fn what_is_wrong_is_told_with_its_table() {
    let server = Server::start(&[]);
    let check = |types, rows: &str, expect: &str| {
        let error = block_on(asked(&server, &created(types, rows), Zone::default())).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    let plain = ["text", "timestamptz", "text", "float8"];
    let table = |expect: &str| format!("table `exposures`: {expect}");
    let faults = [
        (
            "('u', now(), 'c', 'x', 1)",
            "column `arm`: there is no arm `c` (1 row with an unknown arm)",
        ),
        (
            "('u', now(), 'A', 'x', 1), ('u', now(), null, 'x', 1)",
            "column `arm`: there is no arm `A` (2 rows with an unknown arm)",
        ),
        ("('u', now(), '', 'x', 1)", "column `arm`: no arm is named (1 row with an unknown arm)"),
        (
            "('', now(), 'a', 'x', 1), (null, now(), 'a', 'x', 1)",
            "column `who`: 2 rows with nobody named",
        ),
        ("('u', null, 'a', 'x', 1)", "column `at`: 1 row with no time"),
        ("('u', 'infinity', 'a', 'x', 1)", "column `at`: 1 row with no time"),
        (
            "('u', now(), 'a', 'x', 'NaN')",
            "column `amount`: 1 row with NaN or infinity, which cannot be added up",
        ),
        (
            "('u', now(), 'a', 'x', '-inf'), ('u', now(), 'a', 'x', 'inf')",
            "column `amount`: 2 rows with NaN or infinity, which cannot be added up",
        ),
    ];
    for (rows, expect) in faults {
        check(plain, rows, &table(expect));
    }
    let kinds: Vec<String> = (0..1001).map(|at| format!("('u', now(), 'a', '{at}', 1)")).collect();
    let kinds = kinds.join(",");
    check(plain, &kinds, &table("column `kind`: there are over a thousand different values in it"));
    let text = ["text", "text", "text", "float8"];
    check(text, "", &table("column `at`: `text` is no type of a time"));
    let text = ["text", "date", "text", "text"];
    check(text, "", &table("column `amount`: `text` is no type of a number"));
    let gone = "drop table exposures";
    let error = block_on(asked(&server, gone, Zone::default())).unwrap_err();
    let expect = "PostgreSQL refuses: relation \"exposures\" does not exist";
    assert_eq!(error.to_string(), table(expect));
    let refused = |connection: &str, expect: &str| {
        let question = tables(&many(2).write(tempfile::tempdir().unwrap().path(), Format::Csv));
        let error = block_on(postgres(&question, connection)).unwrap_err();
        assert!(error.to_string().starts_with(expect), "{error}");
    };
    refused("password=hunter2 what", "this is no connection string of PostgreSQL");
    refused("host=127.0.0.1", "the connection string names no user");
    refused("host=127.0.0.1 port=1 user=x", "the server cannot be connected to: ");
}

/// Many rows of few units' kinds: what comes back stays as it is, and the sums keep their digits.
#[test]
fn bytes_do_not_grow_with_rows() {
    let (server, folder) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let fetched = [1_000, 100_000].map(|count| {
        let rows = many(count);
        let question = rows.write(folder.path(), Format::Csv);
        let expect = answer(&question, 2).unwrap();
        assert_eq!(expect.left.events, count);
        block_on(async {
            let client = server.client().await;
            if count == 1_000 {
                create(&client, "timestamptz").await;
            }
            fill(&client, &rows).await;
            let (connection, counted) = server.counted().await;
            let got = postgres(&tables(&question), &connection).await.unwrap();
            assert!(all_same(&got, &expect, &question), "{count}: {got:#?}\n{expect:#?}");
            counted.load(Ordering::SeqCst)
        })
    });
    assert_eq!(fetched[0], fetched[1], "bytes for 1,000 and for 100,000 rows");
    assert!(fetched[0] < 16 << 10, "{} bytes", fetched[0]);
}

/// Adding floats one by one would be wrong by some 1e-12.
#[test]
fn what_is_rounded_away_does_not_add_up() {
    let server = Server::start(&[]);
    let rows = "select i % 2, '2026-11-01Z', 'a', 'x', 0.1 from generate_series(1, 500000) as i";
    let sql = created(["bigint", "timestamptz", "text", "float8"], "");
    let sql = format!("{sql}; insert into exposures {rows}");
    let got = block_on(asked(&server, &sql, Zone::default())).unwrap();
    let total = &got.arms[1].totals[0];
    assert_eq!(total.some, 2);
    assert!((total.sum - 50_000.0).abs() <= 50_000.0 * 1e-15, "{}", total.sum);
}

/// As many exposures as events, of half as many units, in four days and three arms.
pub(crate) fn many(count: u64) -> Rows {
    // Knuth's multiplier: all its bits look drawn, and every run draws the same.
    let drawn = |at: u64| (at + 1).wrapping_mul(6_364_136_223_846_793_005) >> 33;
    let unit = |at: u64| format!("user-{}", at % (count / 2));
    let time = |at: u64| START + (drawn(at) % (4 * 86_400)) as i64;
    let exposed = |at: u64| Exposed {
        unit: unit(at),
        at: time(at),
        arm: (drawn(at) % 3) as usize,
        segment: [None, Some("de"), Some("fr")][at as usize % 3].map(str::to_owned),
    };
    let happened = |at: u64| Happened {
        unit: unit(at * 3),
        at: time(at + count),
        event: ["buy", "signup"][at as usize % 2].to_owned(),
        // Large, and what they differ by is small.
        amount: Some(1e6 + drawn(at) as f64 / 1e9),
    };
    Rows {
        exposed: (0..count).map(exposed).collect(),
        happened: (0..count).map(happened).collect(),
    }
}
