use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The names by which these types ask the spec's deserializer for a scalar as it was written.
pub(crate) const TEMPLATE_TOKEN: &str = "$gate::Template";
pub(crate) const SECRET_TOKEN: &str = "$gate::Secret";

/// Where plain variables come from: the process's environment, or what a run recorded.
pub trait Vars {
    /// The value of a variable, if it is set.
    fn get(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Vars for F {
    fn get(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// One part of a text that has placeholders in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// As it stands.
    Literal(String),
    /// `${NAME}` or `${NAME:-default}`.
    Variable {
        /// The variable.
        name: String,
        /// What stands in when it is not set or empty.
        default: Option<String>,
    },
    /// `${secret:NAME}`.
    Secret(String),
}

/// A text that may name secrets: `Bearer ${secret:CRM_TOKEN}`.
///
/// It prints and serialises with the names; only `Context::reveal` gives the values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads placeholders out of a text.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if start > 0 {
                parts.push(Part::Literal(rest[..start].to_owned()));
            }
            let inner = &rest[start + 2..];
            let end = inner.find('}').ok_or("a `${` is never closed by `}`")?;
            parts.push(part(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// A text without placeholders, whatever it looks like.
    pub fn literal(text: impl Into<String>) -> Template {
        Template(vec![Part::Literal(text.into())])
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The secrets that it names.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The same with its plain variables filled in; the error is the name that is not set.
    pub fn expand(&self, vars: &dyn Vars) -> Result<Template, String> {
        let mut parts: Vec<Part> = Vec::new();
        for part in &self.0 {
            let part = match part {
                Part::Variable { name, default } => {
                    let set = vars.get(name).filter(|v| default.is_none() || !v.is_empty());
                    Part::Literal(set.or_else(|| default.clone()).ok_or_else(|| name.clone())?)
                }
                other => other.clone(),
            };
            match (parts.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(text)) => before.push_str(&text),
                (_, part) => parts.push(part),
            }
        }
        Ok(Template(parts))
    }

    /// The text, with `value` giving the secrets. Plain variables must have been expanded.
    pub fn fill<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Secret(name) => text.push_str(&value(name)?),
                other => text.push_str(&other.to_string()),
            }
        }
        Ok(text)
    }
}

fn part(inner: &str) -> Result<Part, String> {
    let named = |name: &str| {
        let good = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (good && name.starts_with(|c: char| !c.is_ascii_digit()))
            .then(|| name.to_owned())
            .ok_or_else(|| format!("`{name}` is not the name of a variable"))
    };
    if let Some(name) = inner.strip_prefix("secret:") {
        return Ok(Part::Secret(named(name)?));
    }
    match inner.split_once(":-") {
        Some((name, default)) => {
            Ok(Part::Variable { name: named(name)?, default: Some(default.to_owned()) })
        }
        None => Ok(Part::Variable { name: named(inner)?, default: None }),
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Literal(text) => f.write_str(text),
            Part::Variable { name, default: None } => write!(f, "${{{name}}}"),
            Part::Variable { name, default: Some(default) } => write!(f, "${{{name}:-{default}}}"),
            Part::Secret(name) => write!(f, "${{secret:{name}}}"),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| part.fmt(f))
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct TemplateVisitor;

impl<'de> serde::de::Visitor<'de> for TemplateVisitor {
    type Value = Template;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, which may hold `${secret:NAME}`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Template, E> {
        Template::parse(text).map_err(E::custom)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<Template, D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Template, D::Error> {
        deserializer.deserialize_newtype_struct(TEMPLATE_TOKEN, TemplateVisitor)
    }
}

impl JsonSchema for Template {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "description": "a text, which may hold `${secret:NAME}`"
        })
    }
}

/// The name of a secret: `${secret:NAME}` and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// The secret's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{secret:{}}}", self.0)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let template = deserializer.deserialize_newtype_struct(SECRET_TOKEN, TemplateVisitor)?;
        match template.parts() {
            [Part::Secret(name)] => Ok(Secret(name.clone())),
            _ => Err(serde::de::Error::custom(
                "a secret is written `${secret:NAME}`, with nothing around it",
            )),
        }
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^\$\{secret:[A-Za-z_][A-Za-z0-9_]*\}$",
            "description": "a secret, by its name: `${secret:NAME}`"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Result<&str, &str>) {
        let vars = |name: &str| match name {
            "HOST" => Some("example.com".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let expanded = Template::parse(input)
            .and_then(|template| template.expand(&vars).map_err(|name| format!("{name} unset")));
        assert_eq!(expanded.map(|t| t.to_string()), expect.map(Into::into).map_err(Into::into));
    }

    #[test]
    fn expansion() {
        check("plain", Ok("plain"));
        check("https://${HOST}/x", Ok("https://example.com/x"));
        check("${NONE:-http://localhost:8080}", Ok("http://localhost:8080"));
        check("${EMPTY:-filled}|${EMPTY}|", Ok("filled||"));
        check("Bearer ${secret:CRM}", Ok("Bearer ${secret:CRM}"));
        check("${NONE}", Err("NONE unset"));
        check("${HOST", Err("a `${` is never closed by `}`"));
        check("${a b}", Err("`a b` is not the name of a variable"));
    }

    #[test]
    fn only_fill_gives_values() {
        let template = Template::parse("Bearer ${secret:CRM}").unwrap();
        assert_eq!(template.to_string(), "Bearer ${secret:CRM}");
        assert_eq!(serde_json::to_string(&template).unwrap(), "\"Bearer ${secret:CRM}\"");
        let filled = template.fill(|name| Ok::<_, ()>(format!("<{name}>")));
        assert_eq!(filled, Ok("Bearer <CRM>".to_owned()));
    }
}
