//! Fisher's exact test of two proportions: given both totals, each table has the probability of the
//! hypergeometric distribution.

use std::f64::consts::PI;

use crate::double::Double;
use crate::error::{Error, domain};
use crate::proportions::Proportion;
use crate::stirling::{deviance, error};

/// Exact p values of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact {
    /// All tables that are no more probable than the one observed (as R has it, with a room of 1e-7
    /// for rounding).
    pub p_value: f64,
    /// The treatment has so few successes or fewer.
    pub less: f64,
    /// The treatment has so many successes or more.
    pub greater: f64,
}

/// Compares two proportions whose counts are whole.
pub fn exact(control: Proportion, treatment: Proportion) -> Result<Exact, Error> {
    for arm in [control, treatment] {
        let is_whole = arm.units.fract() == 0.0 && arm.successes.fract() == 0.0;
        domain(is_whole, "each count", "whole")?;
    }
    let table = Table {
        own: treatment.units,
        other: control.units,
        successes: control.successes + treatment.successes,
    };
    let seen = treatment.successes;
    let (low, high) = table.range();
    let middle = table.mode();
    let less = table.from(seen, -1.0);
    let greater = table.from(seen, 1.0);
    // On the side of the mode where it was not seen: from the first table that is so improbable.
    let limit = table.ln_probability(seen) + 1e-7_f64.ln_1p();
    let is_rare = |count: f64| table.ln_probability(count) <= limit;
    let p_value = if seen > middle {
        let first = last_true(low, middle.min(seen - 1.0), is_rare);
        greater + first.map_or(0.0, |first| table.from(first, -1.0))
    } else {
        let mirrored = |count: f64| is_rare(-count);
        let first = last_true(-high, -middle.max(seen + 1.0), mirrored);
        less + first.map_or(0.0, |first| table.from(-first, 1.0))
    };
    let whole = |p: f64| p.min(1.0);
    Ok(Exact { p_value: whole(p_value), less: whole(less), greater: whole(greater) })
}

/// The last whole number from `low` to `high` for which it is so, when it is so up to there and not
/// afterwards.
fn last_true(low: f64, high: f64, is_so: impl Fn(f64) -> bool) -> Option<f64> {
    if low > high || !is_so(low) {
        return None;
    }
    let (mut yes, mut no) = (low, high + 1.0);
    while no - yes > 1.0 {
        let middle = f64::midpoint(yes, no).floor();
        *(if is_so(middle) { &mut yes } else { &mut no }) = middle;
    }
    Some(yes)
}

/// The totals of a table.
struct Table {
    own: f64,
    other: f64,
    successes: f64,
}

impl Table {
    /// The fewest and the most successes that the one arm may have.
    fn range(&self) -> (f64, f64) {
        ((self.successes - self.other).max(0.0), self.successes.min(self.own))
    }

    /// The most probable count.
    fn mode(&self) -> f64 {
        let all = self.own + self.other + 2.0;
        ((self.own + 1.0) / all * (self.successes + 1.0))
            .floor()
            .clamp(self.range().0, self.range().1)
    }

    /// The probability of `count` and of all further ones in the direction of `step`: a sum of ever
    /// smaller ones or, when it begins before the mode, 1 less what is left out.
    fn from(&self, count: f64, step: f64) -> f64 {
        let mode = self.mode();
        if (mode - count) * step > 0.0 {
            let (low, high) = self.range();
            let start = count - step;
            let is_within = (low..=high).contains(&start);
            return if is_within { 1.0 - self.run(start, -step) } else { 1.0 };
        }
        self.run(count, step)
    }

    /// Away from the mode, each from the one before it.
    fn run(&self, start: f64, step: f64) -> f64 {
        let (low, high) = self.range();
        let (mut sum, mut term, mut count) = (1.0, 1.0, start);
        loop {
            let next = count + step;
            if !(low..=high).contains(&next) {
                break;
            }
            term *= self.ratio(count, next);
            sum += term;
            count = next;
            if term < 1e-18 * sum {
                break;
            }
        }
        self.ln_probability(start).exp() * sum
    }

    /// The probability of a count over that of its neighbour.
    fn ratio(&self, count: f64, next: f64) -> f64 {
        let up = count.min(next);
        let top = (self.own - up) * (self.successes - up);
        let bottom = (up + 1.0) * (self.other - self.successes + up + 1.0);
        if next > count { top / bottom } else { bottom / top }
    }

    /// By Loader's form: three binomial densities at the share of successes in all.
    fn ln_probability(&self, count: f64) -> f64 {
        let all = self.own + self.other;
        if self.successes <= 0.0 || self.successes >= all {
            return 0.0;
        }
        let density =
            |successes: f64, units: f64| ln_density(successes, units, self.successes, all);
        density(count, self.own) + density(self.successes - count, self.other)
            - density(self.successes, all)
    }
}

/// The logarithm of the probability of so many successes of `units` where a share of `of`/`all` is
/// expected (Loader, 2000).
fn ln_density(successes: f64, units: f64, of: f64, all: f64) -> f64 {
    let failures = units - successes;
    let share = Double::from(of) / Double::from(all);
    let rest = Double::from(all - of) / Double::from(all);
    if successes <= 0.0 {
        return units * rest.ln().value();
    }
    if failures <= 0.0 {
        return units * share.ln().value();
    }
    let (mean, other) = (share * units, rest * units);
    let less = Double::from(successes) - mean;
    let deviances = deviance(successes, mean, less) + deviance(failures, other, -less);
    let errors = error(units) - error(successes) - error(failures);
    errors - deviances + 0.5 * (units / (2.0 * PI * successes) / failures).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(a: f64, m: f64, b: f64, n: f64) -> Exact {
        exact(Proportion::new(b, n).unwrap(), Proportion::new(a, m).unwrap()).unwrap()
    }

    #[test]
    fn tea() {
        // Fisher's tea taster, as in R's documentation of `fisher.test`: 3 of 4 and 1 of 4 gives
        // 0.2429 for more, and 0.4857 for both sides.
        let tea = of(3.0, 4.0, 1.0, 4.0);
        assert!(
            (tea.greater - 17.0 / 70.0).abs() < 1e-13 && (tea.p_value - 34.0 / 70.0).abs() < 1e-13
        );
        // Convictions of like-sex twins there: 2 of 17 against 10 of 13, 0.0005367 and 0.0004652.
        let twins = of(2.0, 17.0, 10.0, 13.0);
        assert!((twins.p_value - 0.000_536_724_119_143_4).abs() < 1e-14, "{twins:?}");
        assert!((twins.less - 0.000_465_180_943_362_9).abs() < 1e-14, "{twins:?}");
    }

    #[test]
    fn far_tails_of_large_tables() {
        let check = |got: f64, expect: f64| {
            assert!((got / expect - 1.0).abs() < 1e-11, "{got:e}, not {expect:e}");
        };
        // From mpmath at 60 digits.
        check(of(300.0, 1000.0, 100.0, 1000.0).greater, 4.746_884_454_112e-30);
        check(of(300.0, 1000.0, 100.0, 1000.0).p_value, 9.493_768_908_224e-30);
        check(of(41_000.0, 1e6, 40_000.0, 1e6).greater, 1.695_213_549_178_465_3e-4);
        check(of(1_000_500_000.0, 2e9, 999_500_000.0, 2e9).greater, 8.987_969_294_760_85e-220);
    }

    #[test]
    fn errors_of_what_cannot_be() {
        let half = Proportion::new(1.5, 3.0).unwrap();
        assert!(exact(half, half).is_err());
    }

    proptest! {
        #[test]
        fn it_is_the_enumeration(own in 1_u32..40, other in 1_u32..40, part in 0.0_f64..1.0, at in 0.0_f64..1.0) {
            let successes = (part * f64::from(own + other)).floor();
            let table = Table { own: f64::from(own), other: f64::from(other), successes };
            let (low, high) = table.range();
            let seen = (low + at * (high - low + 1.0)).floor().min(high);
            let ln_choose = |n: f64, k: f64| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
            let probability = |count: f64| (ln_choose(table.own, count) + ln_choose(table.other, successes - count)
                - ln_choose(table.own + table.other, successes)).exp();
            let counts = || (0..=(high - low) as u32).map(|step| low + f64::from(step));
            let sum = |is_in: &dyn Fn(f64) -> bool| counts().filter(|count| is_in(*count)).map(probability).sum::<f64>();
            let got = of(seen, table.own, successes - seen, table.other);
            let least = probability(seen) * (1.0 + 1e-7);
            prop_assert!((got.p_value - sum(&|count| probability(count) <= least)).abs() < 1e-11);
            prop_assert!((got.less - sum(&|count| count <= seen)).abs() < 1e-11);
            prop_assert!((got.greater - sum(&|count| count >= seen)).abs() < 1e-11);
        }
    }
}
