//! Whether ids are those of single visitors.

use gate_core::{Check, Metric, Verdict};

use crate::judge::causes::Symptom;
use crate::seen::allocation::SeenAllocation;
use crate::words::{list, percent, times};

/// Which part of all lines may be wrong before it matters for the split.
const FEW: f64 = 0.001;

/// Checks of the team's own ids.
pub(super) fn checks(seen: &SeenAllocation) -> Vec<Check> {
    if !seen.is_own {
        return Vec::new();
    }
    let odd = &seen.odd;
    let placeholders: u64 = odd.placeholders.values().sum();
    let lines = (seen.ids + odd.empty + placeholders + odd.again) as f64;
    let part = |ids: u64| percent(ids as f64 / lines.max(1.0));
    let mut told: Vec<(u64, bool, String)> = Vec::new();
    if placeholders > 0 {
        let words = odd.placeholders.keys().map(|word| format!("`{word}`"));
        let words = list(&words.collect::<Vec<_>>());
        let (lines, are) = (times(placeholders as f64, "line"), are(placeholders));
        let message =
            format!("{lines} ({}) {are} {words}, which stands for no id", part(placeholders));
        told.push((placeholders, true, message));
    }
    if odd.empty > 0 {
        let message =
            format!("{} ({}) without an id", times(odd.empty as f64, "line"), part(odd.empty));
        told.push((odd.empty, false, message));
    }
    if odd.cut > 0 {
        let example = odd.cut_example.as_deref().unwrap_or_default();
        let message = format!(
            "{} ({}) {} cut short or rounded, such as `{example}`",
            times(odd.cut as f64, "id"),
            part(odd.cut),
            were(odd.cut)
        );
        told.push((odd.cut, true, message));
    }
    if odd.padded > 0 {
        let example = odd.padded_example.as_deref().unwrap_or_default();
        let message = format!(
            "{} ({}) with blanks or quotes around, such as `{example}`",
            times(odd.padded as f64, "id"),
            part(odd.padded)
        );
        told.push((odd.padded, false, message));
    }
    if odd.again > 0 {
        let most = odd.most.as_ref().map_or_else(String::new, |(id, ids)| {
            format!(", `{id}` {} times", crate::words::count(*ids as f64))
        });
        let message = format!(
            "{} ({}) {} there before{most}: duplicates",
            times(odd.again as f64, "line"),
            part(odd.again),
            were(odd.again)
        );
        told.push((odd.again, false, message));
    }
    let wrong: u64 = told.iter().map(|(ids, ..)| ids).sum();
    let share = wrong as f64 / lines.max(1.0);
    let (id, title) = ("ids", "Each id is one visitor's");
    let metric = Metric::new("share of lines that are wrong", share, "1");
    if told.is_empty() {
        let message = format!("nothing speaks against it: {}", seen.source);
        return vec![Check::new(id, title, Verdict::Pass, message).metric(metric)];
    }
    // Those who share a word for an id share an arm: a single one may be very many visitors.
    let is_certain = told.iter().any(|(_, is_certain, _)| *is_certain);
    let verdict = if is_certain || share > FEW { Verdict::Fail } else { Verdict::Warn };
    let messages: Vec<String> = told.into_iter().map(|(.., message)| message).collect();
    vec![
        Check::new(id, title, verdict, messages.join("; "))
            .metric(metric)
            .advice(Symptom::OddIds.advice()),
    ]
}

fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}
