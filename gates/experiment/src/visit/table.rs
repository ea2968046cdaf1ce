//! Single visitors, for people.

use gate_core::Json;
use gate_core::evidence::{Align, Column, TableEvidence, TableSchema};
use serde_json::json;

use super::seen::{Visitor, Visits, Way, When};

/// How many of those who came as a request are listed: the ones who saw what they should not.
const MOST: usize = 50;

/// Everybody who came in a browser, and those others who were not where they belong.
pub(super) fn table(seen: &Visits) -> TableEvidence {
    let column = |name: &str| Column { name: name.to_owned(), unit: None, align: Align::Left };
    let names = ["visitor", "came", "belongs in", "saw", "was reported", "came to no end"];
    let browsed = seen.visitors.iter().filter(|one| one.way == Way::Browser);
    let is_odd = |one: &&Visitor| {
        let other = |shown: &[String]| shown != one.predicted.as_slice();
        one.failed.is_some() || one.looks.iter().any(|look| other(&look.shown))
    };
    let odd = seen.visitors.iter().filter(|one| one.way == Way::Request).filter(is_odd);
    let left = odd.clone().count().saturating_sub(MOST);
    TableEvidence {
        schema: TableSchema::default(),
        columns: names.into_iter().map(column).collect(),
        rows: browsed.chain(odd.take(MOST)).map(row).collect(),
        note: Some(match left {
            0 => "all who came in a browser, and of the others those who did not see the variant that they \
                  belong in"
                .to_owned(),
            left => format!("{left} more who came as a request did not see the variant that they belong in"),
        }),
    }
}

fn row(one: &Visitor) -> Vec<Json> {
    // As it stands in a spec, and read aloud.
    let when = |when: When| json!(when).as_str().unwrap_or_default().replace('_', " ");
    let saw: Vec<String> = one
        .looks
        .iter()
        .map(|look| {
            let shown =
                if look.shown.is_empty() { "nothing".to_owned() } else { look.shown.join("+") };
            format!("{} {shown}", when(look.when))
        })
        .collect();
    let reported: Vec<String> = one
        .events
        .iter()
        .map(|event| {
            let arm = event.arm.as_ref().map(|arm| format!(" {arm}")).unwrap_or_default();
            let refused = match (event.is_cut, event.is_refused()) {
                (true, _) => " (given up)",
                (_, true) => " (not taken)",
                _ => "",
            };
            format!("{}{arm}{refused}", event.event)
        })
        .collect();
    let way = match one.way {
        Way::Browser => "in a browser",
        Way::Request => "as a request",
    };
    vec![
        json!(one.id),
        json!(way),
        json!(one.predicted),
        json!(saw.join(", ")),
        json!(reported.join(", ")),
        json!(one.failed),
    ]
}
