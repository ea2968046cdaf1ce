//! `gate experiment bucket`.

mod inputs;
mod lines;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bucketing::{Assign, Assignment, Bucket, Provider, Subject};
use clap::Args;
use gate_core::Output;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Answer, Mistake};
use crate::words;
use inputs::Inputs;

/// Into which bucket, and which arm, does a service put a user?
///
/// Computed to the bit as the service's own SDKs do, either from the inputs of its hash or from the
/// configuration that its SDKs read. The bucket is the service's own number, such as 0 to 1 for
/// GrowthBook, 1 to 100 for Unleash, 0 to 9999 for Optimizely. The arm is only known from weights or
/// from a configuration.
///
/// A value may be empty, and it may begin with a hyphen.
///
/// Example: gate experiment bucket --provider growthbook --hash-version 2 --seed hero --id user-1
#[derive(Debug, Args)]
#[command(after_long_help = examples())]
pub(super) struct BucketOf {
    /// Whose way of putting users into buckets.
    #[arg(long, value_name = "NAME", value_parser = provider, help_heading = "Which")]
    provider: &'static Provider,
    /// The service's configuration as its SDKs read it, a JSON file: then users are targeted, and
    /// their arm is known. It takes the place of the inputs of the hash.
    #[arg(long, value_name = "FILE", requires = "experiment", help_heading = "Which")]
    config: Option<PathBuf>,
    /// The key of the experiment or the flag in the configuration.
    #[arg(long, value_name = "KEY", requires = "config", help_heading = "Which")]
    #[arg(allow_hyphen_values = true)]
    experiment: Option<String>,
    /// What else is known of the users, for targeting: an object of JSON in the shape that the
    /// service's SDK takes.
    #[arg(long, value_name = "JSON", requires = "config", help_heading = "Which")]
    attributes: Option<String>,
    /// A file with an id in each line, or - for standard input. For each of them a line of JSON is
    /// printed, with --json and without it.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, conflicts_with = "id")]
    #[arg(required_unless_present = "id", help_heading = "Which")]
    ids: Option<PathBuf>,
    #[command(flatten)]
    inputs: Inputs,
}

fn provider(name: &str) -> Result<&'static Provider, String> {
    bucketing::find(name).map_err(|error| error.hint.unwrap_or(error.message))
}

/// An example of each provider's hash, and one of a configuration.
const EXAMPLES: &[&str] = &[
    "--provider growthbook --hash-version 2 --seed hero --id user-1 --weights control=50,hero=50",
    "--provider unleash --group hero --id user-1 --weights control=500,hero=500",
    "--provider optimizely --entity 10001 --id user-1 --weights control=5000,hero=5000",
    "--provider launchdarkly --key hero --salt 7f2c --id user-1",
    "--provider posthog --key hero --id user-1 --weights control=50,hero=50",
    "--provider statsig --salt hero --rule-salt 4x8k --id user-1",
    "--provider split --seed -1667452163 --id user-1 --weights off=50,on=50",
    "--provider eppo --salt hero-0 --id user-1 --weights control=50,hero=50",
    "--provider flagd --flag hero --id user-1 --weights control=50,hero=50",
    "--provider absmartly --seed-hi 1895726444 --seed-lo 3365860829 --id user-1 --weights 50,50",
    "--provider firebase --seed hero --id user-1",
    "--provider flagsmith --object 41 --id env_user-1 --weights control=50,hero=50",
    "--provider generic --hash fnv-1a-32 --salt hero --layout {salt}:{id} --modulus 100 --id user-1",
];
const OF_A_CONFIG: &str =
    "--provider growthbook --config features.json --experiment hero --ids ids.txt";

fn examples() -> String {
    let known = bucketing::all().iter().map(|one| format!("  {:<13} {}\n", one.name, one.about));
    let each = EXAMPLES.iter().chain([&OF_A_CONFIG]);
    let each = each.map(|words| format!("  gate experiment bucket {words}\n"));
    format!(
        "Providers, and what --config is of each:\n{}\nExamples:\n{}",
        known.collect::<String>(),
        each.collect::<String>().trim_end(),
    )
}

#[derive(Serialize)]
struct Figures<'a> {
    id: &'a str,
    #[serde(serialize_with = "number")]
    bucket: Option<Bucket>,
    arm: Option<&'a str>,
}

/// Counted ones are whole.
#[expect(clippy::ref_option, reason = "the shape is serde's")]
fn number<S: serde::Serializer>(bucket: &Option<Bucket>, to: S) -> Result<S::Ok, S::Error> {
    match bucket {
        None => to.serialize_none(),
        Some(Bucket::Whole(number)) => to.serialize_u64(*number),
        Some(Bucket::Share(share)) => to.serialize_f64(*share),
    }
}

/// What ids are asked of.
enum Asked {
    /// Inputs of a hash, among which the id is set anew each time.
    Hash(&'static Provider, BTreeMap<String, String>),
    /// A configuration, and what is known of everybody.
    Experiment(Box<dyn Assign>, Option<Map<String, Value>>),
}

impl BucketOf {
    /// Whether it is asked of a file of ids.
    pub fn has_many(&self) -> bool {
        self.ids.is_some()
    }

    /// What is said of one id.
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let id = self.inputs.id().ok_or_else(|| Mistake::new("no id was given"))?;
        let said = |figures: &Figures<'_>, why: Option<bucketing::Why>| {
            let text = said(figures, why);
            Answer::new(figures, text)
        };
        match &mut self.asked()? {
            Asked::Hash(provider, inputs) => {
                let hashed = provider.hash(inputs).map_err(of_option)?;
                let (bucket, arm) = (Some(hashed.bucket), hashed.arm.as_deref());
                said(&Figures { id, bucket, arm }, None)
            }
            Asked::Experiment(experiment, attributes) => {
                let seen = assigned(&**experiment, attributes.as_ref(), id);
                said(&Figures { id, bucket: seen.bucket, arm: seen.arm }, Some(seen.why))
            }
        }
    }

    /// A line of JSON for each id of a file.
    pub fn stream(&self, output: &Output) -> Result<(), Mistake> {
        let file = self.ids.as_deref().ok_or_else(|| Mistake::new("no file of ids was given"))?;
        let mut asked = self.asked()?;
        lines::each(file, &output.bytes, |id, line| {
            let figures = match &mut asked {
                Asked::Hash(provider, inputs) => {
                    inputs.insert("id".to_owned(), id.to_owned());
                    let hashed = provider.hash(inputs).map_err(of_option)?;
                    let (bucket, arm) = (Some(hashed.bucket), hashed.arm.as_deref());
                    return lines::write(&Figures { id, bucket, arm }, line);
                }
                Asked::Experiment(experiment, attributes) => {
                    let seen = assigned(&**experiment, attributes.as_ref(), id);
                    Figures { id, bucket: seen.bucket, arm: seen.arm }
                }
            };
            lines::write(&figures, line)
        })
    }

    fn asked(&self) -> Result<Asked, Mistake> {
        let (Some(config), Some(key)) = (&self.config, &self.experiment) else {
            let mut inputs = self.inputs.given.clone();
            // Whatever is wrong with the other inputs is said before any id is read.
            if self.has_many() {
                inputs.insert("id".to_owned(), String::new());
                self.provider.hash(&inputs).map_err(of_option)?;
            }
            return Ok(Asked::Hash(self.provider, inputs));
        };
        let mut settings = self.inputs.given.clone();
        settings.remove("id");
        let is_setting = |name: &str| self.provider.settings.iter().any(|one| one.name == name);
        if let Some(name) = settings.keys().find(|name| !is_setting(name)) {
            let mistake = format!("--{name} is of a hash, and --config says what is hashed");
            return Err(Mistake::new(mistake).hint("leave one of the two out"));
        }
        let attributes = self.attributes.as_deref().map(attributes).transpose()?;
        let experiment = self.provider.prepare(&read(config)?, key, &settings);
        let experiment = experiment.map_err(|error| {
            if is_setting(&error.place) {
                return of_option(error);
            }
            Mistake { error: format!("{}: {error}", config.display()), hint: error.hint }
        })?;
        Ok(Asked::Experiment(experiment, attributes))
    }
}

/// Where an experiment puts an id, under the attribute that it hashes.
fn assigned<'p>(
    experiment: &'p dyn Assign,
    attributes: Option<&Map<String, Value>>,
    id: &str,
) -> Assignment<'p> {
    let subject = Subject { attributes, ..Subject::of(id) };
    experiment.assign(&subject.known_as(experiment.unit()))
}

fn read(file: &std::path::Path) -> Result<Value, Mistake> {
    let shown = file.display();
    let bytes = std::fs::read(file)
        .map_err(|error| Mistake::new(format!("{shown} cannot be read: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Mistake::new(format!("{shown} is no JSON: {error}"))
            .hint("give the configuration as the service's SDKs read it")
    })
}

fn attributes(text: &str) -> Result<Map<String, Value>, Mistake> {
    serde_json::from_str(text).map_err(|error| {
        Mistake::new(format!("--attributes is no object of JSON: {error}"))
            .hint("write it such as '{\"country\": \"DE\"}'")
    })
}

/// What is wrong with an input, which is an option here.
fn of_option(error: bucketing::Error) -> Mistake {
    let is_named = error.message.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let colon = if is_named { "" } else { ":" };
    Mistake { error: format!("--{}{colon} {}", error.place, error.message), hint: error.hint }
}

fn said(figures: &Figures<'_>, why: Option<bucketing::Why>) -> String {
    let id = if figures.id.is_empty() { "the empty id" } else { figures.id };
    let bucket = match figures.bucket {
        None => None,
        Some(Bucket::Whole(number)) => Some(number.to_string()),
        Some(Bucket::Share(share)) => Some(share.to_string()),
    };
    let arm = figures.arm.map(|arm| format!("the arm `{arm}`"));
    let mut text = match (bucket, arm) {
        (Some(bucket), Some(arm)) => format!("{id}: the bucket {bucket}, {arm}.\n"),
        (Some(bucket), None) => format!("{id}: the bucket {bucket}.\n"),
        (None, Some(arm)) => format!("{id}: {arm}.\n"),
        (None, None) => format!("{id}: in no arm.\n"),
    };
    if let Some(why) = why {
        text.push_str(&format!("  {}.\n", words::capital(&why.to_string())));
    }
    text
}
