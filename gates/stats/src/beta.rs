//! The beta distribution: density xᵃ⁻¹ (1−x)ᵇ⁻¹ / B(a, b), for a and b above 0 and x within 0 and 1.
//!
//! Its tails are the regularised incomplete beta functions (DLMF 8.17).

use std::f64::consts::PI;

use crate::double::Double;
use crate::error::{Error, positive, probability};
use crate::gamma::Tails;
use crate::root::{self, At};
use crate::stirling::{deviance, error, ln_gamma_rise};
use crate::uniform;

/// The probability that a value of Beta(a, b) is at most `x`: the regularised incomplete beta
/// function.
pub fn cdf(x: f64, a: f64, b: f64) -> Result<f64, Error> {
    Ok(at(x, a, b)?.below)
}

/// The probability that a value of Beta(a, b) is above `x`, with all of its digits.
pub fn sf(x: f64, a: f64, b: f64) -> Result<f64, Error> {
    Ok(at(x, a, b)?.above)
}

/// The value of Beta(a, b) below which a share of `p` lies.
pub fn quantile(p: f64, a: f64, b: f64) -> Result<f64, Error> {
    invert(p, a, b, true)
}

/// The value of Beta(a, b) above which a share of `p` lies; exact for the smallest shares, too.
pub fn upper_quantile(p: f64, a: f64, b: f64) -> Result<f64, Error> {
    invert(p, a, b, false)
}

/// Both tails at `x`, and the density times x (1 − x).
pub(crate) fn at(x: f64, a: f64, b: f64) -> Result<Tails, Error> {
    probability(x, "x")?;
    tails(Double::from(x), Double::sum(1.0, -x), a, b)
}

/// Both tails at `x`, with `y` = 1 − x, each with twice the digits of its own, and the density times
/// x y.
///
/// Near the mean of large parameters by Temme's expansion; else by a continued fraction, which
/// converges fast on the one side of the mean for the one tail and on the other side for the other;
/// for small `a` the tail above a value near 0 by a series.
pub(crate) fn tails(x: Double, y: Double, a: f64, b: f64) -> Result<Tails, Error> {
    positive(a, "a")?;
    positive(b, "b")?;
    if a > b {
        let mirrored = tails(y, x, b, a)?;
        return Ok(Tails { below: mirrored.above, above: mirrored.below, front: mirrored.front });
    }
    if x.high <= 0.0 || y.high <= 0.0 {
        return Ok(Tails::of(if x.high <= 0.0 { 0.0 } else { 1.0 }, false, 0.0));
    }
    let sum = a + b;
    // How much more a is than expected of a + b at this x. It is all that counts near the mean.
    let less = y * a - x * b;
    let all = Double::sum(a, b);
    let deviance = deviance(a, all * x, less) + deviance(b, all * y, -less);
    let small = error(sum) - error(a) - error(b);
    // xᵃ yᵇ / B(a, b).
    let front = (small - deviance).exp() * (a / (2.0 * PI) * (b / sum)).sqrt();
    if front <= 0.0 {
        return Ok(Tails::of(0.0, less.high < 0.0, 0.0));
    }
    let large = a * (sum / b);
    if large >= uniform::LARGE && 2.0 * deviance <= uniform::NEAR * large {
        let is_above = less.high < 0.0;
        let tail = uniform::tail(deviance, large, a / b, is_above) * small.exp();
        return Ok(Tails::of(tail, is_above, front));
    }
    if x.high * (sum + 2.0) >= a + 1.0 {
        return Ok(Tails::of(front / fraction(y.high, b, a, -less.high)?, true, front));
    }
    let below = front / fraction(x.high, a, b, less.high)?;
    if below <= 0.9 {
        return Ok(Tails::of(below, false, front));
    }
    // The parameter is small, and the tail above with it.
    let above = if b * x.high <= 0.7 {
        small_parameter(x.high, a, b)
    } else {
        front / fraction(y.high, b, a, -less.high)?
    };
    Ok(Tails::of(above, true, front))
}

/// The upper tail near 0 for small `a`, where the lower one is nearly 1: from the series
/// I = xᵃ/(a B(a, b)) · (1 + a Σ (1−b)ₖ xᵏ / (k! (a+k))) (DLMF 8.17.7), whose difference to 1 is
/// taken term by term.
fn small_parameter(x: f64, a: f64, b: f64) -> f64 {
    let exponent = a * libm::log(x) + ln_gamma_rise(b, a) - ln_gamma_rise(1.0, a);
    let (mut rest, mut power) = (0.0, 1.0);
    for k in 1..100 {
        let k = f64::from(k);
        power *= (k - b) / k * x;
        rest += power / (a + k);
    }
    -libm::expm1(exponent) - exponent.exp() * a * rest
}

/// The even part of the continued fraction of the incomplete beta function (A. R. DiDonato and A. H.
/// Morris, "Algorithm 708", ACM TOMS 18, 1992), by Lentz's method as Thompson and Barnett changed it.
/// xᵃ yᵇ / B(a, b) over it is the tail below x. `less` is a y − b x: nothing cancels in the fraction
/// then, however near to 1 `x` is.
fn fraction(x: f64, a: f64, b: f64, less: f64) -> Result<f64, Error> {
    const TINY: f64 = 1e-300;
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut value = not_zero(a / (a + 1.0) * (less + 1.0));
    let (mut above, mut below) = (value, 0.0);
    for term in 1..100_000 {
        let m = f64::from(term);
        let (middle, end) = (a + 2.0 * m - 1.0, a + 2.0 * m + 1.0);
        let both = (a + m - 1.0) / middle * ((a + b + m - 1.0) / middle) * x;
        let top = both * (m * (b - m) * x);
        let bottom = m + m * (b - m) / middle * x + (a + m) / end * (less + 1.0 + m * (2.0 - x));
        below = 1.0 / not_zero(bottom + top * below);
        above = not_zero(bottom + top / above);
        let last = above * below;
        value *= last;
        if (last - 1.0).abs() < 3e-16 {
            return Ok(value);
        }
    }
    Err(Error::Unsettled { what: "an incomplete beta function" })
}

/// Looks for the value in the half where it is small, so that its digits are relative.
fn invert(p: f64, a: f64, b: f64, is_lower: bool) -> Result<f64, Error> {
    positive(a, "a")?;
    positive(b, "b")?;
    probability(p, "p")?;
    if p <= 0.0 || p >= 1.0 {
        return Ok(if is_lower { p } else { 1.0 - p });
    }
    // The smaller tail has the digits.
    let (p, is_lower) = if p > 0.5 { (1.0 - p, !is_lower) } else { (p, is_lower) };
    let middle = at(0.5, a, b)?;
    let tail = if is_lower { middle.below } else { middle.above };
    if (tail > p) == is_lower {
        from_zero(p, a, b, is_lower)
    } else {
        from_zero(p, b, a, !is_lower).map(|y| 1.0 - y)
    }
}

/// A value of at most one half.
fn from_zero(p: f64, a: f64, b: f64, is_lower: bool) -> Result<f64, Error> {
    root::value(p, (a / (a + b)).min(0.5), 0.5, is_lower, |x| {
        let at = at(x, a, b)?;
        let tail = if is_lower { at.below } else { at.above };
        let slope = at.front / (1.0 - x) / tail;
        Ok(At { tail, slope: if is_lower { slope } else { -slope } })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(x: f64, a: f64, b: f64, below: f64) {
        let got = cdf(x, a, b).unwrap();
        assert!((got / below - 1.0).abs() < 1e-12, "I_{x}({a}, {b}) is {got}, not {below}");
    }

    #[test]
    fn values_of_the_incomplete_beta_function() {
        check(0.5, 1.0, 1.0, 0.5);
        check(0.25, 1.0, 3.0, 1.0 - 0.75_f64.powi(3));
        check(0.25, 3.0, 1.0, 0.25_f64.powi(3));
        check(0.01, 1.0, 299.0, 1.0 - 0.99_f64.powi(299));
        check(0.5, 0.5, 0.5, 0.5);
        // Chebyshev's arcsine law: 2/π asin √x.
        check(0.1, 0.5, 0.5, 2.0 / PI * 0.1_f64.sqrt().asin());
        // A sum of binomial probabilities: P(X ≥ 3) of 5 at 0.2.
        check(0.2, 3.0, 3.0, 0.057_92);
    }

    #[test]
    fn errors_outside_of_the_domain() {
        for (x, a, b) in [(-0.1, 1.0, 1.0), (1.1, 1.0, 1.0), (0.5, 0.0, 1.0), (0.5, 1.0, f64::NAN)]
        {
            assert!(cdf(x, a, b).is_err() && sf(x, a, b).is_err());
        }
        assert!(quantile(0.5, -1.0, 1.0).is_err() && quantile(f64::NAN, 1.0, 1.0).is_err());
        assert_eq!((quantile(0.0, 2.0, 3.0), quantile(1.0, 2.0, 3.0)), (Ok(0.0), Ok(1.0)));
        let upper = (upper_quantile(0.0, 2.0, 3.0), upper_quantile(1.0, 2.0, 3.0));
        assert_eq!(upper, (Ok(1.0), Ok(0.0)));
    }

    proptest! {
        #[test]
        fn quantiles_lead_back(
            ln_p in -680.0_f64..-0.01, ln_a in -3.0_f64..20.0, ln_b in -3.0_f64..20.0,
        ) {
            let (p, a, b) = (ln_p.exp(), ln_a.exp(), ln_b.exp());
            // A unit in the last place of x changes the tail by front/y · ε.
            let room = |at: Tails, x: f64| 1e-12 + 3e-16 * at.front / (1.0 - x) / p.min(1.0 - p);
            let x = quantile(p, a, b).unwrap();
            if x > 1e-300 && x < 1.0 {
                let back = at(x, a, b).unwrap();
                prop_assert!((back.below / p - 1.0).abs() < room(back, x), "{p} {a} {b}: {x} {back:?}");
            }
            let x = upper_quantile(p, a, b).unwrap();
            if x > 1e-300 && x < 1.0 {
                let back = at(x, a, b).unwrap();
                prop_assert!((back.above / p - 1.0).abs() < room(back, x), "{p} {a} {b}: {x} {back:?}");
            }
        }

        #[test]
        fn both_sides_are_one_and_mirrored(
            x in 0.0_f64..1.0, ln_a in -9.0_f64..20.0, ln_b in -9.0_f64..20.0,
        ) {
            let (a, b) = (ln_a.exp(), ln_b.exp());
            let (here, there) = (at(x, a, b).unwrap(), at(1.0 - x, b, a).unwrap());
            prop_assert!((here.below + here.above - 1.0).abs() < 1e-15);
            // 1 − x is rounded; half a unit in the last place of it is worth this much.
            let room = 1e-13 * here.below + 1.2e-16 * here.front / (x * (1.0 - x));
            prop_assert!((here.below - there.above).abs() <= room, "{here:?} {there:?}");
            let on = at((x * 1.01).min(1.0), a, b).unwrap();
            prop_assert!(on.below >= here.below && on.above <= here.above);
        }
    }
}
