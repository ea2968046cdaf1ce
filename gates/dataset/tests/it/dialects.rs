//! The queries in each dialect, as people read them.

use dataset::sql::{Dialect, Kind, Table, look, means, sums};
use dataset::{Events, Exposures, Question, Source, Total, When, Zone};

/// With names and texts that want to be more than that.
fn question() -> Question<Table> {
    let mut events = Table::named("shop.\"fact.events\"");
    events.kinds.insert("at".to_owned(), Kind::Wall);
    events.kinds.insert("is_member".to_owned(), Kind::Truth);
    let total = |event: Option<&str>, column: Option<&str>, when| Total {
        source: Source::Events(0),
        event: event.map(str::to_owned),
        column: column.map(str::to_owned),
        when,
    };
    Question {
        exposures: Exposures {
            from: Table::named("shop.exposures"),
            unit: "user".to_owned(),
            arm: "the \"arm\"".to_owned(),
            time: Some("at".to_owned()),
            segments: vec!["country`; drop".to_owned()],
        },
        events: vec![Events {
            from: events,
            unit: "user".to_owned(),
            time: Some("at".to_owned()),
            event: Some("event".to_owned()),
        }],
        arms: vec!["new".to_owned(), "it's \\' old".to_owned()],
        totals: vec![
            total(Some("buy"), Some("amount"), When::After),
            total(None, Some("is_member"), When::Before),
            Total { source: Source::Exposures, ..total(None, None, When::After) },
        ],
        products: vec![(0, 1)],
        zone: Zone::named("Europe/Berlin").unwrap(),
    }
}

#[test]
fn queries_read_well() {
    let mut question = question();
    for dialect in Dialect::ALL {
        let mut text = look(&question, dialect).unwrap();
        text.push(means(&question, dialect).unwrap());
        text.push(sums(&question, dialect, Some(&[0.25, -3.0, 1e9])).unwrap());
        insta::assert_snapshot!(dialect.name(), text.join(";\n\n"));
    }
    // With nothing that need not be: no times, no events, and averages that are asked for on the way.
    question.exposures.time = None;
    question.exposures.segments.clear();
    question.events.clear();
    question.totals.drain(..2);
    question.products.clear();
    insta::assert_snapshot!("bare", sums(&question, Dialect::BigQuery, None).unwrap());
}

#[test]
fn what_counts_from_1970_is_told_by_its_size() {
    let mut question = question();
    question.exposures.from.kinds.insert("at".to_owned(), Kind::Count);
    let instants = Dialect::ALL.map(|dialect| {
        let sql = sums(&question, dialect, None).unwrap();
        let line = sql.lines().find(|line| line.ends_with(" as instant,")).unwrap();
        format!("{}: {}", dialect.name(), line.trim())
    });
    insta::assert_snapshot!("counts", instants.join("\n"));
}

#[test]
fn names_of_tables_are_read() {
    let check = |name: &str, expect: &[&str]| assert_eq!(Table::named(name).path, expect, "{name}");
    check("events", &["events"]);
    check("project.shop.events", &["project", "shop", "events"]);
    check("\"a.b\".\"say \"\"hi\"\"\"", &["a.b", "say \"hi\""]);
    check("shop.", &["shop", ""]);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let check = |change: &dyn Fn(&mut Question<Table>), expect: &str| {
        let mut question = question();
        change(&mut question);
        let error = sums(&question, Dialect::Postgres, None).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check(&|one| one.arms.clear(), "there are no arms, or one has no name");
    check(
        &|one| one.events[0].from = Table::named("shop."),
        "table `shop.`: a table, or what it lies in, has no name",
    );
    check(&|one| one.arms[0].push('\0'), "no arm or event has a NUL in it");
    let error = sums(&question(), Dialect::Trino, Some(&[1.0])).unwrap_err();
    assert_eq!(error.to_string(), "there is not one centre for each total");
}
