//! Reads GrowthBook's payload.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::condition::{Condition, Reader};
use super::experiment::{Experiment, Sticky, Unit};
use super::page::Pages;
use super::{
    Asked, Feature, Filter, Parent, Prepared, Range, Rollout, Rule, Seed, Serves, Share, Version,
    ranges,
};
use crate::config::{Error, Node};
use crate::hashes::Encoding;
use crate::pattern::{Dialect, Pattern};
use crate::{Arm, no_such};

/// What is collected while features are read that depend on each other.
struct Payload<'v> {
    features: BTreeMap<&'v str, Node<'v>>,
    conditions: Reader<'v>,
    bandits: Option<Node<'v>>,
    encoding: Encoding,
    /// Places in `read`; known before the feature itself is read, so that cycles end.
    places: BTreeMap<&'v str, usize>,
    read: Vec<Option<Feature>>,
}

pub(super) fn prepare(config: &Node<'_>, key: &str, encoding: Encoding) -> Result<Prepared, Error> {
    for part in ["encryptedFeatures", "encryptedExperiments", "encryptedSavedGroups"] {
        if let Some(part) = config.get(part) {
            return Err(part.fail("is encrypted").hint("give the payload as the SDK decrypts it"));
        }
    }
    let features = config.get("features").map_or(Ok(Vec::new()), |all| all.fields())?;
    let groups = config.get("savedGroups").map(|all| all.object()).transpose()?;
    let mut payload = Payload {
        features: features.into_iter().collect(),
        conditions: Reader { groups },
        bandits: config.get("contextualBandits"),
        encoding,
        places: BTreeMap::new(),
        read: Vec::new(),
    };
    let asked = payload.asked(config, key)?;
    let read: Option<Vec<Feature>> = payload.read.into_iter().collect();
    let features = read.expect("every feature with a place was read");
    let forced = config.get("forcedVariations").map(|all| all.object()).transpose()?;
    let experiments: Vec<&Experiment> = match &asked {
        Asked::Experiment(experiment) => vec![experiment],
        Asked::Feature(key) => features[0]
            .rules
            .iter()
            .filter_map(|rule| match &rule.serves {
                Serves::Experiment(experiment) => Some(&**experiment),
                _ => None,
            })
            .filter(|experiment| key.as_ref().is_none_or(|key| *key == experiment.key))
            .collect(),
    };
    let unit = experiments.first().map_or("id", |first| &first.unit.attribute).to_owned();
    let arms = arms(&experiments);
    let forced = forced.cloned().unwrap_or_else(Map::new);
    let plain = forced.is_empty()
        && match (features.as_slice(), &asked) {
            ([Feature { rules, .. }], Asked::Feature(_)) => match rules.as_slice() {
                [Rule { parents, filters, serves: Serves::Experiment(experiment) }] => {
                    parents.is_empty() && filters.is_empty() && experiment.is_plain()
                }
                _ => false,
            },
            _ => false,
        };
    Ok(Prepared { features, asked, arms, unit, forced, plain })
}

/// Arms of one experiment with their shares; of several by their names alone.
fn arms(experiments: &[&Experiment]) -> Vec<Arm> {
    match experiments {
        [only] => {
            let widths = only.ranges.iter().map(|range| range.1 - range.0);
            Arm::weighted(only.names.iter().cloned().zip(widths))
        }
        several => {
            let mut arms: Vec<Arm> = Vec::new();
            for name in several.iter().flat_map(|experiment| &experiment.names) {
                if arms.iter().all(|arm| arm.name != *name) {
                    arms.push(Arm { name: name.clone(), share: None });
                }
            }
            arms
        }
    }
}

impl<'v> Payload<'v> {
    /// What a key means: a feature, an experiment in a feature's rules, one by itself.
    fn asked(&mut self, config: &Node<'v>, key: &str) -> Result<Asked, Error> {
        if let Some((name, _)) = self.features.get_key_value(key) {
            self.feature(name)?;
            return Ok(Asked::Feature(None));
        }
        let is_it = |node: &Node<'_>| node.value().get("key").and_then(Value::as_str) == Some(key);
        let within = self.features.iter().find_map(|(name, feature)| {
            feature.list("rules").ok()?.iter().any(is_it).then_some(*name)
        });
        if let Some(name) = within {
            self.feature(name)?;
            return Ok(Asked::Feature(Some(key.to_owned())));
        }
        let experiments = config.list("experiments")?;
        let inline = config.get("variations").map(|_| config.clone());
        if let Some(node) = experiments.iter().chain(&inline).find(|node| is_it(node)) {
            let experiment = self.experiment(node, key)?;
            return Ok(Asked::Experiment(Box::new(experiment)));
        }
        let keys = experiments.iter().filter_map(|node| node.value().get("key")?.as_str());
        Err(no_such("feature or experiment", key, self.features.keys().copied().chain(keys)))
    }

    fn feature(&mut self, name: &'v str) -> Result<usize, Error> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let place = self.read.len();
        self.places.insert(name, place);
        self.read.push(None);
        let node = self.features[name].clone();
        let default = node.get("defaultValue").map_or(Value::Null, |value| value.value().clone());
        let rules = node.list("rules")?;
        let rules: Vec<Rule> =
            rules.iter().map(|rule| self.rule(rule, name)).collect::<Result<_, _>>()?;
        let depends = rules.iter().any(|rule| !rule.parents.is_empty());
        self.read[place] = Some(Feature { default, rules, depends });
        Ok(place)
    }

    fn rule(&mut self, node: &Node<'v>, feature: &str) -> Result<Rule, Error> {
        let parents = self.parents(node)?;
        let filters = self.filters(node)?.unwrap_or_default();
        let serves = if let Some(value) = node.value().get("force") {
            let condition = self.condition(node)?;
            let rollout = self.rollout(node, feature)?;
            Serves::Force { value: value.clone(), condition, rollout }
        } else if node.get("variations").or_else(|| node.get("contextualVariations")).is_some() {
            let key = node.text_at("key")?.filter(|key| !key.is_empty()).unwrap_or(feature);
            let mut experiment = self.experiment(node, key)?;
            // The rule itself asks for them, and an experiment of a rule does not.
            experiment.parents = Vec::new();
            Serves::Experiment(Box::new(experiment))
        } else {
            Serves::Nothing
        };
        Ok(Rule { parents, filters, serves })
    }

    fn parents(&mut self, node: &Node<'v>) -> Result<Vec<Parent>, Error> {
        let mut parents = Vec::new();
        for parent in node.list("parentConditions")? {
            let id = parent.need("id")?.text()?;
            let feature = match self.features.get_key_value(id) {
                Some((name, _)) => Some(self.feature(name)?),
                None => None,
            };
            let condition = self.condition(&parent)?.unwrap_or(Condition::All(Vec::new()));
            parents.push(Parent { feature, condition, gate: parent.truth_at("gate")? });
        }
        Ok(parents)
    }

    fn condition(&self, node: &Node<'v>) -> Result<Option<Condition>, Error> {
        node.get("condition").map(|node| self.conditions.condition(&node)).transpose()
    }

    fn version(node: &Node<'_>, usual: Version) -> Result<Version, Error> {
        let Some(version) = node.get("hashVersion") else { return Ok(usual) };
        match version.whole()? {
            0 => Ok(usual),
            1 => Ok(Version::One),
            2 => Ok(Version::Two),
            unknown => Err(version.fail(format!("{unknown} is not known")).hint("it is 1 or 2")),
        }
    }

    fn unit(node: &Node<'_>, attribute: &str) -> Result<Unit, Error> {
        let text = |name| Ok(node.text_at(name)?.filter(|text| !text.is_empty()));
        let attribute = text(attribute)?.unwrap_or("id").to_owned();
        let sticky = !node.truth_at("disableStickyBucketing")?;
        let fallback = text("fallbackAttribute")?.filter(|_| sticky).map(str::to_owned);
        Ok(Unit { attribute, fallback })
    }

    fn filters(&self, node: &Node<'_>) -> Result<Option<Vec<Filter>>, Error> {
        let Some(filters) = node.get("filters") else { return Ok(None) };
        let filter = |filter: &Node<'_>| {
            let version = Self::version(filter, Version::Two)?;
            let seed = Seed::new(filter.need("seed")?.text()?, version, self.encoding);
            let ranges =
                filter.need("ranges")?.items()?.iter().map(range).collect::<Result<_, _>>();
            Ok(Filter { unit: Self::unit(filter, "attribute")?, seed, ranges: ranges? })
        };
        filters.items()?.iter().map(filter).collect::<Result<_, _>>().map(Some)
    }

    fn rollout(&self, node: &Node<'_>, feature: &str) -> Result<Option<Rollout>, Error> {
        let share = match (node.get("range"), node.number_at("coverage")?) {
            (Some(node), _) => Share::Range(range(&node)?),
            (None, Some(coverage)) => Share::UpTo(coverage),
            (None, None) => return Ok(None),
        };
        let seed = node.text_at("seed")?.filter(|seed| !seed.is_empty()).unwrap_or(feature);
        let seed = Seed::new(seed, Self::version(node, Version::One)?, self.encoding);
        Ok(Some(Rollout { unit: Self::unit(node, "hashAttribute")?, seed, share }))
    }

    fn experiment(&mut self, node: &Node<'v>, key: &str) -> Result<Experiment, Error> {
        let variations = node.get("contextualVariations");
        let variations = variations.map_or_else(|| node.need("variations"), Ok)?.items()?;
        let values: Vec<Value> = variations.iter().map(|value| value.value().clone()).collect();
        let meta = node.list("meta")?;
        let of = |at: usize| meta.get(at);
        let count = values.len();
        let keys = meta
            .iter()
            .map(|meta| Ok(meta.text_at("key")?.map(str::to_owned)))
            .collect::<Result<Vec<_>, Error>>()?;
        let named = |at: usize| keys.get(at).cloned().flatten().filter(|key| !key.is_empty());
        let passing = (0..count)
            .map(|at| of(at).map_or(Ok(false), |meta| meta.truth_at("passthrough")))
            .collect::<Result<_, _>>()?;
        let seed = node.text_at("seed")?.filter(|seed| !seed.is_empty()).unwrap_or(key);
        let weights = node
            .get("weights")
            .map(|all| all.items()?.iter().map(Node::number).collect::<Result<Vec<f64>, _>>())
            .transpose()?;
        let coverage = node.number_at("coverage")?.unwrap_or(1.0);
        let own_ranges: Option<Vec<Range>> = node
            .get("ranges")
            .map(|all| all.items()?.iter().map(range).collect::<Result<_, _>>())
            .transpose()?;
        let leaves = match own_ranges {
            Some(_) => Vec::new(),
            None => self.leaves(node, count, coverage)?,
        };
        if let Some(groups) = node.get("groups") {
            return Err(groups.fail("groups of users are not supported").hint("use a condition"));
        }
        let status = node.text_at("status")?;
        let old_page = node.get("url").map(|url| Pattern::of(&url, Dialect::Script, false));
        Ok(Experiment {
            key: key.to_owned(),
            names: (0..count).map(|at| named(at).unwrap_or_else(|| at.to_string())).collect(),
            passing,
            unit: Self::unit(node, "hashAttribute")?,
            seed: Seed::new(seed, Self::version(node, Version::One)?, self.encoding),
            ranges: own_ranges.unwrap_or_else(|| ranges(count, coverage, weights.as_deref())),
            values,
            filters: self.filters(node)?,
            namespace: node.get("namespace").map(|all| self.namespace(&all)).transpose()?,
            condition: self.condition(node)?,
            parents: self.parents(node)?,
            pages: node.get("urlPatterns").map(|all| Pages::read(&all)).transpose()?,
            old_page: old_page.transpose()?,
            inactive: status == Some("draft")
                || !node.get("active").map_or(Ok(true), |active| active.truth())?,
            stopped: status == Some("stopped"),
            forced: node.number_at("force")?,
            sticky: Sticky {
                off: node.truth_at("disableStickyBucketing")?,
                version: node.get("bucketVersion").map_or(Ok(0), |version| version.whole())?,
                least: node.get("minBucketVersion").map_or(Ok(0), |version| version.whole())?,
                keys,
            },
            leaves,
        })
    }

    fn namespace(&self, node: &Node<'_>) -> Result<(Seed, Range), Error> {
        match node.items()?.as_slice() {
            [name, from, to] => {
                let seed = format!("__{}", name.text()?);
                let seed = Seed::new(&seed, Version::One, self.encoding);
                Ok((seed, (from.number()?, to.number()?)))
            }
            _ => Err(node.fail("is not a name and two ends")),
        }
    }

    /// Weights of a contextual bandit, each under its condition.
    fn leaves(
        &self,
        node: &Node<'v>,
        arms: usize,
        coverage: f64,
    ) -> Result<Vec<(Condition, Vec<Range>)>, Error> {
        let Some(name) = node.text_at("contextualBanditRef")? else { return Ok(Vec::new()) };
        let bandit = self.bandits.as_ref().and_then(|bandits| bandits.get(name));
        let Some(bandit) = bandit else { return Ok(Vec::new()) };
        let leaf = |leaf: &Node<'v>| {
            let weights = leaf.need("weights")?.items()?;
            let weights: Vec<f64> = weights.iter().map(Node::number).collect::<Result<_, _>>()?;
            let condition = self.condition(leaf)?.unwrap_or(Condition::All(Vec::new()));
            Ok((condition, ranges(arms, coverage, Some(&weights))))
        };
        bandit.list("contexts")?.iter().map(leaf).collect()
    }
}

fn range(node: &Node<'_>) -> Result<Range, Error> {
    match node.items()?.as_slice() {
        [from, to] => Ok((from.number()?, to.number()?)),
        _ => Err(node.fail("is not two ends")),
    }
}
