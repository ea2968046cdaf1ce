use proptest::prelude::*;

use super::*;
use crate::cassette::Recorded;
use crate::coding::Codings;
use crate::import;
use crate::message::{Interaction, Request, Response, Timing};
use crate::rules::{Matcher, Pattern, Rule, Target, Template, any};

/// Bodies as recordings have them: texts, JSON, bytes, and large ones.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        ".{0,40}".prop_map(String::into_bytes),
        Just(br#"{"a": [1.50, null]}"#.to_vec()),
        prop::collection::vec(any::<u8>(), 0..60),
        (any::<u8>(), 4000..9000usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop::sample::select(vec!["x-one", "set-cookie", "content-length", "x-two"]);
    let value = prop_oneof![
        "[ -~é]{0,12}".prop_map(String::into_bytes),
        prop::collection::vec(128..=255u8, 1..4),
    ];
    prop::collection::vec((name, value), 0..5).prop_map(|pairs| pairs.into_iter().collect())
}

fn url() -> impl Strategy<Value = String> {
    let origin = prop::sample::select(vec!["https://a.example", "http://b.example:8080", ""]);
    let path = prop::sample::select(vec!["/", "/x/1?b=2&a=%C3%A9&c=x+y", "/x/1", "/%2f?"]);
    (origin, path).prop_map(|(origin, path)| format!("{origin}{path}"))
}

fn timing() -> impl Strategy<Value = Option<Timing>> {
    let chunks = prop::collection::vec((0..500u64, 1..9u64), 0..3);
    let timing = (0..1000u64, chunks).prop_map(|(head_ms, chunks)| Timing { head_ms, chunks });
    prop::option::of(timing)
}

/// A response whose coded bytes are kept where coding again gives others, as every response of an
/// importer and of the recorder.
fn response() -> impl Strategy<Value = Response> {
    let coding = prop::sample::select(vec!["", "gzip", "br", "zstd", "gzip, br"]);
    let status = prop::sample::select(vec![200u16, 201, 204, 304, 404, 503, 599]);
    let coded = (coding, any::<bool>());
    (status, headers(), body(), coded, headers(), timing()).prop_map(
        |(status, mut headers, body, (coding, is_other), trailers, timing)| {
            let mut encoded = None;
            if !coding.is_empty() {
                headers.add("content-encoding", coding);
                let codings = Codings::of([coding.as_bytes()].into_iter()).unwrap();
                // Two members of gzip in one stream: what no encoder of ours would write.
                if is_other && coding == "gzip" && body.len() > 1 {
                    let (one, other) = body.split_at(1);
                    encoded = Some([codings.encoded(one), codings.encoded(other)].concat().into());
                }
            }
            Response { status, headers, body: body.into(), encoded, trailers, timing }
        },
    )
}

fn recorded() -> impl Strategy<Value = Vec<Recorded>> {
    let method = prop::sample::select(vec!["GET", "POST", "HEAD", "PROPFIND"]);
    let request = (method, url(), headers(), body()).prop_map(|(method, url, headers, body)| {
        Request { method: method.to_owned(), url, headers, body: body.into() }
    });
    let one = (request, response(), 0..3u64);
    prop::collection::vec(one, 0..6).prop_map(|all| {
        let mut order = 0;
        all.into_iter()
            .map(|(request, response, gap)| {
                order += 1 + gap;
                Recorded { order, interaction: Interaction { request, response } }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_is_imported_again(recorded in recorded()) {
        let back = import::read_bytes(&to_har(&recorded).unwrap(), None).unwrap();
        prop_assert_eq!(&back.recorded, &recorded);
        prop_assert!(back.warnings.is_empty(), "{:?}", back.warnings);

        let folder = tempfile::tempdir().unwrap();
        to_wiremock(&recorded, &[]).unwrap().write(folder.path()).unwrap();
        let back = import::read(folder.path()).unwrap();
        prop_assert_eq!(&back.recorded, &recorded);
        prop_assert!(back.warnings.is_empty(), "{:?}", back.warnings);
    }
}

#[test]
fn mappings_say_what_wiremock_needs() {
    let request = |body: &str| Request {
        method: "POST".into(),
        url: "https://a.example/x?y=1".into(),
        headers: [("accept", "*/*")].into_iter().collect(),
        body: body.to_owned().into(),
    };
    let response = |status: u16| Response {
        status,
        headers: [("set-cookie", "a=1"), ("x", "1"), ("set-cookie", "b=2")].into_iter().collect(),
        body: "hi".into(),
        ..Response::default()
    };
    let recorded: Vec<Recorded> = [("q", 200), ("q", 201), ("", 202)]
        .into_iter()
        .zip(0..)
        .map(|((body, status), order)| Recorded {
            order,
            interaction: Interaction { request: request(body), response: response(status) },
        })
        .collect();
    let written = to_wiremock(&recorded, &[]).unwrap();
    assert!(written.files.is_empty());
    insta::assert_snapshot!(String::from_utf8(written.mappings).unwrap());
}

#[test]
fn an_archive_says_what_browsers_need() {
    let request = Request {
        method: "GET".into(),
        url: "https://a.example/x?y=1".into(),
        headers: [("accept", "*/*")].into_iter().collect(),
        ..Request::default()
    };
    let headers = [("content-type", "text/plain"), ("content-encoding", "gzip")];
    let response = Response {
        status: 200,
        headers: headers.into_iter().collect(),
        body: "hi".into(),
        timing: Some(Timing { head_ms: 12, chunks: Vec::new() }),
        ..Response::default()
    };
    let recorded = [Recorded { order: 3, interaction: Interaction { request, response } }];
    let text = String::from_utf8(to_har(&recorded).unwrap()).unwrap();
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn rules_in_the_words_of_wiremock_are_the_same(
        body in prop::collection::vec(any::matcher(), 1..3),
        header in any::matcher(),
        path in any::matcher(),
    ) {
        let rules: Vec<Rule> = (0..2).map(|order| Rule {
            order,
            target: Target::Template(Template::new("/a/{id}"), vec![("id".into(), path.clone())]),
            headers: vec![("x-one".into(), header.clone())],
            body: body.clone(),
            response: Response { status: 200 + order as u16, ..Response::default() },
            ..Rule::default()
        }).collect();
        let made = to_wiremock(&[], &rules).unwrap();
        prop_assert_eq!(made.left_out, Vec::<usize>::new());
        let mut again = import::read_bytes(&made.mappings, None).unwrap();
        prop_assert_eq!(&again.warnings, &Vec::<String>::new());
        // What describes it stands for nothing.
        again.rules.iter_mut().for_each(|rule| rule.request = Request::default());
        prop_assert_eq!(again.rules, rules);
    }
}

#[test]
fn what_wiremock_has_no_words_for_is_left_out() {
    let pattern = || Matcher::Pattern(Pattern::whole("G.*").unwrap());
    let rules = [
        Rule { method: Some(pattern()), ..Rule::default() },
        Rule { target: Target::Path(Matcher::Contains("x".into())), ..Rule::default() },
        Rule { scheme: Some(pattern()), ..Rule::default() },
        Rule { host: Some(pattern()), ..Rule::default() },
    ];
    assert_eq!(to_wiremock(&[], &rules).unwrap().left_out, [0, 1, 2]);
}
