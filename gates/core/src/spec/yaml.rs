//! YAML in, a plain tree out. The only module that knows serde_yaml.
//!
//! serde_yaml gives no positions with its values, but its errors carry the mark of the very
//! event at which a visitor gave up. Two things follow from that: duplicate keys are refused
//! while the key is being read, and a path is turned into a position by a second walk that
//! gives up on purpose when it arrives.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess};

/// A document as a tree, with scalars as they were written.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// A text, quoted or not; its placeholders are not expanded.
    Text(String),
    /// Items.
    List(Vec<Node>),
    /// Fields, in the order of the file.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The field of this name.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }
}

/// A place in a text; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Position {
    pub(crate) const START: Position = Position { line: 1, column: 1 };
}

/// Whether a problem is with a field's name or with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The name.
    Key,
    /// The value.
    Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) at: Position,
}

/// How many nodes a document may have after its aliases: more is a bomb, not a spec.
const MOST_NODES: usize = 100_000;

/// Parses one document.
pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut left = MOST_NODES;
    let mut node = NodeSeed { left: &mut left }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| syntax_error(&error))?;
    merge(&mut node);
    Ok(node)
}

fn syntax_error(error: &serde_yaml::Error) -> SyntaxError {
    let at = error.location().map_or(Position::START, |location| Position {
        line: location.line(),
        column: location.column(),
    });
    let full = error.to_string();
    let message = match full.find(" at line ") {
        Some(end) => full[..end].to_owned(),
        None => full,
    };
    // serde_yaml puts the path of the value in front; the position says it better.
    let message = match message.split_once(": ") {
        Some((path, rest)) if !path.contains(' ') => rest.to_owned(),
        _ => message,
    };
    SyntaxError { message, at }
}

/// Copies what `<<` names into its mapping; own fields win.
fn merge(node: &mut Node) {
    match node {
        Node::List(items) => items.iter_mut().for_each(merge),
        Node::Map(fields) => {
            for (_, value) in fields.iter_mut() {
                merge(value);
            }
            let Some(at) = fields.iter().position(|(key, _)| key == "<<") else { return };
            if !matches!(fields[at].1, Node::Map(_) | Node::List(_)) {
                return;
            }
            let sources = match fields.remove(at).1 {
                Node::List(items) => items,
                one => vec![one],
            };
            for (key, value) in sources.into_iter().filter_map(into_fields).flatten() {
                if fields.iter().all(|(own, _)| *own != key) {
                    fields.push((key, value));
                }
            }
        }
        _ => {}
    }
}

fn into_fields(node: Node) -> Option<Vec<(String, Node)>> {
    match node {
        Node::Map(fields) => Some(fields),
        _ => None,
    }
}

struct NodeSeed<'a> {
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value (tags such as `!x` are not used in specs)")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        loop {
            spend(self.left)?;
            match items.next_element_seed(NodeSeed { left: self.left })? {
                Some(node) => list.push(node),
                None => return Ok(Node::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let (mut map, mut seen) = (Vec::new(), HashSet::new());
        loop {
            spend(self.left)?;
            match fields.next_key_seed(KeySeed { seen: &mut seen })? {
                Some(key) => {
                    map.push((key, fields.next_value_seed(NodeSeed { left: self.left })?));
                }
                None => return Ok(Node::Map(map)),
            }
        }
    }
}

fn spend<E: serde::de::Error>(left: &mut usize) -> Result<(), E> {
    *left = left.checked_sub(1).ok_or_else(|| {
        E::custom(format!("more than {MOST_NODES} values after its aliases are followed"))
    })?;
    Ok(())
}

struct KeySeed<'a> {
    seen: &'a mut HashSet<String>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl serde::de::Visitor<'_> for KeySeed<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<String, E> {
        if self.seen.insert(key.to_owned()) {
            Ok(key.to_owned())
        } else {
            Err(E::custom(format!("the field `{key}` stands here twice")))
        }
    }
}

/// Where in `text` the thing at `path` stands, or else the nearest thing around it.
pub(crate) fn position(text: &str, path: &[String], spot: Spot) -> Position {
    let deserializer = serde_yaml::Deserializer::from_str(text);
    let walk = Walk { path, spot };
    match walk.deserialize(deserializer) {
        Err(error) => error.location().map_or(Position::START, |location| Position {
            line: location.line(),
            column: location.column(),
        }),
        Ok(()) if path.is_empty() => Position::START,
        Ok(()) => match path.split_last() {
            Some((_, parent)) => position(text, parent, Spot::Value),
            None => Position::START,
        },
    }
}

/// Follows a path and gives up at its end.
#[derive(Clone, Copy)]
struct Walk<'a> {
    path: &'a [String],
    spot: Spot,
}

const HERE: &str = "here";

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the place of a problem")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar()
    }
    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }
    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }
    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }
    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Err(A::Error::custom(HERE));
        };
        let wanted: Option<usize> = first.parse().ok();
        let mut index = 0;
        loop {
            if Some(index) == wanted {
                let inner = Walk { path: rest, ..self };
                return items.next_element_seed(inner).map(|_| ());
            }
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.path.split_first() else {
            return Err(A::Error::custom(HERE));
        };
        let point = rest.is_empty() && self.spot == Spot::Key;
        while let Some(found) = fields.next_key_seed(WalkKey { key: first, point })? {
            if found {
                return fields.next_value_seed(Walk { path: rest, ..self });
            }
            fields.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

impl Walk<'_> {
    fn scalar<E: serde::de::Error>(self) -> Result<(), E> {
        if self.path.is_empty() { Err(E::custom(HERE)) } else { Ok(()) }
    }
}

struct WalkKey<'a> {
    key: &'a str,
    /// Whether to give up at the key itself.
    point: bool,
}

impl<'de> DeserializeSeed<'de> for WalkKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl serde::de::Visitor<'_> for WalkKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<bool, E> {
        if key == self.key && self.point { Err(E::custom(HERE)) } else { Ok(key == self.key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "gate: visual\nname: shop\nwith:\n  pages:\n    - /\n    - { path: /a, wait: 3 }\n  n: &n [1, 2.5, true, ~]\n  m: *n\n";

    #[test]
    fn values_keep_their_types() {
        let node = parse(SPEC).unwrap();
        let n = node.get("with").and_then(|with| with.get("n")).unwrap();
        let expect =
            Node::List(vec![Node::Integer(1), Node::Float(2.5), Node::Bool(true), Node::Null]);
        assert_eq!(*n, expect);
        assert_eq!(node.get("with").and_then(|with| with.get("m")), Some(n));
    }

    fn check(path: &[&str], spot: Spot, line: usize, column: usize) {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        assert_eq!(position(SPEC, &path, spot), Position { line, column }, "{path:?} {spot:?}");
    }

    #[test]
    fn paths_become_positions() {
        check(&["name"], Spot::Value, 2, 7);
        check(&["name"], Spot::Key, 2, 1);
        check(&["with", "pages", "0"], Spot::Value, 5, 7);
        check(&["with", "pages", "1", "wait"], Spot::Key, 6, 19);
        check(&["with", "pages", "1", "wait"], Spot::Value, 6, 25);
        check(&["with", "pages"], Spot::Value, 5, 5);
        // What is not there is shown at what should hold it.
        check(&["with", "viewports"], Spot::Value, 4, 3);
        check(&[], Spot::Value, 1, 1);
    }

    fn refused(text: &str, message: &str, line: usize, column: usize) {
        let error = parse(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.at), (message, Position { line, column }));
    }

    #[test]
    fn bad_documents() {
        refused("a: 1\nb:\n  c: 1\n  c: 2\n", "the field `c` stands here twice", 4, 3);
        refused("a: [1, 2\nb: 3\n", "did not find expected ',' or ']'", 2, 2);
        refused("a: *x\n", "unknown anchor", 1, 4);
    }

    #[test]
    fn an_alias_bomb_is_refused_in_bounded_time() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let message = parse(&text).unwrap_err().message;
        assert!(message.contains("aliases") || message.contains("repetition"), "{message}");
    }

    #[test]
    fn merge_keys_are_followed() {
        let node = parse("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n").unwrap();
        let used = node.get("use").unwrap();
        assert_eq!(used.get("x"), Some(&Node::Integer(1)));
        assert_eq!(used.get("y"), Some(&Node::Integer(3)));
    }
}
