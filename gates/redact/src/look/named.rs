//! Values whose names say what they are.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2_iter;

use super::{At, Level, Look};
use crate::edit::{BY_NAME, Edit, Edits, Escapes, Plain};
use crate::names::Class;
use crate::spans::{self, Written};
use crate::{entropy, personal};

/// What stands before a secret and says how it is used.
const SCHEMES: &[&str] = &[
    "apikey",
    "basic",
    "bearer",
    "bot",
    "digest",
    "dpop",
    "genie-key",
    "klaviyo-api-key",
    "negotiate",
    "oauth",
    "pretoken",
    "ssws",
    "token",
    "zoho-oauthtoken",
];

/// Where the secret begins in a value such as `Bearer abc`.
pub(crate) fn after_scheme(value: &[u8]) -> usize {
    let Some(space) = value.iter().take(24).position(|b| *b == b' ') else { return 0 };
    let scheme = &value[..space];
    let is_one = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
    if is_one { space + value[space..].iter().take_while(|b| **b == b' ').count() } else { 0 }
}

/// Words that stand where a secret would and are none.
fn is_nothing(value: &[u8]) -> bool {
    const WORDS: &[&str] =
        &["true", "false", "null", "none", "undefined", "nil", "bearer", "basic"];
    value.is_empty()
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        || (value.len() > 2 && value.iter().all(|b| matches!(b, b'*' | b'.' | b'x' | b'X' | b' ')))
}

impl Look<'_> {
    /// What of a value is to go, its escapes taken off, when its name says so.
    pub(crate) fn value(&self, value: &[u8], class: Class) -> Vec<Edit> {
        let whole = 0..value.len();
        let edit = match class {
            Class::Secret => {
                let start = after_scheme(value);
                let rest = &value[start..];
                if is_nothing(rest) {
                    return Vec::new();
                }
                self.secret(value, start..value.len(), "secret-name", BY_NAME)
            }
            Class::Email if personal::is_email(value) => {
                self.email(value, whole).map(|edit| Edit { rank: BY_NAME, ..edit })
            }
            Class::Email if personal::is_digest(value) => {
                self.person(value, whole, "person", BY_NAME)
            }
            Class::Phone if personal::is_number(value) => {
                self.person(value, whole, "phone", BY_NAME)
            }
            Class::Person if !is_nothing(value) => self.person(value, whole, "person", BY_NAME),
            _ => None,
        };
        edit.into_iter().collect()
    }

    /// The same of a value with its escapes, as an edit of the text that it stands in.
    fn escaped_value(&self, text: &[u8], at: Range<usize>, class: Class) -> Vec<Edit> {
        let value = &text[at.clone()];
        let escapes = if value.contains(&b'\\') { Escapes::Json } else { Escapes::Percent };
        let is_plain = match escapes {
            Escapes::Json => false,
            _ => !value.contains(&b'%'),
        };
        if is_plain {
            let mut edits = self.value(value, class);
            for edit in &mut edits {
                edit.at = at.start + edit.at.start..at.start + edit.at.end;
            }
            return edits;
        }
        let plain = Plain::of(value, escapes);
        plain.back(self.value(&plain.text, class), at.start)
    }

    /// Values after `:` and `=`, wherever they stand.
    pub(super) fn named_values(&self, text: &[u8], edits: &mut Edits) {
        let mut done = 0;
        for sign in memchr2_iter(b':', b'=', text) {
            if sign < done {
                continue;
            }
            let Some(name) = spans::name_before(text, sign) else { continue };
            let mut class = self.class(&text[name.at.clone()]);
            let is_beside = matches!(&text[name.at.clone()], b"value" | b"content" | b"val");
            if matches!(class, Class::Plain | Class::Harmless) && !is_beside {
                continue;
            }
            for value in spans::values_after(text, sign) {
                if is_beside {
                    let beside = spans::named_beside(text, &name, &value);
                    class = beside.map_or(Class::Plain, |name| self.class(&text[name]));
                }
                if let Some(at) = meant(text, sign, &name, value, class) {
                    done = at.end;
                    edits.extend(self.escaped_value(text, at, class));
                }
            }
        }
    }

    /// `<password>...</password>`.
    pub(super) fn elements(&self, text: &[u8], edits: &mut Edits) {
        spans::elements(text, |name, at| {
            let class = self.class(name);
            if !matches!(class, Class::Plain | Class::Harmless) {
                edits.extend(self.escaped_value(text, at, class));
            }
        });
    }

    /// The pairs of a form or a query.
    pub(crate) fn form(&self, text: &[u8], at: At) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut start = 0;
        for pair in text.split(|b| *b == b'&') {
            let (name, value) = match pair.iter().position(|b| *b == b'=') {
                Some(cut) => (&pair[..cut], cut + 1),
                None => (&pair[..0], 0),
            };
            edits.extend(self.pair(name, &pair[value..], start + value, at));
            start += pair.len() + 1;
        }
        edits
    }

    fn pair(&self, name: &[u8], value: &[u8], offset: usize, at: At) -> Vec<Edit> {
        if value.is_empty() {
            return Vec::new();
        }
        // Nothing keeps a client from escaping a name as well.
        let name = if name.contains(&b'%') {
            Cow::Owned(Plain::of(name, Escapes::Form).text)
        } else {
            Cow::Borrowed(name)
        };
        let class = if self.level == Level::All { self.class(&name) } else { Class::Plain };
        let is_coded = value.iter().any(|b| matches!(b, b'%' | b'+'));
        let look = |value: &[u8]| match self.value(value, class) {
            edits if edits.is_empty() => self.text(value, at.deeper(class)),
            edits => edits,
        };
        if !is_coded {
            let edits = look(value);
            if edits.is_empty() {
                return edits;
            }
            return Plain::of(value, Escapes::Form).back(edits, offset);
        }
        let plain = Plain::of(value, Escapes::Form);
        let edits = look(&plain.text);
        if edits.is_empty() && value.contains(&b'+') {
            // Base64 whose writer forgot to escape it.
            let plain = Plain::of(value, Escapes::Percent);
            return plain.back(look(&plain.text), offset);
        }
        plain.back(edits, offset)
    }
}

/// The value, when somebody meant it as one: a bare word after a name in a sentence is none.
fn meant(
    text: &[u8],
    sign: usize,
    name: &Written,
    value: Written,
    class: Class,
) -> Option<Range<usize>> {
    if value.is_quoted {
        return Some(value.at);
    }
    let before = name.at.start.checked_sub(1).map(|at| text[at]);
    let is_pair = text[sign] == b'=' && !name.is_quoted;
    if is_pair && matches!(before, None | Some(b'?' | b'&' | b'#')) {
        return Some(value.at);
    }
    // A header in a log: `Authorization: Bearer abc`.
    let word = &text[value.at.clone()];
    let mut at = value.at;
    let scheme = [word, b" "].concat();
    if after_scheme(&scheme) > 0 && text.get(at.end) == Some(&b' ') {
        let start = at.end + 1;
        let length =
            text[start..].iter().take_while(|b| b.is_ascii_graphic() && **b != b'"').count();
        at = start..start + length;
    }
    let is_meant = match class {
        Class::Secret => entropy::is_meant(&text[at.clone()]),
        Class::Person => false,
        _ => true,
    };
    is_meant.then_some(at)
}
