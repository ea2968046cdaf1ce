//! Stubs with wildcards: kept in a cassette, they answer as their own file does.

use serde_json::Value;

use crate::api::{approve, run, spec};
use crate::environment::Environment;
use crate::replaying::Replay;

const KEY: &str = "kP3zQ9xLm2";
const PERSON: &str = "kim@example.org";

const WIREMOCK: &str = r#"{"mappings":[
 {"name":"me","request":{"method":"GET","url":"/me"},"response":{"status":200,"body":"kim"}},
 {"name":"path","request":{"method":"GET","urlPath":"/path","queryParameters":{"q":{"matches":"[0-9]+"}}},"response":{"status":200,"body":"by path","headers":{"Content-Type":"text/plain"}}},
 {"name":"pattern","request":{"method":"ANY","urlPattern":"/pattern/[a-z]+(\\?.*)?"},"response":{"status":200,"body":"by pattern"}},
 {"name":"template","request":{"method":"GET","urlPathTemplate":"/contacts/{id}","pathParameters":{"id":{"matches":"[0-9]+"}}},"response":{"status":200,"jsonBody":{"id":151}}},
 {"name":"deep","request":{"method":"POST","url":"/deep","bodyPatterns":[{"matchesJsonPath":{"expression":"$.a[*].b","equalTo":"2"}},{"equalToJson":"{\"a\":[{\"b\":2}]}","ignoreExtraElements":true,"ignoreArrayOrder":true}]},"response":{"status":200,"body":"deep"}},
 {"name":"key","request":{"method":"GET","urlPath":"/key","headers":{"Authorization":{"equalTo":"Bearer kP3zQ9xLm2"},"X-None":{"absent":true}}},"response":{"status":200,"body":"who has the key"}},
 {"name":"either","request":{"method":"GET","urlPath":"/either","headers":{"Accept":{"or":[{"contains":"json"},{"equalTo":"TEXT","caseInsensitive":true}]},"X-No":{"not":{"equalTo":"x"}}}},"response":{"status":200,"body":"either"}},
 {"name":"person","request":{"method":"GET","urlPathPattern":"/users/kim@example\\.org/[a-z]+"},"response":{"status":200,"body":"a person"}},
 {"name":"search","request":{"method":"GET","urlPath":"/search","queryParameters":{"api_key":{"equalTo":"kP3zQ9xLm2"}}},"response":{"status":200,"body":"found"}},
 {"name":"form","request":{"method":"POST","urlPath":"/form","formParameters":{"a":{"equalTo":"1"}}},"response":{"status":200,"body":"form"}},
 {"name":"keys","request":{"method":"GET","urlPattern":"/keys\\?api_key=(kP3zQ9xLm2|kP3zQ9xAb7)"},"response":{"status":200,"body":"one of two"}},
 {"name":"large","request":{"method":"GET","urlPathPattern":"/large/.*"},"response":{"status":200,"body":"LARGE"}},
 {"name":"all","priority":10,"request":{"method":"ANY","urlPattern":"/.*"},"response":{"status":404,"body":"nothing"}}
]}"#;

const HOVERFLY: &str = r#"{"data":{"pairs":[
 {"request":{"path":[{"matcher":"exact","value":"/me"}],"method":[{"matcher":"exact","value":"GET"}],"body":[{"matcher":"exact","value":""}]},"response":{"status":200,"body":"kim"}},
 {"request":{"path":[{"matcher":"glob","value":"/large/*.txt"}]},"response":{"status":200,"body":"by glob"}},
 {"request":{"path":[{"matcher":"regex","value":"^/contacts/[0-9]+$"}],"method":[{"matcher":"exact","value":"GET"}]},"response":{"status":200,"body":"by regex"}},
 {"request":{"path":[{"matcher":"exact","value":"/deep"}],"method":[{"matcher":"exact","value":"POST"}],"body":[{"matcher":"jsonpartial","value":"{\"x\":0}"}]},"response":{"status":200,"body":"partial"}},
 {"request":{"path":[{"matcher":"exact","value":"/key"}],"headers":{"Authorization":[{"matcher":"exact","value":"Bearer kP3zQ9xLm2"}]}},"response":{"status":200,"body":"who has the key"}}
],"globalActions":{"delays":[]}},"meta":{"schemaVersion":"v5.2"}}"#;

fn workspace() -> Environment {
    let wiremock = WIREMOCK.replace("LARGE", &"large ".repeat(2000));
    Environment::new(&[("stubs/mappings/all.json", &wiremock), ("hoverfly.json", HOVERFLY)])
}

fn import(environment: &Environment, words: &[&str]) -> String {
    let ended = environment.gate(&[&["cassette", "import"], words].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    format!("{}---\n{}", ended.stdout, ended.stderr)
}

/// Method, address, headers and body.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

/// What is answered to all that the stubs are about, and to some that they are not.
fn answers(environment: &Environment, path: &str) -> Vec<(String, u16, String)> {
    let replay = Replay::start(environment, path, &[]);
    let key = format!("Bearer {KEY}");
    let asked: &[Asked<'_>] = &[
        ("GET", "/me", &[], ""),
        ("GET", "/me", &[], ""),
        ("GET", "/path?q=12&r=1", &[], ""),
        ("GET", "/path?q=x", &[], ""),
        ("DELETE", "/pattern/abc?x", &[], ""),
        ("GET", "/contacts/12", &[], ""),
        ("GET", "/contacts/kim", &[], ""),
        ("POST", "/deep", &[], r#"{"x":0,"a":[{"b":2},{"b":1}]}"#),
        ("POST", "/deep", &[], r#"{"a":[{"b":1}]}"#),
        ("GET", "/key", &[("authorization", &key)], ""),
        ("GET", "/key", &[("authorization", &key), ("x-none", "1")], ""),
        ("GET", "/key", &[], ""),
        ("GET", "/either", &[("accept", "text")], ""),
        ("GET", "/either", &[("accept", "a/json"), ("x-no", "y")], ""),
        ("GET", "/either", &[("accept", "a/json"), ("x-no", "x")], ""),
        ("GET", "/users/kim@example.org/notes", &[], ""),
        ("GET", "/users/kim@example.org/7", &[], ""),
        ("GET", "/users/nobody/notes", &[], ""),
        ("GET", &format!("/search?api_key={KEY}"), &[], ""),
        ("GET", &format!("/keys?api_key={KEY}"), &[], ""),
        ("POST", "/form", &[("content-type", "application/x-www-form-urlencoded")], "a=1&b=2"),
        ("GET", "/large/x.txt", &[], ""),
        ("PUT", "/else", &[], "x"),
    ];
    let answer = |(method, url, headers, body): &Asked<'_>| {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let (status, body) = replay.ask(method, url, &headers, body.as_bytes());
        // Why there is none names the recording that comes nearest, which may be another.
        let body = if status == 501 { Vec::new() } else { body };
        (format!("{method} {url}"), status, String::from_utf8(body).unwrap())
    };
    asked.iter().map(answer).collect()
}

#[test]
fn a_cassette_of_stubs_answers_as_their_file_does() {
    let environment = workspace();
    for (file, out) in [("stubs", "stubs.cassette"), ("hoverfly.json", "hoverfly.cassette")] {
        let told = import(&environment, &[file, "--out", out]);
        assert!(told.contains("any of that kind fits"), "{told}");
        let expect = answers(&environment, file);
        assert!(expect.iter().filter(|(_, status, _)| *status == 200).count() > 5, "{expect:?}");
        assert_eq!(answers(&environment, out), expect, "{file}");
        let text = environment.all_of(out);
        for secret in [KEY, PERSON, "kim@example\\\\.org", "example.org"] {
            assert!(!text.contains(secret), "{file}: {secret} was written");
        }
        let checked = environment.gate(&["cassette", "check", out]);
        assert_eq!(checked.code, 0, "{}", checked.stdout);
        // Through WireMock's own format and back.
        let export = ["cassette", "export", out, "--format", "wiremock", "--out", "exported"];
        let exported = environment.gate(&[&export[..], &["--replace"]].concat());
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        assert!(exported.stderr.contains("asks for a secret that was taken out"));
        import(&environment, &["exported", "--out", "again.cassette", "--replace"]);
        assert_eq!(answers(&environment, "again.cassette"), expect, "{file}");
    }
}

#[test]
fn what_becomes_of_rules_is_told() {
    let environment = workspace();
    let told = import(&environment, &["stubs", "--out", "all.cassette"]);
    insta::assert_snapshot!(told, @r"
    stubs: mappings of WireMock, 1 interaction and 12 rules
    imported 1 interaction and 12 rules into all.cassette; secrets or personal data were taken out of 4 of them
    ---
    gate: GET /keys\?api_key=(redacted-secret|redacted-secret) asks for a secret or personal data: any of that kind fits
    gate: GET /search?api_key=redacted-secret asks for a secret or personal data: any of that kind fits
    gate: GET /users/redacted-email@redacted\.invalid/[a-z]+ asks for a secret or personal data: any of that kind fits
    gate: GET /key asks for a secret or personal data: any of that kind fits
    ");
    let again = environment.gate(&["cassette", "import", "stubs", "--out", "all.cassette"]);
    assert!(again.stderr.contains("is there already, with 1 interaction and 12 rules"));
    import(&environment, &["hoverfly.json", "--out", "all.cassette", "--add"]);
    let stats = environment.gate(&["cassette", "stats", "all.cassette", "--json"]).json();
    assert_eq!((&stats["rules"], &stats["interactions"]), (&16.into(), &2.into()));
    let shown = environment.gate(&["cassette", "show", "all.cassette"]);
    assert_eq!(shown.stdout.lines().count(), 18);
    let last: Value = serde_json::from_str(shown.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["url"], "/key");
    let har = ["cassette", "export", "all.cassette", "--format", "har", "--out", "all.har"];
    let har = environment.gate(&har);
    assert_eq!((har.code, har.stdout.as_str()), (0, "exported 2 interactions to all.har\n"));
    assert_eq!(har.stderr.matches("is a rule, which HAR has no place for: left out").count(), 16);
    let drift = ["drift", "--cassette", "all.cassette", "--target", "http://127.0.0.1:1"];
    let drifted = environment.gate(&drift);
    assert!(
        drifted.stderr.contains(
            "rules that answer every request of a kind say nothing of a service: 16 left out"
        ),
        "{}",
        drifted.stderr
    );
    let replay = Replay::start(&environment, "all.cassette", &["--unused"]);
    assert_eq!(replay.get("/contacts/12"), (200, r#"{"id":151}"#.to_owned()));
    let ended = replay.end();
    assert!(
        ended.stderr.starts_with(
            "answered 1 request of 1, 2 recordings not asked for, 15 rules not needed\n"
        ),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("  not needed: ANY /pattern/[a-z]+(\\?.*)?\n"),
        "{}",
        ended.stderr
    );
    import(&environment, &["hoverfly.json", "--out", "all.cassette", "--replace"]);
    let stats = environment.gate(&["cassette", "stats", "all.cassette", "--json"]).json();
    assert_eq!(stats["rules"], 4);
}

#[test]
fn rules_that_cannot_be_read_stop_everything() {
    let environment = workspace();
    import(&environment, &["stubs", "--out", "all.cassette"]);
    let whole =
        std::fs::read_to_string(environment.path().join("all.cassette/rules.json")).unwrap();
    let check = |text: &str, expect: &str| {
        environment.write("all.cassette/rules.json", text);
        for words in [
            &["replay", "--cassette", "all.cassette"][..],
            &[
                "record",
                "--cassette",
                "all.cassette",
                "--target",
                "http://127.0.0.1:1",
                "--",
                "true",
            ],
            &["cassette", "show", "all.cassette"],
            &["cassette", "stats", "all.cassette"],
            &["cassette", "export", "all.cassette", "--format", "har", "--out", "x.har"],
            &["cassette", "import", "hoverfly.json", "--out", "all.cassette", "--add"],
            &["drift", "--cassette", "all.cassette", "--target", "http://127.0.0.1:1"],
        ] {
            let ended = environment.gate(words);
            assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{words:?}: {}", ended.stderr);
            assert!(ended.stderr.contains(expect), "{words:?}: {}", ended.stderr);
            assert!(ended.stderr.contains("hint: restore it from version control"));
        }
        let checked = environment.gate(&["cassette", "check", "all.cassette"]);
        assert_eq!(checked.code, 1);
        assert!(
            checked.stdout.contains(&format!("damaged   all.cassette/rules.json: {expect}")),
            "{}",
            checked.stdout
        );
        let left =
            std::fs::read_to_string(environment.path().join("all.cassette/rules.json")).unwrap();
        assert_eq!(left, text, "nothing was written over it");
    };
    check(&whole[..whole.len() / 2], "EOF while parsing");
    check(&whole.replacen("\"target\"", "\"aim\"", 1), "unknown field `aim`");
    check(&whole.replacen("[0-9]+", "(", 1), "rule ");
    environment.write("all.cassette/rules.json", &whole);
    assert_eq!(environment.gate(&["cassette", "check", "all.cassette"]).code, 0);
}

#[test]
fn a_gate_keeps_the_rules_of_its_recording() {
    let (environment, _service) = crate::api::workspace();
    environment.write(
        "stubs.json",
        r#"{"mappings":[{"request":{"method":"GET","urlPathPattern":"/v1/a.*"},"response":{"status":200,"body":"by rule"}}]}"#,
    );
    import(&environment, &["stubs.json", "--out", "specs/crm.cassette"]);
    let rules =
        || std::fs::read_to_string(environment.path().join("specs/crm.cassette/rules.json"));
    let before = rules().unwrap();
    let with = |mode: &str| {
        format!(
            "cassette: crm.cassette\nrun: [python3, client.py, /v1/me, /v1/about]\nmode: {mode}\n"
        )
    };
    for (mode, recorded) in [("new_episodes", 1), ("all", 1)] {
        spec(&environment, &with(mode));
        let (ended, report) = run(&environment);
        assert_eq!(ended.code, 3, "{}{report:#}", ended.stderr);
        let proposals = report["gates"][0]["proposals"].as_array().unwrap();
        assert_eq!(proposals.len(), recorded, "{report:#}");
        assert!(!format!("{proposals:?}").contains("rules.json"), "{report:#}");
        approve(&environment);
        assert_eq!(rules().unwrap(), before, "{mode}");
    }
    spec(&environment, &with("none"));
    let (ended, report) = run(&environment);
    assert_eq!(ended.code, 0, "{report:#}");
    let text = report.to_string();
    assert!(text.contains("has 2 interactions and 1 rule, all of them whole"), "{report:#}");
}
