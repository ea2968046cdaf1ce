use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use gate_core::evidence::Area;
use gate_core::values::{DurationValue, Percent};
use gate_core::{Json, Problem};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The settings of a `visual` gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pages that are photographed.
    #[schemars(length(min = 1))]
    pub pages: Vec<PageSpec>,
    /// The window sizes in which each page is photographed. By default one of 1280 by 800.
    #[serde(default = "desktop")]
    pub viewports: Vec<ViewportSpec>,
    /// Parts of every page that may change: CSS selectors, or areas as "x,y,width,height".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<MaskSpec>,
    /// CSS selectors of elements that are made invisible on every page; they keep their place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// What the pictures are compared with: `baselines` (pictures that somebody approved),
    /// `promotion` (the version that the promotion would replace), or the name of an environment.
    #[serde(default)]
    pub against: Against,
    /// From which colour distance on a pixel counts as changed: 0 (any) to 1 (none).
    #[serde(default)]
    pub threshold: Threshold,
    /// Which share of a picture may change.
    #[serde(default = "nothing")]
    pub max_changed: Percent,
    /// How long a page may take to come to rest once it has loaded.
    #[serde(default = "ten_seconds")]
    pub settle: DurationValue,
    /// How long a page may take to load.
    #[serde(default = "thirty_seconds")]
    pub page_timeout: DurationValue,
}

fn desktop() -> Vec<ViewportSpec> {
    let (width, height) = (Pixels(1280), Pixels(800));
    vec![ViewportSpec { name: "desktop".to_owned(), width, height, scale: Scale::default() }]
}

fn nothing() -> Percent {
    Percent::from_fraction(0.0).expect("0 is a share")
}

fn ten_seconds() -> DurationValue {
    DurationValue(std::time::Duration::from_secs(10))
}

fn thirty_seconds() -> DurationValue {
    DurationValue(std::time::Duration::from_secs(30))
}

/// A page: its path, or a mapping with more about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageSpec {
    /// Relative to the address of the environment.
    pub path: String,
    /// Names its checks and files.
    pub name: String,
    /// Parts of this page that may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<MaskSpec>,
    /// Elements of this page that are made invisible.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
}

/// The mapping that a page may be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PageFields {
    /// The path, beginning with `/`.
    path: String,
    /// What it is called. By default its path with dashes, and `home` for `/`.
    #[serde(default)]
    name: Option<String>,
    /// Parts of this page that may change: CSS selectors, or areas as "x,y,width,height".
    #[serde(default)]
    mask: Vec<MaskSpec>,
    /// CSS selectors of elements of this page that are made invisible.
    #[serde(default)]
    hide: Vec<String>,
}

impl PageSpec {
    fn of(path: String) -> Result<PageSpec, String> {
        let fields = PageFields { path, name: None, mask: Vec::new(), hide: Vec::new() };
        PageSpec::from_fields(fields)
    }

    fn from_fields(fields: PageFields) -> Result<PageSpec, String> {
        if !fields.path.starts_with('/') || fields.path.starts_with("//") {
            return Err(format!("the path `{}` has to begin with one `/`", fields.path));
        }
        let name = fields.name.unwrap_or_else(|| name_of(&fields.path));
        if !is_name(&name) {
            return Err(format!(
                "`{name}` cannot name a page: use up to 80 letters, digits, `-`, `_` and `.`"
            ));
        }
        Ok(PageSpec { path: fields.path, name, mask: fields.mask, hide: fields.hide })
    }
}

/// `/pricing/plans?x=1` becomes `pricing-plans-x-1`.
fn name_of(path: &str) -> String {
    let words: Vec<&str> = path
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .filter(|word| !word.is_empty() && *word != "." && *word != "..")
        .collect();
    if words.is_empty() { "home".to_owned() } else { words.join("-") }
}

/// Names become file names.
fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=80).contains(&name.len()) && name.chars().all(good) && !name.starts_with('.')
}

impl<'de> Deserialize<'de> for PageSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PageSpec, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = PageSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path such as `/pricing`, or a mapping with `path`")
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<PageSpec, E> {
                PageSpec::of(path.to_owned()).map_err(E::custom)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<PageSpec, A::Error> {
                let fields = PageFields::deserialize(MapAccessDeserializer::new(map))?;
                PageSpec::from_fields(fields).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for PageSpec {
    fn schema_name() -> Cow<'static, str> {
        "Page".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = PageFields::json_schema(generator);
        json_schema!({
            "description": "a path such as `/pricing`, or a mapping with `path`",
            "anyOf": [{ "type": "string", "pattern": "^(/|\\$\\{)" }, fields]
        })
    }
}

/// A part of a page that may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskSpec {
    /// The boxes of all elements that match this CSS selector.
    Selector(String),
    /// An area in CSS pixels from the top left of the page.
    Area(Area),
}

impl FromStr for MaskSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<MaskSpec, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if let [x, y, width, height] = parts[..]
            && let Ok([x, y, width, height]) = [x, y, width, height]
                .map(str::parse::<u32>)
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
                .map(|v| [v[0], v[1], v[2], v[3]])
        {
            return Ok(MaskSpec::Area(Area { x, y, width, height }));
        }
        if text.trim().is_empty() {
            return Err("an empty selector matches nothing".to_owned());
        }
        Ok(MaskSpec::Selector(text.to_owned()))
    }
}

impl Serialize for MaskSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            MaskSpec::Selector(selector) => serializer.serialize_str(selector),
            MaskSpec::Area(Area { x, y, width, height }) => {
                serializer.collect_str(&format_args!("{x},{y},{width},{height}"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for MaskSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MaskSpec, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for MaskSpec {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Mask".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "a CSS selector, or an area as \"x,y,width,height\""
        })
    }
}

/// A window size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewportSpec {
    /// Names its checks and files.
    pub name: String,
    /// Width in CSS pixels.
    pub width: Pixels,
    /// Height in CSS pixels; pictures are as high as the page, and at least this high.
    pub height: Pixels,
    /// Pixels of the screen for each CSS pixel.
    #[serde(default)]
    pub scale: Scale,
}

/// What the pictures are compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Against {
    /// Pictures that somebody approved.
    #[default]
    Baselines,
    /// The version that the promotion would replace.
    Promotion,
    /// A named environment.
    Environment(String),
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Against::Baselines => "baselines",
            Against::Promotion => "promotion",
            Against::Environment(name) => name,
        })
    }
}

impl Serialize for Against {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Against {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Against, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.as_str() {
            "baselines" => Against::Baselines,
            "promotion" => Against::Promotion,
            _ => Against::Environment(text),
        })
    }
}

impl JsonSchema for Against {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Against".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["baselines", "promotion", "live"] })
    }
}

/// A number that has to lie within a range, checked where it is written.
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

impl Settings {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.pages.is_empty() {
            found.push(Problem::at(["pages"], "there is no page").hint("write a path: [/]"));
        }
        if self.viewports.is_empty() {
            found.push(Problem::at(["viewports"], "there is no viewport"));
        }
        let mut names = BTreeSet::new();
        for (index, page) in self.pages.iter().enumerate() {
            if !names.insert(&page.name) {
                let message = format!("a second page is called `{}`", page.name);
                let hint = "give it a name: { path: ..., name: ... }";
                found.push(Problem::at(["pages", &index.to_string()], message).hint(hint));
            }
        }
        let mut names = BTreeSet::new();
        for (index, viewport) in self.viewports.iter().enumerate() {
            let path = ["viewports", &index.to_string(), "name"];
            if !is_name(&viewport.name) || viewport.name.contains('.') {
                let message = format!("`{}` cannot name a viewport", viewport.name);
                found.push(Problem::at(path, message));
            } else if !names.insert(&viewport.name) {
                let message = format!("a second viewport is called `{}`", viewport.name);
                found.push(Problem::at(path, message));
            }
        }
        found
    }

    /// All but the limit.
    pub(crate) fn measured_by(&self) -> Json {
        let mut all = serde_json::to_value(self).unwrap_or(Json::Null);
        if let Some(fields) = all.as_object_mut() {
            fields.remove("max_changed");
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_by_their_paths() {
        for (path, name) in [
            ("/", "home"),
            ("/pricing", "pricing"),
            ("/a/b/", "a-b"),
            ("/a?x=1&y=%C3%A9", "a-x-1-y-C3-A9"),
            ("/../../etc", "etc"),
        ] {
            assert_eq!(name_of(path), name, "{path}");
            assert!(is_name(name));
        }
    }

    #[test]
    fn masks_are_selectors_or_areas() {
        assert_eq!(
            "1, 2,3,4".parse(),
            Ok(MaskSpec::Area(Area { x: 1, y: 2, width: 3, height: 4 }))
        );
        assert_eq!(".a, .b".parse(), Ok(MaskSpec::Selector(".a, .b".to_owned())));
        assert!(" ".parse::<MaskSpec>().is_err());
    }

    fn read(json: &str) -> Result<Settings, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn ranges_hold_where_they_are_written() {
        let settings = read(r#"{"pages": ["/", {"path": "/p", "hide": [".x"]}]}"#).unwrap();
        assert_eq!(settings.viewports[0].name, "desktop");
        assert_eq!(settings.pages[1].hide, [".x"]);
        for wrong in [
            r#"{"pages": ["pricing"]}"#,
            r#"{"pages": ["//evil.example"]}"#,
            r#"{"pages": ["/"], "threshold": 2}"#,
            r#"{"pages": ["/"], "viewports": [{"name": "x", "width": 0, "height": 10}]}"#,
            r#"{"pages": ["/"], "max_changed": "5"}"#,
            r#"{"pages": [{"path": "/", "name": "../x"}]}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_must_be_unique() {
        let settings = read(
            r#"{"pages": ["/a", "/a/"], "viewports": [
            {"name": "x", "width": 1, "height": 1}, {"name": "x", "width": 2, "height": 2}]}"#,
        );
        let found: Vec<_> = settings.unwrap().problems().iter().map(|p| p.path.join(".")).collect();
        assert_eq!(found, ["with.pages.1", "with.viewports.1.name"]);
    }
}
