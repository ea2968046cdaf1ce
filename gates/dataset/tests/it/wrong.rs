//! What is wrong with data is said with its place.

use std::path::Path;

use dataset::{Events, Exposures, Question, Source, Total, When, Zone, answer};

fn question(folder: &Path, name: &str) -> Question {
    Question {
        exposures: Exposures {
            from: folder.join(name),
            unit: "user".to_owned(),
            arm: "variant".to_owned(),
            time: Some("at".to_owned()),
            segments: Vec::new(),
        },
        events: Vec::new(),
        arms: vec!["a".to_owned(), "b".to_owned()],
        totals: vec![Total {
            source: Source::Exposures,
            event: None,
            column: Some("amount".to_owned()),
            when: When::After,
        }],
        products: Vec::new(),
        zone: Zone::default(),
    }
}

#[test]
fn places_and_reasons_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &[u8], expect: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        let error = answer(&question(folder.path(), name), 2).unwrap_err();
        let said = error.to_string();
        let said = said.strip_prefix(&format!("{}/", folder.path().display())).unwrap_or(&said);
        assert_eq!(said, expect);
    };
    let head = "user,at,variant,amount\n";
    let csv = |lines: &str, expect: &str| {
        check("x.csv", format!("{head}{lines}").as_bytes(), &format!("x.csv: {expect}"));
    };
    csv("u,2026-11-01,c,1\n", "line 2: column `variant`: there is no arm `c`");
    csv("u,2026-11-01,a,1\nu,2026-11-01,,1\n", "line 3: column `variant`: no arm is named");
    csv(",2026-11-01,a,1\n", "line 2: column `user`: nobody is named");
    csv("u,yesterday,a,1\n", "line 2: column `at`: `yesterday` is no time");
    // A date without its strokes does not count from 1970.
    for date in ["20261101", "20261101093000", "0"] {
        let expect = format!("column `at`: `{date}` is no time");
        csv(&format!("u,{date},a,1\n"), &format!("line 2: {expect}"));
        let line = format!("{{\"user\":1,\"at\":{date},\"variant\":\"a\"}}\n");
        check("x.jsonl", line.as_bytes(), &format!("x.jsonl: line 1: {expect}"));
    }
    csv("u,2026-11-01,a,NaN\n", "line 2: column `amount`: NaN cannot be added up");
    csv("u,2026-11-01,a,1e999\n", "line 2: column `amount`: inf cannot be added up");
    csv("u,2026-11-01,a,many\n", "line 2: column `amount`: `many` is no number");
    csv("u,2026-11-01,a\n", "line 2: there are 3 fields where the first line has 4");
    csv("\n\nu,2026-11-01,a,1,2\n", "line 4: there are 5 fields where the first line has 4");
    csv("\"u,2026-11-01,a,1\nv,2026-11-01,a,1\n", "line 2: a quote is not closed");
    csv(
        "u,2026-11-01,a,1\nv\"x,2026-11-01,a,1\n",
        "line 3: a quote opens in the middle of a field",
    );
    csv("\"u\"x,2026-11-01,a,1\n", "line 2: a quote closes in the middle of a field");
    csv(
        "u,2026-11-01T00:00:00Z,a,1\nu,2026-11-01T00:00:00,a,1\n",
        "line 3: column `at`: some times have a zone and others have none",
    );
    check("x.csv", b"user,at,variant\n", "x.csv: line 1: there is no column `amount`");
    check("x.csv", b"user,at,variant,user,amount\n", "x.csv: line 1: there are two columns `user`");
    for name in ["x.csv", "x.jsonl", "x.parquet"] {
        check(name, b"", &format!("{name}: the file is empty"));
    }
    check("x.csv", b"\n\n", "x.csv: there is no line with the names of columns");
    check("x.xls", b"x", "x.xls: `.xls` is no format of data");
    check(
        "x.jsonl",
        b"{\"user\":1,\"at\":1793491200,\"variant\":\"a\",\"amount\":[1]}\n",
        "x.jsonl: line 1: column `amount`: this is neither text nor a number",
    );
    check("x.jsonl", b"\n{\"at\":1}\n", "x.jsonl: line 2: column `user`: nobody is named");
    check(
        "x.jsonl",
        b"[1]\n",
        "x.jsonl: line 1: this is no JSON object: invalid type: sequence, expected a map at line 1 \
          column 0",
    );
    check(
        "x.parquet",
        b"PAR1....PAR1",
        "x.parquet: this is no whole Parquet file: Parquet file too small. Size is 12 but need \
         774778422",
    );
    let missing = answer(&question(folder.path(), "none.csv"), 2).unwrap_err();
    assert!(missing.to_string().ends_with("none.csv: No such file or directory (os error 2)"));
}

#[test]
fn the_first_mistake_is_told_whoever_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("user,at,variant,amount\n");
    for row in 0..400_000 {
        // Two mistakes, far behind one another.
        let arm = if row == 150_000 || row == 380_000 { "z" } else { "a" };
        text.push_str(&format!("user-{row},2026-11-01T00:00:00Z,{arm},1\n"));
    }
    std::fs::write(folder.path().join("x.csv"), text).unwrap();
    for threads in [1, 2, 4] {
        let error = answer(&question(folder.path(), "x.csv"), threads).unwrap_err();
        assert_eq!(error.place.line, Some(150_002), "{threads}");
        assert_eq!(error.hint.as_deref(), Some("the arms are a, b"));
    }
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let check = |change: &dyn Fn(&mut Question), expect: &str| {
        let mut question = question(folder.path(), "x.csv");
        change(&mut question);
        assert_eq!(answer(&question, 1).unwrap_err().to_string(), expect);
    };
    check(&|one| one.arms.clear(), "there are no arms, or one has no name");
    check(&|one| one.arms.push("a".to_owned()), "two arms have the same name");
    check(&|one| one.products.push((0, 1)), "a product is of a total that is not there");
    check(&|one| one.totals[0].when = When::Before, "nothing is exposed before it is exposed");
    check(
        &|one| one.totals[0].source = Source::Events(0),
        "a total is of a table that is not there",
    );
    check(
        &|one| {
            one.events.push(Events {
                from: folder.path().join("x.csv"),
                unit: "user".to_owned(),
                time: None,
                event: None,
            });
            one.totals[0].source = Source::Events(0);
            one.totals[0].event = Some("buy".to_owned());
        },
        "a total is of an event, and no column says what was done",
    );
}
