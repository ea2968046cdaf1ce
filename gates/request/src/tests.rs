use gate_core::{Timestamp, json};

use super::*;

fn answer() -> Answer {
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-two", "a"),
        ("x-two", "b"),
        ("set-cookie", "session=abc; Path=/; HttpOnly"),
    ]
    .map(|(name, value): (&str, &str)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec();
    let body = br#"{"id":"con_17","n":3,"f":1.5,"yes":true,"no":null,"items":[{"k":1},{"k":2}],
        "at":"2026-01-01T00:00:00Z","uuid":"0c1f7b6e-58b5-4d3e-9a64-1d1c6f0f2a11","empty":[],
        "a.b":{"c d":"x"},"text":"one,two","enc":"aGk=","url":"a%20b","nested":"{\"z\":9}","large":"9007199254740993","nan":"nan"}"#;
    Answer {
        status: 201,
        version: "HTTP/1.1".to_owned(),
        url: "http://h/x".to_owned(),
        headers,
        body: body.to_vec(),
        duration_ms: 120.5,
        ..Answer::default()
    }
}

fn variables() -> Variables {
    let mut variables = Variables::new(7, Timestamp::from_millis(0));
    variables.set("id", json!("con_17"));
    variables.set("n", json!(3));
    variables
}

/// Why an assert does not hold; empty when it does.
fn held(text: &str) -> String {
    let assert: Assert = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let variables = variables();
    let value = match assert.what().of(&answer(), &variables) {
        Ok(value) => value,
        Err(why) => return why,
    };
    let wanted = assert.wanted(&variables).unwrap();
    assert.broken(value.as_ref(), wanted.as_ref()).unwrap_or_default()
}

#[test]
fn what_holds_of_an_answer() {
    for text in [
        "status == 201",
        "status < 300",
        "status not == 200",
        "version == \"1.1\"",
        "bytes count == BYTES",
        "cookie \"session[HttpOnly]\" exists",
        "cookie \"session[Secure]\" not exists",
        "cookie \"session[path]\" == \"/\"",
        "jsonpath \"$.empty[*]\" count == 0",
        "jsonpath \"$.empty[*]\" isEmpty",
        "jsonpath \"$.empty[*]\" not exists",
        "jsonpath \"$.items[*]\" exists",
        "jsonpath \"$.large\" toInt == 9007199254740993",
        "url endsWith \"/x\"",
        "header \"Content-Type\" contains \"json\"",
        "header \"content-type\" startsWith \"application/\"",
        "header \"x-two\" count == 2",
        "header \"x-two\" includes \"b\"",
        "header \"missing\" not exists",
        "cookie \"session\" == \"abc\"",
        "body contains \"con_\"",
        "bytes startsWith \"7b\"",
        "sha256 matches /^[0-9a-f]{64}$/",
        "duration < 500",
        "duration < 500ms",
        "duration <= 2s",
        "jsonpath \"$.id\" == \"con_17\"",
        "jsonpath \"$.id\" == \"{{id}}\"",
        "jsonpath \"$.id\" == {{id}}",
        "jsonpath \"$.n\" == {{n}}",
        "jsonpath \"$.id\" matches /^con_\\d+$/",
        "jsonpath \"$.id\" matches \"^con_\"",
        "jsonpath \"$.id\" regex \"con_(.*)\" toInt == 17",
        "jsonpath \"$.n\" == 3.0",
        "jsonpath \"$.f\" > 1",
        "jsonpath \"$.n\" isInteger",
        "jsonpath \"$.f\" isFloat",
        "jsonpath \"$.f\" isNumber",
        "jsonpath \"$.yes\" isBoolean",
        "jsonpath \"$.yes\" == true",
        "jsonpath \"$.no\" == null",
        "jsonpath \"$.no\" exists",
        "jsonpath \"$.missing\" not exists",
        "jsonpath \"$.items\" count == 2",
        "jsonpath \"$.items\" isList",
        "jsonpath \"$.items\" isCollection",
        "jsonpath \"$.items[*].k\" contains 2",
        "jsonpath \"$.items[1].k\" == 2",
        "jsonpath \"$.items\" last jsonpath \"$.k\" == 2",
        "jsonpath \"$.items\" first jsonpath \"$.k\" == 1",
        "jsonpath \"$.items\" nth 1 jsonpath \"$.k\" == 2",
        "jsonpath \"$.items[?@.k > 1]\" count == 1",
        "jsonpath \"$['a.b']['c d']\" == \"x\"",
        "jsonpath \"$['a.b']\" isObject",
        "jsonpath \"$.empty\" isEmpty",
        "jsonpath \"$.at\" isIsoDate",
        "jsonpath \"$.uuid\" isUuid",
        "jsonpath \"$.id\" not isUuid",
        "jsonpath \"$.id\" isString",
        "jsonpath \"$.text\" split \",\" nth 1 == \"two\"",
        "jsonpath \"$.text\" replace \",\" \"-\" == \"one-two\"",
        "jsonpath \"$.enc\" base64Decode == \"hi\"",
        "jsonpath \"$.url\" urlDecode == \"a b\"",
        "jsonpath \"$.nested\" jsonpath \"$.z\" == 9",
        "jsonpath \"$.n\" toString == \"3\"",
        "jsonpath \"$.f\" toFloat == 1.5",
        "regex /\"id\":\"([^\"]+)\"/ == \"con_17\"",
        "variable \"id\" == \"con_17\"",
    ] {
        let text = text.replace("BYTES", &answer().body.len().to_string());
        assert_eq!(held(&text), "", "{text}");
    }
}

#[test]
fn what_does_not_hold_is_told() {
    let check = |text: &str, expect: &str| assert_eq!(held(text), expect, "{text}");
    check("status == 200", "it is 201");
    check("status not == 201", "it is 201");
    check("jsonpath \"$.id\" == \"con_18\"", "it is `con_17`");
    check("jsonpath \"$.missing\" == 1", "there is none");
    // Neither a predicate nor its opposite holds of what is not there or cannot be compared.
    check("jsonpath \"$.missing\" not == 1", "there is none");
    check("jsonpath \"$.id\" > 3", "`con_17` cannot be compared with 3");
    check("jsonpath \"$.id\" not > 3", "`con_17` cannot be compared with 3");
    check("jsonpath \"$.n\" contains \"3\"", "3 cannot be compared with `3`");
    check("jsonpath \"$.n\" matches /3/", "3 is no text");
    check("jsonpath \"$.n\" isEmpty", "3 is no list, object or text");
    check("jsonpath \"$.id\" first == 1", "`con_17` is no list");
    check("jsonpath \"$.id\" toInt == 1", "`con_17` is no number");
    check("jsonpath \"$.items[9]\" count == 1", "there is none");
    check("jsonpath \"$.items\" nth 9 exists", "there is none");
    check("header \"missing\" exists", "there is none");
    check("jsonpath \"$.empty[*]\" exists", "there is none");
    check("jsonpath \"$.id\" count == 6", "\"con_17\" cannot be counted");
    check("jsonpath \"$.large\" toInt == 9007199254740992", "it is 9007199254740993");
    check("jsonpath \"$.nan\" toInt == 0", "`nan` is no number");
    check("jsonpath \"$.nan\" toFloat != 0", "`nan` is no number");
    check("duration < 100", "it is 120.5");
}

#[test]
fn mistakes_are_named() {
    let check = |text: &str, expect: &str| {
        let error = text.parse::<Assert>().unwrap_err();
        assert!(error.contains(expect), "{text}: {error}");
    };
    check("", "it has to begin with what is looked at: status, version");
    check("statsu == 200", "`statsu` is nothing of an answer; there are: status");
    check("status", "it does not say what has to hold; there are: ==, !=");
    check("status = 200", "`=` is neither a filter (count");
    check("status ==", "`==` needs a value");
    check("status == 200 300", "`300` stands behind the end of the assert");
    check("jsonpath $.id == 1", "`jsonpath` needs a text in quotation marks, not $.id");
    check("jsonpath \"id\" == 1", "`id` is no JSONPath");
    check("jsonpath \"$.id\" == con", "write texts in quotation marks, \"con\"");
    check("jsonpath \"$.id == 1", "is never closed by a quotation mark");
    check("jsonpath \"$.id\"== 1", "there has to be a blank after");
    check("body matches /(/", "is no regular expression");
    check("body matches 3", "`matches` needs a regular expression");
    check("jsonpath \"$.a\" nth x == 1", "`nth` needs a number");
    check("body == /x/", "`==` takes no regular expression; `matches` does");
    check("body == {{x", "is never closed by }}");
    check("cookie \"a[Color]\" exists", "a cookie has no `[Color]`; there are: Value");
    let error = "jsonpath \"$.a\" counts".parse::<Expression>().unwrap_err();
    assert!(error.contains("`counts` is no filter; there are: count, first"), "{error}");
}

#[test]
fn another_limit_is_held_against_what_was_kept() {
    let check = |was: &str, is: &str, expect: bool| {
        let [was, is]: [Assert; 2] = [was, is].map(|text| text.parse().unwrap());
        assert_eq!(was.measured_by() == is.measured_by(), expect, "{was} {is}");
    };
    check("status == 200", "status < 300", true);
    check("status == 200", "duration < 300", false);
    check("jsonpath \"$.id\" == {{id}}", "jsonpath \"$.id\" == \"con_18\"", false);
    check("jsonpath \"$.id\" == \"x\"", "jsonpath \"$.id\" != \"{{id}}\"", false);
    let open: Assert = "jsonpath \"$.id\" != {{id}}".parse().unwrap();
    assert_eq!(open.variables().collect::<Vec<_>>(), ["id"]);
    let broken = open.broken(Some(&json!("x")), None);
    assert!(broken.unwrap().contains("was not kept"));
}

#[test]
fn texts_are_filled_in() {
    let variables = variables();
    let check = |text: &str, expect: &str| {
        let found = filled(text, &variables).unwrap_or_else(|error| error);
        assert_eq!(found, expect, "{text}");
    };
    check("plain", "plain");
    check("/v1/{{id}}/{{ n }}", "/v1/con_17/3");
    check("{{newDate}}", "1970-01-01T00:00:00.000Z");
    check("{{other}}", "there is no variable `other`: nothing was captured under it");
    check("{{id", "`{{id`: `{{` is never closed");
    let (one, two) = (filled("{{newUuid}}", &variables), filled("{{newUuid}}", &variables));
    assert_ne!(one, two);
    // The same seed draws the same.
    assert_eq!(one, filled("{{newUuid}}", &self::variables()));
    let uuid: Assert = "variable \"u\" isUuid".parse().unwrap();
    assert_eq!(uuid.broken(Some(&json!(one.unwrap())), None), None);
}
