//! What moves on a page by itself is learnt, and is no change from then on.

use std::sync::Arc;

use crate::environment::Environment;
use crate::site::{Answer, Site};

/// A page on which a square stands somewhere else with every request, and a button that is always
/// there. It asks for nothing that a browser could hold still.
fn page(square: u32, button: &str) -> String {
    format!(
        "<!doctype html><style>body {{ margin: 0; height: 900px }} i {{ position: absolute; \
         left: 100px; top: {}px; width: 60px; height: 60px; background: #888 }}</style>\
         <h1>Shop</h1><i></i><p style='margin-top: 500px; background: {button}'>Buy</p>",
        100 + square * 10
    )
}

#[test]
fn what_was_learnt_is_no_change_and_everything_else_is() {
    let test = Site::serve(&[("/", Answer::Page(page(0, "#0a7")))]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", test.url);
    let spec = "gate: visual\nname: shop\nwith: { pages: [/], max_noise: 50% }\n";
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", spec)]);
    let run = || environment.gate(&["run", "--env", "test"]);
    let nothing = environment.gate(&["baseline", "learn", "--env", "test", "--captures", "2"]);
    assert_eq!(nothing.code, 3, "{}", nothing.stderr);
    assert!(nothing.stderr.contains("approve pictures first"), "{}", nothing.stderr);

    assert_eq!(run().code, 3);
    let approve = ["approve", "--all", "--reason", "first", "--by", "Kim"];
    assert_eq!(environment.gate(&approve).code, 0);
    test.set("/", Answer::Page(page(3, "#0a7")));
    assert_eq!(run().code, 1, "it has moved");

    // Every answer is another one while it learns.
    let turns = (0..5).map(|turn| page(turn, "#0a7")).collect();
    test.set("/", Answer::Turns(turns, Arc::default()));
    let learnt = environment.gate(&["baseline", "learn", "--env", "test", "--captures", "5"]);
    assert_eq!(learnt.code, 0, "{}{}", learnt.stderr, learnt.stdout);
    assert!(learnt.stdout.contains("move by themselves"), "{}", learnt.stdout);

    for square in [0, 2, 3] {
        test.set("/", Answer::Page(page(square, "#0a7")));
        let ended = run();
        assert_eq!(ended.code, 0, "{square}: {}{}", ended.stderr, ended.stdout);
    }
    for (square, button) in [(9, "#0a7"), (1, "#c22")] {
        test.set("/", Answer::Page(page(square, button)));
        let ended = run();
        assert_eq!(ended.code, 1, "{square}, {button}: {}{}", ended.stderr, ended.stdout);
    }

    // Another picture is approved: what moves elsewhere on it is known still.
    test.set("/", Answer::Page(page(4, "#c22")));
    let approved = |says: bool| {
        assert_eq!(run().code, 1);
        let ended = environment.gate(&["approve", "--all", "--reason", "new", "--by", "Kim"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let anew = "to be learnt anew after that: gate baseline learn --name shop";
        assert_eq!(ended.stdout.contains(anew), says, "{}", ended.stdout);
    };
    approved(false);
    test.set("/", Answer::Page(page(1, "#c22")));
    assert_eq!(run().code, 0, "it was carried over");
    // On a page of another height it is not, and that is said.
    let taller = |square| page(square, "#c22").replace("900px", "1000px");
    test.set("/", Answer::Page(taller(1)));
    approved(true);
    test.set("/", Answer::Page(taller(3)));
    assert_eq!(run().code, 1, "it has to be learnt anew");

    let ci = environment.with("CI", "true");
    let refused = ci.gate(&["baseline", "learn", "--env", "test"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
}
