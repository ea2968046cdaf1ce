//! A cassette beside one that stays as it is, and what differs between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cassette::{Cassette, RULES, Recorded, entries, read_file, stored_in, stored_of};
use crate::message::Request;
use crate::{Error, Result, files};

/// Files that differ between two cassettes and belong together: those of one endpoint with its
/// bodies, or of several that share a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revised {
    /// What was recorded, as methods and paths, identifiers left open; `rules.json` for rules.
    pub endpoints: Vec<String>,
    /// The files, sorted, relative to the cassettes.
    pub files: Vec<RevisedFile>,
}

/// A file that differs between two cassettes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisedFile {
    /// Relative to the cassette, with `/` between its parts.
    pub path: String,
    /// Whether it was there.
    pub was: bool,
    /// Whether it is there.
    pub is: bool,
}

impl Cassette {
    /// The same in another folder, to be written there. Files that stay as they are take no room:
    /// they are linked where the file system can, since a cassette never writes into a file.
    pub fn copied(&self, folder: &Path) -> Result<Cassette> {
        for path in all_files(self.folder())? {
            let (from, to) = (self.folder().join(&path), folder.join(&path));
            let parent = to.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(|error| Error::file("making", parent, error))?;
            if fs::hard_link(&from, &to).is_err() {
                files::write(&to, &files::read(&from)?)?;
            }
        }
        Cassette::open_or_new(folder, || self.policy().clone())
    }
}

/// What differs in the second cassette, in the order of its endpoints. Where the first has nothing
/// at all, everything belongs together.
pub fn revised(was: &Path, is: &Path) -> Result<Vec<Revised>> {
    let (before, after) = (all_files(was)?, all_files(is)?);
    let mut differ = BTreeMap::new();
    for path in before.union(&after) {
        let (was_there, is_there) = (before.contains(path), after.contains(path));
        if !(was_there && is_there && is_same(&was.join(path), &is.join(path))?) {
            let file = RevisedFile { path: path.clone(), was: was_there, is: is_there };
            differ.insert(path.clone(), file);
        }
    }
    let mut groups: Vec<Revised> = Vec::new();
    let mut bodies: Vec<BTreeSet<String>> = Vec::new();
    for file in differ.values().filter(|file| is_content(&file.path)) {
        let mut own = BTreeSet::new();
        let (mut names, mut places) = (BTreeSet::new(), Vec::new());
        for (folder, is_there) in [(was, file.was), (is, file.is)] {
            if is_there && file.path == RULES {
                names.insert(RULES.to_owned());
                let rules = Cassette::open(folder)?.rules()?;
                let stored = rules.iter().flat_map(|rule| stored_of(&rule.request, &rule.response));
                own.extend(stored.map(|stored| format!("bodies/{}", stored.digest)));
            } else if is_there {
                let recorded = read_file(&folder.join(&file.path))?;
                names.insert(named(&recorded, &mut own));
                places.push(recorded.iter().map(place).collect::<BTreeSet<_>>());
            } else {
                places.push(BTreeSet::new());
            }
        }
        own.retain(|path| differ.contains_key(path));
        // What moved from one file into another is in both of them, or in none.
        if let [one, other] = &places[..] {
            own.extend(one.symmetric_difference(other).cloned());
        }
        let mut group =
            Revised { endpoints: names.into_iter().collect(), files: vec![file.clone()] };
        // What shares a body with this one cannot be taken without it.
        while let Some(at) = bodies.iter().position(|other| !other.is_disjoint(&own)) {
            own.append(&mut bodies.remove(at));
            let mut other = groups.remove(at);
            other.files.append(&mut group.files);
            other.endpoints.append(&mut group.endpoints);
            group = other;
        }
        groups.push(group);
        bodies.push(own);
    }
    for (group, own) in groups.iter_mut().zip(bodies) {
        group.files.extend(own.iter().filter_map(|path| differ.get(path)).cloned());
    }
    let rest = differ.values().filter(|file| !is_content(&file.path));
    let taken: BTreeSet<String> =
        groups.iter().flat_map(|group| &group.files).map(|file| file.path.clone()).collect();
    let rest: Vec<RevisedFile> = rest.filter(|file| !taken.contains(&file.path)).cloned().collect();
    if !before.contains("cassette.yaml") || (groups.is_empty() && !rest.is_empty()) {
        let mut whole = Revised { endpoints: Vec::new(), files: rest };
        for group in groups {
            whole.endpoints.extend(group.endpoints);
            whole.files.extend(group.files);
        }
        groups = vec![whole];
    } else if let Some(first) = groups.first_mut() {
        first.files.extend(rest);
    }
    for group in &mut groups {
        group.files.sort();
        group.endpoints.sort();
        group.endpoints.dedup();
    }
    groups.retain(|group| !group.files.is_empty());
    Ok(groups)
}

/// Whether a file says what is answered.
fn is_content(path: &str) -> bool {
    path == RULES || path.starts_with("endpoints/")
}

/// What stays the same of an interaction when it moves.
fn place(one: &Recorded) -> String {
    let Request { method, url, .. } = &one.interaction.request;
    format!("{} {method} {url}", one.order)
}

/// The name of an endpoint, and the bodies that it has.
fn named(recorded: &[Recorded], bodies: &mut BTreeSet<String>) -> String {
    for one in recorded {
        bodies
            .extend(stored_in(&one.interaction).map(|stored| format!("bodies/{}", stored.digest)));
    }
    recorded.first().map_or_else(String::new, |one| {
        let Request { method, url, .. } = &one.interaction.request;
        format!("{method} {}", crate::canonical::Address::of(url).path)
    })
}

/// The files that git keeps, relative to the folder.
fn all_files(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(inner) = open.pop() {
        for name in entries(&folder.join(&inner))? {
            if name.starts_with('.') {
                continue;
            }
            let path = inner.join(name);
            if folder.join(&path).is_dir() {
                open.push(path);
            } else {
                found.extend(path.to_str().map(str::to_owned));
            }
        }
    }
    Ok(found)
}

fn is_same(one: &Path, other: &Path) -> Result<bool> {
    let of = |path: &Path| fs::metadata(path).map_err(|error| Error::file("reading", path, error));
    let (first, second) = (of(one)?, of(other)?);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (first.dev(), first.ino()) == (second.dev(), second.ino()) {
            return Ok(true);
        }
    }
    Ok(first.len() == second.len() && files::read(one)? == files::read(other)?)
}

#[cfg(test)]
mod tests {
    use redact::Cleaner;

    use super::*;
    use crate::cassette::Policy;
    use crate::clean::without_secrets;
    use crate::message::{Content, Interaction, Response};

    fn cleaner() -> Cleaner {
        Cleaner::new(redact::Redactor::default(), &[], redact::placeholder::Key([3; 32]))
    }

    fn recorded(order: u64, url: &str, body: &str) -> Recorded {
        let request = Request { method: "GET".into(), url: url.into(), ..Request::default() };
        let body = Content::from(body.as_bytes().to_vec());
        let response = Response { status: 200, body, ..Response::default() };
        Recorded { order, interaction: Interaction { request, response } }
    }

    /// What differs, as lines: endpoints, and files with whether they were and are there.
    fn lines(was: &[Recorded], is: &[Recorded]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let cassette = Cassette::open_or_new(&one, Policy::default).unwrap();
        if !was.is_empty() {
            cassette.write(was, &cleaner()).unwrap();
        }
        let copy = cassette.copied(&other).unwrap();
        copy.write(is, &cleaner()).unwrap();
        if !was.is_empty() {
            // What was linked was not written into.
            assert_eq!(Cassette::open(&one).unwrap().read().unwrap().len(), was.len());
        }
        let all = revised(&one, &other).unwrap();
        let short = |path: &str| {
            if path.starts_with("bodies/") { "bodies/".to_owned() } else { path.to_owned() }
        };
        all.iter()
            .map(|group| {
                let files: Vec<String> = group
                    .files
                    .iter()
                    .map(|file| {
                        format!("{} {}{}", short(&file.path), u8::from(file.was), u8::from(file.is))
                    })
                    .collect();
                format!("{}: {}", group.endpoints.join(", "), files.join(", "))
            })
            .collect()
    }

    #[test]
    fn what_belongs_together_is_told_together() {
        let large = |letter: char| String::from(letter).repeat(5000);
        let (a, b) = ("https://h/a", "https://h/b");
        let check = |was: &[Recorded], is: &[Recorded], expect: &[&str]| {
            let found = lines(was, is);
            assert_eq!(found.len(), expect.len(), "{found:?}");
            for (found, expect) in found.iter().zip(expect) {
                let mut rest = found.as_str();
                for part in expect.split('*') {
                    let at = rest.find(part);
                    assert!(at.is_some(), "{found} has no {part}");
                    rest = &rest[at.unwrap() + part.len()..];
                }
            }
        };
        let same = [recorded(0, a, "1"), recorded(1, b, "2")];
        check(&same, &same, &[]);
        check(
            &same,
            &[recorded(0, a, "1"), recorded(1, b, "3")],
            &["GET /b: endpoints/h*.json 11"],
        );
        check(
            &same,
            &[recorded(0, a, "x"), recorded(1, b, "y")],
            &["GET /a: endpoints/*11", "GET /b: endpoints/*11"],
        );
        check(&same, &same[..1], &["GET /b: endpoints/*10"]);
        // Nothing was there: all or nothing.
        check(&[], &same, &["GET /a, GET /b: cassette.yaml 01, endpoints/*01, endpoints/*01"]);
        // Two that have the same new body.
        let shared = [recorded(0, a, &large('x')), recorded(1, b, &large('x'))];
        check(&same, &shared, &["GET /a, GET /b: bodies/*01, endpoints/*11, endpoints/*11"]);
        let apart = [recorded(0, a, &large('x')), recorded(1, b, &large('y'))];
        check(&same, &apart, &["GET /a: bodies/*01, endpoints/*11", "GET /b: bodies/*01, *11"]);
        check(&apart, &same, &["GET /a: bodies/*10, endpoints/*11", "GET /b: bodies/*10, *11"]);
        // So many paths that they are put together: what moves is not taken in part.
        let many = |count: u64| -> Vec<Recorded> {
            let letters = |mut n: u64| {
                let mut name = String::new();
                while n > 0 {
                    name.push(char::from(b'a' + (n % 26) as u8));
                    n /= 26;
                }
                name
            };
            (0..count).map(|n| recorded(n, &format!("https://h/p-{}", letters(n)), "1")).collect()
        };
        let found = lines(&many(200), &many(400));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(" 10") && found[0].contains(" 01"), "{found:?}");
    }

    #[test]
    fn rules_are_a_group_of_their_own() {
        use crate::rules::Rule;
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let rule = |letter: &str| {
            let body = Content::from(letter.repeat(5000));
            let response = Response { status: 200, body, ..Response::default() };
            [Rule { response, ..Rule::default() }]
        };
        let cassette = Cassette::open_or_new(&one, Policy::default).unwrap();
        cassette.write(&[recorded(0, "https://h/a", "1")], &cleaner()).unwrap();
        cassette.write_rules(&rule("x"), &cleaner()).unwrap();
        let copy = cassette.copied(&other).unwrap();
        assert_eq!(revised(&one, &other).unwrap(), []);
        copy.write(&[recorded(0, "https://h/a", "2")], &cleaner()).unwrap();
        let groups = revised(&one, &other).unwrap();
        assert_eq!((groups.len(), &groups[0].endpoints[0][..]), (1, "GET /a"));
        copy.write_rules(&rule("y"), &cleaner()).unwrap();
        let groups = revised(&one, &other).unwrap();
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[1].endpoints.clone(), groups[1].files.len()), (vec![RULES.into()], 3));
        // The original was linked, and not written into.
        assert_eq!(cassette.body(&cassette.rules().unwrap()[0].response.body).unwrap()[0], b'x');
    }

    #[test]
    fn secrets_go() {
        let mut one = recorded(0, "https://h/a?token=abcdefgh12345678", "{}").interaction;
        one.response.headers.add("content-type", "application/json");
        one.response.headers.add("set-cookie", "sid=0123456789abcdef0123456789abcdef");
        one.response.body = br#"{"access_token":"s3cr3t-value-1","name":"x"}"#.to_vec().into();
        let clean = format!("{:?}", without_secrets(&one, &cleaner()));
        for secret in ["abcdefgh12345678", "0123456789abcdef", "s3cr3t-value-1"] {
            assert!(!clean.contains(secret), "{clean}");
        }
        assert!(clean.contains("name"), "{clean}");
    }
}
