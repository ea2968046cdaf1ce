//! Where factorials are compared: the parts that stay small.
//!
//! After Catherine Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000): a
//! density is the exponential of deviances and of errors of Stirling's formula, none of which loses
//! digits however large the numbers are.

use std::f64::consts::PI;

use crate::double::Double;

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
/// From where on the series is used.
const LARGE: f64 = 16.0;

/// The error of Stirling's formula: ln Γ(n+1) − ln(√(2πn) (n/e)ⁿ), for n > 0. It is also that of
/// ln Γ(n) against ln(√(2π/n) (n/e)ⁿ).
pub(crate) fn error(n: f64) -> f64 {
    if n < LARGE {
        return libm::lgamma(n + 1.0) - ((n + 0.5) * n.ln() - n + 0.5 * (2.0 * PI).ln());
    }
    let square = n * n;
    TERMS.iter().rev().fold(0.0, |sum, term| sum / square + term) / n
}

/// The deviance x ln(x/m) + m − x, for x > 0 and a mean m > 0. `less` is x − m with digits of its own,
/// because it is all that counts where x and m are near each other.
pub(crate) fn deviance(x: f64, mean: Double, less: Double) -> f64 {
    let sum = x + mean.high;
    if less.high.abs() < 0.2 * sum {
        // ln(x/m) = 2 artanh(v); the first term is taken out, where all would cancel.
        let v = less.value() / sum;
        let square = v * v;
        // What follows the sixteenth term is below 1e-17 of the first.
        let series = (1..17).rev().fold(0.0, |sum, k| square * (sum + 1.0 / f64::from(2 * k + 1)));
        return less.value() * v + 2.0 * x * v * series;
    }
    ((Double::from(x) / mean).ln() * x - less).value()
}

/// ln Γ(z + a) − ln Γ(z), for z > 0 and a ≥ 0, to its own digits however small `a` is.
pub(crate) fn ln_gamma_rise(z: f64, a: f64) -> f64 {
    let mut from = z;
    let mut sum = 0.0;
    // Γ(z+1) = z Γ(z), up to where the series is good.
    while from < LARGE {
        sum -= libm::log1p(a / from);
        from += 1.0;
    }
    let growth = libm::log1p(a / from);
    // Each term of the series changes by a factor that expm1 knows to all digits.
    let errors = TERMS.iter().zip((1..15).step_by(2)).rev().fold(0.0, |sum, (term, power)| {
        sum + term * from.powi(-power) * libm::expm1(-f64::from(power) * growth)
    });
    sum + ((from - 0.5) * growth - a) + a * libm::log(from + a) + errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviances() {
        let check = |x: f64, m: f64, deviance_: f64| {
            let got = deviance(x, Double::from(m), Double::sum(x, -m));
            assert!((got / deviance_ - 1.0).abs() < 3e-16, "{x} {m}: {got}, not {deviance_}");
        };
        // From mpmath at 50 digits.
        check(1.0, 2.0, 0.306_852_819_440_054_7);
        check(2.0, 1.0, 0.386_294_361_119_890_6);
        check(1e9, 1e9 + 1.0, 4.999_999_996_666_667e-10);
        check(3.0, 2.0, 0.216_395_324_324_493_15);
        check(1e-9, 5.0, 4.999_999_976_667_296);
    }

    #[test]
    fn rises_of_the_gamma_function() {
        let check = |z: f64, a: f64, rise: f64| {
            let got = ln_gamma_rise(z, a);
            assert!((got / rise - 1.0).abs() < 1e-14, "{z} {a}: {got}, not {rise}");
        };
        // By hand: Γ(3)/Γ(2), Γ(6)/Γ(5); −γ a, and a ψ(10⁹), for the smallest steps.
        check(2.0, 1.0, 2.0_f64.ln());
        check(5.0, 1.0, 5.0_f64.ln());
        check(1.0, 1e-20, -0.577_215_664_901_532_9e-20);
        check(1e9, 1e-20, 20.723_265_836_446_41e-20);
    }
}
