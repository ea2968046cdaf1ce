//! ABsmartly: MurmurHash3 over two seeds and the hash of the unit, in a share of 0 to 1.
//!
//! Read is the context data (`experiments`). A unit is hashed by MD5 first. Who is not in the
//! traffic split is shown the first variant without taking part, which is no arm here. The id is
//! the unit of the experiment's `unitType`, or in `units`. Source: @absmartly/javascript-sdk 1.13.4.
//! The JavaScript SDK hashes CESU-8, in which letters beyond the basic plane (emoji) differ from
//! UTF-8: ids that have such get other variants. Of audiences those that are not strict are known: they leave nobody out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::config::{Error, Node};
use crate::hashes::{Encoding, cesu8, md5, md5_of, murmur3};
use crate::named::{ENCODING, Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such, script};

/// ABsmartly.
pub const PROVIDER: Provider = Provider {
    name: "absmartly",
    about: "ABsmartly: the context data",
    settings: &[ENCODING],
    inputs: INPUTS,
    encodings: &[Encoding::Utf8, Encoding::Cesu8],
    prepare: |config, key, given| {
        Ok(Box::new(prepare(config, key, given.encoding(Encoding::Utf8)?)?))
    },
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the unit"),
    input("seed-hi", "the upper half of the seed"),
    input("seed-lo", "the lower half of the seed"),
    ENCODING,
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let half = |name: &str| {
        let half = given.whole(name)?.ok_or_else(|| Error::new(name, "is needed and not given"))?;
        u32::try_from(half).map_err(|_| Error::new(name, "has more than 32 bits"))
    };
    let unit = unit_hash(given.need("id")?, given.encoding(Encoding::Utf8)?);
    let share = share(unit, (half("seed-hi")?, half("seed-lo")?));
    let arm = given.weights()?.and_then(|weights| {
        let last = weights.last().map(|(name, _)| name.clone());
        below(&weights, 1.0, share).or(last)
    });
    Ok(Hashed { bucket: Bucket::Share(share), arm })
}

fn unit_hash(unit: &str, encoding: Encoding) -> u32 {
    let digest = match encoding {
        Encoding::Cesu8 => md5_of(&cesu8(unit)),
        _ => md5(&[unit]),
    };
    murmur3(URL_SAFE_NO_PAD.encode(digest).as_bytes(), 0)
}

/// 0 <= n <= 1.
fn share(unit: u32, (high, low): (u32, u32)) -> f64 {
    let words = [low, high, unit].map(u32::to_le_bytes);
    f64::from(murmur3(words.as_flattened(), 0)) * (1.0 / f64::from(u32::MAX))
}

/// The place of a share in a split; the last one has the rest.
fn choose(split: &[f64], share: f64) -> usize {
    let mut up_to = 0.0;
    let found = split.iter().position(|part| {
        up_to += part;
        share < up_to
    });
    found.unwrap_or(split.len().saturating_sub(1))
}

#[derive(Debug)]
struct Prepared {
    unit_type: String,
    seed: (u32, u32),
    split: Vec<f64>,
    traffic_seed: (u32, u32),
    traffic: Vec<f64>,
    full_on: usize,
    encoding: Encoding,
    arms: Vec<Arm>,
}

fn prepare(config: &Node<'_>, key: &str, encoding: Encoding) -> Result<Prepared, Error> {
    let experiments = config.need("experiments")?.items()?;
    let name =
        |node: &Node<'_>| node.value().get("name").and_then(Value::as_str).map(str::to_owned);
    let Some(node) = experiments.iter().find(|node| name(node).as_deref() == Some(key)) else {
        let names: Vec<String> = experiments.iter().filter_map(name).collect();
        return Err(no_such("experiment", key, names.iter().map(String::as_str)));
    };
    if let Some(audience) = node.get("audience")
        && node.truth_at("audienceStrict")?
        && audience.value() != ""
    {
        return Err(audience.fail("a strict audience is not supported"));
    }
    let half = |name: &str| {
        let node = node.need(name)?;
        u32::try_from(node.whole()?).map_err(|_| node.fail("has more than 32 bits"))
    };
    let split = |name: &str| -> Result<Vec<f64>, Error> {
        node.need(name)?.items()?.iter().map(Node::number).collect()
    };
    let parts = split("split")?;
    let variants = node.list("variants")?;
    let named = |at: usize| {
        let own = variants.get(at).and_then(|variant| variant.value().get("name")?.as_str());
        own.map_or_else(|| at.to_string(), str::to_owned)
    };
    Ok(Prepared {
        unit_type: node.need("unitType")?.text()?.to_owned(),
        seed: (half("seedHi")?, half("seedLo")?),
        arms: Arm::weighted(parts.iter().enumerate().map(|(at, part)| (named(at), *part))),
        split: parts,
        traffic_seed: (half("trafficSeedHi")?, half("trafficSeedLo")?),
        traffic: split("trafficSplit")?,
        full_on: node.get("fullOnVariant").map_or(Ok(0), |variant| variant.whole())? as usize,
        encoding,
    })
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let arm = |at: usize, why| match self.arms.get(at) {
            Some(arm) => Assignment::arm(&arm.name, why),
            None => Assignment::none(why),
        };
        if self.full_on > 0 {
            return arm(self.full_on, Why::Out("one variant is full on"));
        }
        let all = subject.attributes.and_then(|all| all.get("units"));
        let other = all.and_then(|units| units.get(&self.unit_type));
        let unit = match other {
            Some(unit) => script::text(Some(unit)),
            None => subject.id.into(),
        };
        let named = subject.unit.is_none_or(|unit| unit == self.unit_type);
        if unit.is_empty() || other.is_none() && !named {
            return Assignment::none(Why::NoUnit);
        }
        let unit = unit_hash(&unit, self.encoding);
        let traffic = share(unit, self.traffic_seed);
        if choose(&self.traffic, traffic) != 1 {
            return Assignment::none(Why::Out("its traffic split")).bucket(Bucket::Share(traffic));
        }
        let share = share(unit, self.seed);
        arm(choose(&self.split, share), Why::Bucket).bucket(Bucket::Share(share))
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &str {
        &self.unit_type
    }
}
