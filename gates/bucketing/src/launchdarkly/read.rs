//! Reads LaunchDarkly's flags and segments.

use std::collections::BTreeMap;

use serde_json::Value;

use super::clause::{self, Clause, Segment, SegmentRule};
use super::{Flag, Prepared, Rollout, Serves, Target};
use crate::config::{Error, Node};
use crate::{Arm, no_such};

struct Data<'v> {
    flags: BTreeMap<&'v str, Node<'v>>,
    segments: BTreeMap<&'v str, Node<'v>>,
    flag_places: BTreeMap<&'v str, usize>,
    segment_places: BTreeMap<&'v str, usize>,
    read: Vec<Option<Flag>>,
    read_segments: Vec<Option<Segment>>,
    zero_is_seed: bool,
}

pub(super) fn prepare(config: &Node<'_>, key: &str, zero_is_seed: bool) -> Result<Prepared, Error> {
    let by_key = |name| config.get(name).map_or(Ok(Vec::new()), |all| all.fields());
    let mut data = Data {
        flags: by_key("flags")?.into_iter().collect(),
        segments: by_key("segments")?.into_iter().collect(),
        flag_places: BTreeMap::new(),
        segment_places: BTreeMap::new(),
        read: Vec::new(),
        read_segments: Vec::new(),
        zero_is_seed,
    };
    let Some((name, _)) = data.flags.get_key_value(key) else {
        return Err(no_such("flag", key, data.flags.keys().copied()));
    };
    data.flag(name)?;
    let flags: Option<Vec<Flag>> = data.read.into_iter().collect();
    let segments: Option<Vec<Segment>> = data.read_segments.into_iter().collect();
    let flags = flags.expect("every flag with a place was read");
    let segments = segments.expect("every segment with a place was read");
    let names = names(&flags[0].values);
    let rollouts = flags[0].rules.iter().map(|(_, serves)| serves).chain([&flags[0].fallthrough]);
    let rollouts: Vec<&Rollout> = rollouts
        .filter_map(|serves| match serves {
            Serves::Rollout(rollout) => Some(rollout),
            Serves::Variation(_) => None,
        })
        .collect();
    let arms = match rollouts.as_slice() {
        [only] => {
            let weight = |at: usize| -> f64 {
                only.weights.iter().filter(|(_, variation)| *variation == at).map(|(w, _)| w).sum()
            };
            Arm::weighted(names.iter().enumerate().map(|(at, name)| (name.clone(), weight(at))))
        }
        _ => names.iter().map(|name| Arm { name: name.clone(), share: None }).collect(),
    };
    let by = rollouts.first().map(|rollout| (rollout.kind.as_str(), rollout.by.as_slice()));
    let (unit, by_kind) = match by {
        Some(("user", [attribute])) if attribute != "key" => (attribute.clone(), false),
        Some((kind, _)) => (kind.to_owned(), true),
        None => ("user".to_owned(), true),
    };
    Ok(Prepared { flags, segments, names, arms, unit, by_kind })
}

/// A text is its own name, anything else its JSON; places where that is not unique.
fn names(values: &[Value]) -> Vec<String> {
    let name = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let names: Vec<String> = values.iter().map(name).collect();
    let unique = (1..names.len()).all(|at| !names[..at].contains(&names[at]));
    if unique { names } else { (0..values.len()).map(|at| at.to_string()).collect() }
}

impl<'v> Data<'v> {
    fn flag(&mut self, name: &'v str) -> Result<usize, Error> {
        if let Some(place) = self.flag_places.get(name) {
            return match self.read[*place] {
                Some(_) => Ok(*place),
                None => Err(self.flags[name].fail("depends on itself")),
            };
        }
        let place = self.read.len();
        self.flag_places.insert(name, place);
        self.read.push(None);
        let node = self.flags[name].clone();
        let mut parents = Vec::new();
        for parent in node.list("prerequisites")? {
            let variation = parent.need("variation")?.whole()? as usize;
            let flag = match self.flags.get_key_value(parent.need("key")?.text()?) {
                Some((name, _)) => Some(self.flag(name)?),
                None => None,
            };
            parents.push((flag, variation));
        }
        let values: Vec<Value> =
            node.need("variations")?.items()?.iter().map(|value| value.value().clone()).collect();
        let count = values.len();
        let mut rules = Vec::new();
        for rule in node.list("rules")? {
            let clauses = self.clauses(&rule)?;
            rules.push((clauses, serves(&rule, (&node, name), count, self.zero_is_seed)?));
        }
        let off = node.get("offVariation").map(|off| variation(&off, count)).transpose()?;
        let on = node.truth_at("on")?;
        let fallthrough = match node.get("fallthrough") {
            Some(fallthrough) => serves(&fallthrough, (&node, name), count, self.zero_is_seed)?,
            None if on => return Err(node.fail("has no \"fallthrough\"")),
            None => Serves::Variation(0),
        };
        let targets = targets(&node, count)?;
        self.read[place] = Some(Flag { on, off, values, parents, targets, rules, fallthrough });
        Ok(place)
    }

    fn clauses(&mut self, node: &Node<'v>) -> Result<Vec<Clause>, Error> {
        let mut clauses = Vec::new();
        for clause in node.list("clauses")? {
            let read =
                Clause::read(&clause, &mut |key, node| match self.segments.get_key_value(key) {
                    Some((key, _)) => self.segment(key, node).map(Some),
                    None => Ok(None),
                })?;
            clauses.push(read);
        }
        Ok(clauses)
    }

    fn segment(&mut self, key: &'v str, from: &Node<'_>) -> Result<usize, Error> {
        if let Some(place) = self.segment_places.get(key) {
            return match self.read_segments[*place] {
                Some(_) => Ok(*place),
                None => Err(from.fail("is a segment that refers to itself")),
            };
        }
        let place = self.read_segments.len();
        self.segment_places.insert(key, place);
        self.read_segments.push(None);
        let node = self.segments[key].clone();
        if node.truth_at("unbounded")? {
            return Err(node.fail("is a big segment, whose members are not in the file"));
        }
        let salt = node.text_at("salt")?.unwrap_or_default();
        let mut rules = Vec::new();
        for rule in node.list("rules")? {
            let kind = rule.text_at("rolloutContextKind")?;
            let by = rule.get("bucketBy").filter(|by| by.value() != "");
            let by = by.map(|by| clause::path(&by, kind.is_some())).transpose()?;
            rules.push(SegmentRule {
                clauses: self.clauses(&rule)?,
                weight: rule.number_at("weight")?,
                kind: kind.unwrap_or("user").to_owned(),
                by: by.unwrap_or_else(|| vec!["key".to_owned()]),
                prefix: format!("{key}.{salt}"),
            });
        }
        let keys = |own: &str, others: &str| -> Result<Vec<(String, Vec<String>)>, Error> {
            let mut all = vec![("user".to_owned(), node.texts_at(own)?)];
            for target in node.list(others)? {
                let kind = target.text_at("contextKind")?.unwrap_or("user").to_owned();
                all.push((kind, target.texts_at("values")?));
            }
            Ok(all)
        };
        self.read_segments[place] = Some(Segment {
            included: keys("included", "includedContexts")?,
            excluded: keys("excluded", "excludedContexts")?,
            rules,
        });
        Ok(place)
    }
}

fn variation(node: &Node<'_>, count: usize) -> Result<usize, Error> {
    let variation = node.whole()? as usize;
    match variation < count {
        true => Ok(variation),
        false => Err(node.fail(format!("is {variation}, and there are {count} variations"))),
    }
}

/// Users first, unless the list of contexts says where they come.
fn targets(node: &Node<'_>, count: usize) -> Result<Vec<Target>, Error> {
    let target = |node: &Node<'_>| {
        Ok(Target {
            kind: node
                .text_at("contextKind")?
                .filter(|kind| !kind.is_empty())
                .unwrap_or("user")
                .to_owned(),
            keys: node.texts_at("values")?,
            variation: variation(&node.need("variation")?, count)?,
        })
    };
    let users: Vec<Target> =
        node.list("targets")?.iter().map(target).collect::<Result<_, Error>>()?;
    let contexts: Vec<Target> =
        node.list("contextTargets")?.iter().map(target).collect::<Result<_, Error>>()?;
    if contexts.is_empty() {
        return Ok(users);
    }
    // A place for users in the list of contexts has their keys in the other one.
    let own = |target: Target| match target.kind.as_str() {
        "user" => {
            let users = users.iter().find(|user| user.variation == target.variation)?;
            Some(Target { keys: users.keys.clone(), ..target })
        }
        _ => Some(target),
    };
    Ok(contexts.into_iter().filter_map(own).collect())
}

fn serves(
    node: &Node<'_>,
    (flag, key): (&Node<'_>, &str),
    count: usize,
    zero_is_seed: bool,
) -> Result<Serves, Error> {
    if let Some(node) = node.get("variation") {
        return Ok(Serves::Variation(variation(&node, count)?));
    }
    let Some(rollout) = node.get("rollout") else {
        return Err(node.fail("has neither \"variation\" nor \"rollout\""));
    };
    let kind = rollout.text_at("contextKind")?;
    let experiment = match rollout.get("kind") {
        None => false,
        Some(kind) => match kind.text()? {
            "experiment" => true,
            "rollout" | "" => false,
            unknown => return Err(kind.fail(format!("the kind \"{unknown}\" is not known"))),
        },
    };
    // An experiment is by the key, whatever else it says.
    let by = rollout.get("bucketBy").filter(|by| !experiment && by.value() != "");
    let by = by.map(|by| clause::path(&by, kind.is_some())).transpose()?;
    let seed = rollout.get("seed").map(|seed| seed.whole()).transpose()?;
    let prefix = match seed.filter(|seed| *seed != 0 || zero_is_seed) {
        Some(seed) => seed.to_string(),
        None => format!("{key}.{}", flag.text_at("salt")?.unwrap_or_default()),
    };
    let weight = |node: &Node<'_>| {
        Ok((node.need("weight")?.number()?, variation(&node.need("variation")?, count)?))
    };
    let nodes = rollout.need("variations")?;
    let weights: Vec<(f64, usize)> =
        nodes.items()?.iter().map(weight).collect::<Result<_, Error>>()?;
    if weights.is_empty() {
        return Err(nodes.fail("is empty"));
    }
    let by = by.unwrap_or_else(|| vec!["key".to_owned()]);
    let kind = kind.filter(|kind| !kind.is_empty()).unwrap_or("user").to_owned();
    Ok(Serves::Rollout(Rollout { prefix, kind, by, weights }))
}
