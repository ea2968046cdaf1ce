//! Distributions against a table that mpmath has written (`oracle/distributions.py`).
//!
//! The tolerance is 1e-12, or what one unit in the last place of each input does to the result where
//! that is more: the table says by how much of itself the smaller tail changes when an input changes,
//! relative to it, and an input of 53 bits is known to 2⁻⁵² of itself at the worst. The larger tail is
//! held to 1e-12 of itself or that same absolute error.

use stats::{Error, beta, binomial, chi_squared, gamma, normal, poisson, student};

const TABLE: &str = include_str!("oracle/distributions.csv");
const RELATIVE: f64 = 1e-12;

/// A line of the table.
#[derive(Debug)]
struct Line {
    name: &'static str,
    x: f64,
    one: f64,
    two: f64,
    below: f64,
    above: f64,
    /// Of x and of both parameters.
    effects: [f64; 3],
}

impl Line {
    fn of(text: &'static str) -> Line {
        let mut fields = text.split(',');
        let name = fields.next().unwrap();
        let numbers: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        let [x, one, two, below, above, a, b, c] = numbers[..] else { panic!("{text}") };
        Line { name, x, one, two, below, above, effects: [a, b, c] }
    }

    fn smaller(&self) -> f64 {
        self.below.min(self.above)
    }

    /// How far off the smaller tail may be, of itself.
    fn room(&self) -> f64 {
        self.effects.iter().map(|effect| effect * f64::EPSILON).fold(RELATIVE, f64::max)
    }

    fn tails(&self) -> Result<(f64, f64), Error> {
        let Line { x, one, two, .. } = *self;
        Ok(match self.name {
            "normal" => (normal::cdf(x), normal::sf(x)),
            "gamma" => (gamma::cdf(x, one, two)?, gamma::sf(x, one, two)?),
            "chi" => (chi_squared::cdf(x, one)?, chi_squared::sf(x, one)?),
            "poisson" => (poisson::cdf(x, one)?, poisson::sf(x, one)?),
            "student" => (student::cdf(x, one)?, student::sf(x, one)?),
            "beta" => (beta::cdf(x, one, two)?, beta::sf(x, one, two)?),
            "binomial" => (binomial::cdf(x, one, two)?, binomial::sf(x, one, two)?),
            name => panic!("{name}"),
        })
    }

    /// The value with the smaller tail of the table; none where all digits of x are in its distance to
    /// another number than 0.
    fn quantile(&self) -> Option<Result<f64, Error>> {
        let Line { one, two, below, above, .. } = *self;
        let is_lower = below < above;
        Some(match (self.name, is_lower) {
            ("normal", true) => normal::quantile(below),
            ("normal", false) => normal::upper_quantile(above),
            ("gamma", true) => gamma::quantile(below, one, two),
            ("gamma", false) => gamma::upper_quantile(above, one, two),
            ("chi", true) => chi_squared::quantile(below, one),
            ("chi", false) => chi_squared::upper_quantile(above, one),
            ("student", true) => student::quantile(below, one),
            ("student", false) => student::upper_quantile(above, one),
            ("beta", true) => beta::quantile(below, one, two),
            ("beta", false) => beta::upper_quantile(above, one, two),
            _ => return None,
        })
    }
}

fn lines() -> impl Iterator<Item = Line> {
    TABLE.lines().map(Line::of)
}

#[test]
fn tails_are_those_of_the_table() {
    let (mut count, mut wrong) = (0, Vec::new());
    for line in lines() {
        count += 1;
        let (below, above) = line.tails().unwrap_or_else(|error| panic!("{line:?}: {error}"));
        let absolute = line.room() * line.smaller();
        for (got, expect) in [(below, line.below), (above, line.above)] {
            let off = (got - expect).abs();
            let room = (RELATIVE * expect).max(absolute);
            if off.is_nan() || off > room {
                wrong.push(format!(
                    "{:e} of {:e}: {line:?}, got {got:e}",
                    off / expect,
                    room / expect
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 1800, "{count}");
}

#[test]
fn quantiles_are_those_of_the_table() {
    let (mut count, mut wrong) = (0, Vec::new());
    for line in lines() {
        // What a share of p is worth in x: where x does nothing to the tail, nothing tells it.
        let p = line.smaller();
        if line.effects[0] < 1e-6 || p < 1e-300 {
            continue;
        }
        let Some(got) = line.quantile() else { continue };
        count += 1;
        let got = got.unwrap_or_else(|error| panic!("{line:?}: {error}"));
        // The table's p is rounded to a double, too; near 1/2 it tells t and z less than their digits.
        let room = line.room().max(f64::EPSILON) / line.effects[0];
        let off = (got - line.x).abs() / line.x.abs();
        if off.is_nan() || off > room.max(RELATIVE) {
            wrong.push(format!("{off:e} of {room:e}: {line:?}, got {got:e}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 1500, "{count}");
}

#[test]
fn whole_quantiles_are_those_of_the_table() {
    let mut count = 0;
    for line in lines() {
        let Line { x, one, two, below, above, .. } = line;
        // The next whole number has to differ by more than the inputs tell.
        let is_lower = below < above;
        let got = match (line.name, is_lower) {
            ("poisson", true) => poisson::quantile(below * (1.0 - line.room()), one),
            ("poisson", false) => poisson::upper_quantile(above * (1.0 + line.room()), one),
            ("binomial", true) => binomial::quantile(below * (1.0 - line.room()), one, two),
            ("binomial", false) => binomial::upper_quantile(above * (1.0 + line.room()), one, two),
            _ => continue,
        };
        count += 1;
        assert_eq!(got, Ok(x), "{line:?}");
    }
    assert!(count > 100, "{count}");
}
