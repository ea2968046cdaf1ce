//! Reads PostHog's definitions for local evaluation.

use std::collections::BTreeMap;

use super::property::Test;
use super::{Cohort, Condition, Filter, Flag, Prepared};
use crate::config::{Error, Node};
use crate::{Arm, no_such};

struct Definitions<'v> {
    flags: BTreeMap<&'v str, Node<'v>>,
    cohorts: Option<Node<'v>>,
    groups: Option<Node<'v>>,
    /// Whether words for true and false are compared as any others.
    strict: bool,
    places: BTreeMap<&'v str, usize>,
    read: Vec<Option<Flag>>,
}

pub(super) fn prepare(config: &Node<'_>, key: &str) -> Result<Prepared, Error> {
    let mut flags = BTreeMap::new();
    for flag in config.need("flags")?.items()? {
        flags.insert(flag.need("key")?.text()?, flag);
    }
    let mut definitions = Definitions {
        flags,
        cohorts: config.get("cohorts"),
        groups: config.get("group_type_mapping"),
        strict: config.number_at("property_matching_version")? == Some(2.0),
        places: BTreeMap::new(),
        read: Vec::new(),
    };
    let Some((name, _)) = definitions.flags.get_key_value(key) else {
        return Err(no_such("flag", key, definitions.flags.keys().copied()));
    };
    definitions.flag(name)?;
    let flags: Option<Vec<Flag>> = definitions.read.into_iter().collect();
    let flags = flags.expect("every flag with a place was read");
    let flag = &flags[0];
    let arms = match (flag.variants.as_slice(), flag.conditions.as_slice()) {
        ([], [only]) => {
            let share = only.rollout.map_or(1.0, |rollout| (rollout / 100.0).clamp(0.0, 1.0));
            let arm = |name: &str, share| Arm { name: name.to_owned(), share: Some(share) };
            vec![arm("true", share), arm("false", 1.0 - share)]
        }
        ([], _) => {
            let arm = |name: &str| Arm { name: name.to_owned(), share: None };
            vec![arm("true"), arm("false")]
        }
        (variants, _) => Arm::weighted(variants.iter().map(|(key, from, to)| (key, to - from))),
    };
    let unit = match &flag.group {
        Some(Some(group)) => group.clone(),
        _ if flag.by_device => "$device_id".to_owned(),
        _ => "distinct_id".to_owned(),
    };
    Ok(Prepared { flags, arms, unit })
}

impl<'v> Definitions<'v> {
    /// A type of group by its number; the inner one is none when the number means nothing.
    fn group(&self, node: &Node<'v>) -> Result<Option<Option<String>>, Error> {
        let Some(index) = node.get("aggregation_group_type_index") else { return Ok(None) };
        let name = index.whole()?.to_string();
        let name = self.groups.as_ref().and_then(|groups| groups.get(&name));
        name.map(|name| name.text().map(str::to_owned)).transpose().map(Some)
    }

    fn flag(&mut self, name: &'v str) -> Result<usize, Error> {
        if let Some(place) = self.places.get(name) {
            return match self.read[*place] {
                Some(_) => Ok(*place),
                None => Err(self.flags[name].fail("depends on itself")),
            };
        }
        let place = self.read.len();
        self.places.insert(name, place);
        self.read.push(None);
        let node = self.flags[name].clone();
        let filters = node.need("filters")?;
        let group = self.group(&filters)?;
        let mut conditions = Vec::new();
        for condition in filters.list("groups")? {
            conditions.push(self.condition(&condition, group.as_ref())?);
        }
        let mut variants = Vec::new();
        let mut from = 0.0;
        if let Some(multivariate) = filters.get("multivariate") {
            for variant in multivariate.list("variants")? {
                let to = from + variant.need("rollout_percentage")?.number()? / 100.0;
                variants.push((variant.need("key")?.text()?.to_owned(), from, to));
                from = to;
            }
        }
        let holdout = match filters.get("holdout") {
            Some(holdout) => match holdout.number_at("exclusion_percentage")? {
                Some(share) => Some((format!("holdout-{}", holdout.need("id")?.value()), share)),
                None => None,
            },
            None => None,
        };
        self.read[place] = Some(Flag {
            key: name.to_owned(),
            active: node.truth_at("active")?,
            continuous: node.truth_at("ensure_experience_continuity")?,
            by_device: group.is_none()
                && node.text_at("bucketing_identifier")? == Some("device_id"),
            group,
            holdout,
            early_exit: filters.truth_at("early_exit")?,
            conditions,
            variants,
        });
        Ok(place)
    }

    fn condition(
        &mut self,
        node: &Node<'v>,
        of_flag: Option<&Option<String>>,
    ) -> Result<Condition, Error> {
        let group = self.group(node)?.filter(|own| of_flag != Some(own));
        let mut filters = Vec::new();
        for filter in node.list("properties")? {
            filters.push(self.filter(&filter, &[])?);
        }
        Ok(Condition {
            group,
            filters,
            rollout: node.number_at("rollout_percentage")?,
            variant: node.text_at("variant")?.map(str::to_owned),
        })
    }

    fn filter(&mut self, node: &Node<'v>, within: &[String]) -> Result<Filter, Error> {
        match node.text_at("type")?.unwrap_or("person") {
            "cohort" => {
                let id = node.need("value")?;
                let name = id.value().to_string().trim_matches('"').to_owned();
                if within.contains(&name) {
                    return Err(id.fail("is a cohort that refers to itself"));
                }
                let cohort = self.cohorts.as_ref().and_then(|cohorts| cohorts.get(&name));
                let cohort = cohort.ok_or_else(|| {
                    id.fail("is a cohort that the export does not have")
                        .hint("the members of a static cohort are known to the service alone")
                })?;
                let within: Vec<String> = within.iter().cloned().chain([name]).collect();
                let cohort = self.cohort(&cohort, &within)?;
                Ok(Filter::Cohort { cohort, expect: node.text_at("operator")? != Some("not_in") })
            }
            "flag" => {
                let key = node.need("key")?;
                let Some((name, _)) = self.flags.get_key_value(key.text()?) else {
                    return Err(key.fail("there is no such flag"));
                };
                let expect = node.need("value")?.value().clone();
                Ok(Filter::Flag { flag: self.flag(name)?, expect })
            }
            "person" | "group" | "event" => {
                let key = node.need("key")?.text()?.to_owned();
                Ok(Filter::Property { key, test: Test::read(node, self.strict)? })
            }
            unknown => Err(node.fail(format!("the type \"{unknown}\" is not known"))),
        }
    }

    fn cohort(&mut self, node: &Node<'v>, within: &[String]) -> Result<Cohort, Error> {
        if node.object()?.is_empty() {
            return Ok(Cohort::Everyone);
        }
        let kind = node.need("type")?;
        let any = match kind.text()? {
            "OR" => true,
            "AND" | "property" => false,
            unknown => return Err(kind.fail(format!("\"{unknown}\" is not known"))),
        };
        let mut parts = Vec::new();
        for part in node.list("values")? {
            parts.push(match part.get("values") {
                Some(_) => self.cohort(&part, within)?,
                None => Cohort::Filter {
                    filter: Box::new(self.filter(&part, within)?),
                    negated: part.truth_at("negation")?,
                },
            });
        }
        Ok(if any { Cohort::Any(parts) } else { Cohort::All(parts) })
    }
}
