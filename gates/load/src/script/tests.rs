use gate_core::Json;
use load::{Answer, Ask, Visits};
use serde_json::json;

use super::visits::Going;
use super::*;

/// Visitors of a spec, in a folder with a feed.
fn visitors(spec: Json) -> Result<Arc<Visitors>, Error> {
    let spec: Settings = serde_json::from_value(spec).unwrap();
    assert_eq!(spec.problems(), []);
    let folder = tempfile::tempdir().unwrap();
    let people = folder.path().join("people.csv");
    gate_core::files::write_atomically(&people, b"who\nada\nbob\n", folder.path()).unwrap();
    let headers = vec![("cookie".to_owned(), "let=in".to_owned())];
    let making = Making {
        base: Base { url: Url::parse("http://shop.example/s").unwrap(), headers },
        folder: folder.path(),
        reveal: &|_| Ok("hush".to_owned()),
        may_load: &|url| match url.host_str() {
            Some("evil.example") => Err(Error::new("not yours")),
            _ => Ok(()),
        },
        stands_for: Some(Url::parse("https://live.example").unwrap()),
        seed: 7,
        now: Timestamp::from_millis(0),
    };
    Visitors::new(&spec, &making).map(Arc::new)
}

/// What is asked, in short: the step, the pause in milliseconds, the origin and the first line.
fn told(asks: &mut [Ask]) -> Vec<String> {
    asks.sort_by_key(|ask| (ask.step, ask.tag));
    asks.iter()
        .map(|ask| {
            let text = String::from_utf8(ask.request.bytes().to_vec()).unwrap();
            let cookie = text.lines().find_map(|line| line.strip_prefix("cookie: "));
            let cookie = cookie.map_or(String::new(), |cookie| format!(" [{cookie}]"));
            let line = text.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
            format!("{} {}ms @{} {line}{cookie}", ask.step, ask.pause / 1_000_000, ask.origin)
        })
        .collect()
}

fn answer<'a>(status: u16, head: &'a str, body: &'a str) -> Answer<'a> {
    let (head, body) = (head.as_bytes(), body.as_bytes());
    Answer { protocol: load::Protocol::Http1, status, head, body, is_whole: true, took: 1 }
}

/// Answers everything in turn; what was asked, and whether each answer was good and the last one
/// the end.
fn check(spec: Json, number: u64, answers: &[(u16, &str, &str)], expect: &[&str]) {
    let visitors = visitors(spec).unwrap();
    let mut going = Going::new(Arc::clone(&visitors));
    let (mut asks, mut all) = (Vec::new(), Vec::new());
    going.begin(number, &mut asks);
    let mut waiting = Vec::new();
    for (status, head, body) in answers {
        all.extend(told(&mut asks));
        waiting.append(&mut asks);
        let ask = waiting.remove(0);
        let head = format!("HTTP/1.1 {status} X\r\n{head}\r\n");
        let turn = going.answered(&ask, Some(&answer(*status, &head, body)), &mut asks);
        if !turn.is_good || turn.is_over {
            let good = if turn.is_good { "good" } else { "bad" };
            all.push(format!("{good}{}", if turn.is_over { ", over" } else { "" }));
        }
    }
    all.extend(told(&mut asks));
    all.extend(
        visitors
            .reasons
            .told()
            .iter()
            .map(|one| format!("{}x {}: {} ({})", one.count, one.step, one.what, one.first)),
    );
    assert_eq!(all, expect);
}

fn buyer() -> Json {
    json!({ "scenarios": [{
        "name": "buyer",
        "feed": "people.csv",
        "steps": [
            {
                "name": "offers",
                "request": "GET /offers?for={{who}}",
                "captures": { "token": "jsonpath \"$.token\"" },
                "asserts": ["jsonpath \"$.items\" count > 1"],
            },
            {
                "name": "cart",
                "think": "2s",
                "request": "POST https://live.example/cart",
                "form": { "token": "{{token}}" },
                "status": 303,
            },
        ],
    }]})
}

#[test]
fn a_visitor_goes_from_step_to_step() {
    let good = r#"{"token": "t1", "items": [1, 2]}"#;
    let first = "0 0ms @0 GET /s/offers?for=ada [let=in]";
    // It stands for the version that is asked.
    let cart = "1 2000ms @0 POST /cart [let=in]";
    check(buyer(), 0, &[(200, "", good), (303, "", "")], &[first, cart, "good, over"]);
    // Rows are taken in turn; cookies belong to their host.
    let set = "set-cookie: sid=s1; Path=/s\r\nset-cookie: other=1; Domain=evil.example\r\n";
    let bob = "0 0ms @0 GET /s/offers?for=bob [let=in]";
    check(buyer(), 3, &[(200, set, good)], &[bob, cart]);
    let wrong = "1x 1: the status is 303 (it is 200)";
    check(buyer(), 0, &[(200, "", good), (200, "", "")], &[first, cart, "bad, over", wrong]);
    let few = r#"{"token": "t1", "items": [1]}"#;
    let wrong = "1x 0: jsonpath \"$.items\" count > 1 (it is 1)";
    check(buyer(), 0, &[(200, "", few)], &[first, "bad, over", wrong]);
    let wrong = "1x 0: token: jsonpath \"$.token\" (there is none)";
    check(buyer(), 0, &[(200, "", "{\"items\": [1, 2]}")], &[first, "bad, over", wrong]);
    check(buyer(), 0, &[(500, "", "")], &[first, "bad, over"]);
}

#[test]
fn a_status_is_looked_at_of_all() {
    let spec = json!({
        "path": "/a",
        "checked": "0.01%",
        "asserts": ["status == 200", "jsonpath \"$.ok\" == true"],
    });
    let first = "0 0ms @0 GET /s/a [let=in]";
    check(spec.clone(), 1, &[(200, "", "{}")], &[first, "good, over"]);
    let wrong = "1x 0: status == 200 (it is 500)";
    check(spec, 1, &[(500, "", "{}")], &[first, "bad, over", wrong]);
}

#[test]
fn failures_of_a_share_are_held_against_nothing_else() {
    let check = |more: Json, count: usize| {
        let mut spec = json!({ "path": "/a", "checked": "10%", "asserts": ["status == 200"] });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let spec: Settings = serde_json::from_value(spec).unwrap();
        let problems = spec.problems();
        assert_eq!(problems.len(), count, "{more}: {problems:?}");
        assert!(problems.iter().all(|one| one.path.last().unwrap() == "checked"), "{problems:?}");
    };
    check(json!({}), 0);
    check(json!({ "thresholds": ["p(95)<1s"] }), 0);
    check(json!({ "thresholds": ["rate<1%"] }), 1);
    check(json!({ "thresholds": ["rate<1%"], "checked": "100%" }), 0);
    check(json!({ "compare": {} }), 1);
    check(json!({ "capacity": { "holds": ["p(95)<1s"] } }), 1);
}

#[test]
fn no_text_of_an_answer_is_told() {
    let spec = json!({ "path": "/a", "asserts": ["jsonpath \"$.token\" == \"x\""] });
    let wrong = "1x 0: jsonpath \"$.token\" == \"x\" (it is something else)";
    let answer = (200, "", r#"{"token": "eyJhbGciOi"}"#);
    check(spec.clone(), 1, &[answer], &["0 0ms @0 GET /s/a [let=in]", "bad, over", wrong]);
    let bare = "1x 0: there is an answer (it is a bare 101)";
    let visitors = visitors(spec).unwrap();
    let mut going = Going::new(Arc::clone(&visitors));
    let mut asks = Vec::new();
    going.begin(0, &mut asks);
    let turn = going.answered(&asks[0].clone(), Some(&self::answer(101, "", "")), &mut asks);
    assert!(!turn.is_good);
    let told = visitors.reasons.told();
    let one = &told[0];
    assert_eq!(format!("{}x {}: {} ({})", one.count, one.step, one.what, one.first), bare);
}

#[test]
fn a_page_is_loaded_with_what_it_needs() {
    let page = json!({ "scenarios": [{
        "name": "landing",
        "steps": [
            {
                "request": "GET /",
                "assets": [
                    { "get": "/app.css", "wait": "10ms" },
                    { "get": "/font.woff2", "after": "/app.css" },
                    { "get": "https://cdn.example/hero.jpg", "wait": "5ms" },
                ],
            },
            { "request": "GET /next" },
        ],
    }]});
    let set = "set-cookie: sid=s1\r\n";
    check(
        page,
        0,
        &[(200, set, ""), (200, "", ""), (404, "", ""), (200, "", ""), (200, "", "")],
        &[
            "0 0ms @0 GET /s/ [let=in]",
            "1 10ms @0 GET /s/app.css [let=in; sid=s1]",
            "1 5ms @1 GET /hero.jpg",
            // It waited for the style sheet.
            "1 0ms @0 GET /s/font.woff2 [let=in; sid=s1]",
            // A picture that is not there is no reason to go away.
            "bad",
            "2 0ms @0 GET /s/next [let=in; sid=s1]",
            "good, over",
        ],
    );
}

#[test]
fn visitors_are_shared_out_by_weight_and_always_alike() {
    let spec = json!({ "scenarios": [
        { "name": "many", "weight": 3, "steps": [{ "request": "GET /many" }] },
        { "name": "few", "steps": [{ "request": "GET /few", "think": "1s..3s" }] },
    ]});
    let visitors = visitors(spec).unwrap();
    let all = || {
        let mut going = Going::new(Arc::clone(&visitors));
        let mut asks = Vec::new();
        (0..4000).for_each(|number| going.begin(number, &mut asks));
        asks
    };
    let (one, other) = (told(&mut all()), told(&mut all()));
    assert_eq!(one, other);
    let few: Vec<_> = all().into_iter().filter(|ask| ask.step == 1).collect();
    assert!((900..1100).contains(&few.len()), "{}", few.len());
    assert!(few.iter().all(|ask| (1_000_000_000..=3_000_000_000).contains(&ask.pause)));
}

#[test]
fn what_cannot_be_asked_is_told_before_the_run() {
    let check = |step: Json, why: &str| {
        let spec = json!({ "scenarios": [{ "name": "a", "steps": [step] }] });
        let found = visitors(spec).and_then(|visitors| visitors.first().map(drop));
        let error = found.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    check(json!({ "request": "GET /{{slug}}" }), "there is no variable `slug`");
    check(json!({ "request": "GET https://evil.example/{{slug}}" }), "not yours");
    check(json!({ "request": "GET /", "assets": [{ "get": "http://[/x" }] }), "no address");
}
