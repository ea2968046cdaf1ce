//! Flagsmith: MD5 of ids joined by commas, as a share of 0 to 100.
//!
//! Read is the environment document, as SDKs with local evaluation get it. A multivariate feature's
//! arms are called by their option's key, or else by its value; who gets none of them is in
//! `control`. A feature without options has `enabled` and `disabled`. The id is the identity's
//! identifier, attributes are its traits. Source: flagsmith 6.3.0 and flag-engine 11.1.1 for Python.

mod segment;

use std::borrow::Cow;

use serde_json::Value;

use crate::config::{Error, Node};
use crate::hashes::{md5, modulo};
use crate::named::{Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such, script};
use segment::Segment;

/// Flagsmith.
pub const PROVIDER: Provider = Provider {
    name: "flagsmith",
    about: "Flagsmith: the environment document",
    settings: &[],
    inputs: INPUTS,
    encodings: &[],
    prepare: |config, key, _| Ok(Box::new(prepare(config, key)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the identity's key: the environment's key, _, and the identifier"),
    input("object", "the key of the feature state, or of the segment, which comes before it"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let share = percentage(given.need("object")?, given.need("id")?);
    let arm = given.weights()?.and_then(|weights| below(&weights, 100.0, share));
    Ok(Hashed { bucket: Bucket::Share(share), arm })
}

/// 0 <= n < 100: what would be 100 is hashed again with the ids one time more.
fn percentage(object: &str, id: &str) -> f64 {
    let once = format!("{object},{id}");
    let mut text = once.clone();
    loop {
        let share = modulo(&md5(&[&text]), 9999) as f64 / 9998.0 * 100.0;
        if share != 100.0 {
            return share;
        }
        text = format!("{text},{once}");
    }
}

#[derive(Debug)]
struct Prepared {
    environment: String,
    state: State,
    /// Segments with what they give, the one that comes first being the strongest.
    overrides: Vec<(Segment, State)>,
    /// Identities with what they give.
    identities: Vec<(String, State)>,
    arms: Vec<Arm>,
}

/// What an environment, a segment or an identity gives a feature.
#[derive(Debug)]
struct State {
    key: String,
    enabled: bool,
    value: Value,
    /// In the order of their priority.
    options: Vec<Choice>,
}

#[derive(Debug)]
struct Choice {
    name: String,
    value: Value,
    weight: f64,
}

fn prepare(config: &Node<'_>, key: &str) -> Result<Prepared, Error> {
    let states = config.need("feature_states")?.items()?;
    let name = |node: &Node<'_>| node.value()["feature"]["name"].as_str().map(str::to_owned);
    let is_it = |node: &Node<'_>| name(node).as_deref() == Some(key);
    let Some(node) = states.iter().find(|node| is_it(node)) else {
        let names: Vec<String> = states.iter().filter_map(name).collect();
        return Err(no_such("feature", key, names.iter().map(String::as_str)));
    };
    let state = state(node)?;
    let mut overrides = Vec::new();
    for segment in
        config.get("project").map_or(Ok(Vec::new()), |project| project.list("segments"))?
    {
        for node in segment.list("feature_states")?.iter().filter(|node| is_it(node)) {
            let priority = node.get("feature_segment").map(|all| all.need("priority")?.number());
            let priority = priority.transpose()?.unwrap_or(f64::INFINITY);
            overrides.push((priority, segment::read(&segment)?, self::state(node)?));
        }
    }
    overrides.sort_by(|a, b| a.0.total_cmp(&b.0));
    let overrides = overrides.into_iter().map(|(_, segment, state)| (segment, state)).collect();
    let mut identities = Vec::new();
    for identity in config.list("identity_overrides")? {
        let identifier = identity.need("identifier")?.text()?;
        for node in identity.list("identity_features")?.iter().filter(|node| is_it(node)) {
            let own = State { options: Vec::new(), ..self::state(node)? };
            identities.push((identifier.to_owned(), own));
        }
    }
    let arms = match state.options.as_slice() {
        [] => {
            ["enabled", "disabled"].map(|name| Arm { name: name.to_owned(), share: None }).to_vec()
        }
        options => {
            let given: f64 = options.iter().map(|option| option.weight).sum();
            let control = ("control".to_owned(), (100.0 - given).max(0.0));
            let options = options.iter().map(|option| (option.name.clone(), option.weight));
            Arm::weighted(std::iter::once(control).chain(options))
        }
    };
    let environment = config.need("api_key")?.text()?.to_owned();
    Ok(Prepared { environment, state, overrides, identities, arms })
}

fn state(node: &Node<'_>) -> Result<State, Error> {
    let django = node.get("django_id").filter(|id| id.value() != 0);
    let key = django.map_or_else(|| node.need("featurestate_uuid"), Ok)?;
    let mut options: Vec<(u128, Choice)> = Vec::new();
    for node in node.list("multivariate_feature_state_values")? {
        let option = node.need("multivariate_feature_option")?;
        let value = option.value().get("value").cloned().unwrap_or(Value::Null);
        let name = option.text_at("key")?.map(str::to_owned);
        let name = name.unwrap_or_else(|| script::text(Some(&value)).into_owned());
        let priority = match node.get("id").map(|id| id.whole()).transpose()? {
            Some(id) if id != 0 => u128::from(id),
            _ => {
                let uuid = node.need("mv_fs_value_uuid")?;
                let digits = uuid.text()?.replace('-', "");
                u128::from_str_radix(&digits, 16).map_err(|_| uuid.fail("is no UUID"))?
            }
        };
        let weight = node.need("percentage_allocation")?.number()?;
        options.push((priority, Choice { name, value, weight }));
    }
    options.sort_by_key(|(priority, _)| *priority);
    Ok(State {
        key: script::text(Some(key.value())).into_owned(),
        enabled: node.truth_at("enabled")?,
        value: node.value().get("feature_state_value").cloned().unwrap_or(Value::Null),
        options: options.into_iter().map(|(_, option)| option).collect(),
    })
}

/// An identity.
struct Identity<'s> {
    subject: Subject<'s>,
    key: String,
    environment: &'s str,
}

impl<'s> Identity<'s> {
    /// A trait, or what a path names of the rest.
    fn get(&self, property: &str) -> Option<Cow<'s, Value>> {
        let own = self.subject.attributes.and_then(|all| all.get(property));
        let text = |text: &str| Some(Cow::Owned(Value::String(text.to_owned())));
        match (own.filter(|value| !value.is_null()), property) {
            (Some(Value::String(text)), _) => Some(number_like(text)),
            (Some(own), _) => Some(Cow::Borrowed(own)),
            (None, "$.identity.identifier") => text(self.subject.id),
            (None, "$.identity.key") => text(&self.key),
            (None, "$.environment.key") => text(self.environment),
            _ => None,
        }
    }
}

/// A text that looks like a number is one to the engine.
fn number_like(text: &str) -> Cow<'static, Value> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let bare = text.strip_prefix('-').unwrap_or(text);
    let whole = is_number(bare).then(|| text.parse::<i64>().ok().map(Value::from)).flatten();
    let decimal = bare.split_once('.').filter(|(a, b)| is_number(a) && is_number(b));
    let decimal = || decimal.and_then(|_| text.parse::<f64>().ok().map(Value::from));
    Cow::Owned(whole.or_else(decimal).unwrap_or_else(|| Value::String(text.to_owned())))
}

impl State {
    fn serve(&self, key: &str, why: Why) -> Assignment<'_> {
        let value = Some(&self.value);
        if self.options.is_empty() {
            let arm = if self.enabled { "enabled" } else { "disabled" };
            return Assignment::arm(arm, why).value(value);
        }
        let share = percentage(&self.key, key);
        let mut from = 0.0;
        let found = self.options.iter().find(|option| {
            let to = option.weight + from;
            let within = from <= share && share < to;
            from = to;
            within
        });
        let assignment = match found {
            Some(option) => Assignment::arm(&option.name, Why::Bucket).value(Some(&option.value)),
            None => Assignment::arm("control", Why::Bucket).value(value),
        };
        assignment.bucket(Bucket::Share(share))
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let key = format!("{}_{}", self.environment, subject.id);
        let own = self.identities.iter().find(|(identifier, _)| identifier == subject.id);
        if let Some((_, state)) = own {
            return state.serve(&key, Why::Forced);
        }
        let identity = Identity { subject: *subject, key, environment: &self.environment };
        let segment = self.overrides.iter().find(|(segment, _)| segment.contains(&identity));
        match segment {
            Some((_, state)) => state.serve(&identity.key, Why::Rule),
            None => self.state.serve(&identity.key, Why::Default),
        }
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "identifier"
    }
}
