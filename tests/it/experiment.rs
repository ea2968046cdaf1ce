//! Gates of the kind `experiment` on data, and the commands that come with it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::environment::{Ended, Environment};

pub(crate) const SPEC: &str = "\
gate: experiment
name: spring-hero
with:
  hypothesis: A shorter hero brings more sign-ups
  owner: growth@example.com
  split: { control: 50%, new_hero: 50% }
  unit: user_id
  data: { exposures: { from: exposures.csv, segments: [device] }, conversions: conversions.csv }
  metrics:
    signup: { type: proportion, event: signup, title: Sign-ups }
    revenue: { type: mean, column: amount, title: Revenue }
  success: { metric: signup, detect: 10%, within: 14 days, baseline: 10% }
  must_not_harm: { revenue: 20% }
";

/// So many visitors of two weeks, a share of whom is in the new arm and every tenth of whom signs up:
/// of the new arm, more by `lift`.
pub(crate) fn data(visitors: usize, share: f64, lift: f64) -> (String, String) {
    let mut exposures = "user_id,arm,timestamp,device\n".to_owned();
    let mut conversions = "user_id,event,timestamp,amount\n".to_owned();
    // Each visitor in turn, on each day for itself, so that nothing here is left to chance.
    let mut new = 0.0;
    let mut due: Vec<[f64; 2]> = (0..14).map(|day| [(f64::from(day) + 0.5) / 14.0; 2]).collect();
    for number in 0..visitors {
        new += share;
        let is_new = new >= 1.0;
        new -= f64::from(u8::from(is_new));
        let arm = if is_new { "new_hero" } else { "control" };
        let day = 1 + number / 2 % 14;
        let device = ["phone", "desktop", "phone"][number / 28 % 3];
        writeln!(exposures, "v{number},{arm},2026-11-{day:02}T10:00:00Z,{device}").unwrap();
        let due = &mut due[day - 1][usize::from(is_new)];
        *due += if is_new { 0.1 * (1.0 + lift) } else { 0.1 };
        if *due >= 1.0 {
            *due -= 1.0;
            let amount = 20 + number % 7;
            writeln!(conversions, "v{number},signup,2026-11-{day:02}T10:20:00Z,{amount}").unwrap();
        }
    }
    (exposures, conversions)
}

fn environment(spec: &str, (exposures, conversions): &(String, String)) -> Environment {
    Environment::new(&[
        ("gate.yaml", ""),
        ("specs/hero.yaml", spec),
        ("specs/exposures.csv", exposures),
        ("specs/conversions.csv", conversions),
    ])
}

fn analyze(environment: &Environment, more: &[&str]) -> Ended {
    environment.gate(&[&["experiment", "analyze", "specs/hero.yaml"][..], more].concat())
}

#[test]
fn the_same_words_everywhere() {
    let environment = environment(SPEC, &data(40_000, 0.5, 0.25));
    let ended = analyze(&environment, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let headline = ended.stdout.lines().next().unwrap().to_owned();
    assert!(
        headline.starts_with("new_hero is better. Sign-ups rose from 10% to 12.5%. The true gain"),
        "{headline}"
    );
    // Whether it can be trusted is told before what has come of it.
    let place =
        |text: &str, what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    let order = ["Can these numbers be trusted?", "What has come of it?", "What to do next"];
    assert!(order.map(|part| place(&ended.stdout, part)).is_sorted());

    let json = analyze(&environment, &["--json"]).json();
    assert_eq!(
        (&json["headline"], &json["verdict"]),
        (&Value::from(headline.clone()), &"pass".into())
    );
    assert_eq!(json["is_trusted"], true);
    assert_eq!(json["arms"][0]["visitors"], 20_000);
    let effect = &json["effects"][0]["relative"];
    assert!((effect["effect"].as_f64().unwrap() - 0.25).abs() < 0.002, "{effect}");

    let page = ["experiment", "report", "specs/hero.yaml", "--out", "out/hero.html"];
    assert_eq!(environment.gate(&page).code, 0);
    let text = environment.all_of("out/hero.html");
    assert!(text.contains(&headline) && order.map(|part| place(&text, part)).is_sorted());
    // It asks nobody for anything and runs nothing.
    assert!(!text.contains("<script") && !text.contains("http://") && text.contains("<svg"));
    // Written anew it is replaced; what is something else is not.
    assert_eq!(environment.gate(&page).code, 0);
    environment.write("out/mine.html", "my own");
    let mine = ["experiment", "report", "specs/hero.yaml", "--out", "out/mine.html"];
    assert_eq!(environment.gate(&mine).code, 2);
    assert_eq!(environment.all_of("out/mine.html"), "my own");

    // The gate says it, too; again when it is judged again; and in the pages of the run.
    let run = environment.gate(&["run", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let checks = &run.json()["gates"][0]["checks"];
    assert_eq!(checks[0]["id"], "success");
    assert_eq!(checks[0]["message"], Value::from(headline.clone()));
    assert_eq!(environment.gate(&["judge", "last", "--json"]).stdout, run.stdout);
    let written = environment.gate(&["report", "last", "--single-file", "run.html"]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    let pages = environment.gate(&["report", "last", "--out", "pages"]);
    assert_eq!(pages.code, 0, "{}", pages.stderr);
    let text = environment.all_of("pages");
    assert!(text.contains(&headline) && text.contains("Can these numbers be trusted?"));
    assert!(text.contains("How long must it run?"));
}

#[test]
fn other_limits_can_be_asked_of_what_was_measured() {
    let environment = environment(SPEC, &data(40_000, 0.5, 0.25));
    assert_eq!(environment.gate(&["run"]).code, 0);
    environment.write("other.yaml", &SPEC.replace("revenue: 20%", "revenue: 1%"));
    assert_eq!(environment.gate(&["judge", "last", "--spec", "other.yaml"]).code, 0);
    let lower = SPEC.replace("event: signup, title", "event: signup, better: lower, title");
    environment.write("other.yaml", &lower);
    assert_eq!(environment.gate(&["judge", "last", "--spec", "other.yaml"]).code, 1);
    environment.write("other.yaml", &SPEC.replace("event: signup", "event: login"));
    assert_eq!(environment.gate(&["judge", "last", "--spec", "other.yaml"]).code, 2);
}

#[test]
fn nothing_is_said_of_effects_that_cannot_be_trusted() {
    let environment = environment(SPEC, &data(20_000, 0.54, 0.4));
    let ended = analyze(&environment, &[]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let expect = "Don't trust these numbers yet. We expected 50/50 and got 46/54. A fair split would \
                  do this less than 1 time in 1,000,000,000.";
    assert!(ended.stdout.starts_with(expect), "{}", ended.stdout);
    assert!(!ended.stdout.contains("What has come of it?") && !ended.stdout.contains("+4"));
    assert!(ended.stdout.contains("one arm redirects"));
    let json = analyze(&environment, &["--json"]).json();
    assert_eq!((&json["verdict"], &json["is_trusted"]), (&"fail".into(), &false.into()));
    assert!(json["effects"].is_null() && json["guardrail_effects"].is_null());
    let run = environment.gate(&["run"]);
    assert_eq!(run.code, 1);
    // A gate that is not required warns.
    environment.write("specs/hero.yaml", &SPEC.replace("with:", "required: false\nwith:"));
    assert_eq!(environment.gate(&["run"]).code, 0);
}

#[test]
fn as_long_as_nobody_can_tell() {
    let check = |visitors, lift, spec: &str, code: i32, says: &str| {
        let environment = environment(spec, &data(visitors, 0.5, lift));
        let ended = analyze(&environment, &[]);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.starts_with(says), "{}", ended.stdout);
    };
    check(4000, 0.1, SPEC, 3, "We can't tell yet. At this traffic you need about 1");
    let fine = SPEC.replace("detect: 10%", "detect: 0.5%");
    check(4000, 0.0, &fine, 3, "We can't tell yet. At this traffic you need more than a year.");
    check(40_000, -0.3, SPEC, 1, "new_hero is worse. Sign-ups fell from 10% to 7%.");
    let coarse = SPEC.replace("detect: 10%", "detect: 30%");
    check(
        40_000,
        0.0,
        &coarse,
        0,
        "No meaningful difference. If new_hero is better, it is by less",
    );
    let fixed = SPEC.replace("  must_not", "  analysis: { method: fixed }\n  must_not");
    check(4000, 0.5, &fixed, 3, "We can't tell yet. It is too early for the one look");
    check(40_000, 0.25, &fixed, 0, "new_hero is better.");
}

/// A bad file, what it is read as, how it ends and what is said of it.
fn refused(change: impl Fn(&mut String, &mut String), says: &[&str]) {
    let (mut exposures, mut conversions) = data(400, 0.5, 0.0);
    change(&mut exposures, &mut conversions);
    let environment = environment(SPEC, &(exposures, conversions));
    let page = ["experiment", "report", "specs/hero.yaml", "--out", "out.html"];
    for (ended, is_run) in [
        (analyze(&environment, &[]), false),
        (environment.gate(&page), false),
        (environment.gate(&["run", "--json"]), true),
    ] {
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        let text = if is_run { &ended.stdout } else { &ended.stderr };
        // A path of its own is the file as the spec names it.
        assert!(!text.contains("specs/exposures.csv:"), "{text}");
        for part in says {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert!(!environment.path().join("out.html").exists());
}

#[test]
fn bad_data_is_refused_with_its_place() {
    refused(
        |exposures, _| *exposures = exposures.replacen("v2,control", "v2,conntrol", 1),
        &["exposures.csv: line 4: column `arm`", "conntrol"],
    );
    refused(
        |_, conversions| {
            let first = conversions.lines().nth(1).unwrap().to_owned();
            let (front, _) = first.rsplit_once(',').unwrap();
            *conversions = conversions.replacen(&first, &format!("{front},NaN"), 1);
        },
        &["conversions.csv: line 2: column `amount`: NaN cannot be added up"],
    );
    refused(
        |exposures, _| *exposures = exposures.replace("user_id,arm", "user,arm"),
        &["exposures.csv: line 1", "user_id"],
    );
    refused(
        |exposures, _| exposures.push_str("\"v9999,control,2026-11-03T10:00:00Z,phone\n"),
        &["exposures.csv: line 402"],
    );
    refused(
        |exposures, _| exposures.push_str("v9999,control,2026-11-03 10:00:00,phone\n"),
        &["exposures.csv", "time"],
    );
    refused(|exposures, _| exposures.clear(), &["exposures.csv: the file is empty"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let spec = SPEC.replace("exposures.csv", "exposures.parquet");
    let check = |bytes: Option<&[u8]>, says: &str| {
        let environment = environment(&spec, &data(40, 0.5, 0.0));
        if let Some(bytes) = bytes {
            environment.write("specs/exposures.parquet", std::str::from_utf8(bytes).unwrap());
        }
        let ended = analyze(&environment, &[]);
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stderr.contains("exposures.parquet") && ended.stderr.contains(says),
            "{}",
            ended.stderr
        );
    };
    check(None, "No such file");
    check(Some(b""), "the file is empty");
    check(Some(b"PAR1 and then nothing more"), "");
}

#[test]
fn data_that_say_nothing_and_specs_that_are_wrong() {
    // Nobody has come yet.
    let head = |text: &str| text.lines().next().unwrap().to_owned() + "\n";
    let (exposures, conversions) = data(10, 0.5, 0.0);
    let nobody = environment(SPEC, &(head(&exposures), head(&conversions)));
    let ended = analyze(&nobody, &[]);
    assert_eq!(ended.code, 3);
    assert!(ended.stdout.starts_with("Nobody was exposed yet"), "{}", ended.stdout);
    // All are in one arm.
    let (exposures, conversions) = data(2000, 0.0, 0.0);
    let alone = analyze(&environment(SPEC, &(exposures, conversions)), &[]);
    assert_eq!(alone.code, 1, "{}", alone.stderr);
    assert!(alone.stdout.contains("We expected 50/50 and got 100/0."), "{}", alone.stdout);
    // One of them is in both.
    let (mut exposures, conversions) = data(400, 0.5, 0.0);
    for number in 0..20 {
        writeln!(exposures, "v{number},control,2026-11-14T20:00:00Z,phone").unwrap();
        writeln!(exposures, "v{number},new_hero,2026-11-14T20:00:00Z,phone").unwrap();
    }
    let both = analyze(&environment(SPEC, &(exposures, conversions)), &[]);
    assert_eq!(both.code, 1, "{}", both.stderr);
    assert!(
        both.stdout.contains("20 of 400 visitors (5%) have seen several arms"),
        "{}",
        both.stdout
    );

    let check = |spec: &str, code: i32, says: &str| {
        let environment = environment(spec, &data(40, 0.5, 0.0));
        let ended = analyze(&environment, &[]);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
        assert!(!environment.path().join(".gate/runs").exists());
    };
    check(
        &SPEC.replace("new_hero: 50%", "new_hero: 45%"),
        2,
        "the shares come to 95%, not to 100%",
    );
    check(&SPEC.replace("new_hero: 50%", "control: 50%"), 2, "hero.yaml:6");
    check(&SPEC.replace("metric: signup", "metric: sign-up"), 2, "did you mean `signup`?");
    check("gate: command\nname: a\nwith: { run: [\"true\"] }\n", 4, "no such experiment");
}

#[test]
fn the_calculators_need_no_workspace() {
    let environment = Environment::new(&[("gate.yaml", "this: is wrong\n")]);
    let ended = environment.gate(&["experiment", "srm", "--observed", "50,50", "--json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.json()["p_value"], 1.0);
    assert_eq!(environment.gate(&["experiment", "srm", "--observed", "50,-1"]).code, 2);
    assert_eq!(environment.gate(&["experiment", "analyze", "specs/hero.yaml"]).code, 2);
}

#[test]
fn what_a_warehouse_would_be_asked() {
    let environment = environment(SPEC, &data(40, 0.5, 0.0));
    for dialect in ["postgres", "clickhouse", "trino", "bigquery"] {
        let sql = ["experiment", "sql", "specs/hero.yaml", "--dialect", dialect];
        let ended = environment.gate(&sql);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stdout.matches("\nselect").count() > 2, "{}", ended.stdout);
        let json = environment.gate(&[&sql[..], &["--json"]].concat()).json();
        assert_eq!(json["dialect"], dialect);
        let sums = json["sums"].as_str().unwrap();
        assert!(sums.contains("conversions") && sums.contains("signup"), "{sums}");
    }
}

#[test]
fn how_long_it_must_run_can_be_asked() {
    let environment = Environment::new(&[("gate.yaml", "")]);
    let ended = environment.gate(&["tool", "run-time"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("Smallest change that matters"), "{}", ended.stdout);
}
