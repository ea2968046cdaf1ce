//! Experiments without an effect, looked at a hundred times each.

use stats::random::Random;
use stats::{Error, always_valid, binomial, means, proportions, sample_ratio};

pub const LOOKS: usize = 100;
pub const ALPHA: f64 = 0.05;
pub const ALARM: f64 = 0.001;
/// How many units come between two looks.
const UNITS: usize = 100;
const CONVERSION: f64 = 0.05;

/// How many of the experiments were wrong at any look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wrong {
    /// The always-valid interval of a proportion did not hold 0.
    pub proportion: u32,
    /// That of a mean of skewed values.
    pub mean: u32,
    /// The sequential check of the sample ratio fell below its threshold.
    pub ratio: u32,
}

/// What an arm has shown so far.
#[derive(Debug, Clone, Copy, Default)]
struct Arm {
    units: f64,
    conversions: f64,
    sum: f64,
    squares: f64,
}

/// Runs so many, the same for the same seed.
pub fn run(experiments: u32, seed: u64) -> Result<Wrong, Error> {
    let mut wrong = Wrong::default();
    for experiment in 0..experiments {
        let mut random = Random::new(seed ^ (u64::from(experiment) << 20));
        let mut arms = [Arm::default(); 2];
        let mut looks = Vec::with_capacity(LOOKS);
        let (mut proportion, mut mean) = (false, false);
        for _ in 0..LOOKS {
            (0..UNITS).for_each(|_| arms[random.below(2)].add(&mut random));
            looks.push(vec![arms[0].units, arms[1].units]);
            proportion |=
                is_seen(proportions::unpooled(arms[0].proportion()?, arms[1].proportion()?))?;
            mean |= is_seen(means::welch(arms[0].moments()?, arms[1].moments()?))?;
        }
        let p_values = sample_ratio::p_values(&looks, &[1.0, 1.0], None)?;
        wrong.proportion += u32::from(proportion);
        wrong.mean += u32::from(mean);
        wrong.ratio += u32::from(p_values.last().is_some_and(|p| *p <= ALARM));
    }
    Ok(wrong)
}

/// Whether the interval at this look is without 0. Where nothing is known, nothing is seen.
fn is_seen(compared: Result<stats::estimate::Comparison, Error>) -> Result<bool, Error> {
    let Ok(compared) = compared else { return Ok(false) };
    let planned = (LOOKS * UNITS) as f64;
    let effect = always_valid::effect(compared.absolute, compared.units, ALPHA, planned)?;
    Ok(effect.low > 0.0 || effect.high < 0.0)
}

impl Arm {
    fn add(&mut self, random: &mut Random) {
        self.units += 1.0;
        self.conversions += f64::from(u8::from(random.unit() < CONVERSION));
        // Exponential: a few are large.
        let value = -(1.0 - random.unit()).ln();
        self.sum += value;
        self.squares += value * value;
    }

    fn proportion(&self) -> Result<proportions::Proportion, Error> {
        proportions::Proportion::new(self.conversions, self.units)
    }

    fn moments(&self) -> Result<means::Moments, Error> {
        means::Moments::of_sums(self.units, self.sum, self.squares)
    }
}

/// Clopper and Pearson's interval of a share, wrong once in a hundred.
pub fn interval(wrong: u32, experiments: u32) -> Result<(f64, f64), Error> {
    let (wrong, experiments) = (f64::from(wrong), f64::from(experiments));
    let half = 0.005;
    Ok((binomial::lower(wrong, experiments, half)?, binomial::upper(wrong, experiments, half)?))
}
