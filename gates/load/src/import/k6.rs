//! From the options of a k6 script (<https://grafana.com/docs/k6/latest/using-k6/k6-options/>): a
//! script itself, its options in JSON, or what `k6 inspect` prints.

use std::time::Duration;

use gate_core::values::{DurationValue, Rate};
use gate_core::{Error, Imported, Json};
use serde_json::Map;
use url::Url;

use super::literal;
use super::{document, imported, name_of};
use crate::settings::{Required, Settings, StageSpec};
use crate::threshold::Threshold;

pub(super) fn recognises(bytes: &[u8]) -> bool {
    match serde_json::from_slice::<Json>(bytes) {
        Ok(json) => ["stages", "scenarios", "thresholds", "vus", "iterations"]
            .iter()
            .any(|name| json.get(name).is_some() && json.get("viewports").is_none()),
        Err(_) => std::str::from_utf8(bytes).is_ok_and(|text| {
            text.contains("k6/http") || (text.contains("options") && text.contains("from 'k6"))
        }),
    }
}

pub(super) fn import(bytes: &[u8]) -> Result<Imported, Error> {
    let mut import = Import::default();
    let (options, script) = match serde_json::from_slice::<Json>(bytes) {
        Ok(json) => (json, ""),
        Err(_) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::new("it is neither JSON nor a script"))?;
            (import.options(text)?, text)
        }
    };
    let Json::Object(mut options) = options else {
        return Err(Error::new("the options are no object"));
    };
    let thresholds = import.thresholds(options.remove("thresholds"));
    let shapes = import.shapes(&mut options);
    for name in options.keys() {
        import.left_out.push(format!("the option `{name}`"));
    }
    let asked = import.asked(script);
    let mut spec = String::new();
    for (at, (name, mut settings)) in shapes.into_iter().enumerate() {
        settings.thresholds.clone_from(&thresholds);
        settings.path = Some(asked.clone().unwrap_or_else(|| "/".to_owned()));
        if at > 0 {
            spec.push_str("---\n");
        }
        if asked.is_none() {
            spec.push_str("# Say what is asked: a path, or the steps of a visitor (scenarios).\n");
        }
        let name = name_of(&name);
        spec.push_str(&document(if name.is_empty() { "k6" } else { &name }, &settings)?);
    }
    Ok(imported(spec, import.left_out))
}

#[derive(Default)]
struct Import {
    left_out: Vec<String>,
}

impl Import {
    /// The options in a script.
    fn options(&mut self, text: &str) -> Result<Json, Error> {
        let hint = "print them with: k6 inspect script.js > options.json";
        let at = ["export const options", "export let options", "export var options"]
            .iter()
            .find_map(|start| Some(text.find(start)? + start.len()))
            .ok_or_else(|| Error::new("it exports no `options`").hint(hint))?;
        let behind = text[at..].split_once('=').map_or("", |(_, behind)| behind);
        literal::value(behind, &mut self.left_out)
            .ok_or_else(|| Error::new("its options cannot be read").hint(hint))
    }

    /// Where the script asks, when that is one path.
    fn asked(&mut self, script: &str) -> Option<String> {
        let mut asked: Vec<(String, String)> = Vec::new();
        for method in ["get", "post", "put", "patch", "del", "head", "request"] {
            for rest in script.split(&format!("http.{method}(")).skip(1) {
                let mut told = Vec::new();
                let first = rest.trim_start().starts_with(['"', '\'', '`']);
                let url = first.then(|| literal::value(rest, &mut told)).flatten();
                let url = url.and_then(|url| url.as_str().map(str::to_owned));
                let text = url.filter(|_| told.is_empty()).unwrap_or_default();
                asked.push((method.to_owned(), text));
            }
        }
        if let [(method, url)] = &asked[..]
            && method == "get"
            && let Ok(url) = Url::parse(url)
        {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            return Some(format!("{}{query}", url.path()));
        }
        if !asked.is_empty() {
            let calls: Vec<String> =
                asked.iter().map(|(method, url)| format!("http.{method}({url})")).collect();
            self.left_out.push(format!(
                "what the script asks: {}; write it as the steps of a visitor (scenarios)",
                calls.join(", ")
            ));
        }
        None
    }

    fn thresholds(&mut self, all: Option<Json>) -> Vec<Required> {
        let Some(Json::Object(all)) = all else { return Vec::new() };
        let mut found = Vec::new();
        for (metric, list) in all {
            let list = match list {
                Json::Array(list) => list,
                one => vec![one],
            };
            for one in list {
                let text = one.as_str().or_else(|| one["threshold"].as_str()).unwrap_or_default();
                let read: Result<Threshold, String> = format!("{metric} {text}").parse();
                match read {
                    Ok(threshold) => found.push(Required {
                        abort_on_fail: one["abortOnFail"].as_bool().unwrap_or(false),
                        ..threshold.into()
                    }),
                    Err(why) => {
                        self.left_out.push(format!("the threshold `{metric} {text}`: {why}"));
                    }
                }
            }
        }
        found
    }

    /// A name and a shape for each scenario.
    fn shapes(&mut self, options: &mut Map<String, Json>) -> Vec<(String, Settings)> {
        if let Some(Json::Object(scenarios)) = options.remove("scenarios") {
            let several = scenarios.len() > 1;
            let each = scenarios.into_iter().filter_map(|(name, scenario)| {
                let Json::Object(scenario) = scenario else { return None };
                Some((name.clone(), self.scenario(&name, scenario)))
            });
            let all: Vec<(String, Settings)> = each.collect();
            if several {
                self.left_out.push(
                    "that the scenarios run side by side: each is a gate, and they run in turn"
                        .to_owned(),
                );
            }
            return all;
        }
        let own = ["stages", "vus", "duration", "iterations", "rps"];
        let mut flat: Map<String, Json> = own
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), options.remove(*name)?)))
            .collect();
        let executor = if flat.contains_key("stages") {
            "ramping-vus"
        } else if flat.contains_key("iterations") {
            "shared-iterations"
        } else {
            "constant-vus"
        };
        flat.insert("executor".to_owned(), Json::from(executor));
        vec![("k6".to_owned(), self.scenario("the options", flat))]
    }

    fn scenario(&mut self, name: &str, mut fields: Map<String, Json>) -> Settings {
        let mut settings = Settings::default();
        let mut take = |field: &str| fields.remove(field);
        let executor = take("executor");
        let executor = executor.as_ref().and_then(Json::as_str).unwrap_or_default().to_owned();
        let unit = take("timeUnit").and_then(|unit| time(&unit)).unwrap_or(Duration::from_secs(1));
        let duration = take("duration").and_then(|duration| time(&duration));
        let stages = stages_of(take("stages"));
        let rate = |count: f64| rate_of(count / unit.as_secs_f64());
        let number = |value: Option<Json>| value.and_then(|value| value.as_f64());
        let vus = number(take("vus"));
        for field in ["preAllocatedVUs", "maxVUs"] {
            // Nobody here has to be made ready before.
            if let Some(most) = number(take(field)) {
                settings.max_connections = settings.max_connections.max(most as usize);
            }
        }
        settings.duration = duration.map(DurationValue);
        match executor.as_str() {
            "constant-arrival-rate" => {
                settings.rate = number(take("rate")).and_then(rate);
            }
            "ramping-arrival-rate" => {
                let start = number(take("startRate")).unwrap_or(0.0);
                let mut all: Vec<StageSpec> = Vec::new();
                if start > 0.0 {
                    all.extend(
                        rate(start).map(|rate| StageSpec {
                            duration: DurationValue(Duration::ZERO),
                            rate,
                        }),
                    );
                }
                all.extend(stages.iter().filter_map(|(duration, target)| {
                    Some(StageSpec { duration: DurationValue(*duration), rate: rate(*target)? })
                }));
                settings.duration = None;
                settings.stages = all;
            }
            "constant-vus" => settings.connections = Some(vus.unwrap_or(1.0).max(1.0) as usize),
            "ramping-vus" => {
                let most = stages.iter().map(|(_, target)| *target).fold(1.0, f64::max);
                settings.connections = Some(most as usize);
                settings.duration =
                    Some(DurationValue(stages.iter().map(|(duration, _)| *duration).sum()));
                take("startVUs");
                self.left_out.push(format!(
                    "{name}: that the number of users changes over time; it is {most} all the time. \
                     A ramp is best given as a rate (stages), which a slow service cannot lower"
                ));
            }
            other => {
                settings.connections = vus.map(|vus| vus.max(1.0) as usize);
                for field in ["iterations", "maxDuration", "rps"] {
                    take(field);
                }
                self.left_out
                    .push(format!("{name}: the executor `{other}`; give a rate and a duration"));
            }
        }
        for field in ["gracefulStop", "gracefulRampDown"] {
            take(field);
        }
        for field in fields.keys() {
            self.left_out.push(format!("{name}: `{field}`"));
        }
        if settings.duration() < Duration::from_secs(1) {
            settings.duration = None;
            settings.stages.clear();
            self.left_out.push(format!("{name}: how long it takes, which is under a second"));
        }
        settings
    }
}

/// How long each stage takes, and what it leads to.
fn stages_of(value: Option<Json>) -> Vec<(Duration, f64)> {
    let all = value.as_ref().and_then(Json::as_array).cloned().unwrap_or_default();
    let stage = |stage: &Json| Some((time(&stage["duration"])?, stage["target"].as_f64()?));
    all.iter().filter_map(stage).collect()
}

/// A rate in a second, to four digits.
fn rate_of(per_second: f64) -> Option<Rate> {
    let round = (per_second.min(1e6) * 1e4).round() / 1e4;
    format!("{round}/s").parse().ok()
}

/// A duration as k6 writes it: `1m30s`, `500ms`, or milliseconds.
fn time(value: &Json) -> Option<Duration> {
    if let Some(millis) = value.as_f64() {
        return Duration::try_from_secs_f64(millis / 1e3).ok();
    }
    let (mut rest, mut all) = (value.as_str()?.trim(), Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "d" => 86_400.0,
            _ => return None,
        };
        all += Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        rest = behind;
    }
    Some(all)
}
