//! Unleash's constraints.

use std::cmp::Ordering;

use super::context;
use crate::addresses::Network;
use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};
use crate::versions::Version;
use crate::{Subject, Why, script, times};

const OPERATORS: &str = "IN NOT_IN STR_ENDS_WITH STR_STARTS_WITH STR_CONTAINS NUM_EQ NUM_GT NUM_GTE \
    NUM_LT NUM_LTE DATE_AFTER DATE_BEFORE SEMVER_EQ SEMVER_GT SEMVER_GTE SEMVER_LT SEMVER_LTE REGEX \
    IN_CIDR";

#[derive(Debug)]
pub(super) struct Constraint {
    field: String,
    test: Test,
    inverted: bool,
}

#[derive(Debug)]
enum Test {
    In(Vec<String>, bool),
    Text { values: Vec<String>, any_case: bool, test: fn(&str, &str) -> bool },
    Number(f64, fn(Ordering) -> bool),
    Date(f64, fn(Ordering) -> bool),
    Version(Version, fn(Ordering) -> bool),
    Pattern(Pattern),
    Network(Vec<String>),
}

impl Constraint {
    pub(super) fn read(node: &Node<'_>) -> Result<Constraint, Error> {
        let values: Vec<String> = node
            .texts_at("values")?
            .iter()
            .filter(|value| !value.is_empty())
            .map(|value| value.trim().to_owned())
            .collect();
        let any_case = node.truth_at("caseInsensitive")?;
        let text = |test| Test::Text { values: values.clone(), any_case, test };
        let value = || node.need("value");
        let number = |test| -> Result<Test, Error> {
            let node = value()?;
            let number = script::number(Some(node.value()));
            if number.is_nan() {
                return Err(node.fail(format!("{} is not a number", node.value())));
            }
            Ok(Test::Number(number, test))
        };
        let date = |test| -> Result<Test, Error> {
            let node = value()?;
            let moment = times::millis(node.value());
            let moment = moment.ok_or_else(|| node.fail(format!("{} is no date", node.value())))?;
            Ok(Test::Date(moment, test))
        };
        let version = |test| -> Result<Test, Error> {
            let node = value()?;
            let text = node.text()?.trim();
            let version = Version::read(text.strip_prefix('v').unwrap_or(text), false);
            let version = version.ok_or_else(|| node.fail(format!("\"{text}\" is no version")))?;
            Ok(Test::Version(version, test))
        };
        let operator = node.need("operator")?;
        let test = match operator.text()? {
            "IN" => Test::In(values, true),
            "NOT_IN" => Test::In(values, false),
            "STR_STARTS_WITH" => text(|text, start| text.starts_with(start)),
            "STR_ENDS_WITH" => text(|text, end| text.ends_with(end)),
            "STR_CONTAINS" => text(|text, part| text.contains(part)),
            "NUM_EQ" => number(Ordering::is_eq)?,
            "NUM_GT" => number(Ordering::is_gt)?,
            "NUM_GTE" => number(Ordering::is_ge)?,
            "NUM_LT" => number(Ordering::is_lt)?,
            "NUM_LTE" => number(Ordering::is_le)?,
            "DATE_AFTER" => date(Ordering::is_gt)?,
            "DATE_BEFORE" => date(Ordering::is_lt)?,
            "SEMVER_EQ" => version(Ordering::is_eq)?,
            "SEMVER_GT" => version(Ordering::is_gt)?,
            "SEMVER_GTE" => version(Ordering::is_ge)?,
            "SEMVER_LT" => version(Ordering::is_lt)?,
            "SEMVER_LTE" => version(Ordering::is_le)?,
            "REGEX" => Test::Pattern(Pattern::of(&value()?, Dialect::Re2, any_case)?),
            "IN_CIDR" => Test::Network(values),
            unknown => {
                return Err(operator
                    .fail(format!("the operator \"{unknown}\" is not known"))
                    .hint(format!("it is one of {OPERATORS}")));
            }
        };
        let field = node.need("contextName")?.text()?.to_owned();
        Ok(Constraint { field, test, inverted: node.truth_at("inverted")? })
    }

    pub(super) fn holds(&self, subject: &Subject<'_>) -> Result<bool, Why> {
        Ok(self.test(subject)? != self.inverted)
    }

    fn test(&self, subject: &Subject<'_>) -> Result<bool, Why> {
        let given = context(subject, &self.field);
        if let Test::In(values, expect) = &self.test {
            let is_in = given.is_some_and(|given| values.iter().any(|value| *value == given));
            return Ok(is_in == *expect);
        }
        if let Test::Date(date, test) = &self.test {
            let now = subject.attributes.and_then(|all| all.get("currentTime"));
            let now = now.and_then(times::millis);
            let now = now.ok_or(Why::Unpredictable("a constraint asks for the time"))?;
            return Ok(now.partial_cmp(date).is_some_and(test));
        }
        let Some(given) = given else { return Ok(false) };
        Ok(match &self.test {
            Test::Text { values, any_case: false, test } => {
                values.iter().any(|value| test(&given, value))
            }
            Test::Text { values, any_case: true, test } => {
                let given = given.to_lowercase();
                values.iter().any(|value| test(&given, &value.to_lowercase()))
            }
            Test::Number(number, test) => {
                script::number_of_text(&given).partial_cmp(number).is_some_and(test)
            }
            Test::Version(version, test) => {
                Version::read(given.trim(), false).is_some_and(|given| test(given.cmp(version)))
            }
            Test::Pattern(pattern) => pattern.finds(&given),
            Test::Network(ranges) => Network::read(&given).is_some_and(|given| {
                let ranges = ranges.iter().filter_map(|range| Network::read(range));
                ranges
                    .filter(|range| range.is_v4() == given.is_v4())
                    .any(|range| range.same_address(&given) || range.contains(&given))
            }),
            Test::In(..) | Test::Date(..) => false,
        })
    }
}
