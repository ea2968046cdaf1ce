//! Reads Optimizely's datafile.

use std::collections::BTreeMap;

use super::audience::{self, Audience};
use super::{Experiment, Prepared, Traffic};
use crate::config::{Error, Node};
use crate::{Arm, no_such};

struct Datafile<'v> {
    /// By key, and with the group that they are in.
    experiments: BTreeMap<&'v str, (Node<'v>, Option<Node<'v>>)>,
    audiences: BTreeMap<&'v str, Node<'v>>,
}

pub(super) fn prepare(config: &Node<'_>, key: &str) -> Result<Prepared, Error> {
    for holdout in config.list("holdouts")? {
        if holdout.text_at("status")? == Some("Running") {
            return Err(holdout.fail("holdouts are not supported"));
        }
    }
    let mut experiments = BTreeMap::new();
    for node in config.list("experiments")? {
        experiments.insert(node.need("key")?.text()?, (node, None));
    }
    for group in config.list("groups")? {
        for node in group.list("experiments")? {
            experiments.insert(node.need("key")?.text()?, (node, Some(group.clone())));
        }
    }
    let mut audiences = BTreeMap::new();
    for list in ["audiences", "typedAudiences"] {
        for node in config.list(list)? {
            audiences.insert(node.need("id")?.text()?, node);
        }
    }
    let datafile = Datafile { experiments, audiences };
    let (experiments, rules) = match datafile.experiments.get(key) {
        Some((node, group)) => (vec![datafile.experiment(node, group.as_ref())?], Vec::new()),
        None => datafile.flag(config, key)?,
    };
    let arms = arms(&experiments, &rules);
    Ok(Prepared { experiments, rules, arms })
}

fn arms(experiments: &[Experiment], rules: &[Experiment]) -> Vec<Arm> {
    let of = |experiment: &Experiment| {
        let mut from = 0;
        let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
        for (end, entity) in &experiment.traffic {
            *shares.entry(entity).or_default() += f64::from(end.saturating_sub(from));
            from = from.max(*end);
        }
        let share = |id: &str| shares.get(id).copied().unwrap_or(0.0);
        let named = experiment.variations.iter().map(|(id, key)| (key.clone(), share(id)));
        Arm::weighted(named)
    };
    if let ([only], []) = (experiments, rules) {
        return of(only);
    }
    let mut arms: Vec<Arm> = Vec::new();
    for arm in experiments.iter().chain(rules).flat_map(of) {
        if arms.iter().all(|known| known.name != arm.name) {
            arms.push(Arm { share: None, ..arm });
        }
    }
    arms
}

impl<'v> Datafile<'v> {
    /// A flag's experiments and delivery rules.
    fn flag(
        &self,
        config: &Node<'v>,
        key: &str,
    ) -> Result<(Vec<Experiment>, Vec<Experiment>), Error> {
        let flags = config.list("featureFlags")?;
        let named = |node: &&Node<'_>| node.value()["key"].as_str() == Some(key);
        let Some(flag) = flags.iter().find(named) else {
            let flags = flags.iter().filter_map(|node| node.value()["key"].as_str());
            return Err(no_such(
                "experiment or flag",
                key,
                self.experiments.keys().copied().chain(flags),
            ));
        };
        let mut experiments = Vec::new();
        for id in flag.list("experimentIds")? {
            let wanted = id.text()?;
            let known = self.experiments.values().find(|(node, _)| node.value()["id"] == wanted);
            let (node, group) = known.ok_or_else(|| id.fail("there is no such experiment"))?;
            experiments.push(self.experiment(node, group.as_ref())?);
        }
        let rollout = flag.text_at("rolloutId")?.filter(|id| !id.is_empty());
        let rollouts = config.list("rollouts")?;
        let rollout = rollouts.iter().find(|node| node.value()["id"].as_str() == rollout);
        let rules = match rollout {
            Some(rollout) => rollout.list("experiments")?,
            None => Vec::new(),
        };
        let rules = rules.iter().map(|node| self.experiment(node, None)).collect::<Result<_, _>>();
        Ok((experiments, rules?))
    }

    fn experiment(&self, node: &Node<'v>, group: Option<&Node<'v>>) -> Result<Experiment, Error> {
        if let Some(bandit) = node.get("cmab") {
            return Err(bandit.fail("is a contextual bandit, which the service decides"));
        }
        let conditions = node.get("audienceConditions").or_else(|| node.get("audienceIds"));
        let audience = match conditions {
            Some(conditions) => audience::of_experiment(&conditions, &self.audiences)?,
            None => Audience::Everyone,
        };
        let variation = |node: &Node<'_>| {
            let key = node.need("key")?.text()?.to_owned();
            Ok((node.need("id")?.text()?.to_owned(), key))
        };
        let variations = node.need("variations")?.items()?;
        let forced = node.get("forcedVariations").map_or(Ok(Vec::new()), |all| all.fields())?;
        let forced = forced
            .into_iter()
            .map(|(user, key)| Ok((user.to_owned(), key.text()?.to_owned())))
            .collect::<Result<_, Error>>()?;
        let group = group.filter(|group| group.value()["policy"] == "random");
        let group = group
            .map(|group| Ok::<_, Error>((group.need("id")?.text()?.to_owned(), traffic(group)?)))
            .transpose()?;
        Ok(Experiment {
            id: node.need("id")?.text()?.to_owned(),
            running: node.text_at("status")? == Some("Running"),
            group,
            audience,
            traffic: traffic(node)?,
            variations: variations.iter().map(variation).collect::<Result<_, Error>>()?,
            forced,
        })
    }
}

fn traffic(node: &Node<'_>) -> Result<Traffic, Error> {
    let range = |node: &Node<'_>| {
        let end = node.need("endOfRange")?;
        let whole = u32::try_from(end.whole()?).map_err(|_| end.fail("is too much"))?;
        Ok((whole, node.text_at("entityId")?.unwrap_or_default().to_owned()))
    };
    node.need("trafficAllocation")?.items()?.iter().map(range).collect()
}
