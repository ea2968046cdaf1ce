//! `gate experiment plan`.

use clap::Args;
use serde::Serialize;
use stats::power::{Demands, units_for_proportions};

use super::{Answer, Mistake};
use crate::values::{Points, Share};
use crate::words;

/// How many visitors does it take, and how many days?
///
/// Two-sided, by the normal approximation and without a continuity correction, for one comparison
/// with the control that is looked at once.
///
/// Example: gate experiment plan --baseline 4.1% --detect 5% --visitors-per-day 8000
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    change: Change,
    /// How many visitors a day come into the experiment, all arms together.
    #[arg(long, value_name = "N")]
    visitors_per_day: Option<f64>,
    /// How many arms there are, the control included.
    #[arg(long, value_name = "K", default_value_t = 2)]
    arms: u32,
    /// How often an effect may be seen where there is none.
    #[arg(long, value_name = "SHARE", default_value = "0.05")]
    alpha: Share,
    /// How often it is to be seen where there is one.
    #[arg(long, value_name = "SHARE", default_value = "80%")]
    power: Share,
}

/// From what to what a share changes.
#[derive(Debug, Args)]
pub(super) struct Change {
    /// The share of the control, such as 4.1%.
    #[arg(long, value_name = "SHARE")]
    baseline: Share,
    /// The smallest change that is to be seen, as a part of the baseline, such as 5%.
    #[arg(
        long,
        value_name = "SHARE",
        allow_hyphen_values = true,
        required_unless_present = "detect_absolute"
    )]
    detect: Option<Share>,
    /// The same in percentage points, such as 0.2pp.
    #[arg(long, value_name = "POINTS", allow_hyphen_values = true, conflicts_with = "detect")]
    detect_absolute: Option<Points>,
}

impl Change {
    /// The control's share and the treatment's.
    pub fn shares(&self) -> Result<(f64, f64), Mistake> {
        let control = self.baseline.0;
        let by = match (self.detect, self.detect_absolute) {
            (Some(part), _) => control * part.0,
            (None, Some(points)) => points.0,
            (None, None) => return Err(Mistake::new("no change to look for was given")),
        };
        let treatment = control + by;
        if !(control > 0.0 && control < 1.0) {
            return Err(Mistake::new("the baseline has to be between 0% and 100%"));
        }
        if !(treatment > 0.0 && treatment < 1.0) {
            let reached = words::percent(treatment);
            return Err(Mistake::new(format!("from this baseline the change leads to {reached}"))
                .hint("give a change that stays between 0% and 100%"));
        }
        Ok((control, treatment))
    }
}

#[derive(Serialize)]
struct Figures {
    visitors_per_arm: u64,
    days: Option<u64>,
}

impl Plan {
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let (control, treatment) = self.change.shares()?;
        if self.arms < 2 {
            return Err(Mistake::new("an experiment has two arms or more"));
        }
        if self.visitors_per_day.is_some_and(|visitors| visitors.is_nan() || visitors <= 0.0) {
            return Err(Mistake::new("the visitors per day have to be more than 0"));
        }
        let demands = Demands { alpha: self.alpha.0, power: self.power.0 };
        let visitors = units_for_proportions(control, treatment, demands)?.ceil();
        let all = visitors * f64::from(self.arms);
        let days = self.visitors_per_day.map(|per_day| (all / per_day).ceil());
        let figures =
            Figures { visitors_per_arm: visitors as u64, days: days.map(|days| days as u64) };
        let mut text = format!(
            "To see a change from {} to {} with a power of {}:\n  {} visitors in each of {} arms.\n",
            words::percent(control),
            words::percent(treatment),
            words::percent(self.power.0),
            words::count(visitors),
            self.arms,
        );
        if let (Some(days), Some(per_day)) = (days, self.visitors_per_day) {
            let (days, per_day) = (words::count(days), words::count(per_day));
            text.push_str(&format!("  With {per_day} visitors a day that is {days} days.\n"));
        }
        Answer::new(&figures, text)
    }
}
