//! Secrets and personal data in recordings: what they are and where they stand, never their value.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memchr::memmem;
use rayon::prelude::*;
use redact::{Cleaner, Finding, Scanner, placeholder};

use crate::cassette::{Cassette, RULES, read_file};
use crate::import::Imported;
use crate::message::{Content, Headers, Interaction, Request, Response};
use crate::rules::Rule;
use crate::wire::host_of;
use crate::{Error, Result};

/// What is made of the other files, and seen by nobody.
const INDEX: &str = ".index";
/// How often everything is gone through: what is learnt to be a secret in one place may stand in
/// those before it.
const PASSES: usize = 3;
/// How large a body may be to be looked at by what its names say, in bytes.
const WHOLE: usize = 8 << 20;
/// What stands in recordings whose secrets somebody has taken out by hand.
const MASKS: &[&str] =
    &["redacted", "filtered", "masked", "removed", "scrubbed", "hidden", "dummy", "placeholder"];

/// What a secret is called that is known by its value, from wherever.
const KNOWN: &str = "known-value";

/// Something that should not be in a recording.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// The file.
    pub path: PathBuf,
    /// Where in it, such as `GET https://a/x: request header authorization` or `byte 120`.
    pub place: String,
    /// What it is: the shape of a secret such as `github-token`, `secret-name` for one that its
    /// name tells, `known-value` for one that is known or was found elsewhere; or `email`,
    /// `phone`, `person`.
    pub what: &'static str,
    /// Whether it is a secret beyond doubt: one that is known, or that has the shape of one.
    pub is_certain: bool,
}

impl Leak {
    /// Whether it tells who somebody is, and opens nothing.
    pub fn is_personal(&self) -> bool {
        matches!(self.what, "email" | "phone" | "person")
    }
}

/// What is looked for in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// What is a secret beyond doubt. Nothing that was recorded without its secrets holds one.
    Certain,
    /// That, and what names tell and what looks drawn at random, and personal data.
    All,
}

/// What should not be in the files of a cassette. The cleaner is one that has learnt nothing yet;
/// when all is looked for, it learns. Endpoints that cannot be read are left to
/// [`super::integrity`].
pub fn leaks(cassette: &Cassette, cleaner: &Cleaner, search: Search) -> Result<Vec<Leak>> {
    let mut files = Vec::new();
    collect(cassette.folder(), &mut files)?;
    files.retain(|path| path.file_name().is_none_or(|name| name != INDEX));
    let sure = sure(&files, cleaner)?;
    let look = Look { cleaner, sure: &sure };
    if search == Search::Certain {
        return Ok(look.with_untold(Told::default()));
    }
    let endpoints = cassette.files()?;
    let told = look.settled(|| {
        let of_file = |path: &PathBuf| {
            let Ok(recorded) = read_file(path) else { return Told::default() };
            let all = recorded.par_iter().map(|one| {
                let mut told = Told::default();
                // What is looked at by what its names say; another look would tell it twice.
                let mut done = BTreeSet::new();
                look.interaction(path, &one.interaction, &mut told, |content| {
                    let bytes = cassette.body(content).ok()?;
                    let Content::Stored(stored) = content else { return Some((None, bytes)) };
                    let path = cassette.body_path(stored);
                    done.insert(path.clone());
                    Some((Some(path), bytes))
                });
                told.done.append(&mut done);
                told
            });
            all.reduce(Told::default, Told::and)
        };
        let mut told = endpoints.par_iter().map(of_file).reduce(Told::default, Told::and);
        if let Ok(rules) = cassette.rules() {
            let path = cassette.folder().join(RULES);
            let body = |content: &Content| Some((None, cassette.body(content).ok()?));
            for rule in &rules {
                look.rule(&path, rule, &mut told, body);
            }
        }
        told.done.extend(told.leaks.iter().map(|leak| leak.path.clone()));
        let left = files.par_iter().filter(|path| !told.done.contains(*path));
        let learnt = left.map(|path| look.learnt(path)).collect::<Result<Vec<_>>>()?;
        told.leaks.extend(learnt.into_iter().flatten());
        Ok(told)
    })?;
    Ok(look.with_untold(told))
}

/// What should not be in what was read of a file or a folder; otherwise as [`leaks`].
pub fn leaks_in(imported: &Imported, path: &Path, cleaner: &Cleaner) -> Result<Vec<Leak>> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(path, &mut files)?;
    } else {
        files.push(path.to_owned());
    }
    let sure = sure(&files, cleaner)?;
    // Which of the files an interaction is from is not known.
    let all = sure.into_values().flatten().collect::<Vec<_>>();
    let sure = BTreeMap::from([(path.to_owned(), all)]);
    let look = Look { cleaner, sure: &sure };
    let in_memory = |content: &Content| content.bytes().map(|bytes| (None, bytes.clone()));
    let told = look.settled(|| {
        let one = |interaction: &Interaction| {
            let mut told = Told::default();
            look.interaction(path, interaction, &mut told, in_memory);
            told
        };
        let recorded = imported.recorded.par_iter().map(|recorded| one(&recorded.interaction));
        let rules = imported.rules.par_iter().map(|rule| {
            let mut told = Told::default();
            look.rule(path, rule, &mut told, in_memory);
            told
        });
        Ok(recorded.chain(rules).reduce(Told::default, Told::and))
    })?;
    Ok(look.with_untold(told))
}

/// A secret beyond doubt, as it lies in a file.
struct Sure {
    path: PathBuf,
    rule: &'static str,
    /// In bytes.
    at: usize,
    text: Vec<u8>,
}

/// The secrets beyond doubt in files, by file.
fn sure(files: &[PathBuf], cleaner: &Cleaner) -> Result<BTreeMap<PathBuf, Vec<Sure>>> {
    let found = files.par_iter().map(|path| {
        let wrong = |error: std::io::Error| Error::file("reading", path, error);
        let mut file = fs::File::open(path).map_err(wrong)?;
        let found = scanned(cleaner, &mut file).map_err(wrong)?;
        let text = |at: &std::ops::Range<usize>| {
            let mut text = vec![0; at.len()];
            file.seek(SeekFrom::Start(at.start as u64))?;
            file.read_exact(&mut text)?;
            Ok(text)
        };
        let mut text = text;
        let all = found.into_iter().map(|Finding { rule, at }| {
            let text = text(&at).map_err(wrong)?;
            Ok(Sure { path: path.clone(), rule, at: at.start, text })
        });
        Ok((path.clone(), all.collect::<Result<Vec<_>>>()?))
    });
    let found: Vec<(PathBuf, Vec<Sure>)> = found.collect::<Result<_>>()?;
    Ok(found.into_iter().filter(|(_, all)| !all.is_empty()).collect())
}

fn scanned(cleaner: &Cleaner, from: &mut impl Read) -> std::io::Result<Vec<Finding>> {
    let mut scanner = Scanner::new(cleaner, std::io::sink());
    std::io::copy(from, &mut scanner)?;
    Ok(scanner.finish().1)
}

/// What was found so far.
#[derive(Default)]
struct Told {
    leaks: BTreeSet<Leak>,
    /// Files that need no other look.
    done: BTreeSet<PathBuf>,
    /// Which of the secrets beyond doubt have a place among the leaks, by file and byte.
    sure: BTreeSet<(PathBuf, usize)>,
}

impl Told {
    fn and(mut self, mut other: Told) -> Told {
        self.leaks.append(&mut other.leaks);
        self.done.append(&mut other.done);
        self.sure.append(&mut other.sure);
        self
    }
}

struct Look<'c> {
    cleaner: &'c Cleaner,
    sure: &'c BTreeMap<PathBuf, Vec<Sure>>,
}

impl Look<'_> {
    /// Looks until nothing is learnt any more: then everything was looked at with the same
    /// knowledge, in whatever order.
    fn settled(&self, look: impl Fn() -> Result<Told>) -> Result<Told> {
        let mut told = Told::default();
        for _ in 0..PASSES {
            let before = self.cleaner.generation();
            told = look()?;
            if self.cleaner.generation() == before {
                break;
            }
        }
        Ok(told)
    }

    /// With the secrets beyond doubt that nothing has told a better place of.
    fn with_untold(&self, told: Told) -> Vec<Leak> {
        let Told { mut leaks, sure, .. } = told;
        for one in self.sure.values().flatten() {
            let Sure { path, rule, at, .. } = one;
            if !sure.contains(&(path.clone(), *at)) {
                let place = format!("byte {at}");
                leaks.insert(Leak { path: path.clone(), place, what: rule, is_certain: true });
            }
        }
        leaks.into_iter().collect()
    }

    /// Looks at all of an interaction. `body` gives a body, and its file when it has one.
    fn interaction(
        &self,
        path: &Path,
        one: &Interaction,
        told: &mut Told,
        mut body: impl FnMut(&Content) -> Option<(Option<PathBuf>, Bytes)>,
    ) {
        let Interaction { request, response } = one;
        let cleaner = self.cleaner;
        let host = host_of(&request.url);
        // The same whatever the key of the placeholders.
        let clean = cleaner.url(&request.url);
        let clean =
            String::from_utf8_lossy(&placeholder::generalised(clean.as_bytes())).into_owned();
        let named = format!("{} {clean}", request.method);
        let in_address = cleaner.in_url(&request.url);
        self.add(told, path, &format!("{named}: address"), request.url.as_bytes(), in_address);
        let mut content = |part: &str, headers: &Headers, content: &Content| {
            if content.is_empty() {
                return;
            }
            let Some((own, bytes)) = body(content) else { return };
            let found = self.body(&host, headers, &bytes);
            let path = own.as_deref().unwrap_or(path);
            self.add(told, path, &format!("{named}: {part}"), &bytes, found);
        };
        let Request { headers, body: asked, .. } = request;
        content("request body", headers, asked);
        content("response body", &response.headers, &response.body);
        let Response { headers: answered, trailers, .. } = response;
        for (part, headers) in
            [("request header", headers), ("response header", answered), ("trailer", trailers)]
        {
            for (name, value) in headers.iter() {
                let found = cleaner.in_header(&host, name, value);
                self.add(told, path, &format!("{named}: {part} {name}"), value, found);
            }
        }
    }

    /// Looks at what a rule stands for and answers, and at what it asks for.
    fn rule(
        &self,
        path: &Path,
        rule: &Rule,
        told: &mut Told,
        body: impl FnMut(&Content) -> Option<(Option<PathBuf>, Bytes)>,
    ) {
        // A pattern is no address, and no names of parameters tell where a value ends in it.
        let request = Request { url: rule.address(), ..rule.request.clone() };
        let one = Interaction { request, response: rule.response.clone() };
        let before = told.leaks.len();
        self.interaction(path, &one, told, body);
        if told.leaks.len() > before {
            return;
        }
        // What has no place in a request that describes it: parts of JSON, patterns.
        if let Some(what) = crate::rules::secret_of(rule, self.cleaner) {
            let url = self.cleaner.url(&one.request.url);
            let url = placeholder::generalised(url.as_bytes());
            let url = String::from_utf8_lossy(&url);
            let place = format!("{} {url}: what the rule asks for", one.request.method);
            let path = path.to_owned();
            told.leaks.insert(Leak { path, place, what, is_certain: false });
        }
    }

    fn body(&self, host: &str, headers: &Headers, mut bytes: &[u8]) -> Vec<Finding> {
        if bytes.len() > WHOLE {
            return scanned(self.cleaner, &mut bytes).unwrap_or_default();
        }
        let media_type = headers.text("content-type").unwrap_or_default();
        self.cleaner.in_body(host, media_type, bytes)
    }

    /// What was learnt elsewhere, in a file as it lies there.
    fn learnt(&self, path: &Path) -> Result<Vec<Leak>> {
        let wrong = |error: std::io::Error| Error::file("reading", path, error);
        let mut file = fs::File::open(path).map_err(wrong)?;
        let found = scanned(self.cleaner, &mut file).map_err(wrong)?;
        let sure = self.sure.get(path).map_or(&[][..], |all| all);
        let found = found.into_iter().filter(|one| sure.iter().all(|sure| sure.at != one.at.start));
        let leak = |Finding { rule, at }| {
            let place = format!("byte {}", at.start);
            Leak { path: path.to_owned(), place, what: rule, is_certain: false }
        };
        Ok(found.map(leak).collect())
    }

    fn add(&self, told: &mut Told, path: &Path, place: &str, text: &[u8], found: Vec<Finding>) {
        let sure = self.sure.get(path).map_or(&[][..], |all| all);
        for Finding { rule, at } in found {
            let value = &text[at];
            let is_this = |sure: &&Sure| {
                memmem::find(value, &sure.text).is_some()
                    || memmem::find(&sure.text, value).is_some()
                    // Written in another way in the file.
                    || (sure.rule == rule && rule != KNOWN)
            };
            let mut is_certain = false;
            let mut what = rule;
            for one in sure.iter().filter(is_this) {
                told.sure.insert((one.path.clone(), one.at));
                (is_certain, what) = (true, one.rule);
            }
            if is_certain || !is_masked(value) {
                let (path, place) = (path.to_owned(), place.to_owned());
                told.leaks.insert(Leak { path, place, what, is_certain });
            }
        }
    }
}

/// Whether somebody has put this where a secret stood: `<TOKEN>`, `[FILTERED]`, `xxxx`, `***`.
fn is_masked(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let text = text.trim();
    let text = text.split_once(' ').filter(|(scheme, _)| scheme.len() <= 8).map_or(text, |it| it.1);
    let wraps = [("<", ">"), ("[", "]"), ("{{", "}}"), ("${", "}"), ("%", "%")];
    let is_wrapped = wraps.iter().any(|(start, end)| {
        let name = text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        name.is_some_and(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
        })
    });
    let is_crossed_out =
        text.len() >= 3 && text.bytes().all(|b| matches!(b, b'x' | b'X' | b'*' | b'-'));
    let small = text.to_ascii_lowercase();
    is_wrapped || is_crossed_out || MASKS.iter().any(|mask| small.contains(mask))
}

/// All files below a folder; links are not followed.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let wrong = |error: std::io::Error| Error::file("reading", folder, error);
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let kind = entry.file_type().map_err(wrong)?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
