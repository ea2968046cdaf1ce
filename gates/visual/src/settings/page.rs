//! Pages: one by one, or from a list that somebody else keeps.

use std::borrow::Cow;
use std::fmt;

use gate_core::Problem;
use gate_core::values::Percent;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use visual_diff::Metric;

use super::look::{Look, with_look};
use super::scalars::{Limit, Pattern, Threshold};

/// An entry of the list of pages, with its own settings.
#[derive(Debug, Clone, PartialEq)]
pub struct PageSpec {
    pub(crate) source: Source,
    fields: PageFields,
}

/// Where an entry's pages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A page of the site.
    Path {
        /// Below the environment's address, beginning with `/`.
        path: String,
        /// Names its checks and files.
        name: String,
    },
    /// The pages that a sitemap lists; its path.
    Sitemap(String),
    /// The stories that a Storybook lists; the path of its index.
    Storybook(String),
    /// HTML files beside the spec.
    Files {
        /// A path relative to the spec, or a pattern.
        pattern: String,
        /// Of a single file.
        name: Option<String>,
    },
}

with_look! {
    /// The mapping that a page may be.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct PageFields {
        /// The path of a page, beginning with `/`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// The path of a sitemap: all pages that it lists. Sitemaps of sitemaps and packed ones
        /// are read, too; addresses of the live site are looked up on the site under test.
        /// Pages that were approved, or that the other version lists, are looked at even when
        /// they are listed no longer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sitemap: Option<String>,
        /// The path of the index of a Storybook, such as `/index.json`: all of its stories.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        storybook: Option<String>,
        /// HTML files, relative to the spec: a path such as `mail/welcome.html` or a pattern such
        /// as `mail/*.html`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// What a single page is called. By default its path with dashes, and `home` for `/`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Only these pages of a list: patterns such as `/blog/**` for paths, or `button--*` for
        /// stories.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        include: Vec<Pattern>,
        /// All but these pages of a list.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        exclude: Vec<Pattern>,
        /// Only the first pages of a list, so many, in the order of their paths. A list of more
        /// than 200 pages needs a limit, so that nobody is surprised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<Limit>,
        /// From which colour distance on a pixel counts as changed: 0 (any) to 1 (none).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        threshold: Option<Threshold>,
        /// How the distance of colours is measured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metric: Option<MetricSpec>,
        /// Whether pixels that smooth an edge count, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count_antialiased: Option<bool>,
        /// Which share of a picture may change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_changed: Option<Percent>,
        /// By how many rows of pixels the page may shift.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_shift: Option<u32>,
    }
}

/// How the distance of colours is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Metric")]
pub enum MetricSpec {
    /// In YIQ, with the very counts of pixelmatch.
    #[default]
    Yiq,
    /// In OKLab, which is closer to what people see.
    Oklab,
}

impl MetricSpec {
    /// For the comparison.
    pub(crate) fn metric(self) -> Metric {
        match self {
            MetricSpec::Yiq => Metric::Yiq,
            MetricSpec::Oklab => Metric::Oklab,
        }
    }
}

impl PageSpec {
    fn of(path: &str) -> Result<PageSpec, String> {
        PageSpec::from_fields(PageFields { path: Some(path.to_owned()), ..PageFields::default() })
    }

    fn from_fields(fields: PageFields) -> Result<PageSpec, String> {
        let named = |default: &dyn Fn() -> String| {
            let name = fields.name.clone().unwrap_or_else(default);
            if is_name(&name) {
                return Ok(name);
            }
            Err(format!(
                "`{name}` cannot name a page: use up to 80 letters, digits, `-`, `_` and `.`"
            ))
        };
        let source = match (&fields.path, &fields.sitemap, &fields.storybook, &fields.file) {
            (Some(path), None, None, None) => {
                Source::Path { path: site_path(path)?, name: named(&|| name_of(path))? }
            }
            (None, Some(path), None, None) => Source::Sitemap(site_path(path)?),
            (None, None, Some(path), None) => Source::Storybook(site_path(path)?),
            (None, None, None, Some(pattern)) => {
                let name = fields.name.as_ref().map(|_| named(&String::new)).transpose()?;
                Source::Files { pattern: file_pattern(pattern)?, name }
            }
            (None, None, None, None) => return Err("the field `path` is missing".to_owned()),
            _ => {
                return Err("a page comes from one of `path`, `sitemap`, `storybook` and `file`; \
                    write each as an entry of its own"
                    .to_owned());
            }
        };
        Ok(PageSpec { source, fields })
    }

    /// Whether it stands for as many pages as a list has.
    pub(crate) fn is_list(&self) -> bool {
        match &self.source {
            Source::Path { .. } => false,
            Source::Sitemap(_) | Source::Storybook(_) => true,
            Source::Files { pattern, .. } => is_pattern(pattern),
        }
    }

    /// Its own settings.
    pub(crate) fn look(&self) -> Look {
        self.fields.look()
    }

    /// Which pages of a list are wanted.
    pub(crate) fn wanted(&self) -> (&[Pattern], &[Pattern], Option<u32>) {
        let PageFields { include, exclude, limit, .. } = &self.fields;
        (include, exclude, limit.map(|limit| limit.0))
    }

    pub(crate) fn threshold(&self) -> Option<Threshold> {
        self.fields.threshold
    }

    pub(crate) fn metric(&self) -> Option<MetricSpec> {
        self.fields.metric
    }

    pub(crate) fn count_antialiased(&self) -> Option<bool> {
        self.fields.count_antialiased
    }

    pub(crate) fn max_changed(&self) -> Option<Percent> {
        self.fields.max_changed
    }

    pub(crate) fn max_shift(&self) -> Option<u32> {
        self.fields.max_shift
    }

    /// What is wrong in itself, below `pages` and this index.
    pub(crate) fn problems(&self, index: usize) -> Vec<Problem> {
        let at = |field: &str, message: &str| {
            Problem::at(["pages", &index.to_string(), field], message.to_owned())
        };
        let fields = &self.fields;
        let mut found = Vec::new();
        if self.is_list() && fields.name.is_some() {
            found.push(
                at("name", "the pages of a list are named by their paths")
                    .hint("to name one of them, write it as an entry of its own"),
            );
        }
        if !self.is_list() {
            let given = [
                ("include", !fields.include.is_empty()),
                ("exclude", !fields.exclude.is_empty()),
                ("limit", fields.limit.is_some()),
            ];
            for (field, _) in given.into_iter().filter(|(_, given)| *given) {
                found.push(at(field, "a single page has nothing to choose from"));
            }
        }
        if matches!(self.source, Source::Files { .. }) {
            let given = [
                ("basic_auth", fields.basic_auth.is_some()),
                ("cookies", !fields.cookies.is_empty()),
                ("headers", !fields.headers.is_empty()),
                ("storage", !fields.storage.is_empty()),
                ("session_storage", !fields.session_storage.is_empty()),
            ];
            for (field, _) in given.into_iter().filter(|(_, given)| *given) {
                found.push(at(field, "a local file is not asked for over the network"));
            }
        }
        found
    }
}

fn site_path(path: &str) -> Result<String, String> {
    if path.starts_with('/') && !path.starts_with("//") {
        return Ok(path.to_owned());
    }
    Err(format!("the path `{path}` has to begin with one `/`"))
}

fn file_pattern(pattern: &str) -> Result<String, String> {
    if pattern.trim().is_empty() || pattern.starts_with('/') {
        return Err(format!("`{pattern}` is no path relative to the spec"));
    }
    let _: Pattern = pattern.parse()?;
    Ok(pattern.to_owned())
}

pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// `/pricing/plans?x=1` becomes `pricing-plans-x-1`.
pub(crate) fn name_of(path: &str) -> String {
    let words: Vec<&str> = path
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .filter(|word| !word.is_empty() && *word != "." && *word != "..")
        .collect();
    if words.is_empty() { "home".to_owned() } else { words.join("-") }
}

/// Names become file names.
pub(crate) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=80).contains(&name.len()) && name.chars().all(good) && !name.starts_with('.')
}

const PAGE: &str =
    "a path such as `/pricing`, or a mapping with `path`, `sitemap`, `storybook` or `file`";

impl<'de> Deserialize<'de> for PageSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PageSpec, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = PageSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(PAGE)
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<PageSpec, E> {
                PageSpec::of(path).map_err(E::custom)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<PageSpec, A::Error> {
                let fields = PageFields::deserialize(MapAccessDeserializer::new(map))?;
                PageSpec::from_fields(fields).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for PageSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(serializer)
    }
}

impl JsonSchema for PageSpec {
    fn schema_name() -> Cow<'static, str> {
        "Page".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut fields = PageFields::json_schema(generator);
        let one = ["path", "sitemap", "storybook", "file"]
            .map(|field| serde_json::json!({ "required": [field] }));
        fields.insert("oneOf".into(), one.to_vec().into());
        json_schema!({
            "description": PAGE,
            "anyOf": [{ "type": "string", "pattern": "^(/|\\$\\{)" }, fields]
        })
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
}
