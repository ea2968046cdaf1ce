//! Beliefs about two proportions.
//!
//! Integrals run over ln(p / (1 − p)), in which a beta density has no edges: it falls off like a normal
//! or an exponential one. Panels end at whole and half deviations of either arm, so that the narrower
//! one is resolved however wide the other is.

use crate::bayes::Belief;
use crate::beta;
use crate::double::Double;
use crate::error::{Error, inner, positive};
use crate::gamma::Tails;
use crate::proportions::Proportion;
use crate::quadrature::Rule;
use crate::root;

/// Where panels end, in deviations to either side of the middle.
const ENDS: [f64; 16] =
    [0.0, 0.7, 1.4, 2.1, 2.8, 3.6, 4.5, 5.5, 6.7, 8.0, 10.0, 13.0, 17.0, 23.0, 31.0, 42.0];

/// A beta distribution: what is believed of a proportion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beta {
    /// Above 0; with 1 and 1 every proportion is as likely as any other.
    pub a: f64,
    /// Above 0.
    pub b: f64,
}

/// Both posteriors, Beta(a + successes, b + failures), against each other.
///
/// With F their distribution functions, the chance to win is ∫ F(control) dF(treatment), and the mean
/// of how much the control is better ∫ F(treatment) (1 − F(control)): sums of what is never negative.
pub fn proportions(
    control: Proportion,
    treatment: Proportion,
    prior: Beta,
    alpha: f64,
) -> Result<Belief, Error> {
    inner(alpha, "alpha")?;
    let (own, other) = (Arm::of(prior, control)?, Arm::of(prior, treatment)?);
    let both = Both { rule: Rule::new(), points: points(&[own, other], None), own, other };
    // Over the density of the narrower arm nothing else has edges.
    let chance_to_win = if own.width < other.width {
        both.integral(|at| Ok(own.tails(at)?.front * other.tails(at)?.above))?
    } else {
        both.integral(|at| Ok(other.tails(at)?.front * own.tails(at)?.below))?
    };
    let inside = |at: Place| at.x * at.y;
    let risk_of_treatment =
        both.integral(|at| Ok(inside(at) * other.tails(at)?.below * own.tails(at)?.above))?;
    let risk_of_control =
        both.integral(|at| Ok(inside(at) * own.tails(at)?.below * other.tails(at)?.above))?;
    Ok(Belief {
        chance_to_win: chance_to_win.min(1.0),
        difference: other.mean() - own.mean(),
        low: both.quantile(alpha / 2.0)?,
        high: both.quantile(1.0 - alpha / 2.0)?,
        risk_of_treatment,
        risk_of_control,
    })
}

/// A proportion and what it lacks to 1.
#[derive(Debug, Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
}

impl Place {
    /// Of a logit.
    fn of(logit: f64) -> Place {
        let small = (-logit.abs()).exp();
        let (low, high) = (small / (1.0 + small), 1.0 / (1.0 + small));
        if logit < 0.0 { Place { x: low, y: high } } else { Place { x: high, y: low } }
    }
}

/// A posterior, with where its logit is and how wide.
#[derive(Debug, Clone, Copy)]
struct Arm {
    a: f64,
    b: f64,
    middle: f64,
    width: f64,
}

impl Arm {
    fn of(prior: Beta, seen: Proportion) -> Result<Arm, Error> {
        positive(prior.a, "the prior's a")?;
        positive(prior.b, "the prior's b")?;
        let (a, b) = (prior.a + seen.successes, prior.b + (seen.units - seen.successes));
        // About the variance of ln p − ln (1 − p): the sum of both trigamma functions.
        let part = |one: f64| 1.0 / one + 1.0 / (one * one);
        Ok(Arm { a, b, middle: (a / b).ln(), width: (part(a) + part(b)).sqrt() })
    }

    fn mean(self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Both tails, and the density of the logit.
    fn tails(self, at: Place) -> Result<Tails, Error> {
        beta::tails(Double::from(at.x), Double::from(at.y), self.a, self.b)
    }
}

/// Ends of panels, ascending.
fn points(arms: &[Arm], edge: Option<f64>) -> Vec<f64> {
    let of_arm = |arm: &Arm| {
        let (middle, width) = (arm.middle, arm.width);
        ENDS.iter().flat_map(move |end| [middle - end * width, middle + end * width])
    };
    // Beyond this a proportion is no number.
    let within = |point: f64| point.clamp(-690.0, 690.0);
    let mut points: Vec<f64> = arms.iter().flat_map(of_arm).chain(edge).map(within).collect();
    points.sort_by(f64::total_cmp);
    points.dedup();
    points
}

struct Both {
    rule: Rule,
    points: Vec<f64>,
    own: Arm,
    other: Arm,
}

impl Both {
    fn integral(&self, of: impl Fn(Place) -> Result<f64, Error>) -> Result<f64, Error> {
        let mut sum = 0.0;
        for (logit, weight) in self.rule.over(&self.points) {
            sum += weight * of(Place::of(logit))?;
        }
        Ok(sum)
    }

    /// The probability that the difference is at most `limit`.
    fn up_to(&self, limit: f64) -> Result<f64, Error> {
        let is_own = self.own.width < self.other.width;
        let (over, moved) = if is_own { (self.own, self.other) } else { (self.other, self.own) };
        let shift = if is_own { limit } else { -limit };
        // Where the other arm's proportion comes to an end: an edge of what is integrated.
        let edge = if shift < 0.0 { -shift } else { 1.0 - shift };
        let edge = (edge / (1.0 - edge)).ln();
        let points = points(&[over], edge.is_finite().then_some(edge));
        let mut sum = 0.0;
        for (logit, weight) in self.rule.over(&points) {
            let at = Place::of(logit);
            let to = at.x + shift;
            // 1 − x − shift, with the digits of 1 − x.
            let rest = at.y - shift;
            let share = if to <= 0.0 || rest <= 0.0 {
                f64::from(u8::from((rest <= 0.0) == is_own))
            } else {
                let tails = moved.tails(Place { x: to.min(1.0), y: rest.min(1.0) })?;
                if is_own { tails.below } else { tails.above }
            };
            sum += weight * over.tails(at)?.front * share;
        }
        Ok(sum)
    }

    fn quantile(&self, share: f64) -> Result<f64, Error> {
        root::between(-1.0, 1.0, 1e-13, |limit| Ok(self.up_to(limit)? - share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLAT: Beta = Beta { a: 1.0, b: 1.0 };

    fn of(control: (f64, f64), treatment: (f64, f64)) -> Belief {
        let arm = |(successes, units): (f64, f64)| Proportion::new(successes, units).unwrap();
        proportions(arm(control), arm(treatment), FLAT, 0.05).unwrap()
    }

    /// E. Miller, "Formulas for Bayesian A/B Testing" (2014): the chance to win as a sum, for whole
    /// parameters.
    fn sum(own: (f64, f64), other: (f64, f64)) -> f64 {
        let ln_beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
        let term = |i: f64| {
            let top = ln_beta(own.0 + i, other.1 + own.1);
            (top - (other.1 + i).ln() - ln_beta(1.0 + i, other.1) - ln_beta(own.0, own.1)).exp()
        };
        (0..other.0 as u32).map(|i| term(f64::from(i))).sum()
    }

    #[test]
    fn nothing_known_is_half() {
        let belief = of((0.0, 1e-9), (0.0, 1e-9));
        assert!((belief.chance_to_win - 0.5).abs() < 1e-9, "{belief:?}");
        // Two even spreads: the larger one is 1/6 better on average, and the difference triangular.
        assert!((belief.risk_of_treatment - 1.0 / 6.0).abs() < 1e-9, "{belief:?}");
        assert!((belief.high - (1.0 - 0.05_f64.sqrt())).abs() < 1e-8, "{belief:?}");
    }

    #[test]
    fn large_and_small_arms() {
        let check = |belief: Belief, expect: [f64; 5]| {
            let got = [
                belief.chance_to_win,
                belief.risk_of_treatment,
                belief.risk_of_control,
                belief.low,
                belief.high,
            ];
            for (got, expect) in got.iter().zip(expect) {
                assert!((got / expect - 1.0).abs() < 1e-9, "{belief:?}: {got}, not {expect}");
            }
        };
        // From QUADPACK over scipy 1.17's beta distribution, in panels of a few deviations.
        let expect = [
            0.885_972_222_161_891,
            0.001_959_802_759_992_287_5,
            0.042_225_909_202_569_31,
            -0.026_474_885_053_611_27,
            0.109_159_724_585_114_48,
        ];
        check(of((4.0, 100.0), (9.0, 110.0)), expect);
        let expect = [
            0.987_108_138_710_818_6,
            4.030_649_092_507_794e-6,
            0.002_003_990_649_892_49,
            0.000_241_757_792_651_538_18,
            0.003_758_519_265_189_314,
        ];
        check(of((4100.0, 1e5), (4300.0, 1e5)), expect);
        let expect = [
            0.364_878_433_129_745_44,
            0.027_569_169_831_983_906,
            0.006_070_087_830_146_923_5,
            -0.126_020_764_967_996_5,
            0.033_091_845_390_250_02,
        ];
        check(of((1.0, 30.0), (41_000.0, 1e6)), expect);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_chance_is_the_sum(
            own in (0_u32..40, 1_u32..40), other in (0_u32..40, 1_u32..40),
        ) {
            let pair = |(a, b): (u32, u32)| (f64::from(a), f64::from(a + b));
            let ((s, m), (t, n)) = (pair(own), pair(other));
            let belief = of((s, m), (t, n));
            let exact = sum((s + 1.0, m - s + 1.0), (t + 1.0, n - t + 1.0));
            prop_assert!((belief.chance_to_win - exact).abs() < 1e-11, "{belief:?} {exact}");
            let gain = belief.risk_of_control - belief.risk_of_treatment;
            prop_assert!((gain - belief.difference).abs() < 1e-11, "{belief:?}");
            prop_assert!(belief.low < belief.high && belief.low > -1.0 && belief.high < 1.0);
        }
    }
}
