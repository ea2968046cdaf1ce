//! Go's go-vcr, version 1 and version 2 of its cassettes.

use super::{Format, Imported, Node, Reading, at, body, status, wanted};
use crate::Result;
use crate::message::{Headers, Interaction, Timing};

pub(super) fn read(tree: &Node) -> Result<Imported> {
    let listed = tree.get("interactions");
    let interactions = if listed.is_null() { tree.list() } else { listed.list() };
    let mut reading = Reading::new(Format::GoVcr, None);
    for (place, one) in interactions.iter().enumerate() {
        reading.add(interaction(one).map_err(at(place))?);
    }
    Ok(reading.imported)
}

fn interaction(one: &Node) -> Result<Interaction> {
    let (asked, answered) = (one.get("request"), one.get("response"));
    let text = |node: &Node| node.bytes().unwrap_or_default();
    let mut content = text(asked.get("body"));
    if content.is_empty() {
        content = form(asked.get("form"), asked.get("method").text()).into_bytes();
    }
    let headers: Headers = body::headers(asked.get("headers"));
    let url = wanted(asked, "url")?;
    let request = body::request(wanted(asked, "method")?, &absolute(url, asked), headers, content);
    let headers: Headers = body::headers(answered.get("headers"));
    let is_uncompressed = answered.get("uncompressed").is_true();
    let bodies = if is_uncompressed { body::Bodies::Decoded } else { body::Bodies::Unsaid };
    // Version 1 of the library wrote some answers with their status as a text alone.
    let code = answered.get("code");
    let line = answered.get("status").text().unwrap_or_default();
    let first = Node::Text(line.split(' ').next().unwrap_or_default().to_owned());
    let status = status(if code.number().unwrap_or(0) == 0 { &first } else { code })?;
    let mut response = body::response(status, headers, text(answered.get("body")), bodies);
    response.trailers = body::headers(answered.get("trailer"));
    let duration = answered.get("duration").text().and_then(milliseconds);
    response.timing = duration.map(|head_ms| Timing { head_ms, chunks: Vec::new() });
    Ok(Interaction { request, response })
}

/// On the server's side of Go an address is a path, and the host stands beside it.
fn absolute(url: &str, asked: &Node) -> String {
    let host = asked.get("host").text().unwrap_or_default();
    if url.starts_with('/') && !host.is_empty() {
        return format!("http://{host}{url}");
    }
    url.to_owned()
}

/// The form that was sent where the body itself was not kept.
fn form(form: &Node, method: Option<&str>) -> String {
    if !matches!(method, Some("POST" | "PUT" | "PATCH")) {
        return String::new();
    }
    let escape = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let mut pairs = Vec::new();
    for (name, values) in form.members() {
        for value in values.list() {
            pairs.push(format!("{}={}", escape(name), escape(value.text().unwrap_or_default())));
        }
    }
    pairs.join("&")
}

/// A duration as Go writes it, such as `1m2.5s`, `123.4ms` or `0s`. Nothing where it is empty.
fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    if let Ok(nanoseconds) = rest.parse::<u64>() {
        return Some(nanoseconds / 1_000_000);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(digits);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(end);
        let factor = match unit {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1000.0,
            "ms" => 1.0,
            "us" | "µs" | "μs" => 0.001,
            "ns" => 0.000_001,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    (!text.trim().is_empty()).then_some(sum as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        let check = |text: &str, expect| assert_eq!(milliseconds(text), expect, "{text}");
        check("123.456ms", Some(123));
        check("1m2.5s", Some(62_500));
        check("1.5µs", Some(0));
        check("2h", Some(7_200_000));
        check("0s", Some(0));
        check("5000000", Some(5));
        check("", None);
        check("soon", None);
    }
}
