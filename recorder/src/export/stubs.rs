//! Rules in WireMock's words.

use serde_json::{Map, Value, json};

use super::base64;
use crate::rules::{Matcher, Rule, Target};

/// What WireMock asks a request for; none when it has no word for something in it.
pub(super) fn request(rule: &Rule) -> Option<Value> {
    let mut all = Map::new();
    let method = match &rule.method {
        Some(matcher) => matcher.literal()?,
        None => "ANY",
    };
    all.insert("method".to_owned(), method.into());
    if let Some(scheme) = &rule.scheme {
        all.insert("scheme".to_owned(), scheme.literal()?.into());
    }
    if let Some(host) = &rule.host {
        let (host, port) = match host.literal() {
            Some(text) => {
                let (name, port) = host_and_port(text);
                (json!({ "equalTo": name }), port)
            }
            None => (matcher(host)?, None),
        };
        all.insert("host".to_owned(), host);
        all.extend(port.map(|port| ("port".to_owned(), port.into())));
    }
    let (name, value) = match &rule.target {
        Target::Any => ("", Value::Null),
        Target::Path(path) => literal_or_pattern(path, ["urlPath", "urlPathPattern"])?,
        Target::Address(url) => literal_or_pattern(url, ["url", "urlPattern"])?,
        Target::Template(template, parts) => {
            add_named(&mut all, "pathParameters", parts)?;
            ("urlPathTemplate", template.as_str().into())
        }
    };
    if !name.is_empty() {
        all.insert(name.to_owned(), value);
    }
    add_named(&mut all, "queryParameters", &rule.query)?;
    add_named(&mut all, "headers", &rule.headers)?;
    add_named(&mut all, "cookies", &rule.cookies)?;
    add_named(&mut all, "formParameters", &rule.form)?;
    if !rule.body.is_empty() {
        let body = rule.body.iter().map(matcher).collect::<Option<Vec<_>>>()?;
        all.insert("bodyPatterns".to_owned(), body.into());
    }
    Some(all.into())
}

/// The name of a host, and the port behind it.
pub(super) fn host_and_port(host: &str) -> (&str, Option<u16>) {
    let cut = host.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    cut.map_or((host, None), |(name, port)| (name, Some(port)))
}

fn literal_or_pattern<'n>(matcher: &Matcher, names: [&'n str; 2]) -> Option<(&'n str, Value)> {
    match matcher {
        Matcher::Pattern(pattern) => Some((names[1], pattern.as_str().into())),
        matcher => Some((names[0], matcher.literal()?.into())),
    }
}

/// Matchers by name; several of one name are all meant.
fn add_named(all: &mut Map<String, Value>, name: &str, pairs: &[(String, Matcher)]) -> Option<()> {
    let mut named: Map<String, Value> = Map::new();
    for (name, one) in pairs {
        let mut value = matcher(one)?;
        if let Some(other) = named.remove(name) {
            value = json!({ "and": [other, value] });
        }
        named.insert(name.clone(), value);
    }
    if !named.is_empty() {
        all.insert(name.to_owned(), named.into());
    }
    Some(())
}

fn matcher(one: &Matcher) -> Option<Value> {
    let all = |all: &[Matcher]| all.iter().map(matcher).collect::<Option<Vec<_>>>();
    Some(match one {
        Matcher::Equal(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!({ "equalTo": text }),
            Err(_) => json!({ "binaryEqualTo": base64(bytes) }),
        },
        Matcher::EqualInAnyCase(text) => json!({ "equalTo": text, "caseInsensitive": true }),
        Matcher::Contains(text) => json!({ "contains": text }),
        Matcher::Pattern(pattern) => json!({ "matches": pattern.as_str() }),
        Matcher::Json(rule) => {
            let mut json = json!({ "equalToJson": rule.value.to_string() });
            for (name, is_set) in
                [("ignoreArrayOrder", rule.any_order), ("ignoreExtraElements", rule.may_have_more)]
            {
                if is_set {
                    json[name] = true.into();
                }
            }
            json
        }
        Matcher::Place(path, None) => json!({ "matchesJsonPath": path.to_string() }),
        Matcher::Place(path, Some(inner)) => {
            let mut within = matcher(inner)?;
            within.as_object_mut()?.insert("expression".to_owned(), path.to_string().into());
            json!({ "matchesJsonPath": within })
        }
        Matcher::Present => json!({ "anything": "(always)" }),
        Matcher::Absent => json!({ "absent": true }),
        Matcher::Not(inner) => match &**inner {
            Matcher::Contains(text) => json!({ "doesNotContain": text }),
            Matcher::Pattern(pattern) => json!({ "doesNotMatch": pattern.as_str() }),
            inner => json!({ "not": matcher(inner)? }),
        },
        Matcher::All(every) => json!({ "and": all(every)? }),
        Matcher::Any(one) => json!({ "or": all(one)? }),
    })
}
