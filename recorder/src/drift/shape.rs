//! What JSON looks like, values left out: the types at every place, which members are always there,
//! and what its texts look like. All elements of an array have one shape together, so that an
//! answer with other elements in another number can be compared.

use std::collections::{BTreeMap, BTreeSet};

use redact::json::{NotJson, Token, Tokens, unescaped};

/// A type of JSON. Whole numbers and others are one: data, not form, decides between `10` and `9.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    Text,
    Object,
    Array,
}

impl Type {
    pub(super) fn word(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Boolean => "a boolean",
            Type::Number => "a number",
            Type::Text => "a text",
            Type::Object => "an object",
            Type::Array => "an array",
        }
    }
}

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Format {
    /// `2026-11-21`.
    Date,
    /// `2026-11-21T08:30:00Z`.
    Time,
    Uuid,
    Address,
    Email,
    /// Digits alone, a sign and a point allowed.
    Number,
    /// Anything else.
    Text,
}

impl Format {
    pub(super) fn word(self) -> &'static str {
        match self {
            Format::Date => "a date (2026-11-21)",
            Format::Time => "a time (2026-11-21T08:30:00Z)",
            Format::Uuid => "a UUID",
            Format::Address => "an address (https://...)",
            Format::Email => "an e-mail address",
            Format::Number => "digits",
            Format::Text => "another text",
        }
    }
}

/// How many different texts of one place are remembered.
const MOST_TEXTS: usize = 16;
/// How long a text may be that is one of a few.
const LONGEST_TEXT: usize = 32;

/// What stands at a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// How many values there were.
    pub(super) seen: usize,
    pub(super) types: BTreeSet<Type>,
    /// How many of them were objects.
    pub(super) objects: usize,
    pub(super) members: BTreeMap<String, Shape>,
    /// All elements of all arrays.
    pub(super) elements: Option<Box<Shape>>,
    pub(super) formats: BTreeSet<Format>,
    /// Different short texts; empty once there were too many.
    pub(super) texts: BTreeSet<String>,
    is_open: bool,
}

impl Shape {
    /// The shape of a text of JSON.
    pub(super) fn of(text: &[u8]) -> Result<Shape, NotJson> {
        let mut shape = Shape::default();
        shape.add(text)?;
        Ok(shape)
    }

    /// Adds another value of the same place.
    pub(super) fn add(&mut self, text: &[u8]) -> Result<(), NotJson> {
        // Looked at as a whole first: a part of a broken text would be half a shape.
        let tokens = Tokens::of(text).collect::<Result<Vec<_>, _>>()?;
        let mut tokens = tokens.into_iter();
        if let Some(first) = tokens.next() {
            self.value(text, first, &mut tokens);
        }
        Ok(())
    }

    fn value(&mut self, text: &[u8], token: Token, rest: &mut std::vec::IntoIter<Token>) {
        self.seen += 1;
        match token {
            Token::Open(at) if text[at] == b'{' => {
                self.types.insert(Type::Object);
                self.objects += 1;
                let mut named = BTreeSet::new();
                while let Some(Token::Key(range)) = rest.next() {
                    let name = unescaped(&text[range]);
                    let first = rest.next().expect("a name has a value");
                    let mut ignored = Shape::default();
                    // Of a repeated name the first counts, so that none is counted twice.
                    let member = if named.insert(name.clone()) {
                        self.members.entry(name).or_default()
                    } else {
                        &mut ignored
                    };
                    member.value(text, first, rest);
                }
            }
            Token::Open(_) => {
                self.types.insert(Type::Array);
                let elements = self.elements.get_or_insert_default();
                while let Some(token) = rest.next() {
                    if matches!(token, Token::Close(_)) {
                        break;
                    }
                    elements.value(text, token, rest);
                }
            }
            Token::String(range) => self.text(&unescaped(&text[range])),
            Token::Bare(range) => {
                self.types.insert(match text[range.start] {
                    b'n' => Type::Null,
                    b't' | b'f' => Type::Boolean,
                    _ => Type::Number,
                });
            }
            Token::Close(_) | Token::Key(_) => unreachable!("the tokens alternate"),
        }
    }

    fn text(&mut self, value: &str) {
        self.types.insert(Type::Text);
        if !value.is_empty() {
            self.formats.insert(format(value));
        }
        if self.is_open || value.len() > LONGEST_TEXT {
            self.is_open = true;
            self.texts.clear();
            return;
        }
        self.texts.insert(value.to_owned());
        if self.texts.len() > MOST_TEXTS {
            self.is_open = true;
            self.texts.clear();
        }
    }

    /// The one format of all texts, when they have one.
    pub(super) fn format(&self) -> Option<Format> {
        let mut formats = self.formats.iter();
        match (formats.next(), formats.next()) {
            (Some(only), None) => Some(*only),
            _ => None,
        }
    }

    /// Whether the texts look like those of a list of names: few, short, and some seen again.
    pub(super) fn is_enumeration(&self) -> bool {
        let is_name = |text: &String| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'))
        };
        !self.is_open && self.texts.len() * 2 <= self.seen && self.texts.iter().all(is_name)
    }
}

fn format(text: &str) -> Format {
    let like = |pattern: &str| {
        text.len() >= pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(b, p)| match p {
                b'0' => b.is_ascii_digit(),
                b'x' => b.is_ascii_hexdigit(),
                p => b == p,
            })
    };
    let is_number = || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && digits.starts_with(|c: char| c.is_ascii_digit())
    };
    let is_email = || {
        let parts = text.split_once('@');
        parts.is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !text.contains([' ', '/', ':'])
        })
    };
    if like("0000-00-00T00:00") {
        Format::Time
    } else if like("0000-00-00") && text.len() == 10 {
        Format::Date
    } else if like("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") && text.len() == 36 {
        Format::Uuid
    } else if text.starts_with("https://") || text.starts_with("http://") {
        Format::Address
    } else if is_number() {
        Format::Number
    } else if is_email() {
        Format::Email
    } else {
        Format::Text
    }
}
