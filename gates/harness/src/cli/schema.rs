//! `gate schema`, and the documents that are generated: schemas and the command-line reference.

use std::collections::BTreeMap;
use std::fmt::Write;

use gate_core::spec::{Config, header_schema};
use gate_core::{ExitCode, Registry};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Cli, Session, print};
use crate::usage::Stop;

pub(super) fn print(session: &mut Session, kind: Option<&str>) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    session.add_plugins(&project, None)?;
    let schema = match kind {
        None => any(&session.registry),
        Some("gate.yaml") => config(),
        Some(kind) => of(&session.registry, kind).ok_or_else(|| {
            Stop::usage_hint(format!("there is no kind `{kind}`"), session.registry.hint(kind))
        })?,
    };
    print::out(&text(&schema));
    Ok(ExitCode::PROMOTE)
}

fn text(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is plain data");
    text.push('\n');
    text
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().into_generator()
}

/// The schema of a spec of one kind.
fn of(registry: &Registry, kind: &str) -> Option<Value> {
    let gate = registry.get(kind)?.gate();
    let mut generator = generator();
    let mut schema = header_schema(&mut generator).to_value();
    let with = gate.schema(&mut generator);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(format!("a gate of the kind {kind}"));
    if let Some(description) = registry.get(kind).map(gate_core::Kind::about) {
        schema["description"] = json!(description);
    }
    schema["properties"]["gate"] = json!({ "const": kind });
    schema["properties"]["with"] = with;
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        schema["definitions"] = Value::Object(definitions);
    }
    Some(schema)
}

/// The schema of a spec of any kind: the right one by what `gate:` says.
fn any(registry: &Registry) -> Value {
    let kinds: Vec<&str> = registry.kinds().map(|kind| kind.gate().kind()).collect();
    let mut definitions = serde_json::Map::new();
    let mut branches = Vec::new();
    for kind in &kinds {
        let Some(mut schema) = of(registry, kind) else { continue };
        if let Some(Value::Object(inner)) =
            schema.as_object_mut().and_then(|schema| schema.remove("definitions"))
        {
            definitions.extend(inner);
        }
        branches.push(json!({
            "if": { "properties": { "gate": { "const": kind } }, "required": ["gate"] },
            "then": schema,
        }));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a gate",
        "type": "object",
        "required": ["gate", "name"],
        "properties": { "gate": { "enum": kinds } },
        "allOf": branches,
        "definitions": definitions,
    })
}

fn config() -> Value {
    let mut schema = generator().into_root_schema_for::<Config>().to_value();
    schema["title"] = json!("gate.yaml");
    schema
}

/// Every generated schema by the name of its file under `specs/schema/`.
pub fn schemas(cli: &Cli) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("gate.yaml.json".to_owned(), text(&config())),
        ("spec.json".to_owned(), text(&any(cli.registry()))),
    ]);
    for kind in cli.registry().kinds() {
        let name = kind.gate().kind();
        if let Some(schema) = of(cli.registry(), name) {
            all.insert(format!("{name}.json"), text(&schema));
        }
    }
    all
}

/// The command-line reference as Markdown.
pub fn reference(cli: &Cli) -> String {
    let mut text = String::from(
        "# Command-line reference\n\nGenerated from the commands themselves; a test fails when it is stale.\n",
    );
    let mut grammar = cli.grammar().term_width(100);
    grammar.build();
    section(&mut text, "gate", &grammar.render_long_help().to_string());
    let own: BTreeMap<&str, String> = cli
        .registry()
        .commands()
        .chain(&cli.commands)
        .map(|command| (command.name, (command.help)()))
        .collect();
    let names: Vec<String> =
        grammar.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        let help = match own.get(name.as_str()) {
            Some(help) => help.clone(),
            None => match grammar.find_subcommand_mut(name) {
                Some(command) => command.render_long_help().to_string(),
                None => continue,
            },
        };
        section(&mut text, &format!("gate {name}"), &help);
    }
    text
}

fn section(text: &mut String, title: &str, help: &str) {
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    let _ = write!(text, "\n## `{title}`\n\n```text\n{}\n```\n", lines.join("\n"));
}
