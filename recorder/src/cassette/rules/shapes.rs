//! The JSON of `rules.json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::shape::{self, Bodies, RequestShape, ResponseShape};
use crate::message::Request;
use crate::rules::{JsonRule, Matcher, Pattern, Rule, Target, Template};
use crate::{Error, Result};

/// How deep bodies stand in the file: in the list of rules, the rule, its request or response, its
/// body.
const DEPTH: usize = 5;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileShape {
    pub(super) schema: String,
    pub(super) rules: Vec<RuleShape>,
}

/// A name that is not known is refused: without what it says, the rule would answer too much.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleShape {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<MatcherShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scheme: Option<MatcherShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<MatcherShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<TargetShape>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    query: Vec<NamedShape>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<NamedShape>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<NamedShape>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    form: Vec<NamedShape>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    body: Vec<MatcherShape>,
    /// What it answers, as far as that can be written as one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    like: Option<LikeShape>,
    response: ResponseShape,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LikeShape {
    method: String,
    request: RequestShape,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TargetShape {
    /// The path, whatever the query.
    Path(MatcherShape),
    /// The path in parts, such as `/contacts/{id}`.
    Template {
        path: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parts: Vec<NamedShape>,
    },
    /// The path with its query.
    Address(MatcherShape),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedShape {
    name: String,
    is: MatcherShape,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum MatcherShape {
    Equal(String),
    /// In base64: what is no text.
    EqualBytes(String),
    EqualInAnyCase(String),
    Contains(String),
    /// A regular expression that fits all of it.
    Pattern(String),
    Json {
        value: Value,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        any_order: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        may_have_more: bool,
    },
    Place {
        path: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is: Option<Box<MatcherShape>>,
    },
    Present,
    Absent,
    Not(Box<MatcherShape>),
    All(Vec<MatcherShape>),
    Any(Vec<MatcherShape>),
}

impl MatcherShape {
    fn of(matcher: &Matcher) -> MatcherShape {
        let all = |all: &[Matcher]| all.iter().map(MatcherShape::of).collect();
        match matcher {
            Matcher::Equal(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => MatcherShape::Equal(text.to_owned()),
                Err(_) => MatcherShape::EqualBytes(STANDARD.encode(bytes)),
            },
            Matcher::EqualInAnyCase(text) => MatcherShape::EqualInAnyCase(text.clone()),
            Matcher::Contains(text) => MatcherShape::Contains(text.clone()),
            Matcher::Pattern(pattern) => MatcherShape::Pattern(pattern.as_str().to_owned()),
            Matcher::Json(JsonRule { value, any_order, may_have_more }) => MatcherShape::Json {
                value: value.clone(),
                any_order: *any_order,
                may_have_more: *may_have_more,
            },
            Matcher::Place(path, is) => MatcherShape::Place {
                path: path.to_string(),
                is: is.as_deref().map(|is| Box::new(MatcherShape::of(is))),
            },
            Matcher::Present => MatcherShape::Present,
            Matcher::Absent => MatcherShape::Absent,
            Matcher::Not(inner) => MatcherShape::Not(Box::new(MatcherShape::of(inner))),
            Matcher::All(every) => MatcherShape::All(all(every)),
            Matcher::Any(one) => MatcherShape::Any(all(one)),
        }
    }

    fn read(self, room: &mut usize) -> Result<Matcher> {
        Ok(match self {
            MatcherShape::Equal(text) => Matcher::Equal(text.into_bytes()),
            MatcherShape::EqualBytes(coded) => {
                let wrong = |_| Error::new(format!("`{coded}` is no base64"));
                Matcher::Equal(STANDARD.decode(&coded).map_err(wrong)?)
            }
            MatcherShape::EqualInAnyCase(text) => Matcher::EqualInAnyCase(text),
            MatcherShape::Contains(text) => Matcher::Contains(text),
            MatcherShape::Pattern(text) => {
                let pattern = Pattern::whole(&text).map_err(Error::new)?;
                let left = room.checked_sub(pattern.room());
                *room = left.ok_or_else(|| Error::new("there are too many large patterns"))?;
                Matcher::Pattern(pattern)
            }
            MatcherShape::Json { value, any_order, may_have_more } => {
                Matcher::Json(JsonRule { value, any_order, may_have_more })
            }
            MatcherShape::Place { path, is } => {
                let is = is.map(|is| is.read(room).map(Box::new)).transpose()?;
                Matcher::Place(path.parse().map_err(Error::new)?, is)
            }
            MatcherShape::Present => Matcher::Present,
            MatcherShape::Absent => Matcher::Absent,
            MatcherShape::Not(inner) => Matcher::Not(Box::new(inner.read(room)?)),
            MatcherShape::All(every) => Matcher::All(read_all(every, room)?),
            MatcherShape::Any(one) => Matcher::Any(read_all(one, room)?),
        })
    }
}

fn named(pairs: &[(String, Matcher)]) -> Vec<NamedShape> {
    let one = |(name, is): &(String, Matcher)| NamedShape {
        name: name.clone(),
        is: MatcherShape::of(is),
    };
    pairs.iter().map(one).collect()
}

fn read_all(all: Vec<MatcherShape>, room: &mut usize) -> Result<Vec<Matcher>> {
    all.into_iter().map(|one| one.read(room)).collect()
}

fn read_named(pairs: Vec<NamedShape>, room: &mut usize) -> Result<Vec<(String, Matcher)>> {
    pairs.into_iter().map(|NamedShape { name, is }| Ok((name, is.read(room)?))).collect()
}

impl TargetShape {
    fn of(target: &Target) -> Option<TargetShape> {
        Some(match target {
            Target::Any => return None,
            Target::Path(matcher) => TargetShape::Path(MatcherShape::of(matcher)),
            Target::Template(template, parts) => {
                TargetShape::Template { path: template.as_str().to_owned(), parts: named(parts) }
            }
            Target::Address(matcher) => TargetShape::Address(MatcherShape::of(matcher)),
        })
    }

    fn read(self, room: &mut usize) -> Result<Target> {
        Ok(match self {
            TargetShape::Path(matcher) => Target::Path(matcher.read(room)?),
            TargetShape::Template { path, parts } => {
                Target::Template(Template::new(&path), read_named(parts, room)?)
            }
            TargetShape::Address(matcher) => Target::Address(matcher.read(room)?),
        })
    }
}

impl RuleShape {
    pub(super) fn of(rule: &Rule, bodies: &mut impl Bodies) -> Result<RuleShape> {
        let one = |matcher: &Option<Matcher>| matcher.as_ref().map(MatcherShape::of);
        let like = if rule.request == Request::default() {
            None
        } else {
            let request = shape::request(&rule.request, DEPTH + 1, bodies)?;
            Some(LikeShape { method: rule.request.method.clone(), request })
        };
        Ok(RuleShape {
            method: one(&rule.method),
            scheme: one(&rule.scheme),
            host: one(&rule.host),
            target: TargetShape::of(&rule.target),
            query: named(&rule.query),
            headers: named(&rule.headers),
            cookies: named(&rule.cookies),
            form: named(&rule.form),
            body: rule.body.iter().map(MatcherShape::of).collect(),
            like,
            response: shape::response(rule.order, None, &rule.response, DEPTH, bodies)?,
        })
    }

    /// The rule; the patterns in it take of the room that is left.
    pub(super) fn read(self, room: &mut usize) -> Result<Rule> {
        let like = self.like.map(|like| like.request.read(&like.method)).transpose()?;
        let target = self.target.map(|target| target.read(room)).transpose()?;
        let mut one = |shape: Option<MatcherShape>| shape.map(|shape| shape.read(room)).transpose();
        Ok(Rule {
            order: self.response.order,
            request: like.unwrap_or_default(),
            method: one(self.method)?,
            scheme: one(self.scheme)?,
            host: one(self.host)?,
            target: target.unwrap_or_default(),
            query: read_named(self.query, room)?,
            headers: read_named(self.headers, room)?,
            cookies: read_named(self.cookies, room)?,
            form: read_named(self.form, room)?,
            body: read_all(self.body, room)?,
            response: self.response.read()?,
        })
    }
}
