use super::super::compare::sort;
use super::*;
use crate::message::Headers;

const CONTACTS: &str = include_str!("contacts.yaml");

/// An answer as a test writes it: status, `name: value` lines, body.
type Written<'a> = (u16, &'a [&'a str], &'a str);

const JSON: &[&str] = &["content-type: application/json; charset=utf-8", "x-total-count: 2"];

const PAGE: &str = r#"{"total":2,"next":null,"results":[
    {"id":"151","email":"a@example.com","made":"2026-11-21T08:30:00Z","stage":"lead","score":7.5,"vip":true,"tags":["a","b"],"owner":{"name":"Kim"},"picture":"aGk=","place":{"city":"Bern"}},
    {"id":"152","email":"b@example.com","stage":"customer","owner":null,"referrer":{"id":"151","email":"c@example.com","stage":"lead"}}],
    "groups":{"a":1,"b":2}}"#;

fn document(text: &str) -> Document {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.yaml");
    crate::files::write(&path, text.as_bytes()).unwrap();
    Document::open(&path).unwrap()
}

/// What is found by the document alone.
fn findings(line: &str, before: Written<'_>, after: Written<'_>) -> Vec<Finding> {
    found_by(&document(CONTACTS), line, before, after)
}

fn found_by(
    document: &Document,
    line: &str,
    before: Written<'_>,
    after: Written<'_>,
) -> Vec<Finding> {
    let (method, url) = line.split_once(' ').unwrap();
    let request = Request { method: method.to_owned(), url: url.to_owned(), ..Request::default() };
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
    let held = Held::of(document, &request, &answered(before, &was));
    let mut found = held.live(&answered(after, &is));
    found.extend(held.always);
    sort(&mut found);
    found
}

/// Each deviation by severity, change and place, with the rule that it breaks.
fn told(found: &[Finding]) -> Vec<(Severity, Change, &str, &str)> {
    let told = |one| {
        let Finding { severity, change, place, document, .. }: &Finding = one;
        (*severity, *change, place.as_str(), document.as_ref().unwrap().rule.as_str())
    };
    found.iter().map(told).collect()
}

const LIST: &str = "GET https://staging.example.com/v1/contacts?limit=2";
const ONE: &str = "GET /v1/contacts/151";

#[test]
fn what_follows_the_document_is_not_told() {
    let document = document(CONTACTS);
    let none = |line: &str, answer: Written<'_>| {
        for _ in 0..100 {
            assert_eq!(found_by(&document, line, answer, answer), [], "{line} {answer:?}");
        }
    };
    none(LIST, (200, JSON, PAGE));
    none(ONE, (200, JSON, r#"{"id":"15","email":"a@example.com","stage":"lead","more":1}"#));
    none(ONE, (200, JSON, r#"{"id":"15","email":"a@example.com","stage":"lead","password":"x"}"#));
    none(ONE, (404, JSON, r#"{"error":"no such contact"}"#));
    none("HEAD /v1/contacts", (200, &[JSON[0], "x-total-count: 1"], ""));
    none("DELETE /v1/contacts/151", (204, &[], ""));
    none("GET /v1/contacts/export", (200, &["content-type: text/csv"], "id\n1"));
}

/// A deviation of the list of contacts and what it is found as; `@` is the schema of a contact.
fn deviates(from: &str, to: &str, change: Change, place: &str, rule: &str) {
    assert!(PAGE.contains(from), "{from}");
    let changed = PAGE.replacen(from, to, 1);
    let rule = rule.replace('@', "#/components/schemas/Contact");
    let answer = (200, JSON, changed.as_str());
    let found = findings(LIST, (200, JSON, PAGE), answer);
    assert_eq!(told(&found), [(Severity::Breaking, change, place, rule.as_str())], "{to}");
    let document = found[0].document.as_ref().unwrap();
    assert_eq!((document.side, document.operation.as_str()), (Side::Live, "listContacts"));
    let body: serde_json::Value = serde_json::from_str(&changed).unwrap();
    assert!(body.pointer(document.pointer.as_deref().unwrap()).is_some(), "{document:?}");

    // What the recording broke in the same way is the document's fault.
    let same = findings(LIST, answer, answer);
    assert_eq!(told(&same), [(Severity::Warning, change, place, rule.as_str())], "{to}");
    assert_eq!(same[0].document.as_ref().unwrap().side, Side::Both);
    let only = findings(LIST, answer, (200, JSON, PAGE));
    assert_eq!(told(&only), [(Severity::Warning, change, place, rule.as_str())], "{to}");
    assert_eq!(only[0].document.as_ref().unwrap().side, Side::Recorded);
}

/// A service and its document: every deviation is found, with its kind and its place.
#[test]
fn every_deviation_of_a_list_is_found() {
    use Change::{Added, Format, Limit, Null, Removed, Type};
    let check = deviates;
    let page = "#/components/schemas/Page";
    check(r#""total":2,"#, "", Removed, "$.total", &format!("{page}/required"));
    check(
        r#""total":2"#,
        r#""total":"2""#,
        Type,
        "$.total",
        &format!("{page}/properties/total/type"),
    );
    check(
        r#""total":2"#,
        r#""total":2.5"#,
        Type,
        "$.total",
        &format!("{page}/properties/total/type"),
    );
    check(
        r#""total":2"#,
        r#""total":null"#,
        Null,
        "$.total",
        &format!("{page}/properties/total/type"),
    );
    let minimum = format!("{page}/properties/total/exclusiveMinimum");
    check(r#""total":2"#, r#""total":0"#, Limit, "$.total", &minimum);
    let int32 = format!("{page}/properties/total/allOf/0/maximum");
    check(r#""total":2"#, r#""total":3000000000"#, Limit, "$.total", &int32);
    check(r#""next":null"#, r#""next":7"#, Type, "$.next", &format!("{page}/properties/next/type"));
    let uri = format!("{page}/properties/next/format");
    check(r#""next":null"#, r#""next":"/next""#, Format, "$.next", &uri);
    let more = format!("{page}/additionalProperties");
    check(r#""total":2"#, r#""total":2,"new":1"#, Added, "$.new", &more);
    let group = format!("{page}/properties/groups/additionalProperties/type");
    check(r#""b":2"#, r#""b":"2""#, Type, "$.groups.b", &group);
}

#[test]
fn every_deviation_of_an_element_is_found() {
    use Change::{Alternative, Enumeration, Format, Limit, Null, Removed, Type};
    let check = deviates;
    let id = "$.results[*].id";
    check(r#""id":"151","#, "", Removed, id, "@/required");
    check(r#""id":"151""#, r#""id":151"#, Type, id, "@/properties/id/type");
    check(r#""id":"151""#, r#""id":"x51""#, Format, id, "@/properties/id/pattern");
    check(r#""id":"151""#, r#""id":"1""#, Limit, id, "@/properties/id/minLength");
    check(r#""id":"151""#, r#""id":"1234567""#, Limit, id, "@/properties/id/maxLength");
    let email = "$.results[*].email";
    check("a@example.com", "nobody", Format, email, "@/properties/email/format");
    let made = "$.results[*].made";
    check("2026-11-21T08:30:00Z", "2026-11-21", Format, made, "@/properties/made/format");
    let stage = "$.results[*].stage";
    check(r#""lead","score""#, r#""gone","score""#, Enumeration, stage, "@/properties/stage/enum");
    let score = "$.results[*].score";
    check("7.5", "10.5", Limit, score, "@/properties/score/maximum");
    check("7.5", "7.3", Limit, score, "@/properties/score/multipleOf");
    check(r#""vip":true"#, r#""vip":1"#, Type, "$.results[*].vip", "@/properties/vip/type");
    let tags = "$.results[*].tags";
    check(r#"["a","b"]"#, r#"["a","a"]"#, Limit, tags, "@/properties/tags/uniqueItems");
    check(r#"["a","b"]"#, "[1]", Type, "$.results[*].tags[*]", "@/properties/tags/items/type");
    let name = "$.results[*].owner.name";
    let person = "#/components/schemas/Person";
    check(r#"{"name":"Kim"}"#, "{}", Removed, name, &format!("{person}/required"));
    check(r#""Kim""#, "null", Null, name, &format!("{person}/properties/name/type"));
    check("aGk=", "a_$k", Format, "$.results[*].picture", "@/properties/picture/format");
    let place = "$.results[*].place";
    check(r#"{"city":"Bern"}"#, "{}", Alternative, place, "@/properties/place/oneOf");
    check(
        r#"{"city":"Bern"}"#,
        r#"{"city":"Bern","country":"CH"}"#,
        Alternative,
        place,
        "@/properties/place/oneOf",
    );
    let deep = "$.results[*].referrer.email";
    check("c@example.com", "c", Format, deep, "@/properties/email/format");
}

#[test]
fn large_bodies_are_looked_at() {
    let document = document(
        "openapi: 3.1.0\npaths: { /l: { get: { responses: { '200': { content: { application/json: \
         { schema: { items: { type: integer } } } } } } } } }",
    );
    let (ones, texts) = (format!("[{}1]", "1,".repeat(400_000)), "\"a\",".repeat(400_000));
    let texts = format!("[{texts}1]");
    let check = |after: &str, expect: &[(Severity, &str)]| {
        let found = found_by(&document, "GET /l", (200, JSON, "[]"), (200, JSON, after));
        let found: Vec<_> = found.iter().map(|one| (one.severity, one.place.as_str())).collect();
        assert_eq!(found, expect);
    };
    check(&ones, &[]);
    check(&texts, &[(Severity::Unchecked, "body")]);
    check(&format!("[{}1]", "\"a\",".repeat(10_000)), &[(Severity::Breaking, "$[*]")]);
}

#[test]
fn every_deviation_around_a_body_is_found() {
    use Severity::{Breaking, Unchecked, Warning};
    let check = |line: &str, before: Written<'_>, after: Written<'_>, expect: &[_]| {
        let found = findings(line, before, after);
        let found: Vec<_> =
            found.iter().map(|one| (one.severity, one.change, one.place.as_str())).collect();
        assert_eq!(found, expect, "{line} {after:?}");
    };
    let list = (200, JSON, PAGE);
    check(
        LIST,
        list,
        (200, &JSON[..1], PAGE),
        &[(Breaking, Change::Header, "header x-total-count")],
    );
    check(LIST, list, (200, JSON, ""), &[(Breaking, Change::BodyGone, "body")]);
    check(LIST, list, (200, JSON, "{"), &[(Breaking, Change::Malformed, "body")]);
    check(LIST, (200, JSON, "{"), (200, JSON, "{"), &[(Unchecked, Change::Malformed, "body")]);
    let deep = "[".repeat(500);
    check(LIST, list, (200, JSON, &deep), &[(Unchecked, Change::Opaque, "body")]);
    let html: &[&str] = &["content-type: text/html", JSON[1]];
    let media = (Warning, Change::Undocumented, "header content-type");
    check(LIST, list, (200, html, "<p>"), &[media]);
    check(LIST, list, (200, &JSON[1..], PAGE), &[media]);
    check(LIST, list, (201, JSON, PAGE), &[(Warning, Change::Undocumented, "status")]);
    check(LIST, list, (401, JSON, r#"{"error":"who?"}"#), &[]);
    check(LIST, list, (401, JSON, "{}"), &[(Breaking, Change::Removed, "$.error")]);
    check(
        ONE,
        (404, JSON, r#"{"error":"none"}"#),
        (500, JSON, r#"{"error":7}"#),
        &[(Breaking, Change::Type, "$.error")],
    );
    let body = (Warning, Change::Undocumented, "body");
    check("DELETE /v1/contacts/1", (204, &[], ""), (204, JSON, ""), &[]);
    let nowhere = (Warning, Change::Undocumented, "operation");
    check("GET /v2/contacts", list, list, &[nowhere]);
    check("GET /v1/none", list, list, &[nowhere]);
    check("POST /v1/contacts", list, list, &[nowhere]);
    check(
        "GET /v1/old",
        (200, JSON, "{}"),
        (200, JSON, "{}"),
        &[(Warning, Change::Deprecated, "operation")],
    );
    let xml: &[&str] = &["content-type: application/xml"];
    check(
        "GET /v1/feed",
        (200, xml, "<a/>"),
        (200, xml, "<a/>"),
        &[(Unchecked, Change::Opaque, "body")],
    );
    check(
        "GET /v1/lost",
        (200, JSON, "{}"),
        (200, JSON, "{}"),
        &[(Unchecked, Change::Opaque, "body")],
    );
    let told =
        document(&CONTACTS.replace("{ description: Gone. }", "{}").replace("\"204\"", "2XX"));
    let found = found_by(&told, "DELETE /v1/contacts/1", (200, &[], ""), (200, JSON, "{}"));
    let found: Vec<_> =
        found.iter().map(|one| (one.severity, one.change, one.place.as_str())).collect();
    assert_eq!(found, [body]);
}

#[test]
fn a_rule_that_never_held_blocks_nothing() {
    use Change::{Enumeration, Format, Null, Type};
    use Severity::{Breaking, Warning};
    let check = |before: &str, after: &str, expect: &[(Severity, Change)]| {
        let (before, after) = (
            format!(r#"{{"total":1,"results":[{before}]}}"#),
            format!(r#"{{"total":1,"results":[{after}]}}"#),
        );
        let found = findings(LIST, (200, JSON, &before), (200, JSON, &after));
        let found: Vec<_> = found.iter().map(|one| (one.severity, one.change)).collect();
        assert_eq!(found, expect, "{before} {after}");
    };
    let of = |more: &str| {
        let rest = [("id", "\"151\""), ("email", "\"a@b.example\""), ("stage", "\"lead\"")];
        let rest = rest.iter().filter(|(name, _)| !more.starts_with(&format!("\"{name}\"")));
        let rest: Vec<String> = rest.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{more},{}}}", rest.join(","))
    };
    // Other data, the same rule: in another element, deeper, with another value.
    check(&of(r#""id":"a1""#), &of(r#""id":"b2""#), &[(Warning, Format)]);
    check(
        &of(r#""stage":"new""#),
        &of(&format!(r#""referrer":{}"#, of(r#""stage":"old""#))),
        &[(Warning, Enumeration)],
    );
    check(&of(r#""id":1"#), &of(r#""id":2.5"#), &[(Warning, Type)]);
    // Broken in another way, the rule may well have been wrong; but this is new.
    check(&of(r#""id":1"#), &of(r#""id":null"#), &[(Breaking, Null), (Warning, Type)]);
    // What stands for a secret cannot break a rule of its text.
    let secret = of(r#""email":"redacted-apikey-0123456789ab""#);
    check(&secret, &of(r#""vip":true"#), &[]);
    check(&secret, &of(r#""email":"x""#), &[(Breaking, Format)]);
    check(&of(r#""vip":"redacted-apikey-0123456789ab""#), &of(r#""vip":true"#), &[]);
    check(&of(r#""place":{"town":"redacted-apikey-0123456789ab"}"#), &of(r#""vip":true"#), &[]);
}

/// One rule in two places: somebody may know of the one, and not of the other.
#[test]
fn every_place_is_told() {
    let both = PAGE.replacen(r#""id":"152""#, r#""id":"b""#, 1).replacen(
        r#""id":"151","email":"c@"#,
        r#""id":"a","email":"c@"#,
        1,
    );
    let found = findings(LIST, (200, JSON, PAGE), (200, JSON, &both));
    let pattern: Vec<&str> = found
        .iter()
        .filter(|one| one.change == Change::Format)
        .map(|one| one.place.as_str())
        .collect();
    assert_eq!(pattern, ["$.results[*].id", "$.results[*].referrer.id"]);
}

#[test]
fn what_people_read() {
    let broken = PAGE
        .replacen(r#""total":2"#, r#""total":0"#, 1)
        .replacen(r#""id":"151","#, "", 1)
        .replacen(r#""vip":true"#, r#""vip":"s3cret""#, 1)
        .replacen(r#""lead""#, r#""s3cret""#, 1)
        .replacen("7.5", "11", 1)
        .replacen(r#"["a","b"]"#, r#"["a","a"]"#, 1)
        .replacen(r#"{"city":"Bern"}"#, "{}", 1);
    let lines = |found: Vec<Finding>| -> Vec<String> {
        found.iter().map(|one| format!("{:?} {one}", one.severity)).collect()
    };
    let good: Written<'_> = (200, JSON, PAGE);
    let xml: &[&str] = &["content-type: application/xml"];
    let mut all = lines(findings(LIST, good, (200, &JSON[..1], &broken)));
    assert!(!all.join("\n").contains("s3cret"), "{all:?}");
    let total = PAGE.replacen(r#""total":2"#, r#""total":"2""#, 1);
    all.extend(lines(findings(LIST, (200, JSON, &total), (200, JSON, &total))));
    all.extend(lines(findings(LIST, (200, JSON, &total), good)));
    all.extend(lines(findings(LIST, good, (202, JSON, PAGE))));
    all.extend(lines(findings(LIST, good, (200, xml, "<a/>"))));
    all.extend(lines(findings("GET /v1/feed", (200, xml, "<a/>"), (200, xml, "<a/>"))));
    all.extend(lines(findings("GET /v1/lost", good, good)));
    all.extend(lines(findings("GET /v1/old", (200, JSON, "{}"), (200, JSON, "{}"))));
    all.extend(lines(findings("PUT /v1/contacts/1", good, good)));
    all.extend(lines(findings("GET /contacts", good, good)));
    insta::assert_snapshot!(all.join("\n"));
}
