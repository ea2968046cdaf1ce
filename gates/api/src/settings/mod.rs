//! What a spec of this kind says.

mod able;
mod drift;
mod play;
mod request;
mod scalars;

use std::collections::BTreeMap;

use gate_core::values::{DurationValue, Template};
use gate_core::{Json, Problem, json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use drift::Drift;
pub use play::{FaultSetting, LatencySetting, ModeSetting, Through};
pub use request::RequestSpec;
pub use scalars::Wanted;

/// The settings of an `api` gate. At least one of `run`, `requests` and `drift`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The recording: a folder made by `gate record` (its name ends in `.cassette`), relative to
    /// the spec. `run` and `drift` need one; `requests` are answered from it when it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cassette: Option<String>,
    /// A program and its arguments, a list: the application's own tests. What it asks of other
    /// services is answered from the recording. It runs in the folder of gate.yaml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Vec<String>>,
    /// How the program's requests come to the recording: `proxy` sets the variables that programs
    /// read, `target` gives it an address in GATE_TARGET that stands for the service.
    #[serde(default, skip_serializing_if = "able::is_default")]
    pub through: Through,
    /// Exit codes that mean "not good". 0 is good; any other code says that the program itself
    /// went wrong, so nobody knows.
    #[serde(default = "able::one")]
    pub fail_codes: Vec<i32>,
    /// Recordings that have to be asked for: `GET /v1/contacts/*`, or `*` for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Wanted>,
    /// What becomes of requests that were not recorded: `none` refuses them. `once`,
    /// `new_episodes` and `all` ask the service and propose what is recorded, as `gate record`.
    #[serde(default, skip_serializing_if = "able::is_default")]
    pub mode: ModeSetting,
    /// Record everything anew when that was last done so long ago, such as `30d`; with the mode `once`
    /// or `new_episodes`. What differs is proposed. When a service cannot be reached at the start,
    /// the old recording is used, with a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re_record_after: Option<DurationValue>,
    /// Whether the last answer of a recording that is used up is given again.
    #[serde(default, skip_serializing_if = "able::is_default")]
    pub allow_repeats: bool,
    /// How long recorded answers take: `none`, `recorded`, or a time such as `250ms`.
    #[serde(default, skip_serializing_if = "able::is_default")]
    pub latency: LatencySetting,
    /// What goes wrong with recorded answers: `status=503 first=1`, `reset path=/v1/*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultSetting>,
    /// The address of the service itself, such as `https://api.example.com`, for `drift`,
    /// `requests` and recording. Without it, and without `environment`, the environment under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The environment of gate.yaml that is asked instead of the one under test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Headers that every request of `requests` and `drift` has, such as credentials.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// A file of authorities to trust besides the system's, in PEM, relative to the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// Requests in order, with what has to hold of their answers. They share cookies and captures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<RequestSpec>,
    /// Asks the service again what was recorded of it, and tells what would break a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

impl Settings {
    /// Whether the service is asked, and not only the recording.
    pub(crate) fn asks_service(&self) -> bool {
        let records = self.mode != ModeSetting::None;
        let through_target = self.run.is_some() && self.through == Through::Target && records;
        self.drift.is_some() || !self.requests.is_empty() || through_target
    }

    /// Whether requests are answered by the service itself, in whole or in part.
    pub(crate) fn asks_for_answers(&self) -> bool {
        self.cassette.is_none() || self.mode != ModeSetting::None
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.run.is_none() && self.requests.is_empty() && self.drift.is_none() {
            found.push(Problem::at([""; 0], "there is nothing to do").hint(
                "give a program to run (run), requests to make (requests), or ask the service \
                 whether it still answers as recorded (drift: {})",
            ));
        }
        if let Some(run) = &self.run
            && run.first().is_none_or(|program| program.trim().is_empty())
        {
            found.push(
                Problem::at(["run"], "there is no program to run")
                    .hint("write the program and its arguments: [npm, test]"),
            );
        }
        for (index, code) in self.fail_codes.iter().enumerate() {
            if !(1..=255).contains(code) {
                let path = ["fail_codes", &index.to_string()];
                found.push(
                    Problem::at(path, format!("{code} is no code that fails"))
                        .hint("exit codes that fail are between 1 and 255"),
                );
            }
        }
        self.cassette_problems(&mut found);
        if !self.required.is_empty() && self.run.is_none() && self.requests.is_empty() {
            found.push(
                Problem::at(["required"], "nothing asks the recording")
                    .hint("give a program (run) or requests that ask for it"),
            );
        }
        if self.target.is_some() && self.environment.is_some() {
            found.push(
                Problem::at(["environment"], "the service is given by `target` already")
                    .hint("leave one of the two out"),
            );
        }
        if let Some(target) = &self.target
            && !is_service(target)
        {
            found.push(
                Problem::at(["target"], format!("`{target}` is no address of a service"))
                    .hint("write it as https://api.example.com"),
            );
        }
        // A recording that answers at once would keep every limit.
        let tells_time = self.asks_for_answers() || self.latency != LatencySetting::None;
        for (index, request) in self.requests.iter().enumerate() {
            found.extend(request.problems(index, tells_time));
        }
        found
    }

    fn cassette_problems(&self, found: &mut Vec<Problem>) {
        let Some(cassette) = &self.cassette else {
            for (name, is_there) in [
                ("run", self.run.is_some()),
                ("drift", self.drift.is_some()),
                ("required", !self.required.is_empty()),
                ("mode", self.mode != ModeSetting::None),
                ("re_record_after", self.re_record_after.is_some()),
                ("faults", !self.faults.is_empty()),
            ] {
                if is_there {
                    found.push(
                        Problem::at([name], format!("`{name}` needs a recording"))
                            .hint("name it under `cassette`; make one: gate record --help"),
                    );
                }
            }
            return;
        };
        let hint = match self.mode {
            ModeSetting::None => "nothing is recorded with the mode none: write mode: once",
            _ => "the mode all records everything each time: leave one of the two out",
        };
        if self.re_record_after.is_some()
            && matches!(self.mode, ModeSetting::None | ModeSetting::All)
        {
            let what = "`re_record_after` goes with the mode once or new_episodes";
            found.push(Problem::at(["re_record_after"], what).hint(hint));
        }
        if !cassette.trim_end_matches('/').ends_with(".cassette") {
            found.push(
                Problem::at(["cassette"], format!("`{cassette}` does not end in .cassette"))
                    .hint("call the folder NAME.cassette: gate changes nothing in any other"),
            );
        }
    }

    /// Limits are what answers are held against; all else shaped what was measured.
    pub(crate) fn measured_by(&self) -> Json {
        let requests: Vec<Json> = self.requests.iter().map(RequestSpec::measured_by).collect();
        let mut all = serde_json::to_value(self).unwrap_or(Json::Null);
        if let Some(fields) = all.as_object_mut() {
            fields.remove("fail_codes");
            fields.insert("requests".to_owned(), json!(requests));
            if let Some(drift) = fields.get_mut("drift").and_then(Json::as_object_mut) {
                drift.remove("ignore");
            }
        }
        all
    }
}

fn is_service(text: &str) -> bool {
    let url = url::Url::parse(text);
    url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests;
