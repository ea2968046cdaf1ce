//! Proposals and decisions, all the way.

use crate::environment::Environment;
use crate::site::{Site, page};

fn environment(live: &Site, test: &Site, against: &str) -> Environment {
    let config = format!(
        "environments:\n  live: {{ url: \"{}\" }}\n  test: {{ url: \"{}\" }}\n\
         promotions:\n  up: {{ candidate: test, baseline: live }}\n",
        live.url, test.url
    );
    let spec = format!("gate: visual\nname: shop\nwith: {{ pages: [/], against: {against} }}\n");
    Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", &spec)])
}

#[test]
fn an_intended_change_goes_all_the_way() {
    let live = Site::serve(&[("/", page("#0a7", "Shop"))]);
    let test = Site::serve(&[("/", page("#c22", "Shop"))]);
    let environment = environment(&live, &test, "promotion");
    let run = || environment.gate(&["run", "--promotion", "up"]);

    let differs = run();
    assert_eq!(differs.code, 1, "{}{}", differs.stderr, differs.stdout);
    let approved = environment.gate(&["approve", "--all", "--reason", "redesign", "--by", "Kim"]);
    assert_eq!(approved.code, 0, "{}", approved.stderr);
    let again = run();
    assert_eq!(again.code, 0, "{}{}", again.stderr, again.stdout);
    let explained = environment.gate(&["explain", "shop"]);
    assert!(explained.stdout.contains("accepted by Kim"), "{}", explained.stdout);
    assert!(explained.stdout.contains("redesign"), "{}", explained.stdout);

    test.set("/", page("#c22", "Shop, with a word more"));
    let more = run();
    assert_eq!(more.code, 1, "{}{}", more.stderr, more.stdout);

    // Taking the decision back brings the old verdict back.
    test.set("/", page("#c22", "Shop"));
    assert_eq!(run().code, 0);
    let id = approved.stdout.split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(environment.gate(&["undo", &id, "--by", "Kim"]).code, 0);
    assert_eq!(run().code, 1);
}

#[test]
fn a_first_picture_is_proposed_approved_and_undone() {
    let test = Site::serve(&[("/", page("#0a7", "Shop"))]);
    let environment = environment(&test, &test, "baselines");
    let run = || environment.gate(&["run", "--env", "test"]);
    assert_eq!(run().code, 3);
    let picture = "specs/shop.baselines/shop/home-desktop-chromium.png";
    assert!(!environment.path().join(picture).exists());

    let approve = ["approve", "--all", "--reason", "first", "--by", "Kim"];
    assert_eq!(environment.gate(&approve).code, 0);
    assert!(environment.path().join(picture).exists());
    assert!(environment.path().join(picture.replace(".png", ".json")).exists());
    assert_eq!(run().code, 0);

    test.set("/", page("#c22", "Shop"));
    let differs = run();
    assert_eq!(differs.code, 1, "{}{}", differs.stderr, differs.stdout);
    let before = std::fs::read(environment.path().join(picture)).unwrap();
    let approved = environment.gate(&approve);
    assert_eq!(approved.code, 0, "{}", approved.stderr);
    assert_ne!(std::fs::read(environment.path().join(picture)).unwrap(), before);
    // Deciding the same again is stale: the file is not what the run saw.
    assert_eq!(environment.gate(&approve).code, 1);
    let id = approved.stdout.split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(environment.gate(&["undo", &id, "--by", "Kim"]).code, 0);
    assert_eq!(std::fs::read(environment.path().join(picture)).unwrap(), before);

    let decisions =
        std::fs::read_to_string(environment.path().join("specs/gate-decisions.jsonl")).unwrap();
    assert_eq!(decisions.lines().count(), 3);
}
