//! Unleash: MurmurHash3 over group and id, in buckets of 1 to N.
//!
//! Read is what `/api/client/features` answers (`features`, `segments`). Rollouts hash with the
//! seed 0 into 1 to 100, variants with the seed 86028157 into 1 to the sum of their weights.
//! Source: Unleash's client specification and unleash-client 6.12.1 for Node.
//!
//! The Node SDK hashes the low byte of each UTF-16 unit, the others UTF-8: ids that are not ASCII
//! get other arms. A flag without variants has the arms `enabled` and `disabled`.

mod constraint;
mod direct;
mod read;
mod strategy;

use serde_json::Value;

use crate::config::Error;
use crate::hashes::{Encoding, Murmur3};
use crate::named::{ENCODING, Given, Input, WEIGHTS, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why};
use direct::Direct;
use strategy::{Strategy, Variants};

/// Unleash.
pub const PROVIDER: Provider = Provider {
    name: "unleash",
    about: "Unleash: what /api/client/features answers",
    settings: &[ENCODING, input("hostname", "the host that applicationHostname asks for")],
    inputs: INPUTS,
    encodings: &[Encoding::Utf8, Encoding::LowBytes],
    prepare: |config, key, given| Ok(Box::new(read::prepare(config, key, given)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the value of the stickiness field"),
    input("group", "the strategy's groupId; for a flag's variants the flag's name"),
    input("buckets", "100 unless given; for variants the sum of the weights"),
    input("seed", "0 unless given, which is the rollout's; 86028157 with weights"),
    ENCODING,
    WEIGHTS,
];

/// What variants are hashed with.
const VARIANT_SEED: u32 = 86_028_157;

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let weights = given.weights()?;
    let sum = weights.as_ref().map(|all| all.iter().map(|(_, weight)| weight).sum::<f64>());
    let seed = given.whole("seed")?.unwrap_or(if sum.is_some() { VARIANT_SEED.into() } else { 0 });
    let buckets = match (given.whole("buckets")?, sum) {
        (Some(buckets), _) => buckets,
        (None, Some(sum)) => sum as u64,
        (None, None) => 100,
    };
    let buckets = u32::try_from(buckets).ok().filter(|buckets| *buckets > 0);
    let buckets = buckets.ok_or_else(|| Error::new("buckets", "is not 1 or more"))?;
    let seed = u32::try_from(seed).map_err(|_| Error::new("seed", "has more than 32 bits"))?;
    let hash = Group::new(given.need("group")?, seed, given.encoding(Encoding::Utf8)?);
    let bucket = hash.bucket(given.need("id")?, buckets);
    let arm = weights.and_then(|weights| {
        let mut up_to = 0.0;
        weights.into_iter().find_map(|(name, weight)| {
            up_to += weight;
            (weight > 0.0 && up_to >= f64::from(bucket)).then_some(name)
        })
    });
    Ok(Hashed { bucket: Bucket::Whole(bucket.into()), arm })
}

/// A group, hashed as far as it goes before the id.
#[derive(Debug, Clone, Copy)]
struct Group {
    begun: Murmur3,
    encoding: Encoding,
}

impl Group {
    fn new(group: &str, seed: u32, encoding: Encoding) -> Group {
        Group { begun: Murmur3::new(seed).text(group, encoding).bytes(b":"), encoding }
    }

    /// 1 to `buckets`.
    #[inline]
    fn bucket(&self, id: &str, buckets: u32) -> u32 {
        self.begun.text(id, self.encoding).finish() % buckets + 1
    }
}

/// A flag and those that it depends on.
#[derive(Debug)]
struct Prepared {
    /// The one that is asked for first.
    flags: Vec<Flag>,
    arms: Vec<Arm>,
    unit: String,
    varies: bool,
    direct: Option<Direct>,
}

#[derive(Debug)]
struct Flag {
    enabled: bool,
    parents: Vec<Parent>,
    /// None are enough.
    strategies: Vec<Strategy>,
    variants: Option<Variants>,
}

#[derive(Debug)]
struct Parent {
    /// None when the export does not have it.
    flag: Option<usize>,
    enabled: bool,
    variants: Vec<String>,
}

/// What a flag comes to.
#[derive(Default)]
struct Seen<'p> {
    on: bool,
    variant: Option<(&'p str, Option<&'p Value>)>,
    bucket: Option<u32>,
    why: Option<Why>,
}

impl Prepared {
    fn flag<'p>(&'p self, flag: &'p Flag, subject: &Subject<'_>) -> Result<Seen<'p>, Why> {
        for parent in &flag.parents {
            if !self.allows(parent, subject)? {
                let why = Some(Why::Out("a flag that it depends on"));
                return Ok(Seen { why, ..Seen::default() });
            }
        }
        if !flag.enabled {
            return Ok(Seen { why: Some(Why::Out("it is off")), ..Seen::default() });
        }
        let mut seen = Seen { on: flag.strategies.is_empty(), ..Seen::default() };
        for strategy in &flag.strategies {
            if !strategy.lets_in(subject, &mut seen.bucket)? {
                continue;
            }
            seen.on = true;
            seen.why = Some(if seen.bucket.is_some() { Why::Bucket } else { Why::Rule });
            if let Some(variants) = &strategy.variants {
                seen.variant = variants.choose(subject, &mut seen.bucket, &mut seen.why)?;
            }
            break;
        }
        if let Some(variants) = &flag.variants
            && seen.on
            && seen.variant.is_none()
        {
            seen.variant = variants.choose(subject, &mut seen.bucket, &mut seen.why)?;
        }
        Ok(seen)
    }

    fn allows(&self, parent: &Parent, subject: &Subject<'_>) -> Result<bool, Why> {
        let Some(flag) = parent.flag.map(|at| &self.flags[at]) else { return Ok(false) };
        // A flag that others depend on may not depend on one itself.
        if !flag.parents.is_empty() {
            return Ok(false);
        }
        let seen = self.flag(flag, subject)?;
        if !parent.enabled {
            return Ok(!seen.on);
        }
        let name = seen.variant.map_or("disabled", |(name, _)| name);
        let wanted = parent.variants.is_empty() || parent.variants.iter().any(|one| one == name);
        Ok(seen.on && wanted)
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        if let Some(direct) = &self.direct
            && let Some(assignment) = direct.assign(&self.flags[0], &self.arms, subject)
        {
            return assignment;
        }
        self.by_the_long_way(subject)
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &str {
        &self.unit
    }
}

impl Prepared {
    fn by_the_long_way<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let seen = match self.flag(&self.flags[0], subject) {
            Ok(seen) => seen,
            Err(why) => return Assignment::none(why),
        };
        let why = seen.why.unwrap_or(Why::Default);
        let mut assignment = match (seen.variant, self.varies) {
            (Some((name, payload)), _) => Assignment::arm(name, why).value(payload),
            (None, true) => Assignment::none(why),
            (None, false) => Assignment::arm(if seen.on { "enabled" } else { "disabled" }, why),
        };
        assignment.bucket = seen.bucket.map(|bucket| Bucket::Whole(bucket.into()));
        assignment
    }
}

/// A field of the context as a text, or of its `properties`.
fn context<'s>(subject: &Subject<'s>, field: &str) -> Option<std::borrow::Cow<'s, str>> {
    if let Some(id) = subject.id_as(field, "userId") {
        return Some(id.into());
    }
    let all = subject.attributes?;
    let set = |value: &&Value| !value.is_null();
    let own = all.get(field).filter(set);
    let value = own.or_else(|| all.get("properties")?.get(field).filter(set))?;
    Some(crate::script::text(Some(value)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_lead_to_the_same(
            percentage in prop_oneof![Just(0.0), Just(100.0), -1.0..110.0_f64],
            by in prop_oneof![Just("default"), Just("userId"), Just("tenant"), Just("random")],
            weights in proptest::collection::vec(0..4_u32, 0..4),
            is_own: bool,
            ids in proptest::collection::vec(".{0,12}", 20),
            unit in prop_oneof![Just(None), Just(Some("userId")), Just(Some("tenant"))],
        ) {
            let variant = |(at, weight): (usize, &u32)| {
                json!({"name": format!("v{at}"), "weight": weight, "stickiness": by})
            };
            let variants: Vec<Value> = weights.iter().enumerate().map(variant).collect();
            let mut strategy = json!({"name": "flexibleRollout", "parameters":
                {"groupId": "g", "rollout": percentage.to_string(), "stickiness": by}});
            let mut flag = json!({"name": "flag", "enabled": true});
            let of = if is_own { &mut strategy } else { &mut flag };
            of["variants"] = variants.into();
            flag["strategies"] = json!([strategy]);
            let config = json!({"features": [flag]});
            let settings = BTreeMap::new();
            let given = Given::new(&settings, PROVIDER.settings).unwrap();
            let prepared = read::prepare(&crate::Node::root(&config), "flag", &given).unwrap();
            for id in &ids {
                let subject = Subject { unit, ..Subject::of(id) };
                prop_assert_eq!(prepared.assign(&subject), prepared.by_the_long_way(&subject));
            }
        }
    }
}
