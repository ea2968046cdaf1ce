//! The browsers beside Chromium, where they are installed.

use crate::environment::Environment;
use crate::site::{Site, page};

/// Says on the way that a browser cannot be tried, when one of its programs is missing.
#[expect(clippy::print_stdout, reason = "a test that did not run has to say so")]
#[expect(clippy::disallowed_methods, reason = "the tools of the machine are found by the PATH")]
fn can_be_tried(test: &str, folder: &str, programs: &[&str]) -> Option<String> {
    let path = format!("{}:{folder}", std::env::var("PATH").unwrap());
    for program in programs {
        let is_there = |folder| std::path::Path::new(folder).join(program).is_file();
        if !path.split(':').any(is_there) {
            println!("{test} was not tried: {program} is not installed");
            return None;
        }
    }
    Some(path)
}

/// Two pages: photographed, approved, the same again, and one of them with another colour.
fn check(browser: &str, path: &str) {
    let site = Site::serve(&[("/", page("#0a7", "Shop")), ("/about", page("#0a7", "About us"))]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let spec = format!(
        "gate: visual\nname: shop\nwith:\n  pages: [/, /about]\n  browsers: [{browser}]\n  \
         viewports: [{{ name: phone, width: 320, height: 600 }}]\n"
    );
    let files = [("gate.yaml", config.as_str()), ("specs/shop.yaml", &spec)];
    let environment = Environment::new(&files).with("PATH", path);
    let run = |code: i32| {
        let ended = environment.gate(&["run", "--json"]);
        assert_eq!(ended.code, code, "{}{}", ended.stderr, ended.stdout);
        let report = ended.json();
        let checks = report["gates"][0]["checks"].as_array().unwrap().clone();
        let verdict = |check: &serde_json::Value| {
            format!("{}: {}", check["id"].as_str().unwrap(), check["verdict"].as_str().unwrap())
        };
        checks.iter().map(verdict).collect::<Vec<_>>()
    };
    let view = |page: &str, verdict: &str| format!("{page}-phone-{browser}: {verdict}");
    let first = [view("home", "inconclusive"), view("about", "inconclusive")];
    assert_eq!(run(3), first, "there is nothing to compare with");
    let approve = ["approve", "--all", "--reason", "first", "--by", "Kim"];
    assert_eq!(environment.gate(&approve).code, 0);
    let baselines = environment.path().join("specs/shop.baselines/shop");
    let picture = std::fs::read(baselines.join(format!("home-phone-{browser}.png"))).unwrap();
    // A picture begins with its size.
    assert_eq!(u32::from_be_bytes(picture[16..20].try_into().unwrap()), 320);
    assert_eq!(run(0), [view("home", "pass"), view("about", "pass")]);
    site.set("/about", page("#c22", "About us"));
    assert_eq!(run(1), [view("home", "pass"), view("about", "fail")]);
}

#[test]
fn two_pages_in_firefox() {
    let programs = ["geckodriver", "firefox"];
    let Some(path) = can_be_tried("two_pages_in_firefox", "/opt/geckodriver/bin", &programs) else {
        return;
    };
    check("firefox", &path);
}

#[test]
fn two_pages_in_webkit() {
    let libraries = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1:/usr/lib/x86_64-linux-gnu/\
                     webkit2gtk-4.0:/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1";
    let programs = ["Xvfb", "MiniBrowser"];
    let Some(path) = can_be_tried("two_pages_in_webkit", libraries, &programs) else { return };
    check("webkit", &path);
}

#[test]
fn a_browser_elsewhere_is_chromium_and_asked_for_in_json() {
    let site = Site::serve(&[("/", page("#0a7", "Shop"))]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let says = |browser: &str, capabilities: &str, says: &str| {
        let spec =
            format!("gate: visual\nname: a\nwith: {{ pages: [/], browsers: [{browser}] }}\n");
        let environment = Environment::new(&[("gate.yaml", &config), ("specs/a.yaml", &spec)])
            .with("SELENIUM_REMOTE_URL", "http://127.0.0.1:1/")
            .with("SELENIUM_REMOTE_CAPABILITIES", capabilities);
        let ended = environment.gate(&["run"]);
        assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
    };
    says("firefox", "{}", "firefox cannot be used elsewhere");
    says("chromium", "{\"a\": hush}", "is no JSON object (line 1, column 7)");
    says("chromium", "[]", "is no JSON object");
}
