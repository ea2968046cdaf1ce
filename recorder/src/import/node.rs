//! JSON and YAML of any shape as one tree. Everything is data: a tag makes nothing.

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use base64::Engine as _;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess};
use serde::{Deserializer, Serialize, Serializer};

use crate::yaml;

/// A value. Maps keep their order and their repeated keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// As it is written in JSON.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Tagged(String, Box<Node>),
}

/// What is there where nothing is.
static NOTHING: Node = Node::Null;

/// What a key is called whose value is merged into its map (`<<` in YAML, and only there).
const MERGED: &str = "\0<<";
/// How much a file may come to when its aliases are followed, whatever its own length, in bytes.
const ALLOWED: usize = 64 << 20;
/// How much one value weighs besides its text.
const WEIGHT: usize = 16;

impl Node {
    /// From JSON.
    pub(super) fn of_json(text: &str) -> Result<Node, String> {
        let left = Cell::new(usize::MAX);
        let mut reader = serde_json::Deserializer::from_str(text);
        let node = Seed { left: &left, is_yaml: false }
            .deserialize(&mut reader)
            .map_err(|error| error.to_string())?;
        reader.end().map_err(|error| error.to_string())?;
        Ok(node)
    }

    /// From YAML.
    pub(crate) fn of_yaml(text: &str) -> Result<Node, String> {
        let left = Cell::new(text.len().saturating_mul(8).saturating_add(ALLOWED));
        yaml::read_tagged(text, &mut String::new(), Seed { left: &left, is_yaml: true })
    }

    /// Without its tags; of what Ruby wrote for an object of a class of its own, the value in it.
    pub(crate) fn plain(&self) -> &Node {
        match self {
            Node::Tagged(tag, inner) => {
                let own = ["str", "internal", "elements"].map(|name| inner.get(name));
                let own = own.into_iter().find(|own| **own != Node::Null);
                let is_ruby = tag.starts_with("ruby/") || tag == "str" || tag == "map";
                own.filter(|_| is_ruby).unwrap_or(inner).plain()
            }
            node => node,
        }
    }

    /// The tag, without its exclamation marks.
    pub(super) fn tag(&self) -> &str {
        match self {
            Node::Tagged(tag, _) => tag,
            _ => "",
        }
    }

    /// A member of a map, the last of its name, one that is merged in (`<<`) included; else null.
    pub(crate) fn get(&self, name: &str) -> &Node {
        let Node::Map(members) = self.inner() else { return &NOTHING };
        if let Some((_, value)) = members.iter().rev().find(|(other, _)| other == name) {
            return value;
        }
        let merged = members.iter().filter(|(other, _)| other == MERGED);
        let mut sources = merged.flat_map(|(_, value)| match value.inner() {
            Node::List(several) => several.iter().collect(),
            _ => vec![value],
        });
        sources.find_map(|source| source.member(name)).unwrap_or(&NOTHING)
    }

    fn member(&self, name: &str) -> Option<&Node> {
        Some(self.get(name)).filter(|value| **value != Node::Null)
    }

    /// What is tagged, not looked into.
    fn inner(&self) -> &Node {
        match self {
            Node::Tagged(_, inner) => inner.inner(),
            node => node,
        }
    }

    /// Whether a map has this member.
    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(self.inner(), Node::Map(members) if members.iter().any(|(other, _)| other == name))
            || *self.get(name) != Node::Null
    }

    /// The members of a map with those that are merged in; of anything else, none.
    pub(crate) fn members<'n>(&'n self) -> Vec<(&'n str, &'n Node)> {
        let Node::Map(members) = self.plain() else { return Vec::new() };
        let mut all: Vec<(&'n str, &'n Node)> = Vec::new();
        let mut places: HashMap<&'n str, usize> = HashMap::new();
        let mut add = |name: &'n str, value: &'n Node| match places.entry(name) {
            Entry::Occupied(place) => all[*place.get()].1 = value,
            Entry::Vacant(place) => {
                place.insert(all.len());
                all.push((name, value));
            }
        };
        for source in members.iter().filter(|(name, _)| name == MERGED).map(|(_, source)| source) {
            let sources = source.list();
            let sources = if sources.is_empty() { vec![source] } else { sources.iter().collect() };
            for source in sources.into_iter().rev() {
                source.members().into_iter().for_each(|(name, value)| add(name, value));
            }
        }
        for (name, value) in members.iter().filter(|(name, _)| name != MERGED) {
            add(name, value);
        }
        all
    }

    /// The elements of a list; of anything else, none.
    pub(crate) fn list(&self) -> &[Node] {
        match self.plain() {
            Node::List(elements) => elements,
            _ => &[],
        }
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.plain(), Node::List(_))
    }

    /// Whether it is a map.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.plain(), Node::Map(_))
    }

    /// Whether nothing is there.
    pub(crate) fn is_null(&self) -> bool {
        *self.plain() == Node::Null
    }

    /// A text, number or truth value as a text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.plain() {
            Node::Text(text) | Node::Number(text) => Some(text),
            Node::Bool(true) => Some("true"),
            Node::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The bytes of a text, or of base64 where a tag says that it is.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let text = self.text()?;
        if self.tag().ends_with("binary")
            && let Some(bytes) = decode_base64(text)
        {
            return Some(bytes);
        }
        Some(text.as_bytes().to_vec())
    }

    /// A whole number that is not negative; in a text, too.
    pub(crate) fn number(&self) -> Option<u64> {
        let text = self.text()?.trim();
        let rounded = || text.parse::<f64>().ok().filter(|n| *n >= 0.0 && *n < 1e15);
        text.parse().ok().or_else(|| rounded().map(|n| n.round() as u64))
    }

    /// Whether it is true.
    pub(crate) fn is_true(&self) -> bool {
        self.text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// As compact JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Base64 of either alphabet, with or without padding, in lines or not.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let packed: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let is_url = packed.contains(['-', '_']);
    let alphabet = if is_url { base64::alphabet::URL_SAFE } else { base64::alphabet::STANDARD };
    GeneralPurpose::new(&alphabet, config).decode(packed).ok()
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(text) => match text.parse::<serde_json::Number>() {
                Ok(number) => number.serialize(serializer),
                Err(_) => serializer.serialize_str(text),
            },
            Node::Text(text) => serializer.serialize_str(text),
            Node::List(elements) => serializer.collect_seq(elements),
            Node::Map(_) => serializer.collect_map(self.members()),
            Node::Tagged(_, inner) => inner.serialize(serializer),
        }
    }
}

/// Reads a value as long as there is something left of what the file may come to.
#[derive(Clone, Copy)]
struct Seed<'b> {
    left: &'b Cell<usize>,
    is_yaml: bool,
}

impl Seed<'_> {
    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes + WEIGHT);
        self.left.set(left.ok_or_else(|| E::custom("its aliases come to far more than the file"))?);
        Ok(())
    }

    fn number<E: serde::de::Error>(&self, text: impl ToString) -> Result<Node, E> {
        self.take(8)?;
        Ok(Node::Number(text.to_string()))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.take(0)?;
        Ok(Node::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.take(0)?;
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Node, E> {
        self.number(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        self.number(value)
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Node, E> {
        self.number(value)
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Node, E> {
        self.number(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.number(number),
            None => self.visit_str(&value.to_string()),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.take(text.len())?;
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        self.take(0)?;
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element_seed(self)? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        self.take(0)?;
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(self)? {
            let value = map.next_value_seed(self)?;
            let name = match name.text() {
                Some("<<") if self.is_yaml => MERGED.to_owned(),
                Some(text) => text.to_owned(),
                None => name.json(),
            };
            members.push((name, value));
        }
        Ok(Node::Map(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Node, A::Error> {
        let (tag, value) = data.variant_seed(self)?;
        let tag = tag.text().ok_or_else(|| A::Error::custom("a tag is no text"))?.to_owned();
        Ok(Node::Tagged(tag, Box::new(value.newtype_variant_seed(self)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_kept_and_make_nothing() {
        let check = |text: &str, tag: &str, expect: &str| {
            let node = Node::of_yaml(text).unwrap();
            let value = node.get("x");
            assert_eq!((value.tag(), value.json().as_str()), (tag, expect), "{text}");
        };
        check("x: !!binary aGk=", "std:binary", "\"aGk=\"");
        check("x: !!python/unicode 'a'", "std:python/unicode", "\"a\"");
        check("x: !!str 200", "std:str", "200");
        check("x: !!python/tuple [1, b]", "std:python/tuple", "[1,\"b\"]");
        check("x: !ruby/sym get", "ruby/sym", "\"get\"");
        check("x: !ruby/string:Foo\n  str: abc\n", "ruby/string:Foo", "{\"str\":\"abc\"}");
        check("---\nx: !!binary |\n  aGk=\n", "std:binary", "\"aGk=\\n\"");
        check("%YAML 1.1\n---\nx: 1\n", "", "1");
        check("!!python/unicode x: 1", "", "1");
        check("a: &a {x: 1, y: 2}\n<<: *a\n", "", "1");
        check("<<: [{y: 1}, {x: 2}]\n", "", "2");
        check("x: 1\nx: 2\n", "", "2");
    }

    #[test]
    fn what_would_grow_without_end_is_refused() {
        let mut bomb = "a0: &a0 [".to_owned() + &"\"xxxxxxxxxxxxxxxx\",".repeat(100) + "]\n";
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{below}]\n");
        }
        let error = Node::of_yaml(&bomb).unwrap_err();
        assert!(error.contains("aliases") || error.contains("repetition"), "{error}");
        assert!(Node::of_yaml(&"[".repeat(100_000)).is_err());
        assert!(Node::of_json(&"[".repeat(100_000)).is_err());
        let deep = "x: &x [*x]";
        assert!(Node::of_yaml(deep).is_err());
    }

    #[test]
    fn base64_in_all_its_forms() {
        let check = |text: &str, expect: Option<&[u8]>| {
            assert_eq!(decode_base64(text).as_deref(), expect, "{text}");
        };
        check("aGk=", Some(b"hi"));
        check("aGk", Some(b"hi"));
        check(" aG\n k=\n", Some(b"hi"));
        check("-_-_", Some(b"\xfb\xff\xbf"));
        check("base64", None);
        check("", Some(b""));
    }
}
