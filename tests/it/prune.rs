//! Approved pictures that no spec names any more are removed, and nothing else is.

use gate_core::Digest;
use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::site::{Answer, Site, page};

/// The files of an approved picture, as `gate approve` writes them.
fn approved(folder: &str, page: &str) -> Vec<(String, String)> {
    let id = format!("{page}-desktop-chromium");
    let picture = format!("the picture of {page}");
    let digest = Digest::of(picture.as_bytes());
    let sidecar = format!(
        "{{\"schema\": \"gate-baseline/v1\", \"page\": \"{page}\", \"path\": \"/{page}\", \
         \"viewport\": \"desktop\", \"width\": 1280, \"height\": 800, \"browser\": \"chromium\", \
         \"digest\": \"{digest}\"}}\n"
    );
    vec![(format!("{folder}/{id}.png"), picture), (format!("{folder}/{id}.json"), sidecar)]
}

/// A workspace with these specs, and baselines and other files below `specs`.
fn workspace(files: &[(&str, &str)], approved_pages: &[(&str, &str)]) -> Environment {
    let environment = Environment::new(&[]);
    for (path, text) in files {
        environment.write(path, text);
    }
    for (folder, page) in approved_pages {
        for (path, text) in approved(&format!("specs/{folder}"), page) {
            environment.write(&path, &text);
        }
    }
    environment
}

/// Every file and folder below `specs`, but for the specs themselves.
fn there(environment: &Environment) -> Vec<String> {
    fn collect(root: &std::path::Path, folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, found);
            }
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
    let (root, mut found) = (environment.path().join("specs"), Vec::new());
    collect(&root, &root, &mut found);
    found.retain(|path| !path.ends_with(".yaml"));
    found.sort();
    found
}

/// What a document lists, by one of its fields.
fn listed(document: &Value, list: &str, field: &str) -> Vec<String> {
    let all = document[list].as_array().unwrap();
    all.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

/// What is expected of a removal: the code, what goes, what stays for a reason, and what could
/// not be looked at.
struct Expect<'a> {
    code: i32,
    gone: &'a [&'a str],
    left: &'a [&'a str],
    unknown: &'a [&'a str],
}

fn check(environment: &Environment, arguments: &[&str], expect: &Expect<'_>) {
    let run = |more: &[&str]| -> Ended {
        let all = [&["baseline", "prune", "--json"], arguments, more].concat();
        environment.gate(&all)
    };
    let before = there(environment);
    let told = run(&["--dry-run"]);
    assert_eq!(there(environment), before, "--dry-run has changed something");
    let done = run(&[]);
    for (ended, dry) in [(told, true), (done, false)] {
        assert_eq!(ended.code, expect.code, "{}{}", ended.stderr, ended.stdout);
        let document = ended.json();
        assert_eq!(document["schema"], "gate-baseline-prune/v1");
        assert_eq!(document["dry_run"], dry);
        assert_eq!(listed(&document, "removed", "name"), expect.gone);
        assert_eq!(listed(&document, "left", "path"), expect.left);
        assert_eq!(listed(&document, "unknown", "path"), expect.unknown);
    }
    let after = there(environment);
    for name in expect.gone {
        let name = name.strip_prefix("specs/").unwrap();
        assert!(!after.iter().any(|path| path.starts_with(name)), "{name}: {after:?}");
    }
    let of = |path: &str| expect.gone.iter().any(|name| format!("specs/{path}").starts_with(name));
    let is_file =
        |path: &&String| [".png", ".json", ".txt", ".yml"].iter().any(|end| path.ends_with(end));
    let files = |all: &[String]| -> Vec<String> { all.iter().filter(is_file).cloned().collect() };
    let expected: Vec<String> = files(&before).into_iter().filter(|path| !of(path)).collect();
    assert_eq!(files(&after), expected, "exactly what was said has gone");
}

const SHOP: &str = "gate: visual\nname: shop\nwith: { pages: [/home, /about] }\n";

#[test]
fn what_no_spec_names_goes() {
    let shop = ("specs/shop.yaml", SHOP);
    let both = [("shop.baselines/shop", "home"), ("shop.baselines/shop", "old")];
    let old = "specs/shop.baselines/shop/old-desktop-chromium";
    let nothing = Expect { code: 0, gone: &[], left: &[], unknown: &[] };

    // A page that the spec has no more, and nothing more the second time.
    let environment = workspace(&[shop], &both);
    check(&environment, &[], &Expect { gone: &[old], ..nothing });
    check(&environment, &[], &nothing);

    // A viewport, a gate, and a whole spec.
    let other = SHOP.replace("pages", "viewports: [iphone-se], pages");
    let environment = workspace(&[("specs/shop.yaml", &other)], &both[..1]);
    let home = "specs/shop.baselines/shop/home-desktop-chromium";
    check(&environment, &[], &Expect { gone: &[home], ..nothing });
    assert_eq!(there(&environment), Vec::<String>::new(), "folders that are empty now go, too");
    let renamed = [("shop.baselines/renamed", "home"), ("gone.baselines/gone", "home")];
    let environment = workspace(&[shop], &renamed);
    let gone = ["specs/gone.baselines/gone/home-desktop-chromium"];
    let by_gate = ["specs/shop.baselines/renamed/home-desktop-chromium"];
    // Only what belongs to the specs that were named.
    check(&environment, &["specs/shop.yaml"], &Expect { gone: &by_gate, ..nothing });
    check(&environment, &["specs"], &Expect { gone: &gone, ..nothing });

    // A gate that is held against a site has no use for pictures.
    let live = "environments: { live: { url: \"http://127.0.0.1:1\" } }\n";
    let against = SHOP.replace("pages", "against: live, pages");
    let files = [("gate.yaml", live), ("specs/shop.yaml", &*against)];
    let environment = workspace(&files, &both[..1]);
    check(&environment, &[], &Expect { gone: &[home], ..nothing });
}

#[test]
fn what_gate_did_not_write_stays() {
    let at = |name: &str| format!("specs/shop.baselines/shop/{name}");
    let environment = workspace(
        &[("specs/shop.yaml", SHOP), ("other/far.yaml", SHOP)],
        &[("shop.baselines/shop", "lone"), ("shop.baselines/shop", "swapped")],
    );
    environment.write("specs/far.yml", SHOP);
    environment.write("specs/far.baselines/shop/old-desktop-chromium.png", "x");
    environment.write(&at("swapped-desktop-chromium.png"), "another picture");
    environment.write(&at("mine.png"), "a picture of mine");
    environment.write(&at("mine.json"), "{}");
    environment.write(&at("notes.txt"), "notes");
    environment.write(&at("half-desktop-chromium.png"), "half");
    environment
        .write(&at("lfs-desktop-chromium.png"), "version https://git-lfs.github.com/spec/v1");
    environment.write(&at("lfs-desktop-chromium.json"), &approved("", "lfs")[1].1);
    // A sidecar of a view that is wanted: its picture can be had back.
    environment.write(&at("home-desktop-chromium.json"), &approved("", "home")[1].1);
    // One that nobody wants says itself that gate wrote it.
    std::fs::remove_file(environment.path().join(at("lone-desktop-chromium.png"))).unwrap();
    // The file of somebody who renamed a picture.
    for (path, text) in approved("", "renamed") {
        environment
            .write(&at(path.trim_start_matches('/').replace("renamed", "copy").as_str()), &text);
    }
    let left = [
        "specs/far.baselines".to_owned(),
        at("copy-desktop-chromium.png"),
        at("half-desktop-chromium.png"),
        at("home-desktop-chromium.json"),
        at("mine.json"),
        at("swapped-desktop-chromium.json"),
    ];
    let (lone, lfs) = (at("lone-desktop-chromium"), at("lfs-desktop-chromium.png"));
    check(
        &environment,
        &[],
        &Expect {
            code: 3,
            gone: &[&lone],
            left: &left.each_ref().map(String::as_str),
            unknown: &[&lfs],
        },
    );
}

#[test]
fn a_list_that_cannot_be_fetched_and_a_wrong_spec_remove_nothing() {
    let listing = "<urlset><url><loc>https://shop.example/home</loc></url></urlset>";
    let site = Site::serve(&[("/sitemap.xml", Answer::Status(500, String::new()))]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let listed = "gate: visual\nname: listed\nwith: { pages: [{ sitemap: /sitemap.xml }] }\n";
    let environment = workspace(
        &[("gate.yaml", &config), ("specs/shop.yaml", SHOP), ("specs/listed.yaml", listed)],
        &[
            ("listed.baselines/listed", "home"),
            ("listed.baselines/listed", "gone"),
            ("listed.baselines/earlier", "home"),
            ("shop.baselines/shop", "old"),
        ],
    );
    let earlier = "specs/listed.baselines/earlier/home-desktop-chromium";
    let old = "specs/shop.baselines/shop/old-desktop-chromium";
    let gone = [earlier, old];
    check(&environment, &[], &Expect { code: 3, gone: &gone, left: &[], unknown: &["listed"] });

    // Without knowing which pages there are nothing is removed; once they are known, it is.
    site.set("/sitemap.xml", Answer::Page(listing.to_owned()));
    let wrong = SHOP.replace("pages", "page");
    for (spec, says) in [
        (wrong.as_str(), "unknown field `page`"),
        ("gate: visul\nname: shop\n", "there is no kind `visul`"),
        (&SHOP.replace("/home", "\"${NOWHERE}\""), "NOWHERE"),
    ] {
        environment.write("specs/shop.yaml", spec);
        let before = there(&environment);
        let ended = environment.gate(&["baseline", "prune"]);
        assert_eq!(ended.code, 2, "{}{}", ended.stderr, ended.stdout);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_eq!(there(&environment), before);
    }
    environment.write("specs/shop.yaml", SHOP);
    let ended = environment.gate(&["baseline", "prune", "--env", "nowhere"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let gone = ["specs/listed.baselines/listed/gone-desktop-chromium"];
    check(&environment, &[], &Expect { code: 0, gone: &gone, left: &[], unknown: &[] });
}

#[test]
fn a_pipeline_may_only_ask() {
    let approved = [("shop.baselines/shop", "old")];
    let environment = workspace(&[("specs/shop.yaml", SHOP)], &approved).with("CI", "true");
    let before = there(&environment);
    let refused = environment.gate(&["baseline", "prune"]);
    assert_eq!((refused.code, there(&environment)), (2, before), "{}", refused.stderr);
    let told = environment.gate(&["baseline", "prune", "--dry-run"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("1 picture would go"), "{}", told.stdout);
    let done = environment.gate(&["baseline", "prune", "--in-ci"]);
    assert_eq!((done.code, there(&environment)), (0, Vec::new()), "{}", done.stderr);
    assert!(done.stdout.contains("1 picture went"), "{}", done.stdout);
}

#[test]
fn what_was_approved_in_earnest_goes_with_its_page() {
    let site = Site::serve(&[("/home", page("#0a7", "Shop")), ("/about", page("#0a7", "About"))]);
    let config = format!("environments:\n  test: {{ url: \"{}\" }}\n", site.url);
    let environment = workspace(&[("gate.yaml", &config), ("specs/shop.yaml", SHOP)], &[]);
    assert_eq!(environment.gate(&["run"]).code, 3);
    let approve = ["approve", "--all", "--reason", "first", "--by", "Kim"];
    assert_eq!(environment.gate(&approve).code, 0);
    let nothing = Expect { code: 0, gone: &[], left: &[], unknown: &[] };
    check(&environment, &[], &nothing);
    environment.write("specs/shop.yaml", &SHOP.replace(", /about", ""));
    let about = ["specs/shop.baselines/shop/about-desktop-chromium"];
    check(&environment, &[], &Expect { gone: &about, ..nothing });
    let ended = environment.gate(&["run"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stderr, ended.stdout);
}
