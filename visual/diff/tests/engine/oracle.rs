//! The counts of pixelmatch 7.2.0, as `oracle/` recorded them.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use visual_diff::{Options, Size, compare};

#[derive(Deserialize)]
struct Record {
    pixelmatch: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    width: u32,
    height: u32,
    baseline: Picture,
    candidate: Picture,
    counts: Vec<Expected>,
}

#[derive(Deserialize)]
struct Picture {
    file: String,
}

#[derive(Deserialize)]
struct Expected {
    threshold: f64,
    count_antialiased: bool,
    changed: u64,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

fn record() -> Record {
    let text = fs::read_to_string(folder().join("cases.json")).expect("the record is there");
    serde_json::from_str(&text).expect("the record has its shape")
}

/// Runs one case at all its settings, in bands of so many rows, and says what was wrong.
fn check(case: &Case, band_rows: Option<NonZeroU32>) -> Vec<String> {
    let [baseline, candidate] = [&case.baseline, &case.candidate].map(|picture| {
        fs::read(folder().join("pictures").join(&picture.file)).expect("the picture is there")
    });
    let mut wrong = Vec::new();
    for count in &case.counts {
        let options = Options {
            threshold: count.threshold,
            count_antialiased: count.count_antialiased,
            band_rows,
            align: false,
            ..Options::default()
        };
        let found = compare(&baseline, &candidate, &options, None).expect("both can be read");
        assert_eq!(found.candidate, Size { width: case.width, height: case.height });
        if found.changed_pixels != Some(count.changed) {
            wrong.push(format!(
                "{} at {} (anti-aliased {}counted): {} is right, not {:?}",
                case.name,
                count.threshold,
                if count.count_antialiased { "" } else { "not " },
                count.changed,
                found.changed_pixels,
            ));
        }
        let in_regions: u64 = found.regions.iter().map(|region| region.pixels).sum();
        if found.regions_omitted == 0 {
            assert_eq!(Some(in_regions), found.changed_pixels, "{}: pixels in regions", case.name);
        }
    }
    wrong
}

#[test]
fn counts_are_those_of_pixelmatch() {
    let record = record();
    assert_eq!(record.pixelmatch, "7.2.0");
    assert!(record.cases.len() >= 60, "only {} pairs", record.cases.len());
    for rows in [None, NonZeroU32::new(1), NonZeroU32::new(3)] {
        let wrong: Vec<_> = record.cases.iter().flat_map(|case| check(case, rows)).collect();
        assert!(wrong.is_empty(), "{} counts differ:\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
fn the_record_holds_what_it_should() {
    let record = record();
    let counts = || record.cases.iter().flat_map(|case| &case.counts);
    assert!(counts().any(|count| count.changed == 0));
    // The anti-aliasing rule and the thresholds would otherwise be tested in name only.
    for case in record.cases.iter().filter(|case| case.name.contains("subpixel")) {
        let at = |counted: bool| {
            let mut counts = case.counts.iter();
            counts.find(|c| c.count_antialiased == counted).expect("both are recorded").changed
        };
        assert!(at(false) < at(true), "{}: nothing is anti-aliased", case.name);
    }
}
