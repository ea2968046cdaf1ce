//! What is done on a page before its picture is taken, and what is waited for.

use std::borrow::Cow;
use std::fmt;

use gate_core::values::{DurationValue, Template};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use visual_browser::{ScrollTo, Step, Until};

use super::scalars::{Script, Selector};

/// One thing that is done on a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSpec {
    /// Clicks on an element.
    Click(Selector),
    /// Moves the pointer onto an element.
    Hover(Selector),
    /// Writes into a field.
    Fill(FillSpec),
    /// Presses a key.
    Press(PressSpec),
    /// Scrolls.
    Scroll(ScrollSpec),
    /// Waits.
    Wait(UntilSpec),
    /// Runs a script.
    Script(Script),
}

impl StepSpec {
    /// Whether it takes a pointer or a keyboard.
    pub(crate) fn is_by_hand(&self) -> bool {
        matches!(self, Self::Click(_) | Self::Hover(_) | Self::Fill(_) | Self::Press(_))
    }
}

/// The mapping that a step is: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepFields {
    /// Clicks on the first element that matches this CSS selector.
    #[serde(default)]
    click: Option<Selector>,
    /// Moves the pointer onto the first element that matches, and leaves it there.
    #[serde(default)]
    hover: Option<Selector>,
    /// Writes a text into a field, or chooses in a list.
    #[serde(default)]
    fill: Option<FillSpec>,
    /// Presses a key such as `Enter`, `Tab` or `Control+a`.
    #[serde(default)]
    press: Option<PressSpec>,
    /// Scrolls to an element, or to a position.
    #[serde(default)]
    scroll: Option<ScrollSpec>,
    /// Waits for something.
    #[serde(default)]
    wait: Option<UntilSpec>,
    /// Runs JavaScript on the page, as the body of an async function.
    #[serde(default)]
    script: Option<Script>,
}

impl StepFields {
    fn step(self) -> Result<StepSpec, String> {
        only(
            "a step does one thing, such as `click: .menu`",
            [
                ("click", self.click.map(StepSpec::Click)),
                ("hover", self.hover.map(StepSpec::Hover)),
                ("fill", self.fill.map(StepSpec::Fill)),
                ("press", self.press.map(StepSpec::Press)),
                ("scroll", self.scroll.map(StepSpec::Scroll)),
                ("wait", self.wait.map(StepSpec::Wait)),
                ("script", self.script.map(StepSpec::Script)),
            ],
        )
    }
}

/// What goes into a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fill")]
pub struct FillSpec {
    /// A CSS selector of the field.
    pub selector: Selector,
    /// What it holds afterwards.
    pub text: Template,
}

/// A key, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PressSpec {
    /// The element that has the focus then; the one that has it already when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Such as `Enter` or `Control+a`.
    pub key: String,
}

/// The mapping that a press may be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PressFields {
    /// A CSS selector of the element that has the focus then.
    #[serde(default)]
    selector: Option<Selector>,
    /// Such as `Enter`, `Tab` or `Control+a`.
    key: String,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ScrollSpec {
    /// To an element.
    Selector(Selector),
    /// To a position.
    Position(PositionSpec),
}

/// A position on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Position")]
pub struct PositionSpec {
    /// From the left, in CSS pixels.
    #[serde(default)]
    pub x: u32,
    /// From the top, in CSS pixels.
    pub y: u32,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UntilSpec {
    /// An element that can be seen.
    Selector(Selector),
    /// No such element can be seen.
    Gone(Selector),
    /// A text that can be read.
    Text(String),
    /// Nothing is being loaded any more.
    NetworkIdle,
    /// All fonts are there.
    Fonts,
    /// A JavaScript expression that becomes true.
    Expression(Script),
    /// A time.
    Delay(DurationValue),
}

/// The mapping that a wait may be: one of these.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UntilFields {
    /// Until an element matches this CSS selector and can be seen.
    #[serde(default)]
    selector: Option<Selector>,
    /// Until no element that can be seen matches this CSS selector.
    #[serde(default)]
    gone: Option<Selector>,
    /// Until the page shows this text.
    #[serde(default)]
    text: Option<String>,
    /// Until this JavaScript expression is true.
    #[serde(default)]
    expression: Option<Script>,
    /// For this time.
    #[serde(default)]
    delay: Option<DurationValue>,
}

impl UntilFields {
    fn until(self) -> Result<UntilSpec, String> {
        only(
            "a wait is for one thing, such as `selector: .ready`",
            [
                ("selector", self.selector.map(UntilSpec::Selector)),
                ("gone", self.gone.map(UntilSpec::Gone)),
                ("text", self.text.map(UntilSpec::Text)),
                ("expression", self.expression.map(UntilSpec::Expression)),
                ("delay", self.delay.map(UntilSpec::Delay)),
            ],
        )
    }
}

impl UntilSpec {
    fn of(text: &str) -> Result<UntilSpec, String> {
        match text {
            "network-idle" => Ok(UntilSpec::NetworkIdle),
            "fonts" => Ok(UntilSpec::Fonts),
            _ if text.starts_with(|c: char| c.is_ascii_digit()) => {
                text.parse().map(UntilSpec::Delay)
            }
            _ => Err(format!(
                "`{text}` is neither `network-idle`, `fonts` nor a time such as `500ms`; \
                 an element is waited for by `selector: {text}`"
            )),
        }
    }
}

/// The one that is there.
fn only<T, const N: usize>(what: &str, given: [(&str, Option<T>); N]) -> Result<T, String> {
    let mut given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
    match (given.next(), given.next()) {
        (Some((_, one)), None) => Ok(one),
        (None, _) => Err(what.to_owned()),
        (Some((one, _)), Some((other, _))) => {
            Err(format!("{what}; write `{one}` and `{other}` as two"))
        }
    }
}

/// Reads a value that is either a text or a mapping.
macro_rules! text_or_mapping {
    ($name:ident, $about:expr, $of:expr, $fields:ident, $from:expr, $schema:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Visitor;
                impl<'de> de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($about)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let of: fn(&str) -> Result<$name, String> = $of;
                        of(text).map_err(E::custom)
                    }
                    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        let fields = $fields::deserialize(MapAccessDeserializer::new(map))?;
                        let from: fn($fields) -> Result<$name, String> = $from;
                        from(fields).map_err(de::Error::custom)
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).trim_end_matches("Spec").into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(Value) -> Schema = $schema;
                schema($fields::json_schema(generator).to_value())
            }
        }
    };
}

text_or_mapping!(
    StepSpec,
    "a step such as `click: .menu`",
    |_| Err("a step is a mapping, such as `click: .menu`".to_owned()),
    StepFields,
    StepFields::step,
    |fields| {
        let mut schema = one_property(fields);
        schema.insert("description".into(), "one thing that is done on the page".into());
        schema
    }
);
text_or_mapping!(
    UntilSpec,
    "`network-idle`, `fonts`, a time such as `500ms`, or a mapping such as `selector: .ready`",
    UntilSpec::of,
    UntilFields,
    UntilFields::until,
    |fields| json_schema!({
        "description": "`network-idle`, `fonts`, a time such as `500ms`, or a mapping",
        "anyOf": [
            { "enum": ["network-idle", "fonts"] },
            { "type": "string", "pattern": r"^[0-9._]+ *(us|µs|ms|s|m|min)$|\$\{" },
            one_property(fields)
        ]
    })
);
text_or_mapping!(
    PressSpec,
    "a key such as `Enter`, or a mapping with `selector` and `key`",
    |key| Ok(PressSpec { selector: None, key: key.to_owned() }),
    PressFields,
    |fields| Ok(PressSpec { selector: fields.selector, key: fields.key }),
    |fields| json_schema!({
        "description": "a key such as `Enter`, or a mapping with `selector` and `key`",
        "anyOf": [{ "type": "string", "minLength": 1 }, fields]
    })
);
text_or_mapping!(
    ScrollSpec,
    "a CSS selector, or a position such as `y: 600`",
    |text| text.parse().map(ScrollSpec::Selector),
    PositionSpec,
    |position| Ok(ScrollSpec::Position(position)),
    |fields| json_schema!({
        "description": "a CSS selector, or a position such as `y: 600`",
        "anyOf": [{ "type": "string", "pattern": r"\S" }, fields]
    })
);

/// The schema of a mapping that has exactly one of its fields, and none of them empty.
fn one_property(mut fields: Value) -> Schema {
    if let Some(properties) = fields["properties"].as_object_mut() {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.remove("default");
            if let Some(types) = property.get_mut("type")
                && let Some(first) = types.get(0).cloned()
            {
                *types = first;
            }
            if let Some(choices) = property.get_mut("anyOf").and_then(Value::as_array_mut) {
                choices.retain(|choice| choice["type"] != "null");
            }
        }
    }
    fields["minProperties"] = 1.into();
    fields["maxProperties"] = 1.into();
    Schema::try_from(fields).unwrap_or_default()
}

impl StepSpec {
    /// For the browser, with the secrets filled in by `reveal`.
    pub(crate) fn step<E>(
        &self,
        reveal: impl Fn(&Template) -> Result<String, E>,
    ) -> Result<Step, E> {
        Ok(match self {
            StepSpec::Click(selector) => Step::Click(selector.as_str().to_owned()),
            StepSpec::Hover(selector) => Step::Hover(selector.as_str().to_owned()),
            StepSpec::Fill(FillSpec { selector, text }) => {
                Step::Fill { selector: selector.as_str().to_owned(), text: reveal(text)? }
            }
            StepSpec::Press(PressSpec { selector, key }) => Step::Press {
                selector: selector.as_ref().map(|selector| selector.as_str().to_owned()),
                key: key.clone(),
            },
            StepSpec::Scroll(ScrollSpec::Selector(selector)) => {
                Step::Scroll(ScrollTo::Selector(selector.as_str().to_owned()))
            }
            StepSpec::Scroll(ScrollSpec::Position(PositionSpec { x, y })) => {
                Step::Scroll(ScrollTo::Position { x: *x, y: *y })
            }
            StepSpec::Wait(until) => Step::Wait(until.until()),
            StepSpec::Script(script) => Step::Script(script.as_str().to_owned()),
        })
    }
}

impl UntilSpec {
    /// For the browser.
    pub(crate) fn until(&self) -> Until {
        match self {
            UntilSpec::Selector(selector) => Until::Selector(selector.as_str().to_owned()),
            UntilSpec::Gone(selector) => Until::Gone(selector.as_str().to_owned()),
            UntilSpec::Text(text) => Until::Text(text.clone()),
            UntilSpec::NetworkIdle => Until::NetworkIdle,
            UntilSpec::Fonts => Until::Fonts,
            UntilSpec::Expression(script) => Until::Expression(script.as_str().to_owned()),
            UntilSpec::Delay(time) => Until::Delay(time.0),
        }
    }
}
