//! Secrets and personal data in recordings: what they are and where they stand, never their value.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use redact::{Cleaner, Finding, Scanner, placeholder};

use crate::cassette::{Cassette, read_file};
use crate::import::Imported;
use crate::message::{Content, Headers, Interaction, Request, Response};
use crate::wire::host_of;
use crate::{Error, Result};

/// How often everything is gone through: what is learnt to be a secret in one place may stand in
/// those before it.
const PASSES: usize = 3;
/// How large a body may be to be looked at by what its names say, in bytes.
const WHOLE: usize = 8 << 20;
/// What stands in recordings whose secrets somebody has taken out by hand.
const MASKS: &[&str] =
    &["redacted", "filtered", "masked", "removed", "scrubbed", "hidden", "dummy", "placeholder"];

/// Something that should not be in a recording.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// The file.
    pub path: PathBuf,
    /// Where in it, such as `GET https://a/x: request header authorization` or `byte 120`.
    pub place: String,
    /// What it is: the shape of a secret such as `github-token`, `secret-name` for one that its
    /// name tells, `known-value` for one that was found elsewhere; or `email`, `phone`, `person`.
    pub what: &'static str,
}

impl Leak {
    /// Whether it tells who somebody is, and opens nothing.
    pub fn is_personal(&self) -> bool {
        matches!(self.what, "email" | "phone" | "person")
    }
}

/// What should not be in the files of a cassette. Files that cannot be read are left to
/// [`super::integrity`].
pub fn leaks(cassette: &Cassette, cleaner: &Cleaner) -> Result<Vec<Leak>> {
    let mut files = Vec::new();
    collect(cassette.folder(), &mut files)?;
    settled(cleaner, |search| {
        // What was looked at by what its names say; another look would tell it twice.
        let mut done = BTreeSet::new();
        for path in cassette.files()? {
            let Ok(recorded) = read_file(&path) else { continue };
            for one in &recorded {
                search.interaction(&path, &one.interaction, |content| {
                    let bytes = cassette.body(content).ok()?;
                    let Content::Stored(stored) = content else { return Some((None, bytes)) };
                    let path = cassette.body_path(stored);
                    done.insert(path.clone());
                    Some((Some(path), bytes))
                });
            }
        }
        done.extend(search.found.iter().map(|leak| leak.path.clone()));
        files.iter().filter(|path| !done.contains(*path)).try_for_each(|path| search.file(path))
    })
}

/// What should not be in what was read of a file or a folder.
pub fn leaks_in(imported: &Imported, path: &Path, cleaner: &Cleaner) -> Result<Vec<Leak>> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(path, &mut files)?;
    } else {
        files.push(path.to_owned());
    }
    settled(cleaner, |search| {
        let in_memory = |content: &Content| content.bytes().map(|bytes| (None, bytes.clone()));
        for one in &imported.recorded {
            search.interaction(path, &one.interaction, in_memory);
        }
        for rule in &imported.rules {
            let (request, response) = (rule.request.clone(), rule.response.clone());
            search.interaction(path, &Interaction { request, response }, in_memory);
        }
        if search.found.is_empty() {
            files.iter().try_for_each(|path| search.file(path))?;
        }
        Ok(())
    })
}

fn settled(cleaner: &Cleaner, look: impl Fn(&mut Search<'_>) -> Result<()>) -> Result<Vec<Leak>> {
    let mut search = Search { cleaner, found: BTreeSet::new() };
    for _ in 0..PASSES {
        let before = cleaner.generation();
        search.found.clear();
        look(&mut search)?;
        if cleaner.generation() == before {
            break;
        }
    }
    Ok(search.found.into_iter().collect())
}

struct Search<'c> {
    cleaner: &'c Cleaner,
    found: BTreeSet<Leak>,
}

impl Search<'_> {
    /// Looks at all of an interaction. `body` gives a body, and its file when it has one.
    fn interaction(
        &mut self,
        path: &Path,
        one: &Interaction,
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
        self.add(path, &named, "address", request.url.as_bytes(), in_address);
        let mut content = |search: &mut Self, part: &str, headers: &Headers, content: &Content| {
            if content.is_empty() {
                return;
            }
            let Some((own, bytes)) = body(content) else { return };
            let found = search.body(&host, headers, &bytes);
            search.add(own.as_deref().unwrap_or(path), &named, part, &bytes, found);
        };
        let Request { headers, body: asked, .. } = request;
        content(self, "request body", headers, asked);
        content(self, "response body", &response.headers, &response.body);
        let Response { headers: answered, trailers, .. } = response;
        for (part, headers) in
            [("request header", headers), ("response header", answered), ("trailer", trailers)]
        {
            for (name, value) in headers.iter() {
                let found = cleaner.in_header(&host, name, value);
                self.add(path, &named, &format!("{part} {name}"), value, found);
            }
        }
    }

    fn body(&self, host: &str, headers: &Headers, bytes: &[u8]) -> Vec<Finding> {
        if bytes.len() > WHOLE {
            return self.scanned(bytes).unwrap_or_default();
        }
        let media_type = headers.text("content-type").unwrap_or_default();
        self.cleaner.in_body(host, media_type, bytes)
    }

    fn scanned(&self, mut from: impl std::io::Read) -> std::io::Result<Vec<Finding>> {
        let mut scanner = Scanner::new(self.cleaner, std::io::sink());
        std::io::copy(&mut from, &mut scanner)?;
        Ok(scanner.finish().1)
    }

    /// Looks at a file as it lies there.
    fn file(&mut self, path: &Path) -> Result<()> {
        let wrong = |error: std::io::Error| Error::file("reading", path, error);
        let found = self.scanned(fs::File::open(path).map_err(wrong)?).map_err(wrong)?;
        self.found.extend(found.into_iter().map(|Finding { rule, at }| Leak {
            path: path.to_owned(),
            place: format!("byte {}", at.start),
            what: rule,
        }));
        Ok(())
    }

    fn add(&mut self, path: &Path, named: &str, part: &str, text: &[u8], found: Vec<Finding>) {
        let found = found.into_iter().filter(|found| !is_masked(&text[found.at.clone()]));
        self.found.extend(found.map(|Finding { rule, .. }| Leak {
            path: path.to_owned(),
            place: format!("{named}: {part}"),
            what: rule,
        }));
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
mod tests {
    use redact::Redactor;
    use redact::placeholder::Key;

    use super::*;
    use crate::cassette::{Policy, Recorded};
    use crate::files;

    fn cleaner() -> Cleaner {
        Cleaner::new(Redactor::default(), &[], Key([5; 32]))
    }

    fn interaction(url: &str, header: (&str, &str), body: &str) -> Interaction {
        let request = Request {
            method: "GET".into(),
            url: url.into(),
            headers: [header].into_iter().collect(),
            body: Content::default(),
        };
        let headers = [("content-type", "application/json")].into_iter().collect();
        let body = body.to_owned().into();
        Interaction {
            request,
            response: Response { status: 200, headers, body, ..Response::default() },
        }
    }

    /// Where something is found, and what.
    fn told(found: &[Leak]) -> Vec<String> {
        found.iter().map(|leak| format!("{}: {}", leak.place, leak.what)).collect()
    }

    #[test]
    fn each_is_told_by_its_place_and_never_by_its_value() {
        let check = |url: &str, header: (&str, &str), body: &str, expect: &[&str]| {
            let one = interaction(url, header, body);
            let recorded = vec![Recorded { order: 0, interaction: one }];
            let mut imported = crate::import::read_bytes(b"http_interactions: []\n", None).unwrap();
            imported.recorded = recorded;
            let file = tempfile::NamedTempFile::new().unwrap();
            let found = leaks_in(&imported, file.path(), &cleaner()).unwrap();
            assert_eq!(told(&found), expect, "{url} {header:?} {body}");
        };
        let plain = ("accept", "*/*");
        check("https://a/x", plain, "{}", &[]);
        check(
            "https://a/x",
            ("authorization", "Bearer kP3zQ9x"),
            "{}",
            &["GET https://a/x: request header authorization: secret-name"],
        );
        check(
            "https://a/x",
            plain,
            r#"{"password":"hunter2","mail":"kim@example.org"}"#,
            &[
                "GET https://a/x: response body: email",
                "GET https://a/x: response body: secret-name",
            ],
        );
        for masked in ["Bearer <TOKEN>", "[FILTERED]", "Basic xxxx", "***", "token REDACTED"] {
            check("https://a/x", ("authorization", masked), "{}", &[]);
        }
        let address = "https://a/x?api_key=kP3zQ9x";
        let recorded = vec![Recorded { order: 0, interaction: interaction(address, plain, "{}") }];
        let mut imported = crate::import::read_bytes(b"http_interactions: []\n", None).unwrap();
        imported.recorded = recorded;
        let file = tempfile::NamedTempFile::new().unwrap();
        let found = told(&leaks_in(&imported, file.path(), &cleaner()).unwrap());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0], "GET https://a/x?api_key=redacted-secret: address: secret-name");
    }

    #[test]
    fn every_file_of_a_cassette_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        let large = format!(r#"{{"text":"{}"}}"#, "word ".repeat(2000));
        let one = interaction("https://a/x", ("accept", "*/*"), &large);
        let recorded = Recorded { order: 0, interaction: one };
        cassette.write(&[recorded], &cleaner()).unwrap();
        assert_eq!(told(&leaks(&cassette, &cleaner()).unwrap()), Vec::<String>::new());
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let body = cassette.files().unwrap()[0].clone();
        let text = fs::read_to_string(&body).unwrap();
        let noted = text.replacen('{', &format!("{{ \"note\": \"{token}\","), 1);
        files::write(&body, noted.as_bytes()).unwrap();
        files::write(&folder.path().join("notes.txt"), token.as_bytes()).unwrap();
        let found = leaks(&cassette, &cleaner()).unwrap();
        let what: Vec<_> = found.iter().map(|leak| leak.what).collect();
        assert_eq!(what, ["github-token", "github-token"], "{found:?}");
    }
}
