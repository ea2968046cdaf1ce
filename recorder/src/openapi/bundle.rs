//! A schema of a document and all that it refers to, as one JSON Schema of 2020-12.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Version;
use super::files::{Files, Place};

/// What JSON Schema is written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Dialects that say the same.
pub(super) const DIALECTS: [&str; 2] = [DIALECT, "https://spec.openapis.org/oas/3.1/dialect/base"];
/// How many schemas one may refer to, and those again.
const MOST_PARTS: usize = 4000;
/// How many values all of them may have.
const MOST_VALUES: usize = 500_000;
/// How deep all of them may be nested together: a chain of references may lead through all.
const MOST_LEVELS: usize = 40_000;
/// How many schemas may say something of one object.
const MOST_SEEN: usize = 1000;
/// Keywords whose value is a schema of the same value.
const SAME: [&str; 2] = ["then", "else"];
/// The same, where to leave out what is wanted would make it say something else.
const ASKING: [&str; 2] = ["if", "not"];
const SAME_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value is a schema of a value within.
const WITHIN: [&str; 6] = [
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// What says nothing of an answer.
const SILENT: [&str; 20] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$schema",
    "$vocabulary",
    "contentSchema",
    "default",
    "definitions",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "examples",
    "externalDocs",
    "nullable",
    "readOnly",
    "title",
    "writeOnly",
    "xml",
];
/// All that a schema of OpenAPI 3.0 may say.
const OLD: [&str; 24] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
    "uniqueItems",
];

/// A schema that stands for itself.
pub(super) struct Bundle {
    /// In JSON Schema.
    pub(super) schema: Value,
    /// Where in the document each of its definitions (`s0`, `s1`, …) stands.
    pub(super) places: Vec<Place>,
}

/// A schema, and which members of it are not to be expected in an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    place: Place,
    hidden: BTreeSet<String>,
}

struct Bundler<'d> {
    files: &'d Files,
    version: Version,
    parts: BTreeMap<Part, usize>,
    left: Vec<Part>,
    places: Vec<Place>,
    /// Which parts each part says of the same value.
    same: Vec<Vec<usize>>,
    values: usize,
    /// How deep the part is nested that is worked on, and how deep all before it were together.
    depth: usize,
    deepest: usize,
    levels: usize,
    /// How many values were looked at for members that are only ever sent.
    looked: Cell<usize>,
}

/// What a schema is translated in.
#[derive(Clone, Copy)]
struct At<'a> {
    file: usize,
    part: usize,
    /// Whether it speaks of the same value as the part as a whole.
    is_same: bool,
    hidden: &'a BTreeSet<String>,
}

/// Puts a schema together with all that it refers to.
pub(super) fn bundle(files: &Files, version: Version, place: &Place) -> Result<Bundle, String> {
    let (parts, left, places) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut bundler = Bundler {
        files,
        version,
        parts,
        left,
        places,
        same: Vec::new(),
        values: 0,
        depth: 0,
        deepest: 0,
        levels: 0,
        looked: Cell::new(0),
    };
    bundler.part(Part { place: place.clone(), hidden: BTreeSet::new() })?;
    let mut definitions = Map::new();
    while let Some(part) = bundler.left.pop() {
        let number = bundler.parts[&part];
        let json = files.json(part.place.file);
        let value = json.pointer(&part.place.pointer).unwrap_or(&Value::Null);
        let at = At { file: part.place.file, part: number, is_same: true, hidden: &part.hidden };
        let schema = bundler.schema(value, at)?;
        definitions.insert(format!("s{number}"), schema);
        bundler.levels += std::mem::take(&mut bundler.deepest);
        if bundler.levels > MOST_LEVELS {
            return Err(format!("its schema is nested through more than {MOST_LEVELS} levels"));
        }
    }
    super::endless::check(&bundler.same)?;
    let schema = json!({ "$schema": DIALECT, "$ref": "#/$defs/s0", "$defs": definitions });
    Ok(Bundle { schema, places: bundler.places })
}

impl Bundler<'_> {
    /// The number of a part, which is translated later.
    fn part(&mut self, part: Part) -> Result<usize, String> {
        if let Some(number) = self.parts.get(&part) {
            return Ok(*number);
        }
        let number = self.parts.len();
        if number == MOST_PARTS {
            return Err(format!("its schema refers to more than {MOST_PARTS} others"));
        }
        self.places.push(part.place.clone());
        self.same.push(Vec::new());
        self.parts.insert(part.clone(), number);
        self.left.push(part);
        Ok(number)
    }

    fn schema(&mut self, value: &Value, at: At<'_>) -> Result<Value, String> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let schema = self.level(value, at);
        self.depth -= 1;
        schema
    }

    fn level(&mut self, value: &Value, at: At<'_>) -> Result<Value, String> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(format!("its schema has more than {MOST_VALUES} values"));
        }
        let members = match value {
            Value::Bool(_) => return Ok(value.clone()),
            Value::Object(members) => members,
            _ => return Err("its schema is neither an object nor a truth value".to_owned()),
        };
        if let (Some(Value::String(reference)), true) =
            (members.get("$ref"), self.version == Version::V30)
        {
            // What stands beside it does not count.
            return Ok(json!({ "$ref": self.reference(reference, at)? }));
        }
        let mut hidden = at.hidden.clone();
        self.hidden(value, at.file, &mut BTreeSet::new(), &mut hidden)?;
        let at = At { hidden: &hidden, ..at };
        let mut all = Map::new();
        for (name, value) in members {
            if let Some(value) = self.keyword(name, value, at)? {
                all.insert(name.clone(), value);
            }
        }
        self.dialect(members, &mut all);
        if self.version == Version::V30 && members.get("nullable") == Some(&Value::Bool(true)) {
            // As it is meant everywhere, and not as 3.0.3 has it: of an enumeration and of what
            // is referred to, too.
            return Ok(json!({ "if": { "type": "null" }, "else": all }));
        }
        Ok(Value::Object(all))
    }

    /// A keyword as JSON Schema has it; none, when it says nothing of an answer.
    fn keyword(&mut self, name: &str, value: &Value, at: At<'_>) -> Result<Option<Value>, String> {
        let within = BTreeSet::new();
        let inner = At { is_same: false, hidden: &within, ..at };
        if self.version == Version::V30 && !OLD.contains(&name) {
            return Ok(None);
        }
        Ok(Some(match (name, value) {
            ("$ref", Value::String(reference)) => self.reference(reference, at)?.into(),
            ("$id" | "$dynamicRef" | "$recursiveRef", _) => {
                return Err(format!("its schema uses `{name}`, which is not followed"));
            }
            ("$schema", Value::String(dialect))
                if !DIALECTS.contains(&dialect.trim_end_matches('#')) =>
            {
                return Err(format!("its schema is written in `{dialect}`"));
            }
            (name, _) if SILENT.contains(&name) || name.starts_with("x-") => return Ok(None),
            (name, _) if SAME.contains(&name) => self.schema(value, at)?,
            (name, _) if ASKING.contains(&name) => {
                self.schema(value, At { hidden: &within, ..at })?
            }
            (name, Value::Array(all)) if SAME_LISTS.contains(&name) => {
                all.iter().map(|one| self.schema(one, at)).collect::<Result<_, _>>()?
            }
            ("dependentSchemas", Value::Object(all)) => self.named(all, at)?,
            (name, Value::Object(_) | Value::Bool(_)) if WITHIN.contains(&name) => {
                self.schema(value, inner)?
            }
            ("prefixItems", Value::Array(all)) => {
                all.iter().map(|one| self.schema(one, inner)).collect::<Result<_, _>>()?
            }
            ("properties" | "patternProperties", Value::Object(all)) => self.named(all, inner)?,
            ("required", Value::Array(all)) => {
                let is_there =
                    |one: &&Value| one.as_str().is_none_or(|name| !at.hidden.contains(name));
                all.iter().filter(is_there).cloned().collect()
            }
            // Some still write it at a member, where it says nothing.
            ("required", Value::Bool(_)) => return Ok(None),
            (_, value) => value.clone(),
        }))
    }

    fn named(&mut self, all: &Map<String, Value>, at: At<'_>) -> Result<Value, String> {
        let mut named = Map::new();
        for (name, one) in all {
            named.insert(name.clone(), self.schema(one, at)?);
        }
        Ok(Value::Object(named))
    }

    fn reference(&mut self, reference: &str, at: At<'_>) -> Result<String, String> {
        let place = self.files.resolve(at.file, reference)?;
        let number = self.part(Part { place, hidden: at.hidden.clone() })?;
        if at.is_same {
            self.same[at.part].push(number);
        }
        Ok(format!("#/$defs/s{number}"))
    }

    /// What OpenAPI writes otherwise than JSON Schema.
    fn dialect(&self, members: &Map<String, Value>, all: &mut Map<String, Value>) {
        if members.get("format").is_some_and(|format| format == "int32") {
            let bounds = json!({ "minimum": i32::MIN, "maximum": i32::MAX });
            if let Value::Array(more) = all.entry("allOf").or_insert_with(|| json!([])) {
                more.push(bounds);
            }
        }
        if self.version == Version::V31 {
            return;
        }
        for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
        {
            if let Some(Value::Bool(is_exclusive)) = all.get(exclusive).cloned() {
                all.remove(exclusive);
                if let Some(limit) = is_exclusive.then(|| all.remove(limit)).flatten() {
                    all.insert(exclusive.to_owned(), limit);
                }
            }
        }
    }

    /// The members that are only ever sent to the service: of the schema, and of all that it says
    /// of the same object.
    fn hidden(
        &self,
        value: &Value,
        file: usize,
        seen: &mut BTreeSet<Place>,
        hidden: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        let all_of = value["allOf"].as_array().into_iter().flatten();
        let reference = value["$ref"].as_str();
        self.looked.set(self.looked.get() + 1);
        if self.looked.get() > MOST_VALUES || seen.len() > MOST_SEEN {
            return Err("its schema is made of far too many others".to_owned());
        }
        if value["properties"].is_null() && value["allOf"].is_null() && reference.is_none() {
            return Ok(());
        }
        for (name, property) in value["properties"].as_object().into_iter().flatten() {
            if self.is_hidden(property, file) {
                hidden.insert(name.clone());
            }
        }
        for one in all_of {
            self.hidden(one, file, seen, hidden)?;
        }
        if let Some(reference) = reference {
            let place = self.files.resolve(file, reference)?;
            if seen.insert(place.clone()) {
                let json = self.files.json(place.file);
                let value = json.pointer(&place.pointer).unwrap_or(&Value::Null);
                self.hidden(value, place.file, seen, hidden)?;
            }
        }
        Ok(())
    }

    fn is_hidden(&self, property: &Value, file: usize) -> bool {
        if property["writeOnly"] == true {
            return true;
        }
        let Some(reference) = property["$ref"].as_str() else { return false };
        // What leads nowhere is told where it stands.
        let place = self.files.resolve(file, reference).and_then(|place| self.files.follow(place));
        place.is_ok_and(|place| {
            let json = self.files.json(place.file);
            json.pointer(&place.pointer).is_some_and(|value| value["writeOnly"] == true)
        })
    }
}
