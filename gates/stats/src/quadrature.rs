//! Integrals of smooth functions, the same on every machine.

use std::f64::consts::PI;

/// How many nodes a panel has.
const NODES: usize = 12;

/// Gauss's rule over panels between neighbouring points, which ascend.
#[derive(Debug, Clone)]
pub(crate) struct Rule([(f64, f64); NODES]);

impl Rule {
    /// Nodes are the roots of Legendre's polynomial, by Newton's method from Tricomi's start (DLMF
    /// 3.5.22 and 18.16.12).
    pub fn new() -> Rule {
        let mut rule = [(0.0, 0.0); NODES];
        let count = NODES as f64;
        for (at, pair) in rule.iter_mut().enumerate() {
            let mut x = -libm::cos(PI * (at as f64 + 0.75) / (count + 0.5));
            let mut slope = 0.0;
            for _ in 0..6 {
                let (mut before, mut now) = (1.0, x);
                for k in 2..=NODES {
                    let k = k as f64;
                    (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
                }
                slope = count * (x * now - before) / (x * x - 1.0);
                x -= now / slope;
            }
            *pair = (x, 2.0 / ((1.0 - x * x) * slope * slope));
        }
        Rule(rule)
    }

    /// Nodes and weights over all panels.
    pub fn over<'a>(&'a self, points: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
        points.windows(2).flat_map(move |ends| {
            let (middle, half) = (f64::midpoint(ends[0], ends[1]), 0.5 * (ends[1] - ends[0]));
            self.0.iter().map(move |(x, weight)| (middle + half * x, half * weight))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_exact() {
        let rule = Rule::new();
        let integral =
            |power: i32| rule.over(&[0.0, 0.3, 2.0]).map(|(x, w)| w * x.powi(power)).sum::<f64>();
        for power in 0..24 {
            let exact = 2.0_f64.powi(power + 1) / f64::from(power + 1);
            assert!((integral(power) / exact - 1.0).abs() < 1e-14, "{power}");
        }
    }
}
