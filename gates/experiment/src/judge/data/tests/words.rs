//! What people read.

use serde_json::json;

use super::synthetic::{Defect, World, spec};
use super::*;
use crate::report::Report;
use crate::settings::Settings;

fn report(spec: &Settings, world: World) -> String {
    let seen = world.seen(spec);
    let judged = judge(spec, &seen).unwrap();
    let at = "2026-11-22T06:00:00Z".parse().unwrap();
    let report = Report { name: "spring-hero", spec, seen: &seen, judged: &judged, seed: 7, at };
    format!("[{}] {}", judged.verdict().word(), report.text())
}

fn check(name: &str, with: &gate_core::Json, world: World) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, report(&spec(with), world));
    });
}

#[test]
fn reports() {
    let all = json!({});
    let world = World::default();
    check("not_yet", &all, World { visitors: 3000, days: 9, ..world });
    let many = World { visitors: 40_000, ..world };
    check("better", &all, World { lift: 0.2, ..many });
    check("worse", &all, World { lift: -0.25, ..many });
    check("no_difference", &json!({ "success": { "detect": "25%" } }), many);
    check("harmed", &all, World { lift: 0.1, defect: Some(Defect::HarmedRevenue), ..many });
    check(
        "better_but_open",
        &json!({ "must_not_harm": { "visits": "0.5%" } }),
        World { lift: 0.2, ..many },
    );
    check("not_to_be_trusted", &all, World::with(Defect::SkewedSplit));
    check(
        "over_counted",
        &json!({ "success": { "baseline": "10%" } }),
        World::with(Defect::IdsDoubled),
    );
    check("too_few", &all, World { visitors: 60, days: 3, ..world });
    check("first_days", &all, World { visitors: 40_000, days: 3, lift: 0.25, ..world });
    let fixed = json!({ "analysis": { "method": "fixed" }, "success": { "visitors": 20_000 } });
    check("too_early", &fixed, world);
    let looks = json!({
        "analysis": { "method": "group-sequential", "looks": 4 }, "success": { "visitors": 40_000 }
    });
    check("at_a_look", &looks, World { lift: 0.25, visitors: 21_000, ..world });
    check(
        "believed",
        &json!({ "analysis": { "method": "bayesian" } }),
        World { lift: 0.2, ..many },
    );
}
