//! In a terminal.

use gate_core::{Check, Json, Verdict};

use super::{COME, HARM, MORE, NEXT, Report, TIME, TRUST};

impl Report<'_> {
    /// The whole of it as text.
    pub(crate) fn text(&self) -> String {
        let judged = self.judged;
        let mut text = format!("{}\n\n", judged.headline);
        text.push_str(&format!("  Hypothesis: {}\n", self.spec.hypothesis));
        text.push_str(&format!("  Owner: {}\n", self.spec.owner));
        text.push_str(&format!("  Arms: {}\n", self.split()));
        if let Some(left) = self.days_left() {
            text.push_str(&format!("  Days left: {left}\n"));
        }
        checks(&mut text, TRUST, &judged.trust);
        checks(&mut text, TIME, &judged.time);
        if judged.is_trusted {
            self.lifts(&mut text);
        }
        checks(&mut text, HARM, &judged.guards);
        checks(&mut text, MORE, &judged.more);
        text.push_str(&format!("\n{NEXT}\n  {}\n", judged.next));
        text.push_str(&format!("\n{}\n", self.method()));
        text
    }

    /// The metric of the success in each arm.
    fn lifts(&self, text: &mut String) {
        let table = self.table();
        if table.rows.is_empty() {
            return;
        }
        let what = table.columns.get(2).map_or("", |column| column.name.as_str());
        text.push_str(&format!("\n{COME}\n"));
        for row in &table.rows {
            let cell = |at: usize| row.get(at).and_then(Json::as_str).unwrap_or("not known");
            let change = row.get(3).and_then(Json::as_str);
            let change = change.map_or_else(String::new, |change| format!(", {change}"));
            let (arm, visitors, value) = (cell(0), cell(1), cell(2));
            text.push_str(&format!("  {arm}: {visitors} visitors, {what} {value}{change}\n"));
        }
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
        if let Some(advice) = check.advice.as_ref().filter(|_| check.verdict != Verdict::Pass) {
            text.push_str(&format!("  {:<12} {advice}\n", ""));
        }
    }
}
