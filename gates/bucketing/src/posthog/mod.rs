//! PostHog: SHA-1 of key and distinct id, in a share of 0 to 1.
//!
//! Read is what the endpoint for local evaluation answers (`flags`, `cohorts`,
//! `group_type_mapping`). Rollouts hash with an empty salt and include the upper end, variants with
//! the salt `variant` and without it. Source: posthog-node 5.70.0 and @posthog/core.
//!
//! Attributes are the person's properties, besides `$groups` and `$group_properties` as the SDK
//! takes them. As with the SDK, a property that is not given is not known, and not unset. A flag
//! without variants has the arms `true` and `false`.

mod property;
mod read;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::config::Error;
use crate::hashes::{first_60_bits, sha1};
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, script};
use property::Test;

/// PostHog.
pub const PROVIDER: Provider = Provider {
    name: "posthog",
    about: "PostHog: what /api/feature_flag/local_evaluation answers",
    settings: &[],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, _| Ok(Box::new(read::prepare(config, key)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the distinct id, or the key of the group"),
    input("key", "the flag's key"),
    input("salt", "empty unless given, which is the rollout's; \"variant\" with weights"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let weights = given.weights()?;
    let salt = given.text("salt").unwrap_or(if weights.is_some() { "variant" } else { "" });
    let share = hash(given.need("key")?, given.need("id")?, salt);
    let arm = weights.and_then(|weights| below(&weights, 1.0, share));
    Ok(Hashed { bucket: Bucket::Share(share), arm })
}

/// 0 <= n <= 1.
#[inline]
fn hash(key: &str, id: &str, salt: &str) -> f64 {
    first_60_bits(&sha1(&[key, ".", id, salt]))
}

#[derive(Debug)]
struct Prepared {
    /// The one that is asked for first.
    flags: Vec<Flag>,
    arms: Vec<Arm>,
    unit: String,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the export's own fields")]
struct Flag {
    key: String,
    active: bool,
    continuous: bool,
    /// The type of group that is asked for, of which the number is unknown to the export or not.
    group: Option<Option<String>>,
    by_device: bool,
    holdout: Option<(String, f64)>,
    early_exit: bool,
    conditions: Vec<Condition>,
    /// Upper ends of half-open ranges.
    variants: Vec<(String, f64, f64)>,
}

#[derive(Debug)]
struct Condition {
    /// Set when it is asked of another type of group than the flag.
    group: Option<Option<String>>,
    filters: Vec<Filter>,
    rollout: Option<f64>,
    variant: Option<String>,
}

#[derive(Debug)]
enum Filter {
    Property {
        key: String,
        test: Test,
    },
    Cohort {
        cohort: Cohort,
        expect: bool,
    },
    /// Another flag, by its place, that has to have a value.
    Flag {
        flag: usize,
        expect: Value,
    },
}

#[derive(Debug)]
enum Cohort {
    /// Nothing is asked.
    Everyone,
    All(Vec<Cohort>),
    Any(Vec<Cohort>),
    Filter {
        filter: Box<Filter>,
        negated: bool,
    },
}

/// What a flag comes to.
#[derive(Debug, Clone, PartialEq)]
enum Seen<'p> {
    Off,
    On,
    Variant(&'p str),
}

const UNKNOWN: Why = Why::Unpredictable("a property that a condition asks for is not given");

/// Properties of the person or group that conditions are asked of.
struct Properties<'s> {
    subject: Subject<'s>,
    /// A group's key and properties, instead of the person's.
    of_group: Option<Group<'s>>,
}

type Group<'s> = (Cow<'s, str>, Option<&'s Map<String, Value>>);

impl<'s> Properties<'s> {
    fn get(&self, key: &str) -> Option<Cow<'s, Value>> {
        match &self.of_group {
            Some((group, _)) if key == "$group_key" => {
                Some(Cow::Owned(Value::String(group.to_string())))
            }
            Some((_, properties)) => (*properties)?.get(key).map(Cow::Borrowed),
            None => self.subject.attribute(key, "distinct_id"),
        }
    }
}

/// A group of the subject's: its key and properties.
fn group<'s>(subject: &Subject<'s>, name: &str) -> Option<Group<'s>> {
    let all = subject.attributes;
    let key = match subject.unit == Some(name) {
        true => subject.id.into(),
        false => script::text(Some(all?.get("$groups")?.get(name)?)),
    };
    let properties = all.and_then(|all| all.get("$group_properties")?.get(name)?.as_object());
    Some((key, properties))
}

enum Matched {
    Yes,
    No,
    OutOfRollout,
}

impl Prepared {
    fn flag<'p>(
        &'p self,
        flag: &'p Flag,
        subject: &Subject<'_>,
        last: &mut Option<f64>,
    ) -> Result<Seen<'p>, Why> {
        if !flag.active {
            return Ok(Seen::Off);
        }
        if flag.continuous {
            return Err(Why::Unpredictable("PostHog keeps what a person had before"));
        }
        let (id, of_group) = match &flag.group {
            Some(None) => return Err(Why::Unpredictable("its type of group is not in the export")),
            Some(Some(name)) => match group(subject, name) {
                None => return Ok(Seen::Off),
                Some(found) => (found.0.clone(), Some(found)),
            },
            None if flag.by_device => {
                let device = subject.attribute("$device_id", "distinct_id");
                let text = device.map(|device| script::text(Some(&device)).into_owned());
                let device = text.filter(|device| !device.is_empty() && device != "null");
                (device.ok_or(Why::NoUnit)?.into(), None)
            }
            None => (Cow::Borrowed(subject.id), None),
        };
        if let Some((name, percentage)) = &flag.holdout
            && (*percentage >= 100.0
                || first_60_bits(&sha1(&["holdout-", &id])) <= percentage.max(0.0) / 100.0)
        {
            return Ok(Seen::Variant(name));
        }
        let properties = Properties { subject: *subject, of_group };
        self.conditions(flag, &id, properties, last)
    }

    fn conditions<'p>(
        &'p self,
        flag: &'p Flag,
        id: &str,
        properties: Properties<'_>,
        last: &mut Option<f64>,
    ) -> Result<Seen<'p>, Why> {
        let subject = properties.subject;
        let mut unknown = None;
        for condition in &flag.conditions {
            let mut of_condition = None;
            if let Some(Some(name)) = &condition.group {
                match group(&subject, name) {
                    None => continue,
                    Some(found) => of_condition = Some(found),
                }
            } else if let Some(None) = condition.group {
                continue;
            }
            let own = of_condition.map(|found| Properties { subject, of_group: Some(found) });
            let (id, properties) = match &own {
                Some(own) => (own.of_group.as_ref().map_or(id, |(key, _)| key), own),
                None => (id, &properties),
            };
            match self.condition(flag, condition, id, properties, last) {
                Ok(Matched::Yes) => return Ok(flag.serves(condition, id, last)),
                Ok(Matched::No) => {}
                Ok(Matched::OutOfRollout) if !flag.early_exit => {}
                Ok(Matched::OutOfRollout) => return unknown.map_or(Ok(Seen::Off), Err),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Ok(Seen::Off), Err)
    }

    fn condition(
        &self,
        flag: &Flag,
        condition: &Condition,
        id: &str,
        properties: &Properties<'_>,
        last: &mut Option<f64>,
    ) -> Result<Matched, Why> {
        let mut unknown = None;
        for filter in &condition.filters {
            // A later one can still tell that the condition does not hold.
            match self.filter(filter, properties) {
                Ok(true) => {}
                Ok(false) => return Ok(Matched::No),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        if let Some(why) = unknown {
            return Err(why);
        }
        let Some(rollout) = condition.rollout else { return Ok(Matched::Yes) };
        let share = hash(&flag.key, id, "");
        *last = Some(share);
        Ok(if share > rollout / 100.0 { Matched::OutOfRollout } else { Matched::Yes })
    }

    fn filter(&self, filter: &Filter, properties: &Properties<'_>) -> Result<bool, Why> {
        match filter {
            Filter::Property { key, test } => {
                let value = properties.get(key).ok_or(UNKNOWN)?;
                test.holds(&value)
            }
            Filter::Cohort { cohort, expect } => Ok(self.cohort(cohort, properties)? == *expect),
            Filter::Flag { flag, expect } => {
                let seen = self.flag(&self.flags[*flag], &properties.subject, &mut None)?;
                Ok(match expect {
                    Value::Bool(expect) => (seen != Seen::Off) == *expect,
                    Value::String(expect) => seen == Seen::Variant(expect),
                    _ => false,
                })
            }
        }
    }

    fn cohort(&self, cohort: &Cohort, properties: &Properties<'_>) -> Result<bool, Why> {
        let (all, decisive) = match cohort {
            Cohort::Everyone => return Ok(true),
            Cohort::Filter { filter, negated } => {
                return Ok(self.filter(filter, properties)? != *negated);
            }
            Cohort::All(all) => (all, false),
            Cohort::Any(any) => (any, true),
        };
        let mut unknown = None;
        for part in all {
            match self.cohort(part, properties) {
                Ok(holds) if holds == decisive => return Ok(decisive),
                Ok(_) => {}
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Ok(!decisive), Err)
    }
}

impl Flag {
    /// What a condition that matches gives.
    fn serves<'p>(
        &'p self,
        condition: &'p Condition,
        id: &str,
        last: &mut Option<f64>,
    ) -> Seen<'p> {
        if let Some(own) = &condition.variant
            && self.variants.iter().any(|(key, _, _)| key == own)
        {
            return Seen::Variant(own);
        }
        if self.variants.is_empty() {
            return Seen::On;
        }
        let share = hash(&self.key, id, "variant");
        *last = Some(share);
        let found = self.variants.iter().find(|(_, from, to)| share >= *from && share < *to);
        found.map_or(Seen::On, |(key, _, _)| Seen::Variant(key))
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let flag = &self.flags[0];
        let mut last = None;
        let seen = match self.flag(flag, subject, &mut last) {
            Ok(seen) => seen,
            Err(why) => return Assignment::none(why),
        };
        let why = if last.is_some() { Why::Bucket } else { Why::Rule };
        let mut assignment = match seen {
            Seen::Variant(key) => Assignment::arm(key, why),
            Seen::On => Assignment::arm("true", why),
            Seen::Off if !flag.active => Assignment::none(Why::Out("it is off")),
            Seen::Off if last.is_some() => Assignment::none(Why::Out("its rollout")),
            Seen::Off => Assignment::none(Why::Default),
        };
        if flag.variants.is_empty() && assignment.arm.is_none() {
            assignment.arm = Some("false");
        }
        assignment.bucket = last.map(Bucket::Share);
        assignment
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &str {
        &self.unit
    }
}
