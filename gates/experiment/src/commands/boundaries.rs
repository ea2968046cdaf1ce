//! `gate experiment boundaries`.

use clap::Args;
use serde::Serialize;
use stats::{boundaries, normal};

use super::{Answer, Mistake, finite};
use crate::values::{Share, Spends};
use crate::words;

/// How far out does it have to be at each of several looks?
///
/// Two-sided bounds of z after Lan and DeMets for looks at equal distances: crossing any of them is a
/// result, and all of them together are wrong as often as alpha says.
///
/// Example: gate experiment boundaries --looks 5 --spending obrien-fleming
#[derive(Debug, Args)]
pub(super) struct Boundaries {
    /// How many looks there are, the last one included.
    #[arg(long, value_name = "N")]
    looks: u32,
    /// How the error is spent: obrien-fleming (little early), pocock (evenly) or power:R (as the
    /// part of the data to the power of R).
    #[arg(long, value_name = "HOW", default_value = "obrien-fleming")]
    spending: Spends,
    /// How often all looks together may see an effect where there is none.
    #[arg(long, value_name = "SHARE", default_value = "0.05")]
    alpha: Share,
}

#[derive(Serialize)]
struct Figures {
    z: Vec<Option<f64>>,
}

impl Boundaries {
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let parts = boundaries::equal(self.looks)?;
        let bounds = boundaries::boundaries(&parts, self.spending.0, self.alpha.0)?;
        let mut text = "An effect is seen where z is beyond\n".to_owned();
        for (look, bound) in bounds.iter().enumerate() {
            let p = words::p_value(2.0 * normal::sf(*bound));
            let bound =
                if bound.is_finite() { format!("{bound:.4}") } else { "anything".to_owned() };
            text.push_str(&format!("  {bound:>8} at look {} ({p})\n", look + 1));
        }
        Answer::new(&Figures { z: bounds.into_iter().map(finite).collect() }, text)
    }
}
