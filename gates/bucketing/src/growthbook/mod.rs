//! GrowthBook: FNV-1a over seed and value, in ranges of 0 <= n < 1.
//!
//! Read is the payload of the SDK endpoint (`features`, `experiments`, `savedGroups`,
//! `contextualBandits`, besides `forcedVariations` as the SDK's own option), decrypted, or one
//! inline experiment. Source: GrowthBook's SDK specification and the JavaScript SDK 1.8.0.
//!
//! The text that is hashed is UTF-16 units in JavaScript (and in Python from 4.0), code points in
//! Python before, and bytes of UTF-8 in Go and Rust: ids that are not ASCII get other arms.

mod condition;
mod experiment;
mod page;
mod read;

use serde_json::{Map, Value};

use crate::config::Error;
use crate::hashes::{Encoding, Fnv1a};
use crate::named::{ENCODING, Given, Input, WEIGHTS, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why};
use condition::Condition;
use experiment::{Experiment, Outcome, Unit};

/// GrowthBook.
pub const PROVIDER: Provider = Provider {
    name: "growthbook",
    about: "GrowthBook: the payload of the SDK endpoint (features.json), or one experiment",
    settings: &[ENCODING],
    inputs: INPUTS,
    encodings: &[Encoding::Utf16, Encoding::CodePoints, Encoding::Utf8],
    prepare: |config, key, given| {
        let encoding = given.encoding(Encoding::Utf16)?;
        Ok(Box::new(read::prepare(config, key, encoding)?))
    },
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the value of the hash attribute"),
    input("seed", "the experiment's seed, or else its key"),
    input("hash-version", "1 or 2; 1 unless given, as in the SDKs"),
    ENCODING,
    input("coverage", "the share of all who take part, 0 to 1; with weights"),
    WEIGHTS,
];

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let version = given.one_of("hash-version", &[("1", Version::One), ("2", Version::Two)])?;
    let encoding = given.encoding(Encoding::Utf16)?;
    let seed = Seed::new(given.need("seed")?, version.unwrap_or(Version::One), encoding);
    let n = seed.bucket(given.need("id")?);
    let coverage = given.number("coverage")?;
    let arm = given.weights()?.and_then(|weights| {
        let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let shares: Vec<f64> = weights.iter().map(|(_, weight)| weight / sum).collect();
        let ranges = ranges(weights.len(), coverage.unwrap_or(1.0), Some(&shares));
        choose(n, &ranges).map(|at| weights[at].0.clone())
    });
    Ok(Hashed { bucket: Bucket::Share(n), arm })
}

/// Which of its two ways of hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// 1,000 buckets, and biased where experiments run at once.
    One,
    /// 10,000 buckets.
    Two,
}

/// A seed, hashed as far as it goes before the value.
#[derive(Debug, Clone)]
struct Seed {
    text: String,
    begun: Fnv1a,
    version: Version,
    encoding: Encoding,
}

impl Seed {
    fn new(seed: &str, version: Version, encoding: Encoding) -> Seed {
        let begun = Fnv1a::default().text(seed, encoding);
        Seed { text: seed.to_owned(), begun, version, encoding }
    }

    /// 0 <= n < 1.
    #[inline]
    fn bucket(&self, value: &str) -> f64 {
        match self.version {
            Version::One => {
                let hash = Fnv1a::default().text(value, self.encoding);
                f64::from(hash.text(&self.text, self.encoding).finish() % 1000) / 1000.0
            }
            Version::Two => {
                let first = self.begun.text(value, self.encoding).finish();
                f64::from(of_decimal(first).finish() % 10_000) / 10_000.0
            }
        }
    }
}

/// The hash of a number's decimal digits. Most numbers have nine or ten: each of these is worked out by
/// itself, while those before it are being hashed.
#[inline]
fn of_decimal(number: u32) -> Fnv1a {
    let digit = |by: u32| number / by % 10 + u32::from(b'0');
    let start = Fnv1a::default();
    if number < 100_000_000 {
        let digits = number.checked_ilog10().unwrap_or(0);
        return (0..=digits).rev().fold(start, |hash, at| hash.unit(digit(10_u32.pow(at))));
    }
    let tenth = start.unit(digit(1_000_000_000));
    let from = if number < 1_000_000_000 { start } else { tenth };
    from.unit(digit(100_000_000))
        .unit(digit(10_000_000))
        .unit(digit(1_000_000))
        .unit(digit(100_000))
        .unit(digit(10_000))
        .unit(digit(1000))
        .unit(digit(100))
        .unit(digit(10))
        .unit(digit(1))
}

/// Half-open.
type Range = (f64, f64);

#[inline]
fn within(n: f64, range: Range) -> bool {
    n >= range.0 && n < range.1
}

/// The first range that it is in. Nobody can guess which one that is, so all are looked at: to jump to a
/// wrong one costs more.
#[inline]
fn choose(n: f64, ranges: &[Range]) -> Option<usize> {
    let first = ranges.iter().enumerate().rev().fold(usize::MAX, |found, (at, range)| {
        let is_in = u8::from(n >= range.0) & u8::from(n < range.1) == 1;
        if is_in { at } else { found }
    });
    (first < ranges.len()).then_some(first)
}

/// Each arm's range: coverage cuts the arms' ends off, so that who is in stays in when it grows.
/// Weights that are not one for each arm, or do not add up to 1, count as equal ones.
fn ranges(arms: usize, coverage: f64, weights: Option<&[f64]>) -> Vec<Range> {
    let coverage = coverage.clamp(0.0, 1.0);
    let equal = vec![1.0 / arms as f64; arms];
    let sum = |weights: &[f64]| weights.iter().fold(0.0, |sum, weight| sum + weight);
    let valid =
        |weights: &&[f64]| weights.len() == arms && !(sum(weights) < 0.99 || sum(weights) > 1.01);
    let mut start = 0.0;
    let mut range = |weight: &f64| {
        let from = start;
        start += weight;
        (from, from + coverage * weight)
    };
    weights.filter(valid).unwrap_or(&equal).iter().map(&mut range).collect()
}

/// A feature, or an experiment by itself.
#[derive(Debug)]
struct Prepared {
    /// The one that is asked for, and those that it depends on.
    features: Vec<Feature>,
    asked: Asked,
    arms: Vec<Arm>,
    unit: String,
    forced: Map<String, Value>,
    /// Whether nothing decides but the ranges of one experiment.
    plain: bool,
}

#[derive(Debug)]
enum Asked {
    /// The first feature; for an experiment in its rules the experiment's key.
    Feature(Option<String>),
    Experiment(Box<Experiment>),
}

#[derive(Debug)]
struct Feature {
    default: Value,
    rules: Vec<Rule>,
    /// Whether a rule asks for another feature.
    depends: bool,
}

#[derive(Debug)]
struct Rule {
    parents: Vec<Parent>,
    filters: Vec<Filter>,
    serves: Serves,
}

/// Another feature that has to have a certain value.
#[derive(Debug)]
struct Parent {
    /// None when the payload does not have it.
    feature: Option<usize>,
    condition: Condition,
    /// Whether the whole feature is off when it is not met, and not the rule alone.
    gate: bool,
}

/// Who is included, in ranges of a hash of their own.
#[derive(Debug)]
struct Filter {
    unit: Unit,
    seed: Seed,
    ranges: Vec<Range>,
}

#[derive(Debug)]
enum Serves {
    Force {
        value: Value,
        condition: Option<Condition>,
        rollout: Option<Rollout>,
    },
    Experiment(Box<Experiment>),
    /// A rule without a value and without variations.
    Nothing,
}

/// A share of the users.
#[derive(Debug)]
struct Rollout {
    unit: Unit,
    seed: Seed,
    share: Share,
}

#[derive(Debug)]
enum Share {
    Range(Range),
    /// Including the upper end, other than everywhere else.
    UpTo(f64),
}

impl Filter {
    fn lets_in(&self, subject: &Subject<'_>) -> bool {
        self.unit.value(subject, false).is_some_and(|(_, value)| {
            let n = self.seed.bucket(&value);
            self.ranges.iter().any(|range| within(n, *range))
        })
    }
}

impl Rollout {
    fn lets_in(&self, subject: &Subject<'_>) -> bool {
        if matches!(self.share, Share::UpTo(0.0)) {
            return false;
        }
        self.unit.value(subject, true).is_some_and(|(_, value)| {
            let n = self.seed.bucket(&value);
            match self.share {
                Share::Range(range) => within(n, range),
                Share::UpTo(share) => n <= share,
            }
        })
    }
}

/// What a feature comes to.
struct Evaluated<'p> {
    value: Option<&'p Value>,
    why: Why,
    /// The experiment that decided, and its outcome.
    by: Option<(&'p Experiment, Outcome)>,
}

/// Two features that wait for each other.
struct Cycle;

impl Prepared {
    fn feature<'p>(
        &'p self,
        at: usize,
        subject: &Subject<'_>,
        last: &mut Option<Bucket>,
        within: &mut Vec<usize>,
    ) -> Result<Evaluated<'p>, Cycle> {
        if !self.features[at].depends {
            return self.rules(&self.features[at], subject, last, within);
        }
        if within.contains(&at) {
            return Err(Cycle);
        }
        within.push(at);
        let evaluated = self.rules(&self.features[at], subject, last, within);
        within.pop();
        evaluated
    }

    fn rules<'p>(
        &'p self,
        feature: &'p Feature,
        subject: &Subject<'_>,
        last: &mut Option<Bucket>,
        around: &mut Vec<usize>,
    ) -> Result<Evaluated<'p>, Cycle> {
        'rules: for rule in &feature.rules {
            for parent in &rule.parents {
                if !self.allows(parent, subject, around)? {
                    if parent.gate {
                        let why = Why::Out("a feature that it depends on");
                        return Ok(Evaluated { value: None, why, by: None });
                    }
                    continue 'rules;
                }
            }
            if !rule.filters.iter().all(|filter| filter.lets_in(subject)) {
                continue;
            }
            match &rule.serves {
                Serves::Nothing => {}
                Serves::Force { value, condition, rollout } => {
                    let meets = condition.as_ref().is_none_or(|condition| {
                        condition.holds(&Value::Object(subject.object("id")))
                    });
                    if meets && rollout.as_ref().is_none_or(|rollout| rollout.lets_in(subject)) {
                        return Ok(Evaluated { value: Some(value), why: Why::Rule, by: None });
                    }
                }
                Serves::Experiment(experiment) => {
                    let outcome = experiment.run(subject, &self.forced, None);
                    *last = outcome.bucket.map(Bucket::Share).or(*last);
                    if let Some(at) = outcome.arm
                        && !experiment.passes_through(at)
                    {
                        let value = Some(&experiment.values[at]);
                        let by = Some((&**experiment, outcome));
                        return Ok(Evaluated { value, why: outcome.why, by });
                    }
                }
            }
        }
        Ok(Evaluated { value: Some(&feature.default), why: Why::Default, by: None })
    }

    fn allows(
        &self,
        parent: &Parent,
        subject: &Subject<'_>,
        around: &mut Vec<usize>,
    ) -> Result<bool, Cycle> {
        let value = match parent.feature {
            None => None,
            Some(at) => self.feature(at, subject, &mut None, around)?.value,
        };
        let value = value.cloned().unwrap_or(Value::Null);
        Ok(parent.condition.holds(&serde_json::json!({ "value": value })))
    }

    /// Whether all the features that an experiment depends on have the values that it asks for.
    fn all_allow(&self, experiment: &Experiment, subject: &Subject<'_>) -> bool {
        experiment
            .parents
            .iter()
            .all(|parent| self.allows(parent, subject, &mut Vec::new()).unwrap_or(false))
    }
}

impl Prepared {
    /// The answer of a feature that is nothing but an experiment that leaves nobody out but by its
    /// ranges: what most are, and the same as the long way gives.
    #[inline]
    fn direct<'p>(&'p self, subject: &Subject<'_>) -> Option<Assignment<'p>> {
        let [Feature { rules, .. }] = self.features.as_slice() else { return None };
        let [Rule { serves: Serves::Experiment(experiment), .. }] = rules.as_slice() else {
            return None;
        };
        let (_, value) = experiment.unit.value(subject, false)?;
        let n = experiment.seed.bucket(&value);
        let at = choose(n, &experiment.ranges)?;
        let arm = Assignment::arm(experiment.names.get(at)?, Why::Bucket);
        Some(arm.value(experiment.values.get(at)).bucket(Bucket::Share(n)))
    }
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        if self.plain
            && subject.stored.is_none()
            && subject.url.is_none()
            && let Some(assignment) = self.direct(subject)
        {
            return assignment;
        }
        let key = match &self.asked {
            Asked::Experiment(experiment) => {
                let allowed = || self.all_allow(experiment, subject);
                let outcome = experiment.run(subject, &self.forced, Some(&allowed));
                return outcome.assignment(experiment);
            }
            Asked::Feature(key) => key,
        };
        let mut last = None;
        let Ok(found) = self.feature(0, subject, &mut last, &mut Vec::new()) else {
            return Assignment::none(Why::Out("features that wait for each other"));
        };
        let mut assignment = match found.by {
            Some((experiment, outcome))
                if key.as_ref().is_none_or(|key| *key == experiment.key) =>
            {
                outcome.assignment(experiment)
            }
            Some(_) => Assignment::none(Why::Out("another experiment of the feature")),
            None => Assignment::none(found.why).value(found.value),
        };
        assignment.bucket = assignment.bucket.or(last);
        assignment
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &str {
        &self.unit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_hashed_as_a_text(shift in 0..32_u32, number: u32) {
            let number = number >> shift;
            let text = Fnv1a::default().bytes(number.to_string().as_bytes()).finish();
            prop_assert_eq!(of_decimal(number).finish(), text);
        }

        #[test]
        fn the_first_range_is_chosen(
            n in 0.0..1.0_f64,
            ends in proptest::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 0..6),
        ) {
            let found = ends.iter().position(|range| within(n, *range));
            prop_assert_eq!(choose(n, &ends), found);
        }
    }

    #[test]
    fn numbers_at_the_ends_of_their_lengths() {
        for number in (0..10).flat_map(|power| [10_u32.pow(power) - 1, 10_u32.pow(power)]) {
            let text = Fnv1a::default().bytes(number.to_string().as_bytes()).finish();
            assert_eq!(of_decimal(number).finish(), text, "{number}");
        }
    }
}
