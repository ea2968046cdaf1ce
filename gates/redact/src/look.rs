//! What of a text is to go: a text is looked at in every form it may be read in, layer by layer.
//!
//! Names come first, since they say where a value begins and ends; then shapes; then what looks
//! drawn at random. Escapes are taken off, and what is found behind them is written back into its
//! place, so that nothing else changes.

mod decoded;
mod named;

use std::ops::Range;

use crate::edit::{BY_NAME, BY_SHAPE, DECODED, Edit, Edits, Escapes, Plain};
use crate::names::{self, Class, Name};
use crate::profiles::Profile;
use crate::rules::Rules;
use crate::{SHORTEST_SECRET, entropy, gzip, patterns, personal, placeholder, spans};

/// How many layers of escapes and codings are taken off.
const DEEPEST: u8 = 6;
/// What is left of a gzip stream that could not be looked into.
const TOO_LARGE: &[u8] = b"(left out: a gzip stream too large to be searched for secrets)";
const BROKEN: &[u8] = b"(left out: a broken gzip stream with a secret in what can be read of it)";

/// Looks at the texts of one message.
#[derive(Clone, Copy)]
pub(crate) struct Look<'r> {
    pub(crate) rules: &'r Rules,
    pub(crate) profile: Option<&'static Profile>,
    pub(crate) level: Level,
    /// Whether what is found is kept in mind.
    pub(crate) may_learn: bool,
}

/// How much is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// What is known by value.
    Known,
    /// That, and what has the shape of a secret: the last look before something is written.
    Sure,
    /// All that names and randomness tell besides.
    All,
}

/// Where a text comes from.
#[derive(Clone, Copy)]
pub(crate) struct At {
    /// What its name says of it.
    pub(crate) class: Class,
    /// How many layers are off.
    pub(crate) depth: u8,
    /// Whether it is no text at all.
    pub(crate) is_binary: bool,
}

impl At {
    pub(crate) fn top() -> At {
        At { class: Class::Plain, depth: 0, is_binary: false }
    }

    fn deeper(self, class: Class) -> At {
        At { class, depth: self.depth + 1, ..self }
    }
}

impl Look<'_> {
    /// What a name says, here.
    pub(crate) fn class(&self, name: &[u8]) -> Class {
        self.class_of(&Name::of(name))
    }

    pub(crate) fn class_of(&self, name: &Name) -> Class {
        let bytes = name.as_bytes();
        if self.rules.names.iter().any(|own| own.as_slice() == bytes) {
            return Class::Secret;
        }
        let own = self.profile.and_then(|profile| profile.class(bytes));
        let chosen = || self.rules.profiles.iter().find_map(|profile| profile.class(bytes));
        let class = own.or_else(chosen).unwrap_or_else(|| names::class(name));
        match class {
            Class::Email | Class::Phone | Class::Person if self.rules.keep_personal => Class::Plain,
            class => class,
        }
    }

    /// What of a text is to go.
    pub(crate) fn text(&self, text: &[u8], at: At) -> Vec<Edit> {
        if at.depth > DEEPEST || is_too_short(text) {
            return Vec::new();
        }
        if gzip::is_gzip(text) {
            return self.gzipped(text, at);
        }
        let is_binary = at.is_binary || is_binary(text);
        let at = At { is_binary, ..at };
        let mut edits = Edits::default();
        if !is_binary {
            self.strings(text, at, &mut edits);
            self.percent(text, at, &mut edits);
            edits.merge_seen();
            if self.level == Level::All {
                self.named_values(text, &mut edits);
                self.elements(text, &mut edits);
                self.personal(text, &mut edits);
            }
            self.runs(text, at, &mut edits);
        }
        self.shapes(text, &mut edits);
        self.known(text, &mut edits);
        edits.settled()
    }

    /// The same look, but only for what is a secret beyond doubt.
    pub(crate) fn sure(self) -> Self {
        Look { level: Level::Sure, ..self }
    }

    /// What of a text is a secret beyond doubt, its escapes left on.
    fn beyond_doubt(&self, text: &[u8]) -> Vec<Edit> {
        let mut edits = Edits::default();
        self.shapes(text, &mut edits);
        self.known(text, &mut edits);
        edits.settled()
    }

    /// All of a value, which is not looked for elsewhere.
    pub(crate) fn unlearnt(&self, value: &[u8]) -> Vec<Edit> {
        self.person(value, 0..value.len(), "secret", BY_NAME).into_iter().collect()
    }

    fn gzipped(&self, text: &[u8], at: At) -> Vec<Edit> {
        let whole = |with, rule| vec![Edit { at: 0..text.len(), with, rule, rank: DECODED }];
        match gzip::expand(text) {
            gzip::Expanded::Whole(plain) => {
                let edits = self.text(&plain, at.deeper(at.class));
                match edits.first() {
                    Some(first) => {
                        whole(gzip::compress(&crate::edit::apply(&plain, &edits)), first.rule)
                    }
                    None => Vec::new(),
                }
            }
            gzip::Expanded::TooLarge => whole(TOO_LARGE.to_vec(), "unsearchable"),
            gzip::Expanded::Broken(start) => {
                if self.text(&start, at.deeper(at.class)).is_empty() {
                    self.beyond_doubt(text)
                } else {
                    whole(BROKEN.to_vec(), "unsearchable")
                }
            }
        }
    }

    /// An edit of what was found by its shape, unless it is allowed or a placeholder already.
    fn secret(&self, text: &[u8], at: Range<usize>, rule: &'static str, rank: u8) -> Option<Edit> {
        let value = &text[at.clone()];
        if self.rules.is_kept(value) {
            return None;
        }
        let with = placeholder::of("secret", &self.rules.key, value).into_bytes();
        if self.may_learn {
            self.rules.learn(value, &with);
        }
        Some(Edit { at, with, rule, rank })
    }

    fn shapes(&self, text: &[u8], edits: &mut Edits) {
        if self.level == Level::Known {
            return;
        }
        patterns::find(text, |rule, at| {
            if edits.is_seen(&at) {
                return;
            }
            // A password in an address may be escaped; one secret has one placeholder.
            if text[at.clone()].contains(&b'%') {
                let plain = Plain::of(&text[at.clone()], Escapes::Percent);
                let whole = 0..plain.text.len();
                let edit = self.secret(&plain.text, whole, rule, BY_SHAPE);
                edits.extend(plain.back(edit.into_iter().collect(), at.start));
            } else {
                edits.extend(self.secret(text, at, rule, BY_SHAPE));
            }
        });
    }

    fn known(&self, text: &[u8], edits: &mut Edits) {
        self.rules.known(text, |at, with| {
            let with = with.to_vec();
            edits.add(Edit { at, with, rule: "known-value", rank: DECODED });
        });
    }

    fn personal(&self, text: &[u8], edits: &mut Edits) {
        if self.rules.keep_personal {
            return;
        }
        personal::emails(text, |at| edits.extend(self.email(text, at)));
        personal::phones(text, |at| edits.extend(self.person(text, at, "phone", BY_SHAPE)));
    }

    fn email(&self, text: &[u8], at: Range<usize>) -> Option<Edit> {
        let value = &text[at.clone()];
        if self.rules.is_kept(value) {
            return None;
        }
        let with = placeholder::email(&self.rules.key, value).into_bytes();
        Some(Edit { at, with, rule: "email", rank: BY_SHAPE })
    }

    fn person(&self, text: &[u8], at: Range<usize>, kind: &'static str, rank: u8) -> Option<Edit> {
        let value = &text[at.clone()];
        if self.rules.is_kept(value) {
            return None;
        }
        let with = placeholder::of(kind, &self.rules.key, value).into_bytes();
        Some(Edit { at, with, rule: kind, rank })
    }

    /// Runs of the letters of base64: coded texts, and what looks drawn at random.
    fn runs(&self, text: &[u8], at: At, edits: &mut Edits) {
        let shortest = *entropy::LENGTHS.start();
        let mut from = 0;
        while let Some(last) = text.get(from + shortest - 1) {
            if !IN_RUN[usize::from(*last)] {
                from += shortest;
                continue;
            }
            let before = text[from..from + shortest].iter().rev();
            let length = before.take_while(|b| IN_RUN[usize::from(**b)]).count();
            if length < shortest {
                from += shortest - length;
                continue;
            }
            let rest = &text[from + shortest..];
            let more = rest.iter().take_while(|b| IN_RUN[usize::from(**b)]).count();
            let padding = rest[more..].iter().take(2).take_while(|b| **b == b'=').count();
            let end = from + shortest + more;
            self.run(text, from..end, end + padding, at, edits);
            from = end;
        }
    }

    fn run(&self, text: &[u8], run: Range<usize>, padded: usize, at: At, edits: &mut Edits) {
        let word = &text[run.clone()];
        if edits.is_seen(&run) {
            return;
        }
        if memchr::memmem::find(word, placeholder::START).is_some()
            || self.base64(text, run.clone(), padded, at, edits)
            || self.level != Level::All
            || !entropy::LENGTHS.contains(&word.len())
        {
            return;
        }
        let end = if run.len().is_multiple_of(4) { run.end } else { padded };
        let whole = run.start..end;
        entropy::drawn(word, |part| {
            if self.is_harmless(text, &whole, at) {
                return;
            }
            let end = if part.end == word.len() { whole.end } else { run.start + part.end };
            let part = run.start + part.start..end;
            edits.extend(self.secret(text, part, "high-entropy", BY_SHAPE));
        });
    }

    /// Whether what stands around says that something is drawn at random and no secret.
    fn is_harmless(&self, text: &[u8], run: &Range<usize>, at: At) -> bool {
        let before = &text[..run.start];
        // The tag of an entity stays, whoever quotes it.
        if at.class == Class::Harmless || before.ends_with(b"base64,") || before.ends_with(b"W/\"")
        {
            return true;
        }
        // `main.4f3a2b1c.js`: a build has named it.
        if text.get(run.end) == Some(&b'.') {
            let end = &text[run.end + 1..];
            let letters = end.iter().take(8).take_while(|b| b.is_ascii_alphanumeric()).count();
            if (2..=5).contains(&letters) && end[..letters].iter().any(u8::is_ascii_lowercase) {
                return true;
            }
        }
        let name = spans::name_of(text, run.start);
        name.is_some_and(|name| self.class(&text[name.at]) == Class::Harmless)
    }
}

/// Whether nothing could be found in a text, as in most parts of a path: it has no sign of an
/// escape, a name or an address, and no room for a secret.
pub(crate) fn is_too_short(text: &[u8]) -> bool {
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    text.len() < SHORTEST_SECRET && text.iter().all(is_plain)
}

/// The letters of base64, of both kinds.
static IN_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        byte += 1;
    }
    table
};

/// Whether these bytes are no text, going by how they begin.
pub(crate) fn is_binary(text: &[u8]) -> bool {
    let start = &text[..text.len().min(1024)];
    if start.iter().all(|b| matches!(b, b' '..=b'~')) {
        return false;
    }
    let controls =
        start.iter().filter(|b| matches!(b, 0..=8 | 11 | 14..=26 | 28..=31 | 127)).count();
    let is_cut = |error: std::str::Utf8Error| error.error_len().is_none();
    controls * 50 > start.len() || start.contains(&0) || {
        let wrong = std::str::from_utf8(start).err();
        // Latin letters of old pages are few.
        wrong.is_some_and(|error| !is_cut(error))
            && start.iter().filter(|b| **b >= 0x80).count() * 4 > start.len()
    }
}
