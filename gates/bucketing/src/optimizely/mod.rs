//! Optimizely: MurmurHash3 with the seed 1 over bucketing id and entity id, in buckets of 0 to 9999.
//!
//! Read is the datafile (version 4). A key is an experiment's, or a flag's: then its experiments
//! come first and its delivery rules after them. Source: Optimizely's JavaScript SDK 6.6.1.
//! Holdouts and contextual bandits are refused: neither is decided by the datafile alone.

mod audience;
mod read;

use serde_json::Value;

use crate::config::Error;
use crate::hashes::Murmur3;
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why};
use audience::Audience;

/// Optimizely.
pub const PROVIDER: Provider = Provider {
    name: "optimizely",
    about: "Optimizely: the datafile",
    settings: &[],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, _| Ok(Box::new(read::prepare(config, key)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the bucketing id: the user id, or $opt_bucketing_id"),
    input("entity", "the id of the experiment, or of the group"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let number = bucket(given.need("id")?, given.need("entity")?);
    let arm = given.weights()?.and_then(|weights| below(&weights, 10_000.0, f64::from(number)));
    Ok(Hashed { bucket: Bucket::Whole(number.into()), arm })
}

/// 0 to 9999.
#[inline]
fn bucket(id: &str, entity: &str) -> u32 {
    let hash = Murmur3::new(1).bytes(id.as_bytes()).bytes(entity.as_bytes()).finish();
    ((u64::from(hash) * 10_000) >> 32) as u32
}

/// Ends of ranges, each with what lies below it; an empty text is nothing.
type Traffic = Vec<(u32, String)>;

fn find(traffic: &Traffic, bucket: u32) -> Option<&str> {
    traffic.iter().find(|(end, _)| bucket < *end).map(|(_, entity)| entity.as_str())
}

#[derive(Debug)]
struct Prepared {
    experiments: Vec<Experiment>,
    /// Delivery rules, the last of which is for everyone else.
    rules: Vec<Experiment>,
    arms: Vec<Arm>,
}

#[derive(Debug)]
struct Experiment {
    id: String,
    running: bool,
    /// Of experiments that share their users: the group's id and traffic.
    group: Option<(String, Traffic)>,
    audience: Audience,
    traffic: Traffic,
    /// Of the traffic's ends: places in `variations`.
    variations: Vec<(String, String)>,
    forced: Vec<(String, String)>,
}

impl Experiment {
    fn variation(&self, id: &str) -> Option<&str> {
        self.variations.iter().find(|(known, _)| known == id).map(|(_, key)| key.as_str())
    }

    /// The variation by hash.
    fn choose<'p>(&'p self, id: &str) -> Assignment<'p> {
        if let Some((group, traffic)) = &self.group
            && find(traffic, bucket(id, group)) != Some(&self.id)
        {
            return Assignment::none(Why::Out("its group"));
        }
        let number = bucket(id, &self.id);
        let arm = find(&self.traffic, number).and_then(|entity| self.variation(entity));
        let assignment = match arm {
            Some(arm) => Assignment::arm(arm, Why::Bucket),
            None => Assignment::none(Why::Out("its traffic allocation")),
        };
        assignment.bucket(Bucket::Whole(number.into()))
    }

    fn run<'p>(&'p self, user: &str, id: &str, subject: &Subject<'_>) -> Assignment<'p> {
        if !self.running {
            return Assignment::none(Why::Out("it is not running"));
        }
        if let Some((_, key)) = self.forced.iter().find(|(forced, _)| forced == user)
            && let Some((_, key)) = self.variations.iter().find(|(_, known)| known == key)
        {
            return Assignment::arm(key, Why::Forced);
        }
        let stored = subject
            .stored
            .and_then(|stored| stored.get(&self.id)?.get("variation_id").and_then(Value::as_str));
        if let Some(key) = stored.and_then(|stored| self.variation(stored)) {
            return Assignment::arm(key, Why::Stored);
        }
        if self.audience.holds(subject) != Some(true) {
            return Assignment::none(Why::Out("its audience"));
        }
        self.choose(id)
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let given = |name: &str| subject.attributes.and_then(|all| all.get(name)?.as_str());
        let id = given("$opt_bucketing_id").unwrap_or(subject.id);
        let mut last = Assignment::none(Why::Default);
        for experiment in &self.experiments {
            last = experiment.run(subject.id, id, subject);
            if last.arm.is_some() {
                return last;
            }
        }
        let mut at = 0;
        while let Some(rule) = self.rules.get(at) {
            at += 1;
            if rule.audience.holds(subject) == Some(true) {
                let found = rule.choose(id);
                if found.arm.is_some() {
                    return found;
                }
                // Who was meant by a rule and is not in its share is served as everyone else.
                at = at.max(self.rules.len() - 1);
                last = found;
            }
        }
        last
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "userId"
    }
}
