//! The command says what the services' SDKs said: the vectors are those of `bucketing`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bucketing::Subject;
use gate_core::ExitCode;
use gate_core::files::write_atomically;
use serde_json::{Map, Value};

use super::*;
use crate::commands::tests::says_words;

fn vectors() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bucketing/tests/vectors");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let read = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(file).unwrap())
    };
    files.iter().map(read).collect()
}

/// Options of these names with these values.
fn options(values: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs = values.as_object().into_iter().flatten();
    pairs.flat_map(|(name, value)| [format!("--{name}"), text(value)]).collect()
}

fn lines(words: &[String]) -> Vec<Value> {
    let (out, err, code) = says_words(words);
    assert_eq!((err.as_str(), code), ("", ExitCode::PROMOTE), "{words:?}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What holds from a line of the vectors on, and what was asked of it since.
#[derive(Default)]
struct Run {
    provider: String,
    settings: Value,
    config: Value,
    key: String,
    subjects: Vec<Vec<Value>>,
    seen: usize,
}

impl Run {
    fn command(&self) -> Vec<String> {
        ["bucket", "--provider", &self.provider].map(str::to_owned).to_vec()
    }

    /// Some bare hashes: each is a command.
    fn hash(&mut self, line: &Value) {
        let words = [self.command(), options(&line["hash"]), vec!["--json".to_owned()]].concat();
        let said = lines(&words);
        assert_eq!(said[0]["bucket"].as_f64(), line["bucket"].as_f64(), "{line}");
        assert_eq!(said[0]["id"], line["hash"]["id"], "{line}");
        self.seen += 1;
    }

    /// Those of whom nothing is known but their id are one file, and of the others some are commands.
    fn ask(&mut self, folder: &Path) {
        let subjects = std::mem::take(&mut self.subjects);
        if subjects.is_empty() {
            return;
        }
        let provider = bucketing::find(&self.provider).unwrap();
        let settings: BTreeMap<String, String> = options(&self.settings)
            .chunks(2)
            .map(|pair| (pair[0][2..].to_owned(), pair[1].clone()))
            .collect();
        let prepared = provider.prepare(&self.config, &self.key, &settings).unwrap();
        // The command takes an id for what is hashed, the vectors for what the service calls an id.
        let is_same = |subject: &Subject<'_>| {
            prepared.assign(subject) == prepared.assign(&subject.known_as(prepared.unit()))
        };
        let config = folder.join("config.json");
        write_atomically(&config, self.config.to_string().as_bytes(), folder).unwrap();
        let own = ["--config", config.to_str().unwrap(), "--experiment", &self.key];
        let own = [self.command(), own.map(str::to_owned).to_vec(), options(&self.settings)];
        let own = own.concat();
        let mut bare: Vec<&[Value]> = Vec::new();
        for (at, vector) in subjects.iter().enumerate() {
            let id = vector[0].as_str().unwrap();
            let attributes = vector.get(1).and_then(Value::as_object);
            let subject = Subject { attributes, ..Subject::of(id) };
            let has_more = vector.get(4).is_some_and(|more| {
                ["unit", "stored", "url"].iter().any(|name| more.get(name).is_some())
            });
            if has_more || !is_same(&subject) || id.contains(['\n', '\r']) {
                continue;
            }
            match attributes {
                None => bare.push(vector),
                Some(attributes) if at % 9 == 0 => {
                    let attributes = Value::from(attributes.clone()).to_string();
                    let asked = ["--id", id, "--attributes", &attributes, "--json"];
                    let said = lines(&[own.clone(), asked.map(str::to_owned).to_vec()].concat());
                    self.agrees(&said[0], vector);
                }
                Some(_) => {}
            }
        }
        if !bare.is_empty() {
            let ids: Vec<&str> = bare.iter().map(|vector| vector[0].as_str().unwrap()).collect();
            let file = folder.join("ids.txt");
            write_atomically(&file, ids.join("\n").as_bytes(), folder).unwrap();
            let asked = ["--ids".to_owned(), file.to_str().unwrap().to_owned()];
            let said = lines(&[own, asked.to_vec()].concat());
            assert_eq!(said.len(), bare.len());
            said.iter().zip(bare).for_each(|(said, vector)| self.agrees(said, vector));
        }
    }

    fn agrees(&mut self, said: &Value, vector: &[Value]) {
        assert_eq!((&said["id"], &said["arm"]), (&vector[0], &vector[2]), "{}: {said}", self.key);
        if let Some(bucket) = vector.get(3).and_then(Value::as_f64) {
            assert_eq!(said["bucket"].as_f64(), Some(bucket), "{}: {said}", self.key);
        }
        self.seen += 1;
    }
}

#[test]
fn the_sdks_said_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (name, text) in vectors() {
        let mut run = Run::default();
        let mut hashes = 0_usize;
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if let Value::Array(subject) = line {
                run.subjects.push(subject);
                continue;
            }
            run.ask(folder.path());
            if let Some(provider) = line.get("provider") {
                run.provider = provider.as_str().unwrap().to_owned();
            }
            for (field, to) in [("settings", &mut run.settings), ("config", &mut run.config)] {
                if let Some(value) = line.get(field) {
                    *to = value.clone();
                }
            }
            if let Some(key) = line.get("key") {
                run.key = key.as_str().unwrap().to_owned();
            }
            if line.get("hash").is_some() {
                hashes += 1;
                if hashes % 5 == 1 {
                    run.hash(&line);
                }
            }
        }
        run.ask(folder.path());
        assert!(run.seen >= 40, "{name}: {}", run.seen);
        *seen.entry(run.provider).or_default() += run.seen;
    }
    assert_eq!(seen.len(), bucketing::all().len(), "{seen:?}");
}

#[test]
fn every_provider_has_an_example() {
    let of = |words: &&str| words.split(' ').nth(1).unwrap().to_owned();
    let examples: Vec<String> = EXAMPLES.iter().map(of).collect();
    let providers: Vec<&str> = bucketing::all().iter().map(|provider| provider.name).collect();
    assert_eq!(examples, providers);
    let mut text = String::new();
    for words in EXAMPLES {
        let line: Vec<String> =
            ["bucket"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
        let (out, err, code) = says_words(&line);
        assert_eq!((err.as_str(), code), ("", ExitCode::PROMOTE), "{words}");
        text.push_str(&format!("$ gate experiment bucket {words}\n{out}\n"));
    }
    insta::assert_snapshot!("of_hashes", text);
}

fn features() -> Value {
    let experiment = serde_json::json!({
        "key": "hero", "variations": ["old", "new"], "weights": [0.5, 0.5], "hashVersion": 2,
        "meta": [{"key": "control"}, {"key": "hero"}], "condition": {"country": "DE"}, "coverage": 0.8,
    });
    serde_json::json!({"features": {"hero": {"defaultValue": "old", "rules": [experiment]}}})
}

#[test]
fn of_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let (config, ids) = (folder.path().join("features.json"), folder.path().join("ids.txt"));
    write_atomically(&config, features().to_string().as_bytes(), folder.path()).unwrap();
    write_atomically(&ids, b"user-1\nuser-2\n\nuser-2\n", folder.path()).unwrap();
    let mut text = String::new();
    let mut says = |words: &[&str]| {
        let own = ["bucket", "--provider", "growthbook", "--config", config.to_str().unwrap()];
        let all: Vec<String> =
            own.into_iter().chain(words.iter().copied()).map(str::to_owned).collect();
        let (out, err, code) = says_words(&all);
        let shown = words.join(" ").replace(folder.path().to_str().unwrap(), "FOLDER");
        let said = format!("{out}{err}").replace(folder.path().to_str().unwrap(), "FOLDER");
        text.push_str(&format!("$ bucket ... {shown}\n{said}(exit {})\n\n", code.0));
    };
    let german = r#"{"country":"DE"}"#;
    let ids = ids.to_str().unwrap();
    says(&["--experiment", "hero", "--id", "user-1", "--attributes", german]);
    says(&["--experiment", "hero", "--id", "user-1", "--attributes", german, "--json"]);
    says(&["--experiment", "hero", "--id", "user-1"]);
    says(&["--experiment", "hero", "--id", "", "--attributes", german]);
    says(&["--experiment", "hero", "--ids", ids, "--attributes", german]);
    says(&["--experiment", "hero", "--ids", ids, "--attributes", german, "--json"]);
    says(&["--experiment", "heroes", "--id", "user-1"]);
    says(&["--experiment", "hero", "--id", "user-1", "--seed", "x"]);
    says(&["--experiment", "hero", "--id", "user-1", "--encoding", "ebcdic"]);
    says(&["--experiment", "hero", "--id", "user-1", "--attributes", "[]"]);
    says(&["--experiment", "hero", "--ids", "/nowhere/ids.txt"]);
    insta::assert_snapshot!("of_a_configuration", text);
}

#[test]
fn values_may_look_like_anything() {
    let check = |words: &[&str], expect: &str| {
        let all: Vec<String> = ["bucket", "--json", "--provider"]
            .into_iter()
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect();
        let (out, err, code) = says_words(&all);
        assert_eq!((err.as_str(), code), ("", ExitCode::PROMOTE), "{words:?}");
        assert_eq!(out.trim_end(), expect, "{words:?}");
    };
    check(
        &["growthbook", "--hash-version", "2", "--seed", "", "--id", "user-1"],
        r#"{"id":"user-1","bucket":0.8703,"arm":null}"#,
    );
    check(
        &["growthbook", "--seed", "--seed", "--id", "--json"],
        r#"{"id":"--json","bucket":0.69,"arm":null}"#,
    );
    check(
        &["split", "--seed", "-5", "--id", "-", "--weights", "off=50,on=50"],
        r#"{"id":"-","bucket":97,"arm":"on"}"#,
    );
    // Without weights nobody knows the arm, and with some nobody may be in one.
    check(
        &["growthbook", "--seed=s", "--id=\"用\"", "--weights", "1,1", "--coverage", "0"],
        r#"{"id":"\"用\"","bucket":0.212,"arm":null}"#,
    );
}

#[test]
fn what_cannot_be_answered() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        write_atomically(&path, bytes, folder.path()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (torn, latin) = (file("torn.json", b"{\"features\""), file("latin.txt", b"ok\njos\xe9\n"));
    let good = file("good.json", features().to_string().as_bytes());
    let check = |words: &[&str], why: &[&str]| {
        let all: Vec<String> =
            ["bucket"].into_iter().chain(words.iter().copied()).map(str::to_owned).collect();
        let (_, err, code) = says_words(&all);
        assert_eq!(code, ExitCode::USAGE, "{words:?}");
        assert!(why.iter().all(|why| err.contains(why)), "{words:?}: {err}");
    };
    let growthbook = ["--provider", "growthbook"];
    let with = |words: &[&'static str]| [&growthbook, words].concat();
    check(&["--id", "x"], &["--provider"]);
    check(&["--provider", "hotjar", "--id", "x"], &["it is one of growthbook, unleash,"]);
    check(&with(&[]), &["--id"]);
    check(&with(&["--id", "x"]), &["--seed is needed and not given"]);
    check(
        &with(&["--id", "x", "--seed", "s", "--hash-version", "3"]),
        &["--hash-version: \"3\" is not known", "hint: it is one of 1, 2"],
    );
    check(
        &with(&["--id", "x", "--seed", "s", "--group", "g"]),
        &["--group is not known", "hint: it is one of id, seed, hash-version"],
    );
    check(&with(&["--id", "x", "--seed", "s", "--weights", "50,half"]), &["write 50,50 or"]);
    check(&with(&["--id", "x", "--ids", "y", "--seed", "s"]), &["cannot be used with"]);
    check(&with(&["--id", "x", "--experiment", "hero"]), &["--config"]);
    check(&["--provider", "split", "--id", "x", "--seed", "a"], &["--seed is not a whole number"]);
    let config = |file: &str, more: &[&str]| {
        let own = ["--provider", "growthbook", "--experiment", "hero", "--config", file];
        own.iter().chain(more).map(|word| (*word).to_owned()).collect::<Vec<String>>()
    };
    let checked = |words: Vec<String>, why: &[&str]| {
        check(&words.iter().map(String::as_str).collect::<Vec<_>>(), why);
    };
    checked(config("/nowhere.json", &["--id", "x"]), &["/nowhere.json cannot be read"]);
    checked(config(&torn, &["--id", "x"]), &["torn.json is no JSON", "hint: give the config"]);
    checked(config(&good, &["--ids", &latin]), &["latin.txt, line 2: the id is no text", "UTF-8"]);
}

#[test]
fn attributes_are_an_object() {
    let expect: Map<String, Value> = [("a".to_owned(), Value::from(1))].into_iter().collect();
    assert_eq!(attributes("{\"a\": 1}").unwrap(), expect);
}
