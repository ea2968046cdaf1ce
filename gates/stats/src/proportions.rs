//! Proportions of two arms.

use crate::error::{Error, domain, positive, told};
use crate::estimate::{Comparison, Estimate, Mean};

/// Successes among so many units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// How many units; above 0.
    pub units: f64,
    /// How many of them; from 0 to all.
    pub successes: f64,
}

impl Proportion {
    /// Refuses more successes than units.
    pub fn new(successes: f64, units: f64) -> Result<Proportion, Error> {
        positive(units, "the number of units")?;
        let is_good = (0.0..=units).contains(&successes);
        domain(is_good, "the number of successes", "from 0 to that of units")?;
        Ok(Proportion { units, successes })
    }

    /// Successes over units.
    pub fn share(self) -> f64 {
        self.successes / self.units
    }

    /// p (1 − p) / n.
    fn mean(self) -> Mean {
        let failures = self.units - self.successes;
        let variance = self.share() * (failures / self.units) / self.units;
        Mean { units: self.units, value: self.share(), variance }
    }
}

/// Wald's comparison: the normal approximation with each arm's own variance p (1 − p) / n.
pub fn unpooled(control: Proportion, treatment: Proportion) -> Result<Comparison, Error> {
    Comparison::of(control.mean(), treatment.mean(), f64::INFINITY)
}

/// The score test of equal proportions: the normal approximation with the variance of both arms put
/// together, p (1 − p) (1/m + 1/n). Its square is the chi-squared statistic of the table, without a
/// continuity correction. It says how surprising the difference is if there is none, and bounds
/// nothing.
pub fn pooled(control: Proportion, treatment: Proportion) -> Result<Estimate, Error> {
    let units = control.units + treatment.units;
    let successes = control.successes + treatment.successes;
    told(successes > 0.0 && successes < units, "an error", "successes and failures")?;
    let variance = successes / units * ((units - successes) / units);
    let error = (variance * (1.0 / control.units + 1.0 / treatment.units)).sqrt();
    Estimate::new(treatment.share() - control.share(), error, f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proportion(successes: f64, units: f64) -> Proportion {
        Proportion::new(successes, units).unwrap()
    }

    #[test]
    fn pooled_squared_is_chi_squared() {
        let (own, other) = (proportion(83.0, 86.0), proportion(90.0, 93.0));
        let z = pooled(own, other).unwrap();
        let table = [[83.0, 3.0], [90.0, 3.0]];
        let (rows, all) = ([86.0, 93.0], 179.0);
        let statistic: f64 = (0..2)
            .flat_map(|row| (0..2).map(move |column| (row, column)))
            .map(|(row, column)| {
                let expected: f64 = rows[row] * (table[0][column] + table[1][column]) / all;
                (table[row][column] - expected).powi(2) / expected
            })
            .sum();
        assert!(((z.effect / z.error).powi(2) / statistic - 1.0).abs() < 1e-12);
    }

    #[test]
    fn errors_of_what_cannot_be() {
        assert!(Proportion::new(6.0, 5.0).is_err() && Proportion::new(-1.0, 5.0).is_err());
        assert!(Proportion::new(0.0, 0.0).is_err() && Proportion::new(f64::NAN, 5.0).is_err());
        let none = proportion(0.0, 5.0);
        assert!(pooled(none, none).is_err() && unpooled(none, none).is_err());
        // One that nobody is known of has no relative effect.
        assert!(unpooled(none, proportion(3.0, 9.0)).unwrap().relative.is_err());
    }
}
