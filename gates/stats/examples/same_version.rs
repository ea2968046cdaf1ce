//! How often a version is held to be worse than itself, and how often one that is worse is caught.
//!
//!     same_version FILE RUNS SECONDS LOOKS MARGIN FACTOR QUANTILE
//!
//! FILE has a line for each second of a real run of one version: `value:count value:count ...`, in
//! microseconds. Each of RUNS comparisons draws its seconds from there for both versions, multiplies
//! the values of the first one by FACTOR, and looks at the QUANTILE after SECONDS
//! and at each doubling, LOOKS times in all. Prints how many passed, failed and stayed open, and how
//! many microseconds a comparison took with its looks.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench says what it found")]

use std::process::ExitCode;
use std::time::Instant;

use stats::blocks::Blocks;
use stats::bootstrap::{Values, Wrong, not_worse};
use stats::random::Random;
use stats::share::Side;

/// As `gate load` has it.
const WRONG: Wrong = Wrong { pass: 0.05, fail: 0.005 };

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, runs, seconds, looks, margin, factor, quantile] = &words[..] else {
        eprintln!("usage: same_version FILE RUNS SECONDS LOOKS MARGIN FACTOR QUANTILE");
        return ExitCode::from(2);
    };
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let text = std::fs::read_to_string(file).expect("a file of seconds");
    let second = |line: &str| -> Vec<(u64, u64)> {
        let pair = |pair: &str| {
            let (value, count) = pair.split_once(':').expect("value:count");
            (value.parse().expect("a value"), count.parse().expect("a count"))
        };
        line.split_ascii_whitespace().map(pair).collect()
    };
    let all: Vec<Vec<(u64, u64)>> =
        text.lines().map(second).filter(|second| !second.is_empty()).collect();
    let factor = number(factor);
    let slower: Vec<Vec<(u64, u64)>> = all
        .iter()
        .map(|second| {
            let times = |value: u64| (value as f64 * factor).round() as u64;
            second.iter().map(|(value, count)| (times(*value), *count)).collect()
        })
        .collect();
    let (runs, seconds, looks) =
        (number(runs) as u64, number(seconds) as usize, number(looks) as u32);
    let (margin, quantile) = (1.0 + number(margin), number(quantile));
    let (mut sides, mut taken, started) = ([0_u64; 3], 0_usize, Instant::now());
    for run in 0..runs {
        let mut random = Random::new(run);
        let most = seconds << (looks - 1);
        // Each version's seconds are its own: the same ones would hide what differs by chance.
        let mut draw = |from: &[Vec<(u64, u64)>]| -> Vec<usize> {
            (0..most).map(|_| random.below(from.len())).collect()
        };
        let (own, other) = (draw(&slower), draw(&all));
        let (mut side, mut before) = (Side::Open, 0.0);
        for look in 0..looks {
            let count = seconds << look;
            let blocks: Vec<(&Values, &Values)> = own[..count]
                .iter()
                .zip(&other[..count])
                .map(|(own, other)| (&slower[*own][..], &all[*other][..]))
                .collect();
            let part = count as f64 / most as f64;
            let blocks = Blocks::Together(&blocks);
            let looked = not_worse(blocks, quantile, margin, WRONG, (before, part), &mut random);
            before = part;
            side = looked.map_or(Side::Open, |looked| looked.side);
            if side != Side::Open || look + 1 == looks {
                taken += count;
                break;
            }
        }
        sides[side as usize] += 1;
    }
    let [passed, failed, open] = sides;
    let mean = taken as f64 / runs as f64;
    let cost = started.elapsed().as_secs_f64() * 1e6 / runs as f64;
    println!(
        r#"{{"runs":{runs},"passed":{passed},"failed":{failed},"open":{open},"seconds":{mean:.1},"us":{cost:.0}}}"#
    );
    ExitCode::SUCCESS
}
