use gate_core::Tool;
use gate_core::evidence::Block;
use serde_json::json;

use super::*;

/// A tool of a schema with everything that a form can and cannot draw.
fn input() -> Value {
    json!({
        "type": "object",
        "required": ["visitors", "metric"],
        "definitions": { "Arm": { "type": "object", "properties": {} },
                         "Unit": { "enum": ["day", "week"] } },
        "properties": {
            "metric": { "title": "What is counted", "type": "string" },
            "visitors": { "type": "integer", "minimum": 1, "maximum": 1000,
                          "description": "Each <day>" },
            "share": { "type": ["number", "null"], "minimum": 0.5, "default": 0.5 },
            "two_sided": { "type": "boolean", "default": true },
            "every": { "anyOf": [{ "$ref": "#/definitions/Unit" }, { "type": "null" }] },
            "rule": { "default": "b", "oneOf": [
                { "const": "a", "description": "the first" }, { "const": "b" } ] },
            "days": { "type": "array", "items": { "type": "integer", "minimum": 0 } },
            "names": { "type": "array", "items": { "type": "string" }, "default": ["x", "y"] },
            "arms": { "type": "array", "items": { "$ref": "#/definitions/Arm" } },
            "arm": { "$ref": "#/definitions/Arm" },
            "any": { "type": ["string", "number"] },
        },
    })
}

fn tools(run: fn(Value) -> Result<Page, Vec<Problem>>) -> Tools {
    let tool = Tool { id: "sample-size", title: "How long?", input, run };
    Tools::new(&[OfferedTool { kind: "experiment".to_owned(), tool }])
}

fn right() -> Value {
    json!({ "visitors": 10, "metric": "orders" })
}

fn said(tools: &Tools, input: Value) -> Result<Page, Unanswered> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(tools.ask("sample-size", input))
}

fn echo(input: Value) -> Result<Page, Vec<Problem>> {
    if input["metric"] == "luck" {
        return Err(vec![Problem::of_field("metric", "nobody can count it").hint("orders")]);
    }
    let blocks = vec![Block::Text(input.to_string())];
    Ok(Page { schema: gate_core::evidence::PageSchema::V1, title: "It said".to_owned(), blocks })
}

/// Which fields of an input are wrong, with what is said of each.
fn check(input: Value, expect: &[(&str, &str)]) {
    let problems = match said(&tools(echo), input) {
        Ok(_) => Vec::new(),
        Err(Unanswered::Problems(problems)) => problems,
        Err(other) => panic!("{other:?}"),
    };
    let found: Vec<_> = problems
        .iter()
        .map(|problem| {
            assert!(problem.hint.is_some() || problem.path.is_empty(), "{problem:?}");
            (problem.path.first().map_or("", String::as_str), problem.message.as_str())
        })
        .collect();
    assert_eq!(found, expect);
}

#[test]
fn inputs_are_held_against_the_schema() {
    check(right(), &[]);
    check(json!([]), &[("", "the input is no object of fields")]);
    check(json!({ "visitors": 1 }), &[("metric", "it is missing")]);
    check(
        json!({ "visitors": 1001, "metric": 3 }),
        &[("visitors", "1001 is out of range"), ("metric", "`3` is not what is asked for")],
    );
    let with = |name: &str, value: Value| {
        let mut input = right();
        input[name] = value;
        input
    };
    check(with("visitors", json!(1.5)), &[("visitors", "`1.5` is not what is asked for")]);
    check(with("visitors", json!("7")), &[("visitors", "`7` is not what is asked for")]);
    check(with("share", json!(null)), &[]);
    check(with("share", json!(0.4)), &[("share", "0.4 is out of range")]);
    check(with("two_sided", json!("yes")), &[("two_sided", "`yes` is not what is asked for")]);
    check(with("every", json!("week")), &[]);
    check(with("every", json!("year")), &[("every", "`year` is not what is asked for")]);
    check(with("rule", json!("a")), &[]);
    check(with("days", json!([1, 2])), &[]);
    check(with("days", json!([1, -2])), &[("days", "-2 is out of range")]);
    check(with("arms", json!([{ "n": 1 }])), &[]);
    check(with("metric", json!("luck")), &[("metric", "nobody can count it")]);
    check(with("metrics", json!(1)), &[("metrics", "the tool does not ask for it")]);
}

#[test]
fn a_form_is_drawn_from_the_schema() {
    let form = Form::of(&input());
    let lines: Vec<_> = form
        .fields
        .iter()
        .map(|Field { name, label, about, is_needed, value, control }| {
            let needed = if *is_needed { "*" } else { "" };
            let value = value.as_ref().map(Value::to_string).unwrap_or_default();
            let about = about.as_deref().unwrap_or_default();
            format!("{name}{needed} | {label} | {} | {value} | {about}", control.wanted())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_form_is_html() {
    let page = crate::pages::drawn("sample-size", &Form::of(&input())).into_string();
    insta::assert_snapshot!(page.replace("<div", "\n<div").replace("<p", "\n  <p"));
}

#[test]
fn an_answer_is_a_page() {
    let page = said(&tools(echo), right()).unwrap();
    assert_eq!(page.title, "It said");
    insta::assert_snapshot!(text::page(&page));
    insta::assert_snapshot!(text::questions(&tools(echo).all()[0]));
}

#[test]
fn a_tool_that_fails_or_never_ends_is_survived() {
    let panics = tools(|_| panic!("of all things"));
    let never = Tools {
        patience: Duration::from_millis(5),
        ..tools(|_| {
            loop {
                std::thread::park();
            }
        })
    };
    // More often than there are places: a panic gives its place back.
    for _ in 0..2 * AT_ONCE {
        let failed = said(&panics, right());
        assert!(matches!(&failed, Err(Unanswered::Failed(error)) if error.advice().is_some()));
        // The sender is dropped before the place is, and the thread is still ending.
        while panics.turns.available_permits() < AT_ONCE {
            std::thread::yield_now();
        }
    }
    for _ in 0..AT_ONCE {
        assert!(matches!(said(&never, right()), Err(Unanswered::TooLong(_))));
    }
    assert!(matches!(said(&never, right()), Err(Unanswered::Busy(_))));
    let unknown = tools(echo).named("sample").err().unwrap();
    assert!(unknown.advice().unwrap().contains("sample-size"), "{unknown:?}");
}
