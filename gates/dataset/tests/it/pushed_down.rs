//! A PostgreSQL server says the same of its tables as files do.

use std::sync::atomic::Ordering;

use dataset::sql::{Table, postgres};
use dataset::{Answer, Error, Events, Exposures, Question, Zone, answer};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio_postgres::Client;

use crate::all_same;
use crate::plain::{self, ARMS, Exposed, Format, Happened, Rows, START};
use crate::server::Server;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The same question about tables.
fn tables(question: &Question) -> Question<Table> {
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
