//! A run with something to review: a real one, of a small site that has changed.

use serde_json::Value;

use crate::environment::Environment;
use crate::site::{Answer, Site};

/// A page with a button of this colour, and this above and below it.
fn page(colour: &str, above: &str, below: &str) -> Answer {
    Answer::Page(format!(
        "<!doctype html><title>Shop</title><style>body {{ font: 16px sans-serif; margin: 40px }} \
         a {{ background: {colour}; color: white; padding: 12px 24px; display: inline-block }} \
         .banner {{ background: #036; color: white; padding: 20px }} \
         .tile {{ width: 300px; height: 200px; background: #cde; margin: 40px 0 }}\
         </style><h1>Shop</h1>{above}<p>All there is</p><a class=cta href=/buy>Buy now</a>\
         <div class=tile></div>{below}<p>The foot of the page</p>"
    ))
}

const OLD: &str = "#0a7a5a";
const NEW: &str = "#c22020";
const TALL: &str = "<div class=tile></div><div class=tile></div><div class=tile></div>";

/// A workspace whose last run has failed:
///
/// - `/a`, `/b`, `/c`: the button has another colour, a group of three;
/// - `/d`: so has it, and something else has changed besides;
/// - `/long`: a banner was inserted above, and everything else has shifted;
/// - `/new`: a page that was never approved;
/// - `/same`: nothing.
pub(crate) fn changed() -> Environment {
    let old = |below| page(OLD, "", below);
    let paths = ["/a", "/b", "/c", "/d"];
    let mut pages: Vec<(&str, Answer)> = paths.iter().map(|&path| (path, old(""))).collect();
    pages.extend([("/long", old(TALL)), ("/same", old(""))]);
    let site = Site::serve(&pages);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let spec = |more| {
        format!(
            "gate: visual\nname: shop\nwith: {{ pages: [/a, /b, /c, /d, /long, /same{more}], \
             viewports: [{{ name: desk, width: 900, height: 600 }}] }}\n"
        )
    };
    let environment = Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", &spec(""))]);
    run(&environment, 3);
    let approved = environment.gate(&["approve", "--all", "--reason", "first", "--by", "Ada"]);
    assert_eq!(approved.code, 0, "{}", approved.stderr);

    for path in &paths[..3] {
        site.set(path, page(NEW, "", ""));
    }
    site.set("/d", page(NEW, "", "<div class=banner>An offer</div>"));
    site.set("/long", page(OLD, "<div class=banner>New</div>", TALL));
    site.set("/new", old(""));
    environment.write("specs/shop.yaml", &spec(", /new"));
    run(&environment, 1);
    environment
}

fn run(environment: &Environment, code: i32) -> Value {
    let ended = environment.gate(&["run", "--json"]);
    assert_eq!(ended.code, code, "{}{}", ended.stderr, ended.stdout);
    ended.json()
}

/// A plug-in whose checks have facets.
const MANY: &str = r#"#!/usr/bin/env python3
import json, sys
say = lambda line: print(json.dumps(line), flush=True)
request = json.loads(sys.stdin.readline())
requests = ["describe", "measure", "judge"]
say({"hello": {"protocol": 1, "kind": "many", "version": "1.0", "requests": requests}})
schema = {"type": "object", "properties": {"checks": {"type": "integer"}}}
def check(n):
    facets = {"page": f"/page-{n // 2}", "viewport": ["phone", "desktop"][n % 2]}
    verdict = "pass" if n % 10 else "fail"
    return {"id": f"c{n}", "title": f"check {n}", "verdict": verdict, "message": "looked at",
            "metrics": [], "facets": facets}
if request["request"] == "describe":
    say({"result": {"about": "checks many things", "schema": schema}})
elif request["request"] == "measure":
    say({"result": {"observation": {"checks": request["with"]["checks"]}}})
else:
    checks = range(request["observation"]["checks"])
    say({"result": {"outcome": {"checks": [check(n) for n in checks]}}})
"#;

/// A workspace whose last run has so many checks, a tenth of which has failed.
pub(crate) fn many(checks: usize) -> Environment {
    let environment = Environment::new(&[
        ("gate.yaml", "plugins:\n  - { kind: many, command: [./many] }\n"),
        ("specs/a.yaml", &format!("gate: many\nname: a\nwith: {{ checks: {checks} }}\n")),
        ("many", MANY),
    ]);
    crate::exit_codes::make_executable(&environment.path().join("many"));
    run(&environment, 1);
    environment
}
