//! OpenAPI documents (3.0 and 3.1): which operation a request is of, and whether an answer is what
//! the document says.

mod answer;
mod breach;
mod bundle;
mod endless;
mod files;
mod paths;
mod schema;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::canonical::Address;
use crate::cassette::Cassette;
use crate::{Error, Result};
pub(crate) use breach::{Breach, Weight};
use files::{Files, Place};
use paths::Template;
use schema::Schemas;

/// Methods that a path may have.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// How many operations a document may have.
const MOST: usize = 20_000;

/// Which rules a document is written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V30,
    V31,
}

/// A document that describes a service.
pub struct Document {
    files: Files,
    version: Version,
    written: String,
    operations: Vec<Operation>,
    /// Paths that could not be read, and why.
    broken: Vec<(Template, Vec<String>, String)>,
    schemas: Schemas,
}

/// One method of one path.
#[derive(Debug)]
pub(crate) struct Operation {
    method: String,
    path: String,
    template: Template,
    /// What the path is below of, the longest first.
    bases: Vec<String>,
    place: Place,
    id: Option<String>,
    pub(crate) is_deprecated: bool,
}

impl Operation {
    /// What it is called: its id, else its method and path.
    pub(crate) fn name(&self) -> String {
        self.id.clone().unwrap_or_else(|| self.line())
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Why a request has no operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Nowhere {
    /// The document does not have it; in words.
    Undocumented(String),
    /// The document could not be read there.
    Unknown(String),
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("version", &self.written).finish_non_exhaustive()
    }
}

/// What of a document a recording covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How many operations the document has.
    pub operations: usize,
    /// Those that nothing was recorded of, as `GET /path`.
    pub uncovered: Vec<String>,
}

impl Document {
    /// Reads a document, JSON or YAML.
    pub fn open(path: &Path) -> Result<Document> {
        let files = Files::open(path)?;
        let top = files.json(0);
        let (version, written) = version(&top).map_err(|(why, hint)| {
            Error::new(format!("{} cannot be used: {why}", path.display())).hint(hint)
        })?;
        let mut document = Document {
            files,
            version,
            written,
            operations: Vec::new(),
            broken: Vec::new(),
            schemas: Schemas::default(),
        };
        let root = paths::bases(top.get("servers")).unwrap_or_else(|| vec![String::new()]);
        for (path, item) in top["paths"].as_object().into_iter().flatten() {
            if path.starts_with('/') {
                document.item(path, item, &root);
            }
        }
        if document.operations.len() > MOST {
            return Err(Error::new(format!("{} has more than {MOST} operations", path.display()))
                .hint("give the part of it that the recording is of"));
        }
        if document.operations.is_empty() && document.broken.is_empty() {
            return Err(Error::new(format!("{} describes no operation", path.display()))
                .hint("a document has `paths`, and these have methods"));
        }
        Ok(document)
    }

    /// `3.0.3` or the like, as the document says it.
    pub fn version(&self) -> &str {
        &self.written
    }

    /// A hash over the files that were read.
    pub fn digest(&self) -> String {
        self.files.digest()
    }

    fn item(&mut self, path: &str, item: &Value, root: &[String]) {
        let place = Place::top(0).member("paths").member(path);
        let template = Template::of(path);
        let place = match self.files.follow(place) {
            Ok(place) => place,
            Err(why) => return self.broken.push((template, root.to_vec(), why)),
        };
        let json = self.files.json(place.file);
        let there = json.pointer(&place.pointer).unwrap_or(item);
        let bases = paths::bases(there.get("servers")).unwrap_or_else(|| root.to_vec());
        for method in METHODS {
            let Some(operation) = there.get(method).filter(|one| one.is_object()) else { continue };
            self.operations.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.to_owned(),
                template: template.clone(),
                bases: paths::bases(operation.get("servers")).unwrap_or_else(|| bases.clone()),
                place: place.member(method),
                id: operation["operationId"].as_str().map(str::to_owned),
                is_deprecated: operation["deprecated"] == true,
            });
        }
    }

    /// The operation that a request is of.
    pub(crate) fn operation(&self, method: &str, url: &str) -> Result<&Operation, Nowhere> {
        match self.index(method, url) {
            Some(at) => Ok(&self.operations[at]),
            None => Err(self.nowhere(url)),
        }
    }

    fn index(&self, method: &str, url: &str) -> Option<usize> {
        let path = Address::of(url).path;
        let of = |method: &str| {
            let all = self.operations.iter().enumerate();
            let all = all.filter(|(_, one)| one.method == method);
            let all = all.filter_map(|(at, one)| {
                let base = base_of(&one.template, &one.bases, path)?;
                Some((one.template.rank(), std::cmp::Reverse(base), at))
            });
            all.min().map(|(_, _, at)| at)
        };
        // HEAD is what GET is, without a body.
        of(method).or_else(|| of("GET").filter(|_| method == "HEAD"))
    }

    fn nowhere(&self, url: &str) -> Nowhere {
        let path = Address::of(url).path;
        let broken = self
            .broken
            .iter()
            .find(|(template, bases, _)| base_of(template, bases, path).is_some());
        if let Some((_, _, why)) = broken {
            return Nowhere::Unknown(why.clone());
        }
        let is_other = |one: &&Operation| base_of(&one.template, &one.bases, path).is_some();
        let others: Vec<&str> =
            self.operations.iter().filter(is_other).map(|one| one.method.as_str()).collect();
        if !others.is_empty() {
            return Nowhere::Undocumented(format!("it has {path} with {} only", others.join(", ")));
        }
        Nowhere::Undocumented(format!("no path is like {path}"))
    }

    /// Which operations a recording has interactions of.
    pub fn coverage(&self, cassette: &Cassette) -> Result<Coverage> {
        let recorded = cassette.read()?;
        let requests: BTreeSet<(&str, &str)> = recorded
            .iter()
            .map(|one| &one.interaction.request)
            .map(|request| (request.method.as_str(), Address::of(&request.url).path))
            .collect();
        let at = |(method, path): &(&str, &str)| {
            self.index(method, path).filter(|at| self.operations[*at].method == *method)
        };
        let covered: BTreeSet<usize> = requests.iter().filter_map(at).collect();
        let all = self.operations.iter().enumerate();
        let uncovered = all.filter(|(at, _)| !covered.contains(at)).map(|(_, one)| one.line());
        Ok(Coverage { operations: self.operations.len(), uncovered: uncovered.collect() })
    }
}

/// The length of the base below which a path is of a template.
fn base_of(template: &Template, bases: &[String], path: &str) -> Option<usize> {
    let is_of = |base: &&String| {
        paths::below(path, base).is_some_and(|rest| {
            template.is_as_long_as(rest) && template.is_of(&paths::segments(rest))
        })
    };
    bases.iter().find(is_of).map(String::len)
}

/// The version of a document; else what is wrong, and what to do about it.
fn version(top: &Value) -> Result<(Version, String), (String, &'static str)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(old) = text(&top["swagger"]) {
        let hint = "convert it: `npx swagger2openapi FILE -o openapi.yaml`, or with Convert to \
                    OpenAPI 3 at editor.swagger.io";
        return Err((format!("it is Swagger {old}, and OpenAPI 3.0 or 3.1 is wanted"), hint));
    }
    let Some(written) = text(&top["openapi"]) else {
        let why = "it does not say `openapi: 3.0.x` or `openapi: 3.1.x`".to_owned();
        return Err((why, "is it an OpenAPI document?"));
    };
    let is_of = |version: &str| {
        written.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let version = if is_of("3.0") {
        Version::V30
    } else if is_of("3.1") {
        Version::V31
    } else {
        let why = format!("it is OpenAPI {written}, and 3.0 or 3.1 is wanted");
        return Err((why, "save it as one of these"));
    };
    if let Some(dialect) = top["jsonSchemaDialect"].as_str()
        && !bundle::DIALECTS.contains(&dialect.trim_end_matches('#'))
    {
        let why = format!("its schemas are written in `{dialect}`");
        return Err((why, "leave `jsonSchemaDialect` out, and write JSON Schema 2020-12"));
    }
    Ok((version, written))
}

#[cfg(test)]
mod tests;
