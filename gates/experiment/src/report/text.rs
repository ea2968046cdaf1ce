//! In a terminal.

use gate_core::Check;

use super::{COME, HARM, MORE, NEXT, Report, TIME, TRUST};
use crate::judge::data::lift::Lift;
use crate::words::{list, rough};

impl Report<'_> {
    /// The whole of it as text.
    pub(crate) fn text(&self) -> String {
        let judged = self.judged;
        let mut text = format!("{}\n\n", judged.headline);
        text.push_str(&format!("  Hypothesis: {}\n", self.spec.hypothesis));
        text.push_str(&format!("  Owner: {}\n", self.spec.owner));
        text.push_str(&format!("  Arms: {}\n", self.split()));
        if let Some(left) = self.days_left() {
            text.push_str(&format!("  Days left: about {left}\n"));
        }
        checks(&mut text, TRUST, &judged.trust);
        checks(&mut text, TIME, &judged.time);
        if judged.is_trusted {
            lifts(&mut text, COME, &judged.primary);
        }
        checks(&mut text, HARM, &judged.guards);
        checks(&mut text, MORE, &judged.more);
        text.push_str(&format!("\n{NEXT}\n  {}\n", judged.next));
        text.push_str(&format!("\n{}\n", self.method()));
        text
    }
}

fn checks(text: &mut String, title: &str, checks: &[Check]) {
    if checks.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}\n"));
    for check in checks {
        let word = check.verdict.word();
        text.push_str(&format!("  {word:<12} {}: {}\n", check.title, check.message));
        if let Some(advice) = check.advice.as_ref().filter(|_| check.verdict.blocks()) {
            text.push_str(&format!("  {:<12} {advice}\n", ""));
        }
    }
}

fn lifts(text: &mut String, title: &str, lifts: &[Lift]) {
    let told: Vec<String> = lifts
        .iter()
        .filter_map(|lift| {
            let told = lift.relative?;
            let change = list(&[rough(told.low), rough(told.high)]);
            Some(format!(
                "  {} {}: {}, between {change}\n",
                lift.arm,
                lift.metric,
                rough(told.effect)
            ))
        })
        .collect();
    if !told.is_empty() {
        text.push_str(&format!("\n{title}\n{}", told.concat()));
    }
}
