//! The files of a document, and what in them a reference leads to. Nothing is fetched, and nothing
//! outside of the document's folder is read.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::import::Node;
use crate::{Error, Result};

/// How much all files of a document may come to, in bytes.
const LARGEST: u64 = 32 << 20;
/// How many files it may have.
const MOST: usize = 1000;
/// How many references may lead on to a reference.
const LONGEST: usize = 100;

/// A value in one of the files, by a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) pointer: String,
}

impl Place {
    /// The top of a file.
    pub(super) fn top(file: usize) -> Place {
        Place { file, pointer: String::new() }
    }

    /// A member of what is there.
    pub(super) fn member(&self, name: &str) -> Place {
        let name = name.replace('~', "~0").replace('/', "~1");
        Place { file: self.file, pointer: format!("{}/{name}", self.pointer) }
    }
}

/// A file that was read.
struct Loaded {
    path: PathBuf,
    json: Arc<Value>,
    hash: blake3::Hash,
}

/// All files that were read so far; the document itself is the first.
pub(super) struct Files {
    /// With no link in it.
    folder: PathBuf,
    read: Mutex<(Vec<Loaded>, u64)>,
}

impl Files {
    /// Reads the document itself.
    pub(super) fn open(path: &Path) -> Result<Files> {
        let whole = fs::canonicalize(path).map_err(|error| {
            Error::file("reading", path, error).hint("is that where the document lies?")
        })?;
        let folder = whole.parent().unwrap_or(Path::new("/")).to_owned();
        let files = Files { folder, read: Mutex::new((Vec::new(), LARGEST)) };
        let wrong = |why: String| Error::new(format!("{} cannot be used: {why}", path.display()));
        files.file(&whole).map_err(wrong)?;
        Ok(files)
    }

    /// The values of a file.
    pub(super) fn json(&self, file: usize) -> Arc<Value> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&read.0[file].json)
    }

    /// What a file is called, relative to the document's folder; nothing for the document itself.
    pub(super) fn name(&self, file: usize) -> String {
        if file == 0 {
            return String::new();
        }
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let path = &read.0[file].path;
        path.strip_prefix(&self.folder).unwrap_or(path).display().to_string()
    }

    /// A hash over all files that were read.
    pub(super) fn digest(&self) -> String {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hash = blake3::Hasher::new();
        for file in &read.0 {
            hash.update(file.hash.as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    /// The value at a place, and where it stands when it is a reference.
    pub(super) fn follow(&self, place: Place) -> Result<Place, String> {
        let mut at = place;
        for _ in 0..LONGEST {
            let json = self.json(at.file);
            let value = json.pointer(&at.pointer);
            let Some(reference) = value.and_then(|value| value.get("$ref")) else { return Ok(at) };
            let Some(text) = reference.as_str() else { return Ok(at) };
            at = self.resolve(at.file, text)?;
        }
        Err("its references lead around in a circle".to_owned())
    }

    /// Where a reference leads that stands in a file.
    pub(super) fn resolve(&self, from: usize, reference: &str) -> Result<Place, String> {
        let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let pointer = percent_decode_str(fragment).decode_utf8_lossy().into_owned();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("the reference `{reference}` names an anchor; write it as `#/…`"));
        }
        let file = if path.is_empty() { from } else { self.beside(from, path, reference)? };
        match self.json(file).pointer(&pointer) {
            Some(_) => Ok(Place { file, pointer }),
            None => Err(format!("the reference `{reference}` leads nowhere")),
        }
    }

    fn beside(&self, from: usize, path: &str, reference: &str) -> Result<usize, String> {
        let first = path.split('/').next().unwrap_or_default();
        if path.starts_with("//") || first.contains(':') {
            return Err(format!("the reference `{reference}` leads elsewhere: nothing is fetched"));
        }
        let relative = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let relative = Path::new(&relative);
        let outside = || format!("the reference `{reference}` leads out of the document's folder");
        if !relative.components().all(|one| {
            matches!(one, Component::Normal(_) | Component::CurDir | Component::ParentDir)
        }) {
            return Err(outside());
        }
        let folder = {
            let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.0[from].path.parent().unwrap_or(&self.folder).to_owned()
        };
        let whole = fs::canonicalize(folder.join(relative))
            .map_err(|error| format!("the reference `{reference}`: {error}"))?;
        if !whole.starts_with(&self.folder) {
            return Err(outside());
        }
        self.file(&whole).map_err(|why| format!("the reference `{reference}`: {why}"))
    }

    /// Reads a file unless that was done.
    fn file(&self, whole: &Path) -> Result<usize, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, left) = &mut *read;
        if let Some(at) = all.iter().position(|one| one.path == whole) {
            return Ok(at);
        }
        if all.len() == MOST {
            return Err(format!("the document has more than {MOST} files"));
        }
        let bytes = bytes(whole, *left)?;
        let json = parsed(&bytes)?;
        *left -= bytes.len() as u64;
        let hash = blake3::hash(&bytes);
        all.push(Loaded { path: whole.to_owned(), json: Arc::new(json), hash });
        Ok(all.len() - 1)
    }
}

/// No more of a file than is left.
fn bytes(path: &Path, left: u64) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| error.to_string();
    if !fs::metadata(path).map_err(said)?.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(said)?.take(left + 1).read_to_end(&mut bytes).map_err(said)?;
    if bytes.len() as u64 > left {
        return Err(format!("the document is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

/// JSON, or else YAML.
fn parsed(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    let as_json = serde_json::from_str(text);
    match as_json {
        Ok(json) => Ok(json),
        Err(error) if text.trim_start().starts_with('{') => {
            // YAML in braces is rare; what is wrong with JSON is told as JSON has it.
            from_yaml(text).map_err(|_| format!("it is no JSON: {error}"))
        }
        Err(_) => from_yaml(text).map_err(|why| format!("it is neither JSON nor YAML: {why}")),
    }
}

fn from_yaml(text: &str) -> Result<Value, String> {
    let node = Node::of_yaml(text)?;
    serde_json::to_value(&node).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            crate::files::write(&folder.path().join("in").join(path), text.as_bytes()).unwrap();
        }
        crate::files::write(&folder.path().join("outside.yaml"), b"a: 1").unwrap();
        folder
    }

    #[test]
    fn references_stay_in_the_folder() {
        let folder = folder(&[
            ("api.yaml", "a: { 'x/y': 1 }\nround: { $ref: '#/round' }\n"),
            ("parts/b.json", r#"{"b": {"$ref": "../api.yaml#/a"}}"#),
        ]);
        let root = folder.path().join("in");
        std::os::unix::fs::symlink("../outside.yaml", root.join("link.yaml")).unwrap();
        let files = Files::open(&root.join("api.yaml")).unwrap();
        let check = |reference: &str, expect: Result<(usize, &str), &str>| {
            let place = files.resolve(0, reference).and_then(|place| files.follow(place));
            match (place, expect) {
                (Ok(place), Ok(expect)) => assert_eq!((place.file, &*place.pointer), expect),
                (Err(why), Err(expect)) => assert!(why.contains(expect), "{reference}: {why}"),
                (place, _) => panic!("{reference}: {place:?}"),
            }
        };
        check("#/a", Ok((0, "/a")));
        check("#/a/x~1y", Ok((0, "/a/x~1y")));
        check("#/a/x%7E1y", Ok((0, "/a/x~1y")));
        check("parts/b.json#/b", Ok((0, "/a")));
        check("./parts/../api.yaml#/a", Ok((0, "/a")));
        check("#/b", Err("leads nowhere"));
        check("#b", Err("names an anchor"));
        check("#/round", Err("around in a circle"));
        check("none.yaml", Err("No such file"));
        check("parts", Err("it is no file"));
        check("../outside.yaml#/a", Err("out of the document's folder"));
        check("link.yaml#/a", Err("out of the document's folder"));
        check("/etc/passwd", Err("out of the document's folder"));
        check("https://example.com/api.yaml", Err("nothing is fetched"));
        check("//example.com/api.yaml", Err("nothing is fetched"));
        check("file:///etc/passwd", Err("nothing is fetched"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let check = |text: &[u8], expect: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("api.yaml");
            crate::files::write(&path, text).unwrap();
            let error = Files::open(&path).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|error| error.contains(expect)), "{error:?}");
        };
        check(b"\xff\xfe", "not text in UTF-8");
        check(b"{\"a\": ", "it is no JSON");
        check("[".repeat(100_000).as_bytes(), "recursion limit");
        check(("{\"a\":".repeat(5000) + "1").as_bytes(), "recursion limit");
        check(&vec![b' '; (32 << 20) + 1], "larger than 32 MiB");
        let mut bomb = "a0: &a0 [".to_owned() + &"\"xxxxxxxxxxxxxxxx\",".repeat(100) + "]\n";
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{below}]\n");
        }
        check(bomb.as_bytes(), "it is neither JSON nor YAML");
        assert!(Files::open(Path::new("/dev/zero")).is_err());
        let missing = Files::open(Path::new("nowhere.yaml")).err().unwrap();
        assert!(missing.advice().is_some());
    }
}
