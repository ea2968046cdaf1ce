//! Eppo: MD5 of salt and subject, in shards of 0 to the flag's `totalShards`.
//!
//! Read is the universal flag configuration for servers (`flags` by key), in which nothing is
//! obfuscated. An arm is called by its variation's key. Source: @eppo/js-client-sdk-common 4.14.4.

use std::cmp::Ordering;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::hashes::{first_u64, md5};
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::pattern::{Dialect, Pattern};
use crate::versions::Version;
use crate::{
    Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such, script, times,
};

/// Eppo.
pub const PROVIDER: Provider = Provider {
    name: "eppo",
    about: "Eppo: the universal flag configuration, as servers get it",
    settings: &[input("now", "the time at which allocations begin and end are looked at")],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, given| Ok(Box::new(prepare(config, key, given)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the subject's key"),
    input("salt", "the shard's salt"),
    input("shards", "10000 unless given"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let shards = given.whole("shards")?.unwrap_or(10_000);
    if shards == 0 {
        return Err(Error::new("shards", "is 0"));
    }
    let shard = shard(given.need("salt")?, given.need("id")?, shards);
    let arm = given.weights()?.and_then(|all| below(&all, shards as f64, shard as f64));
    Ok(Hashed { bucket: Bucket::Whole(shard), arm })
}

#[inline]
fn shard(salt: &str, id: &str, shards: u64) -> u64 {
    (first_u64(&md5(&[salt, "-", id])) >> 32) % shards
}

#[derive(Debug)]
struct Prepared {
    enabled: bool,
    shards: u64,
    allocations: Vec<Allocation>,
    variations: Vec<(String, Value)>,
    arms: Vec<Arm>,
}

#[derive(Debug)]
struct Allocation {
    /// Whether it runs; none when that depends on the time, which is not set.
    runs: Option<bool>,
    /// Any of these, each of which is all of its conditions; none are everyone.
    rules: Vec<Vec<Condition>>,
    splits: Vec<Split>,
}

#[derive(Debug)]
struct Split {
    variation: usize,
    /// Salts, each with half-open ranges of shards.
    shards: Vec<(String, Vec<(u64, u64)>)>,
}

#[derive(Debug)]
struct Condition {
    attribute: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Null(bool),
    Number(f64, fn(Ordering) -> bool),
    Version(Version, fn(Ordering) -> bool),
    Pattern(Pattern, bool),
    OneOf(Vec<String>, bool),
}

fn prepare(config: &Node<'_>, key: &str, given: &Given<'_>) -> Result<Prepared, Error> {
    if config.text_at("format")? == Some("CLIENT") {
        return Err(config.fail("is the obfuscated form, for clients").hint("give the server's"));
    }
    let now = given.text("now").map(|now| {
        times::millis_of(now).ok_or_else(|| Error::new("now", format!("\"{now}\" is no time")))
    });
    let now = now.transpose()?;
    let flags = config.need("flags")?;
    let Some(node) = flags.get(key) else {
        return Err(no_such("flag", key, flags.object()?.keys().map(String::as_str)));
    };
    let mut variations = Vec::new();
    for (name, variation) in node.need("variations")?.fields()? {
        let value = variation.value().get("value").cloned().unwrap_or(Value::Null);
        variations.push((name.to_owned(), value));
    }
    let shards = node.get("totalShards").map_or(Ok(10_000), |shards| shards.whole())?;
    if shards == 0 {
        return Err(node.fail("has no shards"));
    }
    let allocations = node.need("allocations")?.items()?;
    let allocations: Vec<Allocation> = allocations
        .iter()
        .map(|node| allocation(node, &variations, now))
        .collect::<Result<_, _>>()?;
    let arms = arms(&variations, &allocations);
    Ok(Prepared { enabled: node.truth_at("enabled")?, shards, allocations, variations, arms })
}

/// Shares of the only allocation with more than one split: that is the experiment.
fn arms(variations: &[(String, Value)], allocations: &[Allocation]) -> Vec<Arm> {
    let mut experiments = allocations.iter().filter(|allocation| allocation.splits.len() > 1);
    let (Some(only), None) = (experiments.next(), experiments.next()) else {
        let arm = |(name, _): &(String, Value)| Arm { name: name.clone(), share: None };
        return variations.iter().map(arm).collect();
    };
    // The last salt splits; those before it tell who takes part.
    let width = |split: &Split| {
        let ranges = split.shards.last().map(|(_, ranges)| ranges.as_slice()).unwrap_or_default();
        ranges.iter().map(|(from, to)| to.saturating_sub(*from) as f64).sum::<f64>()
    };
    let of = |at| only.splits.iter().filter(|split| split.variation == at).map(width).sum();
    Arm::weighted(variations.iter().enumerate().map(|(at, (name, _))| (name.clone(), of(at))))
}

fn allocation(
    node: &Node<'_>,
    variations: &[(String, Value)],
    now: Option<f64>,
) -> Result<Allocation, Error> {
    let time = |name: &str| match node.get(name) {
        None => Ok(None),
        Some(node) => times::millis(node.value()).map(Some).ok_or_else(|| node.fail("is no time")),
    };
    let (start, end) = (time("startAt")?, time("endAt")?);
    let runs = match now {
        Some(now) => {
            Some(start.is_none_or(|start| now >= start) && end.is_none_or(|end| now <= end))
        }
        None => (start.is_none() && end.is_none()).then_some(true),
    };
    let rules = node.list("rules")?;
    let rules =
        rules.iter().map(|rule| rule.need("conditions")?.items()?.iter().map(condition).collect());
    let split = |node: &Node<'_>| {
        let name = node.need("variationKey")?;
        let wanted = name.text()?;
        let variation = variations.iter().position(|(known, _)| known == wanted);
        let shard = |node: &Node<'_>| {
            let range =
                |node: &Node<'_>| Ok((node.need("start")?.whole()?, node.need("end")?.whole()?));
            let ranges = node.need("ranges")?.items()?;
            let ranges = ranges.iter().map(range).collect::<Result<_, Error>>()?;
            Ok((node.need("salt")?.text()?.to_owned(), ranges))
        };
        Ok(Split {
            variation: variation.ok_or_else(|| name.fail("there is no such variation"))?,
            shards: node.list("shards")?.iter().map(shard).collect::<Result<_, Error>>()?,
        })
    };
    let splits = node.need("splits")?.items()?;
    let splits = splits.iter().map(split).collect::<Result<_, Error>>()?;
    Ok(Allocation { runs, rules: rules.collect::<Result<_, Error>>()?, splits })
}

fn condition(node: &Node<'_>) -> Result<Condition, Error> {
    let value = node.need("value")?;
    let version = |text: &str| Version::read(text.strip_prefix('v').unwrap_or(text), false);
    let order = |test: fn(Ordering) -> bool| -> Result<Test, Error> {
        if let Some(version) = value.value().as_str().and_then(version) {
            return Ok(Test::Version(version, test));
        }
        let number = script::number(Some(value.value()));
        match number.is_nan() {
            true => Err(value.fail("is neither a number nor a version")),
            false => Ok(Test::Number(number, test)),
        }
    };
    let list = || -> Result<Vec<String>, Error> {
        value.items()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    };
    let operator = node.need("operator")?;
    let test = match operator.text()? {
        "IS_NULL" => Test::Null(value.truth()?),
        "GTE" => order(Ordering::is_ge)?,
        "GT" => order(Ordering::is_gt)?,
        "LTE" => order(Ordering::is_le)?,
        "LT" => order(Ordering::is_lt)?,
        "MATCHES" => Test::Pattern(Pattern::of(&value, Dialect::Script, false)?, true),
        "NOT_MATCHES" => Test::Pattern(Pattern::of(&value, Dialect::Script, false)?, false),
        "ONE_OF" => Test::OneOf(list()?, true),
        "NOT_ONE_OF" => Test::OneOf(list()?, false),
        unknown => {
            return Err(operator
                .fail(format!("the operator \"{unknown}\" is not known"))
                .hint("it is one of MATCHES NOT_MATCHES GTE GT LTE LT ONE_OF NOT_ONE_OF IS_NULL"));
        }
    };
    Ok(Condition { attribute: node.need("attribute")?.text()?.to_owned(), test })
}

impl Condition {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        // An attribute called `id` wins over the subject's key.
        let own = subject.attributes.and_then(|all| all.get(&self.attribute));
        let key = || Value::String(subject.id.to_owned());
        let key = (own.is_none() && self.attribute == "id").then(key);
        let value = own.or(key.as_ref()).filter(|value| !value.is_null());
        if let Test::Null(expect) = self.test {
            return value.is_none() == expect;
        }
        let Some(value) = value else { return false };
        let text = script::text(Some(value));
        match &self.test {
            Test::Null(_) => false,
            Test::Number(number, test) => {
                script::number(Some(value)).partial_cmp(number).is_some_and(test)
            }
            Test::Version(version, test) => {
                let text = value.as_str().map(str::trim).unwrap_or_default();
                let given = Version::read(text.strip_prefix('v').unwrap_or(text), false);
                given.is_some_and(|given| test(given.cmp(version)))
            }
            Test::Pattern(pattern, expect) => pattern.finds(&text) == *expect,
            Test::OneOf(list, expect) => list.iter().any(|one| *one == text) == *expect,
        }
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        if !self.enabled {
            return Assignment::none(Why::Out("it is off"));
        }
        let mut last = None;
        for allocation in &self.allocations {
            match allocation.runs {
                Some(true) => {}
                Some(false) => continue,
                None => {
                    return Assignment::none(Why::Unpredictable("an allocation asks for the time"));
                }
            }
            let rules = &allocation.rules;
            if !rules.is_empty()
                && !rules.iter().any(|all| all.iter().all(|condition| condition.holds(subject)))
            {
                continue;
            }
            for split in &allocation.splits {
                let within = split.shards.iter().all(|(salt, ranges)| {
                    let shard = shard(salt, subject.id, self.shards);
                    last = Some(shard);
                    ranges.iter().any(|(from, to)| (*from..*to).contains(&shard))
                });
                if within {
                    let (name, value) = &self.variations[split.variation];
                    let why = if split.shards.is_empty() { Why::Rule } else { Why::Bucket };
                    let bucket = last.map(Bucket::Whole);
                    return Assignment { bucket, ..Assignment::arm(name, why).value(Some(value)) };
                }
            }
        }
        let bucket = last.map(Bucket::Whole);
        Assignment { bucket, ..Assignment::none(Why::Default) }
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "id"
    }
}
