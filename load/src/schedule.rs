//! When requests are to be sent: instants that were decided before anything is sent.

use std::time::Duration;

use crate::clock::{Nanos, nanos};

/// A part of a run, over which the rate changes evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long it takes.
    pub duration: Duration,
    /// Requests per second at its end; it begins with what the one before ended with.
    pub rate: f64,
}

/// How instants lie within the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Evenly.
    #[default]
    Even,
    /// As independent visitors come (a Poisson process), drawn from this seed.
    Poisson(u64),
}

/// The instants of a run, in order, in nanoseconds since its start.
///
/// The expected number of requests up to an instant is the integral of the rate; the k-th request
/// is due where it reaches k (evenly: k + 1/2), which the stages give in closed form.
#[derive(Debug, Clone)]
pub struct Schedule {
    stages: Vec<Ramp>,
    at: usize,
    /// Expected requests up to the next instant.
    next: f64,
    spacing: Spacing,
    random: u64,
    /// Of every `of` instants, those with this remainder are given.
    part: u64,
    of: u64,
    number: u64,
    /// Of every two instants only one: from which seed that is drawn, and which one.
    half: Option<(u64, u64)>,
    /// How many instants there were, those of the other half included.
    seen: u64,
}

/// A stage with what came before it.
#[derive(Debug, Clone, Copy)]
struct Ramp {
    /// In seconds.
    start: f64,
    length: f64,
    /// Per second.
    from: f64,
    to: f64,
    /// Expected requests before it.
    before: f64,
}

impl Ramp {
    /// Expected requests in it.
    fn requests(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.length
    }

    /// When so many requests of it are expected, in seconds from its start.
    fn when(&self, requests: f64) -> f64 {
        let slope = (self.to - self.from) / self.length;
        // The root of slope/2 t² + from t = requests, in the form that loses nothing for a slope
        // near 0.
        2.0 * requests
            / (self.from + (self.from * self.from + 2.0 * slope * requests).max(0.0).sqrt())
    }
}

impl Schedule {
    /// Through these stages, from this rate at the start. Stages without a length jump to their
    /// rate.
    pub fn new(start_rate: f64, stages: &[Stage], spacing: Spacing) -> Schedule {
        let (mut ramps, mut rate) = (Vec::new(), start_rate.max(0.0));
        let (mut start, mut before) = (0.0, 0.0);
        for stage in stages {
            let length = stage.duration.as_secs_f64();
            let to = stage.rate.max(0.0);
            if length > 0.0 {
                let ramp = Ramp { start, length, from: rate, to, before };
                before += ramp.requests();
                start += length;
                ramps.push(ramp);
            }
            rate = to;
        }
        let random = match spacing {
            Spacing::Even => 0,
            Spacing::Poisson(seed) => seed,
        };
        let mut schedule = Schedule {
            stages: ramps,
            at: 0,
            next: 0.0,
            spacing,
            random,
            part: 0,
            of: 1,
            number: 0,
            half: None,
            seen: 0,
        };
        schedule.next = match spacing {
            Spacing::Even => 0.5,
            Spacing::Poisson(_) => schedule.gap(),
        };
        schedule
    }

    /// At one rate.
    pub fn constant(rate: f64, duration: Duration) -> Schedule {
        Schedule::new(rate, &[Stage { duration, rate }], Spacing::Even)
    }

    /// Only the instants whose number, from 0, leaves this remainder: what one of several threads
    /// or machines sends.
    pub fn part(mut self, part: u64, of: u64) -> Schedule {
        (self.part, self.of) = (part, of.max(1));
        self
    }

    /// Of every two instants one, drawn from this seed; the other one is that of the other half
    /// (0 or 1). So two versions are asked in turn, in an order that nothing can be in step with.
    pub fn half(mut self, seed: u64, half: u64) -> Schedule {
        self.half = Some((seed, half & 1));
        self
    }

    /// Whether an instant is one of this half.
    fn is_of_half(&self, seen: u64) -> bool {
        self.half.is_none_or(|(seed, half)| {
            let mut state = seed ^ (seen / 2);
            let first = u64::from(unit(&mut state) < 0.5);
            (seen & 1) ^ first == half
        })
    }

    /// How many requests are expected in all, over all parts and both halves.
    pub fn expected(&self) -> f64 {
        self.stages.last().map_or(0.0, |last| last.before + last.requests())
    }

    /// The highest rate that it comes to, per second.
    pub fn peak(&self) -> f64 {
        self.stages.iter().map(|stage| stage.from.max(stage.to)).fold(0.0, f64::max)
    }

    /// How long it takes.
    pub fn length(&self) -> Duration {
        let end = self.stages.last().map_or(0.0, |last| last.start + last.length);
        Duration::from_secs_f64(end)
    }

    /// The gap to the next request of a Poisson process of rate 1.
    fn gap(&mut self) -> f64 {
        -(1.0 - unit(&mut self.random)).ln()
    }

    fn instant(&mut self) -> Option<Nanos> {
        loop {
            let ramp = self.stages.get(self.at)?;
            let within = self.next - ramp.before;
            if within < ramp.requests() {
                let seconds = ramp.start + ramp.when(within);
                self.next += match self.spacing {
                    Spacing::Even => 1.0,
                    Spacing::Poisson(_) => self.gap(),
                };
                return Some(nanos(Duration::from_secs_f64(seconds)));
            }
            self.at += 1;
        }
    }
}

impl Iterator for Schedule {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        loop {
            let instant = self.instant()?;
            self.seen += 1;
            if !self.is_of_half(self.seen - 1) {
                continue;
            }
            let is_own = self.number % self.of == self.part;
            self.number += 1;
            if is_own {
                return Some(instant);
            }
        }
    }
}

/// A number from 0 up to 1, from SplitMix64 (Steele, Lea and Flood, 2014).
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Nanos = 1_000_000_000;

    fn seconds(duration: u64, rate: f64) -> Stage {
        Stage { duration: Duration::from_secs(duration), rate }
    }

    #[test]
    fn a_constant_rate_is_even() {
        let all: Vec<Nanos> = Schedule::constant(4.0, Duration::from_secs(1)).collect();
        assert_eq!(all, [125_000_000, 375_000_000, 625_000_000, 875_000_000]);
    }

    #[test]
    fn stages_have_as_many_requests_as_they_should() {
        let check = |start: f64, stages: &[Stage], expect: usize| {
            let schedule = Schedule::new(start, stages, Spacing::Even);
            assert!((schedule.expected() - expect as f64).abs() < 1e-6);
            let all: Vec<Nanos> = schedule.clone().collect();
            assert_eq!(all.len(), expect, "{stages:?}");
            assert!(all.is_sorted() && all.iter().all(|at| *at < nanos(schedule.length())));
        };
        check(0.0, &[seconds(10, 100.0)], 500);
        check(100.0, &[seconds(10, 0.0)], 500);
        check(100.0, &[seconds(5, 100.0), seconds(5, 0.0)], 750);
        // A jump, and a pause.
        check(0.0, &[seconds(0, 50.0), seconds(2, 50.0), seconds(0, 0.0), seconds(3, 0.0)], 100);
        check(10.0, &[], 0);
        check(0.0, &[seconds(5, 0.0)], 0);
    }

    #[test]
    fn a_ramp_is_dense_where_the_rate_is_high() {
        let all: Vec<Nanos> = Schedule::new(0.0, &[seconds(10, 100.0)], Spacing::Even).collect();
        let within = |from: u64, to: u64| {
            all.iter().filter(|at| (from * SECOND..to * SECOND).contains(*at)).count()
        };
        // The integral of 10 t: 5 t².
        assert_eq!([within(0, 1), within(4, 5), within(9, 10)], [5, 45, 95]);
    }

    #[test]
    fn independent_visitors_come_in_clumps() {
        let of = |seed| Schedule::new(1000.0, &[seconds(100, 1000.0)], Spacing::Poisson(seed));
        let all: Vec<Nanos> = of(7).collect();
        assert_eq!(all, of(7).collect::<Vec<_>>());
        assert_ne!(all, of(8).collect::<Vec<_>>());
        // 100,000 expected, with a standard deviation of 316.
        assert!(all.len().abs_diff(100_000) < 1500, "{}", all.len());
        // The variance of the counts of a hundredth of a second is their mean, 10.
        let mut counts = vec![0_f64; 10_000];
        for at in &all {
            counts[(*at / 10_000_000) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 10_000.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!((variance / mean - 1.0).abs() < 0.1, "{variance} {mean}");
    }

    #[test]
    fn halves_take_turns_in_no_order() {
        let whole = Schedule::constant(100.0, Duration::from_secs(10));
        let all: Vec<Nanos> = whole.clone().collect();
        let halves = [0, 1].map(|half| whole.clone().half(7, half).collect::<Vec<_>>());
        let mut both = halves.concat();
        both.sort_unstable();
        assert_eq!(both, all);
        let first = all.iter().step_by(2).filter(|at| halves[0].contains(at)).count();
        assert!((200..300).contains(&first), "{first} of 500 pairs begin with the first half");
        assert!(
            all.chunks(2).all(|pair| pair.iter().filter(|at| halves[0].contains(at)).count() == 1)
        );
        assert_ne!(halves[0], whole.clone().half(8, 0).collect::<Vec<_>>());
        // Threads share a half.
        let mut parts: Vec<Nanos> =
            (0..3).flat_map(|part| whole.clone().half(7, 0).part(part, 3)).collect();
        parts.sort_unstable();
        assert_eq!(parts, halves[0]);
    }

    proptest! {
        #[test]
        fn parts_are_the_whole(rate in 1.0..500.0_f64, of in 1..7_u64, seed in any::<u64>()) {
            let stages = [seconds(1, rate), seconds(1, rate / 2.0)];
            for spacing in [Spacing::Even, Spacing::Poisson(seed)] {
                let whole = Schedule::new(0.0, &stages, spacing);
                let mut parts: Vec<Nanos> =
                    (0..of).flat_map(|part| whole.clone().part(part, of)).collect();
                parts.sort_unstable();
                prop_assert_eq!(parts, whole.collect::<Vec<_>>());
            }
        }
    }
}
