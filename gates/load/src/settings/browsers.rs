//! What a spec says of the browsers that look on.

use std::fmt;
use std::time::Duration;

use gate_core::values::DurationValue;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// How many there may be: they are there to look on, and the load comes from elsewhere.
const MOST: u64 = 2;
/// The shortest time between two loads by one of them.
const SHORTEST: Duration = Duration::from_millis(200);

/// Real browsers that open a page again and again while the load runs, as somebody does who has
/// never been there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Written", into = "Written")]
pub struct Browsers {
    /// How many.
    pub count: u64,
    /// The page, as a path of each version.
    pub page: Option<String>,
    /// How long after it has begun to load the page a browser begins again.
    pub every: DurationValue,
}

impl Browsers {
    /// So many of them, and what is usual.
    pub(crate) fn of(count: u64) -> Browsers {
        Browsers { count, page: None, every: usual_pace() }
    }

    /// What is wrong with it.
    pub(super) fn problems(&self, wrong: &mut dyn FnMut(&[&str], &str, &str)) {
        if !(1..=MOST).contains(&self.count) {
            let hint = "give it 1 or 2, or leave it out";
            wrong(
                &["browsers"],
                "one or two browsers look on; the load comes from elsewhere",
                hint,
            );
        }
        if self.every.0 < SHORTEST {
            let hint = "give it 2s; a page that takes longer is loaded again at once";
            wrong(&["browsers", "every"], "so often would be a load test with browsers", hint);
        }
        if self.page.as_ref().is_some_and(|page| !page.starts_with('/')) {
            let hint = "write it like /spring; it is asked for at each version";
            wrong(&["browsers", "page"], "a page is a path, which begins with a slash", hint);
        }
    }
}

fn usual_pace() -> DurationValue {
    DurationValue(Duration::from_secs(2))
}

fn is_usual_pace(said: &DurationValue) -> bool {
    *said == usual_pace()
}

fn one() -> u64 {
    1
}

/// How it stands in a spec.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    /// How many: 1 or 2.
    Short(u64),
    /// With more.
    Long(Long),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Long {
    /// How many: 1 or 2.
    #[serde(default = "one")]
    count: u64,
    /// The page that they open, such as `/spring`: what the load asks for unless something else is
    /// said, and with scenarios the first step of the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// How long after it has begun to load the page a browser begins again; `2s` unless something
    /// else is said. A page that takes longer is loaded again as soon as it is there.
    #[serde(default = "usual_pace", skip_serializing_if = "is_usual_pace")]
    every: DurationValue,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of browsers, or a map such as `{ count: 1, page: /spring }`")
            }

            fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Written, E> {
                Ok(Written::Short(count))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                Long::deserialize(MapAccessDeserializer::new(map)).map(Written::Long)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl From<Written> for Browsers {
    fn from(written: Written) -> Browsers {
        match written {
            Written::Short(count) => Browsers::of(count),
            Written::Long(Long { count, page, every }) => Browsers { count, page, every },
        }
    }
}

impl From<Browsers> for Written {
    fn from(all: Browsers) -> Written {
        if all == Browsers::of(all.count) {
            return Written::Short(all.count);
        }
        Written::Long(Long { count: all.count, page: all.page, every: all.every })
    }
}
