//! Firebase Remote Config: SHA-256 of seed and id, modulo 10^8, as a millionth of a per cent.
//!
//! Read is the server template (`conditions`, `parameters`). A key is a parameter's: its arms are
//! the names of the conditions that give it a value, or `default`; or it is a condition's, with the
//! arms `true` and `false`. Percent conditions are known with what combines them, and no signals.
//! The id is the randomization id. Source: firebase-admin 13.10.0.

use serde_json::Value;

use crate::config::{Error, Node};
use crate::hashes::{modulo, sha256};
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such};

/// Firebase Remote Config.
pub const PROVIDER: Provider = Provider {
    name: "firebase",
    about: "Firebase Remote Config: the server template",
    settings: &[],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, _| Ok(Box::new(prepare(config, key)?)),
    hash: hashed,
};

const INPUTS: &[Input] =
    &[input("id", "the randomization id"), input("seed", "the condition's seed"), WEIGHTS];

/// A hundred per cent.
const WHOLE: u64 = 100_000_000;

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let bucket = bucket(given.text("seed").unwrap_or_default(), given.need("id")?);
    // A range leaves its lower end out and has its upper one.
    let arm = given.weights()?.and_then(|all| below(&all, WHOLE as f64, bucket as f64 - 0.5));
    Ok(Hashed { bucket: Bucket::Whole(bucket), arm })
}

#[inline]
fn bucket(seed: &str, id: &str) -> u64 {
    let separator = if seed.is_empty() { "" } else { "." };
    modulo(&sha256(&[seed, separator, id]), WHOLE)
}

#[derive(Debug)]
enum Condition {
    Always(bool),
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Percent { seed: String, range: Range },
}

#[derive(Debug)]
enum Range {
    UpTo(u64),
    Above(u64),
    Between(u64, u64),
}

#[derive(Debug)]
struct Prepared {
    /// In the template's order: the arm's name, the condition, and the value.
    cases: Vec<(String, Condition, Option<Value>)>,
    default: String,
    value: Option<Value>,
    arms: Vec<Arm>,
}

fn prepare(config: &Node<'_>, key: &str) -> Result<Prepared, Error> {
    let conditions = config.list("conditions")?;
    let parameter = config.get("parameters").and_then(|parameters| parameters.get(key));
    let is_it = |node: &&Node<'_>| node.value()["name"].as_str() == Some(key);
    let mut cases = Vec::new();
    let (default, value) = if let Some(parameter) = parameter {
        for node in &conditions {
            let name = node.need("name")?.text()?;
            let given = parameter.get("conditionalValues").and_then(|values| values.get(name));
            if let Some(given) = given {
                let value = given.get("value").map(|value| value.value().clone());
                cases.push((name.to_owned(), condition(&node.need("condition")?)?, value));
            }
        }
        let value = parameter.get("defaultValue").and_then(|given| given.get("value"));
        ("default".to_owned(), value.map(|value| value.value().clone()))
    } else if let Some(node) = conditions.iter().find(is_it) {
        cases.push(("true".to_owned(), condition(&node.need("condition")?)?, None));
        ("false".to_owned(), None)
    } else {
        let parameters = config.get("parameters");
        let keys = parameters.map(|all| all.object()).transpose()?.into_iter().flatten();
        let names = conditions.iter().filter_map(|node| node.value()["name"].as_str());
        let known: Vec<&str> = keys.map(|(key, _)| key.as_str()).chain(names).collect();
        return Err(no_such("parameter or condition", key, known));
    };
    let names = cases.iter().map(|(name, _, _)| name).chain([&default]);
    let arms = names.map(|name| Arm { name: name.clone(), share: None }).collect();
    Ok(Prepared { cases, default, value, arms })
}

fn condition(node: &Node<'_>) -> Result<Condition, Error> {
    let all = |part: &Node<'_>| -> Result<Vec<Condition>, Error> {
        part.list("conditions")?.iter().map(condition).collect()
    };
    let fields = node.fields()?;
    let Some((kind, part)) = fields.iter().find(|(_, part)| !part.value().is_null()) else {
        return Err(node.fail("asks nothing"));
    };
    match *kind {
        "orCondition" => Ok(Condition::Any(all(part)?)),
        "andCondition" => Ok(Condition::All(all(part)?)),
        "true" => Ok(Condition::Always(true)),
        "false" => Ok(Condition::Always(false)),
        "percent" => percent(part),
        unknown => {
            Err(part.fail(format!("a condition of the kind \"{unknown}\" is not supported")))
        }
    }
}

fn percent(node: &Node<'_>) -> Result<Condition, Error> {
    // What is 0 may be left off.
    let whole = |node: &Node<'_>, name| node.get(name).map_or(Ok(0), |share| share.whole());
    let share = whole(node, "microPercent")?;
    let operator = node.need("percentOperator")?;
    let range = match operator.text()? {
        "LESS_OR_EQUAL" => Range::UpTo(share),
        "GREATER_THAN" => Range::Above(share),
        "BETWEEN" => {
            let range = node.get("microPercentRange");
            let end = |name| range.as_ref().map_or(Ok(0), |range| whole(range, name));
            Range::Between(end("microPercentLowerBound")?, end("microPercentUpperBound")?)
        }
        unknown => {
            return Err(operator
                .fail(format!("the operator \"{unknown}\" is not known"))
                .hint("it is one of LESS_OR_EQUAL, GREATER_THAN, BETWEEN"));
        }
    };
    let seed = node.text_at("seed")?.unwrap_or_default().to_owned();
    Ok(Condition::Percent { seed, range })
}

impl Condition {
    fn holds(&self, id: &str, last: &mut Option<u64>) -> bool {
        match self {
            Condition::Always(holds) => *holds,
            Condition::Any(any) => any.iter().any(|condition| condition.holds(id, last)),
            Condition::All(all) => all.iter().all(|condition| condition.holds(id, last)),
            Condition::Percent { .. } if id.is_empty() => false,
            Condition::Percent { seed, range } => {
                let bucket = bucket(seed, id);
                *last = Some(bucket);
                match range {
                    Range::UpTo(share) => bucket <= *share,
                    Range::Above(share) => bucket > *share,
                    Range::Between(low, high) => bucket > *low && bucket <= *high,
                }
            }
        }
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let mut last = None;
        let found =
            self.cases.iter().find(|(_, condition, _)| condition.holds(subject.id, &mut last));
        let why = if last.is_some() { Why::Bucket } else { Why::Rule };
        let mut assignment = match found {
            Some((name, _, value)) => Assignment::arm(name, why).value(value.as_ref()),
            None => Assignment::arm(&self.default, Why::Default).value(self.value.as_ref()),
        };
        assignment.bucket = last.map(Bucket::Whole);
        assignment
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "randomizationId"
    }
}
