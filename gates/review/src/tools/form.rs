//! What a tool asks for, drawn from the JSON Schema of its input.

use gate_core::Problem;
use gate_core::spec::did_you_mean;
use serde_json::{Map, Value};

/// The questions of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    /// The needed ones as the schema lists them, then the others by name.
    pub(crate) fields: Vec<Field>,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// The property of the input that it fills.
    pub(crate) name: String,
    /// What a person is asked.
    pub(crate) label: String,
    pub(crate) about: Option<String>,
    pub(crate) is_needed: bool,
    /// What stands there at first.
    pub(crate) value: Option<Value>,
    pub(crate) control: Control,
}

/// How it is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Control {
    Text,
    Number(Range),
    Whole(Range),
    Truth,
    /// One of these, each with what it is called.
    Choice(Vec<(Value, String)>),
    /// Some of the same, a line each.
    Lines(Box<Control>),
    /// Whatever a form cannot ask for otherwise is written as JSON; with what it is.
    Json(&'static str),
}

/// The ends of a range belong to it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Range {
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
}

impl Form {
    /// The form of a schema. A schema that describes no object has no fields.
    pub(crate) fn of(schema: &Value) -> Form {
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        let needed: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let first = needed.iter().filter_map(|&name| Some((name, properties.get(name)?)));
        let others = properties.iter().map(|(name, property)| (name.as_str(), property));
        let others = others.filter(|(name, _)| !needed.contains(name));
        let field = |(name, property): (&str, &Value)| {
            Field::of(name, property, schema, needed.contains(&name))
        };
        Form { fields: first.chain(others).map(field).collect() }
    }

    /// What is wrong with an input, as far as the schema says it, each in its field.
    pub(crate) fn problems(&self, input: &Value) -> Vec<Problem> {
        let Some(input) = input.as_object() else {
            return vec![Problem::of_input("the input is no object of fields")];
        };
        let names = || self.fields.iter().map(|field| field.name.as_str());
        let unknown = input.keys().filter(|&name| !names().any(|known| known == name));
        let unknown = unknown.map(|name| {
            let hint = did_you_mean(name, names()).unwrap_or_else(|| {
                format!("it asks for: {}", names().collect::<Vec<_>>().join(", "))
            });
            Problem::of_field(name, "the tool does not ask for it").hint(hint)
        });
        let wrong = self.fields.iter().filter_map(|field| field.problem(input.get(&field.name)));
        wrong.chain(unknown).collect()
    }
}

impl Field {
    fn of(name: &str, property: &Value, root: &Value, is_needed: bool) -> Field {
        let words = |key: &str| property[key].as_str().map(str::to_owned);
        let resolved = resolve(property, root);
        let about =
            words("description").or_else(|| resolved["description"].as_str().map(str::to_owned));
        Field {
            name: name.to_owned(),
            label: words("title").unwrap_or_else(|| worded(name)),
            about,
            is_needed,
            value: property.get("default").filter(|value| !value.is_null()).cloned(),
            control: Control::of(resolved, root),
        }
    }

    fn problem(&self, given: Option<&Value>) -> Option<Problem> {
        let wrong = match given {
            None | Some(Value::Null) if self.is_needed => Err("it is missing".to_owned()),
            None | Some(Value::Null) => Ok(()),
            Some(value) => self.control.holds(value),
        };
        let problem = Problem::of_field(&self.name, wrong.err()?);
        Some(problem.hint(format!("give {}", self.control.wanted())))
    }
}

impl Control {
    fn of(schema: &Value, root: &Value) -> Control {
        if let Some(choices) = choices(schema, root) {
            return Control::Choice(choices);
        }
        let range = Range { least: schema["minimum"].as_f64(), most: schema["maximum"].as_f64() };
        match kind(schema) {
            Some("string") => Control::Text,
            Some("number") => Control::Number(range),
            Some("integer") => Control::Whole(range),
            Some("boolean") => Control::Truth,
            Some("array") => match Control::of(resolve(&schema["items"], root), root) {
                Control::Lines(_) | Control::Truth | Control::Json(_) => Control::Json("a list"),
                simple => Control::Lines(Box::new(simple)),
            },
            Some("object") => Control::Json("an object"),
            _ => Control::Json("a value"),
        }
    }

    /// Whether it could have been answered so; otherwise why not.
    fn holds(&self, value: &Value) -> Result<(), String> {
        let wrong = || Err(format!("`{}` is not what is asked for", shown(value)));
        match self {
            Control::Text if value.is_string() => Ok(()),
            Control::Truth if value.is_boolean() => Ok(()),
            Control::Choice(choices) if choices.iter().any(|(choice, _)| choice == value) => Ok(()),
            Control::Number(range) => value.as_f64().map_or_else(wrong, |n| range.holds(n)),
            Control::Whole(range) => {
                let number = value.as_f64().filter(|number| number.fract() == 0.0);
                number.map_or_else(wrong, |n| range.holds(n))
            }
            Control::Lines(each) => match value.as_array() {
                Some(values) => values.iter().try_for_each(|value| each.holds(value)),
                None => wrong(),
            },
            Control::Json(_) => Ok(()),
            _ => wrong(),
        }
    }

    /// What is asked for, in words.
    pub(crate) fn wanted(&self) -> String {
        match self {
            Control::Text => "a text".to_owned(),
            Control::Number(range) => format!("a number{}", range.words()),
            Control::Whole(range) => format!("a whole number{}", range.words()),
            Control::Truth => "yes or no: true or false".to_owned(),
            Control::Choice(choices) => {
                let names: Vec<_> = choices.iter().map(|(value, _)| shown(value)).collect();
                format!("one of: {}", names.join(", "))
            }
            Control::Lines(each) => format!("a list, for each {}", each.wanted()),
            Control::Json(what) => format!("{what}, as JSON"),
        }
    }
}

impl Control {
    /// An answer that could be given.
    pub(crate) fn example(&self) -> Value {
        match self {
            Control::Text => Value::from("..."),
            Control::Number(range) | Control::Whole(range) => {
                Value::from(range.least.or(range.most).unwrap_or(1.0).ceil() as i64)
            }
            Control::Truth => Value::from(true),
            Control::Choice(choices) => {
                choices.first().map_or(Value::Null, |(choice, _)| choice.clone())
            }
            Control::Lines(each) => Value::from(vec![each.example()]),
            Control::Json(_) => Value::Object(Map::new()),
        }
    }
}

impl Range {
    fn holds(self, number: f64) -> Result<(), String> {
        let inside = self.least.is_none_or(|least| number >= least)
            && self.most.is_none_or(|most| number <= most);
        if inside { Ok(()) } else { Err(format!("{number} is out of range")) }
    }

    fn words(self) -> String {
        match (self.least, self.most) {
            (Some(least), Some(most)) => format!(" from {least} to {most}"),
            (Some(least), None) => format!(" of at least {least}"),
            (None, Some(most)) => format!(" of at most {most}"),
            (None, None) => String::new(),
        }
    }
}

/// The schema behind references, and behind the ways in which an optional value is written.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    // A reference may lead back to itself.
    let mut at = schema;
    for _ in 0..8 {
        let next = if let Some(path) = at["$ref"].as_str() {
            path.strip_prefix('#').and_then(|path| root.pointer(path))
        } else {
            let several = ["allOf", "anyOf", "oneOf"].iter().find_map(|key| at[*key].as_array());
            let mut real = several.into_iter().flatten().filter(|one| one["type"] != "null");
            real.next().filter(|_| real.next().is_none())
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// The one type of a value, besides null.
fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => {
            let mut real = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            real.next().filter(|_| real.next().is_none())
        }
        _ => None,
    }
}

/// What may be chosen, if the schema lists it: as `enum`, or as constants of which each has a
/// description.
fn choices(schema: &Value, root: &Value) -> Option<Vec<(Value, String)>> {
    let named = |value: &Value| (value.clone(), shown(value));
    if let Some(values) = schema["enum"].as_array() {
        return Some(values.iter().filter(|value| !value.is_null()).map(named).collect());
    }
    if let Some(only) = schema.get("const") {
        return Some(vec![named(only)]);
    }
    let several = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
    let mut all = Vec::new();
    for one in several.iter().filter(|one| one["type"] != "null") {
        let one = resolve(one, root);
        let about = one["title"].as_str().or_else(|| one["description"].as_str());
        let called = |value: &Value| match about {
            Some(about) => (value.clone(), format!("{}: {about}", shown(value))),
            None => named(value),
        };
        match (one.get("const"), one["enum"].as_array()) {
            (Some(value), _) => all.push(called(value)),
            (None, Some(values)) => all.extend(values.iter().map(called)),
            (None, None) => return None,
        }
    }
    Some(all)
}

/// `max_changed` as a question: `Max changed`.
pub(super) fn worded(name: &str) -> String {
    let mut text = name.replace(['_', '-'], " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// A value as somebody would write it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
