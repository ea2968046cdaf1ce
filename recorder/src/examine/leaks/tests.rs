use redact::Redactor;
use redact::placeholder::Key;

use super::*;
use crate::cassette::{Policy, Recorded};
use crate::files;

fn cleaner() -> Cleaner {
    Cleaner::new(Redactor::default(), &[], Key([5; 32]))
}

fn interaction(url: &str, header: (&str, &str), body: &str) -> Interaction {
    let request = Request {
        method: "GET".into(),
        url: url.into(),
        headers: [header].into_iter().collect(),
        body: Content::default(),
    };
    let headers = [("content-type", "application/json")].into_iter().collect();
    let body = body.to_owned().into();
    Interaction {
        request,
        response: Response { status: 200, headers, body, ..Response::default() },
    }
}

/// Where something is found, and what.
fn told(found: &[Leak]) -> Vec<String> {
    found.iter().map(|leak| format!("{}: {}", leak.place, leak.what)).collect()
}

#[test]
fn each_is_told_by_its_place_and_never_by_its_value() {
    let check = |url: &str, header: (&str, &str), body: &str, expect: &[&str]| {
        let one = interaction(url, header, body);
        let recorded = vec![Recorded { order: 0, interaction: one }];
        let mut imported = crate::import::read_bytes(b"http_interactions: []\n", None).unwrap();
        imported.recorded = recorded;
        let file = tempfile::NamedTempFile::new().unwrap();
        let found = leaks_in(&imported, file.path(), &cleaner()).unwrap();
        assert_eq!(told(&found), expect, "{url} {header:?} {body}");
    };
    let plain = ("accept", "*/*");
    check("https://a/x", plain, "{}", &[]);
    check(
        "https://a/x",
        ("authorization", "Bearer kP3zQ9x"),
        "{}",
        &["GET https://a/x: request header authorization: secret-name"],
    );
    check(
        "https://a/x",
        plain,
        r#"{"password":"hunter2","mail":"kim@example.org"}"#,
        &["GET https://a/x: response body: email", "GET https://a/x: response body: secret-name"],
    );
    for masked in ["Bearer <TOKEN>", "[FILTERED]", "Basic xxxx", "***", "token REDACTED"] {
        check("https://a/x", ("authorization", masked), "{}", &[]);
    }
    let address = "https://a/x?api_key=kP3zQ9x";
    let recorded = vec![Recorded { order: 0, interaction: interaction(address, plain, "{}") }];
    let mut imported = crate::import::read_bytes(b"http_interactions: []\n", None).unwrap();
    imported.recorded = recorded;
    let file = tempfile::NamedTempFile::new().unwrap();
    let found = told(&leaks_in(&imported, file.path(), &cleaner()).unwrap());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0], "GET https://a/x?api_key=redacted-secret: address: secret-name");
}

#[test]
fn every_file_of_a_cassette_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
    let large = format!(r#"{{"text":"{}"}}"#, "word ".repeat(2000));
    let one = interaction("https://a/x", ("accept", "*/*"), &large);
    let recorded = Recorded { order: 0, interaction: one };
    cassette.write(&[recorded], &cleaner()).unwrap();
    assert_eq!(leaks(&cassette, &cleaner(), Search::All).unwrap(), []);
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let body = cassette.files().unwrap()[0].clone();
    let text = fs::read_to_string(&body).unwrap();
    let noted = text.replacen('{', &format!("{{ \"note\": \"{token}\","), 1);
    files::write(&body, noted.as_bytes()).unwrap();
    files::write(&folder.path().join("notes.txt"), token.as_bytes()).unwrap();
    for search in [Search::Certain, Search::All] {
        let found = leaks(&cassette, &cleaner(), search).unwrap();
        let what: Vec<_> = found.iter().map(|leak| (leak.what, leak.is_certain)).collect();
        assert_eq!(what, [("github-token", true), ("github-token", true)], "{found:?}");
    }
}

/// What is certain is so whatever else is looked for, and has a better place then.
#[test]
fn what_is_certain_is_told_in_both_searches() {
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let check = |header: (&str, &str), body: &str, certain: &[&str], all: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        let one = interaction("https://a/x", ("accept", "HEADER"), r#"{"text":"BODY"}"#);
        cassette.write(&[Recorded { order: 0, interaction: one }], &cleaner()).unwrap();
        let path = cassette.files().unwrap()[0].clone();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("accept: HEADER", &format!("{}: {}", header.0, header.1));
        files::write(&path, text.replace(r#""text": "BODY""#, body).as_bytes()).unwrap();
        let found = leaks(&cassette, &cleaner(), Search::Certain).unwrap();
        assert!(found.iter().all(|leak| leak.is_certain && leak.place.starts_with("byte ")));
        let what: Vec<&str> = found.iter().map(|leak| leak.what).collect();
        assert_eq!(what, certain, "{header:?} {body}");
        let found = leaks(&cassette, &cleaner(), Search::All).unwrap();
        assert_eq!(told(&found), all, "{header:?} {body}");
        let is_certain = found.iter().filter(|leak| leak.is_certain).map(|leak| leak.what);
        assert_eq!(is_certain.collect::<Vec<_>>(), certain, "{header:?} {body}");
    };
    let plain = ("accept", "*/*");
    check(plain, r#""text": "plain""#, &[], &[]);
    check(
        ("authorization", "Bearer kP3zQ9x"),
        r#""password": "hunter2-hunter2""#,
        &[],
        &[
            "GET https://a/x: request header authorization: secret-name",
            "GET https://a/x: response body: secret-name",
        ],
    );
    check(
        ("authorization", &format!("Bearer {token}")),
        r#""text": "plain""#,
        &["bearer"],
        &["GET https://a/x: request header authorization: bearer"],
    );
    check(
        plain,
        &format!(r#""text": "see {token}", "password": "kP3zQ9x""#),
        &["github-token"],
        &[
            "GET https://a/x: response body: github-token",
            "GET https://a/x: response body: secret-name",
        ],
    );
}
