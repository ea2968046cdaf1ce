use proptest::prelude::*;
use redact::placeholder::Key;

use super::*;
use crate::cassette::{Policy, entries};
use crate::import;
use crate::message::{Content, Response};
use crate::rules::{Matcher, Pattern, Target, any};

fn cleaner() -> Cleaner {
    Cleaner::new(redact::Redactor::default(), &[], Key([3; 32]))
}

/// A cleaner that takes nothing out by name, so that rules stay as they are.
fn keeping() -> Cleaner {
    cleaner().allowing(&["(?s).*".to_owned()]).unwrap().keeping_personal(true)
}

fn cassette() -> (tempfile::TempDir, Cassette) {
    let folder = tempfile::tempdir().unwrap();
    let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
    (folder, cassette)
}

/// All bodies in memory.
fn in_memory(cassette: &Cassette, mut rules: Vec<Rule>) -> Vec<Rule> {
    for Rule { request, response, .. } in &mut rules {
        let encoded = response.encoded.iter_mut();
        for content in [&mut request.body, &mut response.body].into_iter().chain(encoded) {
            *content = Content::Bytes(cassette.body(content).unwrap());
        }
    }
    rules
}

fn imported(mappings: &str) -> Vec<Rule> {
    let text = format!(r#"{{"mappings":[{mappings}]}}"#);
    let imported = import::read_bytes(text.as_bytes(), None).unwrap();
    assert_eq!(imported.warnings, Vec::<String>::new());
    imported.rules
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn a_rule_written_and_read_is_the_same(rules in prop::collection::vec(any::rule(), 1..4)) {
        let (_folder, cassette) = cassette();
        cassette.write_rules(&rules, &keeping()).unwrap();
        let again = in_memory(&cassette, cassette.rules().unwrap());
        prop_assert_eq!(again, rules);
        prop_assert!(crate::integrity(cassette.folder()).unwrap().is_empty());
    }
}

#[test]
fn the_file_can_be_read_by_a_person() {
    let rules = imported(
        r#"{"request":{"method":"GET","urlPathTemplate":"/contacts/{id}","pathParameters":{"id":{"matches":"[0-9]+"}},
            "queryParameters":{"page":{"equalTo":"2"}},"headers":{"Accept":{"contains":"json"}}},
            "response":{"status":200,"jsonBody":{"id":151},"headers":{"Content-Type":"application/json"}}},
           {"priority":9,"request":{"method":"ANY","urlPattern":"/.*","bodyPatterns":[{"equalToJson":{"a":[1]},"ignoreExtraElements":true}]},
            "response":{"status":404}}"#,
    );
    let (folder, cassette) = cassette();
    cassette.write_rules(&rules, &cleaner()).unwrap();
    insta::assert_snapshot!(fs::read_to_string(folder.path().join(NAME)).unwrap());
}

#[test]
fn recordings_and_rules_leave_each_other_alone() {
    let (folder, cassette) = cassette();
    let large = |letter: char| Content::from(letter.to_string().repeat(5000));
    let rule = Rule {
        response: Response { status: 200, body: large('r'), ..Response::default() },
        ..Rule::default()
    };
    let one = crate::Recorded {
        order: 0,
        interaction: Interaction {
            request: crate::Request {
                method: "GET".into(),
                url: "/x".into(),
                ..Default::default()
            },
            response: Response { status: 200, body: large('x'), ..Response::default() },
        },
    };
    let bodies = || entries(&folder.path().join("bodies")).unwrap().len();
    cassette.write(std::slice::from_ref(&one), &cleaner()).unwrap();
    cassette.write_rules(std::slice::from_ref(&rule), &cleaner()).unwrap();
    assert_eq!((cassette.read().unwrap().len(), bodies()), (1, 2));
    let text = fs::read(folder.path().join(NAME)).unwrap();
    cassette.write(&[], &cleaner()).unwrap();
    assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), text);
    assert_eq!((in_memory(&cassette, cassette.rules().unwrap()), bodies()), (vec![rule], 1));
    cassette.write(&[one], &cleaner()).unwrap();
    cassette.write_rules(&[], &cleaner()).unwrap();
    assert!(!folder.path().join(NAME).exists());
    assert_eq!((cassette.read().unwrap().len(), bodies()), (1, 1));
}

#[test]
fn what_was_learnt_later_is_taken_out_of_rules() {
    let (folder, cassette) = cassette();
    let secret = "late-s3cret-value-1";
    let pattern = Pattern::whole(r"/by/late-s3cret\-value-1/[a-z]+").unwrap();
    let rule = Rule {
        target: Target::Path(Matcher::Pattern(pattern)),
        body: vec![Matcher::Contains(format!("a {secret}"))],
        response: Response { status: 200, body: secret.into(), ..Response::default() },
        ..Rule::default()
    };
    let cleaner = cleaner();
    cassette.write_rules(&[rule], &cleaner).unwrap();
    cleaner.header("a", "x-api-key", secret.as_bytes());
    cassette.write(&[], &cleaner).unwrap();
    let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(text.matches("redacted-secret-").count(), 3, "{text}");
}

#[test]
fn what_holds_a_secret_is_not_written() {
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let (folder, cassette) = cassette();
    let rule = Rule { body: vec![Matcher::Contains(token.clone())], ..Rule::default() };
    let error = cassette.write_rules(&[rule], &cleaner()).unwrap_err();
    assert!(error.to_string().contains("it would hold a secret, github-token"), "{error}");
    assert!(!error.to_string().contains(&token));
    assert!(!folder.path().join(NAME).exists());
}

#[test]
fn a_file_that_says_something_else_is_refused() {
    let check = |text: &str, expect: &str| {
        let (folder, cassette) = cassette();
        files::write(&folder.path().join("cassette.yaml"), b"schema: gate-cassette/v1\n").unwrap();
        files::write(&folder.path().join(NAME), text.as_bytes()).unwrap();
        let error = cassette.rules().unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert!(error.to_string().contains(NAME) && error.advice().is_some(), "{error}");
        assert!(error.to_string().len() < 1000, "{}", error.to_string().len());
        let damages = crate::integrity(folder.path()).unwrap();
        assert!(damages[0].what.contains(expect), "{damages:?}");
        assert!(crate::Library::of_cassette(cassette).is_err());
    };
    let file = |rule: &str| format!(r#"{{"schema":"{SCHEMA}","rules":[{rule}]}}"#);
    let answer = r#""response":{"order":0,"status":200}"#;
    let rule = |more: &str| file(&format!("{{{more},{answer}}}"));
    check("", "EOF");
    check("[]", "invalid length");
    check(r#"{"schema":"gate-cassette-rules/v2"}"#, "rules/v2, which this version cannot read");
    check(&rule(r#""sender":"equal""#), "unknown field `sender`");
    check(&rule(r#""host":{"like":"x"}"#), "unknown variant `like`");
    check(&rule(r#""host":{"pattern":"("}"#), "rule 1: `(` is no regular expression");
    check(&rule(r#""host":{"pattern":"((a{100}){100}){100}"}"#), "is no regular expression");
    check(&rule(r#""host":{"equal_bytes":"*"}"#), "is no base64");
    check(&rule(r#""body":[{"place":{"path":"a"}}]"#), "is no path");
    check(&file(&format!("{{{answer},{answer}}}")), "duplicate field");
    let deep = format!("{}\"present\"{}", r#"{"not":"#.repeat(500), "}".repeat(500));
    check(&rule(&format!(r#""host":{deep}"#)), "recursion limit");
    let value = format!("{}{}", "[".repeat(500), "]".repeat(500));
    check(&rule(&format!(r#""body":[{{"json":{{"value":{value}}}}}]"#)), "recursion limit");
    let stored =
        r#"{"response":{"order":0,"status":200,"body":{"stored":{"digest":"../x","size":1}}}}"#;
    check(&file(stored), "is no digest");
    let many = r#"{"pattern":"[a-z]{900}"},"#.repeat(3);
    let many = rule(&format!(r#""body":[{}]"#, many.trim_end_matches(',')));
    assert_eq!(read(many.as_bytes(), ROOM).unwrap().len(), 1);
    let error = read(many.as_bytes(), 100 << 10).unwrap_err().to_string();
    assert_eq!(error, "rule 1: there are too many large patterns");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let (folder, cassette) = cassette();
    let file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
    file.as_file().set_len(LARGEST + 1).unwrap();
    file.persist(folder.path().join(NAME)).unwrap();
    let error = cassette.rules().unwrap_err().to_string();
    assert!(error.ends_with("it is larger than 64 MiB"), "{error}");
}
