//! Reads what Unleash's client API answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::constraint::Constraint;
use super::direct::Direct;
use super::strategy::{Kind, Stickiness, Strategy, Variant, Variants};
use super::{Flag, Group, Parent, Prepared, VARIANT_SEED};
use crate::config::{Error, Node};
use crate::hashes::Encoding;
use crate::named::Given;
use crate::{Arm, no_such, script};

struct Export<'v> {
    flags: BTreeMap<&'v str, Node<'v>>,
    segments: BTreeMap<String, Node<'v>>,
    encoding: Encoding,
    hostname: Option<String>,
    places: BTreeMap<&'v str, usize>,
    read: Vec<Option<Flag>>,
}

pub(super) fn prepare(config: &Node<'_>, key: &str, given: &Given<'_>) -> Result<Prepared, Error> {
    let flags = config.need("features")?.items()?;
    let mut by_name = BTreeMap::new();
    for flag in flags {
        by_name.insert(flag.need("name")?.text()?, flag);
    }
    let mut segments = BTreeMap::new();
    for segment in config.list("segments")? {
        segments.insert(segment.need("id")?.value().to_string(), segment);
    }
    let mut export = Export {
        flags: by_name,
        segments,
        encoding: given.encoding(Encoding::Utf8)?,
        hostname: given.text("hostname").map(str::to_lowercase),
        places: BTreeMap::new(),
        read: Vec::new(),
    };
    let Some((name, _)) = export.flags.get_key_value(key) else {
        return Err(no_such("flag", key, export.flags.keys().copied()));
    };
    export.flag(name)?;
    let flags: Option<Vec<Flag>> = export.read.into_iter().collect();
    let flags = flags.expect("every flag with a place was read");
    Ok(summary(flags))
}

/// With what is known of the whole flag.
fn summary(flags: Vec<Flag>) -> Prepared {
    let flag = &flags[0];
    let of_strategies = flag.strategies.iter().filter_map(|strategy| strategy.variants.as_ref());
    let all: Vec<&Variants> = of_strategies.chain(&flag.variants).collect();
    let weights = |variants: &Variants| {
        let weight = |variant: &Variant| (variant.name.clone(), f64::from(variant.weight));
        Arm::weighted(variants.list.iter().map(weight))
    };
    let mut arms: Vec<Arm> = Vec::new();
    for arm in all.iter().flat_map(|variants| weights(variants)) {
        match arms.iter_mut().find(|known| known.name == arm.name) {
            // Strategies may weigh the same variant differently.
            Some(known) if known.share != arm.share => known.share = None,
            Some(_) => {}
            None => arms.push(arm),
        }
    }
    let varies = !all.is_empty();
    if !varies {
        let share = match flag.strategies.as_slice() {
            [Strategy { kind: Kind::Rollout { percentage, .. }, .. }] => {
                Some((percentage / 100.0).clamp(0.0, 1.0))
            }
            _ => None,
        };
        arms.push(Arm { name: "enabled".to_owned(), share });
        arms.push(Arm { name: "disabled".to_owned(), share: share.map(|share| 1.0 - share) });
    }
    let by = flag.strategies.iter().find_map(|strategy| match &strategy.kind {
        Kind::Rollout { by: Stickiness::Field(field), .. } => Some(field.clone()),
        _ => None,
    });
    let by = by.or_else(|| all.iter().find_map(|variants| variants.by.clone()));
    let (unit, direct) = (by.unwrap_or_else(|| "userId".to_owned()), Direct::of(&flags));
    Prepared { flags, arms, unit, varies, direct }
}

impl<'v> Export<'v> {
    fn flag(&mut self, name: &'v str) -> Result<usize, Error> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let place = self.read.len();
        self.places.insert(name, place);
        self.read.push(None);
        let node = self.flags[name].clone();
        let mut parents = Vec::new();
        for parent in node.list("dependencies")? {
            let flag = match self.flags.get_key_value(parent.need("feature")?.text()?) {
                Some((name, _)) => Some(self.flag(name)?),
                None => None,
            };
            let enabled = parent.get("enabled").map_or(Ok(true), |enabled| enabled.truth())?;
            parents.push(Parent { flag, enabled, variants: parent.texts_at("variants")? });
        }
        let strategies = node.need("strategies")?.items()?;
        let strategies =
            strategies.iter().map(|node| self.strategy(node)).collect::<Result<_, _>>()?;
        let variants = node.list("variants")?;
        let stickiness = variants.first().map(|first| first.text_at("stickiness")).transpose()?;
        let variants = self.variants(&variants, name, stickiness.flatten())?;
        let enabled = node.truth_at("enabled")?;
        self.read[place] = Some(Flag { enabled, parents, strategies, variants });
        Ok(place)
    }

    fn strategy(&self, node: &Node<'v>) -> Result<Strategy, Error> {
        let mut constraints: Vec<Constraint> =
            node.list("constraints")?.iter().map(Constraint::read).collect::<Result<_, _>>()?;
        for id in node.list("segments")? {
            let segment = self.segments.get(&id.value().to_string());
            let segment = segment.ok_or_else(|| id.fail("there is no such segment"))?;
            for constraint in segment.list("constraints")? {
                constraints.push(Constraint::read(&constraint)?);
            }
        }
        let nothing = Value::Object(serde_json::Map::new());
        let parameters = node.get("parameters");
        let parameters = parameters
            .unwrap_or_else(|| Node::at(format!("{}.parameters", node.place()), &nothing));
        // Parameters are texts, whatever they mean.
        let text = |name: &str| {
            let value = parameters.get(name);
            value.map(|node| script::text(Some(node.value())).into_owned())
        };
        let group = text("groupId");
        let split = |name: &str| list(&text(name).unwrap_or_default());
        let kind_of = node.need("name")?;
        let kind = match kind_of.text()? {
            "default" => Kind::Default,
            "userWithId" => Kind::Users(split("userIds")),
            "remoteAddress" => Kind::Addresses(split("IPs")),
            "applicationHostname" => {
                let hosts = list(&text("hostNames").unwrap_or_default().to_lowercase());
                Kind::Hosts { hosts, own: self.hostname.clone() }
            }
            "gradualRolloutRandom" => Kind::Random(percentage(&parameters, "percentage")?),
            "gradualRolloutUserId" => self.rollout(&parameters, "percentage", "userId")?,
            "gradualRolloutSessionId" => self.rollout(&parameters, "percentage", "sessionId")?,
            "flexibleRollout" => {
                let by = text("stickiness").filter(|by| !by.is_empty());
                self.rollout(&parameters, "rollout", by.as_deref().unwrap_or("default"))?
            }
            unknown => {
                return Err(kind_of
                    .fail(format!("the strategy \"{unknown}\" is not known"))
                    .hint("a strategy of your own cannot be predicted"));
            }
        };
        let variants = node.list("variants")?;
        let own = variants.first().map(|first| first.text_at("stickiness")).transpose()?.flatten();
        let by = own.filter(|by| !by.is_empty()).map(str::to_owned).or_else(|| text("stickiness"));
        let group = group.unwrap_or_else(|| "undefined".to_owned());
        let variants = self.variants(&variants, &group, by.as_deref())?;
        Ok(Strategy { constraints, kind, variants })
    }

    fn rollout(&self, parameters: &Node<'_>, name: &str, by: &str) -> Result<Kind, Error> {
        let group = parameters.get("groupId");
        let group = group.map_or_else(String::new, |node| script::text(Some(node.value())).into());
        Ok(Kind::Rollout {
            group: Group::new(&group, 0, self.encoding),
            percentage: percentage(parameters, name)?,
            by: match by {
                "default" => Stickiness::Default,
                "random" => Stickiness::Random,
                field => Stickiness::Field(field.to_owned()),
            },
        })
    }

    fn variants(
        &self,
        nodes: &[Node<'_>],
        group: &str,
        by: Option<&str>,
    ) -> Result<Option<Variants>, Error> {
        if nodes.is_empty() {
            return Ok(None);
        }
        let variants: Vec<Variant> = nodes.iter().map(variant).collect::<Result<_, _>>()?;
        let total: u64 = variants.iter().map(|variant| u64::from(variant.weight)).sum();
        let total = u32::try_from(total).map_err(|_| nodes[0].fail("weighs too much"))?;
        let group = Group::new(group, VARIANT_SEED, self.encoding);
        let by = by.filter(|by| *by != "default").map(str::to_owned);
        Ok(Some(Variants { group, by, list: variants, total }))
    }
}

fn variant(node: &Node<'_>) -> Result<Variant, Error> {
    let weight = node.need("weight")?;
    let whole = u32::try_from(weight.whole()?).map_err(|_| weight.fail("is too much"))?;
    let forced = |node: &Node<'_>| {
        Ok((node.need("contextName")?.text()?.to_owned(), node.texts_at("values")?))
    };
    Ok(Variant {
        name: node.need("name")?.text()?.to_owned(),
        weight: whole,
        payload: node.get("payload").map(|payload| payload.value().clone()),
        overrides: node.list("overrides")?.iter().map(forced).collect::<Result<_, Error>>()?,
    })
}

fn percentage(parameters: &Node<'_>, name: &str) -> Result<f64, Error> {
    let node = parameters.need(name)?;
    let number = script::number(Some(node.value()));
    if number.is_nan() {
        return Err(node.fail(format!("{} is not a number", node.value())));
    }
    Ok(number)
}

/// Parts between commas; space belongs to the commas and not to the ends.
fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let parts: Vec<&str> = text.split(',').collect();
    let last = parts.len() - 1;
    let trim = |(at, part): (usize, &str)| {
        let part = if at > 0 { part.trim_start() } else { part };
        if at < last { part.trim_end() } else { part }.to_owned()
    };
    parts.into_iter().enumerate().map(trim).collect()
}
