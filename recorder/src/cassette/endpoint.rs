//! Which file an interaction belongs to: one for each endpoint, that is method, origin and path
//! with its identifiers left open. Recordings of different endpoints never meet in one file, so
//! two branches that add some merge.

use std::collections::{BTreeMap, BTreeSet};

use crate::canonical::Address;
use crate::message::Request;

/// How many endpoints of one method at one origin have a file of their own. With more, the place
/// in their paths that has the most values is an identifier that was not seen to be one.
const MOST: usize = 256;
/// What stands for an identifier.
const OPEN: &str = "{id}";

/// A method, an origin and a path with its identifiers left open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    pub(crate) method: String,
    /// Such as `https://api.example.com`; empty where a recording does not say.
    pub(crate) origin: String,
    pub(crate) path: String,
}

/// The endpoints of some requests, one for each, in their order.
pub(crate) fn of<'r>(requests: impl Iterator<Item = &'r Request>) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = requests.map(endpoint).collect();
    let mut groups: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for Endpoint { method, origin, path } in &endpoints {
        let key = (method.clone(), origin.clone());
        groups.entry(key).or_default().insert(path.clone());
    }
    let opened: BTreeMap<_, BTreeMap<String, String>> = groups
        .into_iter()
        .filter(|(_, paths)| paths.len() > MOST)
        .map(|(key, paths)| (key, open_further(paths)))
        .collect();
    if !opened.is_empty() {
        for one in &mut endpoints {
            let key = (one.method.clone(), one.origin.clone());
            if let Some(path) = opened.get(&key).and_then(|paths| paths.get(&one.path)) {
                one.path.clone_from(path);
            }
        }
    }
    endpoints
}

fn endpoint(request: &Request) -> Endpoint {
    let address = Address::of(&request.url);
    let origin = address.origin();
    let origin = match (origin.scheme, origin.host) {
        (Some(scheme), Some(host)) => format!("{scheme}://{host}"),
        (_, host) => host.unwrap_or_default(),
    };
    let path: Vec<&str> =
        address.path.split('/').map(|part| if is_identifier(part) { OPEN } else { part }).collect();
    Endpoint { method: request.method.to_ascii_uppercase(), origin, path: path.join("/") }
}

/// Whether a part of a path looks like the name of one thing among many.
fn is_identifier(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let is_version = part.strip_prefix(['v', 'V']).is_some_and(|rest| {
        rest.len() <= 5 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    });
    (digits > 0 && digits == part.len())
        || (is_hex && digits > 0 && part.len() >= 8)
        || (part.len() >= 16 && digits >= 2 && !part.contains('.'))
        || part.contains('@')
        || part.contains("%40")
        || part.contains("redacted-")
        || (digits * 2 > part.len() && !is_version && part.len() >= 4)
}

/// Leaves further places open until few paths are left. Gives, for each path, what became of it.
fn open_further(paths: BTreeSet<String>) -> BTreeMap<String, String> {
    let mut now: BTreeMap<String, String> =
        paths.into_iter().map(|path| (path.clone(), path)).collect();
    loop {
        let distinct: BTreeSet<&String> = now.values().collect();
        if distinct.len() <= MOST {
            return now;
        }
        // By number of parts and place: how many different texts stand there.
        let mut texts: BTreeMap<(usize, usize), BTreeSet<&str>> = BTreeMap::new();
        for path in &distinct {
            let parts: Vec<&str> = path.split('/').collect();
            for (at, part) in parts.iter().enumerate() {
                texts.entry((parts.len(), at)).or_default().insert(part);
            }
        }
        let widest = texts.iter().max_by_key(|(_, texts)| texts.len());
        let Some((&(length, place), _)) = widest.filter(|(_, texts)| texts.len() > 1) else {
            return now;
        };
        for path in now.values_mut() {
            let mut parts: Vec<&str> = path.split('/').collect();
            if parts.len() == length {
                parts[place] = OPEN;
                *path = parts.join("/");
            }
        }
    }
}

impl Endpoint {
    /// The file's place in the folder of endpoints: a folder for each host, and a name that a
    /// person can read, made unique by a hash.
    pub(crate) fn file(&self) -> String {
        let host = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host);
        let host = if host.is_empty() { "any-host".to_owned() } else { slug(host, 60) };
        let whole = format!("{} {}{}", self.method, self.origin, self.path);
        let hash = blake3::hash(whole.as_bytes()).to_hex();
        let name = slug(&format!("{} {}", self.method, self.path), 80);
        format!("{host}/{name}-{}.json", &hash.as_str()[..8])
    }
}

/// A text as a part of a file's name, on any file system.
fn slug(text: &str, longest: usize) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => name.push(letter),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
        if name.len() >= longest {
            break;
        }
    }
    let name = name.trim_matches(['_', '.']);
    if name.is_empty() { "_".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str) -> Request {
        Request { method: method.to_owned(), url: url.to_owned(), ..Request::default() }
    }

    #[test]
    fn identifiers_are_left_open() {
        let check = |path: &str, expect: &str| {
            assert_eq!(endpoint(&request("GET", path)).path, expect, "{path}");
        };
        check("/crm/v3/objects/contacts/151?x=1", "/crm/v3/objects/contacts/{id}");
        check("/3.0/lists/a1b2c3d4e5/members", "/3.0/lists/{id}/members");
        check("/u/0d3f5a72-9b1c-4f0e-8f55-1f1f6f0f9d11", "/u/{id}");
        check("/users/kim%40example.com", "/users/{id}");
        check("/v18.0/act_1234567890/events", "/v18.0/{id}/events");
        check("/oauth2/token", "/oauth2/token");
        check("/v2/pages/summer-sale", "/v2/pages/summer-sale");
        check("/", "/");
    }

    #[test]
    fn files_have_names_that_can_be_read() {
        let check = |method: &str, url: &str, expect: &str| {
            let file = endpoint(&request(method, url)).file();
            assert!(file.starts_with(expect), "{file}");
        };
        check(
            "GET",
            "https://api.example.com/crm/v3/contacts/151",
            "api.example.com/GET_crm_v3_contacts_id-",
        );
        check("post", "/x", "any-host/POST_x-");
        check("GET", "http://[::1]:80/../../etc", "1/GET_.._.._etc-");
        check("GET", "https://a/", "a/GET-");
        let same = ["GET", "HEAD"].map(|method| endpoint(&request(method, "/x")).file());
        assert_ne!(same[0], same[1]);
    }

    #[test]
    fn many_names_do_not_become_many_files() {
        let urls: Vec<String> =
            (0..1000).map(|n| format!("https://a/blog/{}/comments", "x".repeat(n + 1))).collect();
        let requests: Vec<Request> = urls.iter().map(|url| request("GET", url)).collect();
        let endpoints = of(requests.iter());
        assert!(endpoints.iter().all(|one| one.path == "/blog/{id}/comments"));
        let few = of(requests[..100].iter());
        assert_eq!(few.iter().collect::<BTreeSet<_>>().len(), 100);
    }
}
