//! What WireMock says of a request.

use super::node::decode_base64;
use super::wiremock::exact_request;
use super::{Node, body};
use crate::canonical::written_pair;
use crate::message::Request;
use crate::rules::{JsonRule, Matcher, Pattern, Rule, Target, Template};
use crate::{Error, Result};

/// What a request may be asked for that is known here.
const KNOWN: &[&str] = &[
    "method",
    "url",
    "urlPattern",
    "urlPath",
    "urlPathPattern",
    "urlPathTemplate",
    "pathParameters",
    "queryParameters",
    "formParameters",
    "headers",
    "cookies",
    "bodyPatterns",
    "basicAuthCredentials",
    "host",
    "port",
    "scheme",
];

/// The rule of a request, and whether it means that request and no other.
pub(super) fn rule(asked: &Node) -> Result<(Rule, bool)> {
    for (name, value) in asked.members() {
        if !KNOWN.contains(&name) && !value.is_null() {
            return Err(Error::new(format!("is asked for by {name}, which is not known here")));
        }
    }
    let mut rule = Rule {
        method: method(asked.get("method")),
        scheme: asked.get("scheme").text().map(Matcher::equal),
        host: host(asked)?,
        target: target(asked)?,
        query: named(asked.get("queryParameters"))?,
        headers: headers(asked)?,
        cookies: named(asked.get("cookies"))?,
        form: named(asked.get("formParameters"))?,
        body: asked.get("bodyPatterns").list().iter().map(matcher).collect::<Result<_>>()?,
        ..Rule::default()
    };
    let exact = exact_request(&rule);
    let is_exact = exact.is_some();
    rule.request = exact.unwrap_or_else(|| described(asked, &rule));
    Ok((rule, is_exact))
}

fn method(node: &Node) -> Option<Matcher> {
    let name = node.text().map(str::to_ascii_uppercase).filter(|name| name != "ANY")?;
    Some(Matcher::Equal(name.into_bytes()))
}

fn host(asked: &Node) -> Result<Option<Matcher>> {
    let node = asked.get("host");
    let port = asked.get("port").text();
    if node.is_null() {
        return match port {
            Some(_) => Err(Error::new("is asked for by a port without a host")),
            None => Ok(None),
        };
    }
    let matcher = matcher(node)?;
    match (port, matcher.literal()) {
        (None, _) => Ok(Some(matcher)),
        (Some(port), Some(host)) => Ok(Some(Matcher::equal(&format!("{host}:{port}")))),
        (Some(_), None) => Err(Error::new("is asked for by a port and a pattern of a host")),
    }
}

fn target(asked: &Node) -> Result<Target> {
    let pattern = |text: &str| Pattern::whole(text).map(Matcher::Pattern).map_err(Error::new);
    let text = |name: &str| asked.get(name).text();
    Ok(if let Some(url) = text("url") {
        Target::Address(Matcher::equal(url))
    } else if let Some(url) = text("urlPattern") {
        Target::Address(pattern(url)?)
    } else if let Some(path) = text("urlPath") {
        Target::Path(Matcher::equal(path))
    } else if let Some(path) = text("urlPathPattern") {
        Target::Path(pattern(path)?)
    } else if let Some(path) = text("urlPathTemplate") {
        Target::Template(Template::new(path), named(asked.get("pathParameters"))?)
    } else {
        Target::Any
    })
}

fn headers(asked: &Node) -> Result<Vec<(String, Matcher)>> {
    let mut headers: Vec<(String, Matcher)> = named(asked.get("headers"))?
        .into_iter()
        .map(|(name, matcher)| (name.to_ascii_lowercase(), matcher))
        .collect();
    let basic = asked.get("basicAuthCredentials");
    if basic.is_map() {
        use base64::Engine as _;
        let part = |name: &str| basic.get(name).text().unwrap_or_default();
        let pair = format!("{}:{}", part("username"), part("password"));
        let coded = base64::engine::general_purpose::STANDARD.encode(pair);
        headers.push(("authorization".to_owned(), Matcher::equal(&format!("Basic {coded}"))));
    }
    Ok(headers)
}

fn named(node: &Node) -> Result<Vec<(String, Matcher)>> {
    let pairs = node.members().into_iter();
    pairs.map(|(name, value)| Ok((name.to_owned(), matcher(value)?))).collect()
}

/// What a value has to be like; several names in one map mean all of them.
fn matcher(node: &Node) -> Result<Matcher> {
    if let Some(text) = node.text() {
        return Ok(Matcher::equal(text));
    }
    let mut all = Vec::new();
    for (name, value) in node.members() {
        all.extend(operator(name, value, node)?);
    }
    match (all.len(), all.pop()) {
        (1, Some(one)) => Ok(one),
        (0, _) | (_, None) => Err(Error::new("has a matcher that says nothing")),
        (_, Some(last)) => {
            all.push(last);
            Ok(Matcher::All(all))
        }
    }
}

/// One of the names in a matcher; nothing for what only belongs to another.
fn operator(name: &str, value: &Node, whole: &Node) -> Result<Option<Matcher>> {
    let text = || value.text().ok_or_else(|| Error::new(format!("has no text for {name}")));
    let pattern = || Pattern::whole(text()?).map(Matcher::Pattern).map_err(Error::new);
    let not = |matcher| Matcher::Not(Box::new(matcher));
    let several = || value.list().iter().map(matcher).collect::<Result<Vec<_>>>();
    Ok(Some(match name {
        "equalTo" if whole.get("caseInsensitive").is_true() => {
            Matcher::EqualInAnyCase(text()?.to_owned())
        }
        "equalTo" => Matcher::equal(text()?),
        "binaryEqualTo" => {
            let wrong = || Error::new("has a binaryEqualTo that is no base64");
            Matcher::Equal(decode_base64(text()?).ok_or_else(wrong)?)
        }
        "contains" => Matcher::Contains(text()?.to_owned()),
        "doesNotContain" => not(Matcher::Contains(text()?.to_owned())),
        "matches" => pattern()?,
        "doesNotMatch" => not(pattern()?),
        "absent" if value.is_true() => Matcher::Absent,
        "absent" | "anything" => Matcher::Present,
        "equalToJson" => Matcher::Json(json_rule(value, whole)?),
        "matchesJsonPath" => json_path(value)?,
        "and" => Matcher::All(several()?),
        "or" => Matcher::Any(several()?),
        "not" => not(matcher(value)?),
        "caseInsensitive" | "ignoreArrayOrder" | "ignoreExtraElements" => return Ok(None),
        _ => return Err(Error::new(format!("is asked for by {name}, which is not known here"))),
    }))
}

fn json_rule(value: &Node, whole: &Node) -> Result<JsonRule> {
    let text = match value {
        Node::Text(text) => text.clone(),
        other => other.json(),
    };
    let value = serde_json::from_str(&text)
        .map_err(|error| Error::new(format!("has an equalToJson that is none: {error}")))?;
    let is_set = |name: &str| whole.get(name).is_true();
    Ok(JsonRule {
        value,
        any_order: is_set("ignoreArrayOrder"),
        may_have_more: is_set("ignoreExtraElements"),
    })
}

fn json_path(value: &Node) -> Result<Matcher> {
    let (path, inner) = match value.text() {
        Some(path) => (path, None),
        None => {
            let mut rest = value.members();
            rest.retain(|(name, _)| *name != "expression");
            let rest = rest.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
            let rest = Node::Map(rest.collect());
            (value.get("expression").text().unwrap_or_default(), Some(Box::new(matcher(&rest)?)))
        }
    };
    Ok(Matcher::Place(path.parse().map_err(Error::new)?, inner))
}

/// What is asked for, as far as it can be written as a request.
fn described(asked: &Node, rule: &Rule) -> Request {
    let names = ["url", "urlPath", "urlPathTemplate", "urlPattern", "urlPathPattern"];
    let path = names.into_iter().find_map(|name| asked.get(name).text()).unwrap_or("/");
    let method = asked.get("method").text().unwrap_or("ANY");
    let mut request = body::request(method, path, crate::message::Headers::new(), Vec::new());
    describe(rule, &mut request);
    request
}

/// Adds what is fixed in a rule to the request that describes it.
pub(crate) fn describe(rule: &Rule, request: &mut Request) {
    let fixed =
        |(name, matcher): &(String, Matcher)| Some((name.clone(), matcher.literal()?.to_owned()));
    for (name, value) in rule.query.iter().filter_map(fixed) {
        let sign = if request.url.contains('?') { '&' } else { '?' };
        request.url.push_str(&format!("{sign}{}", written_pair(&name, &value)));
    }
    if let Some(host) = rule.host.as_ref().and_then(Matcher::literal) {
        let scheme = rule.scheme.as_ref().and_then(Matcher::literal).unwrap_or("http");
        request.url = format!("{scheme}://{host}{}", request.url);
    }
    for (name, value) in rule.headers.iter().filter_map(fixed) {
        request.headers.add(&name, value);
    }
    request.body = match &rule.body[..] {
        [Matcher::Equal(bytes)] => bytes.clone().into(),
        [Matcher::Json(json)] => json.value.to_string().into(),
        _ => return,
    };
}
