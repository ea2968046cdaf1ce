use std::fmt;
use std::str::FromStr;

use gate_core::Json;

use crate::answer::Answer;
use crate::as_text;
use crate::filter::{self, Filter};
use crate::predicate::Predicate;
use crate::query::Query;
use crate::variables::Variables;
use crate::words::Words;

/// A part of an answer: a query, and filters on what it gives.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    query: Query,
    filters: Vec<Filter>,
}

/// Something that has to hold of an answer.
#[derive(Debug, Clone)]
pub struct Assert {
    text: String,
    what: Expression,
    not: bool,
    predicate: Predicate,
}

impl Expression {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is of an answer; none when there is no such thing. The error says what could not be
    /// done with what is there.
    pub fn of(&self, answer: &Answer, variables: &Variables) -> Result<Option<Json>, String> {
        let mut value = self.query.of(answer, variables)?;
        let mut filters = self.filters.iter();
        if let (Query::Bytes, [Filter::Count, ..]) = (&self.query, &self.filters[..]) {
            value = Some(answer.body.len().into());
            filters.next();
        }
        for filter in filters {
            let Some(one) = value else { return Ok(None) };
            value = filter.of(one, variables)?;
        }
        Ok(value)
    }

    /// The variables that it names.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        named(&self.text).chain(self.query.variable())
    }

    fn read(words: &mut Words<'_>) -> Result<Expression, String> {
        let start = words.at();
        let query = Query::read(words)?;
        let mut filters = Vec::new();
        let mut end = words.behind();
        while let Some(filter) = Filter::read(words)? {
            filters.push(filter);
            end = words.behind();
        }
        Ok(Expression { text: words.text()[start..end].to_owned(), query, filters })
    }
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Expression, String> {
        let mut words = Words::of(text.trim());
        let expression = Expression::read(&mut words)?;
        match words.next()? {
            None => Ok(expression),
            Some(word) => Err(format!("`{word}` is no filter; there are: {}", filter::NAMES)),
        }
    }
}

impl Assert {
    /// What is looked at.
    pub fn what(&self) -> &Expression {
        &self.what
    }

    /// What of it shaped what was measured: what is looked at, and what it is held against where
    /// that has variables in it.
    pub fn measured_by(&self) -> &str {
        if self.predicate.is_open() { &self.text } else { self.what.text() }
    }

    /// The variables that it names.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        named(&self.text).chain(self.what.query.variable())
    }

    /// Whether it is about how long the answer took.
    pub fn is_of_duration(&self) -> bool {
        matches!(self.what.query, Query::Duration)
    }

    /// Whether it is about the status.
    pub fn is_of_status(&self) -> bool {
        matches!(self.what.query, Query::Status)
    }

    /// What it is held against, with its variables filled in; none where there are none.
    pub fn wanted(&self, variables: &Variables) -> Result<Option<Json>, String> {
        self.predicate.wanted(variables)
    }

    /// Why it does not hold of a value; none when it does. `wanted` stands for what was written
    /// with variables.
    pub fn broken(&self, value: Option<&Json>, wanted: Option<&Json>) -> Option<String> {
        // What a path with a wildcard leads to is there when it leads to anything.
        let is_empty = |value: &&Json| value.as_array().is_some_and(Vec::is_empty);
        let value = match self.predicate {
            Predicate::Exists if self.what.filters.is_empty() => {
                value.filter(|value| !(self.what.query.leads_to_many() && is_empty(value)))
            }
            _ => value,
        };
        let holds = self.predicate.holds(value, wanted);
        match (holds, self.not) {
            (Ok(true), false) | (Ok(false), true) => None,
            (Ok(_), _) => Some(match value {
                Some(value) => format!("it is {}", shown(value)),
                None => "there is none".to_owned(),
            }),
            // What cannot be compared is not the opposite, either.
            (Err(why), _) => Some(why),
        }
    }
}

/// The names in `{{name}}`, wherever they stand.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let within = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    within.map(|(name, _)| name.trim())
}

/// A value in a sentence, shortened.
pub fn shown(value: &Json) -> String {
    const LONGEST: usize = 120;
    let text = match value {
        Json::String(text) => format!("`{text}`"),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let short: String = text.chars().take(LONGEST).collect();
    format!("{short}…")
}

impl FromStr for Assert {
    type Err = String;

    fn from_str(text: &str) -> Result<Assert, String> {
        let text = text.trim();
        let mut words = Words::of(text);
        let what = Expression::read(&mut words)?;
        let not = words.take("not")?;
        let predicate = Predicate::read(&mut words)?;
        match words.next()? {
            None => Ok(Assert { text: text.to_owned(), what, not, predicate }),
            Some(word) => Err(format!("`{word}` stands behind the end of the assert")),
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl PartialEq for Assert {
    fn eq(&self, other: &Assert) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Assert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

as_text!(Expression, ["jsonpath \"$.id\"", "header \"location\""]);
as_text!(
    Assert,
    [
        "jsonpath \"$.items\" count > 2",
        "header \"content-type\" contains \"json\"",
        "duration < 500"
    ]
);
