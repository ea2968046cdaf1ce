//! LaunchDarkly's clauses and segments.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Contexts, share};
use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};
use crate::versions::Version;
use crate::{script, times};

const OPERATORS: &str = "in endsWith startsWith matches contains lessThan lessThanOrEqual \
    greaterThan greaterThanOrEqual before after semVerEqual semVerLessThan semVerGreaterThan \
    segmentMatch";

#[derive(Debug)]
pub(super) struct Clause {
    kind: String,
    path: Vec<String>,
    test: Test,
    negate: bool,
}

#[derive(Debug)]
enum Test {
    In(Vec<Value>),
    Text(Vec<String>, fn(&str, &str) -> bool),
    Pattern(Vec<Pattern>),
    Number(Vec<f64>, fn(Ordering) -> bool),
    Date(Vec<f64>, fn(Ordering) -> bool),
    Version(Vec<Version>, fn(Ordering) -> bool),
    /// Places of segments.
    Segments(Vec<usize>),
}

/// A list of contexts, and rules for more.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// Kinds with keys.
    pub included: Vec<(String, Vec<String>)>,
    pub excluded: Vec<(String, Vec<String>)>,
    pub rules: Vec<SegmentRule>,
}

#[derive(Debug)]
pub(super) struct SegmentRule {
    pub clauses: Vec<Clause>,
    /// The share of those who meet the clauses, in hundred-thousandths.
    pub weight: Option<f64>,
    pub kind: String,
    pub by: Vec<String>,
    pub prefix: String,
}

/// Reads an attribute's name, or its path when it begins with a slash.
pub(super) fn path(node: &Node<'_>, has_kind: bool) -> Result<Vec<String>, Error> {
    let text = node.text()?;
    if text.is_empty() || text == "/" {
        return Err(node.fail("is not the name of an attribute"));
    }
    let Some(path) = text.strip_prefix('/').filter(|_| has_kind) else {
        return Ok(vec![text.to_owned()]);
    };
    let part = |part: &str| match part.is_empty() {
        true => Err(node.fail("is not a path to an attribute")),
        false => Ok(part.replace("~1", "/").replace("~0", "~")),
    };
    path.split('/').map(part).collect()
}

fn moment(value: &Value) -> Option<f64> {
    match value {
        // A day alone is no moment here.
        Value::String(text) if !text.contains('T') => None,
        value => times::millis(value),
    }
}

fn version(text: &str) -> Option<Version> {
    Version::read(text, true)
}

/// The place of a segment, when there is such a one.
type FindSegment<'f> = dyn FnMut(&str, &Node<'_>) -> Result<Option<usize>, Error> + 'f;

impl Clause {
    /// Reads one; `segment` gives the place of a segment, when there is such a one.
    pub(super) fn read(node: &Node<'_>, segment: &mut FindSegment<'_>) -> Result<Clause, Error> {
        let values = node.list("values")?;
        let plain = || values.iter().map(Node::value);
        let texts = || plain().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let number = |test| Test::Number(plain().filter_map(Value::as_f64).collect(), test);
        let date = |test| Test::Date(plain().filter_map(moment).collect(), test);
        let versions =
            |test| Test::Version(texts().iter().filter_map(|text| version(text)).collect(), test);
        let operator = node.need("op")?;
        let test = match operator.text()? {
            "in" => Test::In(plain().cloned().collect()),
            "endsWith" => Test::Text(texts(), |text, end| text.ends_with(end)),
            "startsWith" => Test::Text(texts(), |text, start| text.starts_with(start)),
            "contains" => Test::Text(texts(), |text, part| text.contains(part)),
            "matches" => {
                let patterns = values.iter().map(|node| Pattern::of(node, Dialect::Script, false));
                Test::Pattern(patterns.collect::<Result<_, _>>()?)
            }
            "lessThan" => number(Ordering::is_lt),
            "lessThanOrEqual" => number(Ordering::is_le),
            "greaterThan" => number(Ordering::is_gt),
            "greaterThanOrEqual" => number(Ordering::is_ge),
            "before" => date(Ordering::is_lt),
            "after" => date(Ordering::is_gt),
            "semVerEqual" => versions(Ordering::is_eq),
            "semVerLessThan" => versions(Ordering::is_lt),
            "semVerGreaterThan" => versions(Ordering::is_gt),
            "segmentMatch" => {
                let mut places = Vec::new();
                for value in &values {
                    places.extend(segment(value.text()?, value)?);
                }
                Test::Segments(places)
            }
            unknown => {
                return Err(operator
                    .fail(format!("the operator \"{unknown}\" is not known"))
                    .hint(format!("it is one of {OPERATORS}")));
            }
        };
        let kind = node.text_at("contextKind")?;
        let path = match &test {
            Test::Segments(_) => Vec::new(),
            _ => path(&node.need("attribute")?, kind.is_some())?,
        };
        let kind = kind.filter(|kind| !kind.is_empty()).unwrap_or("user").to_owned();
        Ok(Clause { kind, path, test, negate: node.truth_at("negate")? })
    }

    pub(super) fn holds(&self, contexts: &Contexts<'_>, segments: &[Segment]) -> bool {
        if let Test::Segments(places) = &self.test {
            let found = places.iter().any(|at| segments[*at].contains(contexts, segments));
            return found != self.negate;
        }
        if self.path == ["kind"] {
            let kinds = contexts.kinds().into_iter().map(Value::String);
            return kinds.into_iter().any(|kind| self.test.holds(&kind)) != self.negate;
        }
        // Who does not have the attribute does not meet the clause, negated or not.
        let context = contexts.of(&self.kind);
        match context.and_then(|context| context.get(&self.path)).as_deref() {
            None | Some(Value::Null) => false,
            Some(Value::Array(items)) => {
                items.iter().any(|item| self.test.holds(item)) != self.negate
            }
            Some(value) => self.test.holds(value) != self.negate,
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Test::In(values) => values.iter().any(|one| script::same(Some(one), Some(value))),
            Test::Text(values, test) => {
                text.is_some_and(|text| values.iter().any(|one| test(text, one)))
            }
            Test::Pattern(patterns) => {
                text.is_some_and(|text| patterns.iter().any(|pattern| pattern.finds(text)))
            }
            Test::Number(values, test) => value.as_f64().is_some_and(|number| {
                values.iter().any(|one| number.partial_cmp(one).is_some_and(test))
            }),
            Test::Date(values, test) => moment(value).is_some_and(|moment| {
                values.iter().any(|one| moment.partial_cmp(one).is_some_and(test))
            }),
            Test::Version(values, test) => text
                .and_then(version)
                .is_some_and(|version| values.iter().any(|one| test(version.cmp(one)))),
            Test::Segments(_) => false,
        }
    }
}

impl Segment {
    fn contains(&self, contexts: &Contexts<'_>, segments: &[Segment]) -> bool {
        let listed = |list: &[(String, Vec<String>)]| {
            list.iter().any(|(kind, keys)| {
                contexts.of(kind).is_some_and(|context| keys.iter().any(|key| key == context.key))
            })
        };
        if listed(&self.included) {
            return true;
        }
        if listed(&self.excluded) {
            return false;
        }
        self.rules.iter().any(|rule| {
            rule.clauses.iter().all(|clause| clause.holds(contexts, segments))
                && rule.weight.is_none_or(|weight| {
                    share(contexts, &rule.kind, &rule.by, &rule.prefix) < weight / 100_000.0
                })
        })
    }
}
