//! `gate experiment srm`.

use clap::Args;
use serde::Serialize;
use stats::{goodness, sample_ratio};

use super::{Answer, Mistake, finite};
use crate::values::Numbers;
use crate::words;

/// Below this the split counts as wrong, as most who check it have it.
const WRONG: f64 = 0.001;

/// Is the split what was meant? (sample ratio mismatch)
///
/// Where it is not, something is wrong with the assignment, the tracking or the data, and the
/// experiment's result means nothing until that is found.
///
/// Example: gate experiment srm --observed 821588,815482 --expected 50,50
#[derive(Debug, Args)]
pub(super) struct Srm {
    /// How many were seen in each arm, such as 821588,815482. Several times for successive looks, each
    /// with all that were seen so far; the last one counts for the test of one look.
    #[arg(long, value_name = "N,N", required = true)]
    observed: Vec<Numbers>,
    /// The weights that were meant, such as 50,50; all the same when nothing is said. An arm with the
    /// weight 0 is left out, and anybody seen in it is a failure.
    #[arg(long, value_name = "W,W")]
    expected: Option<Numbers>,
    /// The parameters of the Dirichlet distribution that the test for many looks starts from: 10,000
    /// times the shares that were meant when nothing is said.
    #[arg(long, value_name = "A,B")]
    prior: Option<Numbers>,
}

#[derive(Serialize)]
struct Figures {
    chi_squared: Option<f64>,
    degrees_of_freedom: f64,
    p_value: f64,
    sequential_p_value: f64,
}

impl Srm {
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let looks: Vec<Vec<f64>> = self.observed.iter().map(|look| look.0.clone()).collect();
        let last = looks.last().map_or(&[][..], Vec::as_slice);
        if looks.iter().any(|look| look.len() != last.len()) {
            return Err(Mistake::new("the looks differ in how many arms they have"));
        }
        let is_count = |count: &f64| *count >= 0.0 && count.fract() == 0.0;
        if !looks.iter().flatten().all(is_count) {
            return Err(Mistake::new("each count has to be a whole number of at least 0"));
        }
        let even = vec![1.0; last.len()];
        let weights = self.expected.as_ref().map_or(&even, |weights| &weights.0);
        let fit = goodness::chi_squared(last, weights)?;
        let prior = self.prior.as_ref().map(|prior| prior.0.as_slice());
        let at_looks = sample_ratio::p_values(&looks, weights, prior)?;
        let sequential_p_value = at_looks.last().copied().unwrap_or(1.0);
        let figures = Figures {
            chi_squared: finite(fit.statistic),
            degrees_of_freedom: fit.freedom,
            p_value: fit.p_value,
            sequential_p_value,
        };
        Answer::new(&figures, said(last, weights, &fit, sequential_p_value))
    }
}

fn said(observed: &[f64], weights: &[f64], fit: &goodness::Fit, sequential: f64) -> String {
    let all: f64 = weights.iter().sum();
    let counts: Vec<String> = observed.iter().map(|count| words::count(*count)).collect();
    let shares: Vec<String> = weights.iter().map(|weight| words::percent(weight / all)).collect();
    let mut text = format!("Seen: {}. Meant: {}.\n\n", words::list(&counts), words::list(&shares));
    if fit.stray > 0.0 {
        text.push_str(&format!(
            "The split is wrong: {} seen where nobody may be.\n",
            words::count(fit.stray)
        ));
        return text;
    }
    let degrees = if fit.freedom > 1.0 { "degrees" } else { "degree" };
    let (statistic, freedom) = (words::figure(fit.statistic), fit.freedom);
    let tested = format!("chi-squared {statistic} with {freedom} {degrees} of freedom");
    text.push_str(if fit.p_value < WRONG {
        "The split is not what was meant: chance alone hardly ever does this.\n"
    } else {
        "Nothing speaks against the split.\n"
    });
    text.push_str(&format!("  At one look: {} ({tested}).\n", words::p_value(fit.p_value)));
    text.push_str(&format!("  At as many looks as you like: {}.\n", words::p_value(sequential)));
    text.push_str(&format!("  Below {WRONG} it is usually taken as wrong.\n"));
    text
}
