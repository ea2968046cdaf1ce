//! Sums whose order does not show: two numbers hold what one would round away.

/// A sum with about 106 bits (Knuth's two-sum; Dekker 1971). What it comes to does not depend on the
/// order of what was added but for parts of 1e-32, which rounding to one number hides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

impl Sum {
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let (high, error) = two_sum(self.high, value);
        let low = self.low + error;
        (self.high, self.low) = (high + low, low - ((high + low) - high));
    }

    pub(crate) fn add_sum(&mut self, other: Sum) {
        self.add(other.high);
        self.add(other.low);
    }

    /// Adds a product, with what its rounding leaves out.
    #[inline]
    pub(crate) fn add_product(&mut self, one: f64, other: f64) {
        let product = one * other;
        self.add(product);
        self.add(one.mul_add(other, -product));
    }

    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }
}

#[inline]
fn two_sum(one: f64, other: f64) -> (f64, f64) {
    let sum = one + other;
    let part = sum - one;
    (sum, (one - (sum - part)) + (other - part))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums that are exact")]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_is_not_lost() {
        let mut sum = Sum::default();
        for value in [1e16, 1.0, -1e16, 0.1, 1e30, 0.2, -1e30] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 1.3);
        let mut sum = Sum::default();
        (0..10_000_000).for_each(|_| sum.add(0.1));
        assert_eq!(sum.value(), 1_000_000.0);
        let mut squares = Sum::default();
        squares.add_product(1e8 + 1.0, 1e8 + 1.0);
        squares.add(-1e16);
        squares.add(-2e8);
        assert_eq!(squares.value(), 1.0);
    }
}
