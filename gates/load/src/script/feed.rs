//! Rows for visitors.

use std::path::Path;

use gate_core::{Error, Json, files};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 << 20;

/// Rows of a file.
#[derive(Debug)]
pub(super) struct Feed {
    rows: Vec<Vec<(String, Json)>>,
}

impl Feed {
    /// Reads CSV with a line of names, or an object in each line (`.jsonl`, `.ndjson`).
    pub(super) fn read(path: &Path) -> Result<Feed, Error> {
        let size = std::fs::metadata(path).map_or(0, |found| found.len());
        if size > LARGEST {
            let message = format!("{} is larger than 256 MiB", path.display());
            return Err(Error::new(message).hint("give visitors fewer rows: they are taken again"));
        }
        let bytes = files::read(path)?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let rows = match ending.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => objects(&bytes),
            _ => table(&bytes),
        };
        let rows = rows.map_err(|why| Error::new(format!("{}: {why}", path.display())))?;
        if rows.is_empty() {
            let message = format!("{} has no rows", path.display());
            return Err(Error::new(message).hint("give it a line of names and a row for a visitor"));
        }
        let names = |row: &[(String, Json)]| {
            let mut names: Vec<String> = row.iter().map(|(name, _)| name.clone()).collect();
            names.sort();
            names
        };
        let first = names(&rows[0]);
        if let Some(at) = rows.iter().position(|row| names(row) != first) {
            let message =
                format!("{}: row {} has other names than the first", path.display(), at + 1);
            return Err(Error::new(message).hint("every visitor needs the same variables"));
        }
        Ok(Feed { rows })
    }

    pub(super) fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// A row; they begin again behind the last one.
    pub(super) fn row(&self, number: u64) -> &[(String, Json)] {
        &self.rows[(number % self.rows.len() as u64) as usize]
    }
}

fn objects(bytes: &[u8]) -> Result<Vec<Vec<(String, Json)>>, String> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let full = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    full.map(|(at, line)| match serde_json::from_slice(line) {
        Ok(Json::Object(fields)) => Ok(fields.into_iter().collect()),
        Ok(_) => Err(format!("line {} is no object", at + 1)),
        Err(error) => Err(format!("line {}: {error}", at + 1)),
    })
    .collect()
}

fn table(bytes: &[u8]) -> Result<Vec<Vec<(String, Json)>>, String> {
    // Spreadsheets put a mark before the first name.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(bytes);
    let names = reader.headers().map_err(|error| error.to_string())?.clone();
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|error| error.to_string())?;
        let pairs = names.iter().zip(record.iter());
        Ok(pairs.map(|(name, value)| (name.to_owned(), Json::from(value))).collect())
    };
    reader.records().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(name: &str, text: &str, expect: Result<&[(u64, &str, Json)], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        files::write_atomically(&path, text.as_bytes(), folder.path()).unwrap();
        match (Feed::read(&path), expect) {
            (Ok(feed), Ok(expect)) => {
                for (row, column, value) in expect {
                    let found = feed.row(*row).iter().find(|(name, _)| name == column);
                    assert_eq!(found.map(|(_, found)| found), Some(value), "{column} of {row}");
                }
            }
            (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{error}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }

    #[test]
    fn rows_are_read() {
        let rows = [(0, "name", json!("Ada, L.")), (1, "n", json!("2")), (2, "n", json!("1"))];
        check("a.csv", "\u{feff}name, n\n\"Ada, L.\",1\nBob,2\n", Ok(&rows));
        check("a.csv", "name,n\nAda\n", Err("record 1"));
        check("a.csv", "name,n\n", Err("has no rows"));
        check("a.csv", "", Err("has no rows"));
        let rows = [(0, "n", json!(1)), (1, "n", json!({ "a": [2] }))];
        check("a.jsonl", "{\"n\":1}\n\n{\"n\":{\"a\":[2]}}\n", Ok(&rows));
        check("a.jsonl", "{\"n\":1}\n7\n", Err("line 2 is no object"));
        check("a.jsonl", "{\"n\":1}\n{\"m\":1}\n", Err("row 2 has other names"));
        check("a.ndjson", "{\"n\":1}\n{", Err("line 2: EOF"));
    }
}
