//! The files of a run that may be shown, and nothing else: what its report refers to.

use std::collections::BTreeMap;

use gate_core::evidence::DiffEvidence;
use gate_core::{Digest, Error, Evidence, Report, Role, Store};

/// How a file is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    Webp,
    Gif,
    Json,
    /// Text of any kind, which a browser shows and never runs.
    Text,
    /// A page that somebody else wrote: it is shown in a sandbox.
    Html,
    /// Anything else is downloaded.
    Bytes,
}

impl Kind {
    /// The media type that is sent.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Kind::Png => "image/png",
            Kind::Jpeg => "image/jpeg",
            Kind::Webp => "image/webp",
            Kind::Gif => "image/gif",
            Kind::Json => "application/json",
            Kind::Text => "text/plain; charset=utf-8",
            Kind::Html => "text/html; charset=utf-8",
            Kind::Bytes => "application/octet-stream",
        }
    }

    /// How its name ends in a folder of static pages.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Kind::Png => "png",
            Kind::Jpeg => "jpg",
            Kind::Webp => "webp",
            Kind::Gif => "gif",
            Kind::Json => "json",
            Kind::Text => "txt",
            Kind::Html => "html",
            Kind::Bytes => "bin",
        }
    }

    pub(crate) fn is_picture(self) -> bool {
        matches!(self, Kind::Png | Kind::Jpeg | Kind::Webp | Kind::Gif)
    }

    /// What a report calls a file, as far as a browser may be told so. A picture in SVG is a page
    /// with scripts, and is not shown as one.
    fn of(evidence: &Evidence) -> Kind {
        let essence = evidence.media_type.split(';').next().unwrap_or_default().trim();
        match (essence, evidence.role) {
            ("image/png", _) => Kind::Png,
            ("image/jpeg", _) => Kind::Jpeg,
            ("image/webp", _) => Kind::Webp,
            ("image/gif", _) => Kind::Gif,
            ("application/json", _) => Kind::Json,
            ("text/html", _) => Kind::Html,
            (_, Role::Log) => Kind::Text,
            (text, _) if text.starts_with("text/") => Kind::Text,
            _ => Kind::Bytes,
        }
    }
}

/// What a page that somebody else wrote begins with where no server says how it is to be shown: it
/// runs nothing and asks for nothing there, either.
const BOXED: &str = "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy \
    content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n";

/// A file as it lies beside static pages.
pub(crate) fn beside_pages(kind: Kind, bytes: Vec<u8>) -> Vec<u8> {
    match kind {
        Kind::Html => [BOXED.as_bytes(), &bytes].concat(),
        _ => bytes,
    }
}

/// The files that may be shown, by digest.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<Digest, Kind>);

impl Files {
    /// Those that the report names, and those that these speak of.
    pub(crate) fn of(report: &Report) -> Files {
        let mut files = BTreeMap::new();
        for gate in &report.gates {
            let evidence = gate.checks.iter().flat_map(|check| &check.evidence);
            for evidence in evidence.chain(&gate.evidence) {
                files.insert(evidence.digest, Kind::of(evidence));
                if evidence.role == Role::Diff {
                    // All three of them are pictures in PNG.
                    for digest in &evidence.refs {
                        files.entry(*digest).or_insert(Kind::Png);
                    }
                }
            }
        }
        Files(files)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Digest, Kind)> {
        self.0.iter().map(|(digest, kind)| (digest, *kind))
    }

    pub(crate) fn kind(&self, digest: &Digest) -> Option<Kind> {
        self.0.get(digest).copied()
    }
}

/// A comparison of two pictures, read from the store.
pub(crate) fn diff(store: &Store, digest: &Digest) -> Result<DiffEvidence, Error> {
    serde_json::from_slice(&store.get(digest)?).map_err(|error| {
        Error::new(format!("the comparison {} is broken: {error}", digest.short()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(media_type: &str, role: Role, expect: Kind) {
        let digest = Digest::of(b"");
        let evidence = Evidence {
            role,
            label: String::new(),
            media_type: media_type.to_owned(),
            digest,
            bytes: 0,
            refs: Vec::new(),
        };
        assert_eq!(Kind::of(&evidence), expect, "{media_type} {role:?}");
    }

    #[test]
    fn what_a_browser_is_told() {
        check("image/png", Role::Image, Kind::Png);
        check("image/svg+xml", Role::Image, Kind::Bytes);
        check("text/html; charset=utf-8", Role::Log, Kind::Html);
        check("text/javascript", Role::Log, Kind::Text);
        check("application/javascript", Role::Log, Kind::Text);
        check("application/javascript", Role::Page, Kind::Bytes);
        check("application/xhtml+xml", Role::Page, Kind::Bytes);
        check("application/json", Role::Table, Kind::Json);
    }
}
