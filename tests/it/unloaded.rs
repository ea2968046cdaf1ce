//! What a page no longer gets is named, also when the picture does not show it.

use crate::environment::Environment;
use crate::site::{Answer, Site};

/// A page with a picture of its own in it, and a script that changes nothing.
fn page() -> Answer {
    Answer::Page(
        "<!doctype html><title>Shop</title><h1>Shop</h1><script src=/track.js></script>\
         <img src=/hero.svg alt='' width=100 height=50><img src=http://127.0.0.1:1/ad.png alt=''>"
            .to_owned(),
    )
}

fn hero(colour: &str) -> Answer {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='100' height='50'>";
    Answer::Svg(format!("{svg}<rect width='100' height='50' fill='{colour}'/></svg>"))
}

fn site() -> Site {
    Site::serve(&[
        ("/", page()),
        ("/hero.svg", hero("teal")),
        ("/track.js", Answer::Page(String::new())),
    ])
}

fn check(environment: &Environment, expect: (i32, &str, &str)) {
    let ended = environment.gate(&["run", "--env", "test", "--json"]);
    let check = &ended.json()["gates"][0]["checks"][0];
    let message = check["message"].as_str().unwrap();
    assert!(message.contains(expect.2), "{message}");
    // What never loaded is nothing new.
    assert!(expect.0 == 3 || !message.contains("ad.png"), "{message}");
    assert_eq!((ended.code, &check["verdict"]), (expect.0, &expect.1.into()), "{message}");
}

#[test]
fn what_is_lost_is_named() {
    for against in ["live", "baselines"] {
        let (test, live) = (site(), site());
        let config = format!(
            "environments:\n  test: {{ url: \"{}\" }}\n  live: {{ url: \"{}\" }}\n",
            test.url, live.url
        );
        let spec = format!("gate: visual\nname: a\nwith: {{ pages: [/], against: {against} }}\n");
        let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", &spec)]);
        if against == "baselines" {
            let first = "no approved picture to compare with; 127.0.0.1/ad.png did not load";
            check(&environment, (3, "inconclusive", first));
            let approve = ["approve", "--all", "--reason", "first", "--by", "Kim"];
            assert_eq!(environment.gate(&approve).code, 0);
        }
        check(&environment, (0, "pass", "looks the same as"));
        let gone = || Answer::Status(404, "gone".to_owned());
        test.set("/track.js", gone());
        check(&environment, (0, "warn", "but unlike before, /track.js answered 404"));
        test.set("/hero.svg", gone());
        let both = "; unlike before, /hero.svg answered 404, /track.js answered 404";
        check(&environment, (1, "fail", both));
    }
}
