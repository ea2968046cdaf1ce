//! Rules of every shape, for properties.

use proptest::prelude::*;

use super::*;
use crate::message::{Headers, Timing};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 é\"\\\\./?&=-]{0,16}", "[ -~]{0,12}", Just(String::new())]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let texts = vec!["/a/[0-9]+", "(?s:.*)b", "x|y", r"/k\.(?:é|\d{2})/", "", ".*", r"\\Q[^/]*"];
    prop::sample::select(texts).prop_map(|text| Pattern::whole(text).unwrap())
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        (-1e300..1e300).prop_map(|number: f64| number.into()),
        text().prop_map(Into::into),
        Just("${json-unit.any-string}".into()),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

pub(crate) fn matcher() -> impl Strategy<Value = Matcher> {
    let path = prop::sample::select(vec!["$", "$.a[*].b", "$..id", "$['a b'][3]"]);
    let path = path.prop_map(|text| text.parse().unwrap());
    let json =
        (value(), any::<bool>(), any::<bool>()).prop_map(|(value, any_order, may_have_more)| {
            Matcher::Json(JsonRule { value, any_order, may_have_more })
        });
    let leaf = prop_oneof![
        text().prop_map(|text| Matcher::Equal(text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Matcher::Equal),
        text().prop_map(Matcher::EqualInAnyCase),
        text().prop_map(Matcher::Contains),
        pattern().prop_map(Matcher::Pattern),
        json,
        path.clone().prop_map(|path| Matcher::Place(path, None)),
        Just(Matcher::Present),
        Just(Matcher::Absent),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            (path.clone(), inner.clone())
                .prop_map(|(path, is)| Matcher::Place(path, Some(Box::new(is)))),
            inner.clone().prop_map(|is| Matcher::Not(Box::new(is))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Matcher::All),
            prop::collection::vec(inner, 0..3).prop_map(Matcher::Any),
        ]
    })
}

fn named() -> impl Strategy<Value = Vec<(String, Matcher)>> {
    let name = prop::sample::select(vec!["x-one", "two", "é 3"]).prop_map(str::to_owned);
    prop::collection::vec((name, matcher()), 0..3)
}

fn target() -> impl Strategy<Value = Target> {
    let templates = prop::sample::select(vec!["/a/{id}", "/b", "/{x}/{y}"]);
    let template = templates.prop_map(Template::new);
    prop_oneof![
        Just(Target::Any),
        matcher().prop_map(Target::Path),
        matcher().prop_map(Target::Address),
        (template, named()).prop_map(|(template, parts)| Target::Template(template, parts)),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    let value = prop_oneof![
        "[ -~é]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(128..=255u8, 1..4),
    ];
    prop::collection::vec(("x-[a-c]", value), 0..3).prop_map(|all| all.into_iter().collect())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        text().prop_map(String::into_bytes),
        Just(br#"{"a":[1.50,null]}"#.to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    let timing =
        prop::option::of((0..1000u64).prop_map(|head_ms| Timing { head_ms, chunks: vec![] }));
    (100..=999u16, headers(), body(), headers(), timing).prop_map(
        |(status, headers, body, trailers, timing)| Response {
            status,
            headers,
            body: body.into(),
            encoded: None,
            trailers,
            timing,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let method = prop::sample::select(vec!["GET", "ANY"]).prop_map(str::to_owned);
    prop_oneof![
        Just(Request::default()),
        (method, text(), headers(), body()).prop_map(|(method, url, headers, body)| Request {
            method,
            url,
            headers,
            body: body.into(),
        }),
    ]
}

/// A rule of any shape.
pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    let goes = || prop::option::of(matcher());
    let asked = (goes(), goes(), goes(), target());
    let named = (named(), named(), named(), named(), prop::collection::vec(matcher(), 0..3));
    (any::<u64>(), request(), asked, named, response()).prop_map(
        |(order, request, asked, named, response)| {
            let (method, scheme, host, target) = asked;
            let (query, headers, cookies, form, body) = named;
            Rule {
                order,
                request,
                method,
                scheme,
                host,
                target,
                query,
                headers,
                cookies,
                form,
                body,
                response,
            }
        },
    )
}
