//! `gate experiment adjust`.

use clap::{Args, ValueEnum};
use serde::Serialize;
use stats::multiple;

use super::{Answer, Mistake};
use crate::values::Numbers;
use crate::words;

/// What is left of p values when there are many?
///
/// Each adjusted value may be held against alpha as if it were the only one.
///
/// Example: gate experiment adjust --p 0.01,0.02,0.04 --method holm
#[derive(Debug, Args)]
pub(super) struct Adjust {
    /// The p values, such as 0.01,0.02,0.04.
    #[arg(long, value_name = "P,P")]
    p: Numbers,
    /// How they are adjusted.
    #[arg(long, value_enum, default_value_t = Method::Holm)]
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Times how many there are.
    Bonferroni,
    /// As safe as bonferroni, and never worse.
    Holm,
    /// Never worse than holm; for tests that are independent or go together.
    Hommel,
    /// Holds the share of false alarms among alarms, not the chance of any.
    BenjaminiHochberg,
}

#[derive(Serialize)]
struct Figures {
    adjusted: Vec<f64>,
}

impl Adjust {
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let method = match self.method {
            Method::Bonferroni => multiple::Method::Bonferroni,
            Method::Holm => multiple::Method::Holm,
            Method::Hommel => multiple::Method::Hommel,
            Method::BenjaminiHochberg => multiple::Method::BenjaminiHochberg,
        };
        let adjusted = multiple::adjusted(&self.p.0, method)?;
        let line = |(before, after): (&f64, &f64)| {
            format!("  {} becomes {}\n", words::figure(*before), words::figure(*after))
        };
        let text = self.p.0.iter().zip(&adjusted).map(line).collect();
        Answer::new(&Figures { adjusted }, text)
    }
}
