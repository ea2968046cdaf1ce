//! Folds a file, for measuring what it takes: `fold FILE UNIT ARM TIME VALUE THREADS ARM...`. Prints
//! each arm's units, sum and centred squares.
#![expect(clippy::print_stdout, reason = "what it comes to is for a script to read")]

use dataset::{Exposures, Question, Source, Total, When, Zone, answer};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, unit, arm, time, value, threads, arms @ ..] = &words[..] else {
        panic!("fold FILE UNIT ARM TIME VALUE THREADS ARM...");
    };
    let question = Question {
        exposures: Exposures {
            from: file.into(),
            unit: unit.clone(),
            arm: arm.clone(),
            time: Some(time.clone()),
            segments: Vec::new(),
        },
        events: Vec::new(),
        arms: arms.to_vec(),
        totals: vec![Total {
            source: Source::Exposures,
            event: None,
            column: Some(value.clone()),
            when: When::After,
        }],
        products: Vec::new(),
        zone: Zone::default(),
    };
    let answer =
        answer(&question, threads.parse().unwrap()).unwrap_or_else(|error| panic!("{error}"));
    for (name, cell) in arms.iter().zip(&answer.arms) {
        let total = &cell.totals[0];
        println!("{name} {} {} {} {}", cell.units, cell.multiple, total.sum, total.squares);
    }
}
