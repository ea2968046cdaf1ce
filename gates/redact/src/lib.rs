//! Secrets in, placeholders out.
//!
//! A [`Redactor`] knows the values of the secrets that a run uses, and takes them out of whatever
//! is about to be written: reports, logs, observations, evidence. It knows a value in the forms
//! that programs give it (percent, form and JSON escapes, hexadecimal, base64 in its three
//! alignments) and looks into gzip. A secret painted into a picture cannot be taken out.
//!
//! A [`Cleaner`] takes secrets out of HTTP messages that nobody has told it of: by what platforms
//! call them, by the names that they have, by their shapes, and by looking drawn at random.

mod cleaner;
mod edit;
mod entropy;
mod forms;
mod gzip;
pub mod json;
mod learnt;
mod look;
mod multipart;
mod names;
mod patterns;
mod personal;
pub mod placeholder;
mod profiles;
mod rules;
mod scan;
mod spans;
mod stream;

use std::borrow::Cow;

pub use cleaner::{BadSetting, Cleaner};
pub use profiles::{PROFILES, Profile};
pub use scan::{Finding, Scanner};

use aho_corasick::{AhoCorasick, MatchKind};

/// The shortest value that can be redacted without taking ordinary words out with it, in bytes.
pub const SHORTEST_SECRET: usize = 8;

/// A value that is too short to be told from ordinary text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooShort {
    /// The secret's name.
    pub name: String,
}

impl std::fmt::Display for TooShort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the secret {} has fewer than {SHORTEST_SECRET} bytes", self.name)
    }
}

impl std::error::Error for TooShort {}

/// Takes known secrets out of texts and bytes.
#[derive(Clone, Default)]
pub struct Redactor {
    finder: Option<AhoCorasick>,
    /// What stands in for each pattern of the finder.
    placeholders: Vec<String>,
    values: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    /// Says how many forms are known, and none of them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.placeholders.len())
    }
}

impl Redactor {
    /// A redactor of these secrets, as pairs of name and value. A value is replaced by
    /// `${secret:NAME}`, the way it was written in the spec.
    pub fn new<'a>(
        secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Redactor, TooShort> {
        let (mut patterns, mut placeholders) = (Vec::new(), Vec::new());
        let mut values = Vec::new();
        for (name, value) in secrets {
            if value.len() < SHORTEST_SECRET {
                return Err(TooShort { name: name.to_owned() });
            }
            values.push(value.to_owned());
            for form in forms::of(value) {
                patterns.push(form);
                placeholders.push(format!("${{secret:{name}}}"));
            }
        }
        if patterns.is_empty() {
            return Ok(Redactor::default());
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .expect("a few short patterns fit an automaton");
        Ok(Redactor { finder: Some(finder), placeholders, values })
    }

    /// What it knows.
    pub(crate) fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether there is nothing to redact.
    pub fn is_empty(&self) -> bool {
        self.finder.is_none()
    }

    /// The text without the secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.finder {
            Some(finder) if finder.is_match(text) => {
                Cow::Owned(finder.replace_all(text, &self.placeholders))
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// The bytes without the secrets. A gzip stream that holds one is written anew; one that
    /// expands beyond 64 MiB is refused by returning a note in its place, because it
    /// could not be looked into.
    pub fn bytes<'t>(&self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        let Some(finder) = &self.finder else { return Cow::Borrowed(bytes) };
        if gzip::is_gzip(bytes) {
            return self.gzipped(bytes);
        }
        if finder.is_match(bytes) {
            Cow::Owned(finder.replace_all_bytes(bytes, &self.placeholders))
        } else {
            Cow::Borrowed(bytes)
        }
    }

    fn gzipped<'t>(&self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        let finder = self.finder.as_ref().expect("only called with a finder");
        match gzip::expand(bytes) {
            gzip::Expanded::Whole(plain) if finder.is_match(&plain) => {
                let clean = finder.replace_all_bytes(&plain, &self.placeholders);
                Cow::Owned(gzip::compress(&clean))
            }
            gzip::Expanded::Whole(_) => Cow::Borrowed(bytes),
            gzip::Expanded::TooLarge => {
                Cow::Borrowed(b"(left out: a gzip stream too large to be searched for secrets)")
            }
            gzip::Expanded::Broken(_) => {
                Cow::Owned(finder.replace_all_bytes(bytes, &self.placeholders))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    const SECRET: &str = "p4ss/w\"rd+\u{e9}=tail";

    fn redactor() -> Redactor {
        Redactor::new([("CRM", SECRET)]).unwrap()
    }

    fn check(input: &str) {
        let clean = redactor().text(input).into_owned();
        assert_ne!(clean, input);
        assert!(clean.contains("${secret:CRM}"), "{clean}");
        assert!(!clean.contains("p4ss"), "{clean}");
    }

    #[test]
    fn every_form_is_found() {
        check(&format!("Authorization: Bearer {SECRET}!"));
        check(&serde_json_like(SECRET));
        check("?token=p4ss%2Fw%22rd%2B%C3%A9%3Dtail&x=1");
        check("?token=p4ss%2fw%22rd%2b%c3%a9%3dtail&x=1");
        let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
        assert_eq!(redactor().text(&hex), "${secret:CRM}");
        for before in ["", "a", "ab", "abc"] {
            for engine in [&STANDARD, &URL_SAFE_NO_PAD] {
                let text = engine.encode(format!("{before}{SECRET}:after"));
                let clean = redactor().text(&text).into_owned();
                assert!(clean.contains("${secret:CRM}"), "{before}: {clean}");
            }
        }
    }

    fn serde_json_like(value: &str) -> String {
        format!("{{\"token\":\"{}\"}}", value.replace('"', "\\\""))
    }

    #[test]
    fn gzip_is_looked_into() {
        let packed = gzip::compress(format!("token={SECRET}").as_bytes());
        let clean = redactor().bytes(&packed).into_owned();
        let gzip::Expanded::Whole(plain) = gzip::expand(&clean) else { panic!("not gzip") };
        assert_eq!(plain, b"token=${secret:CRM}");
    }

    #[test]
    fn what_holds_no_secret_is_left_alone() {
        assert!(matches!(redactor().text("p4ss"), Cow::Borrowed("p4ss")));
        let packed = gzip::compress(b"nothing here");
        assert!(matches!(redactor().bytes(&packed), Cow::Borrowed(_)));
    }

    #[test]
    fn short_values_are_refused() {
        assert_eq!(
            Redactor::new([("PIN", "1234567")]).unwrap_err().to_string(),
            "the secret PIN has fewer than 8 bytes"
        );
    }
}
