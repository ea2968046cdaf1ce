use super::*;
use crate::message::Headers;

fn request(method: &str, url: &str, body: &str) -> Request {
    let headers: Headers = [("x-tag", "One"), ("cookie", "a=1; b=2")].into_iter().collect();
    let body = body.as_bytes().to_vec().into();
    Request { method: method.to_owned(), url: url.to_owned(), headers, body }
}

fn goes_to(url: &str) -> Origin {
    Address::of(url).origin()
}

#[test]
fn values_fit_or_not() {
    let check = |matcher: Matcher, value: Option<&str>, expect: bool| {
        assert_eq!(matcher.fits(value.map(str::as_bytes)), expect, "{matcher:?} {value:?}");
    };
    let pattern = |text: &str| Matcher::Pattern(Pattern::whole(text).unwrap());
    check(Matcher::equal("a"), Some("a"), true);
    check(Matcher::equal("a"), None, false);
    check(Matcher::equal(""), None, true);
    check(Matcher::EqualInAnyCase("AbÉ".into()), Some("aBé"), true);
    check(Matcher::Contains("b".into()), Some("abc"), true);
    check(pattern("a|b"), Some("b"), true);
    check(pattern("a|b"), Some("ab"), false);
    check(Matcher::Pattern(Pattern::anywhere("b+").unwrap()), Some("a\nbb\nc"), true);
    check(Matcher::Pattern(Pattern::glob("/a.*/c").unwrap()), Some("/a.b/x/c"), true);
    check(Matcher::Pattern(Pattern::glob("/a.*/c").unwrap()), Some("/axb/c"), false);
    check(Matcher::Absent, None, true);
    check(Matcher::Not(Box::new(Matcher::Contains("b".into()))), None, true);
    check(Matcher::All(vec![Matcher::Present, pattern("a.*")]), Some("ab"), true);
    check(Matcher::Any(vec![Matcher::Absent, Matcher::equal("x")]), Some("y"), false);
    check(Matcher::Place("$.a[*].b".parse().unwrap(), None), Some(r#"{"a":[{"b":1}]}"#), true);
    let is_two = Some(Box::new(Matcher::equal("2")));
    check(Matcher::Place("$..b".parse().unwrap(), is_two), Some(r#"{"a":[{"b":1}]}"#), false);
    check(Matcher::Place("$.a".parse().unwrap(), None), Some("no JSON"), false);
}

#[test]
fn values_of_json_say_the_same() {
    let check = |flags: (bool, bool), wanted: &str, there: &str, expect: bool| {
        let (any_order, may_have_more) = flags;
        let rule =
            JsonRule { value: serde_json::from_str(wanted).unwrap(), any_order, may_have_more };
        assert_eq!(rule.fits(&serde_json::from_str(there).unwrap()), expect, "{wanted} {there}");
    };
    check((false, false), r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,2],"a":1.0}"#, true);
    check((false, false), r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false);
    check((false, true), r#"{"a":1}"#, r#"{"a":1,"b":2}"#, true);
    check((false, false), "[1,2]", "[2,1]", false);
    check((true, false), "[1,2]", "[2,1]", true);
    check((true, false), "[1,1]", "[1,2]", false);
    check((true, true), "[2]", "[3,2,1]", true);
    check((false, false), r#"{"a":"${json-unit.any-string}"}"#, r#"{"a":"x"}"#, true);
    check((false, false), r#"{"a":"${json-unit.any-number}"}"#, r#"{"a":"x"}"#, false);
}

#[test]
fn templates_bind_their_parts() {
    let check = |text: &str, path: &str, expect: Option<&[(&str, &str)]>| {
        let bound = Template::new(text).parts(path);
        let bound: Option<Vec<(&str, &str)>> =
            bound.as_ref().map(|all| all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect());
        assert_eq!(bound.as_deref(), expect, "{text} {path}");
    };
    check("/a/{id}", "/a/1", Some(&[("id", "1")]));
    check("/a/{id}/b/{x}", "/a/k%40e/b/2", Some(&[("id", "k@e"), ("x", "2")]));
    check("/a/{id}", "/a/1/2", None);
    check("/a/{id}", "/a/", None);
    check("/a", "/a", Some(&[]));
}

/// A rule with a target, and its order as its status.
fn rule(order: u64, target: Target) -> Rule {
    let response = Response { status: 200 + order as u16, ..Response::default() };
    Rule { order, target, response, ..Rule::default() }
}

#[test]
fn the_first_rule_that_fits_answers() {
    let pattern = |text: &str| Matcher::Pattern(Pattern::whole(text).unwrap());
    let rules = vec![
        Rule {
            headers: vec![("x-tag".into(), Matcher::equal("Two"))],
            ..rule(0, Target::Path(Matcher::equal("/a")))
        },
        rule(1, Target::Path(Matcher::equal("/a"))),
        Rule {
            method: Some(Matcher::equal("POST")),
            body: vec![Matcher::Contains("kim".into())],
            ..rule(2, Target::Path(pattern("/b/[0-9]+")))
        },
        rule(3, Target::Template(Template::new("/b/{n}"), vec![("n".into(), pattern("[0-9]"))])),
        rule(4, Target::Address(pattern(r"/q\?x=.*"))),
        Rule {
            host: Some(Matcher::equal("two.example")),
            query: vec![("x".into(), Matcher::equal("a b"))],
            ..rule(5, Target::Path(pattern("/(h|i)")))
        },
        Rule {
            cookies: vec![("b".into(), Matcher::equal("2"))],
            form: vec![("f".into(), Matcher::equal("1"))],
            ..rule(6, Target::Any)
        },
        rule(7, Target::Path(pattern("/opt?ional/?"))),
    ];
    let rules = Rules::new(rules);
    let check = |method: &str, url: &str, body: &str, expect: Option<u16>| {
        let asked = request(method, url, body);
        let found = rules.find(Came::same(&asked), &goes_to(url));
        let status = found.map(|at| rules.all()[at].response.status);
        assert_eq!(status, expect, "{method} {url}");
    };
    check("GET", "http://one.example/a", "", Some(201));
    check("GET", "/a?whatever", "", Some(201));
    check("POST", "/b/12", "kim", Some(202));
    check("POST", "/b/12", "lee", None);
    check("GET", "/b/1", "", Some(203));
    check("GET", "/b/12", "", None);
    check("GET", "/q?x=1", "", Some(204));
    check("GET", "http://two.example/h?x=a+b", "", Some(205));
    check("GET", "http://one.example/h?x=a+b", "", None);
    check("GET", "/i?x=a%20b", "", Some(205));
    check("PUT", "/else", "f=1", Some(206));
    check("GET", "/opional", "", Some(207));
    check("GET", "/optional/", "", Some(207));
}

#[test]
fn a_thousand_rules_are_not_tried_one_by_one() {
    let targets = (0..1000).map(|n| {
        Target::Path(Matcher::Pattern(Pattern::whole(&format!("/api/{n}/[a-z]+")).unwrap()))
    });
    let rules = Rules::new((0..).zip(targets).map(|(n, target)| rule(n % 300, target)).collect());
    let asked = request("GET", "/api/471/x", "");
    let candidates = rules.candidates(&asked, &Origin::default());
    assert_eq!(candidates, [471]);
}

#[test]
fn usual_patterns_take_little_room() {
    let check = |text: &str, most: usize| {
        let room = Pattern::whole(text).unwrap().room();
        assert!(room <= most, "{text} takes {room}");
    };
    check("/api/things/[0-9]+", 8 << 10);
    check(r"/api/\w+", 64 << 10);
    check(r"/api/\d+/[^/]+", 8 << 10);
    check(r"(?s:.*)(?:^/items/[0-9]+$)(?s:.*)", 8 << 10);
    check(r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{12}", 8 << 10);
}

#[test]
fn what_is_no_pattern_is_refused() {
    for text in ["(", "(?=a)b", r"(a)\1", "a{3,1}", "((a{100}){100}){100}"] {
        assert!(Pattern::whole(text).is_err(), "{text}");
    }
}
