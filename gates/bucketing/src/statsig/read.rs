//! Reads Statsig's config specs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::condition;
use super::{Prepared, Rule, Spec};
use crate::config::{Error, Node};
use crate::{Arm, no_such, script};

struct Specs<'v> {
    gates: BTreeMap<&'v str, Node<'v>>,
    configs: BTreeMap<&'v str, Node<'v>>,
    places: BTreeMap<String, usize>,
    read: Vec<Option<Spec>>,
}

fn by_name<'v>(config: &Node<'v>, list: &str) -> Result<BTreeMap<&'v str, Node<'v>>, Error> {
    config.list(list)?.into_iter().map(|node| Ok((node.need("name")?.text()?, node))).collect()
}

pub(super) fn prepare(config: &Node<'_>, key: &str) -> Result<Prepared, Error> {
    let gates = by_name(config, "feature_gates")?;
    let mut configs = by_name(config, "dynamic_configs")?;
    let layers = by_name(config, "layer_configs")?;
    let is_layer = !configs.contains_key(key) && layers.contains_key(key);
    if is_layer {
        configs.insert(key, layers[key].clone());
    }
    let mut specs = Specs { gates, configs, places: BTreeMap::new(), read: Vec::new() };
    let is_gate = !specs.configs.contains_key(key);
    let known = if is_gate { &specs.gates } else { &specs.configs };
    let Some(node) = known.get(key).cloned() else {
        let names = specs.gates.keys().chain(specs.configs.keys()).copied();
        return Err(no_such("gate or experiment", key, names));
    };
    let unit = node.text_at("idType")?.unwrap_or("userID").to_owned();
    specs.spec(&node, key, is_gate)?;
    let read: Option<Vec<Spec>> = specs.read.into_iter().collect();
    let specs = read.expect("every spec with a place was read");
    let arms = arms(&specs, is_gate);
    Ok(Prepared { specs, arms, unit })
}

fn arms(specs: &[Spec], is_gate: bool) -> Vec<Arm> {
    let arm = |name: &str| Arm { name: name.to_owned(), share: None };
    if is_gate {
        return vec![arm("true"), arm("false")];
    }
    let delegates = specs[0].rules.iter().filter_map(|rule| rule.delegate);
    let all = std::iter::once(0).chain(delegates).flat_map(|at| &specs[at].rules);
    let serving = all.filter(|rule| rule.percentage > 0.0 && rule.delegate.is_none());
    let mut arms: Vec<Arm> = Vec::new();
    for rule in serving {
        if arms.iter().all(|known| known.name != rule.name) {
            arms.push(arm(&rule.name));
        }
    }
    arms
}

impl<'v> Specs<'v> {
    fn spec(&mut self, node: &Node<'v>, name: &str, is_gate: bool) -> Result<usize, Error> {
        let place_name = format!("{} {name}", if is_gate { "gate" } else { "config" });
        if let Some(place) = self.places.get(&place_name) {
            return match self.read[*place] {
                Some(_) => Ok(*place),
                None => Err(node.fail("depends on itself")),
            };
        }
        let place = self.read.len();
        self.places.insert(place_name, place);
        self.read.push(None);
        let mut rules = Vec::new();
        for rule in node.need("rules")?.items()? {
            rules.push(self.rule(&rule)?);
        }
        let value = |name| node.value().get(name).cloned().unwrap_or(Value::Null);
        self.read[place] = Some(Spec {
            enabled: node.truth_at("enabled")?,
            is_gate,
            salt: script::text(Some(node.need("salt")?.value())).into_owned(),
            default: value("defaultValue"),
            rules,
        });
        Ok(place)
    }

    fn rule(&mut self, node: &Node<'v>) -> Result<Rule, Error> {
        let id = node.need("id")?.text()?;
        let group = node.text_at("groupName")?.filter(|name| !name.is_empty());
        let mut conditions = Vec::new();
        for condition in node.list("conditions")? {
            conditions.push(condition::read(&condition, &mut |node, name| {
                let gate = self.gates.get(name).cloned();
                let gate = gate.ok_or_else(|| node.fail("there is no such gate"))?;
                self.spec(&gate, name, true)
            })?);
        }
        let delegate = match node.text_at("configDelegate")?.filter(|name| !name.is_empty()) {
            // One that is not there leaves the decision to the rule.
            Some(name) => match self.configs.get(name).cloned() {
                Some(config) => Some(self.spec(&config, name, false)?),
                None => None,
            },
            None => None,
        };
        Ok(Rule {
            name: group.unwrap_or(id).to_owned(),
            salt: node.text_at("salt")?.unwrap_or(id).to_owned(),
            id_type: node.text_at("idType")?.unwrap_or("userID").to_owned(),
            percentage: node.need("passPercentage")?.number()?,
            conditions,
            value: node.value().get("returnValue").cloned().unwrap_or(Value::Null),
            delegate,
        })
    }
}
