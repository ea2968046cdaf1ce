//! Sums of files in every format, against sums that were made the slow way.

#![expect(clippy::disallowed_methods, reason = "tests write the files that they read")]
#![expect(clippy::float_cmp, reason = "sums that are exact")]

mod clickhouse;
mod columns;
mod counted;
mod dialects;
mod encrypted;
mod encrypted_http;
mod ends;
mod faked;
mod oracle;
mod oracle_columns;
mod pages;
mod plain;
mod pushed_down;
mod recorded;
mod server;
mod texts;
mod trino;
mod wrong;

use dataset::{Answer, Cell, Question, Source, answer};
use plain::{Format, Rows, Written};
use proptest::prelude::*;

/// Whether two sums are the same within 1e-12 of the magnitude of what was added.
fn close(one: f64, other: f64, magnitude: f64) -> bool {
    (one - other).abs() <= 1e-12 * magnitude
}

fn same(one: &Cell, other: &Cell, question: &[(usize, usize)], centres: &[f64]) -> bool {
    let units = (one.units as f64).sqrt();
    // Of values, and of what is left of them without their centre: bounds by Cauchy and Schwarz.
    let norms: Vec<(f64, f64)> = (one.totals.iter().zip(centres))
        .map(|(total, centre)| {
            let left = total.squares.sqrt();
            (units * centre.abs() + left, left)
        })
        .collect();
    let product = |one: usize, other: usize| {
        let ((whole, left), (others, other)) = (norms[one], norms[other]);
        left * others + whole * other + 1e-12 * whole * others
    };
    one.units == other.units
        && one.multiple == other.multiple
        && one.totals.len() == other.totals.len()
        && one.products.len() == other.products.len()
        && one.totals.iter().zip(&other.totals).enumerate().all(|(at, (one, other))| {
            one.some == other.some
                && close(one.sum, other.sum, units * norms[at].0)
                && close(one.centred, other.centred, units * norms[at].0)
                && close(one.squares, other.squares, product(at, at))
        })
        && (one.products.iter().zip(&other.products).zip(question))
            .all(|((one, other), (of, and))| close(*one, *other, product(*of, *and)))
}

fn all_same<P>(one: &Answer, other: &Answer, question: &Question<P>) -> bool {
    let (products, centres) = (&question.products, &one.centres);
    let arms = |one: &[Cell], other: &[Cell]| {
        one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| same(one, other, products, centres))
    };
    one.left == other.left
        && one.centres == other.centres
        && arms(&one.arms, &other.arms)
        && one.days.keys().eq(other.days.keys())
        && one.days.values().zip(other.days.values()).all(|(one, other)| arms(one, other))
        && one.segments.len() == other.segments.len()
        && one.segments.iter().zip(&other.segments).all(|(one, other)| {
            let names = |all: &std::collections::BTreeMap<Option<String>, Vec<Cell>>| {
                all.keys().cloned().collect::<Vec<_>>()
            };
            names(one) == names(other) && one.iter().all(|(name, cells)| arms(cells, &other[name]))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn files_are_summed_up_as_the_slow_way_does(rows in plain::rows()) {
        let folder = tempfile::tempdir().unwrap();
        for format in Format::ALL {
            let question = rows.write(folder.path(), format);
            let got = answer(&question, 3).unwrap();
            let expect = plain::answer(&rows, &question, &got.centres);
            prop_assert!(all_same(&got, &expect, &question), "{format:?}: {got:#?}\n{expect:#?}");
            // Who reads, and how many of them, does not show.
            prop_assert_eq!(answer(&question, 1).unwrap(), got);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A disk or a network did that; what is left may still be a file, and then it has an answer.
    #[test]
    fn a_broken_file_is_refused_or_read(
        rows in plain::rows(),
        at in any::<proptest::sample::Index>(),
        flipped in 1..=255_u8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        for format in Format::ALL {
            let question = rows.write(folder.path(), format);
            let mut bytes = std::fs::read(&question.events[0].from).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flipped;
            std::fs::write(&question.events[0].from, &bytes).unwrap();
            if let Err(error) = answer(&question, 2) {
                prop_assert!(error.to_string().contains("events."), "{error}");
            }
            std::fs::write(&question.events[0].from, &bytes[..at]).unwrap();
            if let Err(error) = answer(&question, 2) {
                prop_assert!(error.to_string().contains("events."), "{error}");
            }
        }
    }
}

/// A file of many parts, by hand: what every unit has is known.
#[test]
fn many_rows_are_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str, by: &str| {
        let (units, each) = (40_000, 5);
        let mut lines = vec![["user", "at", "variant", "note", "amount"].join(by)];
        for round in 0..each {
            for unit in 0..units {
                let arm = if unit % 3 == 0 { "b" } else { "a" };
                let at = format!("2026-11-{:02}T00:00:00Z", 1 + round);
                let row = [&format!("user-{unit:08}"), &at, arm, text, "0.25"];
                lines.push(row.join(by));
            }
        }
        let file = folder.path().join(name);
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        assert!(std::fs::metadata(&file).unwrap().len() > 8 << 20, "several parts");
        let question = Question {
            exposures: dataset::Exposures {
                from: file,
                unit: "user".to_owned(),
                arm: "variant".to_owned(),
                time: Some("at".to_owned()),
                segments: Vec::new(),
            },
            events: Vec::new(),
            arms: vec!["a".to_owned(), "b".to_owned()],
            totals: vec![dataset::Total {
                source: Source::Exposures,
                event: None,
                column: Some("amount".to_owned()),
                when: dataset::When::After,
            }],
            products: vec![(0, 0)],
            zone: dataset::Zone::default(),
        };
        let got = answer(&question, 2).unwrap();
        assert_eq!(got.left.exposures, units * each);
        assert_eq!(got.arms.iter().map(|arm| arm.units).collect::<Vec<_>>(), [26_666, 13_334]);
        assert_eq!(got.arms[1].totals[0].sum, 13_334.0 * 1.25);
        assert_eq!(got.arms[1].totals[0].squares, got.arms[1].products[0]);
        assert_eq!(got.days.keys().collect::<Vec<_>>(), ["2026-11-01"]);
    };
    check("plain.csv", "just some words that fill the line up", ",");
    check("quoted.csv", "\"in quotes, with a comma,\nan end of a line and \"\"more\"\"\"", ",");
    check("plain.tsv", "just, some, words that fill the line", "\t");
}

/// Those who wrote a table long ago and elsewhere.
#[test]
fn ids_are_the_same_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let rows = Rows::numbered(50);
    let mut question = rows.write(folder.path(), Format::Parquet(Written::Usual));
    question.events[0].from = rows.write(folder.path(), Format::Csv).events[0].from.clone();
    let got = answer(&question, 2).unwrap();
    let expect = plain::answer(&rows, &question, &got.centres);
    assert!(all_same(&got, &expect, &question), "{got:#?}\n{expect:#?}");
}
