//! How often what may be looked at all the time is wrong, over experiments without an effect.

#[path = "calibration/experiments.rs"]
mod experiments;

use experiments::{ALARM, ALPHA, interval, run};

const EXPERIMENTS: u32 = 500;

#[test]
fn looking_a_hundred_times_costs_nothing() {
    let wrong = run(EXPERIMENTS, 7).unwrap();
    // More often than promised would be known at 99%; the whole sample is for `make bench`.
    for (count, promised) in [(wrong.proportion, ALPHA), (wrong.mean, ALPHA), (wrong.ratio, ALARM)]
    {
        let (low, _) = interval(count, EXPERIMENTS).unwrap();
        assert!(low <= promised, "{wrong:?}");
        assert!(f64::from(count) <= promised * f64::from(EXPERIMENTS), "{wrong:?}");
    }
}
