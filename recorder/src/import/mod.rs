//! Recordings that other tools wrote, read as data: nothing in a file is ever run.
//!
//! The format is recognised by content. What a format cannot say is left out, what cannot be
//! carried over is named in the warnings, and what is no recording at all is an error.

mod body;
mod files;
mod govcr;
mod har;
mod hoverfly;
mod mapping;
mod node;
mod stub;
mod vcr;
mod vcrpy;
mod wiremock;

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cassette::{Cassette, Recorded};
use crate::message::{Content, Interaction};
use crate::rules::Rule;
use crate::{Error, Result};
pub(crate) use mapping::describe;
pub(crate) use node::{Node, decode_base64};

/// How large a compressed cassette may become, in bytes.
const INFLATED: u64 = 256 << 20;
/// What to do with a file that is nothing of all this.
const READABLE: &str = "it reads cassettes of gate, Ruby VCR, vcrpy, go-vcr and vcr-cassette, HAR \
files, WireMock mappings and Hoverfly simulations";

/// What wrote a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A cassette of ours.
    Gate,
    /// Ruby's VCR.
    Vcr,
    /// Python's vcrpy.
    Vcrpy,
    /// Go's go-vcr.
    GoVcr,
    /// Rust's vcr-cassette, which rvcr and others use.
    VcrCassette,
    /// HTTP Archive 1.2: browsers, Playwright, Polly.js.
    Har,
    /// WireMock's stub mappings.
    WireMock,
    /// Hoverfly's simulations.
    Hoverfly,
}

impl Format {
    /// The name as a user would write it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Gate => "gate",
            Format::Vcr => "vcr",
            Format::Vcrpy => "vcrpy",
            Format::GoVcr => "go-vcr",
            Format::VcrCassette => "vcr-cassette",
            Format::Har => "har",
            Format::WireMock => "wiremock",
            Format::Hoverfly => "hoverfly",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a file holds. All bodies are in memory, content codings taken off.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What wrote it.
    pub format: Format,
    /// What was asked and answered, in the order of recording.
    pub recorded: Vec<Recorded>,
    /// Answers to every request of a kind, those first that come first.
    pub rules: Vec<Rule>,
    /// Whether the tool gives an answer as often as it is asked for.
    pub repeats: bool,
    /// What could not be carried over, by name.
    pub warnings: Vec<String>,
}

impl Imported {
    /// Adds what another file holds, behind what is there.
    pub fn append(&mut self, other: Imported) {
        let orders = self.recorded.iter().map(|one| one.order);
        let orders = orders.chain(self.rules.iter().map(|rule| rule.order));
        let next = orders.max().map_or(0, |last| last.saturating_add(1));
        self.recorded.extend(other.recorded.into_iter().map(|mut one| {
            one.order = one.order.saturating_add(next);
            one
        }));
        self.rules.extend(other.rules.into_iter().map(|mut rule| {
            rule.order = rule.order.saturating_add(next);
            rule
        }));
        self.repeats |= other.repeats;
        self.warnings.extend(other.warnings);
    }
}

/// Reads a file, or the folder of a cassette, of WireMock's `mappings` or of a Polly.js recording.
pub fn read(path: &Path) -> Result<Imported> {
    if path.is_dir() {
        return read_folder(path);
    }
    if !path.exists() {
        let text = format!("there is no {}", path.display());
        return Err(Error::new(text).hint("name a cassette, a file of another tool, or its folder"));
    }
    let bytes = crate::files::read(path)?;
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    read_bytes(&bytes, Some(folder.unwrap_or(Path::new("."))))
        .map_err(|error| prefixed(&format!("reading {}", path.display()), &error))
}

/// Reads the bytes of a file. Files that it names are looked for in the folder it lies in.
pub fn read_bytes(bytes: &[u8], beside: Option<&Path>) -> Result<Imported> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(Error::new("it is a zip archive").hint("unpack it and name the file in it"));
    }
    let inflated;
    let bytes = match bytes {
        [first, ..] if first & 0x0f == 8 && is_zlib(bytes) => {
            inflated = inflate(bytes, INFLATED)?;
            &inflated
        }
        _ => bytes,
    };
    of_tree(&parse(&text_of(bytes)?)?, beside)
}

fn of_tree(tree: &Node, beside: Option<&Path>) -> Result<Imported> {
    let first = tree.get("interactions").list().first().or(tree.list().first());
    let request = first.map(|first| first.get("request"));
    if !tree.get("log").get("entries").is_null() {
        return har::read(tree, beside);
    }
    if tree.has("http_interactions") {
        return vcr::read(tree);
    }
    if tree.get("data").has("pairs") {
        return Ok(hoverfly::read(tree, beside));
    }
    if wiremock::is_one(tree) {
        return Ok(wiremock::read(&[tree], beside));
    }
    let is_struct = first.is_some_and(|first| first.tag().ends_with("VCR::HTTPInteraction"));
    if is_struct {
        return vcr::read(tree);
    }
    match request {
        Some(request) if request.has("url") => govcr::read(tree),
        Some(request) if request.has("uri") || request.has("host") => vcrpy::read(tree),
        None if tree.get("version").number() == Some(2) => govcr::read(tree),
        None if tree.has("interactions") => vcrpy::read(tree),
        _ => Err(Error::new("it is no recording of a known format").hint(READABLE)),
    }
}

fn read_folder(path: &Path) -> Result<Imported> {
    if Cassette::is_at(path) {
        return read_own(&Cassette::open(path)?);
    }
    let recording = path.join("recording.har");
    if recording.is_file() {
        return read(&recording);
    }
    let inside = path.join("mappings");
    let mappings = if inside.is_dir() { inside } else { path.to_owned() };
    let is_mappings = mappings.file_name().is_some_and(|name| name == "mappings");
    if !is_mappings {
        let text = format!("{} is no cassette and no folder of mappings", path.display());
        return Err(Error::new(text).hint("name the files in it"));
    }
    wiremock::read_folder(&mappings)
}

fn read_own(cassette: &Cassette) -> Result<Imported> {
    let (mut recorded, mut rules) = (cassette.read()?, cassette.rules()?);
    let interactions = recorded.iter_mut().map(|one| {
        let Interaction { request, response } = &mut one.interaction;
        (request, response)
    });
    let of_rules = rules.iter_mut().map(|rule| (&mut rule.request, &mut rule.response));
    for (request, response) in interactions.chain(of_rules) {
        let encoded = response.encoded.iter_mut();
        for content in [&mut request.body, &mut response.body].into_iter().chain(encoded) {
            *content = Content::Bytes(cassette.body(content)?);
        }
    }
    let repeats = cassette.policy().allow_repeats;
    Ok(Imported { format: Format::Gate, recorded, rules, repeats, warnings: Vec::new() })
}

fn is_zlib(bytes: &[u8]) -> bool {
    // A YAML text may begin with `x`; only the header of zlib divides by 31, and is no text.
    let is_header = bytes.len() > 2 && u16::from_be_bytes([bytes[0], bytes[1]]).is_multiple_of(31);
    is_header && (std::str::from_utf8(bytes).is_err() || bytes[..bytes.len().min(64)].contains(&0))
}

fn inflate(bytes: &[u8], most: u64) -> Result<Vec<u8>> {
    let mut inflated = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(bytes).take(most + 1);
    reader
        .read_to_end(&mut inflated)
        .map_err(|error| Error::new(format!("it is compressed and damaged: {error}")))?;
    if inflated.len() as u64 > most {
        return Err(Error::new(format!("it expands to more than {} MiB", most >> 20)));
    }
    Ok(inflated)
}

/// The text of a file in UTF-8 or UTF-16.
fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>> {
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Cow::Owned)
    };
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    };
    text.ok_or_else(|| Error::new("it is no text in UTF-8 or UTF-16").hint(READABLE))
}

fn parse(text: &str) -> Result<Node> {
    if text.trim().is_empty() {
        return Err(Error::new("it is empty"));
    }
    let may_be_json = text.trim_start().starts_with(['{', '[']);
    let json = may_be_json.then(|| Node::of_json(text));
    match json {
        Some(Ok(tree)) => Ok(tree),
        // A map of YAML may begin like one of JSON.
        Some(Err(error)) => {
            Node::of_yaml(text).map_err(|_| Error::new(format!("it is no whole JSON: {error}")))
        }
        None => {
            Node::of_yaml(text).map_err(|error| Error::new(format!("it is no whole YAML: {error}")))
        }
    }
}

/// What is gathered while a file is read.
struct Reading {
    imported: Imported,
    beside: Option<PathBuf>,
}

impl Reading {
    fn new(format: Format, beside: Option<&Path>) -> Reading {
        let imported = Imported {
            format,
            recorded: Vec::new(),
            rules: Vec::new(),
            repeats: false,
            warnings: Vec::new(),
        };
        Reading { imported, beside: beside.map(Path::to_owned) }
    }

    fn add(&mut self, interaction: Interaction) {
        let order = self.imported.recorded.len() as u64;
        self.imported.recorded.push(Recorded { order, interaction });
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.imported.warnings.push(text.into());
    }
}

/// The status of a response.
fn status(node: &Node) -> Result<u16> {
    let number = node.number().filter(|number| (100..=999).contains(number));
    number.map(|number| number as u16).ok_or_else(|| {
        let found = node.text().map_or("nothing".to_owned(), |text| format!("`{text}`"));
        Error::new(format!("a response has {found} for its status"))
    })
}

/// A text that has to be there.
fn wanted<'n>(node: &'n Node, name: &str) -> Result<&'n str> {
    let text = node.get(name).text().filter(|text| !text.is_empty());
    text.ok_or_else(|| Error::new(format!("a request has no {name}")))
}

/// Says which interaction it was, counted from 1.
fn at(place: usize) -> impl Fn(Error) -> Error {
    move |error| prefixed(&format!("interaction {}", place + 1), &error)
}

/// Says where it was, and keeps the hint.
fn prefixed(place: &str, error: &Error) -> Error {
    let named = Error::new(format!("{place}: {error}"));
    match error.advice() {
        Some(hint) => named.hint(hint),
        None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expands_too_far_is_refused() {
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, &vec![b' '; 3 << 20]).unwrap();
        let packed = packer.finish().unwrap();
        let error = inflate(&packed, 2 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it expands to more than 2 MiB");
        assert_eq!(inflate(&packed, 4 << 20).unwrap().len(), 3 << 20);
    }

    #[test]
    fn files_follow_each_other() {
        let text = b"interactions:\n- request: {uri: 'http://a/', method: GET}\n  response: {status: {code: 200}}\n- request: {uri: 'http://b/', method: GET}\n  response: {status: {code: 200}}\n";
        let mut imported = read_bytes(text, None).unwrap();
        imported.append(read_bytes(text, None).unwrap());
        let orders: Vec<u64> = imported.recorded.iter().map(|one| one.order).collect();
        assert_eq!(orders, [0, 1, 2, 3]);
    }
}
