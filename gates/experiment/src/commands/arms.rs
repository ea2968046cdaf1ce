//! Arms as they stand on the command line, and how they compare.

use clap::ValueEnum;
use stats::estimate::Comparison;
use stats::means::{self, Moments};
use stats::proportions::{self, Proportion};
use stats::ratios::{self, Sums};

use super::Mistake;
use crate::values::number;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Metric {
    /// How many of them did: an arm is successes/n.
    Proportion,
    /// A mean of a value that each has: an arm is n,sum,sum_of_squares.
    Mean,
    /// One sum over another: an arm is n,sum_m,sum_m2,sum_d,sum_d2,sum_md.
    Ratio,
}

/// Both arms of one kind, the control first.
#[derive(Debug, PartialEq)]
pub(super) enum Arms {
    Proportions([Proportion; 2]),
    Means([Moments; 2]),
    Ratios([Sums; 2]),
}

impl Arms {
    /// From what was written.
    pub fn of(metric: Metric, arms: &[String]) -> Result<Arms, Mistake> {
        let [control, treatment] = arms else {
            return Err(Mistake::new(format!("two arms are compared, not {}", arms.len()))
                .hint("give --arm twice, the control first"));
        };
        Ok(match metric {
            Metric::Proportion => Arms::Proportions([proportion(control)?, proportion(treatment)?]),
            Metric::Mean => Arms::Means([mean(control)?, mean(treatment)?]),
            Metric::Ratio => Arms::Ratios([ratio(control)?, ratio(treatment)?]),
        })
    }

    pub fn compare(&self) -> Result<Comparison, stats::Error> {
        match self {
            Arms::Proportions([control, treatment]) => proportions::unpooled(*control, *treatment),
            Arms::Means([control, treatment]) => means::welch(*control, *treatment),
            Arms::Ratios([control, treatment]) => ratios::compare(*control, *treatment),
        }
    }

    /// The value of each.
    pub fn values(&self) -> [f64; 2] {
        match self {
            Arms::Proportions(arms) => arms.map(Proportion::share),
            Arms::Means(arms) => arms.map(|arm| arm.mean),
            Arms::Ratios(arms) => arms.map(|arm| arm.m / arm.d),
        }
    }
}

fn in_arm(text: &str, error: stats::Error) -> Mistake {
    Mistake::new(format!("in the arm `{text}` {error}"))
}

/// Counts of units are whole.
fn units(text: &str, units: f64) -> Result<f64, Mistake> {
    if units.fract() == 0.0 {
        return Ok(units);
    }
    Err(Mistake::new(format!("in the arm `{text}` the number of units has to be whole")))
}

fn proportion(text: &str) -> Result<Proportion, Mistake> {
    let wrong = || Mistake::new(format!("`{text}` is no arm such as `4100/100000`, successes/n"));
    let (successes, all) = text.split_once('/').ok_or_else(wrong)?;
    let (successes, all) = (number(successes).ok_or_else(wrong)?, number(all).ok_or_else(wrong)?);
    units(text, all)?;
    Proportion::new(units(text, successes)?, all).map_err(|error| in_arm(text, error))
}

fn numbers<const N: usize>(text: &str, shape: &str) -> Result<[f64; N], Mistake> {
    let numbers: Option<Vec<f64>> = text.split(',').map(number).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| Mistake::new(format!("`{text}` is no arm of the shape {shape}")))
}

fn mean(text: &str) -> Result<Moments, Mistake> {
    let [all, sum, squares] = numbers(text, "n,sum,sum_of_squares")?;
    Moments::of_sums(units(text, all)?, sum, squares).map_err(|error| in_arm(text, error))
}

fn ratio(text: &str) -> Result<Sums, Mistake> {
    let shape = "n,sum_m,sum_m2,sum_d,sum_d2,sum_md";
    let [all, m, m2, d, d2, md] = numbers(text, shape)?;
    let sums = Sums { units: units(text, all)?, m, m2, d, d2, md };
    sums.ratio().map_err(|error| in_arm(text, error))?;
    Ok(sums)
}
