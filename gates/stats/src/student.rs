//! Student's distribution: how far off a mean is that comes with an estimate of its own spread.
//!
//! With ν degrees of freedom (above 0, not necessarily whole), by the incomplete beta function: the
//! tail above t > 0 is half of I(ν/(ν+t²); ν/2, 1/2) (Abramowitz and Stegun 26.7.1). Both ν/(ν+t²) and
//! what it lacks to 1 are kept with twice the digits, because for large ν the one is all that counts.

use crate::beta;
use crate::double::Double;
use crate::error::{Error, domain, inner, positive};
use crate::gamma::Tails;
use crate::root::{self, At};
use crate::stirling::ln_gamma_rise;

/// The probability of a value of at most `t`, any number.
pub fn cdf(t: f64, freedom: f64) -> Result<f64, Error> {
    sf(-t, freedom)
}

/// The probability of a value above `t`, with all of its digits.
pub fn sf(t: f64, freedom: f64) -> Result<f64, Error> {
    domain(!t.is_nan(), "t", "a number")?;
    let tails = tails(t.abs(), freedom)?;
    Ok(if t > 0.0 { 0.5 * tails.below } else { 0.5 + 0.5 * tails.above })
}

/// The value below which a share of `p` (between 0 and 1) lies.
pub fn quantile(p: f64, freedom: f64) -> Result<f64, Error> {
    upper_quantile(p, freedom).map(|t| -t)
}

/// The value above which a share of `p` (between 0 and 1) lies; exact for the smallest shares, too.
pub fn upper_quantile(p: f64, freedom: f64) -> Result<f64, Error> {
    inner(p, "p")?;
    positive(freedom, "the degrees of freedom")?;
    if p > 0.5 {
        return upper_quantile(1.0 - p, freedom).map(|t| -t);
    }
    // Near the middle what the tail lacks to one half has the digits.
    let share = 1.0 - 2.0 * p;
    if share <= 0.0 {
        return Ok(0.0);
    }
    let is_near = p > 0.25;
    let (share, start) = if is_near { (share, share) } else { (2.0 * p, 1.0) };
    root::value(share, start, f64::MAX, is_near, |t| {
        let tails = tails(t, freedom)?;
        let tail = if is_near { tails.above } else { tails.below };
        // Of |t|: twice the density times t.
        let slope = 2.0 * tails.front / tail;
        Ok(At { tail, slope: if is_near { slope } else { -slope } })
    })
}

/// The share of values further from 0 than `t` ≥ 0 (below) and nearer (above), and the density of
/// |t| times t, halved.
fn tails(t: f64, freedom: f64) -> Result<Tails, Error> {
    positive(freedom, "the degrees of freedom")?;
    if t.is_infinite() {
        return Ok(Tails::of(0.0, false, 0.0));
    }
    if freedom / t / t < 1e-100 {
        return Ok(far(t, freedom));
    }
    let square = Double::product(t, t);
    let (part, rest) = if square.high > 1e-280 {
        let all = square + Double::from(freedom);
        (Double::from(freedom) / all, square / all)
    } else {
        // Nothing is lost: t² is next to nothing beside the degrees of freedom.
        let rest = t / freedom * t;
        (Double::sum(1.0, -rest), Double::from(rest))
    };
    beta::tails(part, rest, 0.5 * freedom, 0.5)
}

/// Where ν/t² is next to nothing beside 1, and may be too small for a number: the first term of the
/// incomplete beta function's series, (ν/t²)^(ν/2) Γ(ν/2 + 1/2) / (Γ(ν/2 + 1) √π).
fn far(t: f64, freedom: f64) -> Tails {
    let half = 0.5 * freedom;
    let power = half * (libm::log(freedom) - 2.0 * libm::log(t));
    let gammas = ln_gamma_rise(0.5, half) - ln_gamma_rise(1.0, half);
    let tail = (power + gammas).exp();
    Tails::of(tail, false, half * tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_of_the_tables() {
        for (p, freedom, value) in [
            (0.05, 1.0, 6.313_75),
            (0.05, 2.0, 2.919_99),
            (0.05, 9.0, 1.833_11),
            (0.025, 30.0, 2.042_27),
            (0.005, 5.0, 4.032_14),
            (0.05, 1e6, 1.644_855),
        ] {
            let got = upper_quantile(p, freedom).unwrap();
            assert!((got - value).abs() < 1e-5, "{p} {freedom}: {got}");
        }
        for (p, freedom) in [(0.0, 1.0), (1.0, 1.0), (0.1, 0.0), (f64::NAN, 1.0), (0.1, f64::NAN)] {
            assert!(upper_quantile(p, freedom).is_err() && quantile(p, freedom).is_err());
        }
        assert!(sf(f64::NAN, 1.0).is_err() && cdf(1.0, -1.0).is_err());
    }

    #[test]
    fn cauchys_distribution() {
        // One degree of freedom: the tail is atan(1/t)/π.
        for t in [1e-300_f64, 1e-9, 0.3, 1.0, 40.0, 1e200] {
            let above = (1.0 / t).atan() / std::f64::consts::PI;
            let got = sf(t, 1.0).unwrap();
            assert!((got / above - 1.0).abs() < 1e-13, "{t}: {got}, not {above}");
            assert_eq!(cdf(-t, 1.0), Ok(got));
        }
    }

    proptest! {
        #[test]
        fn quantiles_lead_back(ln_p in -680.0_f64..-0.01, ln_freedom in -1.0_f64..20.0) {
            let (p, freedom) = (ln_p.exp(), ln_freedom.exp());
            let t = upper_quantile(p, freedom).unwrap();
            prop_assume!(t.abs() < 1e300);
            let back = sf(t, freedom).unwrap();
            let room = 1e-12 + 3e-16 * tails(t.abs(), freedom).unwrap().front / p;
            prop_assert!((back / p - 1.0).abs() < room, "{p} {freedom}: {t} {back}");
            prop_assert_eq!(quantile(p, freedom).unwrap().to_bits(), (-t).to_bits());
        }

        #[test]
        fn both_sides_are_one(t in -50.0_f64..50.0, ln_freedom in -3.0_f64..20.0) {
            let freedom = ln_freedom.exp();
            let (below, above) = (cdf(t, freedom).unwrap(), sf(t, freedom).unwrap());
            prop_assert!((below + above - 1.0).abs() < 1e-15);
            prop_assert!(sf(t + 0.01, freedom).unwrap() <= above);
        }
    }
}
