//! Numbers of twice the digits, for the few places where all of the usual ones cancel.
//!
//! An unevaluated sum of two f64 (T. J. Dekker, "A floating-point technique for extending the
//! available precision", Numerische Mathematik 18, 1971; the product by a fused multiply-add).

use std::ops::{Add, Div, Mul, Neg, Sub};

/// About 106 bits: `high` is the sum rounded, `low` what it lacks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Double {
    pub high: f64,
    pub low: f64,
}

/// ln 2 in two parts.
const LN_2: Double = Double { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

impl Double {
    pub const ONE: Double = Double { high: 1.0, low: 0.0 };

    /// The exact sum of two numbers.
    pub fn sum(a: f64, b: f64) -> Double {
        let high = a + b;
        let part = high - a;
        Double { high, low: (a - (high - part)) + (b - part) }
    }

    /// The exact product of two numbers.
    pub fn product(a: f64, b: f64) -> Double {
        let high = a * b;
        Double { high, low: a.mul_add(b, -high) }
    }

    /// The sum where |a| ≥ |b|.
    fn ordered(a: f64, b: f64) -> Double {
        let high = a + b;
        Double { high, low: b - (high - a) }
    }

    /// Both parts as one number.
    pub fn value(self) -> f64 {
        self.high + self.low
    }

    /// The natural logarithm, for numbers above 0: one step of Newton's method from the usual one.
    pub fn ln(self) -> Double {
        let first = libm::log(self.high);
        let off = self * exp(-first) - Double::ONE;
        let correction = off - Double::product(off.high, off.high) * 0.5;
        Double::from(first) + correction
    }
}

/// e to the power of `x`: the series at x − k ln 2, over 256, squared eight times.
fn exp(x: f64) -> Double {
    let times = (x / LN_2.high).round();
    let rest = (Double::from(x) - LN_2 * times) * (1.0 / 256.0);
    // Horner's scheme of the first ten terms; the rest is below 1e-30.
    let mut sum = Double::ONE;
    for n in (1..=10).rev() {
        sum = Double::ONE + sum * rest / Double::from(f64::from(n));
    }
    for _ in 0..8 {
        sum = sum * sum;
    }
    let half = (times / 2.0).trunc() as i32;
    let scale = (2.0_f64.powi(half), 2.0_f64.powi(times as i32 - half));
    sum * scale.0 * scale.1
}

impl From<f64> for Double {
    fn from(high: f64) -> Double {
        Double { high, low: 0.0 }
    }
}

impl Add for Double {
    type Output = Double;
    fn add(self, other: Double) -> Double {
        let (high, low) = (Double::sum(self.high, other.high), Double::sum(self.low, other.low));
        let near = Double::ordered(high.high, high.low + low.high);
        Double::ordered(near.high, near.low + low.low)
    }
}

impl Neg for Double {
    type Output = Double;
    fn neg(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }
}

impl Sub for Double {
    type Output = Double;
    fn sub(self, other: Double) -> Double {
        self + -other
    }
}

impl Mul for Double {
    type Output = Double;
    fn mul(self, other: Double) -> Double {
        let high = Double::product(self.high, other.high);
        Double::ordered(high.high, high.low + (self.high * other.low + self.low * other.high))
    }
}

impl Mul<f64> for Double {
    type Output = Double;
    fn mul(self, other: f64) -> Double {
        let high = Double::product(self.high, other);
        Double::ordered(high.high, self.low.mul_add(other, high.low))
    }
}

impl Div for Double {
    type Output = Double;
    fn div(self, other: Double) -> Double {
        let first = self.high / other.high;
        let rest = self - other * first;
        let second = rest.high / other.high;
        let rest = rest - other * second;
        Double::ordered(first, second) + Double::from(rest.high / other.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn logarithms_have_twice_the_digits() {
        // High and low parts from mpmath at 50 digits.
        let check = |x: f64, high: f64, low: f64| {
            let got = Double::from(x).ln();
            assert_eq!(got.high.to_bits(), high.to_bits(), "ln {x}");
            assert!((got.low - low).abs() < 1e-29 * high.abs().max(1.0), "ln {x}: {}", got.low);
        };
        check(2.0, std::f64::consts::LN_2, LN_2.low);
        check(10.0, std::f64::consts::LN_10, -2.170_756_223_382_249_4e-16);
        check(1.0, 0.0, 0.0);
    }

    proptest! {
        #[test]
        fn operations_undo_each_other(a in 1e-3_f64..1e3, b in 1e-3_f64..1e3, c in -1e-14_f64..1e-14) {
            let (a, b) = (Double::sum(a, c), Double::from(b));
            for back in [(a * b) / b, (a + b) - b, (a / b) * b] {
                prop_assert!((back - a).value().abs() < 1e-27, "{a:?} {b:?}");
            }
            let product = (a * b).ln() - a.ln() - b.ln();
            prop_assert!(product.value().abs() < 1e-28, "{a:?} {b:?} {product:?}");
        }
    }
}
