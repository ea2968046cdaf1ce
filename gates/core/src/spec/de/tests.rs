use super::super::yaml;
use super::*;
use crate::values::{DurationValue, Secret};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are seen through Debug")]
struct Sample {
    #[serde(default)]
    count: u8,
    wait: Option<DurationValue>,
    auth: Option<Template>,
    key: Option<Secret>,
    mode: Option<Mode>,
    #[serde(default)]
    pages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "the variants are seen through Debug")]
enum Mode {
    Fast,
    Slow { by: u32 },
}

fn read(text: &str) -> Result<Sample, ReadError> {
    let vars = |name: &str| match name {
        "N" => Some("7".to_owned()),
        "WORD" => Some("many".to_owned()),
        "SNEAKY" => Some("${secret:K}".to_owned()),
        _ => None,
    };
    Reading::expanding(&vars).read(&yaml::parse(text).unwrap())
}

#[test]
fn an_expanded_scalar_is_read_as_the_type_asked_for() {
    assert_eq!(read("count: ${N}").unwrap().count, 7);
    assert_eq!(read("count: \"${NONE:-3}\"").unwrap().count, 3);
    assert_eq!(read("wait: ${N}s").unwrap().wait.unwrap().to_string(), "7s");
    assert_eq!(read("pages: [\"/${N}\"]").unwrap().pages, ["/7"]);
    assert_eq!(
        read("auth: u:${secret:K}@${N}").unwrap().auth.unwrap().to_string(),
        "u:${secret:K}@7"
    );
    assert!(matches!(read("mode: {slow: {by: 2}}").unwrap().mode, Some(Mode::Slow { by: 2 })));
}

fn check(text: &str, path: &str, message: &str, hint: Option<&str>) {
    let error = read(text).unwrap_err();
    let found = (error.path.join("."), error.message.as_str(), error.hint.as_deref());
    assert_eq!(found, (path.to_owned(), message, hint), "{text}");
}

#[test]
fn mistakes_have_a_path_and_a_hint() {
    check("conut: 1", "conut", "unknown field `conut`", Some("did you mean `count`?"));
    check("count: 300", "count", "expected u8, found the number `300`", None);
    check("count: x", "count", "expected u8, found the text `x`", None);
    check(
        "count: ${WORD}",
        "count",
        "expected a whole number, found `many` (from `${WORD}`)",
        None,
    );
    check(
        "wait: 10",
        "wait",
        "expected a duration such as `250ms`, `30s` or `2m`, found the number `10`",
        None,
    );
    check(
        "pages: a",
        "pages",
        "expected a list, found the text `a`",
        Some("a list of one is written `[a]`"),
    );
    check(
        "pages: '#a'",
        "pages",
        "expected a list, found the text `#a`",
        Some("a list of one is written `[\"#a\"]`"),
    );
    check("pages: {a: b}", "pages", "expected a list, found a mapping", None);
    check("pages: [a, [b]]", "pages.1", "expected a string, found a list", None);
    check(
        "pages: [\"${NONE}\"]",
        "pages.0",
        "the variable NONE is not set",
        Some("set NONE, or write `${NONE:-default}`"),
    );
    check(
        "pages: [\"${secret:K}\"]",
        "pages.0",
        "a secret (`${secret:K}`) cannot stand here",
        Some("secrets go where headers, cookies and credentials are set"),
    );
    check("auth: ${SNEAKY}", "auth", "a variable's value may not hold `${`", None);
    check("key: abc", "key", "a secret is written `${secret:NAME}`, with nothing around it", None);
    check("mode: quick", "mode", "`quick` is not one of `fast`, `slow`", None);
    check(
        "mode: fats",
        "mode",
        "`fats` is not one of `fast`, `slow`",
        Some("did you mean `fast`?"),
    );
    check(
        "mode: {slow: {bye: 2}}",
        "mode.slow.bye",
        "unknown field `bye`",
        Some("did you mean `by`?"),
    );
}
