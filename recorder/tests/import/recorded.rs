//! What vcrpy, Ruby's VCR, Polly.js and Playwright wrote.

use std::collections::BTreeMap;

use recorder::{Content, Headers, import, to_har, to_wiremock};

use super::{Expected, check, recordings};

pub(crate) fn manifest() -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(recordings().join("manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_cassette_holds_what_the_server_saw() {
    let manifest = manifest();
    assert!(manifest.len() >= 100, "{}", manifest.len());
    for (name, expect) in &manifest {
        let imported = import::read(&recordings().join(name)).unwrap_or_else(|error| {
            panic!("{name}: {error}");
        });
        check(name, &imported, expect);
        assert_eq!(imported.warnings, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_tool_is_among_them() {
    let manifest = manifest();
    for tool in ["vcrpy/", "vcr/", "polly/", "playwright/"] {
        let count = manifest.keys().filter(|name| name.starts_with(tool)).count();
        assert!(count >= 15, "{tool} {count}");
    }
}

#[test]
fn what_is_exported_is_imported_again() {
    for name in manifest().keys() {
        let imported = import::read(&recordings().join(name)).unwrap();
        let har = to_har(&imported.recorded).unwrap();
        let back = import::read_bytes(&har, None).unwrap();
        assert_eq!(back.recorded, imported.recorded, "{name} as HAR");
        assert_eq!(back.warnings, Vec::<String>::new(), "{name} as HAR");

        let folder = tempfile::tempdir().unwrap();
        to_wiremock(&imported.recorded, &imported.rules).unwrap().write(folder.path()).unwrap();
        let back = import::read(folder.path()).unwrap();
        assert_eq!(back.recorded, imported.recorded, "{name} as mappings");
        assert_eq!(back.warnings, Vec::<String>::new(), "{name} as mappings");
        assert_eq!(back.rules, [], "{name} as mappings");
    }
}

/// The values of a header of an answer.
fn header(name: &str, file: &str) -> Vec<String> {
    let imported = import::read(&recordings().join(file)).unwrap();
    let headers: &Headers = &imported.recorded.last().unwrap().interaction.response.headers;
    headers.all(name).map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
}

#[test]
fn repeated_headers_stay_apart() {
    for file in [
        "vcrpy/requests-cookies.yaml",
        "vcrpy/httpx-cookies.json",
        "vcr/yaml-cookies.yml",
        "polly/node-http-cookies.har",
        "playwright/full-embed-cookies.har",
    ] {
        assert_eq!(header("set-cookie", file), ["a=1; Path=/", "b=2; Path=/"], "{file}");
    }
}

#[test]
fn coded_bytes_are_kept_where_coding_again_gives_others() {
    let encoded = |file: &str| {
        let imported = import::read(&recordings().join(file)).unwrap();
        imported.recorded[0].interaction.response.encoded.clone()
    };
    for file in ["vcrpy/httpx-gzip.yaml", "vcr/yaml-gzip.yml", "polly/node-http-gzip.har"] {
        let Some(Content::Bytes(bytes)) = encoded(file) else { panic!("{file}") };
        assert_eq!(bytes[..2], [0x1f, 0x8b], "{file}");
    }
    assert_eq!(encoded("playwright/full-embed-gzip.har"), None);
    assert_eq!(encoded("vcrpy/decoded-gzip.yaml"), None);
    // urllib3 hands vcrpy what it has decoded, with the header that says the contrary.
    assert_eq!(encoded("vcrpy/requests-gzip.yaml"), None);
}

#[test]
fn what_is_imported_goes_into_a_cassette() {
    use recorder::{Cassette, Policy};
    // It has learnt nothing: what it only writes stays as it is.
    let cleaner =
        redact::Cleaner::new(redact::Redactor::default(), &[], redact::placeholder::Key([1; 32]));
    for name in manifest().keys() {
        let imported = import::read(&recordings().join(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        cassette.write(&imported.recorded, &cleaner).unwrap();
        let back = import::read(folder.path()).unwrap();
        assert_eq!(back.format.name(), "gate");
        assert_eq!(back.recorded, imported.recorded, "{name}");
        assert_eq!(recorder::integrity(folder.path()).unwrap(), [], "{name}");
    }
}

/// Whoever looks over what was recorded without its secrets has other placeholders in mind, and has
/// seen nothing of it before.
#[test]
fn nothing_is_told_of_what_was_cleaned() {
    use recorder::{Cassette, Policy, Search};
    let cleaner = |key: u8| {
        let key = redact::placeholder::Key([key; 32]);
        redact::Cleaner::new(redact::Redactor::default(), &[], key)
    };
    let mut cleaned = 0;
    for name in manifest().keys() {
        let imported = import::read(&recordings().join(name)).unwrap();
        let before = recorder::leaks_in(&imported, &recordings().join(name), &cleaner(1)).unwrap();
        cleaned += usize::from(!before.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        let (recorded, _) = recorder::cleaned(&imported.recorded, &cleaner(2));
        cassette.write(&recorded, &cleaner(2)).unwrap();
        for search in [Search::Certain, Search::All] {
            let found = recorder::leaks(&cassette, &cleaner(3), search).unwrap();
            assert_eq!(found, [], "{name}");
        }
    }
    println!("{cleaned} recordings of other tools had something to take out");
    assert!(cleaned >= 5, "{cleaned}");
}

#[test]
fn lines_say_what_was_recorded() {
    let imported = import::read(&recordings().join("vcrpy/requests-cookies.yaml")).unwrap();
    let lines: Vec<serde_json::Value> =
        recorder::shown(&imported).map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["method"], "GET");
    assert_eq!(lines[0]["url"], "http://127.0.0.1:8377/cookies");
    assert_eq!(lines[0]["request"]["body"], serde_json::Value::Null);
    let cookies = serde_json::json!(["a=1; Path=/", "b=2; Path=/"]);
    assert_eq!(lines[0]["response"]["headers"]["set-cookie"], cookies);
    assert_eq!(lines[0]["response"]["status"], 200);
    assert_eq!(lines[0]["response"]["body"], "dHdv");
}
