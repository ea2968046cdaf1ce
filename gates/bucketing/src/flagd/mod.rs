//! flagd: MurmurHash3 over flag key and targeting key, in parts of the weights' sum.
//!
//! Read are flag definitions (`flags`, `$evaluators`). `fractional` is known as it is (2, exact in
//! integers) and as it was (1, in per cent of half the hash), which puts users elsewhere.
//! Source: @openfeature/flagd-core 4.0.1, and 1.0.0 for the old one.
//!
//! The JavaScript evaluator hashes UTF-16 units that overlap, flagd itself UTF-8: keys that are not
//! ASCII get other variants.

mod logic;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::hashes::{Encoding, Murmur3, overlapping_murmur3};
use crate::named::{ENCODING, Given, Input, WEIGHTS, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such};
use logic::{Logic, Scope};

/// flagd.
pub const PROVIDER: Provider = Provider {
    name: "flagd",
    about: "flagd: flag definitions",
    settings: &[FRACTIONAL, ENCODING],
    inputs: INPUTS,
    encodings: &[Encoding::Utf8, Encoding::Overlapping],
    prepare: |config, key, given| Ok(Box::new(prepare(config, key, given)?)),
    hash: hashed,
};

const FRACTIONAL: Input = input("fractional", "2, or 1 for how it was before; 2 unless given");

const INPUTS: &[Input] = &[
    input("id", "the targeting key"),
    input("flag", "the flag's key, which comes before it"),
    FRACTIONAL,
    ENCODING,
    WEIGHTS,
];

/// Which `fractional`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fractional {
    /// Per cent of the absolute value of a signed hash.
    One,
    /// The hash times the sum of the weights, without what is below 1.
    Two,
}

const FRACTIONALS: [(&str, Fractional); 2] = [("1", Fractional::One), ("2", Fractional::Two)];

/// How a `fractional` is computed.
#[derive(Debug, Clone, Copy)]
struct Method {
    fractional: Fractional,
    encoding: Encoding,
}

impl Method {
    fn read(given: &Given<'_>) -> Result<Method, Error> {
        let fractional = given.one_of("fractional", &FRACTIONALS)?.unwrap_or(Fractional::Two);
        Ok(Method { fractional, encoding: given.encoding(Encoding::Utf8)? })
    }

    /// The bucket, and the place of the weight that it falls on.
    fn choose(self, parts: [&str; 2], weights: &[u64]) -> (Bucket, Option<usize>) {
        let hash = match self.encoding {
            Encoding::Overlapping if !parts.iter().all(|part| part.is_ascii()) => {
                overlapping_murmur3(&parts.concat())
            }
            encoding => {
                let begun = Murmur3::new(0).text(parts[0], encoding);
                begun.text(parts[1], encoding).finish()
            }
        };
        let sum: u64 = weights.iter().sum();
        match self.fractional {
            Fractional::Two => {
                let bucket = (u64::from(hash) * sum) >> 32;
                let mut up_to = 0;
                let at = weights.iter().position(|weight| {
                    up_to += weight;
                    up_to > bucket
                });
                (Bucket::Whole(bucket), at)
            }
            Fractional::One => {
                let bucket = f64::from((hash as i32).unsigned_abs()) / 2_147_483_648.0 * 100.0;
                let mut up_to = 0.0;
                let at = weights.iter().position(|weight| {
                    if *weight > 0 {
                        up_to += (weight * 100) as f64 / sum as f64;
                    }
                    up_to >= bucket
                });
                (Bucket::Share(bucket), at)
            }
        }
    }
}

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let method = Method::read(given)?;
    let weights = given.weights()?;
    let whole = |weights: &Vec<(String, f64)>| -> Vec<u64> {
        weights.iter().map(|(_, weight)| *weight as u64).collect()
    };
    // Without weights: out of a hundred.
    let parts = weights.as_ref().map_or(vec![100], whole);
    let (bucket, at) = method.choose([given.need("flag")?, given.need("id")?], &parts);
    let arm = weights.and_then(|weights| at.map(|at| weights[at].0.clone()));
    Ok(Hashed { bucket, arm })
}

#[derive(Debug)]
struct Prepared {
    key: String,
    enabled: bool,
    default: Option<usize>,
    variants: Vec<(String, Value)>,
    targeting: Option<Logic>,
    method: Method,
    arms: Vec<Arm>,
}

fn prepare(config: &Node<'_>, key: &str, given: &Given<'_>) -> Result<Prepared, Error> {
    let flags = config.need("flags")?;
    let Some(node) = flags.get(key) else {
        return Err(no_such("flag", key, flags.object()?.keys().map(String::as_str)));
    };
    let variants = node.need("variants")?.fields()?;
    let variants: Vec<(String, Value)> =
        variants.iter().map(|(name, node)| ((*name).to_owned(), node.value().clone())).collect();
    let place = |node: &Node<'_>| {
        let name = node.text()?;
        let place = variants.iter().position(|(known, _)| known == name);
        place.ok_or_else(|| node.fail("there is no such variant"))
    };
    let default = node.get("defaultVariant").map(|node| place(&node)).transpose()?;
    let targeting = node.get("targeting").filter(|node| node.value() != &serde_json::json!({}));
    let evaluators = config.get("$evaluators");
    let targeting = targeting.map(|node| logic::read(&node, evaluators.as_ref(), 0)).transpose()?;
    let weights = targeting.as_ref().and_then(Logic::only_fractional);
    let arms = match weights {
        Some(weights) => Arm::weighted(weights),
        None => {
            let arm = |(name, _): &(String, Value)| Arm { name: name.clone(), share: None };
            variants.iter().map(arm).collect()
        }
    };
    let state = node.need("state")?;
    let enabled = match state.text()? {
        "ENABLED" => true,
        "DISABLED" => false,
        unknown => return Err(state.fail(format!("\"{unknown}\" is not known"))),
    };
    let method = Method::read(given)?;
    Ok(Prepared { key: key.to_owned(), enabled, default, variants, targeting, method, arms })
}

impl Prepared {
    fn serve(&self, at: Option<usize>, why: Why) -> Assignment<'_> {
        match at.and_then(|at| self.variants.get(at)) {
            Some((name, value)) => Assignment::arm(name, why).value(Some(value)),
            None => Assignment::none(why),
        }
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        if !self.enabled {
            return Assignment::none(Why::Out("it is off"));
        }
        let Some(targeting) = &self.targeting else {
            return self.serve(self.default, Why::Default);
        };
        let mut scope =
            Scope { subject: *subject, flag: &self.key, method: self.method, bucket: None };
        let name = match targeting.value(&mut scope) {
            Ok(Value::Null) => None,
            Ok(value) => Some(crate::script::text(Some(&value)).into_owned()),
            Err(why) => return Assignment::none(why),
        };
        let why = if scope.bucket.is_some() { Why::Bucket } else { Why::Rule };
        let mut assignment = match name {
            None => self.serve(self.default, Why::Default),
            Some(name) => match self.variants.iter().position(|(known, _)| *known == name) {
                Some(at) => self.serve(Some(at), why),
                None => Assignment::none(Why::Out("a variant that there is not")),
            },
        };
        assignment.bucket = scope.bucket;
        assignment
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "targetingKey"
    }
}
