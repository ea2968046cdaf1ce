//! LaunchDarkly: SHA-1 of key, salt and value, in a share of 0 to 1.
//!
//! Read is what SDKs and the relay read: `flags` and `segments` by key (a data file, or
//! `/sdk/latest-all`). An experiment's rollout has a seed, which takes the place of key and salt.
//! Source: LaunchDarkly's SDK specification and @launchdarkly/node-server-sdk 9.13.7.
//!
//! An arm is called by its value, a text as it is and anything else as JSON; where two arms have
//! the same value, by the place in `variations`. Attributes are a context as the SDKs take it; the
//! id is the key of its `user`, or of the kind that the subject names as its unit.

mod clause;
mod read;

use serde_json::{Map, Value};

use crate::config::Error;
use crate::hashes::{first_60_bits, sha1};
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, script};
use clause::{Clause, Segment};

/// LaunchDarkly.
pub const PROVIDER: Provider = Provider {
    name: "launchdarkly",
    about: "LaunchDarkly: flags and segments as SDKs read them (flagdata.json)",
    settings: &[input("zero-seed", "whether a seed of 0 is one: yes unless given; no in Node")],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, given| {
        let zero = given.one_of("zero-seed", &[("yes", true), ("no", false)])?;
        Ok(Box::new(read::prepare(config, key, zero.unwrap_or(true))?))
    },
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the value that is bucketed by: the context's key unless bucketBy says otherwise"),
    input("key", "the flag's key; not with a seed"),
    input("salt", "the flag's salt; not with a seed"),
    input("seed", "the rollout's seed, when it is an experiment"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let prefix = match given.whole("seed")? {
        Some(seed) => seed.to_string(),
        None => format!("{}.{}", given.need("key")?, given.need("salt")?),
    };
    let share = bucket(&prefix, given.need("id")?);
    let arm = given.weights()?.and_then(|weights| {
        let last = weights.last().map(|(name, _)| name.clone());
        below(&weights, 1.0, share).or(last)
    });
    Ok(Hashed { bucket: Bucket::Share(share), arm })
}

#[inline]
fn bucket(prefix: &str, value: &str) -> f64 {
    first_60_bits(&sha1(&[prefix, ".", value]))
}

#[derive(Debug)]
struct Prepared {
    /// The one that is asked for first.
    flags: Vec<Flag>,
    segments: Vec<Segment>,
    names: Vec<String>,
    arms: Vec<Arm>,
    unit: String,
    /// Whether the unit is a kind of context, and not an attribute of the user.
    by_kind: bool,
}

#[derive(Debug)]
struct Flag {
    on: bool,
    off: Option<usize>,
    values: Vec<Value>,
    /// Flags that have to give certain variations; none when there is no such flag.
    parents: Vec<(Option<usize>, usize)>,
    targets: Vec<Target>,
    rules: Vec<(Vec<Clause>, Serves)>,
    fallthrough: Serves,
}

#[derive(Debug)]
struct Target {
    kind: String,
    keys: Vec<String>,
    variation: usize,
}

#[derive(Debug)]
enum Serves {
    Variation(usize),
    Rollout(Rollout),
}

#[derive(Debug)]
struct Rollout {
    prefix: String,
    kind: String,
    /// A path; `key` alone is the id.
    by: Vec<String>,
    weights: Vec<(f64, usize)>,
}

/// A context of one kind.
#[derive(Clone, Copy)]
struct Context<'s> {
    key: &'s str,
    attributes: Option<&'s Map<String, Value>>,
    /// An attribute that has the key as its value, too.
    alias: Option<&'s str>,
}

impl<'s> Context<'s> {
    fn get(&self, path: &[String]) -> Option<std::borrow::Cow<'s, Value>> {
        let (first, rest) = path.split_first()?;
        if rest.is_empty() && (first == "key" || self.alias == Some(first)) {
            return Some(std::borrow::Cow::Owned(Value::String(self.key.to_owned())));
        }
        let mut current = self.attributes?.get(first)?;
        for part in rest {
            current = current.as_object()?.get(part)?;
        }
        Some(std::borrow::Cow::Borrowed(current))
    }
}

/// All contexts of a subject.
struct Contexts<'s> {
    subject: Subject<'s>,
    /// The kind whose key the id is.
    of_id: &'s str,
    alias: Option<&'s str>,
}

impl<'s> Contexts<'s> {
    fn is_multi(&self) -> bool {
        self.subject
            .attributes
            .is_some_and(|all| all.get("kind").is_some_and(|kind| kind == "multi"))
    }

    fn kinds(&self) -> Vec<String> {
        let mut kinds = vec![self.of_id.to_owned()];
        if self.is_multi() {
            let others = self.subject.attributes.into_iter().flat_map(Map::keys);
            let others = others.filter(|kind| *kind != "kind" && *kind != self.of_id);
            kinds.extend(others.cloned());
        }
        kinds
    }

    fn of(&self, kind: &str) -> Option<Context<'s>> {
        let attributes = self.subject.attributes;
        let inner = || attributes.and_then(|all| all.get(kind)?.as_object());
        if kind == self.of_id {
            let attributes = if self.is_multi() { inner() } else { attributes };
            return Some(Context { key: self.subject.id, attributes, alias: self.alias });
        }
        let attributes = inner().filter(|_| self.is_multi())?;
        let key = attributes.get("key")?.as_str()?;
        Some(Context { key, attributes: Some(attributes), alias: None })
    }
}

impl Rollout {
    /// The variation, and the share when there was something to hash.
    fn choose(&self, contexts: &Contexts<'_>) -> (usize, f64) {
        let share = share(contexts, &self.kind, &self.by, &self.prefix);
        let mut up_to = 0.0;
        let found = self.weights.iter().find(|(weight, _)| {
            up_to += weight / 100_000.0;
            share < up_to
        });
        let chosen = found.or(self.weights.last());
        (chosen.map_or(0, |(_, variation)| *variation), share)
    }
}

/// The share of a context's value; 0 when there is none, or none that can be hashed.
fn share(contexts: &Contexts<'_>, kind: &str, by: &[String], prefix: &str) -> f64 {
    let Some(context) = contexts.of(kind) else { return 0.0 };
    if let [only] = by
        && only == "key"
    {
        return bucket(prefix, context.key);
    }
    match context.get(by).as_deref() {
        Some(Value::String(text)) => bucket(prefix, text),
        Some(Value::Number(number)) => match number.as_f64() {
            Some(number) if number.fract() == 0.0 => bucket(prefix, &script::number_text(number)),
            _ => 0.0,
        },
        _ => 0.0,
    }
}

struct Seen {
    variation: Option<usize>,
    share: Option<f64>,
    why: Why,
}

impl Prepared {
    fn flag(&self, flag: &Flag, contexts: &Contexts<'_>) -> Seen {
        let plain = |variation, why| Seen { variation, share: None, why };
        if !flag.on {
            return plain(flag.off, Why::Out("it is off"));
        }
        for (parent, variation) in &flag.parents {
            let allows = parent.is_some_and(|parent| {
                let parent = &self.flags[parent];
                parent.on && self.flag(parent, contexts).variation == Some(*variation)
            });
            if !allows {
                return plain(flag.off, Why::Out("a flag that it depends on"));
            }
        }
        let is_named = |target: &&Target| {
            contexts
                .of(&target.kind)
                .is_some_and(|context| target.keys.iter().any(|key| key == context.key))
        };
        if let Some(target) = flag.targets.iter().find(is_named) {
            return plain(Some(target.variation), Why::Forced);
        }
        let rule = flag.rules.iter().find(|(clauses, _)| {
            clauses.iter().all(|clause| clause.holds(contexts, &self.segments))
        });
        let why = if rule.is_some() { Why::Rule } else { Why::Default };
        match rule.map_or(&flag.fallthrough, |(_, serves)| serves) {
            Serves::Variation(variation) => plain(Some(*variation), why),
            Serves::Rollout(rollout) => {
                let (variation, share) = rollout.choose(contexts);
                let why = match contexts.of(&rollout.kind) {
                    Some(_) => Why::Bucket,
                    None => Why::NoUnit,
                };
                Seen { variation: Some(variation), share: Some(share), why }
            }
        }
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let unit = subject.unit.unwrap_or("user");
        let own_kind = subject.attributes.and_then(|all| all.get("kind")?.as_str());
        let is_kind = self.by_kind || unit != self.unit;
        let of_id = match own_kind.filter(|kind| *kind != "multi") {
            Some(kind) => kind,
            None if is_kind => unit,
            None => "user",
        };
        let alias = (!is_kind).then_some(unit);
        let seen = self.flag(&self.flags[0], &Contexts { subject: *subject, of_id, alias });
        let flag = &self.flags[0];
        let mut assignment = match seen.variation.filter(|at| *at < flag.values.len()) {
            Some(at) => Assignment::arm(&self.names[at], seen.why).value(flag.values.get(at)),
            None => Assignment::none(seen.why),
        };
        assignment.bucket = seen.share.map(Bucket::Share);
        assignment
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &str {
        &self.unit
    }
}
