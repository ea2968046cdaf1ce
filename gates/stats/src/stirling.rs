//! Where factorials are compared: the parts that stay small.
//!
//! After Catherine Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000): a
//! density is the exponential of deviances and of errors of Stirling's formula, none of which loses
//! digits however large the numbers are.

use std::f64::consts::PI;

/// Bernoulli numbers over 2k(2k−1); what follows the last is below 1e-17 at 16.
const TERMS: [f64; 7] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
];

/// The error of Stirling's formula: ln Γ(n+1) − ln(√(2πn) (n/e)ⁿ), for n > 0.
pub(crate) fn error(n: f64) -> f64 {
    if n < 16.0 {
        return libm::lgamma(n + 1.0) - ((n + 0.5) * n.ln() - n + 0.5 * (2.0 * PI).ln());
    }
    let square = n * n;
    TERMS.iter().rev().fold(0.0, |sum, term| sum / square + term) / n
}

/// The deviance x ln(x/m) + m − x, for x ≥ 0 and m > 0.
pub(crate) fn deviance(x: f64, m: f64) -> f64 {
    if x <= 0.0 {
        return m;
    }
    if (x - m).abs() < 0.1 * (x + m) {
        // ln(x/m) = 2 artanh(v); the first term is taken out, where all would cancel.
        let v = (x - m) / (x + m);
        let mut sum = (x - m) * v;
        let mut term = 2.0 * x * v;
        for odd in (3..2000).step_by(2) {
            term *= v * v;
            let next = sum + term / f64::from(odd);
            if next.to_bits() == sum.to_bits() {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * (x / m).ln() + m - x
}

/// The logarithm of the generalised binomial density Γ(n+1)/(Γ(x+1)Γ(n−x+1)) pˣ qⁿ⁻ˣ, for
/// 0 ≤ x ≤ n, n > 0 and p + q = 1 with both above 0.
pub(crate) fn ln_density(x: f64, n: f64, p: f64, q: f64) -> f64 {
    let rest = n - x;
    if x <= 0.0 {
        return if p < 0.1 { n * libm::log1p(-p) } else { n * q.ln() };
    }
    if rest <= 0.0 {
        return if q < 0.1 { n * libm::log1p(-q) } else { n * p.ln() };
    }
    let small = error(n) - error(x) - error(rest) - deviance(x, n * p) - deviance(rest, n * q);
    small + 0.5 * (n / (2.0 * PI * x * rest)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_of_the_binomial() {
        let check = |x: f64, n: f64, p: f64, density: f64| {
            let got = ln_density(x, n, p, 1.0 - p).exp();
            assert!((got / density - 1.0).abs() < 1e-13, "{x} of {n} at {p}: {got}, not {density}");
        };
        // The first three by hand, the others from mpmath at 50 digits.
        check(0.0, 2.0, 0.5, 0.25);
        check(1.0, 2.0, 0.5, 0.5);
        check(2.0, 2.0, 0.25, 0.0625);
        check(3.0, 10.0, 0.3, 0.266_827_932);
    }
}
