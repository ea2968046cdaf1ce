//! One experiment of GrowthBook, alone or as the rule of a feature.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::condition::Condition;
use super::page::{Pages, asked_for};
use super::{Filter, Parent, Range, Seed, choose, within};
use crate::pattern::Pattern;
use crate::{Assignment, Bucket, Subject, Why, script};

/// The attribute that is hashed.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub attribute: String,
    /// Taken when the first one has no value, where assignments are kept.
    pub fallback: Option<String>,
}

impl Unit {
    /// The attribute's name and value; none when it is empty.
    #[inline]
    pub(super) fn value<'s>(
        &'s self,
        subject: &Subject<'s>,
        may_fall_back: bool,
    ) -> Option<(&'s str, Cow<'s, str>)> {
        if let Some(value) = value_of(&self.attribute, subject) {
            return Some((&self.attribute, value));
        }
        let fallback = self.fallback.as_deref()?;
        let may_fall_back = may_fall_back && subject.stored.is_some();
        value_of(fallback, subject).filter(|_| may_fall_back).map(|value| (fallback, value))
    }
}

/// An attribute as a text, when it counts as true.
#[inline]
fn value_of<'s>(attribute: &str, subject: &Subject<'s>) -> Option<Cow<'s, str>> {
    match subject.id_as(attribute, "id") {
        Some(id) => (!id.is_empty()).then_some(Cow::Borrowed(id)),
        None => {
            let value = subject.attributes?.get(attribute)?;
            script::truthy(Some(value)).then(|| script::text(Some(value)))
        }
    }
}

#[derive(Debug)]
pub(super) struct Experiment {
    pub key: String,
    pub values: Vec<Value>,
    /// The key of each arm.
    pub names: Vec<String>,
    pub passing: Vec<bool>,
    pub unit: Unit,
    pub seed: Seed,
    pub ranges: Vec<Range>,
    pub filters: Option<Vec<Filter>>,
    pub namespace: Option<(Seed, Range)>,
    pub condition: Option<Condition>,
    pub parents: Vec<Parent>,
    pub pages: Option<Pages>,
    pub old_page: Option<Pattern>,
    pub inactive: bool,
    pub stopped: bool,
    pub forced: Option<f64>,
    pub sticky: Sticky,
    /// Ranges of a contextual bandit, the first whose condition holds.
    pub leaves: Vec<(Condition, Vec<Range>)>,
}

#[derive(Debug)]
pub(super) struct Sticky {
    pub off: bool,
    pub version: u64,
    pub least: u64,
    /// Whether arms have keys of their own, without which nothing stored can be read.
    pub keys: Vec<Option<String>>,
}

/// What an experiment comes to for a subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub arm: Option<usize>,
    pub bucket: Option<f64>,
    pub why: Why,
}

impl Outcome {
    fn out(by: &'static str) -> Outcome {
        Outcome { arm: None, bucket: None, why: Why::Out(by) }
    }

    pub(super) fn assignment(self, experiment: &Experiment) -> Assignment<'_> {
        let mut assignment = match self.arm {
            Some(at) => {
                Assignment::arm(&experiment.names[at], self.why).value(experiment.values.get(at))
            }
            None => Assignment::none(self.why),
        };
        assignment.bucket = self.bucket.map(Bucket::Share);
        assignment
    }
}

/// What was stored of a subject.
enum Kept {
    Arm(usize),
    /// An arm of a version that may no longer take part.
    Blocked,
    Nothing,
}

impl Experiment {
    pub(super) fn passes_through(&self, arm: usize) -> bool {
        self.passing.get(arm).copied().unwrap_or(false)
    }

    /// Whether nothing but its ranges decides, when nothing is stored or asked for.
    pub(super) fn is_plain(&self) -> bool {
        let asks = self.filters.is_some() || self.namespace.is_some() || self.condition.is_some();
        let pages = self.pages.is_some() || self.old_page.is_some();
        let state = self.inactive || self.stopped || self.forced.is_some();
        let several = self.values.len() > 1 && self.leaves.is_empty();
        !(asks || pages || state) && several && !self.passing.contains(&true)
    }

    /// Puts a subject into an arm. `allowed` tells whether the features that it depends on allow
    /// it; the order of the questions is the SDK's.
    pub(super) fn run(
        &self,
        subject: &Subject<'_>,
        forced: &Map<String, Value>,
        allowed: Option<&dyn Fn() -> bool>,
    ) -> Outcome {
        if self.values.len() < 2 {
            return Outcome::out("it has fewer than two variations");
        }
        if let Some(pages) = &self.pages
            && !pages.contain(subject.url.unwrap_or_default())
        {
            return Outcome::out("the page");
        }
        if let Some(at) = self.forced_arm(subject, forced) {
            let arm = at.filter(|at| *at < self.values.len());
            return Outcome { arm, bucket: None, why: Why::Forced };
        }
        if self.inactive {
            return Outcome::out("it is not active");
        }
        let Some((_, value)) = self.unit.value(subject, !self.sticky.off) else {
            return Outcome { arm: None, bucket: None, why: Why::NoUnit };
        };
        let kept = match subject.stored {
            Some(stored) if !self.sticky.off => self.kept(subject, stored),
            _ => Kept::Nothing,
        };
        if !matches!(kept, Kept::Arm(_))
            && let Some(by) = self.leaves_out(subject, &value, allowed)
        {
            return Outcome::out(by);
        }
        if let Some(pattern) = &self.old_page
            && !old_page(pattern, subject.url)
        {
            return Outcome::out("the page");
        }
        let n = self.seed.bucket(&value);
        let outcome = |arm, why| Outcome { arm, bucket: Some(n), why };
        let (arm, why) = match kept {
            Kept::Blocked => return outcome(None, Why::Out("an earlier version of it")),
            Kept::Arm(at) => (Some(at), Why::Stored),
            Kept::Nothing => (choose(n, self.ranges_for(subject)), Why::Bucket),
        };
        match (arm, self.forced) {
            (None, _) => outcome(None, Why::Out("its coverage")),
            (Some(_), Some(forced)) => Outcome {
                arm: index(forced).filter(|at| *at < self.values.len()),
                bucket: None,
                why: Why::Forced,
            },
            (Some(_), None) if self.stopped => outcome(None, Why::Out("it is stopped")),
            (Some(at), None) => outcome(Some(at).filter(|at| *at < self.values.len()), why),
        }
    }

    #[inline]
    fn ranges_for(&self, subject: &Subject<'_>) -> &[Range] {
        if self.leaves.is_empty() {
            return &self.ranges;
        }
        let object = Value::Object(subject.object("id"));
        let leaf = self.leaves.iter().find(|(condition, _)| condition.holds(&object));
        leaf.map_or(&self.ranges, |(_, ranges)| ranges)
    }

    /// An arm that the address or the payload forces; the inner one is none when there is none
    /// such.
    fn forced_arm(
        &self,
        subject: &Subject<'_>,
        forced: &Map<String, Value>,
    ) -> Option<Option<usize>> {
        if let Some(url) = subject.url
            && let Some(asked) = asked_for(&self.key, url, self.values.len())
        {
            return Some(Some(asked));
        }
        if forced.is_empty() {
            return None;
        }
        forced.get(&self.key).map(|forced| forced.as_f64().and_then(index))
    }

    fn leaves_out(
        &self,
        subject: &Subject<'_>,
        value: &str,
        allowed: Option<&dyn Fn() -> bool>,
    ) -> Option<&'static str> {
        match (&self.filters, &self.namespace) {
            (Some(filters), _) if !filters.iter().all(|filter| filter.lets_in(subject)) => {
                return Some("its filters");
            }
            (None, Some((seed, range))) if !within(seed.bucket(value), *range) => {
                return Some("its namespace");
            }
            _ => {}
        }
        if let Some(condition) = &self.condition
            && !condition.holds(&Value::Object(subject.object("id")))
        {
            return Some("its condition");
        }
        let refused = !self.parents.is_empty() && allowed.is_some_and(|allowed| !allowed());
        refused.then_some("a feature that it depends on")
    }

    fn kept(&self, subject: &Subject<'_>, stored: &Map<String, Value>) -> Kept {
        let of = |attribute: &str| {
            let value = match subject.id_as(attribute, "id") {
                Some(id) => id.to_owned(),
                None => match subject.attributes.and_then(|all| all.get(attribute)) {
                    Some(Value::String(text)) => text.clone(),
                    value if script::truthy(value) => script::json(value),
                    _ => String::new(),
                },
            };
            let found = stored.get(&format!("{attribute}||{value}"));
            let found = found.map(|document| document.get("assignments").unwrap_or(document));
            (!value.is_empty(), found)
        };
        let (_, own) = of(&self.unit.attribute);
        // Where no other attribute is named, the SDK looks under `id`.
        let (has_value, fallback) = of(self.unit.fallback.as_deref().unwrap_or("id"));
        let fallback = fallback.filter(|_| has_value);
        let assigned = |version: u64| {
            let name = format!("{}__{version}", self.key);
            own.and_then(|own| own.get(&name)).or_else(|| fallback.and_then(|all| all.get(&name)))
        };
        if (0..self.sticky.least).any(|version| assigned(version).is_some()) {
            return Kept::Blocked;
        }
        let Some(arm) = assigned(self.sticky.version).and_then(Value::as_str) else {
            return Kept::Nothing;
        };
        let at = self.sticky.keys.iter().position(|key| key.as_deref() == Some(arm));
        at.map_or(Kept::Nothing, Kept::Arm)
    }
}

fn index(number: f64) -> Option<usize> {
    (number >= 0.0 && number.fract() == 0.0).then_some(number as usize)
}

/// Targeting by address as it was before patterns had types.
fn old_page(pattern: &Pattern, address: Option<&str>) -> bool {
    let Some(address) = address.filter(|address| !address.is_empty()) else { return false };
    let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let bare = bare.unwrap_or(address);
    let path = bare.find('/').map_or(bare, |slash| &bare[slash..]);
    pattern.finds(address) || pattern.finds(path)
}
