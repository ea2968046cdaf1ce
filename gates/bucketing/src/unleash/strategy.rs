//! Unleash's activation strategies and variants.

use std::borrow::Cow;

use serde_json::Value;

use super::constraint::Constraint;
use super::{Group, context};
use crate::addresses::Network;
use crate::{Subject, Why};

#[derive(Debug)]
pub(super) struct Strategy {
    pub constraints: Vec<Constraint>,
    pub kind: Kind,
    pub variants: Option<Variants>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Default,
    /// A share in per cent, by a hash.
    Rollout {
        group: Group,
        percentage: f64,
        by: Stickiness,
    },
    /// A share in per cent, by lots.
    Random(f64),
    Users(Vec<String>),
    Addresses(Vec<String>),
    Hosts {
        hosts: Vec<String>,
        own: Option<String>,
    },
}

#[derive(Debug)]
pub(super) enum Stickiness {
    /// The user, or else the session, or else lots.
    Default,
    Random,
    /// A field; who has none is out.
    Field(String),
}

const LOTS: Why = Why::Unpredictable("Unleash draws lots");

/// The context's fields that stand for an id, first come first.
fn first_of<'s>(subject: &Subject<'s>, fields: &[&str]) -> Option<Cow<'s, str>> {
    fields.iter().find_map(|field| {
        let text = match subject.id_as(field, "userId") {
            Some(id) => Cow::Borrowed(id),
            None => crate::script::text(Some(subject.attributes?.get(*field)?)),
        };
        Some(text).filter(|text| !text.is_empty())
    })
}

impl Strategy {
    /// Whether it lets a subject in; the bucket is kept when one was computed.
    pub(super) fn lets_in(
        &self,
        subject: &Subject<'_>,
        bucket: &mut Option<u32>,
    ) -> Result<bool, Why> {
        for constraint in &self.constraints {
            if !constraint.holds(subject)? {
                return Ok(false);
            }
        }
        match &self.kind {
            Kind::Default => Ok(true),
            Kind::Random(percentage) => lots(*percentage),
            Kind::Rollout { group, percentage, by } => {
                let id = match by {
                    Stickiness::Default => first_of(subject, &["userId", "sessionId"]),
                    Stickiness::Random => None,
                    Stickiness::Field(field) => {
                        match context(subject, field).filter(|id| !id.is_empty()) {
                            Some(id) => Some(id),
                            None => return Ok(false),
                        }
                    }
                };
                let Some(id) = id else { return lots(*percentage) };
                let number = group.bucket(&id, 100);
                *bucket = Some(number);
                Ok(*percentage > 0.0 && f64::from(number) <= *percentage)
            }
            Kind::Users(users) => {
                Ok(context(subject, "userId")
                    .is_some_and(|id| users.iter().any(|user| *user == id)))
            }
            Kind::Addresses(ranges) => {
                let address = context(subject, "remoteAddress").unwrap_or_default();
                let network = Network::read(&address).filter(Network::is_v4);
                Ok(ranges.iter().any(|range| {
                    *range == address
                        || network.is_some_and(|address| {
                            Network::read(range).is_some_and(|range| range.contains(&address))
                        })
                }))
            }
            Kind::Hosts { hosts, own: Some(own) } => Ok(hosts.contains(own)),
            Kind::Hosts { own: None, .. } => {
                Err(Why::Unpredictable("Unleash asks for the host's name, which is not set"))
            }
        }
    }
}

/// Nobody and everybody can be told without drawing.
fn lots(percentage: f64) -> Result<bool, Why> {
    match percentage {
        all if all >= 100.0 => Ok(true),
        none if none < 1.0 => Ok(false),
        _ => Err(LOTS),
    }
}

#[derive(Debug)]
pub(super) struct Variants {
    pub group: Group,
    /// The field that is hashed; none for user, session or address, first come first.
    pub by: Option<String>,
    pub list: Vec<Variant>,
    pub total: u32,
}

#[derive(Debug)]
pub(super) struct Variant {
    pub name: String,
    pub weight: u32,
    pub payload: Option<Value>,
    /// Fields with values that get this variant whatever the hash.
    pub overrides: Vec<(String, Vec<String>)>,
}

type Chosen<'p> = Option<(&'p str, Option<&'p Value>)>;

impl Variants {
    pub(super) fn choose<'p>(
        &'p self,
        subject: &Subject<'_>,
        bucket: &mut Option<u32>,
        why: &mut Option<Why>,
    ) -> Result<Chosen<'p>, Why> {
        let given = |variant: &'p Variant| Some((variant.name.as_str(), variant.payload.as_ref()));
        if self.total == 0 {
            return Ok(None);
        }
        let is_forced = |variant: &&Variant| {
            variant.overrides.iter().any(|(field, values)| {
                context(subject, field).is_some_and(|value| values.iter().any(|one| *one == value))
            })
        };
        if let Some(variant) = self.list.iter().find(is_forced) {
            *why = Some(Why::Forced);
            return Ok(given(variant));
        }
        let id = match &self.by {
            None => first_of(subject, &["userId", "sessionId", "remoteAddress"]),
            Some(field) => context(subject, field).filter(|id| !id.is_empty()),
        };
        let target = match id {
            Some(id) => self.group.bucket(&id, self.total),
            None => {
                let mut possible = self.list.iter().filter(|variant| variant.weight > 0);
                return match (possible.next(), possible.next()) {
                    (Some(only), None) => Ok(given(only)),
                    _ => Err(LOTS),
                };
            }
        };
        *bucket = Some(target);
        *why = Some(Why::Bucket);
        let mut up_to = 0;
        let found = self.list.iter().find(|variant| {
            up_to += variant.weight;
            variant.weight > 0 && up_to >= target
        });
        Ok(found.and_then(given))
    }
}
