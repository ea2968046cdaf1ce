//! Values that are checked where they are written.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

/// Serialises a type as the text that it was read from.
macro_rules! as_text {
    ($name:ident, $examples:expr) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": $examples })
            }
        }
    };
}
pub(crate) use as_text;

/// A method and where it goes: `POST /api/signup`, `GET https://api.example.com/v1/me`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In upper case.
    pub method: String,
    /// A path of the service, or a whole address. It may hold `{{variables}}`.
    pub to: String,
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Line, String> {
        let wrong =
            || format!("`{text}` is no request: write the method and the path, GET /health");
        let (method, to) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
        let to = to.trim();
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let leads = to.starts_with('/') || to.starts_with("{{") || to.contains("://");
        if !is_method || !leads || to.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Line { method: method.to_owned(), to: to.to_owned() })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.to)
    }
}

as_text!(Line, ["GET /health", "POST /api/signup"]);

/// Which recordings are meant: a method and a pattern of paths, `GET /v1/contacts/*`, or `*`.
#[derive(Debug, Clone)]
pub struct Wanted {
    text: String,
    /// None for every method.
    method: Option<String>,
    path: GlobMatcher,
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Wanted) -> bool {
        self.text == other.text
    }
}

impl Wanted {
    /// Whether a recording of this method and address is meant.
    pub(crate) fn covers(&self, method: &str, url: &str) -> bool {
        let path = recorder::Address::of(url).path;
        self.method.as_ref().is_none_or(|wanted| wanted == method) && self.path.is_match(path)
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Wanted, String> {
        let wrong =
            || format!("`{text}` means no recording: write GET /v1/contacts/*, or * for all");
        let (method, path) = match text.trim().split_once(char::is_whitespace) {
            _ if text.trim() == "*" => (None, "**"),
            Some((method, path)) if path.trim().starts_with('/') => {
                (Some(method.to_ascii_uppercase()), path.trim())
            }
            None if text.trim().starts_with('/') => (None, text.trim()),
            _ => return Err(wrong()),
        };
        let glob = GlobBuilder::new(path).literal_separator(true).build().map_err(|_| wrong())?;
        Ok(Wanted { text: text.trim().to_owned(), method, path: glob.compile_matcher() })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

as_text!(Wanted, ["*", "GET /v1/contacts/*"]);
