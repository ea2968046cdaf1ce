//! Which path of a document an address is.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::canonical::Address;

/// How many addresses the variables of one server may stand for.
const MOST: usize = 100;

/// A path as a document writes it, such as `/contacts/{id}/notes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Vec<Piece>>);

/// A part of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A parameter, which is never empty.
    Any,
}

impl Template {
    pub(super) fn of(written: &str) -> Template {
        Template(written.split('/').map(pieces).collect())
    }

    /// Whether the segments of a path are of this form.
    pub(super) fn is_of(&self, segments: &[String]) -> bool {
        self.0.len() == segments.len()
            && self.0.iter().zip(segments).all(|(pieces, segment)| is_of(pieces, segment))
    }

    /// Whether a path has as many segments: most have not, and are not taken apart.
    pub(super) fn is_as_long_as(&self, path: &str) -> bool {
        path.bytes().filter(|b| *b == b'/').count() + 1 == self.0.len()
    }

    /// How concrete it is: of two that a path is of, the lesser one counts.
    pub(super) fn rank(&self) -> Vec<u8> {
        let rank = |pieces: &Vec<Piece>| match &pieces[..] {
            [Piece::Any] => 2,
            pieces if pieces.contains(&Piece::Any) => 1,
            _ => 0,
        };
        self.0.iter().map(rank).collect()
    }
}

fn pieces(segment: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut rest = segment;
    while let Some((before, inner)) = rest.split_once('{') {
        let Some((_, after)) = inner.split_once('}') else { break };
        if !before.is_empty() {
            all.push(Piece::Text(decoded(before)));
        }
        if all.last() != Some(&Piece::Any) {
            all.push(Piece::Any);
        }
        rest = after;
    }
    if !rest.is_empty() {
        all.push(Piece::Text(decoded(rest)));
    }
    all
}

fn is_of(pieces: &[Piece], segment: &str) -> bool {
    let mut rest = segment;
    // Whether a parameter stands before: it takes one letter at the least.
    let mut is_any = false;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Any => is_any = true,
            Piece::Text(text) if !is_any => match rest.strip_prefix(text.as_str()) {
                Some(after) => rest = after,
                None => return false,
            },
            Piece::Text(text) => {
                let first = rest.chars().next().map_or(0, char::len_utf8);
                let found = if at + 1 == pieces.len() {
                    let found = rest.len().checked_sub(text.len());
                    found.filter(|_| rest.ends_with(text.as_str())).filter(|at| *at >= first)
                } else {
                    rest[first..].find(text.as_str()).map(|at| at + first)
                };
                match found {
                    Some(at) if at > 0 => rest = &rest[at + text.len()..],
                    _ => return false,
                }
                is_any = false;
            }
        }
    }
    if is_any { !rest.is_empty() } else { rest.is_empty() }
}

/// The segments of a path.
pub(super) fn segments(path: &str) -> Vec<String> {
    path.split('/').map(decoded).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What is left of a path below a base, which has no slash at its end.
pub(super) fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    match path.strip_prefix(base)? {
        "" => Some("/"),
        rest => Some(rest).filter(|rest| rest.starts_with('/')),
    }
}

/// The paths below which everything lies, of a list of servers; hosts say nothing, since another
/// copy of the service is asked. None, when there is no such list.
pub(super) fn bases(servers: Option<&Value>) -> Option<Vec<String>> {
    let servers = servers?.as_array().filter(|all| !all.is_empty())?;
    let mut all: Vec<String> = servers.iter().flat_map(urls).map(|url| base(&url)).collect();
    all.sort_by_key(|base| std::cmp::Reverse(base.len()));
    all.dedup();
    Some(all)
}

fn base(url: &str) -> String {
    let relative = if url.contains("://") || url.starts_with('/') {
        url.to_owned()
    } else {
        format!("/{url}")
    };
    Address::of(&relative).path.trim_end_matches('/').to_owned()
}

/// The addresses of a server, with everything that its variables may be.
fn urls(server: &Value) -> Vec<String> {
    let mut all = vec![server["url"].as_str().unwrap_or("/").to_owned()];
    let Some(variables) = server["variables"].as_object() else { return all };
    for (name, variable) in variables {
        let named = format!("{{{name}}}");
        if !all[0].contains(&named) {
            continue;
        }
        let mut values: Vec<String> = Vec::new();
        let allowed = variable["enum"].as_array().into_iter().flatten();
        for value in std::iter::once(&variable["default"]).chain(allowed) {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            if !values.contains(&text) {
                values.push(text);
            }
        }
        let filled = all.iter().flat_map(|url| values.iter().map(|to| url.replace(&named, to)));
        let filled: Vec<String> = filled.take(MOST).collect();
        if !filled.is_empty() {
            all = filled;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_of_templates() {
        let check = |template: &str, path: &str, expect: bool| {
            assert_eq!(Template::of(template).is_of(&segments(path)), expect, "{template} {path}");
        };
        check("/v1/contacts", "/v1/contacts", true);
        check("/v1/contacts", "/v1/contacts/", false);
        check("/v1/{id}", "/v1/7", true);
        check("/v1/{id}", "/v1/", false);
        check("/v1/{id}", "/v1/7/8", false);
        check("/v1/{id}.json", "/v1/7.json", true);
        check("/v1/{id}.json", "/v1/.json", false);
        check("/v1/{id}.json", "/v1/a.json.json", true);
        check("/v1/{a}-{b}", "/v1/x-y", true);
        check("/v1/{a}-{b}", "/v1/x-", false);
        check("/v1/{a}-{b}", "/v1/-y", false);
        check("/v1/{a}..{b}", "/v1/é..ö", true);
        check("/v1/a b", "/v1/a%20b", true);
        check("/v1/{id}", "/v1/a%2Fb", true);
        check("/{open", "/{open", true);
        check("/", "/", true);
    }

    #[test]
    fn what_is_more_concrete_comes_first() {
        let mut all = ["/a/{b}", "/a/b", "/{a}/b", "/a/{b}.json"];
        all.sort_by_key(|written| Template::of(written).rank());
        assert_eq!(all, ["/a/b", "/a/{b}.json", "/a/{b}", "/{a}/b"]);
    }

    #[test]
    fn servers_have_bases() {
        let check = |servers: Value, expect: Option<&[&str]>| {
            let found = bases(Some(&servers));
            let found: Option<Vec<&str>> =
                found.as_ref().map(|all| all.iter().map(String::as_str).collect());
            assert_eq!(found.as_deref(), expect, "{servers}");
        };
        check(json!([]), None);
        check(json!([{ "url": "https://api.example.com" }]), Some(&[""]));
        check(
            json!([{ "url": "https://api.example.com/v1/" }, { "url": "/" }]),
            Some(&["/v1", ""]),
        );
        check(json!([{ "url": "{scheme}://{host}/v2" }]), Some(&["/v2"]));
        check(json!([{ "url": "v3" }]), Some(&["/v3"]));
        let variables = json!({ "v": { "default": "v1", "enum": ["v1", "v12"] }, "x": {} });
        let server = json!({ "url": "https://{x}.example.com/{v}", "variables": variables });
        check(json!([server]), Some(&["/v12", "/v1"]));
    }

    #[test]
    fn what_lies_below_a_base() {
        let check = |path: &str, base: &str, expect: Option<&str>| {
            assert_eq!(below(path, base), expect, "{path} {base}");
        };
        check("/v1/me", "/v1", Some("/me"));
        check("/v1", "/v1", Some("/"));
        check("/v12/me", "/v1", None);
        check("/me", "", Some("/me"));
    }
}
