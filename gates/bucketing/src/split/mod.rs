//! Split: MurmurHash3 over the key with a seed of the definition, in buckets of 1 to 100.
//!
//! Read are the definitions (`splits`, or `ff.d` as newer services answer), with the members of
//! segments that are asked for under `segments` (name to keys). An arm is a treatment; who is not
//! in the traffic allocation gets the default one, and the answer says so. Attributes may have a
//! `bucketingKey`. Source: @splitsoftware/splitio-commons 3.1.0.

mod matcher;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::hashes::murmur3;
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such};
use matcher::Matcher;

/// Split.
pub const PROVIDER: Provider = Provider {
    name: "split",
    about: "Split: the definitions (splitChanges)",
    settings: &[],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, _| Ok(Box::new(prepare(config, key)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the bucketing key, or else the key"),
    input("seed", "the definition's seed, or its trafficAllocationSeed; may be negative"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let wrong = || Error::new("seed", "is not a whole number of 32 bits");
    let seed: i64 = given.need("seed")?.trim().parse().map_err(|_| wrong())?;
    let seed = bits(seed).ok_or_else(wrong)?;
    let bucket = bucket(given.need("id")?, seed);
    // Buckets begin at 1, and a range includes its end.
    let arm = given.weights()?.and_then(|all| below(&all, 100.0, f64::from(bucket) - 1.0));
    Ok(Hashed { bucket: Bucket::Whole(bucket.into()), arm })
}

/// The 32 bits of a seed, signed or not.
fn bits(seed: i64) -> Option<u32> {
    i32::try_from(seed).map(|seed| seed as u32).ok().or_else(|| u32::try_from(seed).ok())
}

#[inline]
fn bucket(key: &str, seed: u32) -> u32 {
    murmur3(key.as_bytes(), seed) % 100 + 1
}

#[derive(Debug)]
struct Prepared {
    /// The one that is asked for first.
    splits: Vec<Definition>,
    arms: Vec<Arm>,
}

#[derive(Debug)]
struct Definition {
    archived: bool,
    killed: bool,
    default: String,
    seed: u32,
    allocation: u64,
    allocation_seed: u32,
    conditions: Vec<Condition>,
    /// Other definitions that have to give one of these treatments.
    needs: Vec<(usize, Vec<String>)>,
}

#[derive(Debug)]
struct Condition {
    rollout: bool,
    /// All of these; each may be turned around.
    matchers: Vec<(Matcher, bool)>,
    /// Upper ends, each with its treatment.
    parts: Vec<(u64, String)>,
}

struct Reader<'v> {
    splits: BTreeMap<&'v str, Node<'v>>,
    segments: Option<Node<'v>>,
    places: BTreeMap<&'v str, usize>,
    read: Vec<Option<Definition>>,
}

fn prepare(config: &Node<'_>, key: &str) -> Result<Prepared, Error> {
    let list = match config.get("ff") {
        Some(ff) => ff.need("d")?,
        None => config.need("splits")?,
    };
    let mut splits = BTreeMap::new();
    for node in list.items()? {
        splits.insert(node.need("name")?.text()?, node);
    }
    let segments = config.get("segments");
    let mut reader = Reader { splits, segments, places: BTreeMap::new(), read: Vec::new() };
    let Some((name, _)) = reader.splits.get_key_value(key) else {
        return Err(no_such("split", key, reader.splits.keys().copied()));
    };
    reader.definition(name)?;
    let read: Option<Vec<Definition>> = reader.read.into_iter().collect();
    let splits = read.expect("every split with a place was read");
    let rollout = splits[0].conditions.iter().rev().find(|condition| condition.rollout);
    let arms = rollout.map_or(Vec::new(), |condition| {
        let mut from = 0;
        Arm::weighted(condition.parts.iter().map(|(to, treatment)| {
            let size = to - from;
            from = *to;
            (treatment.clone(), size as f64)
        }))
    });
    Ok(Prepared { splits, arms })
}

impl<'v> Reader<'v> {
    fn definition(&mut self, name: &'v str) -> Result<usize, Error> {
        if let Some(place) = self.places.get(name) {
            return match self.read[*place] {
                Some(_) => Ok(*place),
                None => Err(self.splits[name].fail("depends on itself")),
            };
        }
        let place = self.read.len();
        self.places.insert(name, place);
        self.read.push(None);
        let node = self.splits[name].clone();
        if let Some(algorithm) = node.get("algo")
            && algorithm.whole()? != 2
        {
            return Err(algorithm.fail("only 2, MurmurHash3, is known"));
        }
        let seed = |name: &str| match node.get(name) {
            None => Ok(0),
            Some(seed) => {
                let whole = seed.value().as_i64().and_then(bits);
                whole.ok_or_else(|| seed.fail("is not a whole number of 32 bits"))
            }
        };
        let mut conditions = Vec::new();
        for condition in node.list("conditions")? {
            conditions.push(self.condition(&condition)?);
        }
        let mut needs = Vec::new();
        for need in node.list("prerequisites")? {
            let place = self.named(&need.need("n")?)?;
            needs.push((place, need.texts_at("ts")?));
        }
        self.read[place] = Some(Definition {
            archived: node.text_at("status")? == Some("ARCHIVED"),
            killed: node.truth_at("killed")?,
            default: node.text_at("defaultTreatment")?.unwrap_or("control").to_owned(),
            seed: seed("seed")?,
            allocation: node.get("trafficAllocation").map_or(Ok(100), |share| share.whole())?,
            allocation_seed: seed("trafficAllocationSeed")?,
            conditions,
            needs,
        });
        Ok(place)
    }

    fn named(&mut self, node: &Node<'v>) -> Result<usize, Error> {
        match self.splits.get_key_value(node.text()?) {
            Some((name, _)) => self.definition(name),
            None => Err(node.fail("there is no such split")),
        }
    }

    fn condition(&mut self, node: &Node<'v>) -> Result<Condition, Error> {
        let mut matchers = Vec::new();
        for matcher in node.need("matcherGroup")?.need("matchers")?.items()? {
            let kind = matcher.need("matcherType")?;
            let read = match kind.text()? {
                "IN_SPLIT_TREATMENT" => {
                    let data = matcher.need("dependencyMatcherData")?;
                    let split = self.named(&data.need("split")?)?;
                    Matcher::Split(split, data.texts_at("treatments")?)
                }
                _ => matcher::read(&matcher, self.segments.as_ref())?,
            };
            matchers.push((read, matcher.truth_at("negate")?));
        }
        let mut up_to = 0;
        let mut parts = Vec::new();
        for part in node.need("partitions")?.items()? {
            up_to += part.need("size")?.whole()?;
            parts.push((up_to, part.need("treatment")?.text()?.to_owned()));
        }
        if up_to != 100 {
            return Err(node.need("partitions")?.fail(format!("add up to {up_to}, not to 100")));
        }
        // What has no type is from before there was another.
        let rollout = node.text_at("conditionType")?.is_none_or(|kind| kind == "ROLLOUT");
        Ok(Condition { rollout, matchers, parts })
    }
}

impl Prepared {
    fn treatment<'p>(&'p self, at: usize, subject: &Subject<'_>) -> Assignment<'p> {
        let split = &self.splits[at];
        let default = |why| Assignment::arm(&split.default, why);
        if split.archived {
            return Assignment::none(Why::Out("it is archived"));
        }
        if split.killed {
            return default(Why::Out("it is killed"));
        }
        for (other, treatments) in &split.needs {
            let seen = self.treatment(*other, subject).arm.unwrap_or("control");
            if !treatments.iter().any(|treatment| treatment == seen) {
                return default(Why::Out("a split that it depends on"));
            }
        }
        let own = subject.attributes.and_then(|all| all.get("bucketingKey"));
        let key = own.and_then(Value::as_str).unwrap_or(subject.id);
        for condition in &split.conditions {
            let met = condition
                .matchers
                .iter()
                .all(|(matcher, negate)| self.matches(matcher, subject) != *negate);
            if !met {
                continue;
            }
            if condition.rollout && split.allocation < 100 {
                let bucket = bucket(key, split.allocation_seed);
                if u64::from(bucket) > split.allocation {
                    return default(Why::Out("its traffic allocation"))
                        .bucket(Bucket::Whole(bucket.into()));
                }
            }
            let bucket = u64::from(bucket(key, split.seed));
            let part = condition.parts.iter().find(|(to, _)| bucket <= *to);
            if let Some((_, treatment)) = part {
                return Assignment::arm(treatment, Why::Bucket).bucket(Bucket::Whole(bucket));
            }
        }
        default(Why::Default)
    }

    fn matches(&self, matcher: &Matcher, subject: &Subject<'_>) -> bool {
        match matcher {
            Matcher::Split(split, treatments) => {
                let seen = self.treatment(*split, subject).arm.unwrap_or("control");
                treatments.iter().any(|treatment| treatment == seen)
            }
            Matcher::Value(attribute, test) => test.holds(attribute.as_deref(), subject),
        }
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        self.treatment(0, subject)
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "key"
    }
}
