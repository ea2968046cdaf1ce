//! Cassettes on disk, `gate-cassette/v1`: a folder that git can merge and a person can read.
//!
//! ```text
//! crm.cassette/
//!   cassette.yaml            how it is recorded and looked up
//!   endpoints/HOST/*.json    what was recorded, a file for each endpoint
//!   rules.json               answers to every request of a kind, where there are such
//!   bodies/DIGEST            bodies over 4 KiB, and those that are no text
//!   .gitignore               leaves out the index, the age and unfinished files
//! ```

mod endpoint;
mod guard;
mod policy;
mod rules;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use redact::Cleaner;

use crate::canonical::Matching;
use crate::message::{Content, Interaction, Request, Response, Stored};
use crate::{Error, Result, files};
use endpoint::Endpoint;
use shape::{Bodies, EntryShape, FileShape};

pub(crate) use rules::NAME as RULES;

pub use policy::{MatchPolicy, Policy, RedactPolicy, SCHEMA, Volatile};

/// What git does not need to see.
pub(crate) const IGNORED: &str = ".index\n.recorded\n.unfinished-*\n";

/// An interaction with its place among all of its cassette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// In the order of recording; it may have holes, and two branches may have used one number.
    pub order: u64,
    /// What was asked and answered.
    pub interaction: Interaction,
}

/// A cassette in its folder.
#[derive(Debug, Clone)]
pub struct Cassette {
    folder: PathBuf,
    policy: Policy,
}

impl Cassette {
    /// Whether there is one in this folder.
    pub fn is_at(folder: &Path) -> bool {
        folder.join("cassette.yaml").is_file()
    }

    /// The cassette in a folder.
    pub fn open(folder: &Path) -> Result<Cassette> {
        let path = folder.join("cassette.yaml");
        if !path.is_file() {
            let text = format!("{} is no cassette: it has no cassette.yaml", folder.display());
            return Err(
                Error::new(text).hint("record one: gate record --cassette DIR --target URL")
            );
        }
        let text = String::from_utf8(files::read(&path)?)
            .map_err(|error| Error::file("reading", &path, error))?;
        Ok(Cassette { folder: folder.to_owned(), policy: Policy::read(&text)? })
    }

    /// The cassette in a folder, or a new one, which is not written before something is.
    pub fn open_or_new(folder: &Path, policy: impl FnOnce() -> Policy) -> Result<Cassette> {
        if Cassette::is_at(folder) {
            return Cassette::open(folder);
        }
        Ok(Cassette { folder: folder.to_owned(), policy: policy() })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How it is recorded and looked up.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The files of its endpoints, in order of their names.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let folder = self.folder.join("endpoints");
        for host in entries(&folder)? {
            let path = folder.join(host);
            let names = if path.is_dir() { entries(&path)? } else { Vec::new() };
            found.extend(
                names
                    .into_iter()
                    .filter(|name| name.ends_with(".json"))
                    .map(|name| path.join(name)),
            );
        }
        Ok(found)
    }

    /// All that was recorded, in order.
    pub fn read(&self) -> Result<Vec<Recorded>> {
        let mut all = Vec::new();
        for path in self.files()? {
            all.extend(read_file(&path)?);
        }
        all.sort_by_key(|recorded| recorded.order);
        Ok(all)
    }

    /// The highest place of any recording; 0 where there is none.
    pub fn last_order(&self) -> Result<u64> {
        Ok(self.read()?.iter().map(|recorded| recorded.order).max().unwrap_or(0))
    }

    /// The bytes of a body.
    pub fn body(&self, content: &Content) -> Result<Bytes> {
        match content {
            Content::Bytes(bytes) => Ok(bytes.clone()),
            Content::Stored(stored) => {
                let path = self.body_path(stored);
                let bytes = files::read(&path)?;
                if blake3::hash(&bytes).to_hex().as_str() != stored.digest {
                    let text =
                        format!("{} was altered: it is not what its name says", path.display());
                    return Err(Error::new(text).hint("restore it from version control"));
                }
                Ok(bytes.into())
            }
        }
    }

    /// Where a body lies.
    pub fn body_path(&self, stored: &Stored) -> PathBuf {
        self.folder.join("bodies").join(&stored.digest)
    }

    /// Writes the cassette so that it holds these and nothing else. Files that are as they should
    /// be are not touched. New files are there before old ones go. What the cleaner has learnt to
    /// be a secret since something was recorded is taken out of that, too, rules included; if
    /// anything is left that holds one, it is not written, and the error names what and where.
    /// Rules stay: [`Cassette::write_rules`] changes them.
    pub fn write(&self, recorded: &[Recorded], cleaner: &Cleaner) -> Result<()> {
        let rules = self.rules()?;
        let recorded: Vec<Recorded> =
            recorded.iter().map(|one| self.again(one, cleaner)).collect::<Result<_>>()?;
        guard::write(&self.folder.join(".gitignore"), IGNORED.as_bytes(), cleaner)?;
        let mut bodies = Kept { cassette: self, cleaner, names: BTreeSet::new() };
        let mut written = BTreeSet::new();
        for (endpoint, mut recorded) in by_endpoint(&recorded) {
            recorded.sort_by_key(|recorded| recorded.order);
            let shape = shape_of(endpoint.clone(), &recorded, &mut bodies)?;
            let path = self.folder.join("endpoints").join(endpoint.file());
            let mut text = serde_json::to_vec_pretty(&shape).expect("a cassette can be written");
            text.push(b'\n');
            guard::write(&path, &text, cleaner)?;
            written.insert(path);
        }
        self.put_rules(&rules, &mut bodies)?;
        self.put_policy(cleaner)?;
        for path in self.files()? {
            if !written.contains(&path) {
                remove(&path)?;
            }
        }
        self.sweep(&bodies.names)
    }

    fn put_policy(&self, cleaner: &Cleaner) -> Result<()> {
        let policy = self.policy.write();
        guard::write(&self.folder.join("cassette.yaml"), policy.as_bytes(), cleaner)
    }

    /// Removes the bodies that nothing has any more.
    pub(crate) fn sweep(&self, wanted: &BTreeSet<String>) -> Result<()> {
        let folder = self.folder.join("bodies");
        for name in entries(&folder)? {
            if !wanted.contains(&name) {
                remove(&folder.join(name))?;
            }
        }
        Ok(())
    }
}

fn shape_of(
    endpoint: Endpoint,
    recorded: &[&Recorded],
    bodies: &mut Kept<'_>,
) -> Result<FileShape> {
    // By what the request says and not by the policy: another policy moves nothing.
    let matching = Matching::default();
    let mut groups: BTreeMap<Vec<(String, Vec<u8>)>, Vec<&Recorded>> = BTreeMap::new();
    for one in recorded {
        let key = matching.parts(&one.interaction.request);
        groups.entry(key).or_default().push(one);
    }
    let mut requests = Vec::new();
    for group in groups.into_values() {
        let shared = &group[0].interaction.request;
        let mut responses = Vec::new();
        for one in &group {
            let Interaction { request, response } = &one.interaction;
            bodies.names.extend(stored_in(&one.interaction).map(|stored| stored.digest.clone()));
            let own = (request != shared)
                .then(|| shape::request(request, shape::RESPONSE_DEPTH + 1, bodies));
            let (own, depth) = (own.transpose()?, shape::RESPONSE_DEPTH);
            responses.push(shape::response(one.order, own, response, depth, bodies)?);
        }
        let request = shape::request(shared, shape::REQUEST_DEPTH, bodies)?;
        requests.push(EntryShape { request, responses });
    }
    let Endpoint { method, origin, path } = endpoint;
    Ok(FileShape { schema: shape::SCHEMA.to_owned(), method, origin, path, requests })
}

/// How many endpoints there are.
pub(crate) fn endpoints(recorded: &[Recorded]) -> usize {
    by_endpoint(recorded).len()
}

fn by_endpoint(recorded: &[Recorded]) -> BTreeMap<Endpoint, Vec<&Recorded>> {
    let endpoints = endpoint::of(recorded.iter().map(|one| &one.interaction.request));
    let mut groups: BTreeMap<Endpoint, Vec<&Recorded>> = BTreeMap::new();
    for (endpoint, one) in endpoints.into_iter().zip(recorded) {
        groups.entry(endpoint).or_default().push(one);
    }
    groups
}

/// The bodies that an interaction has in the folder.
pub(crate) fn stored_in(interaction: &Interaction) -> impl Iterator<Item = &Stored> {
    stored_of(&interaction.request, &interaction.response)
}

/// The same of a request and its response.
pub(crate) fn stored_of<'m>(
    request: &'m Request,
    response: &'m Response,
) -> impl Iterator<Item = &'m Stored> {
    let contents = [Some(&request.body), Some(&response.body), response.encoded.as_ref()];
    contents.into_iter().flatten().filter_map(|content| match content {
        Content::Stored(stored) => Some(stored),
        Content::Bytes(_) => None,
    })
}

/// Reads the file of an endpoint.
pub(crate) fn read_file(path: &Path) -> Result<Vec<Recorded>> {
    let wrong = |error: &dyn std::fmt::Display| Error::file("reading", path, error);
    let shape: FileShape =
        serde_json::from_slice(&files::read(path)?).map_err(|error| wrong(&error))?;
    if shape.schema != shape::SCHEMA {
        return Err(wrong(&format!("it is {}, which this version cannot read", shape.schema)));
    }
    let mut all = Vec::new();
    for entry in shape.requests {
        let interactions = entry.interactions(&shape.method).map_err(|error| wrong(&error))?;
        let recorded = |(order, interaction)| Recorded { order, interaction };
        all.extend(interactions.into_iter().map(recorded));
    }
    Ok(all)
}

/// The bodies that are kept while a cassette is written.
struct Kept<'c> {
    cassette: &'c Cassette,
    cleaner: &'c Cleaner,
    names: BTreeSet<String>,
}

impl Bodies for Kept<'_> {
    fn keep(&mut self, bytes: &Bytes) -> Result<Stored> {
        let stored = self.cassette.keep_body(bytes, self.cleaner)?;
        self.names.insert(stored.digest.clone());
        Ok(stored)
    }
}

/// The names in a folder, sorted; none when it is not there.
pub(crate) fn entries(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file("reading", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::file("reading", folder, error))?;
        let name = entry.file_name().into_string();
        names.extend(name.ok().filter(|name| !name.starts_with(files::UNFINISHED)));
    }
    names.sort_unstable();
    Ok(names)
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::file("removing", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Headers, Timing};

    fn interaction(url: &str, body: &[u8]) -> Interaction {
        let headers: Headers =
            [("set-cookie", "a=1"), ("x", ""), ("set-cookie", ": b")].into_iter().collect();
        Interaction {
            request: Request { method: "GET".into(), url: url.into(), ..Request::default() },
            response: Response {
                status: 200,
                headers,
                body: body.to_vec().into(),
                ..Response::default()
            },
        }
    }

    fn cleaner() -> Cleaner {
        Cleaner::new(redact::Redactor::default(), &[], redact::placeholder::Key([3; 32]))
    }

    fn written(interactions: Vec<Interaction>) -> (tempfile::TempDir, Cassette, Vec<Recorded>) {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        let recorded: Vec<Recorded> = (0..)
            .zip(interactions)
            .map(|(order, interaction)| Recorded { order, interaction })
            .collect();
        cassette.write(&recorded, &cleaner()).unwrap();
        (folder, cassette, recorded)
    }

    /// What was read, with all bodies in memory.
    fn read_back(folder: &Path) -> Vec<Recorded> {
        let cassette = Cassette::open(folder).unwrap();
        let mut all = cassette.read().unwrap();
        for one in &mut all {
            let Interaction { request, response } = &mut one.interaction;
            let encoded = response.encoded.iter_mut();
            for content in [&mut request.body, &mut response.body].into_iter().chain(encoded) {
                *content = Content::Bytes(cassette.body(content).unwrap());
            }
        }
        all
    }

    #[test]
    fn what_is_written_is_read_byte_for_byte() {
        let bodies: [&[u8]; 11] = [
            b"",
            b"plain",
            br#"{"a":1,"b":[1.50,null]}"#,
            br#"{ "a": 1 }"#,
            b"{\"a\":1}\n",
            b"{}",
            b"[[],{}]",
            b"\xff\x00binary",
            &[b'x'; 5000],
            "é \u{7f}\u{1} \u{2028}".as_bytes(),
            br#"{"broken":"#,
        ];
        let mut all: Vec<_> = bodies.iter().map(|body| interaction("https://a/x", body)).collect();
        all[1].response.headers.add("x-odd", b"\xe9t\xe9".to_vec());
        all[2].response.trailers.add("grpc-status", "0");
        all[3].response.timing = Some(Timing { head_ms: 12, chunks: vec![(0, 34), (250, 20)] });
        all[4].response.encoded = Some(Content::from(b"\x1f\x8b\x08 coded".to_vec()));
        all[5].request.headers.add("user-agent", "another");
        all[6].request.body = br#"{"deep":{"er":[1]}}"#.to_vec().into();
        let (folder, _, recorded) = written(all);
        assert_eq!(read_back(folder.path()), recorded);
    }

    #[test]
    fn a_file_can_be_read_by_a_person() {
        let mut one =
            interaction("https://api.example/contacts/151?b=1", br#"{"id":"151","tags":[]}"#);
        one.request.headers.add("accept", "application/json");
        let mut other = one.clone();
        other.request.headers.add("x-try", "2");
        other.request.body = b"{\"q\":[1]}".to_vec().into();
        let mut third = one.clone();
        third.request.headers.add("x-try", "3");
        third.response.status = 429;
        let (folder, cassette, _) = written(vec![one, other, third]);
        let files = cassette.files().unwrap();
        assert_eq!(files.len(), 1);
        let text = fs::read_to_string(&files[0]).unwrap();
        insta::assert_snapshot!(text);
        let ignored = fs::read_to_string(folder.path().join(".gitignore")).unwrap();
        assert_eq!(ignored, IGNORED);
    }

    #[test]
    fn what_is_no_longer_recorded_goes() {
        let large = interaction("https://a/one", &[b'x'; 5000]);
        let (folder, cassette, recorded) = written(vec![large, interaction("https://b/two", b"2")]);
        assert_eq!(entries(&folder.path().join("bodies")).unwrap().len(), 1);
        cassette.write(&recorded[1..], &cleaner()).unwrap();
        assert_eq!(read_back(folder.path()), recorded[1..]);
        assert_eq!(entries(&folder.path().join("bodies")).unwrap(), Vec::<String>::new());
        assert_eq!(cassette.files().unwrap().len(), 1);
    }

    #[test]
    fn damage_is_said() {
        let (folder, cassette, _) = written(vec![interaction("https://a/one", &[b'x'; 5000])]);
        let body = &cassette.read().unwrap()[0].interaction.response.body;
        let Content::Stored(stored) = body else { panic!("{body:?}") };
        fs::remove_file(cassette.body_path(stored)).unwrap();
        files::write(&cassette.body_path(stored), b"other").unwrap();
        assert!(cassette.body(body).unwrap_err().to_string().contains("was altered"));
        let path = &cassette.files().unwrap()[0];
        files::write(path, b"{}").unwrap();
        assert!(cassette.read().unwrap_err().to_string().contains("missing field"));
        let error = Cassette::open(&folder.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("is no cassette"), "{error}");
    }
}
