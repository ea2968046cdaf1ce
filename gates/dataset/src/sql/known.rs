//! Sums of floats by a server that adds them one by one.
//!
//! What each step rounds away adds up: to 1e-11 of the sum, after a million rows. Where it is known how
//! many values there are and how large, each can be cut in two (Rump, Ogita and Oishi, "Accurate
//! floating-point summation", 2008): taking it through a power of two S that no sum can reach leaves
//! its head, a multiple of S/2^53, so heads are added without any rounding, whatever their order. What
//! is left are tails below S/2^53, whose own rounding is far below the last bit.

/// What is known of totals before they are added up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    /// How many units there are.
    pub(super) units: u64,
    /// The largest magnitude of each total.
    pub(super) most: Vec<f64>,
}

impl Known {
    /// The sum of a value that is nowhere larger than this, of at most all units.
    pub(super) fn sum(&self, value: &str, most: f64) -> String {
        match power(2.0 * most * self.units as f64) {
            Some(power) => {
                let head = format!("(({value} + {power:e}) - {power:e})");
                format!("sum({head}) + sum({value} - {head})")
            }
            None => format!("sum({value})"),
        }
    }
}

/// The smallest power of two that is not below this, or 1 for nothing; none where there is none.
fn power(value: f64) -> Option<f64> {
    let mut power = 1.0_f64;
    while power < value {
        power *= 2.0;
    }
    if !power.is_finite() || value.is_nan() {
        return None;
    }
    while value > 0.0 && power / 2.0 >= value {
        power /= 2.0;
    }
    Some(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_tails_lose_nothing() {
        // What SQL does, done here: a million times what has no end in bits, and as often less.
        let check = |values: &[f64], expect: f64| {
            let most = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            let power = power(2.0 * most * values.len() as f64).unwrap();
            let head = |value: f64| (value + power) - power;
            let heads: f64 = values.iter().map(|value| head(*value)).sum();
            let tails: f64 = values.iter().map(|value| value - head(*value)).sum();
            let got = heads + tails;
            assert!((got - expect).abs() <= expect.abs() * 3e-16, "{got} and {expect}");
            // In any order.
            let heads: f64 = values.iter().rev().map(|value| head(*value)).sum();
            let tails: f64 = values.iter().rev().map(|value| value - head(*value)).sum();
            assert!((heads + tails - got).abs() <= got.abs() * 3e-16);
        };
        check(&vec![0.1; 1_000_000], 100_000.0);
        assert!((vec![0.1; 1_000_000].iter().sum::<f64>() - 100_000.0).abs() > 1e-7);
        check(&[vec![1e9 + 0.25; 500_000], vec![0.75 - 1e9; 500_000]].concat(), 500_000.0);
        check(&[-0.25, 1e-300, 3.0], 2.75);
        check(&[0.0, -0.0], 0.0);
        check(&[], 0.0);
    }

    #[test]
    fn what_is_too_large_is_added_as_it_is() {
        let known = Known { units: 1 << 40, most: Vec::new() };
        assert_eq!(known.sum("x", 1e300), "sum(x)");
        assert_eq!(
            Known { units: 3, most: Vec::new() }.sum("x", 1.0),
            "sum(((x + 8e0) - 8e0)) + sum(x - ((x + 8e0) - 8e0))"
        );
    }
}
