use redact::placeholder::Key;

use super::*;
use crate::rules::{Came, Rules};
use crate::{Address, Cassette, Policy, import};

fn cleaner(key: u8) -> Cleaner {
    Cleaner::new(redact::Redactor::default(), &[], Key([key; 32]))
}

/// What becomes of the rule of a mapping, and whether requests with the secret that it asked for,
/// and with others, fit it.
fn fits(asked: &str, expect: Fit, request: impl Fn(&str) -> Request, others: &[(&str, bool)]) {
    let mapping =
        format!(r#"{{"request":{{"method":"ANY",{asked}}},"response":{{"status":200}}}}"#);
    let before = import::read_bytes(mapping.as_bytes(), None).unwrap().rules;
    let (cleaning, replaying) = (cleaner(3), cleaner(9));
    let (clean, _) = cleaned_rules(&before, &cleaning).unwrap();
    let told = fit(&before[0], &clean[0], &cleaner(5)).unwrap();
    assert_eq!(told, expect, "{asked} {:?}", clean[0]);
    let folder = tempfile::tempdir().unwrap();
    let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
    cassette.write_rules(&clean, &cleaning).unwrap();
    let text = std::fs::read_to_string(folder.path().join("rules.json")).unwrap();
    if expect != Fit::Same {
        for secret in ["kP3zQ9x", "kim@", "kim\\\\@", "hunter2"] {
            assert!(!text.contains(secret), "{asked}: {text}");
        }
    }
    // Cleaned once more, nothing changes.
    let rules = cassette.rules().unwrap();
    assert_eq!(cleaned_rules(&rules, &cleaner(7)).unwrap(), (rules.clone(), 0), "{asked}");
    let rules = Rules::new(rules);
    for (secret, fits) in others {
        let plain = request(secret);
        let clean = crate::wire::without_secrets(&replaying, plain.clone());
        let came = Came { plain: &plain, clean: &clean };
        let found = rules.find(came, &Address::of(&plain.url).origin()).is_some();
        assert_eq!(found, *fits, "{asked} {secret}\n{text}\n{clean:?}");
    }
}

fn to(url: String) -> Request {
    Request { method: "GET".into(), url, ..Request::default() }
}

fn with(name: &str, value: String) -> Request {
    Request { headers: [(name, value)].into_iter().collect(), ..to("/x".into()) }
}

fn post(media_type: &str, body: String) -> Request {
    let headers = [("content-type", media_type)].into_iter().collect();
    Request { method: "POST".into(), url: "/x".into(), headers, body: body.into() }
}

const ANY: &[(&str, bool)] = &[("kP3zQ9xLm2", true), ("An0therKey77", true)];

#[test]
fn any_secret_fits_where_a_header_held_one() {
    let check = |matcher: &str, expect: Fit, others: &[(&str, bool)]| {
        let key = |one: &str| with("authorization", format!("Bearer {one}"));
        let asked = format!(r#""headers":{{"Authorization":{matcher}}}"#);
        fits(&asked, expect, key, others);
    };
    check(r#"{"equalTo":"Bearer kP3zQ9xLm2"}"#, Fit::AnyOfKind, ANY);
    check(r#"{"equalTo":"Basic kP3zQ9xLm2"}"#, Fit::AnyOfKind, &[("kP3zQ9xLm2", false)]);
    check(r#"{"contains":"kP3zQ9xLm2"}"#, Fit::AnyOfKind, ANY);
    check(r#"{"matches":"Bearer kP3zQ9xLm2.*"}"#, Fit::AnyOfKind, ANY);
    check(r#"{"matches":"Bearer (kP3zQ9xLm2|kP3zQ9xLm3)"}"#, Fit::AnyOfKind, ANY);
    check(r#"{"matches":"Bearer kP3z"}"#, Fit::AnyOfKind, ANY);
    let not = &[("x1y2z3w4q5", false)];
    check(r#"{"doesNotMatch":"Bearer kP3zQ9xLm2"}"#, Fit::AnyOfKind, not);
    let or = r#"{"or":[{"absent":true},{"equalTo":"Bearer kP3zQ9xLm2"}]}"#;
    check(or, Fit::AnyOfKind, ANY);
    // What says nothing of one secret is held against what came.
    let shape = &[("abc123", true), ("abc1234", false)];
    check(r#"{"matches":"Bearer [a-z]{3}[0-9]{3}"}"#, Fit::Same, shape);
    check(r#"{"contains":"Bearer"}"#, Fit::Same, ANY);
    check(r#"{"absent":true}"#, Fit::Same, &[("kP3zQ9xLm2", false)]);
    let within = r#""headers":{"X-Who":{"matches":"user=kim@example\\.org;n=[0-9]+"}}"#;
    let who = |one: &str| with("x-who", format!("user={one};n=12"));
    fits(within, Fit::AnyOfKind, who, &[("lee@example.com", true), ("nobody", false)]);
    let cookie = r#""cookies":{"sid":{"equalTo":"0123456789abcdef0123456789abcdef"}}"#;
    let others = &[("fedcba98765432100123456789abcdef", true)];
    let sent = |one: &str| with("cookie", format!("a=1; sid={one}"));
    fits(cookie, Fit::AnyOfKind, sent, others);
}

#[test]
fn any_secret_fits_where_an_address_held_one() {
    let query = r#""urlPath":"/x","queryParameters":{"api_key":{"equalTo":"kP3zQ9xLm2"}}"#;
    fits(query, Fit::AnyOfKind, |one| to(format!("/x?api_key={one}")), ANY);
    fits(query, Fit::AnyOfKind, |one| to(format!("/x?b={one}")), &[("kP3zQ9xLm2", false)]);
    let asked = |one: &str| to(format!("/x?api_key={one}&n=12"));
    for key in ["kP3zQ9xLm2", "kP3zQ9x[A-Z]m[0-9]"] {
        let url = format!(r#""urlPattern":"/x\\?api_key={key}&n=[0-9]+""#);
        fits(&url, Fit::AnyOfKind, asked, ANY);
    }
    let either = r#""urlPattern":"/x\\?api_key=(kP3zQ9xLm2|kP3zQ9xAb7)&n=[0-9]+""#;
    fits(either, Fit::AnyOfKind, asked, ANY);
    let people = &[("kim@example.org", true), ("lee@example.com", true), ("nobody", false)][..];
    let by = |one: &str| to(format!("/users/{one}/notes"));
    fits(r#""urlPath":"/users/kim@example.org/notes""#, Fit::AnyOfKind, by, people);
    let pattern = r#""urlPathPattern":"/users/kim@example\\.org/[a-z]+""#;
    fits(pattern, Fit::AnyOfKind, by, people);
    let template = r#""urlPathTemplate":"/users/{id}/notes","pathParameters":{"id":{"equalTo":"kim@example.org"}}"#;
    fits(template, Fit::AnyOfKind, by, people);
    let others = &[("lee@example.com", true), ("kim@example.org", false)];
    fits(r#""urlPathPattern":"/users/[^/]+@example\\.com/notes""#, Fit::Same, by, others);
}

#[test]
fn any_secret_fits_where_a_body_held_one() {
    let secrets = &[("hunter2-hunter2", true), ("an0ther-one-3", true)][..];
    let json = |one: &str| post("application/json", format!(r#"{{"user":1,"password":"{one}"}}"#));
    let whole = r#""bodyPatterns":[{"equalToJson":{"user":1,"password":"hunter2-hunter2"}}]"#;
    fits(whole, Fit::AnyOfKind, json, secrets);
    let member = r#""bodyPatterns":[{"matchesJsonPath":{"expression":"$.password","equalTo":"hunter2-hunter2"}}]"#;
    fits(member, Fit::AnyOfKind, json, secrets);
    let text = r#""bodyPatterns":[{"contains":"\"password\":\"hunter2-hunter2\""}]"#;
    fits(text, Fit::AnyOfKind, json, secrets);
    let pattern = r#""bodyPatterns":[{"matches":".*\"password\":\"hunter2-hunter2\".*"}]"#;
    fits(pattern, Fit::AnyOfKind, json, secrets);
    fits(r#""bodyPatterns":[{"matchesJsonPath":"$.user"}]"#, Fit::Same, json, secrets);
    let either =
        r#""bodyPatterns":[{"matches":".*\"password\":\"(hunter2-hunter2|hunter2-12345678)\".*"}]"#;
    fits(either, Fit::AnyOfKind, json, secrets);
    let form =
        |one: &str| post("application/x-www-form-urlencoded", format!("user=1&password={one}"));
    let whole = r#""bodyPatterns":[{"equalTo":"user=1&password=hunter2-hunter2"}]"#;
    fits(whole, Fit::AnyOfKind, form, secrets);
    let field = r#""formParameters":{"password":{"equalTo":"hunter2-hunter2"}}"#;
    fits(field, Fit::AnyOfKind, form, secrets);
}

#[test]
fn what_another_part_has_told_may_never_answer() {
    let rule = |text: &str| import::read_bytes(text.as_bytes(), None).unwrap().rules;
    let before = rule(
        r#"{"request":{"method":"POST","bodyPatterns":[{"contains":"kP3zQ9xLm2"}]},"response":{"status":200}}"#,
    );
    let (cleaner, fresh) = (cleaner(3), &cleaner(5));
    assert_eq!(cleaned_rules(&before, &cleaner).unwrap(), (before.clone(), 0));
    cleaner.header("", "authorization", b"Bearer kP3zQ9xLm2");
    let (after, changed) = cleaned_rules(&before, &cleaner).unwrap();
    assert_eq!(changed, 1);
    assert_eq!(fit(&before[0], &after[0], fresh).unwrap(), Fit::Perhaps);
}
