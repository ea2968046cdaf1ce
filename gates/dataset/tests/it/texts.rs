//! The same rows in every form of text, and what may not stand in one.

use std::path::Path;

use dataset::{Answer, Error, Events, Exposures, Question, Source, Total, When, Zone, answer};

const ARMS: [&str; 3] = ["a", "b", "c"];

fn question(file: &Path) -> Question {
    Question {
        exposures: Exposures {
            from: file.to_owned(),
            unit: "user".to_owned(),
            arm: "variant".to_owned(),
            time: None,
            segments: Vec::new(),
        },
        events: Vec::new(),
        arms: ARMS.map(str::to_owned).to_vec(),
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

/// The answer for a file with this name and text.
fn asked(name: &str, text: &[u8]) -> Result<Answer, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    answer(&question(&file), 2)
}

fn refused(name: &str, text: &[u8], expect: &str, hint: Option<&str>) {
    let error = asked(name, text).unwrap_err();
    let said = error.to_string();
    let said = said.split_once(&format!("{name}: ")).map(|(_, said)| said);
    assert_eq!((said, error.hint.as_deref()), (Some(expect), hint));
}

fn sums(answer: &Answer) -> Vec<f64> {
    answer.arms.iter().map(|arm| arm.totals[0].sum).collect()
}

/// An id is what is written, whether between quotes or not.
#[test]
fn ids_keep_all_their_digits() {
    let folder = tempfile::tempdir().unwrap();
    let check = |ids: [&str; 3]| {
        let exposures = folder.path().join("x.jsonl");
        let line = |(id, arm): (&&str, &str)| format!("{{\"user\":{id},\"variant\":\"{arm}\"}}\n");
        std::fs::write(&exposures, ids.iter().zip(ARMS).map(line).collect::<String>()).unwrap();
        let mut question = question(&exposures);
        question.totals[0].source = Source::Events(0);
        let line = |between: &str| {
            let line = |(id, amount): (&&str, u8)| match between {
                "," => format!("{},{amount}\n", id.trim_matches('"')),
                _ => format!("{{\"amount\":{amount},\"user\":\"{}\"}}\n", id.trim_matches('"')),
            };
            ids.iter().zip([1, 2, 4]).map(line).collect::<String>()
        };
        for (name, text) in
            [("y.csv", format!("user,amount\n{}", line(","))), ("y.jsonl", line(":"))]
        {
            let events = folder.path().join(name);
            std::fs::write(&events, text).unwrap();
            let (unit, time, event) = ("user".to_owned(), None, None);
            question.events = vec![Events { from: events, unit, time, event }];
            let got = answer(&question, 2).unwrap();
            assert_eq!(sums(&got), [1.0, 2.0, 4.0], "{ids:?} in {name}");
            assert_eq!(got.left.unexposed, 0, "{ids:?} in {name}");
        }
    };
    check(["1", "-2", "3"]);
    check(["100000000000000000001", "100000000000000000002", "100000000000000000003"]);
    check(["18446744073709551615", "18446744073709551616", "-9223372036854775809"]);
    check(["1234567890.1234567890", "1234567890.1234567891", "1234567890.12345678"]);
    check(["true", "\"null\"", "\"josé\""]);
    let hint = Some("write ids between quotes");
    refused(
        "x.jsonl",
        b"{\"user\":\"u\",\"variant\":\"a\",\"amount\":1e3}\n{\"user\":1E3,\"variant\":\"a\"}\n",
        "line 2: column `user`: `1E3` is a number with an exponent, and no name",
        hint,
    );
}

#[test]
fn objects_are_read_strictly() {
    let line = |text: &str| [text, "\n"].concat().into_bytes();
    // Escapes, other fields, and numbers that doubles are read from once.
    let got = asked(
        "x.jsonl",
        &line(
            "\u{feff}{\"more\":[{\"user\":1}],\"us\\u0065r\":\"\\\"u\\ud83d\\ude00\",\"variant\":\"b\",\
             \"amount\":\"2.5\"}\n\n {\"variant\":\"b\",\"user\":2,\"amount\":1.7976931348623157e100} \n\
             {\"user\":true,\"variant\":\"a\",\"amount\":true,\"more\":null,\"more\":{}}\n\
             {\"user\":3,\"variant\":\"c\",\"amount\":null}\n{\"user\":4,\"variant\":\"c\"}",
        ),
    );
    assert_eq!(sums(&got.unwrap()), [1.0, 1.797_693_134_862_315_7e100, 0.0]);
    refused(
        "x.jsonl",
        &line("{\"user\":1,\"variant\":\"a\"}\n{\"user\":1,\"variant\":\"a\",\"user\":2}"),
        "line 2: column `user`: it is there twice",
        None,
    );
    refused(
        "x.jsonl",
        &line("{\"user\":1,\"variant\":\"a\",\"amount\":1,\"am\\u006funt\":2}"),
        "line 1: column `amount`: it is there twice",
        None,
    );
    refused(
        "x.jsonl",
        &line("{\"user\":{\"id\":1},\"variant\":\"a\"}"),
        "line 1: column `user`: this is neither text nor a number",
        None,
    );
    refused(
        "x.jsonl",
        &line("{\"user\":1,\"variant\":\"a\"} {}"),
        "line 1: this is no JSON object: trailing characters at line 1 column 26",
        None,
    );
    refused(
        "x.jsonl",
        b"{\"user\":\"\\ud800\",\"variant\":\"a\"}",
        "line 1: column `user`: this is no text: unexpected end of hex escape at line 1 column 8",
        None,
    );
    assert!(asked("x.jsonl", b"{\"user\":\"\xff\",\"variant\":\"a\"}").is_err());
    assert!(asked("x.jsonl", b"{\"user\":1,\"variant\":\"a\"").is_err());
    refused(
        "x.jsonl",
        &line("{\"user\":1,\"variant\":\"a\",\"amount\":1e999}"),
        "line 1: column `amount`: inf cannot be added up",
        Some("leave it empty where nothing was measured"),
    );
}

/// Told apart by their bytes they would overwrite each other under the same name.
#[test]
fn segments_are_text() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &[u8], expect: &str| {
        let file = folder.path().join("x.csv");
        std::fs::write(&file, text).unwrap();
        let mut question = question(&file);
        question.exposures.segments = vec!["city".to_owned()];
        let error = answer(&question, 2).unwrap_err();
        let said = error.to_string();
        assert_eq!(said.split_once("x.csv: ").map(|(_, said)| said), Some(expect));
        assert_eq!(error.hint.as_deref(), Some("write the file as UTF-8"));
    };
    check(
        b"user,variant,amount,city\n1,a,1,K\xf6ln\n2,a,2,K\xfcln\n",
        "line 2: column `city`: `K\u{fffd}ln` is not UTF-8",
    );
    check(
        b"user,variant,amount,city\n1,a,1,\n2,a,2,\"K\xfcln\"\n",
        "line 3: column `city`: `K\u{fffd}ln` is not UTF-8",
    );
}

/// A line ends with \n, with \r\n or with the file, whatever stands between quotes near by.
#[test]
fn lines_end_alike_with_and_without_quotes() {
    let check = |head: &str, rows: &str| {
        for first in ["u1", "\"u1\""] {
            let text = [head, &rows.replace("u1", first)].concat();
            let got = asked("x.csv", text.as_bytes());
            assert_eq!(sums(&got.unwrap()), [1.0, 2.0, 0.0], "{text:?}");
        }
    };
    let head = "user,variant,amount";
    for end in ["\n", "\r\n"] {
        let head = [head, end].concat();
        for last in ["", "\n", "\r\n", "\r", "\n\r\n\n"] {
            check(&head, &format!("u1,a,1{end}{end}u2,b,2{last}"));
        }
    }
    // The last field is the one that a text ends with.
    let got = asked("x.csv", b"amount,variant,user\n1,a,u\r\n2,b,\"v\"\r").unwrap();
    assert_eq!(sums(&got), [1.0, 2.0, 0.0]);
    let fault = "a carriage return stands alone, and lines end with \\n or \\r\\n";
    for row in ["u\r2,b,2\n", "\ru2,b,2\n", "u2\r,b,2\n", "u2,b,2\r\r\n", "\r\r\n", "u2,b,\r2"] {
        for first in ["u1", "\"u1\""] {
            let text = format!("{head}\n{first},a,1\n{row}");
            refused("x.csv", text.as_bytes(), &format!("line 3: {fault}"), None);
        }
    }
    // As old Macs wrote it.
    refused("x.csv", b"user,variant,amount\ru1,a,1\ru2,b,2\r", &format!("line 1: {fault}"), None);
    // Between quotes it is a part of the text.
    let got = asked("x.csv", b"user,variant,amount\n\"u\r1\",a,1\n\"\r\",b,2\n").unwrap();
    assert_eq!(sums(&got), [1.0, 2.0, 0.0]);
}
