//! How often what may be looked at all the time is wrong, over experiments without an effect.
//!
//!     calibration EXPERIMENTS SEED
//!
//! Each experiment is looked at a hundred times. Prints how many had an always-valid interval without
//! 0 at any look (of a proportion, and of a mean of skewed values), how many a sequential check of the
//! sample ratio that raised an alarm, with Clopper-Pearson intervals of 99%, and what was promised.
//! Ends with 1 when one of them is known to be more than that.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench says what it found")]

#[path = "../tests/calibration/experiments.rs"]
mod experiments;

use std::process::ExitCode;

use experiments::{ALARM, ALPHA, interval, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [count, seed] = &words[..] else {
        eprintln!("usage: calibration EXPERIMENTS SEED");
        return ExitCode::from(2);
    };
    let count: u32 = count.parse().expect("a number of experiments");
    let wrong = run(count, seed.parse().expect("a seed")).expect("within all domains");
    let mut is_kept = true;
    for (name, times, promised) in [
        ("proportion", wrong.proportion, ALPHA),
        ("mean", wrong.mean, ALPHA),
        ("sample ratio", wrong.ratio, ALARM),
    ] {
        let (low, high) = interval(times, count).expect("within all domains");
        let share = f64::from(times) / f64::from(count);
        println!(
            "{name}: {times} of {count}, {share:.5} ({low:.5} to {high:.5}), promised {promised}"
        );
        is_kept &= low <= promised;
    }
    ExitCode::from(u8::from(!is_kept))
}
