//! Nothing is written that was not looked over. All writing goes through here, and asks for the
//! cleaner.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use bytes::Bytes;
use redact::{Cleaner, Finding, Scanner};

use super::{Cassette, Recorded};
use crate::message::{Content, Headers, Interaction, Request, Response, Stored};
use crate::{Error, Result, files};

/// How large a body may be to be looked over as one, in bytes.
const WHOLE: u64 = 8 << 20;

/// Refuses to write what holds a secret; the error names the rule and the place.
fn refused(path: &Path, findings: &[Finding]) -> Result<()> {
    let Some(first) = findings.first() else { return Ok(()) };
    let more = match findings.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let text = format!("{} was not written: it would hold a secret, {first}{more}", path.display());
    Err(Error::new(text).hint(
        "name what it stands beside in redact.names of cassette.yaml, or allow its value in \
         redact.allow when it is no secret",
    ))
}

/// Writes a file unless it has these bytes already, and holds no secret.
pub(super) fn write(path: &Path, bytes: &[u8], cleaner: &Cleaner) -> Result<()> {
    refused(path, &cleaner.scan(bytes))?;
    files::write_changed(path, bytes).map(|_| ())
}

/// Passes bytes on and sums them up.
struct Digested<W> {
    to: W,
    hasher: blake3::Hasher,
    size: u64,
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = self.to.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.size += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// A body that was put away.
pub(crate) struct Copied {
    pub(crate) stored: Stored,
    /// Whether something was taken out of it.
    pub(crate) is_changed: bool,
}

impl Cassette {
    /// Puts a body away at once, before the cassette is written, unless a secret is in it.
    pub fn keep_body(&self, bytes: &Bytes, cleaner: &Cleaner) -> Result<Stored> {
        let digest = blake3::hash(bytes).to_hex().to_string();
        let stored = Stored { digest, size: bytes.len() as u64 };
        write(&self.body_path(&stored), bytes, cleaner)?;
        Ok(stored)
    }

    /// Puts a body of any size away while it is read and cleaned, in bounded memory.
    pub(crate) fn keep_copy(
        &self,
        host: &str,
        media_type: &str,
        body: impl Read,
        cleaner: &Cleaner,
    ) -> Result<Copied> {
        self.keep_by(cleaner, |to| cleaner.copy(host, media_type, body, to))
    }

    /// Puts a body away as it is, in bounded memory: one whose content was looked over.
    pub(crate) fn keep_same(&self, mut body: impl Read, cleaner: &Cleaner) -> Result<Stored> {
        let copied = self.keep_by(cleaner, |to| std::io::copy(&mut body, to).map(|_| false))?;
        Ok(copied.stored)
    }

    fn keep_by(
        &self,
        cleaner: &Cleaner,
        copy: impl FnOnce(&mut dyn Write) -> std::io::Result<bool>,
    ) -> Result<Copied> {
        let folder = self.folder().join("bodies");
        let wrong = |error: std::io::Error| Error::file("writing", &folder, error);
        fs::create_dir_all(&folder).map_err(wrong)?;
        let file = tempfile::Builder::new().prefix(files::UNFINISHED).tempfile_in(&folder);
        let digested =
            Digested { to: file.map_err(wrong)?, hasher: blake3::Hasher::new(), size: 0 };
        let mut scanner = Scanner::new(cleaner, digested);
        let is_changed =
            copy(&mut scanner).map_err(|error| Error::new(format!("reading a body: {error}")))?;
        let (digested, findings) = scanner.finish();
        let digest = digested.hasher.finalize().to_hex().to_string();
        let stored = Stored { digest, size: digested.size };
        let path = self.body_path(&stored);
        refused(&path, &findings)?;
        if !path.is_file() {
            files::put(digested.to, &path)?;
        }
        Ok(Copied { stored, is_changed })
    }

    /// A recording without what was learnt to be a secret after it was made.
    pub(super) fn again(&self, recorded: &Recorded, cleaner: &Cleaner) -> Result<Recorded> {
        let interaction = self.interaction_again(&recorded.interaction, cleaner)?;
        Ok(Recorded { order: recorded.order, interaction })
    }

    pub(super) fn interaction_again(
        &self,
        interaction: &Interaction,
        cleaner: &Cleaner,
    ) -> Result<Interaction> {
        let Interaction { request, response } = interaction;
        let mut response = Response {
            status: response.status,
            headers: headers_again(&response.headers, cleaner),
            body: self.content_again(&response.body, cleaner)?,
            encoded: response.encoded.clone(),
            trailers: headers_again(&response.trailers, cleaner),
            timing: response.timing.clone(),
        };
        if response.body != interaction.response.body {
            response.encoded = None;
            if let Some(timing) = &mut response.timing {
                timing.chunks.clear();
            }
        }
        if let Some(encoded) = &response.encoded {
            response.encoded = Some(self.content_again(encoded, cleaner)?);
        }
        let request = Request {
            method: request.method.clone(),
            url: String::from_utf8_lossy(&cleaner.again(request.url.as_bytes())).into_owned(),
            headers: headers_again(&request.headers, cleaner),
            body: self.content_again(&request.body, cleaner)?,
        };
        Ok(Interaction { request, response })
    }

    fn content_again(&self, content: &Content, cleaner: &Cleaner) -> Result<Content> {
        match content {
            Content::Bytes(bytes) => Ok(match cleaner.again(bytes) {
                std::borrow::Cow::Owned(clean) => Content::from(clean),
                std::borrow::Cow::Borrowed(_) => content.clone(),
            }),
            Content::Stored(stored) if stored.size <= WHOLE => {
                let bytes = self.body(content)?;
                match cleaner.again(&bytes) {
                    std::borrow::Cow::Owned(clean) => {
                        self.keep_body(&clean.into(), cleaner).map(Content::Stored)
                    }
                    std::borrow::Cow::Borrowed(_) => Ok(content.clone()),
                }
            }
            Content::Stored(stored) => {
                let open = || {
                    let path = self.body_path(stored);
                    fs::File::open(&path).map_err(|error| Error::file("reading", &path, error))
                };
                let mut scanner = Scanner::new(cleaner, std::io::sink());
                std::io::copy(&mut open()?, &mut scanner)
                    .map_err(|error| Error::new(format!("reading a body: {error}")))?;
                if scanner.finish().1.is_empty() {
                    return Ok(content.clone());
                }
                let copied = self.keep_copy("", "", open()?, cleaner)?;
                Ok(Content::Stored(copied.stored))
            }
        }
    }
}

fn headers_again(headers: &Headers, cleaner: &Cleaner) -> Headers {
    headers.iter().map(|(name, value)| (name, cleaner.again(value).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use redact::Redactor;
    use redact::placeholder::Key;

    use super::*;
    use crate::cassette::Policy;

    fn cleaner() -> Cleaner {
        Cleaner::new(Redactor::default(), &[], Key([3; 32]))
    }

    fn recorded(body: Vec<u8>) -> Recorded {
        let request =
            Request { method: "GET".into(), url: "https://a/x".into(), ..Request::default() };
        let response = Response { status: 200, body: body.into(), ..Response::default() };
        Recorded { order: 0, interaction: Interaction { request, response } }
    }

    /// All that is in a folder, in one.
    fn all_in(folder: &Path) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            all.extend(if path.is_dir() { all_in(&path) } else { fs::read(path).unwrap() });
        }
        all
    }

    #[test]
    fn what_holds_a_secret_is_not_written() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        for body in [format!("{{\"a\":\"{token}\"}}"), format!("{token} {}", "x".repeat(5000))] {
            let folder = tempfile::tempdir().unwrap();
            let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
            let error = cassette.write(&[recorded(body.into_bytes())], &cleaner()).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("was not written: it would hold a secret, github-token"),
                "{text}"
            );
            assert!(!text.contains(&token) && error.advice().is_some());
            assert!(memchr::memmem::find(&all_in(folder.path()), token.as_bytes()).is_none());
        }
    }

    #[test]
    fn what_was_learnt_later_is_taken_out_of_what_was_recorded_before() {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        let cleaner = cleaner();
        let secret = "late-s3cret-value-1";
        let large = format!("{secret} {}", "x y ".repeat(2000));
        let mut all = vec![recorded(large.clone().into_bytes()), recorded(secret.into())];
        let kept = cassette.keep_body(&large.into(), &cleaner).unwrap();
        all[0].interaction.response.body = Content::Stored(kept);
        cleaner.header("a", "x-api-key", secret.as_bytes());
        cassette.write(&all, &cleaner).unwrap();
        let text = String::from_utf8(all_in(folder.path())).unwrap();
        assert!(!text.contains(secret));
        assert_eq!(text.matches("redacted-secret-").count(), 2);
    }
}
