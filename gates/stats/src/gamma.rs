//! The gamma distribution.
//!
//! Shape a > 0 and scale θ > 0: the density at x is (x/θ)ᵃ⁻¹ exp(−x/θ) / (θ Γ(a)). Its tails are the
//! regularised incomplete gamma functions P and Q (DLMF 8.2).

use std::f64::consts::PI;

use crate::double::Double;
use crate::error::{Error, domain, positive, probability};
use crate::root::{self, At};
use crate::stirling::{deviance, error, ln_gamma_rise};
use crate::uniform;

/// The probability of a value of at most `x`, which is at least 0.
pub fn cdf(x: f64, shape: f64, scale: f64) -> Result<f64, Error> {
    Ok(scaled(x, shape, scale)?.below)
}

/// The probability of a value above `x`, with all of its digits.
pub fn sf(x: f64, shape: f64, scale: f64) -> Result<f64, Error> {
    Ok(scaled(x, shape, scale)?.above)
}

/// The value below which a share of `p` lies; 0 and ∞ for 0 and 1.
pub fn quantile(p: f64, shape: f64, scale: f64) -> Result<f64, Error> {
    positive(scale, "the scale")?;
    Ok(standard_quantile(p, shape, true)? * scale)
}

/// The value above which a share of `p` lies; exact for the smallest shares, too.
pub fn upper_quantile(p: f64, shape: f64, scale: f64) -> Result<f64, Error> {
    positive(scale, "the scale")?;
    Ok(standard_quantile(p, shape, false)? * scale)
}

fn scaled(x: f64, shape: f64, scale: f64) -> Result<Tails, Error> {
    domain(x >= 0.0, "x", "at least 0")?;
    positive(scale, "the scale")?;
    tails(x / scale, shape)
}

/// Both tails, and the density times x.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tails {
    pub below: f64,
    pub above: f64,
    pub front: f64,
}

/// At x ≥ 0 for a scale of 1. Near the mean of large shapes by Temme's expansion; else the lower tail
/// by its series (DLMF 8.7.1) or the upper one by its continued fraction (DLMF 8.9.2), whichever
/// converges fast.
pub(crate) fn tails(x: f64, a: f64) -> Result<Tails, Error> {
    positive(a, "the shape")?;
    if x <= 0.0 || x.is_infinite() {
        let below = if x <= 0.0 { 0.0 } else { 1.0 };
        return Ok(Tails { below, above: 1.0 - below, front: 0.0 });
    }
    let less = Double::sum(a, -x);
    let deviance = deviance(a, Double::from(x), less);
    let small = error(a);
    // xᵃ exp(−x) / Γ(a).
    let front = (-deviance - small).exp() * (a / (2.0 * PI)).sqrt();
    if front <= 0.0 {
        return Ok(Tails::of(0.0, x > a, 0.0));
    }
    if a >= uniform::LARGE && 2.0 * deviance <= uniform::NEAR * a {
        let is_above = x > a;
        let tail = uniform::tail(deviance, a, 0.0, is_above) * (-small).exp();
        return Ok(Tails::of(tail, is_above, front));
    }
    if x >= a + 1.0 {
        return Ok(Tails::of(front * fraction(x, a)?, true, front));
    }
    let below = front / a * series(x, a);
    if below <= 0.9 {
        return Ok(Tails::of(below, false, front));
    }
    // The shape is small, and the other tail with it.
    let above = if x < 1.0 { small_shape(x, a) } else { front * fraction(x, a)? };
    Ok(Tails::of(above, true, front))
}

impl Tails {
    /// From one of them.
    pub fn of(tail: f64, is_above: bool, front: f64) -> Tails {
        let (tail, other) = (tail.min(1.0), (1.0 - tail).max(0.0));
        let (below, above) = if is_above { (other, tail) } else { (tail, other) };
        Tails { below, above, front }
    }
}

/// 1 + x/(a+1) + x²/((a+1)(a+2)) + ...
fn series(x: f64, a: f64) -> f64 {
    let (mut sum, mut term, mut n) = (1.0, 1.0, a);
    loop {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < 1e-17 * sum {
            return sum;
        }
    }
}

/// The upper tail at x < 1 for small shapes, where the lower one is nearly 1: from the series
/// P = xᵃ/Γ(a+1) · (1 + a Σ (−x)ᵏ / (k! (a+k))), whose difference to 1 is taken term by term.
fn small_shape(x: f64, a: f64) -> f64 {
    let exponent = a * libm::log(x) - ln_gamma_rise(1.0, a);
    let (mut rest, mut power) = (0.0, 1.0);
    for k in 1..30 {
        power *= -x / f64::from(k);
        rest += power / (a + f64::from(k));
    }
    -libm::expm1(exponent) - exponent.exp() * a * rest
}

/// Γ(a, x) over xᵃ exp(−x), by Lentz's method as Thompson and Barnett changed it.
fn fraction(x: f64, a: f64) -> Result<f64, Error> {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut above = 1.0 / TINY;
    let mut below = 1.0 / b;
    let mut value = below;
    for term in 1..100_000 {
        let n = f64::from(term);
        let part = n * (a - n);
        b += 2.0;
        below = 1.0 / (part * below + b);
        above = b + part / above;
        let last = above * below;
        value *= last;
        if (last - 1.0).abs() < 1e-16 {
            return Ok(value);
        }
    }
    Err(Error::Unsettled { what: "an incomplete gamma function" })
}

/// For a scale of 1.
pub(crate) fn standard_quantile(p: f64, a: f64, is_lower: bool) -> Result<f64, Error> {
    positive(a, "the shape")?;
    probability(p, "p")?;
    if p <= 0.0 || p >= 1.0 {
        return Ok(if (p <= 0.0) == is_lower { 0.0 } else { f64::INFINITY });
    }
    // The smaller tail has the digits.
    let (p, is_lower) = if p > 0.5 { (1.0 - p, !is_lower) } else { (p, is_lower) };
    root::value(p, a, f64::MAX, is_lower, |x| {
        let at = tails(x, a)?;
        let tail = if is_lower { at.below } else { at.above };
        Ok(At { tail, slope: if is_lower { at.front } else { -at.front } / tail })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exponentials() {
        // Shape 1 is the exponential distribution, and 2 the sum of two of them.
        for x in [1e-9, 0.5, 3.0, 40.0, 600.0_f64] {
            // A unit in the last place of x is worth x of them in the result.
            let room = 1e-14 + 4e-16 * x;
            assert!((sf(x, 1.0, 1.0).unwrap() / (-x).exp() - 1.0).abs() < room);
            let two = (1.0 + x) * (-x).exp();
            assert!((sf(x, 2.0, 1.0).unwrap() / two - 1.0).abs() < room);
        }
        assert_eq!(quantile(0.0, 3.0, 2.0), Ok(0.0));
        assert_eq!(upper_quantile(0.0, 3.0, 2.0), Ok(f64::INFINITY));
    }

    #[test]
    fn errors_outside_of_the_domain() {
        for (x, shape, scale) in
            [(-1.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, -1.0), (f64::NAN, 1.0, 1.0)]
        {
            assert!(cdf(x, shape, scale).is_err() && sf(x, shape, scale).is_err());
        }
        for (p, shape) in [(1.5, 1.0), (f64::NAN, 1.0), (0.5, f64::INFINITY), (0.5, f64::NAN)] {
            assert!(quantile(p, shape, 1.0).is_err() && upper_quantile(p, shape, 1.0).is_err());
        }
    }

    proptest! {
        #[test]
        fn quantiles_lead_back(ln_p in -680.0_f64..-0.01, ln_shape in -3.0_f64..20.0) {
            let (p, shape) = (ln_p.exp(), ln_shape.exp());
            let x = quantile(p, shape, 1.0).unwrap();
            prop_assume!(x > 1e-300);
            // A unit in the last place of x changes the tail by front · ε.
            let at = tails(x, shape).unwrap();
            prop_assert!((at.below / p - 1.0).abs() < 1e-12 + 3e-16 * at.front / p.min(1.0 - p));
            let x = upper_quantile(p, shape, 1.0).unwrap();
            let at = tails(x, shape).unwrap();
            prop_assert!((at.above / p - 1.0).abs() < 1e-12 + 3e-16 * at.front / p.min(1.0 - p));
        }

        #[test]
        fn tails_are_one_and_grow(x in 0.0_f64..100.0, ln_shape in -5.0_f64..5.0) {
            let shape = ln_shape.exp();
            let (at, on) = (tails(x, shape).unwrap(), tails(x * 1.01 + 1e-9, shape).unwrap());
            prop_assert!((at.below + at.above - 1.0).abs() < 1e-15);
            prop_assert!(on.below >= at.below && on.above <= at.above);
        }
    }
}
