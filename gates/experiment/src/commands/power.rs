//! `gate experiment power`.

use clap::Args;
use serde::Serialize;
use stats::power::power_for_proportions;

use super::plan::Change;
use super::{Answer, Mistake};
use crate::values::Share;
use crate::words;

/// How likely is it that a change is seen?
///
/// Two-sided, by the normal approximation and without a continuity correction.
///
/// Example: gate experiment power --baseline 50% --detect-absolute 25pp --visitors-per-arm 50
#[derive(Debug, Args)]
pub(super) struct Power {
    #[command(flatten)]
    change: Change,
    /// How many visitors each arm has.
    #[arg(long, value_name = "N")]
    visitors_per_arm: f64,
    /// How often an effect may be seen where there is none.
    #[arg(long, value_name = "SHARE", default_value = "0.05")]
    alpha: Share,
}

#[derive(Serialize)]
struct Figures {
    power: f64,
}

impl Power {
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let (control, treatment) = self.change.shares()?;
        let visitors = self.visitors_per_arm;
        let power = power_for_proportions(control, treatment, visitors, self.alpha.0)?;
        let text = format!(
            "With {} visitors in each arm a change from {} to {} is seen {} of the time.\n",
            words::count(visitors),
            words::percent(control),
            words::percent(treatment),
            words::percent(power),
        );
        Answer::new(&Figures { power }, text)
    }
}
