//! What a cassette is like, and whether it is whole.

mod leaks;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::canonical::{Address, Matching};
use crate::cassette::{
    Cassette, RULES, Recorded, endpoints, entries, read_file, stored_in, stored_of,
};
use crate::message::{Content, Stored};
use crate::rules::Rule;
use crate::{Result, files};

pub use leaks::{Leak, Search, leaks, leaks_in};

/// How many of the largest bodies are named.
const NAMED: usize = 5;

/// What is wrong with a file of a cassette.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub hint: String,
    /// Whether nothing reads it, and it does no harm but for its place.
    pub is_unused: bool,
}

/// Looks into every file of a cassette: whether it can be read, whether bodies are what their names
/// say, and whether all of them are used. Fails where there is no cassette.
pub fn integrity(folder: &Path) -> Result<Vec<Damage>> {
    let cassette = Cassette::open(folder)?;
    let mut damages = Vec::new();
    let mut add = |path: &Path, what: String, hint: &str| {
        let hint = hint.to_owned();
        damages.push(Damage { path: path.to_owned(), what, hint, is_unused: false });
    };
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    let mut is_whole = true;
    for path in cassette.files()? {
        match read_file(&path) {
            Ok(recorded) => {
                let stored = recorded.iter().flat_map(|one| stored_in(&one.interaction));
                wanted.extend(stored.map(|stored| (stored.digest.clone(), stored.size)));
            }
            Err(error) => {
                is_whole = false;
                add(&path, error.to_string(), "restore it from version control, or record again");
            }
        }
    }
    match cassette.rules() {
        Ok(rules) => {
            let stored = rules.iter().flat_map(|rule| stored_of(&rule.request, &rule.response));
            wanted.extend(stored.map(|stored| (stored.digest.clone(), stored.size)));
        }
        Err(error) => {
            is_whole = false;
            add(&folder.join(RULES), error.to_string(), error.advice().unwrap_or_default());
        }
    }
    let bodies = folder.join("bodies");
    let there: BTreeSet<String> = entries(&bodies)?.into_iter().collect();
    for (digest, size) in &wanted {
        let stored = Stored { digest: digest.clone(), size: *size };
        let path = cassette.body_path(&stored);
        if !there.contains(digest) {
            add(&path, "a body is missing".to_owned(), "restore it from version control");
        } else if let Err(error) = cassette.body(&Content::Stored(stored)) {
            add(&path, error.to_string(), error.advice().unwrap_or_default());
        } else if files::read(&path)?.len() as u64 != *size {
            let what = format!("its recording says that it has {size} bytes");
            add(&path, what, "restore both from version control");
        }
    }
    // Whose a body is cannot be told while a file cannot be read.
    for name in there.iter().filter(|name| is_whole && !wanted.contains_key(*name)) {
        damages.push(unused(&bodies.join(name), "no recording has this body"));
    }
    damages.extend(strangers(&cassette)?);
    damages.sort();
    Ok(damages)
}

fn unused(path: &Path, what: &str) -> Damage {
    let hint = "remove it, or restore the recording that it belongs to".to_owned();
    Damage { path: path.to_owned(), what: what.to_owned(), hint, is_unused: true }
}

/// Files among those of endpoints that nobody reads.
fn strangers(cassette: &Cassette) -> Result<Vec<Damage>> {
    let known: BTreeSet<PathBuf> = cassette.files()?.into_iter().collect();
    let mut folders = vec![cassette.folder().join("endpoints")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for name in entries(&folder)? {
            let path = folder.join(name);
            if path.is_dir() {
                folders.push(path);
            } else if !known.contains(&path) {
                found.push(unused(&path, "it is not read: no file of an endpoint is called so"));
            }
        }
    }
    Ok(found)
}

/// The rules that never answer, since one before them fits the same requests, by their places.
pub fn unreached(rules: &[Rule]) -> Vec<usize> {
    let mut seen = HashSet::new();
    let is_new = |rule: &Rule| {
        let Rule { method, scheme, host, target, query, headers, cookies, form, body, .. } = rule;
        let asked = (method, scheme, host, target, query, headers, cookies, form, body);
        seen.insert(format!("{asked:?}"))
    };
    let mut is_new = is_new;
    (0..rules.len()).filter(|at| !is_new(&rules[*at])).collect()
}

/// What recordings are like.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// How many there are.
    pub interactions: u64,
    /// How many methods at paths, identifiers left open.
    pub endpoints: u64,
    /// How many were recorded of each host; those that do not say are under the empty name.
    pub hosts: BTreeMap<String, u64>,
    /// Of each method.
    pub methods: BTreeMap<String, u64>,
    /// Of each status.
    pub statuses: BTreeMap<u16, u64>,
    /// Bodies of requests, in bytes.
    pub request_bytes: u64,
    /// Bodies of responses, in bytes.
    pub response_bytes: u64,
    /// How many have a request that was recorded before.
    pub duplicates: u64,
    /// The largest bodies of responses, the largest first.
    pub largest: Vec<Large>,
}

/// A large body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Large {
    /// Its length in bytes.
    pub bytes: u64,
    /// The method that was asked with.
    pub method: String,
    /// What was asked for.
    pub url: String,
}

/// What recordings are like. Two requests are the same when the matching says so.
pub fn stats(recorded: &[Recorded], matching: &Matching) -> Stats {
    let mut stats = Stats {
        interactions: recorded.len() as u64,
        endpoints: endpoints(recorded) as u64,
        ..Stats::default()
    };
    let mut seen = HashSet::new();
    for one in recorded {
        let (request, response) = (&one.interaction.request, &one.interaction.response);
        let origin = Address::of(&request.url).origin();
        let is_new = seen.insert((matching.keys(request).exact, origin.host.clone()));
        stats.duplicates += u64::from(!is_new);
        *stats.hosts.entry(origin.host.unwrap_or_default()).or_default() += 1;
        *stats.methods.entry(request.method.clone()).or_default() += 1;
        *stats.statuses.entry(response.status).or_default() += 1;
        stats.request_bytes += request.body.len();
        stats.response_bytes += response.body.len();
        let bytes = response.body.len();
        let place = stats.largest.partition_point(|other| other.bytes >= bytes);
        if bytes > 0 && place < NAMED {
            let (method, url) = (request.method.clone(), request.url.clone());
            stats.largest.insert(place, Large { bytes, method, url });
            stats.largest.truncate(NAMED);
        }
    }
    stats
}

#[cfg(test)]
mod tests {
    use redact::Cleaner;

    use super::*;
    use crate::cassette::Policy;
    use crate::message::{Interaction, Request, Response};

    fn recorded(order: u64, method: &str, url: &str, length: usize) -> Recorded {
        let request = Request { method: method.into(), url: url.into(), ..Request::default() };
        let body = vec![b'x'; length].into();
        let response = Response { status: 200, body, ..Response::default() };
        Recorded { order, interaction: Interaction { request, response } }
    }

    #[test]
    fn damages_are_found() {
        let check = |damage: &dyn Fn(&Path), expect: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
            let key = redact::placeholder::Key([1; 32]);
            let cleaner = Cleaner::new(redact::Redactor::default(), &[], key);
            cassette.write(&[recorded(0, "GET", "https://a/x", 5000)], &cleaner).unwrap();
            damage(folder.path());
            let found = integrity(folder.path()).unwrap();
            let found: Vec<&str> = found.iter().map(|damage| damage.what.as_str()).collect();
            assert_eq!(found.len(), expect.len(), "{found:?}");
            for (found, expect) in found.iter().zip(expect) {
                assert!(found.contains(expect), "{found}");
            }
        };
        let body = |folder: &Path| {
            let bodies = folder.join("bodies");
            bodies.join(&entries(&bodies).unwrap()[0])
        };
        let file = |folder: &Path| Cassette::open(folder).unwrap().files().unwrap()[0].clone();
        check(&|_| {}, &[]);
        check(&|folder| std::fs::remove_file(body(folder)).unwrap(), &["a body is missing"]);
        check(&|folder| files::write(&body(folder), b"other").unwrap(), &["was altered"]);
        check(
            &|folder| files::write(&folder.join("bodies/0"), b"").unwrap(),
            &["no recording has"],
        );
        check(&|folder| files::write(&file(folder), b"{}").unwrap(), &["missing field"]);
        check(
            &|folder| files::write(&folder.join("endpoints/a/x.json.orig"), b"").unwrap(),
            &["it is not read"],
        );
        let resized = |folder: &Path| {
            let text = std::fs::read_to_string(file(folder)).unwrap();
            files::write(&file(folder), text.replace("5000", "5001").as_bytes()).unwrap();
        };
        check(&resized, &["says that it has 5001 bytes"]);
        assert!(integrity(Path::new("nowhere")).is_err());
    }

    #[test]
    fn recordings_are_counted() {
        let all = [
            recorded(0, "GET", "https://a/x/1", 10),
            recorded(1, "GET", "https://a/x/2", 30),
            recorded(2, "GET", "https://a/x/1", 0),
            recorded(3, "POST", "/x", 20),
        ];
        let stats = stats(&all, &Matching::default());
        assert_eq!((stats.interactions, stats.endpoints, stats.duplicates), (4, 2, 1));
        assert_eq!(stats.hosts, BTreeMap::from([("a".to_owned(), 3), (String::new(), 1)]));
        assert_eq!(stats.methods, BTreeMap::from([("GET".to_owned(), 3), ("POST".to_owned(), 1)]));
        assert_eq!(stats.statuses, BTreeMap::from([(200, 4)]));
        assert_eq!((stats.request_bytes, stats.response_bytes), (0, 60));
        let largest: Vec<u64> = stats.largest.iter().map(|large| large.bytes).collect();
        assert_eq!(largest, [30, 20, 10]);
    }
}
