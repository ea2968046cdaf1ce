use super::*;
use crate::message::Headers;

/// An answer as a test writes it: status, `name: value` lines, body.
type Written<'a> = (u16, &'a [&'a str], &'a str);

const JSON: &[&str] = &["content-type: application/json; charset=utf-8"];

fn findings(before: Written<'_>, after: Written<'_>) -> Vec<Finding> {
    let headers = |lines: &[&str]| -> Headers {
        lines.iter().map(|line| line.split_once(": ").unwrap()).collect()
    };
    let (was, is) = (headers(before.1), headers(after.1));
    let answered = |(status, _, body): Written<'_>, headers| Answered {
        status,
        headers,
        body: Box::leak(body.to_owned().into_boxed_str()).as_bytes(),
        head_ms: None,
    };
    compare(&answered(before, &was), &answered(after, &is))
}

fn check(before: Written<'_>, after: Written<'_>, severity: Severity, change: Change, place: &str) {
    let found = findings(before, after);
    let worst = found.first().map(|one| (one.severity, one.change, one.place.as_str()));
    assert_eq!(worst, Some((severity, change, place)), "{found:?}");
}

/// A service's answer and a change of its body.
fn check_body(before: &str, after: &str, severity: Severity, change: Change, place: &str) {
    check((200, JSON, before), (200, JSON, after), severity, change, place);
}

const CONTACTS: &str = r#"{"total":2,"next":null,"results":[
    {"id":"151","email":"a@example.com","score":7,"vip":true,"tags":["a"],"owner":{"name":"Kim","since":"2026-01-01"},"stage":"lead","at":"2026-11-21T08:30:00Z"},
    {"id":"152","email":"b@example.com","score":3.5,"vip":false,"tags":[],"owner":{"name":"Lee","since":"2026-02-01"},"stage":"lead","at":"2026-11-21T09:30:00Z","note":"x"}]}"#;

#[test]
fn what_breaks_a_client_is_found() {
    use Change::{Format, Null, Optional, Removed, Type};
    let breaking = |from: &str, to: &str, change: Change, place: &str| {
        assert!(CONTACTS.contains(from), "{from}");
        check_body(CONTACTS, &CONTACTS.replace(from, to), Severity::Breaking, change, place);
    };
    breaking(r#""total":2,"#, "", Removed, "$.total");
    breaking(r#""total":2"#, r#""total":"2""#, Type, "$.total");
    breaking(r#""total":2"#, r#""total":null"#, Null, "$.total");
    breaking(r#""total":2"#, r#""total":{"value":2}"#, Type, "$.total");
    breaking(r#""total":2"#, r#""total":[2]"#, Type, "$.total");
    breaking(r#""total":2"#, r#""Total":2"#, Removed, "$.total");
    breaking(r#""id":"151","#, "", Optional, "$.results[*].id");
    breaking(r#""id":"151""#, r#""id":151"#, Type, "$.results[*].id");
    breaking(r#""id":"151""#, r#""id":null"#, Null, "$.results[*].id");
    breaking(r#""id":"151""#, r#""id":"c-151""#, Format, "$.results[*].id");
    breaking(r#""email":"a@example.com""#, r#""email":"hidden""#, Format, "$.results[*].email");
    breaking(r#""email""#, r#""mail""#, Removed, "$.results[*].email");
    breaking(r#""score":7"#, r#""score":"high""#, Type, "$.results[*].score");
    breaking(r#""vip":true"#, r#""vip":1"#, Type, "$.results[*].vip");
    breaking(r#""vip":true"#, r#""vip":"true""#, Type, "$.results[*].vip");
    breaking(r#""tags":["a"]"#, r#""tags":"a""#, Type, "$.results[*].tags");
    breaking(r#""tags":["a"]"#, r#""tags":[1]"#, Type, "$.results[*].tags[*]");
    breaking(r#""tags":["a"]"#, r#""tags":[{"name":"a"}]"#, Type, "$.results[*].tags[*]");
    breaking(r#""tags":["a"]"#, r#""tags":null"#, Null, "$.results[*].tags");
    breaking(
        r#""owner":{"name":"Kim","since":"2026-01-01"}"#,
        r#""owner":"Kim""#,
        Type,
        "$.results[*].owner",
    );
    breaking(
        r#""owner":{"name":"Kim","since":"2026-01-01"}"#,
        r#""owner":{}"#,
        Optional,
        "$.results[*].owner.name",
    );
    breaking(r#""name":"Kim","#, "", Optional, "$.results[*].owner.name");
    breaking(
        r#""since":"2026-01-01""#,
        r#""since":"01/01/2026""#,
        Format,
        "$.results[*].owner.since",
    );
    breaking(r#""since":"2026-01-01""#, r#""since":1767225600"#, Type, "$.results[*].owner.since");
    breaking(r#""at":"2026-11-21T08:30:00Z""#, r#""at":"2026-11-21""#, Format, "$.results[*].at");
    breaking(r#""at":"2026-11-21T08:30:00Z""#, r#""at":1795000000"#, Type, "$.results[*].at");
    let (whole, list) = (CONTACTS, r#"[{"id":"151"}]"#);
    check_body(whole, list, Severity::Breaking, Type, "$");
    check_body(list, r#"{"results":[]}"#, Severity::Breaking, Type, "$");
    check_body(list, r#"[{"key":"151"}]"#, Severity::Breaking, Removed, "$[*].id");
    check_body(r#"[["a"]]"#, "[[1]]", Severity::Breaking, Type, "$[*][*]");
    check_body(whole, "<html>", Severity::Breaking, Change::Malformed, "body");
    check_body(whole, "", Severity::Breaking, Change::BodyGone, "body");
    check_body(r#"{"u":"https://a/b"}"#, r#"{"u":"/b"}"#, Severity::Breaking, Format, "$.u");
    let uuid = r#"{"u":"0d3f5a72-9b1c-4f0e-8f55-1f1f6f0f9d11"}"#;
    check_body(uuid, r#"{"u":"151"}"#, Severity::Breaking, Format, "$.u");
}

#[test]
fn what_breaks_around_the_body_is_found() {
    use Severity::{Breaking, Unchecked, Warning};
    let ok = (200, JSON, "{}");
    check(ok, (404, JSON, "{}"), Breaking, Change::Status, "status");
    check(ok, (301, &["location: /x"], ""), Breaking, Change::Status, "status");
    check(ok, (204, &[], ""), Breaking, Change::Status, "status");
    check(ok, (401, JSON, "{}"), Breaking, Change::Authentication, "status");
    check(ok, (403, JSON, "{}"), Breaking, Change::Authentication, "status");
    check((404, JSON, "{}"), (200, JSON, "{}"), Breaking, Change::Status, "status");
    check(ok, (201, JSON, "{}"), Warning, Change::Status, "status");
    check(ok, (429, JSON, "{}"), Unchecked, Change::Status, "status");
    check(ok, (503, &[], ""), Unchecked, Change::Status, "status");
    let html: &[&str] = &["content-type: text/html"];
    check(ok, (200, html, "{}"), Breaking, Change::MediaType, "header content-type");
    check(ok, (200, &[], "{}"), Breaking, Change::MediaType, "header content-type");
    let latin: &[&str] = &["content-type: application/json; charset=latin1"];
    check(ok, (200, latin, "{}"), Breaking, Change::Charset, "header content-type");
    let linked: &[&str] = &[JSON[0], "link: </x>; rel=next"];
    check((200, linked, "{}"), ok, Breaking, Change::Header, "header link");
    let open: &[&str] = &[JSON[0], "access-control-allow-origin: *"];
    check((200, open, "{}"), ok, Breaking, Change::Header, "header access-control-allow-origin");
    let moved = |to: &'static [&'static str]| (302, to, "");
    let from = moved(&["location: https://a/x/1?s=1"]);
    check(
        from,
        moved(&["location: https://b/x/1?s=1"]),
        Breaking,
        Change::Location,
        "header location",
    );
    check(
        from,
        moved(&["location: https://a/login/x/1"]),
        Breaking,
        Change::Location,
        "header location",
    );
    check(from, moved(&[]), Breaking, Change::Location, "header location");
    check(
        from,
        moved(&["location: https://a/x/2?t=1"]),
        Warning,
        Change::Location,
        "header location",
    );
    let going: &[&str] = &[JSON[0], "sunset: Sat, 31 Dec 2027 23:59:59 GMT"];
    check(ok, (200, going, "{}"), Warning, Change::Deprecated, "header sunset");
    let csv: &[&str] = &["content-type: text/csv"];
    check((200, csv, "id,name\n1,a"), (200, csv, "id\n1"), Breaking, Change::Column, "column name");
    check(
        (200, csv, "id,name\n1,a"),
        (200, csv, "name,id\na,1"),
        Warning,
        Change::Column,
        "columns",
    );
    let lines: &[&str] = &["content-type: application/x-ndjson"];
    check(
        (200, lines, "{\"a\":1}\n"),
        (200, lines, "{\"b\":1}\n"),
        Breaking,
        Change::Removed,
        "$[*].a",
    );
    let picture: &[&str] = &["content-type: image/png"];
    check((200, picture, "1"), (200, picture, "2"), Unchecked, Change::Opaque, "body");
}

#[test]
fn what_does_not_break_is_told_apart() {
    use Severity::{Information, Unchecked, Warning};
    check_body(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, Information, Change::Added, "$.b");
    check_body(r#"[{"a":1}]"#, r#"[{"a":1,"b":2}]"#, Information, Change::Added, "$[*].b");
    check_body(r#"{"a":null}"#, r#"{"a":1}"#, Information, Change::Type, "$.a");
    check_body(r#"{"a":[1]}"#, r#"{"a":[]}"#, Unchecked, Change::Empty, "$.a[*]");
    check_body(
        CONTACTS,
        &CONTACTS.replace(r#","note":"x""#, ""),
        Warning,
        Change::Removed,
        "$.results[*].note",
    );
    let plans = r#"[{"p":"free"},{"p":"pro"},{"p":"free"},{"p":"pro"}]"#;
    let more = plans.replacen("free", "team", 1);
    check_body(plans, &more, Warning, Change::Enumeration, "$[*].p");
}

#[test]
fn data_is_no_change() {
    let same = |before: &str, after: &str| {
        assert_eq!(findings((200, JSON, before), (200, JSON, after)), [], "{before} {after}");
    };
    same(CONTACTS, CONTACTS);
    same(r#"{"n":10,"s":"a","b":true,"l":[1]}"#, r#"{"n":9.5,"s":"","b":false,"l":[1,2,3]}"#);
    same(r#"{"at":"2026-11-21T08:30:00Z"}"#, r#"{"at":"2027-01-01T00:00:00.123+01:00"}"#);
    same(r#"[{"a":1,"b":2},{"a":1}]"#, r#"[{"a":1}, {"b":1,"a":5}]"#);
    same(r#"{"l":[]}"#, r#"{"l":[]}"#);
    same(r#"{"l":[]}"#, r#"{"l":[{"new":1}]}"#);
    same(r#"{"a":1,"a":2}"#, r#"{"a":1}"#);
}

#[test]
fn an_answer_that_takes_much_longer_is_told() {
    let headers = Headers::default();
    let answered = |ms| Answered { status: 200, headers: &headers, body: b"", head_ms: Some(ms) };
    let slower = |was, is| !compare(&answered(was), &answered(is)).is_empty();
    assert!(slower(100, 900));
    assert!(!slower(100, 400), "not by so much that anybody waits");
    assert!(!slower(1000, 2900), "not three times");
}
