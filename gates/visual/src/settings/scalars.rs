//! Values that are checked where they are written.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use gate_core::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number that has to lie within a range.
macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident($type:ty), $range:expr, $default:expr, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $type);

        impl Default for $name {
            fn default() -> $name {
                $name($default)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let value = <$type>::deserialize(deserializer)?;
                if $range.contains(&value) {
                    return Ok($name(value));
                }
                let range = $range;
                Err(de::Error::custom(format!(
                    concat!($what, " lies between {} and {}, not at {}"),
                    range.start(), range.end(), value
                )))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut schema = <$type>::json_schema(generator);
                schema.remove("format");
                schema.insert("minimum".into(), serde_json::json!($range.start()));
                schema.insert("maximum".into(), serde_json::json!($range.end()));
                schema
            }
        }
    };
}

ranged!(
    /// A width or height in CSS pixels.
    Pixels(u32), 1..=10_000_u32, 800, "a window's side"
);
ranged!(
    /// Device pixels for each CSS pixel.
    Scale(f64), 0.5..=4.0_f64, 1.0, "a scale"
);
ranged!(
    /// A colour distance.
    Threshold(f64), 0.0..=1.0_f64, 0.1, "a threshold"
);
ranged!(
    /// How many pages a list may bring.
    Limit(u32), 1..=50_000_u32, 200, "a limit"
);

/// A text that has to have a certain form.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $about:literal, $pattern:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(text).map(|()| $name(text.to_owned()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                parsed(deserializer, $about)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $about })
            }
        }
    };
}

checked_text!(
    /// Which elements are meant.
    Selector, "a CSS selector", r"\S",
    |text| if text.trim().is_empty() {
        Err("an empty selector matches nothing".to_owned())
    } else {
        Ok(())
    }
);
checked_text!(
    /// JavaScript.
    Script, "JavaScript", r"\S",
    |text| if text.trim().is_empty() { Err("there is no script".to_owned()) } else { Ok(()) }
);
checked_text!(
    /// A language and region.
    Locale, "a language such as `de` or `pt-BR`", r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$|\$\{",
    |text| {
        let mut parts = text.split('-');
        let language = parts.next().is_some_and(|part| {
            (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic())
        });
        let rest = parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if language && rest {
            return Ok(());
        }
        Err(format!("`{text}` is no language such as `de` or `pt-BR`"))
    }
);
checked_text!(
    /// A time zone.
    TimeZone, "a time zone such as `UTC` or `Europe/Berlin`", r"^[A-Za-z][A-Za-z0-9_+/-]*$|\$\{",
    |text| {
        let good = |c: char| c.is_ascii_alphanumeric() || "_+-/".contains(c);
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(good) {
            return Ok(());
        }
        Err(format!("`{text}` is no time zone such as `UTC` or `Europe/Berlin`"))
    }
);
checked_text!(
    /// Which pages of a list are meant.
    Pattern, "a pattern such as `/blog/**`, in which `*` stays within a part", r"\S",
    |text| globset::GlobBuilder::new(text).literal_separator(true).build().map(|_| ()).map_err(
        |error| format!("`{text}` is no pattern such as `/blog/**`: {}", error.kind())
    )
);

/// Reads a text and parses it, with what was expected in the error for anything else.
pub(super) fn parsed<'de, T, D>(deserializer: D, about: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    struct Visitor<T>(&'static str, std::marker::PhantomData<T>);
    impl<T: FromStr<Err = String>> de::Visitor<'_> for Visitor<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Visitor(about, std::marker::PhantomData))
}

/// What the page's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSpec {
    /// What the machine's clock shows.
    Real,
    /// Always this moment.
    At(Timestamp),
}

const CLOCK: &str = "a moment such as `2026-11-21T08:30:00Z`, or `real`";

impl FromStr for ClockSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<ClockSpec, String> {
        match text {
            "real" => Ok(ClockSpec::Real),
            _ => text
                .parse()
                .map(ClockSpec::At)
                .map_err(|_| format!("`{text}` is neither {}", CLOCK.replace(", or", " nor"))),
        }
    }
}

impl Serialize for ClockSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            ClockSpec::Real => serializer.serialize_str("real"),
            ClockSpec::At(at) => at.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ClockSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClockSpec, D::Error> {
        parsed(deserializer, CLOCK)
    }
}

impl JsonSchema for ClockSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Clock".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^(real|[0-9]{4}-[0-9]{2}-[0-9]{2}T.+)$|\$\{",
            "description": CLOCK
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = String>>(text: &str, expect: Result<(), &str>) {
        let got = text.parse::<T>().map(|_| ());
        assert_eq!(got.as_ref().map_err(String::as_str), expect.as_ref().map_err(|e| *e), "{text}");
    }

    #[test]
    fn texts() {
        check::<Selector>(".a > b", Ok(()));
        check::<Selector>(" ", Err("an empty selector matches nothing"));
        check::<Locale>("pt-BR", Ok(()));
        check::<Locale>("german!", Err("`german!` is no language such as `de` or `pt-BR`"));
        check::<TimeZone>("America/Argentina/Buenos_Aires", Ok(()));
        check::<TimeZone>(
            "+02:00",
            Err("`+02:00` is no time zone such as `UTC` or `Europe/Berlin`"),
        );
        check::<Pattern>("/blog/**", Ok(()));
        check::<Pattern>(
            "/blog/[a",
            Err(
                "`/blog/[a` is no pattern such as `/blog/**`: unclosed character class; missing ']'",
            ),
        );
        check::<ClockSpec>("real", Ok(()));
        check::<ClockSpec>("2026-11-21T08:30:00+01:00", Ok(()));
        check::<ClockSpec>(
            "noon",
            Err("`noon` is neither a moment such as `2026-11-21T08:30:00Z` nor `real`"),
        );
    }
}
