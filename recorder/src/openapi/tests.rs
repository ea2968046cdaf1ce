use proptest::prelude::*;

use super::*;
use crate::drift::Answered;
use crate::message::Headers;

fn folder(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.yaml");
    crate::files::write(&path, text.as_bytes()).unwrap();
    (folder, path)
}

fn refused(text: &str) -> Error {
    let (_folder, path) = folder(text);
    Document::open(&path).unwrap_err()
}

/// A document of one operation with this schema of its answers.
fn with_schema(version: &str, schema: &str, components: &str) -> Document {
    let text = format!(
        "openapi: {version}\npaths:\n  /x:\n    get:\n      responses:\n        '200':\n          \
         content: {{ application/json: {{ schema: {schema} }} }}\ncomponents:\n  schemas: {components}\n"
    );
    let (_folder, path) = folder(&text);
    Document::open(&path).unwrap()
}

/// The first breach of a body.
fn breach(document: &Document, body: &str) -> Option<Breach> {
    let headers: Headers = [("content-type", "application/json")].into_iter().collect();
    let answered =
        Answered { status: 200, headers: &headers, body: body.as_bytes(), head_ms: None };
    let operation = document.operation("GET", "/x").unwrap();
    document.breaches(operation, "GET", &answered, false).into_iter().next()
}

#[test]
fn documents_of_other_kinds_are_refused() {
    let check = |text: &str, expect: &str, hint: &str| {
        let error = refused(text);
        assert!(error.to_string().contains(expect), "{error}");
        assert!(error.advice().is_some_and(|advice| advice.contains(hint)), "{error:?}");
    };
    check("swagger: '2.0'\npaths: {}", "it is Swagger 2.0", "swagger2openapi");
    check("swagger: 2.0\npaths: {}", "it is Swagger 2.0", "convert it");
    check("openapi: 3.2.0", "it is OpenAPI 3.2.0", "save it as one of these");
    check("openapi: 3.10.0", "it is OpenAPI 3.10.0", "save it");
    check("a: 1", "does not say `openapi", "is it an OpenAPI document?");
    check("[1]", "does not say `openapi", "is it an OpenAPI document?");
    check("openapi: 3.0.0\npaths: {}", "describes no operation", "`paths`");
    check("openapi: 3.1.0\njsonSchemaDialect: https://x/y", "written in `https://x/y`", "leave");
    let mut many = "openapi: 3.1.0\npaths:\n".to_owned();
    for at in 0..2600 {
        many += &format!("  /p{at}: {{get: {{}}, put: {{}}, post: {{}}, delete: {{}}, ");
        many += "options: {}, head: {}, patch: {}, trace: {}}\n";
    }
    check(&many, "more than 20000 operations", "the part of it");
}

#[test]
fn operations_are_found() {
    let text = r"
openapi: 3.1.0
servers: [{ url: 'https://x/v1' }]
paths:
  /a/{id}: { get: { operationId: one }, put: {} }
  /a/me: { get: { operationId: me } }
  /a/{id}.json: { get: { operationId: json } }
  /b: { servers: [{ url: /v2 }, { url: / }], get: { operationId: b }, head: { operationId: head } }
  /c: { post: { operationId: c, servers: [{ url: /hooks }] } }
  /d: { $ref: 'gone.yaml' }
  x-note: { get: {} }
";
    let (_folder, path) = folder(text);
    let document = Document::open(&path).unwrap();
    let check = |line: &str, expect: Result<&str, &str>| {
        let (method, url) = line.split_once(' ').unwrap();
        match (document.operation(method, url), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found.name(), expect, "{line}"),
            (Err(Nowhere::Undocumented(why) | Nowhere::Unknown(why)), Err(expect)) => {
                assert!(why.contains(expect), "{line}: {why}");
            }
            (found, _) => panic!("{line}: {found:?}"),
        }
    };
    check("GET https://h/v1/a/7?b=1", Ok("one"));
    check("HEAD https://h/v1/a/7", Ok("one"));
    check("PUT /v1/a/7", Ok("PUT /a/{id}"));
    check("GET /v1/a/me", Ok("me"));
    // The path is there with another method: what is less concrete may have this one.
    check("PUT /v1/a/me", Ok("PUT /a/{id}"));
    check("GET /v1/a/7.json", Ok("json"));
    check("GET /v2/b", Ok("b"));
    check("GET /b", Ok("b"));
    check("HEAD /b", Ok("head"));
    check("GET /v1/b", Err("no path is like /v1/b"));
    check("POST /hooks/c", Ok("c"));
    check("PATCH /v1/a/7", Err("with GET, PUT only"));
    check("GET /a/7", Err("no path is like"));
    assert!(matches!(document.operation("GET", "/v1/d"), Err(Nowhere::Unknown(_))));
}

#[test]
fn schemas_of_both_versions_are_read() {
    let check = |version: &str, schema: &str, body: &str, expect: bool| {
        let components = r"
    Node: { type: object, required: [n], properties: { n: { type: integer }, next: { $ref: '#/components/schemas/Node' } } }
    Hidden: { type: object, properties: { key: { type: string, writeOnly: true } } }
    Text: { type: string, description: some text }";
        let document = with_schema(version, schema, components);
        let found = breach(&document, body);
        assert_eq!(found.is_none(), expect, "{version} {schema} {body}: {found:?}");
    };
    let (old, new) = ("3.0.3", "3.1.0");
    check(old, "{ type: string, nullable: true }", "null", true);
    check(new, "{ type: string, nullable: true }", "null", false);
    check(new, "{ type: [string, 'null'] }", "null", true);
    check(old, "{ type: string, nullable: true, enum: [a] }", "null", true);
    check(old, "{ type: string, nullable: true, enum: [a] }", "\"b\"", false);
    check(old, "{ type: number, minimum: 1, exclusiveMinimum: true }", "1", false);
    check(old, "{ type: number, minimum: 1, exclusiveMinimum: false }", "1", true);
    check(old, "{ type: number, maximum: 1, exclusiveMaximum: true }", "1", false);
    check(new, "{ type: number, exclusiveMinimum: 1 }", "1", false);
    check(old, "{ $ref: '#/components/schemas/Text', maxLength: 1 }", "\"ab\"", true);
    check(new, "{ $ref: '#/components/schemas/Text', maxLength: 1 }", "\"ab\"", false);
    check(old, "{ const: 1 }", "2", true);
    check(new, "{ const: 1 }", "2", false);
    check(new, "{ prefixItems: [{ type: string }], items: false }", "[\"a\", 1]", false);
    check(new, "{ if: { required: [a] }, then: { required: [b] } }", r#"{"a":1}"#, false);
    check(new, "true", "1", true);
    check(old, "{ $ref: '#/components/schemas/Node' }", r#"{"n":1,"next":{"n":2}}"#, true);
    check(old, "{ $ref: '#/components/schemas/Node' }", r#"{"n":1,"next":{}}"#, false);
    let hidden = "{ allOf: [{ $ref: '#/components/schemas/Hidden' }, { required: [key, id] }] }";
    check(old, hidden, r#"{"id":1}"#, true);
    check(old, hidden, "{}", false);
    check(new, hidden, r#"{"id":1}"#, true);
    let negated = "{ properties: { a: { writeOnly: true } }, not: { required: [a] } }";
    check(old, negated, "{}", true);
    check(old, "{ type: string, format: date }", "\"21.11.2026\"", false);
    check(old, "{ type: string, format: password }", "\"x\"", true);
    check(old, "{ type: integer, format: int32 }", "2147483648", false);
    check(old, "{ type: integer, format: int64 }", "2147483648", true);
    check(old, "{ properties: { a: { type: string, required: true } } }", "{}", true);
}

#[test]
fn what_cannot_be_used_is_said_and_never_passes() {
    let check = |version: &str, schema: &str, components: &str, expect: &str| {
        let found = breach(&with_schema(version, schema, components), "{}").unwrap();
        assert_eq!(found.weight, Weight::Unknown, "{found:?}");
        assert!(found.got.contains(expect), "{found:?}");
    };
    let (old, new, ref_a) = ("3.0.3", "3.1.0", "{ $ref: '#/components/schemas/A' }");
    check(old, "{ $ref: '#/components/schemas/B' }", "{}", "leads nowhere");
    check(old, "{ $ref: 'https://x/y' }", "{}", "nothing is fetched");
    check(old, "{ $ref: '../../etc/passwd' }", "{}", "the reference");
    check(old, ref_a, &format!("{{ A: {ref_a} }}"), "refers to itself without end");
    check(old, ref_a, &format!("{{ A: {{ allOf: [{ref_a}] }} }}"), "without end");
    check(new, ref_a, "{ A: { $dynamicRef: '#x' } }", "`$dynamicRef`");
    check(new, "{ $id: 'https://x', type: object }", "{}", "`$id`");
    check(new, "{ $schema: 'http://json-schema.org/draft-04/schema#' }", "{}", "draft-04");
    check(old, "{ type: strong }", "{}", "no JSON Schema");
    check(old, "{ pattern: '(' }", "{}", "no JSON Schema");
    check(old, "7", "{}", "neither an object nor a truth value");
    let mut doubling = "\n".to_owned();
    for at in 0..60 {
        let next = format!("{{ $ref: '#/components/schemas/S{}' }}", at + 1);
        doubling += &format!("    S{at}: {{ allOf: [{next}, {next}] }}\n");
    }
    doubling += "    S60: {}\n";
    check(old, "{ $ref: '#/components/schemas/S0' }", &doubling, "more than 10000 times");
}

/// References that go down one by one, as far as is allowed and further.
#[test]
fn long_chains_of_references_end() {
    let chain = |length: usize, nested: usize| {
        let mut all = "\n".to_owned();
        for at in 0..length {
            let next = format!("{{ $ref: '#/components/schemas/S{}' }}", at + 1);
            let (open, close) = ("{ properties: { a: ".repeat(nested), " } }".repeat(nested));
            all += &format!("    S{at}: {open}{next}{close}\n");
        }
        all += &format!("    S{length}: {{ type: string }}\n");
        with_schema("3.0.3", "{ $ref: '#/components/schemas/S0' }", &all)
    };
    let refused = |length, nested, why: &str| {
        let found = breach(&chain(length, nested), "{}").unwrap();
        assert!(found.got.contains(why), "{found:?}");
    };
    assert_eq!(breach(&chain(1, 1), r#"{"a":1}"#).unwrap().place, "$.a");
    assert_eq!(breach(&chain(3900, 1), r#"{"a":{"a":{}}}"#), None);
    assert_eq!(breach(&chain(3500, 10), r#"{"a":{"a":{}}}"#), None);
    refused(3900, 40, "more than 40000 levels");
    refused(5000, 1, "more than 4000 others");
}

#[test]
fn a_pattern_that_would_take_for_ever_ends() {
    let document = with_schema("3.0.3", "{ type: string, pattern: '^(?=(a+)+$)(a+)+$' }", "{}");
    let found = breach(&document, &format!("\"{}!\"", "a".repeat(40))).unwrap();
    assert!(found.weight == Weight::Unknown || found.change == crate::drift::Change::Format);
}

#[test]
fn schemas_may_lie_in_files_beside() {
    let (folder, path) = folder("openapi: 3.1.0\npaths:\n  /x: { $ref: 'paths/x.yaml' }\n");
    let item = "get:\n  responses:\n    '200':\n      content:\n        application/json:\n          \
                schema: { $ref: '../schemas.json#/Contact' }\n";
    let schemas = r##"{"Contact": {"properties": {"next": {"$ref": "#/Contact"}, "n": {"type": "integer"}}}}"##;
    crate::files::write(&folder.path().join("paths/x.yaml"), item.as_bytes()).unwrap();
    crate::files::write(&folder.path().join("schemas.json"), schemas.as_bytes()).unwrap();
    let document = Document::open(&path).unwrap();
    let before = document.digest();
    let found = breach(&document, r#"{"next":{"n":"x"}}"#).unwrap();
    assert_eq!(found.place, "$.next.n");
    assert_eq!(found.rule, "schemas.json#/Contact/properties/n/type");
    assert_ne!(document.digest(), before, "a file more was read");
}

fn schemas() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-2..9_i64).prop_map(Value::from),
        prop_oneof![
            Just("#/components/schemas/A"),
            Just("#/components/schemas"),
            Just("#/paths"),
            Just("object"),
            Just("array"),
            Just("date"),
            Just("a"),
        ]
        .prop_map(Value::from),
        Just(Value::Null),
    ];
    value.prop_recursive(5, 40, 5, |inner| {
        let name = prop_oneof![
            Just("$ref"),
            Just("type"),
            Just("allOf"),
            Just("oneOf"),
            Just("not"),
            Just("items"),
            Just("properties"),
            Just("additionalProperties"),
            Just("required"),
            Just("nullable"),
            Just("writeOnly"),
            Just("minimum"),
            Just("exclusiveMinimum"),
            Just("format"),
            Just("a"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a schema says, looking at an answer ends, and says the same each time.
    #[test]
    fn no_schema_hangs_or_panics(schema in schemas(), body in schemas(), is_old: bool) {
        let version = if is_old { "3.0.3" } else { "3.1.0" };
        let document = with_schema(version, &schema.to_string(), &format!("{{\"A\": {schema}}}"));
        let first = breach(&document, &body.to_string());
        prop_assert_eq!(first, breach(&document, &body.to_string()));
    }
}
