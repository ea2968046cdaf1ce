//! How fast something grows, by least squares.

use crate::student;

/// A slope and what bounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// What is added for each one of the other quantity.
    pub at: f64,
    /// Its standard error.
    pub error: f64,
    /// From how many points it is, less the two that a line takes.
    pub freedom: f64,
}

impl Slope {
    /// How far it may be off to either side, each with this error; all that there is when nothing
    /// is known of it.
    pub fn off(&self, alpha: f64) -> f64 {
        student::upper_quantile(alpha, self.freedom).map_or(f64::INFINITY, |t| t * self.error)
    }
}

/// The slope of the line through points (x, y); none with fewer than four, or when all are at the
/// same x.
pub fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let wide: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if points.len() < 4 || wide <= 0.0 {
        return None;
    }
    let at = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / wide;
    let rest: f64 = points.iter().map(|point| (point.1 - y - at * (point.0 - x)).powi(2)).sum();
    let freedom = count - 2.0;
    Some(Slope { at, error: (rest / freedom / wide).sqrt(), freedom })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_points() {
        let check = |points: &[(f64, f64)], at: f64, error: f64| {
            let found = slope(points).unwrap();
            assert!(
                (found.at - at).abs() < 1e-12 && (found.error - error).abs() < 1e-9,
                "{found:?}"
            );
        };
        check(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 7.0)], 2.0, 0.0);
        check(&[(1.0, 1.0), (2.0, 2.0), (3.0, 1.3), (4.0, 3.75), (5.0, 2.25)], 0.425, 0.305);
        assert_eq!(slope(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]), None);
        assert_eq!(slope(&[(1.0, 1.0); 5]), None);
        let known = Slope { at: 1.0, error: 0.5, freedom: 3.0 };
        assert!((known.off(0.05) - 0.5 * 2.353_363).abs() < 1e-5, "{}", known.off(0.05));
    }
}
