use gate_core::spec::{Reading, SpecFile, With};

use super::*;

/// The spec of the manual.
pub(crate) const WHOLE: &str = "\
gate: experiment
name: spring-hero
with:
  hypothesis: A shorter hero brings more sign-ups
  owner: growth@example.com
  provider: { type: growthbook, config: features.json, experiment: spring-hero }
  split: { control: 50%, new_hero: 50% }
  unit: user_id
  before_launch:
    visitors: 300
    browsers: 12
    shows: { control: \"#hero-old\", new_hero: \"#hero-new\" }
    stays_after: [reload, new_page, login]
    records: { exposure: once, conversion: { event: signup, times: 1 } }
  data: { exposures: exposures.parquet, conversions: conversions.parquet }
  metrics:
    signup: { type: proportion, event: signup }
    revenue: { type: mean, column: amount, better: higher }
    page_load: { type: mean, column: load_ms, better: lower }
  success: { metric: signup, detect: 5%, within: 14 days }
  must_not_harm: { revenue: 1%, page_load: 2% }
";

/// Reads a spec as a run does: its settings, or what is wrong with them and where.
fn read(text: &str) -> Result<Settings, Vec<String>> {
    let none = |_: &str| None;
    let file = SpecFile::new("s.yaml".into(), "s.yaml".to_owned(), text.as_bytes());
    let told = |one: gate_core::spec::Diagnosis| {
        let hint = one.hint.as_deref().unwrap_or("no hint");
        let at = one.at.unwrap();
        format!("{}:{}: {} ({hint})", at.line, at.column, one.message)
    };
    let document = file.unwrap().documents(&none).remove(0).map_err(|one| vec![told(one)])?;
    let reading = Reading::expanding(&none);
    let with = With { node: &document.with, reading: &reading };
    let settings: Settings = with.read().map_err(|error| vec![told(document.diagnose(&error))])?;
    let problems = settings.problems();
    let found: Vec<String> = problems.iter().map(|one| told(document.locate(one))).collect();
    if found.is_empty() { Ok(settings) } else { Err(found) }
}

#[test]
fn the_spec_of_the_manual_is_read() {
    let settings = read(WHOLE).unwrap();
    assert_eq!(settings.arms(), ["control", "new_hero"]);
    assert_eq!(settings.shares(), [0.5, 0.5]);
    let data = settings.data.as_ref().unwrap();
    assert_eq!(data.exposures.arm, "arm");
    assert_eq!(data.exposures.time.as_deref(), Some("timestamp"));
    assert_eq!(data.tables(), ["exposures", "conversions"]);
    let revenue = &settings.metrics["revenue"];
    assert_eq!((revenue.table(&settings), revenue.better), ("conversions", Better::Higher));
    // It reads back from what a run stores of it.
    let stored: Settings = serde_json::from_value(json!(settings)).unwrap();
    assert_eq!(stored, settings);
}

#[test]
fn limits_do_not_shape_what_is_measured() {
    let measured = |text: &str| read(text).unwrap().measured_by();
    let other = |from: &str, to: &str| measured(&WHOLE.replace(from, to));
    assert_eq!(other("detect: 5%", "detect: 9%"), measured(WHOLE));
    assert_eq!(other("revenue: 1%", "revenue: 3%"), measured(WHOLE));
    assert_eq!(other("better: lower", "better: higher"), measured(WHOLE));
    assert_ne!(other("event: signup }", "event: login }"), measured(WHOLE));
    assert_ne!(other("column: amount", "column: net"), measured(WHOLE));
}

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let check = |from: &str, to: &str| {
        assert!(WHOLE.contains(from), "{from}");
        let found = read(&WHOLE.replacen(from, to, 1)).unwrap_err().join("\n");
        format!("{from:?} -> {to:?}\n{found}\n\n")
    };
    let mut text = String::new();
    for (from, to) in [
        ("new_hero: 50% }", "new_hero: 40% }"),
        ("control: 50%, new_hero: 50%", "control: 100%, new_hero: 0%"),
        ("control: 50%, new_hero: 50%", "old: 50%, new_hero: 50%"),
        ("control: 50%, new_hero", "control: 50, new_hero"),
        ("unit: user_id", "unit: \"\""),
        ("unit: user_id", "unit: user_id\n  control: contrl"),
        ("unit: user_id", "unit: user_id\n  started: 2.11.2026"),
        ("unit: user_id", "unit: user_id\n  visitors_per_day: 0"),
        ("unit: user_id", "unit: user_id\n  also_running: [{ experiment: spring-hero }]"),
        ("type: growthbook", "type: growthbok"),
        ("config: features.json, ", ""),
        ("config: features.json", "config: f.json, arms: { new: \"1\" }"),
        ("browsers: 12", "browsers: 400"),
        ("new_hero: \"#hero-new\"", "new-hero: \"#hero-new\""),
        ("\"#hero-new\"", "\"#hero-old\""),
        ("login]", "logn]"),
        ("times: 1", "times: 0"),
        ("login]", "login]\n    ramp_up: [50%, 5%]"),
        ("exposures.parquet,", "exposures.xlsx,"),
        ("exposures: exposures.parquet", "exposures: { from: e.csv, time: null }"),
        ("exposures: exposures.parquet", "exposures: { from: e.csv, arms: { new_hero: control } }"),
        ("exposures: exposures.parquet", "exposures: { from: e.csv, colum: arm }"),
        ("data: {", "data: { time_zone: Berlin,"),
        ("data: {", "data: { warehouse: { type: postgres },"),
        ("data: {", "data: { events: { exposures: e.csv },"),
        ("event: signup }\n    revenue", "event: signup, column: amount }\n    revenue"),
        ("type: mean, column: amount", "type: ratio, column: amount"),
        ("type: mean, column: amount", "type: ratio, event: a, over: { event: a }"),
        ("type: mean, column: amount", "type: mean, from: visits, column: amount"),
        ("type: mean, column: amount", "type: median, column: amount"),
        ("metric: signup", "metric: sign_up"),
        ("detect: 5%", "detect: 0%"),
        ("detect: 5%", "detect: 5%, baseline: 410%"),
        ("within: 14 days", "within: 14 hours"),
        ("revenue: 1%", "revenu: 1%"),
        ("revenue: 1%", "signup: 1%"),
        ("revenue: 1%", "revenue: 0%"),
        ("must_not_harm", "analysis: { method: sequential }\n  must_not_harm"),
        ("must_not_harm", "analysis: { method: group-sequential }\n  must_not_harm"),
        ("must_not_harm", "analysis: { alpha: 0%, looks: 4 }\n  must_not_harm"),
        ("  success: { metric: signup, detect: 5%, within: 14 days }\n", ""),
    ] {
        text.push_str(&check(from, to));
    }
    insta::assert_snapshot!("mistakes_in_specs", text);
}

#[test]
fn a_spec_can_be_of_data_alone() {
    let text = "\
gate: experiment
name: banner
with:
  hypothesis: A banner sells
  owner: shop
  split: { a: 33.33%, b: 33.33%, c: 33.33% }
  control: b
  unit: visitor
  data:
    exposures: { from: shop.exposures, arm: variant, segments: [country], person: account }
    events: { orders: { from: shop.orders, event: null, time: ordered_at } }
    warehouse: { type: postgres, connection: \"${secret:WAREHOUSE}\" }
    time_zone: Europe/Berlin
  metrics:
    basket: { type: ratio, column: total, from: orders, over: { column: pieces } }
  success: { metric: basket, detect: 2%, baseline: 37.5 }
";
    let settings = read(text).unwrap();
    assert_eq!(settings.arms(), ["b", "a", "c"]);
    assert!(settings.shares().iter().all(|share| (share - 1.0 / 3.0).abs() < 1e-15));
    assert_eq!(settings.data.as_ref().unwrap().event_tables()[0].0, "orders");
}
