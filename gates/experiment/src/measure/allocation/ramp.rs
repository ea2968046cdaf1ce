//! The same experiment with another share of visitors in it, as the service's own pages would set it.

use serde_json::{Value, json};

use super::config::Service;

/// The configuration with this share of the visitors taking part; none where it is not known how the
/// service says that.
pub(super) fn at_share(service: &Service, key: &str, share: f64) -> Option<Value> {
    let mut config = service.config.clone();
    let has_changed = match service.provider.name {
        "growthbook" => growthbook(&mut config, key, share),
        "unleash" => unleash(&mut config, key, share),
        "split" => split(&mut config, key, share),
        "posthog" => posthog(&mut config, key, share),
        "optimizely" => optimizely(&mut config, key, share),
        _ => false,
    };
    has_changed.then_some(config)
}

/// The rules of a GrowthBook experiment: of a feature, or with that key in any, or by itself.
pub(super) fn rules<'v>(config: &'v Value, key: &str) -> Vec<&'v Value> {
    let features = config.get("features").and_then(Value::as_object);
    let of_features = features.into_iter().flatten().flat_map(|(name, feature)| {
        let rules = feature.get("rules").and_then(Value::as_array).into_iter().flatten();
        rules.filter(move |rule| name == key || rule["key"] == key)
    });
    let experiments = config.get("experiments").and_then(Value::as_array).into_iter().flatten();
    let all = of_features.chain(experiments.chain([config]).filter(|one| one["key"] == key));
    all.filter(|rule| rule.get("variations").is_some()).collect()
}

fn growthbook(config: &mut Value, key: &str, share: f64) -> bool {
    let mut has_changed = false;
    let mut set = |rule: &mut Value| {
        if rule.get("variations").is_none() {
            return;
        }
        has_changed = true;
        match rule.get_mut("ranges").and_then(Value::as_array_mut) {
            None => rule["coverage"] = json!(share),
            Some(ranges) => {
                for range in ranges {
                    let ends = (range[0].as_f64(), range[1].as_f64());
                    if let (Some(from), Some(to)) = ends {
                        range[1] = json!(from + (to - from) * share);
                    }
                }
            }
        }
    };
    if let Some(features) = config.get_mut("features").and_then(Value::as_object_mut) {
        for (name, feature) in features {
            let rules = feature.get_mut("rules").and_then(Value::as_array_mut);
            for rule in rules.into_iter().flatten() {
                if name == key || rule["key"] == key {
                    set(rule);
                }
            }
        }
    }
    for one in listed(config, "experiments") {
        if one["key"] == key {
            set(one);
        }
    }
    if config["key"] == key {
        set(config);
    }
    has_changed
}

/// The items of a list.
fn listed<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
    value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

fn unleash(config: &mut Value, key: &str, share: f64) -> bool {
    let mut has_changed = false;
    for flag in listed(config, "features").filter(|flag| flag["name"] == key) {
        for strategy in listed(flag, "strategies") {
            let Some(parameters) = strategy.get_mut("parameters") else { continue };
            for name in ["rollout", "percentage"] {
                if parameters.get(name).is_some() {
                    parameters[name] = json!((share * 100.0).to_string());
                    has_changed = true;
                }
            }
        }
    }
    has_changed
}

fn split(config: &mut Value, key: &str, share: f64) -> bool {
    let definitions =
        if config.get("ff").is_some() { &mut config["ff"]["d"] } else { &mut config["splits"] };
    let all = definitions.as_array_mut().into_iter().flatten();
    let mut has_changed = false;
    for one in all.filter(|one| one["name"] == key) {
        one["trafficAllocation"] = json!((share * 100.0).round() as u64);
        has_changed = true;
    }
    has_changed
}

fn posthog(config: &mut Value, key: &str, share: f64) -> bool {
    let mut has_changed = false;
    for flag in listed(config, "flags").filter(|flag| flag["key"] == key) {
        let Some(filters) = flag.get_mut("filters") else { continue };
        for group in listed(filters, "groups") {
            group["rollout_percentage"] = json!(share * 100.0);
            has_changed = true;
        }
    }
    has_changed
}

/// Each arm keeps the start of its range, and what is behind its part belongs to nobody.
fn optimizely(config: &mut Value, key: &str, share: f64) -> bool {
    let mut has_changed = false;
    for one in listed(config, "experiments").filter(|one| one["key"] == key) {
        let Some(traffic) = one["trafficAllocation"].as_array() else { continue };
        let (mut from, mut parts) = (0.0, Vec::new());
        for part in traffic {
            let to = part["endOfRange"].as_f64().unwrap_or(from);
            let end = (from + (to - from) * share).round() as u64;
            parts.push(json!({ "entityId": part["entityId"], "endOfRange": end }));
            parts.push(json!({ "entityId": "", "endOfRange": to as u64 }));
            from = to;
        }
        one["trafficAllocation"] = parts.into();
        has_changed = true;
    }
    has_changed
}
