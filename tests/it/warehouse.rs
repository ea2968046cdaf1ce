//! An experiment whose data lie in a warehouse: PostgreSQL, started here.

use serde_json::Value;

use crate::environment::Environment;
use crate::experiment::{SPEC, data};

#[path = "../../gates/dataset/tests/it/server.rs"]
#[allow(dead_code, clippy::disallowed_methods, reason = "the engine's own tests need more of it")]
mod server;

use server::Server;

/// Puts the lines of a CSV into a table whose columns are texts and an instant.
async fn fill(client: &tokio_postgres::Client, table: &str, csv: &str, amount: bool) {
    let mut rows = Vec::new();
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let last = if amount { fields[3].to_owned() } else { format!("'{}'", fields[3]) };
        rows.push(format!("('{}', '{}', '{}', {last})", fields[0], fields[1], fields[2]));
    }
    client.batch_execute(&format!("insert into {table} values {}", rows.join(", "))).await.unwrap();
}

/// The numbers of two reports, which may differ in their last digits alone.
fn assert_alike(one: &Value, other: &Value, path: &str) {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-9 * a.abs().max(1e-9), "{path}: {a} and {b}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{path}");
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                assert_alike(a, b, &format!("{path}.{at}"));
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{path}: {a:?} and {b:?}");
            for (key, value) in a {
                assert_alike(value, &b[key], &format!("{path}.{key}"));
            }
        }
        _ => assert_eq!(one, other, "{path}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_says_what_files_say() {
    let server = Server::start(&[]);
    let client = server.client().await;
    let create = "create schema shop; \
                  create table shop.exposures (user_id text, arm text, seen_at timestamptz, device text); \
                  create table shop.events (user_id text, name text, done_at timestamptz, amount numeric)";
    client.batch_execute(create).await.unwrap();
    let (exposures, conversions) = data(20_000, 0.5, 0.3);
    fill(&client, "shop.exposures", &exposures, false).await;
    fill(&client, "shop.events", &conversions, true).await;
    let tables = "  data:
    warehouse: { type: postgres, connection: \"${secret:WAREHOUSE}\" }
    exposures: { from: shop.exposures, time: seen_at, segments: [device] }
    conversions: { from: shop.events, event: name, time: done_at }
";
    let files = SPEC.lines().find(|line| line.starts_with("  data:")).unwrap();
    let environment = Environment::new(&[
        ("gate.yaml", "secrets:\n  WAREHOUSE: { env: WAREHOUSE_URL }\n"),
        ("files.yaml", &SPEC.replace("name: spring-hero", "name: files")),
        ("exposures.csv", &exposures),
        ("conversions.csv", &conversions),
        ("tables.yaml", &SPEC.replace(files, tables.trim_end())),
    ])
    .with("WAREHOUSE_URL", &server.connection());
    let ask = |spec: &str| {
        let ended = environment.gate(&["experiment", "analyze", spec, "--json"]);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        ended.json()
    };
    let (mut of_files, mut of_tables) = (ask("files.yaml"), ask("tables.yaml"));
    let told = of_tables["method"]["told"].as_str().unwrap().to_owned();
    assert!(told.contains("PostgreSQL (shop.exposures and shop.events)"), "{told}");
    for report in [&mut of_files, &mut of_tables] {
        for other in ["name", "method"] {
            report[other] = Value::Null;
        }
    }
    assert_alike(&of_files, &of_tables, "");

    // The gate asks it, too, and nothing that it keeps holds the secret.
    let run = environment.gate(&["run", "tables.yaml"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(!environment.all_of(".gate").contains(&server.connection()));
    // What is wrong with rows is said with its place.
    client
        .batch_execute("update shop.exposures set arm = 'old' where user_id = 'v7'")
        .await
        .unwrap();
    let refused = environment.gate(&["experiment", "analyze", "tables.yaml"]);
    assert_eq!(refused.code, 3, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("shop.exposures") && refused.stderr.contains("old"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_warehouse_that_is_not_there_is_said_to_be() {
    let warehouse = "data: { warehouse: { type: postgres, connection: \"host=127.0.0.1 port=1 user=u\" }, exposures: {";
    let spec = SPEC.replace("data: { exposures: {", warehouse);
    let environment = Environment::new(&[("gate.yaml", ""), ("hero.yaml", &spec)]);
    let ended = environment.gate(&["experiment", "analyze", "hero.yaml"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("cannot be connected to"), "{}", ended.stderr);
}
