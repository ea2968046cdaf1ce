//! `gate experiment compare`.

use clap::{Args, ValueEnum};
use serde::Serialize;
use stats::bayes::{self, Belief, Beta};
use stats::estimate::{Effect, Estimate};
use stats::{always_valid, boundaries};

use super::arms::{Arms, Metric};
use super::{Answer, Mistake};
use crate::values::{Look, Share, Spends};
use crate::words;

/// What came of it: is the treatment different from the control?
///
/// The first arm is the control. Intervals of the relative effect are by the delta method.
///
/// Example: gate experiment compare --metric proportion --arm 4100/100000 --arm 4300/100000
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// What is compared.
    #[arg(long, value_enum)]
    metric: Metric,
    /// What an arm has shown, the control first: see --metric for the shape.
    #[arg(long = "arm", value_name = "FIGURES", required = true, allow_hyphen_values = true)]
    arms: Vec<String>,
    /// How often it was or will be looked at.
    #[arg(long, value_enum, default_value_t = Method::Fixed)]
    method: Method,
    /// How often an effect may be seen where there is none.
    #[arg(long, value_name = "SHARE", default_value = "0.05")]
    alpha: Share,
    /// With --method sequential: how many units of both arms together are planned. The interval is
    /// narrowest about then, and right at any time.
    #[arg(long, value_name = "N")]
    planned: Option<f64>,
    /// With --method group-sequential: which look this is of how many at equal distances, such as 2/5.
    #[arg(long, value_name = "I/N")]
    look: Option<Look>,
    /// With --method group-sequential: how the error is spent, obrien-fleming, pocock or power:R.
    #[arg(long, value_name = "HOW", default_value = "obrien-fleming")]
    spending: Spends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Once, when all that was planned is there: Welch's test for means, the normal approximation with
    /// each arm's own variance for proportions and ratios.
    Fixed,
    /// As often as you like: an asymptotic confidence sequence.
    Sequential,
    /// At looks that were settled before: repeated intervals and p values after Lan and DeMets.
    GroupSequential,
    /// What is to be believed, with no opinion before: credible intervals, the chance to win, and
    /// what either choice costs on average if it is the wrong one.
    Bayesian,
}

#[derive(Serialize)]
struct Figures {
    absolute: Told,
    relative: Option<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chance_to_win: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<Risk>,
}

#[derive(Serialize)]
struct Told {
    effect: f64,
    low: f64,
    high: f64,
    p_value: Option<f64>,
}

#[derive(Serialize)]
struct Risk {
    treatment: f64,
    control: f64,
}

impl From<Effect> for Told {
    fn from(Effect { effect, low, high, p_value }: Effect) -> Told {
        Told { effect, low, high, p_value: Some(p_value) }
    }
}

impl From<Belief> for Told {
    fn from(belief: Belief) -> Told {
        Told { effect: belief.difference, low: belief.low, high: belief.high, p_value: None }
    }
}

impl Compare {
    pub fn answer(&self) -> Result<Answer, Mistake> {
        let arms = Arms::of(self.metric, &self.arms)?;
        let compared = arms.compare()?;
        let figures = if self.method == Method::Bayesian {
            self.believed(&arms, compared.absolute, compared.relative.ok())?
        } else {
            let told = |estimate| self.told(estimate, compared.units).map(Told::from);
            Figures {
                absolute: told(compared.absolute)?,
                relative: compared.relative.ok().map(told).transpose()?,
                chance_to_win: None,
                risk: None,
            }
        };
        let text = self.said(&arms, &figures);
        Answer::new(&figures, text)
    }

    fn told(&self, estimate: Estimate, units: f64) -> Result<Effect, Mistake> {
        let alpha = self.alpha.0;
        Ok(match self.method {
            Method::Fixed | Method::Bayesian => estimate.fixed(alpha)?,
            Method::Sequential => {
                let planned = self.planned.ok_or_else(|| {
                    Mistake::new("--method sequential needs --planned")
                        .hint("say how many units of both arms together are planned")
                })?;
                always_valid::effect(estimate, units, alpha, planned)?
            }
            Method::GroupSequential => {
                let look = self.look.ok_or_else(|| {
                    Mistake::new("--method group-sequential needs --look")
                        .hint("say which look this is of how many, such as --look 2/5")
                })?;
                let parts = boundaries::equal(look.of)?;
                boundaries::effect(estimate, &parts[..look.at as usize], self.spending.0, alpha)?
            }
        })
    }

    /// Proportions from even priors; means and ratios from none, as large as arms are.
    fn believed(
        &self,
        arms: &Arms,
        absolute: Estimate,
        relative: Option<Estimate>,
    ) -> Result<Figures, Mistake> {
        let alpha = self.alpha.0;
        let belief = match arms {
            Arms::Proportions([control, treatment]) => {
                bayes::proportions(*control, *treatment, Beta { a: 1.0, b: 1.0 }, alpha)?
            }
            _ => bayes::means(absolute, None, alpha)?,
        };
        let relative = relative.map(|relative| bayes::means(relative, None, alpha)).transpose()?;
        let risk = Risk { treatment: belief.risk_of_treatment, control: belief.risk_of_control };
        Ok(Figures {
            absolute: Told::from(belief),
            relative: relative.map(Told::from),
            chance_to_win: Some(belief.chance_to_win),
            risk: Some(risk),
        })
    }

    fn said(&self, arms: &Arms, figures: &Figures) -> String {
        let [control, treatment] = arms.values();
        let is_share = self.metric == Metric::Proportion;
        let value =
            |value: f64| if is_share { words::percent(value) } else { words::figure(value) };
        let mut text = format!("Control {}, treatment {}.\n\n", value(control), value(treatment));
        let Told { low, high, .. } = figures.absolute;
        let sure = words::percent(1.0 - self.alpha.0);
        text.push_str(&if low > 0.0 || high < 0.0 {
            format!("The treatment is {}.\n", if low > 0.0 { "higher" } else { "lower" })
        } else {
            "Nobody can tell yet which one is higher.\n".to_owned()
        });
        if let Some(Told { effect, low, high, .. }) = &figures.relative {
            let (effect, low, high) = (*effect, *low, *high);
            text.push_str(&format!(
                "  Change: {}, and with {sure} between {} and {}.\n",
                words::change(effect),
                words::change(low),
                words::change(high)
            ));
        }
        let unit = if is_share { " percentage points" } else { "" };
        let scale = if is_share { 100.0 } else { 1.0 };
        let scaled = |number: f64| words::figure(number * scale);
        text.push_str(&format!(
            "  Difference: {}, between {} and {}{unit}.\n",
            scaled(figures.absolute.effect),
            scaled(low),
            scaled(high)
        ));
        if let Some(p_value) = figures.absolute.p_value {
            text.push_str(&format!(
                "  If there were no difference: {}.\n",
                words::p_value(p_value)
            ));
        }
        if let (Some(chance), Some(risk)) = (figures.chance_to_win, &figures.risk) {
            text.push_str(&format!(
                "  Chance that the treatment is higher: {}.\n",
                words::percent(chance)
            ));
            text.push_str(&format!(
                "  Lost on average if it is not, and is taken: {}{unit}.\n",
                scaled(risk.treatment)
            ));
        }
        text
    }
}
