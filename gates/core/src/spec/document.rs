use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::diagnosis::Diagnosis;
use super::documents;
use super::yaml::{self, Node, Position, Spot};
use super::{ReadError, Reading};
use crate::values::{DurationValue, Vars};
use crate::{Digest, Problem};

/// A spec larger than this is refused, in bytes.
pub const LARGEST_FILE: usize = 1 << 20;

/// What every spec begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The kind of the gate. `gate kinds` lists them.
    pub gate: String,
    /// Unique; it names files, reports and filters.
    #[serde(deserialize_with = "gate_name")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub name: String,
    /// Words to select gates by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether the gate can block. One that cannot is reported as a warning.
    #[serde(default = "yes")]
    pub required: bool,
    /// How long one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationValue>,
    /// How many more attempts a fail or an inconclusive one gets.
    #[serde(default, deserialize_with = "retries")]
    #[schemars(range(max = 10))]
    pub retries: u32,
    /// The kind's own settings.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    with: Skipped,
}

/// Stands for `with` among the header's fields, and is read by the kind.
#[derive(Debug, Clone, Default, PartialEq)]
struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Skipped, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Skipped)
    }
}

fn yes() -> bool {
    true
}

fn gate_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let mut chars = name.chars();
    let good = chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && chars.all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && name.len() <= 64;
    if good {
        Ok(name)
    } else {
        Err(serde::de::Error::custom(format!(
            "`{name}` cannot be a name: use up to 64 letters, digits, `-`, `_` and `.`"
        )))
    }
}

fn retries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let retries = u32::deserialize(deserializer)?;
    if retries > 10 {
        return Err(serde::de::Error::custom(format!("{retries} retries are more than 10")));
    }
    Ok(retries)
}

/// The schema of the header, as a JSON value.
pub fn header_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    Header::json_schema(generator)
}

/// A file with specs.
#[derive(Debug, Clone)]
pub struct SpecFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Relative to the workspace, with `/` between its parts.
    pub shown: String,
    /// Its text.
    pub text: Arc<str>,
}

impl SpecFile {
    /// From the bytes of a file; refuses what cannot be a spec.
    pub fn new(path: PathBuf, shown: String, bytes: &[u8]) -> Result<SpecFile, Diagnosis> {
        if bytes.len() > LARGEST_FILE {
            return Err(Diagnosis::of_file(shown, "the file is larger than 1 MiB")
                .hint("a spec is a page of text; is this the right file?"));
        }
        let binary = |what: &str| {
            Diagnosis::of_file(shown.clone(), format!("the file is not text ({what})"))
                .hint("a spec is YAML; is this the right file?")
        };
        if bytes.contains(&0) {
            return Err(binary("it holds a zero byte"));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| binary(&format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(SpecFile { path, shown, text: Arc::from(text) })
    }

    /// The documents of the file, each with its header or with its first mistake.
    pub fn documents(&self, vars: &dyn Vars) -> Vec<Result<SpecDocument, Diagnosis>> {
        let found = documents::split(&self.text);
        if found.is_empty() {
            return vec![Err(Diagnosis::of_file(&self.shown, "the file holds no spec")
                .hint("write `gate: KIND`, `name: NAME` and the kind's settings under `with:`"))];
        }
        found
            .iter()
            .map(|document| {
                SpecDocument::read(self.clone(), document.text, document.first_line, vars)
            })
            .collect()
    }
}

/// One document: the header read, the kind's settings still a tree.
#[derive(Debug, Clone)]
pub struct SpecDocument {
    /// The file it stands in.
    pub file: SpecFile,
    /// The document's own text.
    pub text: Arc<str>,
    /// The line of the file on which it begins, counted from 1.
    pub first_line: usize,
    /// The header.
    pub header: Header,
    /// The tree below `with`.
    pub with: Node,
    /// The variables that the header used, with their values.
    pub variables: std::collections::BTreeMap<String, String>,
}

impl SpecDocument {
    /// Reads a document.
    pub fn read(
        file: SpecFile,
        text: &str,
        first_line: usize,
        vars: &dyn Vars,
    ) -> Result<SpecDocument, Diagnosis> {
        let place = Place { file: &file, text, first_line };
        let tree = yaml::parse(text).map_err(|error| place.syntax(&error))?;
        if !matches!(tree, Node::Map(_)) || tree.get("gate").is_none() {
            return Err(place.at(
                Position::START,
                "this document has no `gate:`".to_owned(),
                Some("a spec begins with `gate: KIND` (`gate kinds`); what is no spec lies elsewhere".to_owned()),
            ));
        }
        let reading = Reading::expanding(vars);
        let header = reading.read(&tree).map_err(|error| place.read(&error))?;
        let variables = reading.used();
        let with = tree.get("with").cloned().unwrap_or(Node::Null);
        Ok(SpecDocument { text: Arc::from(text), first_line, header, with, variables, file })
    }

    /// The digest of the document's text.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }

    /// The folder that paths in the spec are relative to.
    pub fn folder(&self) -> &Path {
        self.file.path.parent().unwrap_or(Path::new("."))
    }

    /// Gives a mistake in the settings its place.
    pub fn diagnose(&self, error: &ReadError) -> Diagnosis {
        self.place().read(error)
    }

    /// Gives a problem that the kind found its place.
    pub fn locate(&self, problem: &Problem) -> Diagnosis {
        let place = self.place();
        let at = yaml::position(&self.text, &problem.path, Spot::Value);
        place.at(at, problem.message.clone(), problem.hint.clone())
    }

    fn place(&self) -> Place<'_> {
        Place { file: &self.file, text: &self.text, first_line: self.first_line }
    }
}

/// A document within its file, to turn positions of the one into those of the other.
pub(super) struct Place<'a> {
    pub(super) file: &'a SpecFile,
    pub(super) text: &'a str,
    pub(super) first_line: usize,
}

impl Place<'_> {
    pub(super) fn at(&self, at: Position, message: String, hint: Option<String>) -> Diagnosis {
        Diagnosis {
            file: self.file.shown.clone(),
            at: Some(Position { line: at.line + self.first_line - 1, column: at.column }),
            source: self.file.text.clone(),
            message,
            hint,
        }
    }

    pub(super) fn read(&self, error: &ReadError) -> Diagnosis {
        let at = yaml::position(self.text, &error.path, error.spot);
        self.at(at, error.message.clone(), error.hint.clone())
    }

    pub(super) fn syntax(&self, error: &yaml::SyntaxError) -> Diagnosis {
        // In flow style an unquoted `${` opens a mapping, and libyaml stumbles over it there or
        // on the line after.
        let near = self.text.lines().skip(error.at.line.saturating_sub(2)).take(2);
        let unquoted = near.into_iter().any(|line| {
            line.contains(['{', '['])
                && line.match_indices("${").any(|(at, _)| !inside_quotes(&line[..at]))
        });
        let hint = unquoted.then(|| "inside `{ }` or `[ ]`, quote it: \"${NAME}\"".to_owned());
        self.at(error.at, error.message.clone(), hint)
    }
}

fn inside_quotes(before: &str) -> bool {
    let (mut single, mut double) = (false, false);
    for c in before.chars() {
        match c {
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            _ => {}
        }
    }
    single || double
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str) -> Vec<Result<SpecDocument, Diagnosis>> {
        let file =
            SpecFile::new("specs/shop.yaml".into(), "specs/shop.yaml".into(), text.as_bytes());
        file.unwrap().documents(&|_: &str| None)
    }

    fn check(text: &str, expect: &str, hint: Option<&str>) {
        let found: Vec<_> = documents(text).into_iter().filter_map(Result::err).collect();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].to_string().as_str(), found[0].hint.as_deref()), (expect, hint));
    }

    #[test]
    fn several_documents_of_one_file() {
        let found = documents("gate: a\nname: one\n---\ngate: b\nname: two\nwith: {x: 1}\n");
        let names: Vec<_> =
            found.iter().map(|d| d.as_ref().map(|d| d.header.name.as_str()).unwrap()).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(found[1].as_ref().unwrap().first_line, 4);
    }

    #[test]
    fn mistakes_in_headers() {
        check(
            "gate: a\nname: one\n---\ngate: b\nnmae: two\n",
            "specs/shop.yaml:5:1: unknown field `nmae`",
            Some("did you mean `name`?"),
        );
        check(
            "gate: a\nname: a b\n",
            "specs/shop.yaml:2:7: `a b` cannot be a name: use up to 64 letters, digits, `-`, `_` and `.`",
            None,
        );
        check("gate: a\n", "specs/shop.yaml:1:1: the field `name` is missing", None);
        check(
            "gate: a\nname: b\nretries: 11\n",
            "specs/shop.yaml:3:10: 11 retries are more than 10",
            None,
        );
        check(
            "gate: a\nname: b\ntimeout: 5\n",
            "specs/shop.yaml:3:10: expected a duration such as `250ms`, `30s` or `2m`, found the number `5`",
            None,
        );
        check(
            "name: b\n",
            "specs/shop.yaml:1:1: this document has no `gate:`",
            Some("a spec begins with `gate: KIND` (`gate kinds`); what is no spec lies elsewhere"),
        );
        check(
            "- a\n",
            "specs/shop.yaml:1:1: this document has no `gate:`",
            Some("a spec begins with `gate: KIND` (`gate kinds`); what is no spec lies elsewhere"),
        );
        check(
            "# nothing\n",
            "specs/shop.yaml: the file holds no spec",
            Some("write `gate: KIND`, `name: NAME` and the kind's settings under `with:`"),
        );
    }

    #[test]
    fn an_unquoted_placeholder_in_flow_style_gets_a_hint() {
        let found = documents("gate: a\nname: b\nwith: { url: ${URL} }\n");
        let hint = found[0].as_ref().unwrap_err().hint.clone();
        assert_eq!(hint.as_deref(), Some("inside `{ }` or `[ ]`, quote it: \"${NAME}\""));
    }

    #[test]
    fn what_cannot_be_a_spec() {
        let refused = |bytes: &[u8]| {
            SpecFile::new("x".into(), "x.yaml".into(), bytes).unwrap_err().to_string()
        };
        assert_eq!(refused(&vec![b' '; LARGEST_FILE + 1]), "x.yaml: the file is larger than 1 MiB");
        assert_eq!(refused(b"gate\0"), "x.yaml: the file is not text (it holds a zero byte)");
        assert_eq!(refused(b"gate: \xff"), "x.yaml: the file is not text (not UTF-8 at byte 6)");
    }
}
