use super::*;
use crate::cassette::Policy;
use crate::message::Interaction;

fn cleaner() -> redact::Cleaner {
    redact::Cleaner::new(redact::Redactor::default(), &[], redact::placeholder::Key([3; 32]))
}

fn recorded(requests: &[(&str, &str)]) -> Vec<Recorded> {
    (0..)
        .zip(requests)
        .map(|(order, (url, body))| Recorded {
            order,
            interaction: Interaction {
                request: get(url),
                response: Response {
                    status: 200,
                    body: body.as_bytes().to_vec().into(),
                    ..Response::default()
                },
            },
        })
        .collect()
}

fn get(url: &str) -> Request {
    Request { method: "GET".to_owned(), url: url.to_owned(), ..Request::default() }
}

fn library(requests: &[(&str, &str)], repeats: bool) -> Arc<Library> {
    let recorded = recorded(requests);
    Arc::new(Library::of_recorded(&recorded, Matching::default(), repeats))
}

/// What the session answers: the body, or why there is none.
fn asked(session: &mut Session, url: &str) -> String {
    let goes_to = crate::canonical::Address::of(url).origin();
    match session.answer(&get(url), &goes_to).unwrap() {
        Answer::Recorded(response) => {
            String::from_utf8(response.body.bytes().unwrap().to_vec()).unwrap()
        }
        Answer::Missed(miss) => format!("{:?}", miss.why),
    }
}

#[test]
fn answers_come_in_the_order_of_recording() {
    let library = library(
        &[("https://a/x", "1"), ("https://a/y", "2"), ("https://a/x", "3"), ("https://b/x", "4")],
        false,
    );
    let (mut one, mut other) = (library.session(), library.session());
    let mut check = |url: &str, expect: &str| assert_eq!(asked(&mut one, url), expect, "{url}");
    check("https://a/x", "1");
    check("https://b/x", "4");
    check("https://a/x", "3");
    check("https://a/x", "UsedUp(2)");
    check("https://a/z", "Unknown");
    check("/y", "2");
    check("/x", "Ambiguous");
    assert_eq!(asked(&mut other, "https://a/x"), "1");
    assert!(library.unused().is_empty());
}

#[test]
fn the_last_answer_is_given_again_when_that_is_wished() {
    let library = library(&[("https://a/x", "1"), ("https://a/x", "2")], true);
    let mut session = library.session();
    let answers: Vec<_> = (0..4).map(|_| asked(&mut session, "https://a/x")).collect();
    assert_eq!(answers, ["1", "2", "2", "2"]);
}

#[test]
fn a_recorded_token_leads_to_what_belongs_to_it() {
    let (kim, lee) = ("redacted-token-000000000001", "redacted-token-000000000002");
    let urls = [kim, lee, kim].map(|token| format!("https://a/me?t={token}"));
    let library = library(&[(&urls[0], "kim"), (&urls[1], "lee"), (&urls[2], "kim again")], false);
    let mut session = library.session();
    assert_eq!(asked(&mut session, &urls[1]), "lee");
    assert_eq!(asked(&mut session, &urls[0]), "kim");
    let mut other = library.session();
    let unknown = "https://a/me?t=redacted-token-ffffffffffff";
    let answers: Vec<_> = (0..4).map(|_| asked(&mut other, unknown)).collect();
    assert_eq!(answers, ["kim", "lee", "kim again", "UsedUp(3)"]);
}

#[test]
fn recordings_that_do_not_say_where_answer_for_every_host() {
    let library = library(&[("/x", "1")], true);
    assert_eq!(asked(&mut library.session(), "https://a/x"), "1");
    assert_eq!(asked(&mut library.session(), "/x"), "1");
}

#[test]
fn rules_answer_where_nothing_was_recorded() {
    use crate::rules::{Matcher, Pattern, Target};
    let recorded = recorded(&[("https://a/x/1", "recorded")]);
    let pattern = Matcher::Pattern(Pattern::whole("/x/[0-9]").unwrap());
    let rule = Rule {
        target: Target::Path(pattern),
        response: Response { body: "by rule".into(), ..Response::default() },
        ..Rule::default()
    };
    let library = Library::of_recorded(&recorded, Matching::default(), false);
    let mut session = Arc::new(library.with_rules(vec![rule])).session();
    let mut check = |url: &str, expect: &str| assert_eq!(asked(&mut session, url), expect);
    check("https://a/x/2", "by rule");
    check("https://a/x/1", "recorded");
    check("https://a/x/1", "by rule");
    check("https://a/x/22", "Unknown");
}

#[test]
fn a_miss_names_what_comes_near() {
    let library = library(
        &[("https://a/contacts?limit=10", ""), ("https://a/deals", ""), ("https://b/z", "")],
        false,
    );
    let request = get("https://a/contacts?limit=20");
    let goes_to = crate::canonical::Address::of(&request.url).origin();
    let answer = library.session().answer(&request, &goes_to).unwrap();
    let Answer::Missed(miss) = answer else { panic!("{answer:?}") };
    assert_eq!(miss.why, Why::Unknown);
    let expect = Difference {
        part: "query".to_owned(),
        asked: "limit=20".to_owned(),
        recorded: "limit=10".to_owned(),
    };
    assert_eq!(miss.nearest[0].url, "https://a/contacts?limit=10");
    assert_eq!(miss.nearest[0].differences, [expect]);
    assert_eq!(miss.nearest.len(), 3);
}

#[test]
fn what_was_not_asked_for_is_named() {
    let library = library(&[("https://a/2", ""), ("https://a/1", ""), ("https://a/3", "")], false);
    asked(&mut library.session(), "https://a/1");
    let unused: Vec<_> = library.unused().into_iter().map(|(_, url)| url).collect();
    assert_eq!(unused, ["https://a/2", "https://a/3"]);
}

#[test]
fn an_index_beside_a_cassette_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |requests: &[(&str, &str)]| {
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        cassette.write(&recorded(requests), &cleaner()).unwrap();
    };
    let ask = |url: &str| {
        let cassette = Cassette::open(folder.path()).unwrap();
        asked(&mut Arc::new(Library::of_cassette(cassette).unwrap()).session(), url)
    };
    write(&[("https://a/x", "1"), ("https://a/y", "2")]);
    assert_eq!(ask("https://a/x"), "1");
    assert!(folder.path().join(".index").exists());
    assert_eq!(ask("https://a/y"), "2", "from the index as it was kept");
    write(&[("https://a/x", "one"), ("https://a/y", "2")]);
    assert_eq!(ask("https://a/x"), "one");
    assert_eq!(ask("https://a/y"), "2");
    write(&[("https://a/y", "2")]);
    assert_eq!(ask("https://a/x"), "Unknown");
    crate::files::write(&folder.path().join(".index"), b"gatecix2 broken").unwrap();
    assert_eq!(ask("https://a/y"), "2");
}

#[test]
fn a_file_that_changes_under_a_replay_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
    cassette.write(&recorded(&[("https://a/x", "1")]), &cleaner()).unwrap();
    let library = Arc::new(Library::of_cassette(cassette.clone()).unwrap());
    cassette.write(&recorded(&[("https://a/x", "2")]), &cleaner()).unwrap();
    let goes_to = crate::canonical::Address::of("https://a/x").origin();
    let error = library.session().answer(&get("https://a/x"), &goes_to).unwrap_err();
    assert!(error.to_string().contains("is not what it was"), "{error}");
}
