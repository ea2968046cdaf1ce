//! Runs that are kept in a file, to compare a later one with.
//!
//! The file has the seconds of a run, as evidence has them, behind a line that says what it is. The
//! evidence itself is read, too.

use std::path::{Path, PathBuf};

use gate_core::{Error, files};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::measure::Version;
use crate::seconds;

const SCHEMA: &str = "gate-load-seconds/v1";
const HINT: &str = "it is what `gate load URL --save FILE` has written";

/// More requests than this are in no second.
const MOST: u64 = 1_000_000_000;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    schema: String,
    url: String,
    /// How long was measured.
    seconds: f64,
}

/// A run of before.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    pub(crate) url: String,
    /// Its seconds.
    pub(crate) file: PathBuf,
    /// How long was measured.
    pub(crate) seconds: f64,
}

/// Keeps what was counted of a version. Of its address no query is kept: there may be a token in it.
pub(crate) fn save(version: &Version, path: &Path) -> Result<(), Error> {
    let mut url = version.target.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let header =
        Header { schema: SCHEMA.to_owned(), url: url.to_string(), seconds: version.seconds };
    let lines = files::read(&version.file)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    files::write_piecewise(path, folder, |out| {
        serde_json::to_writer(&mut *out, &header).map_err(|error| Error::new(error.to_string()))?;
        out.write_all(b"\n")?;
        Ok(out.write_all(&lines)?)
    })
}

/// Reads a run; its seconds go to a file in a folder. All of them have to be good.
pub(crate) fn open(path: &Path, folder: &Path) -> Result<Earlier, Error> {
    let shown = path.display();
    let bytes = files::read(path)?;
    let wrong = |why: String| Error::new(format!("{shown} is no earlier run: {why}")).hint(HINT);
    let (first, rest) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => return Err(wrong("it has no lines".to_owned())),
    };
    let header = serde_json::from_slice::<Header>(first).ok();
    if let Some(header) = header.as_ref().filter(|header| header.schema != SCHEMA) {
        return Err(wrong(format!("it is of `{}`, which is not known here", header.schema)));
    }
    let lines = if header.is_some() { rest } else { &bytes[..] };
    let (mut count, mut requests) = (0_u32, 0_u64);
    for tally in seconds::read(lines) {
        let tally = tally.map_err(|error| wrong(error.to_string()))?;
        if tally.requests.max(tally.latency.count()) > MOST {
            return Err(wrong("no machine sends so much in a second".to_owned()));
        }
        requests += tally.requests;
        count += 1;
    }
    if requests == 0 {
        return Err(wrong("nothing was counted in it".to_owned()));
    }
    let file = folder.join("earlier.jsonl");
    files::write_atomically(&file, lines, folder)?;
    let seconds = header.as_ref().map_or(f64::from(count), |header| header.seconds);
    if !(seconds.is_finite() && seconds > 0.0) {
        return Err(wrong("it took no time".to_owned()));
    }
    let address = header.and_then(|header| Url::parse(&header.url).ok());
    let url = address.map_or_else(|| "unknown address".to_owned(), |url| url.to_string());
    Ok(Earlier { url, file, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use load::Tally;

    #[test]
    fn what_was_kept_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut lines = Vec::new();
        for second in 0..3 {
            let mut tally = Tally::new();
            tally.count(200, 20_000 + second, 100);
            seconds::write(&mut lines, second, &tally).unwrap();
        }
        files::write_atomically(&at("own"), &lines, folder.path()).unwrap();
        let version = Version {
            url: "http://test.example/a".to_owned(),
            target: Url::parse("http://kim:pass@test.example/a?token=b#c").unwrap(),
            exchanges: load::Exchanges::new(0),
            reasons: Vec::new(),
            file: at("own"),
            intended: Some(3),
            seconds: 2.5,
        };
        save(&version, &at("kept.jsonl")).unwrap();
        let text = String::from_utf8(files::read(&at("kept.jsonl")).unwrap()).unwrap();
        assert!(!text.contains("token") && !text.contains("pass"), "{text}");
        let read = open(&at("kept.jsonl"), folder.path()).unwrap();
        assert_eq!((read.url.as_str(), read.seconds), ("http://test.example/a", 2.5));
        assert_eq!(files::read(&read.file).unwrap(), lines);
        // The evidence of a gate has no header.
        let read = open(&at("own"), folder.path()).unwrap();
        assert_eq!((read.url.as_str(), read.seconds), ("unknown address", 3.0));

        let check = |bytes: &[u8], why: &str| {
            files::write_atomically(&at("bad"), bytes, folder.path()).unwrap();
            let error = open(&at("bad"), folder.path()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        check(b"", "it has no lines");
        check(b"hello\n", "line 1 of the seconds is damaged");
        check(text.replace("seconds/v1", "seconds/v9").as_bytes(), "which is not known here");
        check(text.replace(":2.5", ":-1").as_bytes(), "it took no time");
        check(&text.as_bytes()[..=text.find('\n').unwrap()], "nothing was counted in it");
        check(&text.as_bytes()[..text.len() - 9], "is damaged");
        let mut many = Tally::new();
        many.requests = u64::MAX;
        let mut lines = Vec::new();
        seconds::write(&mut lines, 0, &many).unwrap();
        check(&lines, "no machine sends so much");
    }
}
