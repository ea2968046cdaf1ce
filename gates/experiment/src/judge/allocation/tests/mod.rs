mod cases;
mod clean;
mod defects;

use gate_core::Verdict;
use serde_json::json;

use cases::*;
use clean::clean;

#[test]
fn exclusive_experiments_may_share_a_namespace() {
    let checks = namespaces(0.5).checks();
    assert!(checks.iter().all(|check| check.verdict == Verdict::Pass), "{checks:#?}");
}

#[test]
fn what_people_read() {
    let mut text = String::new();
    let cases = [
        ("clean", clean(0)),
        (
            "twice-wrong",
            Case::growthbook(
                &json!({"weights": [0.6, 0.4], "seed": "price"}),
                &json!({"also_running": [{"experiment": "price"}]}),
            ),
        ),
        ("torn", Case::growthbook(&json!({}), &json!({})).file("features.json", "{".to_owned())),
    ];
    for (name, case) in cases {
        let checks = case.checks();
        let verdict = Verdict::over(checks.iter().map(|check| check.verdict));
        text.push_str(&crate::commands::simulate::said(name, verdict, &checks));
        text.push('\n');
    }
    insta::assert_snapshot!("what_people_read", text);
}
