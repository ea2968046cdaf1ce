//! Statsig: SHA-256 of salts and unit, in buckets of 0 to 9999 (or 0 to 999 in a condition).
//!
//! Read are the config specs (`feature_gates`, `dynamic_configs`, `layer_configs`), as servers
//! download them. A gate has the arms `true` and `false`; an experiment's arm is called by its
//! rule's group name, or else its id. Source: statsig-node 6.5.2.
//!
//! Attributes are a user as the SDK takes it (`custom`, `customIDs`, `email`, ...); the id is its
//! `userID`, or the custom id that the subject names as its unit.

mod condition;
mod read;

use std::borrow::Cow;

use serde_json::Value;

use crate::config::Error;
use crate::hashes::{first_u64, sha256};
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, script};
use condition::Condition;

/// Statsig.
pub const PROVIDER: Provider = Provider {
    name: "statsig",
    about: "Statsig: the config specs, as servers download them",
    settings: &[],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, _| Ok(Box::new(read::prepare(config, key)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the unit's id"),
    input("salt", "the salt of the gate or experiment; of a condition its only one"),
    input("rule-salt", "the rule's salt, or else its id; not for a condition"),
    input("buckets", "10000 unless given; 1000 for a condition"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let id = given.need("id")?;
    let salt = given.need("salt")?;
    let buckets = given.whole("buckets")?.unwrap_or(10_000);
    if buckets == 0 {
        return Err(Error::new("buckets", "is 0"));
    }
    let hash = match given.text("rule-salt") {
        Some(rule) => sha256(&[salt, ".", rule, ".", id]),
        None => sha256(&[salt, ".", id]),
    };
    let bucket = first_u64(&hash) % buckets;
    let arm = given.weights()?.and_then(|all| below(&all, buckets as f64, bucket as f64));
    Ok(Hashed { bucket: Bucket::Whole(bucket), arm })
}

#[derive(Debug)]
struct Prepared {
    /// The one that is asked for first.
    specs: Vec<Spec>,
    arms: Vec<Arm>,
    unit: String,
}

#[derive(Debug)]
struct Spec {
    enabled: bool,
    is_gate: bool,
    salt: String,
    default: Value,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    salt: String,
    id_type: String,
    percentage: f64,
    conditions: Vec<Condition>,
    value: Value,
    /// Another spec that decides instead.
    delegate: Option<usize>,
}

/// What a spec comes to: whether a rule passed, which one, and its value.
struct Seen<'p> {
    pass: bool,
    rule: Option<&'p Rule>,
    value: &'p Value,
    why: Why,
}

/// A unit's id by its type; empty when there is none.
fn unit<'s>(subject: &Subject<'s>, id_type: &str) -> Cow<'s, str> {
    let own = subject.unit.unwrap_or("userID");
    if own.eq_ignore_ascii_case(id_type) {
        return subject.id.into();
    }
    let of_user = id_type.eq_ignore_ascii_case("userID");
    let all = subject.attributes;
    let value = match of_user {
        true => all.and_then(|all| all.get("userID")),
        false => all.and_then(|all| {
            let ids = all.get("customIDs")?.as_object()?;
            let alike = || ids.iter().find(|(name, _)| name.eq_ignore_ascii_case(id_type));
            ids.get(id_type).or_else(|| alike().map(|(_, id)| id))
        }),
    };
    let value = value.filter(|value| !value.is_null());
    value.map_or(Cow::Borrowed(""), |value| script::text(Some(value)))
}

impl Prepared {
    fn spec<'p>(
        &'p self,
        spec: &'p Spec,
        subject: &Subject<'_>,
        last: &mut Option<u64>,
    ) -> Result<Seen<'p>, Why> {
        let out = |why| Seen { pass: false, rule: None, value: &spec.default, why };
        if !spec.enabled {
            return Ok(out(Why::Out("it is off")));
        }
        'rules: for rule in &spec.rules {
            for condition in &rule.conditions {
                if !self.condition(condition, subject, last)? {
                    continue 'rules;
                }
            }
            if let Some(delegate) = rule.delegate {
                return self.spec(&self.specs[delegate], subject, last);
            }
            let pass = match rule.percentage {
                0.0 => false,
                100.0 => true,
                share => {
                    let id = unit(subject, &rule.id_type);
                    let hash = sha256(&[&spec.salt, ".", &rule.salt, ".", &id]);
                    let bucket = first_u64(&hash) % 10_000;
                    *last = Some(bucket);
                    (bucket as f64) < share * 100.0
                }
            };
            let why = match (pass, last.is_some()) {
                (false, _) => Why::Out("its pass percentage"),
                (true, true) => Why::Bucket,
                (true, false) => Why::Rule,
            };
            let value = if pass { &rule.value } else { &spec.default };
            return Ok(Seen { pass, rule: Some(rule), value, why });
        }
        Ok(out(Why::Default))
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let spec = &self.specs[0];
        let mut last = None;
        let seen = match self.spec(spec, subject, &mut last) {
            Ok(seen) => seen,
            Err(why) => return Assignment::none(why),
        };
        let mut assignment = match (spec.is_gate, seen.rule) {
            (true, _) => Assignment::arm(if seen.pass { "true" } else { "false" }, seen.why),
            (false, Some(rule)) if seen.pass => Assignment::arm(&rule.name, seen.why),
            (false, _) => Assignment::none(seen.why),
        };
        if !spec.is_gate {
            assignment.value = Some(seen.value);
        }
        assignment.bucket = last.map(Bucket::Whole);
        assignment
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &str {
        &self.unit
    }
}
