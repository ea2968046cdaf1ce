//! The beta distribution.

use crate::stirling::ln_density;

/// How often the continued fraction is carried on at the most: it takes about the square root of
/// the larger parameter.
const TERMS: u32 = 200_000;

/// The probability that a value of Beta(a, b) is at most `x`: the regularised incomplete beta
/// function. `a` and `b` are above 0, `x` within 0 and 1; none otherwise.
pub fn cdf(x: f64, a: f64, b: f64) -> Option<f64> {
    tails(x, 1.0 - x, a, b).map(|(below, _)| below)
}

/// The probability that a value of Beta(a, b) is above `x`, as digits beyond 1 − cdf.
pub fn sf(x: f64, a: f64, b: f64) -> Option<f64> {
    tails(x, 1.0 - x, a, b).map(|(_, above)| above)
}

/// Both tails at `x`, with `y` = 1 − x. The smaller one has all of its digits.
pub(crate) fn tails(x: f64, y: f64, a: f64, b: f64) -> Option<(f64, f64)> {
    let is_good = |value: f64| value > 0.0 && value.is_finite();
    if !is_good(a) || !is_good(b) || !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) {
        return None;
    }
    if x <= 0.0 || y <= 0.0 {
        return Some(if x <= 0.0 { (0.0, 1.0) } else { (1.0, 0.0) });
    }
    // x^a y^b / B(a, b), by a density that keeps its digits.
    let front = (ln_density(a, a + b, x, y) + (a * b / (a + b)).ln()).exp();
    // The fraction converges fast on this side of the mean.
    if x * (a + b + 2.0) < a + 1.0 {
        let below = (front * fraction(x, a, b)? / a).min(1.0);
        Some((below, 1.0 - below))
    } else {
        let above = (front * fraction(y, b, a)? / b).min(1.0);
        Some((1.0 - above, above))
    }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method as
/// Thompson and Barnett changed it.
fn fraction(x: f64, a: f64, b: f64) -> Option<f64> {
    const TINY: f64 = 1e-300;
    let not_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = below;
    for term in 1..TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut last = 1.0;
        for part in [even, odd] {
            below = 1.0 / not_zero(1.0 + part * below);
            above = not_zero(1.0 + part / above);
            last = above * below;
            value *= last;
        }
        if (last - 1.0).abs() < 1e-16 {
            return Some(value);
        }
    }
    // Nothing that is asked for comes here; a number that is not settled is none.
    None
}

/// The value of Beta(a, b) below which a share of `p` lies. `a`, `b` above 0 and `p` within 0 and 1;
/// none otherwise.
pub fn quantile(p: f64, a: f64, b: f64) -> Option<f64> {
    invert(p, a, b, |(below, _)| below < p)
}

/// The value of Beta(a, b) above which a share of `p` lies; exact for the smallest shares, too.
pub fn upper_quantile(p: f64, a: f64, b: f64) -> Option<f64> {
    invert(p, a, b, |(_, above)| above > p).map(|x| if p <= 0.0 || p >= 1.0 { 1.0 - x } else { x })
}

/// Looks for the value at which its tails are no longer too far below.
fn invert(p: f64, a: f64, b: f64, is_below: impl Fn((f64, f64)) -> bool) -> Option<f64> {
    cdf(0.5, a, b)?;
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    if p <= 0.0 || p >= 1.0 {
        return Some(p);
    }
    // Halving the bits of x halves its logarithm where it is small, so that digits are relative.
    let (mut low, mut high) = (0_u64, 1.0_f64.to_bits());
    while high - low > 1 {
        let middle = low.midpoint(high);
        let x = f64::from_bits(middle);
        *(if is_below(tails(x, 1.0 - x, a, b)?) { &mut low } else { &mut high }) = middle;
    }
    Some(f64::from_bits(high))
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
        check(0.1, 0.5, 0.5, 2.0 / std::f64::consts::PI * 0.1_f64.sqrt().asin());
        // A sum of binomial probabilities: P(X ≥ 3) of 5 at 0.2.
        check(0.2, 3.0, 3.0, 0.057_92);
    }

    #[test]
    fn nothing_outside_of_the_domain() {
        for (x, a, b) in [(-0.1, 1.0, 1.0), (1.1, 1.0, 1.0), (0.5, 0.0, 1.0), (0.5, 1.0, f64::NAN)]
        {
            assert_eq!((cdf(x, a, b), sf(x, a, b)), (None, None));
        }
        assert_eq!((quantile(0.5, -1.0, 1.0), quantile(f64::NAN, 1.0, 1.0)), (None, None));
        assert_eq!((quantile(0.0, 2.0, 3.0), quantile(1.0, 2.0, 3.0)), (Some(0.0), Some(1.0)));
    }

    #[test]
    fn parameters_may_be_large() {
        // A billion on each side: the median is the middle, and one standard deviation is 1.1e-5.
        let middle = cdf(0.5, 1e9, 1e9).unwrap();
        assert!((middle - 0.5).abs() < 1e-11, "{middle}");
        let deviation = 0.5 / (2e9_f64 + 1.0).sqrt();
        let near = cdf(0.5 + deviation, 1e9, 1e9).unwrap();
        assert!((near - 0.841_344_746).abs() < 1e-8, "{near}");
    }

    proptest! {
        #[test]
        fn quantiles_lead_back(p in 1e-12_f64..0.999, a in 0.1_f64..500.0, b in 0.1_f64..500.0) {
            let x = quantile(p, a, b).unwrap();
            prop_assume!(x > 1e-290 && x < 1.0 - 1e-9);
            let back = cdf(x, a, b).unwrap();
            prop_assert!((back / p - 1.0).abs() < 1e-8, "{p} {x} {back}");
            let x = upper_quantile(p, a, b).unwrap();
            prop_assume!(x > 1e-290 && x < 1.0 - 1e-9);
            let back = sf(x, a, b).unwrap();
            prop_assert!((back / p - 1.0).abs() < 1e-6, "{p} {x} {back}");
        }

        #[test]
        fn both_sides_are_one(x in 0.0_f64..1.0, a in 0.1_f64..500.0, b in 0.1_f64..500.0) {
            let (below, above) = (cdf(x, a, b).unwrap(), sf(x, a, b).unwrap());
            prop_assert!((below + above - 1.0).abs() < 1e-12);
            let mirrored = sf(1.0 - x, b, a).unwrap();
            prop_assert!((below - mirrored).abs() < 1e-9, "{below} {mirrored}");
        }
    }
}
