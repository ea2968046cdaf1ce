//! WireMock's mappings and Hoverfly's simulations: recordings where they mean one request, rules
//! where they do not, warnings where they can be neither.

use std::path::Path;
use std::sync::Arc;

use recorder::import::{self, Imported};
use recorder::{Address, Answer, Library, Matching, Request};

pub(crate) const WIREMOCK: &str = r#"{"mappings":[
 {"name":"plain","request":{"method":"GET","url":"/plain?a=1"},"response":{"status":200,"body":"plain","headers":{"X":["1","2"],"Y":"3"}}},
 {"name":"json","request":{"method":"get","url":"/json"},"response":{"status":201,"jsonBody":{"b":[1.5,null],"a":"é"}}},
 {"name":"coded","request":{"method":"GET","url":"/coded"},"response":{"status":200,"base64Body":"/wA="}},
 {"name":"sent","request":{"method":"POST","url":"/sent","bodyPatterns":[{"equalTo":"hi"}]},"response":{"status":202}},
 {"name":"path","request":{"method":"GET","urlPath":"/path","queryParameters":{"q":{"matches":"[0-9]+"}}},"response":{"status":200,"body":"by path","fixedDelayMilliseconds":12}},
 {"name":"pattern","request":{"method":"ANY","urlPattern":"/pattern/[a-z]+(\\?.*)?"},"response":{"status":200,"body":"by pattern"}},
 {"name":"template","request":{"method":"GET","urlPathTemplate":"/contacts/{id}","pathParameters":{"id":{"matches":"[0-9]+"}}},"response":{"status":200,"body":"by template"}},
 {"name":"deep","request":{"method":"POST","url":"/deep","bodyPatterns":[{"matchesJsonPath":{"expression":"$.a[*].b","equalTo":"2"}},{"equalToJson":"{\"a\":[{\"b\":2}]}","ignoreExtraElements":true,"ignoreArrayOrder":true}]},"response":{"status":200,"body":"deep"}},
 {"name":"header","request":{"method":"GET","url":"/header","headers":{"X-Key":{"contains":"k"},"X-None":{"absent":true}},"basicAuthCredentials":{"username":"u","password":"p"}},"response":{"status":200,"body":"by header"}},
 {"name":"first","scenarioName":"s","requiredScenarioState":"two","request":{"method":"GET","url":"/turns"},"response":{"status":200,"body":"second"}},
 {"name":"second","scenarioName":"s","requiredScenarioState":"Started","newScenarioState":"two","request":{"method":"GET","url":"/turns"},"response":{"status":200,"body":"first"}},
 {"name":"all","priority":10,"request":{"method":"ANY","urlPattern":"/.*"},"response":{"status":404,"body":"nothing"}}
]}"#;

pub(crate) const HOVERFLY: &str = r#"{"data":{"pairs":[
 {"request":{"path":[{"matcher":"exact","value":"/plain"}],"method":[{"matcher":"exact","value":"GET"}],"destination":[{"matcher":"exact","value":"a.example"}],"scheme":[{"matcher":"exact","value":"https"}],"body":[{"matcher":"exact","value":""}],"query":{"b":[{"matcher":"exact","value":"2"}]}},"response":{"status":200,"body":"plain","encodedBody":false,"headers":{"X":["1","2"]},"templated":false}},
 {"request":{"path":[{"matcher":"exact","value":"/coded"}],"method":[{"matcher":"exact","value":"GET"}],"destination":[{"matcher":"exact","value":"a.example"}],"scheme":[{"matcher":"exact","value":"http"}]},"response":{"status":200,"body":"H4sIAAAAAAAA/8vIBACsKpPYAgAAAA==","encodedBody":true,"headers":{"Content-Encoding":["gzip"]},"fixedDelay":30}},
 {"request":{"path":[{"matcher":"glob","value":"/files/*.txt"}],"destination":[{"matcher":"exact","value":"a.example"}]},"response":{"status":200,"body":"by glob"}},
 {"request":{"path":[{"matcher":"regex","value":"^/items/[0-9]+$"}],"method":[{"matcher":"exact","value":"GET"}]},"response":{"status":200,"body":"by regex"}},
 {"request":{"path":[{"matcher":"exact","value":"/part"}],"method":[{"matcher":"exact","value":"POST"}],"body":[{"matcher":"jsonpartial","value":"{\"a\":1}"}]},"response":{"status":200,"body":"partial"}},
 {"request":{"path":[{"matcher":"exact","value":"/where"}],"method":[{"matcher":"exact","value":"POST"}],"body":[{"matcher":"jsonpath","value":"$.a.b"}]},"response":{"status":200,"body":"by place"}},
 {"request":{"path":[{"matcher":"exact","value":"/turns"}],"method":[{"matcher":"exact","value":"GET"}],"requiresState":{"sequence:1":"2"}},"response":{"status":200,"body":"second"}},
 {"request":{"path":[{"matcher":"exact","value":"/turns"}],"method":[{"matcher":"exact","value":"GET"}],"requiresState":{"sequence:1":"1"}},"response":{"status":200,"body":"first","transitionsState":{"sequence:1":"2"}}}
],"globalActions":{"delays":[],"delaysLogNormal":[]}},"meta":{"schemaVersion":"v5.2"}}"#;

fn read(text: &str) -> Imported {
    import::read_bytes(text.as_bytes(), None).unwrap()
}

/// What a replay answers: status and body, or that there is nothing.
fn asker(imported: Imported) -> impl FnMut(&str, &str, &str) -> String {
    let matching = Matching::default();
    let library = Library::of_recorded(&imported.recorded, matching, imported.repeats);
    let mut session = Arc::new(library.with_rules(imported.rules)).session();
    move |method, url, body| {
        let key = ("x-key", "a key");
        let headers = [key, ("authorization", "Basic dTpw")].into_iter().collect();
        let body = body.as_bytes().to_vec().into();
        let request = Request { method: method.into(), url: url.into(), headers, body };
        match session.answer(&request, &Address::of(url).origin()).unwrap() {
            Answer::Recorded(response) => {
                let body = response.body.bytes().unwrap();
                format!("{} {}", response.status, String::from_utf8_lossy(body))
            }
            Answer::Missed(miss) => format!("{:?}", miss.why),
        }
    }
}

#[test]
fn mappings_are_recordings_or_rules() {
    let imported = read(WIREMOCK);
    assert_eq!(imported.warnings, Vec::<String>::new());
    assert_eq!((imported.recorded.len(), imported.rules.len()), (6, 6));
    let mut ask = asker(imported);
    let mut check = |method: &str, url: &str, body: &str, expect: &str| {
        assert_eq!(ask(method, url, body), expect, "{method} {url}");
    };
    check("GET", "/plain?a=1", "", "200 plain");
    check("GET", "/plain?a=1", "", "200 plain");
    check("GET", "/plain?a=2", "", "404 nothing");
    check("GET", "/json", "", r#"201 {"b":[1.5,null],"a":"é"}"#);
    check("POST", "/sent", "hi", "202 ");
    check("POST", "/sent", "ho", "404 nothing");
    check("GET", "http://any.example/path?q=12&r=1", "", "200 by path");
    check("GET", "/path?q=x", "", "404 nothing");
    check("DELETE", "/pattern/abc?x", "", "200 by pattern");
    check("GET", "/contacts/12", "", "200 by template");
    check("GET", "/contacts/kim", "", "404 nothing");
    check("POST", "/deep", r#"{"x":0,"a":[{"b":2},{"b":1}]}"#, "200 deep");
    check("POST", "/deep", r#"{"a":[{"b":1}]}"#, "404 nothing");
    check("GET", "/header", "", "200 by header");
    check("GET", "/turns", "", "200 first");
    check("GET", "/turns", "", "200 second");
    check("GET", "/turns", "", "200 second");
    check("GET", "no path at all", "", "Unknown");
}

#[test]
fn simulations_are_recordings_or_rules() {
    let imported = read(HOVERFLY);
    assert_eq!(imported.warnings, Vec::<String>::new());
    assert_eq!(imported.format.name(), "hoverfly");
    assert_eq!((imported.recorded.len(), imported.rules.len()), (4, 4));
    assert_eq!(imported.recorded[0].interaction.request.url, "https://a.example/plain?b=2");
    let coded = &imported.recorded[1].interaction.response;
    assert_eq!(coded.timing.as_ref().unwrap().head_ms, 30);
    let mut ask = asker(imported);
    let mut check = |method: &str, url: &str, body: &str, expect: &str| {
        assert_eq!(ask(method, url, body), expect, "{method} {url}");
    };
    check("GET", "https://a.example/plain?b=2", "", "200 plain");
    check("GET", "http://a.example/coded", "", "200 hi");
    check("PUT", "http://a.example/files/x/y.txt", "", "200 by glob");
    check("PUT", "http://b.example/files/x/y.txt", "", "Unknown");
    check("GET", "/items/12", "", "200 by regex");
    check("GET", "/items/12/x", "", "Unknown");
    check("POST", "/part", r#"{"b":2,"a":1}"#, "200 partial");
    check("POST", "/part", r#"{"b":2}"#, "Unknown");
    check("POST", "/where", r#"{"a":{"b":0}}"#, "200 by place");
    check("GET", "/turns", "", "200 first");
    check("GET", "/turns", "", "200 second");
}

/// The one warning that a mapping leads to.
fn warned(mapping: &str, expect: &str) {
    let imported = read(mapping);
    assert_eq!(imported.warnings.len(), 1, "{:?}", imported.warnings);
    assert!(imported.warnings[0].contains(expect), "{:?}", imported.warnings);
}

#[test]
fn what_cannot_be_carried_over_is_named() {
    let with = |request: &str, response: &str| {
        format!(
            r#"{{"name":"n","request":{{"method":"GET",{request}}},"response":{{{response}}}}}"#
        )
    };
    let ok = r#""status":200"#;
    let url = r#""url":"/x""#;
    warned(
        &with(url, r#""fault":"EMPTY_RESPONSE""#),
        "mapping 1 (n) answers with fault and no response: left out",
    );
    warned(&with(url, r#""proxyBaseUrl":"http://b""#), "proxyBaseUrl");
    warned(
        &with(url, r#""status":200,"transformers":["response-template"]"#),
        "transformers is not carried over",
    );
    warned(
        &with(url, r#""status":200,"delayDistribution":{"type":"uniform"}"#),
        "delayDistribution",
    );
    warned(&with(url, r#""bodyFileName":"x.json""#), "no folder to look for it in");
    warned(&with(url, r#""status":7"#), "has `7` for its status");
    warned(
        &with(r#""url":"/x","bodyPatterns":[{"matchesXPath":"//a"}]"#, ok),
        "asked for by matchesXPath",
    );
    warned(&with(r#""url":"/x","multipartPatterns":[{}]"#, ok), "asked for by multipartPatterns");
    warned(&with(r#""urlPattern":"/(?=x)""#, ok), "no regular expression");
    warned(
        &with(r#""url":"/x","bodyPatterns":[{"matchesJsonPath":"$.[?(@.a)]"}]"#, ok),
        "is no path",
    );
    warned(&with(r#""url":"/x","headers":{"A":{}}"#, ok), "says nothing");
    let two = with(url, ok);
    warned(&format!(r#"{{"mappings":[{two},{two}]}}"#), "mapping 1 (n) is never reached");
    let pair = |request: &str| {
        format!(
            r#"{{"data":{{"pairs":[{{"request":{{{request}}},"response":{{"status":200}}}}]}}}}"#
        )
    };
    warned(&pair(r#""body":[{"matcher":"xpath","value":"//a"}]"#), "pair 1 is asked for by xpath");
    warned(
        &pair(r#""path":[{"matcher":"exact","value":"/x","doMatch":{"matcher":"exact"}}]"#),
        "in a chain",
    );
}

#[test]
fn rules_that_come_first_do() {
    let mappings = |priority: u32| {
        format!(
            r#"{{"mappings":[{{"priority":{priority},"request":{{"method":"GET","urlPathPattern":"/a.*"}},"response":{{"status":200,"body":"rule"}}}},{{"request":{{"method":"GET","url":"/ab"}},"response":{{"status":200,"body":"exact"}}}}]}}"#
        )
    };
    let check = |priority: u32, expect: &str| {
        assert_eq!(asker(read(&mappings(priority)))("GET", "/ab", ""), expect, "{priority}");
    };
    check(1, "200 rule");
    check(5, "200 exact");
    check(9, "200 exact");
}

fn written(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(
            &mut std::fs::OpenOptions::new().create_new(true).write(true).open(path).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
    }
}

#[test]
fn folders_of_mappings() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = |file: &str| {
        format!(
            r#"{{"request":{{"method":"GET","url":"/{file}"}},"response":{{"bodyFileName":"{file}"}}}}"#
        )
    };
    let (one, deep, out) = (mapping("one.txt"), mapping("in/deep.txt"), mapping("../secret.txt"));
    written(
        folder.path(),
        &[
            ("mappings/1.json", &one),
            ("mappings/sub/2.json", &deep),
            ("mappings/sub/3.json", &out),
            ("__files/one.txt", "one"),
            ("__files/in/deep.txt", "deep"),
            ("secret.txt", "secret"),
        ],
    );
    for path in [folder.path().to_owned(), folder.path().join("mappings")] {
        let imported = import::read(&path).unwrap();
        let bodies: Vec<_> = imported
            .recorded
            .iter()
            .map(|one| one.interaction.response.body.bytes().unwrap().clone())
            .collect();
        assert_eq!(bodies, ["one", "deep"]);
        let expect =
            "mapping 3 it names the file `../secret.txt`, which is not beside it: left out";
        assert_eq!(imported.warnings, [expect]);
    }
    let one = import::read(&folder.path().join("mappings/1.json")).unwrap();
    assert_eq!(one.recorded.len(), 1);
    assert!(import::read(&folder.path().join("__files")).is_err());
}

#[test]
fn stubs_are_shown_with_what_they_say() {
    let lines: Vec<serde_json::Value> =
        recorder::shown(&read(WIREMOCK)).map(|line| serde_json::from_str(&line).unwrap()).collect();
    let shown: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("{} {}", line["method"].as_str().unwrap(), line["url"].as_str().unwrap())
        })
        .collect();
    assert_eq!(shown[0], "GET /plain?a=1");
    assert_eq!(shown[4], "GET /path");
    assert_eq!(shown[5], "ANY /pattern/[a-z]+(\\?.*)?");
    assert_eq!(shown.len(), 12);
}
