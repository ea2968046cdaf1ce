//! The tool "run time": how long an experiment must run.

use gate_core::evidence::{Align, Block, Column, Page, PageSchema, TableEvidence, TableSchema};
use gate_core::{Json, Problem, Tool, input_schema, read_input};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::judge::data::effect::reach;
use crate::settings::{Analysis, Method};
use crate::values::{Points, Share};
use crate::words::{count, percent, times};

/// Its name.
pub(crate) const ID: &str = "run-time";
/// Weeks from which on nobody waits.
const LONG: f64 = 12.0 * 7.0;

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// Such as 4.1%.
    #[schemars(title = "Share of visitors who do it today")]
    baseline: String,
    /// As a part of that share, such as 5%, or in percentage points, such as 0.2pp.
    #[schemars(title = "Smallest change that matters")]
    detect: String,
    /// In all arms together.
    #[schemars(title = "Visitors a day", range(min = 1))]
    visitors_per_day: f64,
    /// The control included.
    #[serde(default = "two")]
    #[schemars(title = "Arms", range(min = 2, max = 100))]
    arms: u32,
}

fn two() -> u32 {
    2
}

pub(crate) fn tool() -> Tool {
    Tool { id: ID, title: "How long must I run this?", input: input_schema::<Input>, run }
}

fn run(input: Json) -> Result<Page, Vec<Problem>> {
    let input: Input = read_input(input)?;
    let mut wrong = Vec::new();
    let mut refuse = |field: &str, message: String, hint: &str| {
        wrong.push(Problem::of_field(field, message).hint(hint));
    };
    let baseline = input.baseline.parse::<Share>().map(|Share(share)| share);
    match &baseline {
        Ok(share) if *share > 0.0 && *share < 1.0 => {}
        Ok(_) => refuse("baseline", "a share lies between 0% and 100%".to_owned(), "such as 4.1%"),
        Err(message) => refuse("baseline", message.clone(), "such as 4.1%"),
    }
    let share = baseline.unwrap_or(0.5);
    let points = input.detect.parse::<Points>().map(|Points(points)| points);
    let by = points.or_else(|_| input.detect.parse::<Share>().map(|Share(part)| share * part));
    match &by {
        Ok(by) if *by != 0.0 && share + by > 0.0 && share + by < 1.0 => {}
        Ok(by) => {
            let message = format!("it would lead to {}", percent(share + by));
            refuse("detect", message, "give a change that stays between 0% and 100%");
        }
        Err(message) => refuse("detect", message.clone(), "such as 5%, or 0.2pp"),
    }
    if !(input.visitors_per_day.is_finite() && input.visitors_per_day >= 1.0) {
        let hint = "give it 1 or more";
        refuse("visitors_per_day", "with nobody a day it takes for ever".to_owned(), hint);
    }
    if !(2..=100).contains(&input.arms) {
        refuse("arms", "an experiment has two arms or more".to_owned(), "such as 2");
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let by = by.unwrap_or_default();
    Ok(page(share, by, input.visitors_per_day, f64::from(input.arms)))
}

/// Visitors of all arms until a change is seen with these odds.
fn needed(share: f64, by: f64, arms: f64, method: Method) -> Option<f64> {
    let analysis = Analysis { method, ..Analysis::default() };
    let reach = reach(&analysis, analysis.alpha.fraction() / (arms - 1.0)).ok()?;
    let spread = share * (1.0 - share) + (share + by) * (1.0 - share - by);
    Some((reach / by).powi(2) * spread * arms)
}

fn page(share: f64, by: f64, per_day: f64, arms: f64) -> Page {
    let ways = [
        ("Looked at whenever you like", Method::AlwaysValid),
        ("Looked at once, at the end", Method::Fixed),
    ];
    let found = ways.map(|(name, method)| {
        let visitors = needed(share, by, arms, method).unwrap_or(f64::INFINITY).ceil();
        let days = (visitors / per_day).ceil();
        // Whole weeks: people do other things at weekends.
        (name, visitors, days, ((days / 7.0).ceil() * 7.0).max(7.0))
    });
    let [(_, visitors, _, whole), (_, _, _, once)] = found;
    let change = format!("from {} to {}", percent(share), percent(share + by));
    let said = if whole > LONG {
        format!(
            "That is out of reach: to see a change {change} takes {} visitors, {} at this traffic. \
             Look for a larger change, on a page with more visitors, or for something that more of \
             them do.",
            count(visitors),
            times(whole / 7.0, "week")
        )
    } else {
        format!(
            "About {} to see a change {change}, looked at whenever you like; {} if you look once, at \
             the end.",
            times(whole, "day"),
            times(once, "day")
        )
    };
    let column = |name: &str, align| Column { name: name.to_owned(), unit: None, align };
    let row = |(name, visitors, days, whole): &(&str, f64, f64, f64)| {
        vec![
            Json::from(*name),
            Json::from(count(*visitors)),
            Json::from(count((visitors / arms).ceil())),
            Json::from(count(*days)),
            Json::from(count(*whole)),
        ]
    };
    Page {
        schema: PageSchema::V1,
        title: "How long must I run this?".to_owned(),
        blocks: vec![
            Block::Text(said),
            Block::Table(TableEvidence {
                schema: TableSchema::V1,
                columns: vec![
                    column("", Align::Left),
                    column("Visitors", Align::Right),
                    column("In each arm", Align::Right),
                    column("Days", Align::Right),
                    column("In whole weeks", Align::Right),
                ],
                rows: found.iter().map(row).collect(),
                note: Some(
                    "seen 80 times in 100 where there is such a change, and 5 times in 100 where \
                     there is none"
                        .to_owned(),
                ),
            }),
        ],
    }
}

#[cfg(test)]
mod tests {
    use gate_core::json;

    use super::*;

    #[test]
    fn answers() {
        let mut text = String::new();
        for (baseline, detect, per_day, arms) in
            [("4.1%", "5%", 8000.0, 2), ("4.1%", "0.2pp", 60_000.0, 3), ("0.5%", "1%", 500.0, 2)]
        {
            let input = json!({
                "baseline": baseline, "detect": detect, "visitors_per_day": per_day, "arms": arms
            });
            let page = run(input.clone()).unwrap();
            text.push_str(&format!("{input}\n"));
            for block in page.blocks {
                match block {
                    Block::Text(said) => text.push_str(&format!("{said}\n")),
                    Block::Table(table) => {
                        for row in table.rows {
                            text.push_str(&format!("  {}\n", json!(row)));
                        }
                    }
                    _ => {}
                }
            }
        }
        insta::assert_snapshot!("run_times", text);
    }

    #[test]
    fn every_wrong_field_is_named_with_a_hint() {
        let input = json!({ "baseline": "4", "detect": "x", "visitors_per_day": 0.0, "arms": 1 });
        let problems = run(input).unwrap_err();
        let paths: Vec<&str> = problems.iter().map(|one| one.path[0].as_str()).collect();
        assert_eq!(paths, ["baseline", "detect", "visitors_per_day", "arms"]);
        assert!(problems.iter().all(|one| one.hint.is_some()));
    }

    #[test]
    fn one_look_takes_as_long_as_the_calculator_says() {
        let visitors = needed(0.5, 0.25, 2.0, Method::Fixed).unwrap() / 2.0;
        // R's power.prop.test has 57.7 for a power of 0.8 with the pooled variance under no effect.
        assert!((visitors - 55.0).abs() < 1.0, "{visitors}");
    }
}
