//! The tool "colour difference": what the threshold of a gate means for two colours.

use gate_core::evidence::{Align, Block, Column, Page, PageSchema, TableEvidence, TableSchema};
use gate_core::{Json, Problem, Tool, input_schema, read_input};
use schemars::JsonSchema;
use serde::Deserialize;
use visual_diff::{ColourDistance, Metric, colour_distance};

use crate::settings::Threshold;

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// As in CSS: #0a7a5a, #fff or rgb(10, 122, 90).
    #[schemars(title = "Colour in the baseline")]
    baseline: String,
    /// As in CSS: #0a7a5a, #fff or rgb(10, 122, 90).
    #[schemars(title = "Colour in the candidate")]
    candidate: String,
    /// From which distance on two colours differ, as the gate's settings say it.
    #[serde(default)]
    #[schemars(title = "Threshold")]
    threshold: Threshold,
}

pub(crate) fn tool() -> Tool {
    Tool {
        id: "colour-difference",
        title: "Would a pixel of another colour count as changed?",
        input: input_schema::<Input>,
        run,
    }
}

fn run(input: Json) -> Result<Page, Vec<Problem>> {
    let input: Input = read_input(input)?;
    let read = |field: &str, text: &str| {
        colour(text).ok_or_else(|| {
            Problem::of_field(field, format!("`{text}` is no colour without transparency"))
                .hint("write #0a7a5a, #fff or rgb(10, 122, 90)")
        })
    };
    match (read("baseline", &input.baseline), read("candidate", &input.candidate)) {
        (Ok(before), Ok(after)) => Ok(page(before, after, input.threshold.0)),
        (before, after) => Err([before.err(), after.err()].into_iter().flatten().collect()),
    }
}

/// Red, green and blue.
fn colour(text: &str) -> Option<[u8; 3]> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let digits: Vec<u8> = digits.chars().map(digit).collect::<Option<_>>()?;
        let channels: Vec<u8> = match digits.len() {
            3 => digits.iter().map(|digit| digit * 17).collect(),
            6 => digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect(),
            _ => return None,
        };
        return channels.try_into().ok();
    }
    let inside = text.strip_prefix("rgb(")?.strip_suffix(')')?;
    let numbers = inside.split([',', ' ']).filter(|part| !part.is_empty()).map(str::parse);
    numbers.collect::<Result<Vec<u8>, _>>().ok()?.try_into().ok()
}

fn page(before: [u8; 3], after: [u8; 3], threshold: f64) -> Page {
    let measures = [
        ("yiq", "as pixelmatch counts", Metric::Yiq),
        ("oklab", "closer to the eye", Metric::Oklab),
    ];
    let found =
        measures.map(|(name, about, metric)| (name, about, colour_distance(before, after, metric)));
    let title = format!("{} and {}", hex(before), hex(after));
    let mut blocks: Vec<Block> = found
        .iter()
        .map(|(name, _, found)| Block::Text(sentence(name, found, threshold)))
        .collect();
    blocks.push(Block::Table(table(&found, threshold)));
    blocks.push(Block::Text(
        "A pixel that only smooths an edge does not count however far it is, unless the gate says \
         count_antialiased."
            .to_owned(),
    ));
    Page { schema: PageSchema::V1, title, blocks }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn sentence(name: &str, found: &ColourDistance, threshold: f64) -> String {
    if found.brightness_share().is_none() {
        return format!("With {name} it never counts: the colours are the same.");
    }
    match (found.counts(threshold), least_without(found)) {
        (true, Some(least)) => format!(
            "With {name} it counts as changed at the threshold {threshold}; from {least} on it would not."
        ),
        (_, None) => format!("With {name} it counts as changed at any threshold."),
        (false, Some(least)) => {
            let most = ((least * STEPS).round() - 1.0) / STEPS;
            format!(
                "With {name} it does not count at the threshold {threshold}; up to {most} it would."
            )
        }
    }
}

/// How finely thresholds are said.
const STEPS: f64 = 10_000.0;

/// The least threshold, in four digits, at which it does not count; none when it counts at 1.
fn least_without(found: &ColourDistance) -> Option<f64> {
    // The engine itself says on which side of a rounding a threshold lies.
    let first = (found.distance() * STEPS).floor();
    let near = (0..=2).map(|more| (first + f64::from(more)) / STEPS);
    near.take_while(|&at| at <= 1.0).find(|&at| !found.counts(at))
}

fn table(found: &[(&str, &str, ColourDistance)], threshold: f64) -> TableEvidence {
    let column = |name: &str, unit: Option<&str>, align| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        align,
    };
    let rounded = |value: f64| Json::from((value * STEPS).round() / STEPS);
    let percent = |share: f64| Json::from((share * 1000.0).round() / 10.0);
    let row = |(name, about, found): &(&str, &str, ColourDistance)| {
        let brightness = found.brightness_share();
        vec![
            Json::from(format!("{name}, {about}")),
            rounded(found.distance()),
            Json::from(found.counts(threshold)),
            least_without(found).map_or(Json::Null, Json::from),
            brightness.map_or(Json::Null, percent),
            brightness.map_or(Json::Null, |share| percent(1.0 - share)),
        ]
    };
    TableEvidence {
        schema: TableSchema::V1,
        columns: vec![
            column("Measure", None, Align::Left),
            column("Distance", None, Align::Right),
            column("Counts", None, Align::Left),
            column("Not from threshold", None, Align::Right),
            column("Brightness", Some("%"), Align::Right),
            column("Colour", Some("%"), Align::Right),
        ],
        rows: found.iter().map(row).collect(),
        note: Some("yiq: shares of the squared distance; oklab: of the distance".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use gate_core::json;

    use super::*;

    fn texts(page: &Page) -> Vec<&str> {
        let texts = page.blocks.iter().filter_map(|block| match block {
            Block::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn colours_are_written_as_in_css() {
        let check = |text: &str, expect| assert_eq!(colour(text), expect, "{text}");
        check("#0a7a5a", Some([10, 122, 90]));
        check(" #0A7A5A ", Some([10, 122, 90]));
        check("#fff", Some([255, 255, 255]));
        check("rgb(10, 122, 90)", Some([10, 122, 90]));
        check("rgb(10 122 90)", Some([10, 122, 90]));
        for wrong in ["", "#", "#ff", "#0a7a5aff", "#gggggg", "rgb(1,2)", "rgb(1,2,256)", "red"] {
            check(wrong, None);
        }
    }

    #[test]
    fn what_is_said_is_what_a_comparison_would_do() {
        for (before, after, threshold) in [
            ([10, 122, 90], [194, 32, 32], 0.1),
            ([119, 119, 119], [122, 119, 119], 0.1),
            ([0, 0, 0], [255, 255, 255], 1.0),
            ([1, 2, 3], [1, 2, 3], 0.0),
        ] {
            for metric in [Metric::Yiq, Metric::Oklab] {
                let found = colour_distance(before, after, metric);
                let Some(least) = least_without(&found) else {
                    assert!(found.counts(1.0));
                    continue;
                };
                assert!(!found.counts(least), "{least}");
                assert!(least == 0.0 || found.counts(least - 1.0 / STEPS), "{least}");
            }
            let page = page(before, after, threshold);
            let same = before == after;
            assert_eq!(texts(&page)[0].contains("never counts"), same, "{page:?}");
        }
    }

    #[test]
    fn an_answer_says_it_in_words_and_in_numbers() {
        let input = json!({ "baseline": "#0a7a5a", "candidate": "#c22020", "threshold": 0.1 });
        insta::assert_snapshot!(serde_json::to_string_pretty(&run(input).unwrap()).unwrap());
    }

    #[test]
    fn every_wrong_colour_is_named_with_a_hint() {
        let input = json!({ "baseline": "green", "candidate": "#12" });
        let problems = run(input).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path[0].as_str()).collect();
        assert_eq!(paths, ["baseline", "candidate"]);
        assert!(problems.iter().all(|problem| problem.hint.as_deref().unwrap().contains("#fff")));
    }
}
