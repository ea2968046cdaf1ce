//! From a tree to the types of a spec: expands placeholders as each value is read, so that the
//! result is read as the type asked for (`n: ${N:-3}` is a number), and keeps the path of
//! whatever is wrong.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::suggest::did_you_mean;
use super::yaml::{Node, Spot};
use crate::values::{Part, SECRET_TOKEN, TEMPLATE_TOKEN, Template, Vars};

/// What is wrong with a value, and where in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// From the tree's top to the value. (While the error travels up, the other way round.)
    pub path: Vec<String>,
    /// Whether the field's name is wrong, or its value.
    pub spot: Spot,
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Set when the only thing wrong is that a variable has no value.
    pub missing_variable: bool,
}

impl ReadError {
    fn new(message: String) -> ReadError {
        ReadError {
            path: Vec::new(),
            spot: Spot::Value,
            message,
            hint: None,
            missing_variable: false,
        }
    }

    fn inside(mut self, part: &str) -> ReadError {
        self.path.push(part.to_owned());
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> ReadError {
        ReadError::new(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        let expected = match expected.to_string().as_str() {
            // Serde's word; nobody who writes a spec uses it.
            "a sequence" => "a list".to_owned(),
            other => other.to_owned(),
        };
        let mut error = ReadError::new(format!("expected {expected}, found {}", plain(found)));
        if let (de::Unexpected::Str(text), "a list") = (found, expected.as_str()) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            let one = if text.chars().all(plain) { text.to_owned() } else { format!("{text:?}") };
            error.hint = Some(format!("a list of one is written `[{one}]`"));
        }
        error
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        ReadError::new(format!("expected {expected}, found {}", plain(found)))
    }

    fn missing_field(field: &'static str) -> ReadError {
        ReadError::new(format!("the field `{field}` is missing"))
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> ReadError {
        let mut error = ReadError::new(format!("unknown field `{found}`"));
        error.hint = did_you_mean(found, known.iter().copied())
            .or_else(|| Some(format!("known here: {}", listed(known))));
        error
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> ReadError {
        let mut error = ReadError::new(format!("`{found}` is not one of {}", listed(known)));
        error.hint = did_you_mean(found, known.iter().copied());
        error
    }
}

fn plain(found: de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Unit => "nothing".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a mapping".to_owned(),
        de::Unexpected::Str(text) => format!("the text `{text}`"),
        de::Unexpected::Unsigned(n) => format!("the number `{n}`"),
        de::Unexpected::Signed(n) => format!("the number `{n}`"),
        de::Unexpected::Float(n) => format!("the number `{n}`"),
        de::Unexpected::Bool(b) => format!("`{b}`"),
        other => other.to_string(),
    }
}

fn listed(known: &[&str]) -> String {
    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How placeholders are treated while a tree is read.
pub struct Reading<'a> {
    vars: &'a dyn Vars,
    /// Templates keep their variables, to be expanded when they are needed.
    defer: bool,
    used: RefCell<BTreeMap<String, String>>,
}

impl<'a> Reading<'a> {
    /// Expands every plain variable.
    pub fn expanding(vars: &'a dyn Vars) -> Reading<'a> {
        Reading { vars, defer: false, used: RefCell::default() }
    }

    /// Leaves the variables in templates for later; elsewhere they are expanded.
    pub fn deferring(vars: &'a dyn Vars) -> Reading<'a> {
        Reading { vars, defer: true, used: RefCell::default() }
    }

    /// The variables that were looked up, with their values.
    pub fn used(self) -> BTreeMap<String, String> {
        self.used.into_inner()
    }

    /// Reads `node` as a `T`.
    pub fn read<T: de::DeserializeOwned>(&self, node: &Node) -> Result<T, ReadError> {
        T::deserialize(NodeReader { node, reading: self }).map_err(|mut error| {
            error.path.reverse();
            error
        })
    }

    fn expand(&self, text: &str) -> Result<Template, ReadError> {
        let template = Template::parse(text).map_err(ReadError::new)?;
        let recorded = |name: &str| {
            let value = self.vars.get(name)?;
            self.used.borrow_mut().insert(name.to_owned(), value.clone());
            Some(value)
        };
        template.expand(&recorded).map_err(|name| ReadError {
            hint: Some(format!("set {name}, or write `${{{name}:-default}}`")),
            missing_variable: true,
            ..ReadError::new(format!("the variable {name} is not set"))
        })
    }

    /// A tree as JSON; the error's path is from the value outwards.
    pub(super) fn json(&self, node: &Node) -> Result<serde_json::Value, ReadError> {
        use serde_json::Value;
        Ok(match node {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => value.into(),
                (_, Ok(value)) => value.into(),
                _ => return Err(ReadError::new(format!("the number `{value}` is too large"))),
            },
            Node::Float(value) => serde_json::Number::from_f64(*value)
                .map(Value::Number)
                .ok_or_else(|| ReadError::new(format!("`{value}` is not a number")))?,
            Node::Text(text) if text.contains("${") => {
                Value::String(self.expand(text)?.to_string())
            }
            Node::Text(text) => Value::String(text.clone()),
            Node::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    self.json(item).map_err(|error| error.inside(&index.to_string()))
                })
                .collect::<Result<_, _>>()?,
            Node::Map(fields) => fields
                .iter()
                .map(|(name, value)| {
                    let value = self.json(value).map_err(|error| error.inside(name))?;
                    Ok((name.clone(), value))
                })
                .collect::<Result<serde_json::Map<_, _>, ReadError>>()?
                .into(),
        })
    }

    fn text(&self, text: &str) -> Result<String, ReadError> {
        if !text.contains("${") {
            return Ok(text.to_owned());
        }
        let template = self.expand(text)?;
        if let Some(name) = template.secrets().next() {
            return Err(ReadError {
                hint: Some("secrets go where headers, cookies and credentials are set".to_owned()),
                ..ReadError::new(format!("a secret (`${{secret:{name}}}`) cannot stand here"))
            });
        }
        Ok(template.to_string())
    }
}

struct NodeReader<'a, 'r> {
    node: &'a Node,
    reading: &'r Reading<'r>,
}

/// Reads scalars: as they are, or out of an expanded text.
macro_rules! scalar {
    ($($method:ident $visit:ident $type:ty, $what:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            match self.node {
                Node::Text(text) if text.contains("${") => {
                    let expanded = self.reading.text(text)?;
                    let value: $type = expanded.trim().parse().map_err(|_| {
                        ReadError::new(format!(concat!("expected ", $what, ", found `{}` (from `{}`)"), expanded, text))
                    })?;
                    visitor.$visit(value)
                }
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NodeReader<'_, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => visitor.visit_i128(*value),
            },
            Node::Float(value) => visitor.visit_f64(*value),
            Node::Text(text) => visitor.visit_string(self.reading.text(text)?),
            Node::List(items) => {
                visitor.visit_seq(Items { items: items.iter().enumerate(), reading: self.reading })
            }
            Node::Map(fields) => visitor.visit_map(Fields::of(fields, None, self.reading)),
        }
    }

    scalar! {
        deserialize_bool visit_bool bool, "`true` or `false`";
        deserialize_i8 visit_i64 i64, "a whole number";
        deserialize_i16 visit_i64 i64, "a whole number";
        deserialize_i32 visit_i64 i64, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u64 u64, "a whole number";
        deserialize_u16 visit_u64 u64, "a whole number";
        deserialize_u32 visit_u64 u64, "a whole number";
        deserialize_u64 visit_u64 u64, "a whole number";
        deserialize_f32 visit_f64 f64, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node {
            Node::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name != TEMPLATE_TOKEN && name != SECRET_TOKEN {
            return visitor.visit_newtype_struct(self);
        }
        match self.node {
            Node::Text(text) if self.reading.defer || name == SECRET_TOKEN => {
                visitor.visit_str(text)
            }
            Node::Text(text) => {
                let template = self.reading.expand(text)?;
                // The visitor parses what it is given: a variable's value must not become a
                // placeholder of its own.
                let forged = template.parts().iter().any(|part| match part {
                    Part::Literal(literal) => literal.contains("${"),
                    _ => false,
                });
                if forged {
                    return Err(ReadError::new("a variable's value may not hold `${`".to_owned()));
                }
                visitor.visit_str(&template.to_string())
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.node {
            Node::Map(fields) => visitor.visit_map(Fields::of(fields, Some(known), self.reading)),
            // An empty `with:` is an empty mapping.
            Node::Null => visitor.visit_map(Fields::of(&[], Some(known), self.reading)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.node {
            Node::Text(text) => {
                let text = self.reading.text(text)?;
                visitor.visit_enum(IntoDeserializer::<ReadError>::into_deserializer(text))
            }
            Node::Map(fields) => match fields.as_slice() {
                [(variant, node)] => {
                    visitor.visit_enum(OneVariant { variant, node, reading: self.reading })
                }
                _ => Err(ReadError::new(format!(
                    "expected one field that says which it is, found {}",
                    fields.len()
                ))),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier
    }
}

struct Items<'a, 'r> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    reading: &'r Reading<'r>,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(NodeReader { node, reading: self.reading })
            .map(Some)
            .map_err(|error| error.inside(&index.to_string()))
    }
}

struct Fields<'a, 'r> {
    left: std::slice::Iter<'a, (String, Node)>,
    /// The fields that the type has; none for a free mapping.
    known: Option<&'static [&'static str]>,
    current: Option<(&'a str, &'a Node)>,
    reading: &'r Reading<'r>,
}

impl<'a, 'r> Fields<'a, 'r> {
    fn of(
        fields: &'a [(String, Node)],
        known: Option<&'static [&'static str]>,
        reading: &'r Reading<'r>,
    ) -> Fields<'a, 'r> {
        Fields { left: fields.iter(), known, current: None, reading }
    }
}

impl<'de> de::MapAccess<'de> for Fields<'_, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some((key, node)) = self.left.next() else { return Ok(None) };
        self.current = Some((key, node));
        let at_key = |error: ReadError| ReadError { spot: Spot::Key, ..error }.inside(key);
        if let Some(known) = self.known
            && !known.contains(&key.as_str())
        {
            return Err(at_key(de::Error::unknown_field(key, known)));
        }
        seed.deserialize(key.as_str().into_deserializer()).map(Some).map_err(at_key)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, node) = self.current.take().expect("a value follows its key");
        seed.deserialize(NodeReader { node, reading: self.reading })
            .map_err(|error| error.inside(key))
    }
}

struct OneVariant<'a, 'r> {
    variant: &'a str,
    node: &'a Node,
    reading: &'r Reading<'r>,
}

impl<'de> de::EnumAccess<'de> for OneVariant<'_, '_> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let variant =
            seed.deserialize(self.variant.into_deserializer()).map_err(|error: ReadError| {
                ReadError { spot: Spot::Key, ..error }.inside(self.variant)
            })?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for OneVariant<'_, '_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.node {
            Node::Null => Ok(()),
            _ => Err(ReadError::new(format!("`{}` takes no value", self.variant))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(NodeReader { node: self.node, reading: self.reading })
            .map_err(|error| error.inside(self.variant))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        de::Deserializer::deserialize_any(
            NodeReader { node: self.node, reading: self.reading },
            visitor,
        )
        .map_err(|error| error.inside(self.variant))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        de::Deserializer::deserialize_struct(
            NodeReader { node: self.node, reading: self.reading },
            "",
            known,
            visitor,
        )
        .map_err(|error| error.inside(self.variant))
    }
}

#[cfg(test)]
mod tests;
