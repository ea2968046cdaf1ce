//! What a comparison of two arms comes to: an effect, how far off it may be, and how surprising it
//! would be if there were none.

use crate::error::{Error, domain, finite, inner, positive, told};
use crate::{normal, student};

/// An estimated effect with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The effect.
    pub effect: f64,
    /// Its standard error; above 0.
    pub error: f64,
    /// The degrees of freedom with which the standard error itself is known; infinite where it is
    /// taken as known.
    pub freedom: f64,
}

/// An effect as it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// The estimate.
    pub effect: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Two-sided, against no effect.
    pub p_value: f64,
}

impl Estimate {
    /// None of the numbers may be missing, and the error has to be above 0.
    pub fn new(effect: f64, error: f64, freedom: f64) -> Result<Estimate, Error> {
        finite(effect, "the effect")?;
        told(error > 0.0 && error.is_finite(), "an error", "values that differ")?;
        domain(freedom > 0.0, "the degrees of freedom", "above 0")?;
        Ok(Estimate { effect, error, freedom })
    }

    /// The two-sided p value against an effect of `none`, from the tail beyond it.
    pub fn p_value(self, none: f64) -> Result<f64, Error> {
        finite(none, "the effect")?;
        let z = ((self.effect - none) / self.error).abs();
        let above =
            if self.freedom.is_finite() { student::sf(z, self.freedom)? } else { normal::sf(z) };
        Ok((2.0 * above).min(1.0))
    }

    /// The interval that misses with probability `alpha` (between 0 and 1), as much on either side.
    pub fn interval(self, alpha: f64) -> Result<(f64, f64), Error> {
        inner(alpha, "alpha")?;
        let z = if self.freedom.is_finite() {
            student::upper_quantile(alpha / 2.0, self.freedom)?
        } else {
            normal::upper_quantile(alpha / 2.0)?
        };
        Ok(self.within(z))
    }

    /// The effect for one look that was settled before: the interval and the p value above.
    pub fn fixed(self, alpha: f64) -> Result<Effect, Error> {
        let ((low, high), p_value) = (self.interval(alpha)?, self.p_value(0.0)?);
        Ok(Effect { effect: self.effect, low, high, p_value })
    }

    /// So many standard errors to either side.
    pub(crate) fn within(self, z: f64) -> (f64, f64) {
        (self.effect - z * self.error, self.effect + z * self.error)
    }
}

/// An arm's mean with the variance of that mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// How many units it is of.
    pub units: f64,
    /// The mean.
    pub value: f64,
    /// The variance of the mean: that of a unit over their number.
    pub variance: f64,
}

/// Two arms against each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The difference: treatment less control.
    pub absolute: Estimate,
    /// The difference over the mean of the control; not known where that is 0.
    pub relative: Result<Estimate, Error>,
    /// The units of both arms.
    pub units: f64,
}

impl Comparison {
    /// The difference of two means, and by the delta method what it is of the first: with variances
    /// u of the control's mean M and v of the treatment's mean N, (N − M)/M has the variance
    /// v/M² + u N²/M⁴.
    pub fn of(control: Mean, treatment: Mean, freedom: f64) -> Result<Comparison, Error> {
        for arm in [control, treatment] {
            positive(arm.units, "the number of units")?;
            finite(arm.value, "the mean")?;
            domain(arm.variance >= 0.0, "the variance", "at least 0")?;
        }
        let difference = treatment.value - control.value;
        let error = (control.variance + treatment.variance).sqrt();
        let absolute = Estimate::new(difference, error, freedom)?;
        let relative = told(control.value != 0.0, "a relative effect", "a control other than 0");
        let relative = relative.and_then(|()| {
            let ratio = treatment.value / control.value;
            let error = (treatment.variance + ratio * ratio * control.variance).sqrt();
            Estimate::new(difference / control.value, error / control.value.abs(), freedom)
        });
        Ok(Comparison { absolute, relative, units: control.units + treatment.units })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p_value_is_never_lost_in_one() {
        let far = Estimate::new(8.7, 1.0, f64::INFINITY).unwrap();
        // From mpmath: erfc(8.7/√2).
        let p = far.p_value(0.0).unwrap();
        assert!((p / 3.318_841_739_929_57e-18 - 1.0).abs() < 1e-12, "{p:e}");
        assert_eq!(far.p_value(8.7), Ok(1.0));
        let (low, high) = far.interval(0.05).unwrap();
        assert!(
            (low + high - 17.4).abs() < 1e-14 && (high - low - 3.919_927_969_080_108).abs() < 1e-14
        );
    }

    #[test]
    fn an_interval_ends_where_the_p_value_is_alpha() {
        for freedom in [3.3, 40.0, f64::INFINITY] {
            let estimate = Estimate::new(-0.3, 0.2, freedom).unwrap();
            let (low, high) = estimate.interval(0.01).unwrap();
            for end in [low, high] {
                assert!((estimate.p_value(end).unwrap() / 0.01 - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn errors_where_nothing_is_known() {
        assert!(
            Estimate::new(1.0, 0.0, 5.0).is_err() && Estimate::new(f64::NAN, 1.0, 5.0).is_err()
        );
        let mean = |value, variance| Mean { units: 10.0, value, variance };
        assert!(Comparison::of(mean(1.0, 0.0), mean(2.0, 0.0), 9.0).is_err());
        let none = Comparison::of(mean(0.0, 1.0), mean(2.0, 1.0), 9.0).unwrap();
        assert!(none.relative.is_err() && none.absolute.fixed(2.0).is_err());
    }
}
