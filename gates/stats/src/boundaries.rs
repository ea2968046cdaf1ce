//! Bounds for a number of looks that share an error, so that crossing any of them is a result.
//!
//! K. K. G. Lan and D. L. DeMets, "Discrete sequential boundaries for clinical trials" (Biometrika 70,
//! 1983): a spending function says how much of the error may be used up at each look. The bound of
//! a look follows from the density of what has not crossed the ones before, which is carried on from
//! look to look by numerical integration (P. Armitage, C. K. McPherson and B. C. Rowe, JRSS A 132, 1969;
//! C. Jennison and B. W. Turnbull, "Group Sequential Methods with Applications to Clinical Trials", 2000,
//! chapter 19). Two-sided and symmetric: each side spends half of the error by the one-sided function.

use crate::error::{Error, domain, finite, inner};
use crate::estimate::{Effect, Estimate};
use crate::looks::Spending;
use crate::normal;
use crate::quadrature::Rule;
use crate::root;

/// Beyond this nothing is looked for: its probability is no number.
const FAR: f64 = 38.0;
/// How wide a panel is, in standard deviations of what comes in between two looks.
const PANEL: f64 = 1.25;
/// How many panels there are at the most.
const PANELS: f64 = 1000.0;

/// The bounds of z at looks at these parts (ascending, above 0, up to 1) of all the data. Infinite
/// where a look may spend next to nothing.
pub fn boundaries(parts: &[f64], spending: Spending, alpha: f64) -> Result<Vec<f64>, Error> {
    check(parts)?;
    inner(alpha, "alpha")?;
    let mut walk = Walk::new();
    let mut before = 0.0;
    let mut bounds = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let spent = 2.0 * spending.spent(alpha / 2.0, *part)?;
        let bound = walk.bound(*part, spent - before)?;
        before = spent;
        walk.go_on(*part, bound, parts.get(at + 1).copied())?;
        bounds.push(bound);
    }
    Ok(bounds)
}

/// The parts of so many looks (at least 1) that come after equal amounts of data.
pub fn equal(looks: u32) -> Result<Vec<f64>, Error> {
    domain((1..=1000).contains(&looks), "the number of looks", "from 1 to 1000")?;
    Ok((1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect())
}

/// The probability of crossing each of the bounds (above 0) first, if there is no effect.
pub fn crossings(parts: &[f64], bounds: &[f64]) -> Result<Vec<f64>, Error> {
    check(parts)?;
    domain(parts.len() == bounds.len(), "the number of bounds", "that of the looks")?;
    let mut walk = Walk::new();
    let mut crossed = Vec::with_capacity(parts.len());
    for (at, (part, bound)) in parts.iter().zip(bounds).enumerate() {
        domain(*bound > 0.0, "each bound", "above 0")?;
        crossed.push(walk.beyond(*part, *bound));
        walk.go_on(*part, *bound, parts.get(at + 1).copied())?;
    }
    Ok(crossed)
}

/// An effect at the last of the looks taken so far, `parts` (the looks still to come do not matter):
/// the repeated confidence interval, and the repeated p value, the smallest α at which this look
/// would have crossed its bound (Jennison and Turnbull, 2000, chapter 9).
pub fn effect(
    estimate: Estimate,
    parts: &[f64],
    spending: Spending,
    alpha: f64,
) -> Result<Effect, Error> {
    let last = |alpha: f64| -> Result<f64, Error> {
        Ok(boundaries(parts, spending, alpha)?.last().copied().unwrap_or(f64::INFINITY))
    };
    let (low, high) = estimate.within(last(alpha)?);
    let z = (estimate.effect / estimate.error).abs();
    // The bound comes down as α goes up; on a logarithmic scale both are nearly straight.
    let (least, most) = ((1e-300_f64).ln(), (1.0 - 1e-9_f64).ln());
    let p_value = if last(least.exp())? <= z {
        least.exp()
    } else if last(most.exp())? >= z {
        1.0
    } else {
        root::between(least, most, 1e-12, |ln_alpha| Ok(z - last(ln_alpha.exp())?))?.exp()
    };
    Ok(Effect { effect: estimate.effect, low, high, p_value })
}

fn check(parts: &[f64]) -> Result<(), Error> {
    domain(!parts.is_empty(), "the number of looks", "1 or more")?;
    parts.iter().try_for_each(|part| finite(*part, "each part"))?;
    let ascend = parts.windows(2).all(|pair| pair[0] < pair[1]) && parts[0] > 0.0;
    domain(ascend && parts.last() <= Some(&1.0), "the parts", "ascending from above 0 up to 1")
}

/// Where a Brownian motion may be at the last look, if it has not crossed before: half of its
/// density, the other half being its mirror image. Before the first look there is none.
struct Walk {
    rule: Rule,
    /// Places from 0 up, and the density times the weight of each in an integral.
    nodes: Vec<(f64, f64)>,
    part: f64,
}

impl Walk {
    fn new() -> Walk {
        Walk { rule: Rule::new(), nodes: Vec::new(), part: 0.0 }
    }

    /// The probability of being beyond ±`bound` at this look, none before having been crossed.
    fn beyond(&self, part: f64, bound: f64) -> f64 {
        if self.part == 0.0 {
            return 2.0 * normal::sf(bound);
        }
        let (place, step) = (bound * part.sqrt(), (part - self.part).sqrt());
        let of = |(from, weight): &(f64, f64)| {
            weight * (normal::sf((place - from) / step) + normal::sf((place + from) / step))
        };
        2.0 * self.nodes.iter().map(of).sum::<f64>()
    }

    /// The bound that is crossed with this probability.
    fn bound(&self, part: f64, spends: f64) -> Result<f64, Error> {
        if spends.is_nan() || spends <= 0.0 || self.beyond(part, FAR) >= spends {
            return Ok(f64::INFINITY);
        }
        if self.beyond(part, 0.0) <= spends {
            return Ok(0.0);
        }
        root::between(0.0, FAR, 1e-14, |bound| Ok((spends / self.beyond(part, bound)).ln()))
    }

    /// Carries the density on to this look, within ±`bound`, on a grid fine enough for it and for the
    /// look after it.
    fn go_on(&mut self, part: f64, bound: f64, next: Option<f64>) -> Result<(), Error> {
        let Some(next) = next else { return Ok(()) };
        let end = bound.min(FAR) * part.sqrt();
        let step = (part - self.part).sqrt();
        let panels = (end / (PANEL * step.min((next - part).sqrt()))).ceil().max(1.0);
        if panels > PANELS {
            return Err(Error::TooLarge { what: "looks that are close together" });
        }
        let points: Vec<f64> = (0..=panels as u32).map(|at| end * f64::from(at) / panels).collect();
        let density = |place: f64| {
            if self.part == 0.0 {
                return normal::density(place / step) / step;
            }
            let of = |(from, weight): &(f64, f64)| {
                let near = normal::density((place - from) / step);
                weight * (near + normal::density((place + from) / step))
            };
            self.nodes.iter().map(of).sum::<f64>() / step
        };
        let nodes = self.rule.over(&points).map(|(place, weight)| (place, weight * density(place)));
        self.nodes = nodes.collect();
        self.part = part;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(spending: Spending, looks: u32, alpha: f64, expect: &[f64], room: f64) {
        let got = boundaries(&equal(looks).unwrap(), spending, alpha).unwrap();
        assert_eq!(got.len(), expect.len());
        for (got, expect) in got.iter().zip(expect) {
            assert!((got - expect).abs() <= room, "{spending:?} {looks}: {got}, not {expect}");
        }
    }

    #[test]
    fn bounds_of_the_tables() {
        // D. M. Reboussin, D. L. DeMets, K. Kim and K. K. G. Lan, "Computations for Group Sequential
        // Boundaries Using the Lan-DeMets Spending Function Method" (Controlled Clinical Trials 21,
        // 2000): five equal looks, two-sided 0.05. Their grid leaves one in the fourth decimal.
        let expect = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310];
        check(Spending::ObrienFleming, 5, 0.05, &expect, 1.2e-4);
        let expect = [2.4380, 2.4268, 2.4101, 2.3966, 2.3859];
        check(Spending::Pocock, 5, 0.05, &expect, 1.2e-4);
        // The second bound from QUADPACK's adaptive integral over the first look, by scipy 1.17.
        let got = boundaries(&[0.2, 0.4], Spending::ObrienFleming, 0.05).unwrap();
        assert!((got[0] - 4.876_884_948_790_762).abs() < 1e-12, "{got:?}");
        assert!((got[1] - 3.357_011_921_574_642).abs() < 1e-11, "{got:?}");
        check(Spending::ObrienFleming, 1, 0.05, &[1.959_963_984_540_054], 1e-12);
    }

    #[test]
    fn repeated_tests_at_one_level() {
        // Armitage, McPherson and Rowe (1969), table 2: how often one of so many looks at 5% is
        // significant without an effect, to the digits given there.
        for (looks, often) in [
            (1, 0.05),
            (2, 0.083),
            (3, 0.107),
            (4, 0.126),
            (5, 0.142),
            (10, 0.193),
            (20, 0.248),
            (50, 0.320),
        ] {
            let bounds = vec![normal::upper_quantile(0.025).unwrap(); looks as usize];
            let all: f64 = crossings(&equal(looks).unwrap(), &bounds).unwrap().iter().sum();
            assert!((all - often).abs() < 6e-4, "{looks}: {all}");
        }
    }

    #[test]
    fn constants_of_pocock_and_obrien_fleming() {
        // Jennison and Turnbull (2000), tables 2.1 and 2.3, two-sided: constants to three digits give
        // the error within what their rounding does to it.
        for (looks, alpha, pocock, obrien) in [
            (2, 0.05, 2.178, 1.977),
            (3, 0.05, 2.289, 2.004),
            (4, 0.05, 2.361, 2.024),
            (5, 0.05, 2.413, 2.040),
            (10, 0.05, 2.555, 2.087),
        ] {
            let parts = equal(looks).unwrap();
            let flat = vec![pocock; parts.len()];
            let falling: Vec<f64> = parts.iter().map(|part| obrien / f64::sqrt(*part)).collect();
            for bounds in [flat, falling] {
                let all: f64 = crossings(&parts, &bounds).unwrap().iter().sum();
                assert!((all / alpha - 1.0).abs() < 3e-3, "{looks} {bounds:?}: {all}");
            }
        }
    }

    #[test]
    fn a_repeated_p_value_is_where_the_bound_is() {
        let parts = [0.2, 0.5, 0.7];
        for spending in [Spending::ObrienFleming, Spending::Pocock, Spending::Power(2.5)] {
            let bound = *boundaries(&parts, spending, 0.03).unwrap().last().unwrap();
            let estimate = Estimate::new(bound * 0.1, 0.1, f64::INFINITY).unwrap();
            let got = effect(estimate, &parts, spending, 0.03).unwrap();
            assert!((got.p_value / 0.03 - 1.0).abs() < 1e-9, "{spending:?} {got:?}");
            assert!(got.low.abs() < 1e-9, "{got:?}");
        }
    }

    #[test]
    fn errors_of_what_cannot_be() {
        for parts in [&[][..], &[0.5, 0.5], &[0.0, 1.0], &[0.5, 1.1], &[f64::NAN]] {
            assert!(boundaries(parts, Spending::Pocock, 0.05).is_err(), "{parts:?}");
        }
        assert!(boundaries(&[1.0], Spending::Pocock, 0.0).is_err());
        assert!(boundaries(&[1.0], Spending::Power(-1.0), 0.05).is_err());
        assert!(equal(0).is_err() && crossings(&[1.0], &[]).is_err());
        assert!(crossings(&[1.0], &[-1.0]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn all_that_may_be_spent_is(looks in 1_u32..12, power in 0.5_f64..4.0, alpha in 0.001_f64..0.2) {
            let parts = equal(looks).unwrap();
            for spending in [Spending::ObrienFleming, Spending::Pocock, Spending::Power(power)] {
                let bounds = boundaries(&parts, spending, alpha).unwrap();
                let crossed = crossings(&parts, &bounds).unwrap();
                let mut before = 0.0;
                for (part, crossed) in parts.iter().zip(crossed) {
                    let spent = 2.0 * spending.spent(alpha / 2.0, *part).unwrap();
                    prop_assert!((crossed - (spent - before)).abs() < 1e-11 * alpha, "{spending:?}");
                    before = spent;
                }
                prop_assert!((before / alpha - 1.0).abs() < 1e-12);
            }
        }
    }
}
