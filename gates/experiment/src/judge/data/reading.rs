//! Sums read as what they are sums of.

use stats::Error;
use stats::cuped;
use stats::estimate::{Comparison, Estimate, Mean};
use stats::means::{Moments, welch};
use stats::proportions::{Proportion, unpooled};

use crate::question::{self, Parts};
use crate::seen::{Cell, Counted, SeenData};
use crate::settings::{Better, MetricKind, MetricSpec, Settings};

/// With fewer successes, or failures, in all arms together nothing is said of a share.
const FEWEST: f64 = 10.0;

/// Sums, and what the spec says of them.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) spec: &'a Settings,
    pub(crate) seen: &'a SeenData,
}

/// Two arms in one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compared {
    /// The control's value, and the other arm's.
    pub(crate) values: [f64; 2],
    pub(crate) comparison: Comparison,
    /// For a share, what a belief of it starts from.
    pub(crate) proportions: Option<[Proportion; 2]>,
}

impl Compared {
    /// The difference as a part of the control's value, above 0 where the other arm's is higher; none
    /// where that is not known.
    pub(crate) fn relative(&self) -> Option<Estimate> {
        let relative = self.comparison.relative.ok()?;
        let turned = if self.values[0] < 0.0 { -1.0 } else { 1.0 };
        Some(Estimate { effect: relative.effect * turned, ..relative })
    }
}

impl<'a> Reading<'a> {
    /// How many visitors each arm has.
    pub(crate) fn units(&self) -> Vec<f64> {
        self.seen.all.iter().map(|cell| cell.units as f64).collect()
    }

    /// The shares that were meant.
    pub(crate) fn shares(&self) -> Vec<f64> {
        self.spec.shares()
    }

    /// The arms that visitors are put into besides the control, by their places.
    pub(crate) fn treatments(&self) -> Vec<usize> {
        let shares = self.shares();
        (1..shares.len()).filter(|at| shares[*at] > 0.0).collect()
    }

    pub(crate) fn arm(&self, at: usize) -> &'a str {
        &self.seen.arms[at]
    }

    /// Where something was counted.
    pub(crate) fn place(&self, counted: &Counted) -> Option<usize> {
        self.seen.totals.iter().position(|one| one == counted)
    }

    /// Of how many visitors of a cell something was counted, and the sum of it.
    pub(crate) fn count(&self, counted: &Counted, cell: &Cell) -> Option<(f64, f64)> {
        let total = cell.totals.get(self.place(counted)?)?;
        Some((total.0 as f64, total.1))
    }

    /// What a metric is called.
    pub(crate) fn title(&self, name: &'a str) -> &'a str {
        self.spec.metrics.get(name).and_then(|metric| metric.title.as_deref()).unwrap_or(name)
    }

    /// Compares an arm with the control.
    pub(crate) fn compare(
        &self,
        metric: &MetricSpec,
        cells: &[Cell],
        treatment: usize,
    ) -> Result<Compared, Error> {
        let parts = question::parts(self.spec, metric);
        let both = [&cells[0], &cells[treatment]];
        match metric.kind {
            MetricKind::Proportion => self.shares_of(&parts, both),
            MetricKind::Mean => self.means_of(&parts, both),
            MetricKind::Ratio => self.ratios_of(&parts, both),
        }
    }

    fn shares_of(&self, parts: &Parts, both: [&Cell; 2]) -> Result<Compared, Error> {
        let [control, treatment] = both.map(|cell| {
            let (some, _) = self.count(&parts.own, cell).unwrap_or_default();
            Proportion::new(some, cell.units as f64)
        });
        let both = [control?, treatment?];
        let comparison = unpooled(both[0], both[1])?;
        Ok(Compared { values: both.map(Proportion::share), comparison, proportions: Some(both) })
    }

    fn covariance(&self, one: usize, other: usize, cell: &Cell) -> f64 {
        let pair = self.seen.products.iter().position(|pair| *pair == (one, other));
        let product = pair.and_then(|at| cell.products.get(at)).copied().unwrap_or(0.0);
        let units = cell.units as f64;
        (product - cell.totals[one].2 * (cell.totals[other].2 / units)) / (units - 1.0)
    }

    fn means_of(&self, parts: &Parts, both: [&Cell; 2]) -> Result<Compared, Error> {
        let at = self.place(&parts.own).unwrap_or(0);
        let [control, treatment] = both.map(|cell| moments(at, cell));
        let own = [control?, treatment?];
        let before = parts.before.as_ref().and_then(|before| self.place(before));
        let compared = before.map(|before| self.adjusted(at, before, both, own));
        let (values, comparison) = match compared {
            Some(Ok(adjusted)) => adjusted,
            // Nobody was there before: there is nothing to take out.
            Some(Err(_)) | None => (own.map(|one| one.mean), welch(own[0], own[1])?),
        };
        Ok(Compared { values, comparison, proportions: None })
    }

    /// Values and their difference, with what was known before taken out.
    fn adjusted(
        &self,
        own: usize,
        before: usize,
        both: [&Cell; 2],
        [control, treatment]: [Moments; 2],
    ) -> Result<([f64; 2], Comparison), Error> {
        let sums = both.map(|cell| cuped::Sums {
            units: cell.units as f64,
            y: cell.totals[own].2,
            y2: cell.totals[own].3,
            x: cell.totals[before].2,
            x2: cell.totals[before].3,
            xy: self.covariance(own, before, cell) * (cell.units as f64 - 1.0)
                + cell.totals[own].2 * (cell.totals[before].2 / cell.units as f64),
        });
        let [first, second] = sums;
        let adjusted = cuped::compare(first, second)?;
        let theta = adjusted.theta;
        let middle = (first.x + second.x) / (first.units + second.units);
        let arm = |cell: &Cell, mean: Moments, sums: &cuped::Sums| -> Result<Mean, Error> {
            let earlier = moments(before, cell)?;
            let both = self.covariance(own, before, cell);
            let left = mean.variance - 2.0 * theta * both + theta * theta * earlier.variance;
            let value = mean.mean - theta * (sums.x / sums.units - middle);
            Ok(Mean { units: sums.units, value, variance: left.max(0.0) / sums.units })
        };
        let freedom = adjusted.comparison.absolute.freedom;
        let arms = [arm(both[0], control, &first)?, arm(both[1], treatment, &second)?];
        Ok((arms.map(|one| one.value), Comparison::of(arms[0], arms[1], freedom)?))
    }

    fn ratios_of(&self, parts: &Parts, both: [&Cell; 2]) -> Result<Compared, Error> {
        let own = self.place(&parts.own).unwrap_or(0);
        let over = parts.over.as_ref().and_then(|over| self.place(over)).unwrap_or(0);
        // The delta method, with variances and the covariance without their centres.
        let arm = |cell: &Cell| -> Result<Mean, Error> {
            let (m, d) = (moments(own, cell)?, moments(over, cell)?);
            if d.mean == 0.0 {
                return Err(Error::Silent { what: "a ratio", wants: "a denominator other than 0" });
            }
            let ratio = m.mean / d.mean;
            let both = self.covariance(own, over, cell);
            let variance = m.variance + ratio * ratio * d.variance - 2.0 * ratio * both;
            let variance = variance.max(0.0) / (d.mean * d.mean) / m.units;
            Ok(Mean { units: m.units, value: ratio, variance })
        };
        let both = [arm(both[0])?, arm(both[1])?];
        let comparison = Comparison::of(both[0], both[1], f64::INFINITY)?;
        Ok(Compared { values: both.map(|one| one.value), comparison, proportions: None })
    }

    /// Whether too little has happened for the methods that are used here, which take sums as normal.
    pub(crate) fn is_few(&self, metric: &MetricSpec, cells: &[Cell], treatment: usize) -> bool {
        let parts = question::parts(self.spec, metric);
        let (mut some, mut units) = (0.0, 0.0);
        for cell in [&cells[0], &cells[treatment]] {
            if cell.units < 2 {
                return true;
            }
            some += self.count(&parts.own, cell).unwrap_or_default().0;
            units += cell.units as f64;
        }
        some < FEWEST || metric.kind == MetricKind::Proportion && units - some < FEWEST
    }
}

/// Mean and variance of one total, from what is left of it without its centre.
fn moments(at: usize, cell: &Cell) -> Result<Moments, Error> {
    let (_, sum, centred, squares) = cell.totals[at];
    let units = cell.units as f64;
    Ok(Moments { mean: sum / units, ..Moments::of_sums(units, centred, squares)? })
}

impl MetricSpec {
    /// 1 where more is better, and -1 where less is.
    pub(crate) fn sign(&self) -> f64 {
        if self.better == Better::Higher { 1.0 } else { -1.0 }
    }
}
