//! Experiments whose data lie in warehouses that are asked over HTTP.

use crate::environment::Environment;
use crate::experiment::SPEC;

#[path = "../../gates/dataset/tests/it/faked.rs"]
#[allow(dead_code, reason = "the engine's own tests need more of it")]
mod faked;

use faked::{Faked, Reply};

/// The usual spec with its tables in this warehouse.
fn spec(warehouse: &str) -> String {
    let tables = format!(
        "  data:\n    warehouse: {warehouse}\n    exposures: {{ from: shop.exposures, person: account }}\n    \
         conversions: shop.events"
    );
    let files = SPEC.lines().find(|line| line.starts_with("  data:")).unwrap();
    SPEC.replace(files, &tables)
}

fn environment(spec: &str) -> Environment {
    let secrets = "secrets:\n  PASSWORD: { env: WAREHOUSE_PASSWORD }\n";
    Environment::new(&[("gate.yaml", secrets), ("hero.yaml", spec)])
        .with("WAREHOUSE_PASSWORD", "hunter2 & co")
}

/// One question to each server, which refuses it: it was asked, by whom the spec says, and what it says
/// is told without the password.
#[test]
fn a_server_is_asked_and_what_it_refuses_is_told() {
    let server = Faked::start(|_, request| match request.headers.get("x-clickhouse-key") {
        Some(password) => {
            let told = format!("Code: 497. DB::Exception: not with {password}. (ACCESS_DENIED)");
            Reply::of(403, told).with("X-ClickHouse-Exception-Code", "497")
        }
        None => Reply::of(200, "{\"id\":\"1\",\"error\":{\"message\":\"no such catalogue\"}}"),
    });
    let address = server.address();
    let check = |warehouse: &str, expect: &str| {
        let environment = environment(&spec(warehouse));
        for command in [&["experiment", "analyze", "hero.yaml"][..], &["run", "hero.yaml"]] {
            let ended = environment.gate(command);
            assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
            let told = format!("{}{}", ended.stdout, ended.stderr);
            let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(told.contains(expect), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert!(!environment.all_of(".gate").contains("hunter2"));
    };
    let clickhouse = format!(
        "{{ type: clickhouse, connection: {address}/shop, user: reader, password: \"${{secret:PASSWORD}}\" }}"
    );
    check(&clickhouse, "ClickHouse refuses: not with");
    let trino = format!("{{ type: trino, connection: {address}/hive, user: reader }}");
    check(&trino, "Trino refuses: no such catalogue");
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[0].headers["x-clickhouse-key"], "hunter2 & co");
    assert!(
        requests[0].body.contains("from `shop`.`exposures` as t limit 0"),
        "{}",
        requests[0].body
    );
    assert_eq!(requests[2].headers["x-trino-catalog"], "hive");
    assert!(requests[3].body.contains("from \"shop\".\"exposures\" as t limit 0"));
}

#[test]
fn all_that_is_asked_is_printed() {
    let spec = spec("{ type: trino, connection: https://reader@trino.example.com/hive }");
    let environment = environment(&spec);
    let sql = ["experiment", "sql", "hero.yaml"];
    let printed = environment.gate(&sql);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let persons =
        "-- The same exposures by `account`: is one person counted several times?\nwith exposed";
    assert!(printed.stdout.contains(persons), "{}", printed.stdout);
    let json = environment.gate(&[&sql[..], &["--json"]].concat()).json();
    assert_eq!(
        (&json["dialect"], json["problems"].as_array().unwrap().len()),
        (&"trino".into(), 3)
    );
    let persons = json["persons"].as_str().unwrap();
    assert!(persons.contains("cast(t.\"account\" as varchar) as unit"), "{persons}");
    assert!(printed.stdout.contains(persons), "{}", printed.stdout);
    // Without such a column nobody is asked for persons.
    environment.write("hero.yaml", &spec.replace(", person: account", ""));
    let json = environment.gate(&[&sql[..], &["--json"]].concat()).json();
    assert_eq!(
        (&json["persons"], json["problems"].as_array().unwrap().len()),
        (&serde_json::Value::Null, 2)
    );
}
