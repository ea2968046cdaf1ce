use std::io::Cursor;

use gate_core::values::{DurationValue, Percent};
use gate_core::{Digest, Evidence, Role};
use load::Tally;

use super::*;
use crate::exchanges::SeenExchanges;
use crate::measure::{Generator, Refused};
use crate::seen::SeenVersion;
use crate::settings::Compare;
use Verdict::{Fail, Inconclusive, Pass};

/// A second of a real server would take a second: these are made of latencies in milliseconds.
fn second(latencies: &[u64], lag: u64, failed: &[load::Failure]) -> Tally {
    let mut tally = Tally::new();
    for latency in latencies {
        tally.count(200, latency * 1000 + lag, lag);
    }
    for failure in failed {
        tally.count_failure(*failure, 60_000_000);
    }
    tally
}

fn file(seconds: &[Tally]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, tally) in (0..).zip(seconds) {
        crate::seconds::write(&mut bytes, at, tally).unwrap();
    }
    bytes
}

fn observation(versions: &[&[Tally]], looks: &[(u64, f64)]) -> (Observation, Vec<Vec<u8>>) {
    let files: Vec<Vec<u8>> = versions.iter().map(|seconds| file(seconds)).collect();
    let one = |(at, seconds): (usize, &&[Tally])| SeenVersion {
        url: format!("https://{}.example/offers", ["test", "live"][at]),
        seconds_file: Evidence {
            role: Role::Log,
            label: "seconds".to_owned(),
            media_type: "application/x-ndjson".to_owned(),
            digest: Digest::of(&files[at]),
            bytes: files[at].len() as u64,
            refs: Vec::new(),
        },
        intended: Some(seconds.iter().map(|tally| tally.requests).sum()),
        seconds: seconds.len() as f64,
        reasons: Vec::new(),
    };
    let looks = looks.iter().map(|(seconds, part)| Look { seconds: *seconds, part: *part });
    let seen = Observation {
        versions: versions.iter().enumerate().map(one).collect(),
        looks: looks.collect(),
        generator: Generator { ran_us: 900_000, ..Generator::default() },
        refused: None,
        aborted: None,
        exchanges: SeenExchanges::default(),
        lost: None,
        capacity: None,
        browsers: None,
        charts: Vec::new(),
    };
    (seen, files)
}

fn judged(spec: &Settings, seen: &Observation, files: &[Vec<u8>]) -> Judged {
    let open = |at: usize| Ok(Box::new(Cursor::new(files[at].clone())) as Box<dyn BufRead>);
    judge(spec, seen, 7, &open).unwrap()
}

/// A limit as a spec has it.
fn required(text: &str) -> Required {
    let written = if text.starts_with('{') {
        serde_json::from_str(text)
    } else {
        serde_json::from_value(text.into())
    };
    written.unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn spec(thresholds: &[&str]) -> Settings {
    let thresholds = thresholds.iter().map(|text| required(text)).collect();
    Settings { thresholds, ..Settings::default() }
}

/// The verdict of each check, by its id.
fn verdicts(judged: &Judged) -> Vec<(&str, Verdict)> {
    judged.checks.iter().map(|check| (check.id.as_str(), check.verdict)).collect()
}

/// So many seconds of a hundred requests between 20 and 119 ms.
fn usual(seconds: usize) -> Vec<Tally> {
    (0..seconds).map(|_| second(&(20..120).collect::<Vec<_>>(), 100, &[])).collect()
}

#[test]
fn thresholds_are_decided_by_what_the_samples_can_say() {
    let check = |seconds: usize, threshold: &str, verdict: Verdict| {
        let (seen, files) = observation(&[&usual(seconds)], &[(seconds as u64, 1.0)]);
        let judged = judged(&spec(&[threshold]), &seen, &files);
        let found = verdicts(&judged)[2];
        assert_eq!(found, ("threshold-1", verdict), "{threshold}: {}", judged.checks[2].message);
    };
    check(30, "p(95)<200ms", Pass);
    check(30, "p(95)<100ms", Fail);
    check(30, "p(95)<115ms", Inconclusive);
    check(2, "p(99)<200ms", Inconclusive);
    // 299 are the fewest for the 99th percentile, where nothing comes near the limit.
    check(2, "p(99)<1s", Inconclusive);
    check(3, "p(99)<1s", Pass);
    check(2, "max<200ms", Pass);
    check(2, "max<100ms", Fail);
    check(2, "min>=20ms", Pass);
    check(2, "med<200ms", Pass);
    check(30, "med>60ms", Pass);
    check(30, "med>90ms", Fail);
    check(30, "avg<100ms", Pass);
    check(30, "avg<50ms", Fail);
    check(30, "service p(95)<200ms", Pass);
    check(30, "connect p(95)<1ms", Inconclusive);
    check(2, "rate<1%", Pass);
    check(2, "count>=200", Pass);
    check(2, "count>200", Fail);
    check(2, "requests rate>99/s", Pass);
    check(2, "failures count<1", Pass);
    check(2, "bytes count<1kB", Pass);
}

#[test]
fn an_earlier_look_has_decided() {
    // After ten seconds it was certain, and the run went on for something else.
    let after = |latency: u64| {
        let mut seconds = usual(10);
        seconds.extend((0..10).map(|_| second(&[latency; 100], 100, &[])));
        let (seen, files) = observation(&[&seconds], &[(10, 0.5), (20, 1.0)]);
        let judged = judged(&spec(&["p(95)<500ms", "count<1001"]), &seen, &files);
        let all: Vec<_> = judged.checks[2..].iter().map(|check| check.verdict).collect();
        (all, judged.checks[2].message.clone())
    };
    assert_eq!(after(119).0, [Pass, Pass]);
    let (verdicts, message) = after(900);
    assert_eq!(verdicts, [Inconclusive, Pass]);
    insta::assert_snapshot!(message, @"p(95) is 900ms (between 900ms and 900ms) over all, although a part of it was certain of the other side of p(95)<500ms");
    let (seen, files) = observation(&[&usual(20)], &[(10, 0.5), (20, 1.0)]);
    let open = |_: usize| Ok(Box::new(Cursor::new(files[0].clone())) as Box<dyn BufRead>);
    assert!(!is_open(&spec(&["p(95)<500ms"]), &seen.looks[..1], 1, 7, None, &open).unwrap());
    assert!(is_open(&spec(&["p(95)<115ms"]), &seen.looks[..1], 1, 7, None, &open).unwrap());
}

#[test]
fn a_generator_that_is_not_fit_fails_and_passes_nothing() {
    let unfit = |change: &dyn Fn(&mut Observation)| {
        let mut seconds = usual(30);
        seconds.push(second(&[], 0, &[load::Failure::Timeout; 100]));
        let (mut seen, files) = observation(&[&seconds], &[(31, 1.0)]);
        change(&mut seen);
        let judged = judged(&spec(&["p(95)<100ms"]), &seen, &files);
        let all = verdicts(&judged).into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>();
        (all, judged.checks[0].message.clone())
    };
    let (fit, _) = unfit(&|_| {});
    assert_eq!(fit, [Pass, Fail, Fail]);
    let cut = unfit(&|seen| seen.generator.is_cut_short = true);
    assert_eq!(cut.0, [Inconclusive; 3]);
    assert_eq!(cut.1, "it was told to end after 3,100 requests");
    let late = unfit(&|seen| {
        (seen.generator.late, seen.generator.throttled_us) = (100, Some(9_000_000));
    });
    assert_eq!(late.0, [Inconclusive; 3]);
    insta::assert_snapshot!(late.1, @"3.23% of the requests were sent too late to keep the rate: its control group was held back for 9s");

    let lagging = |latency: u64, lag: u64| {
        let seconds: Vec<Tally> = (0..30).map(|_| second(&[latency; 100], lag, &[])).collect();
        let (seen, files) = observation(&[&seconds], &[(30, 1.0)]);
        let judged = judged(&spec(&["p(95)<100ms"]), &seen, &files);
        (judged.checks[0].verdict, judged.checks[2].verdict)
    };
    assert_eq!(lagging(50, 0), (Pass, Pass));
    assert_eq!(lagging(150, 1000), (Pass, Fail));
    // It would hold without the generator's own lateness.
    assert_eq!(lagging(50, 80_000), (Pass, Inconclusive));
    assert_eq!(lagging(50, 1_200_000), (Inconclusive, Inconclusive));
    let nothing = observation(&[&[Tally::new()]], &[(1, 1.0)]);
    let judged = judged(&spec(&["rate<1%", "p(95)<1s", "max<1s"]), &nothing.0, &nothing.1);
    assert!(judged.checks.iter().all(|check| check.verdict == Inconclusive));
}

#[test]
fn versions_are_compared_where_both_were_asked() {
    let check = |own: u64, other: u64, compare: Compare, verdict: Verdict| {
        let of = |latency: u64| -> Vec<Tally> {
            let around = |at: u64| (0..50).map(|n| latency + (n * 7 + at) % 11).collect::<Vec<_>>();
            (0..20).map(|at| second(&around(at), 100, &[])).collect()
        };
        let (seen, files) = observation(&[&of(own), &of(other)], &[(20, 1.0)]);
        let spec = Settings { compare: Some(compare), ..Settings::default() };
        let judged = judged(&spec, &seen, &files);
        let found = verdicts(&judged).pop().unwrap();
        assert_eq!(found, ("comparison", verdict), "{}", judged.checks.last().unwrap().message);
        judged.checks.last().unwrap().message.clone()
    };
    let usual = Compare::default;
    check(100, 100, usual(), Pass);
    let slower = check(150, 100, usual(), Fail);
    insta::assert_snapshot!(slower, @"beside https://live.example/offers: med 155ms, there 105ms: 47.5% slower (+47.5% to +47.5%); p(95) 160ms, there 110ms: 45.3% slower (+45.3% to +45.3%); no failures, there none; 10% or 1ms slower and 0.5 points more failures are allowed");
    let far = check(400, 100, usual(), Fail);
    assert!(far.contains("times as slow"), "{far}");
    check(90, 100, usual(), Pass);
    let wide =
        Compare { tolerance: DurationValue(std::time::Duration::from_millis(60)), ..usual() };
    check(150, 100, wide, Pass);
    let half = Compare { margin: Percent::from_fraction(0.6).unwrap(), ..usual() };
    check(150, 100, half, Pass);
}

#[test]
fn a_version_that_becomes_slower_is_not_passed_by_an_early_look() {
    let of = |latency: u64, seconds: u64| {
        let around =
            move |at: u64| (0..50).map(|n| latency + (n * 7 + at) % 11).collect::<Vec<_>>();
        (0..seconds).map(move |at| second(&around(at), 100, &[]))
    };
    let check = |first: u64, then: u64, verdict: Verdict| {
        let own: Vec<Tally> = of(first, 20).chain(of(then, 20)).collect();
        let other: Vec<Tally> = of(100, 40).collect();
        let (seen, files) = observation(&[&own, &other], &[(20, 0.5), (40, 1.0)]);
        let compare = Compare { percentiles: vec![95.0], ..Compare::default() };
        let spec = Settings { compare: Some(compare), ..Settings::default() };
        let check = judged(&spec, &seen, &files).checks.pop().unwrap();
        assert_eq!(check.verdict, verdict, "{first} and {then}: {}", check.message);
    };
    check(100, 100, Pass);
    check(200, 200, Fail);
    check(100, 200, Inconclusive);
}

/// A visit of two steps, of which the second is slow from the tenth second on.
fn visits(seconds: u64) -> Vec<Tally> {
    let one = |at: u64| {
        let cart = if at < 10 { 50 } else { 700 };
        let steps = [second(&[20; 60], 100, &[]), second(&[cart; 40], 100, &[])];
        let mut all = Tally::new();
        for step in &steps {
            all.merge(step);
        }
        all.steps = steps.to_vec();
        (all.cache_told, all.cache_hits) = (50, if at < 10 { 50 } else { 25 });
        all
    };
    (0..seconds).map(one).collect()
}

#[test]
fn steps_and_times_have_limits_of_their_own() {
    let steps = r#"[{"name": "buyer", "steps": [
        {"name": "offers", "request": "GET /"}, {"name": "cart", "request": "GET /cart"}]}]"#;
    let check = |seconds: u64, limit: &str, verdict: Verdict| {
        let (seen, files) = observation(&[&visits(seconds)], &[(seconds, 1.0)]);
        let spec = Settings {
            scenarios: serde_json::from_str(steps).unwrap(),
            duration: Some(DurationValue(std::time::Duration::from_secs(20))),
            ..spec(&[limit])
        };
        assert_eq!(spec.problems(), [], "{limit}");
        let judged = judged(&spec, &seen, &files);
        let check = &judged.checks[2];
        assert_eq!(check.verdict, verdict, "{limit}: {}", check.message);
    };
    check(20, "p(95)<500ms", Fail);
    check(20, r#"{"threshold": "p(95)<500ms", "required": false}"#, Verdict::Warn);
    check(20, r#"{"threshold": "p(95)<500ms", "step": "offers"}"#, Pass);
    check(20, r#"{"threshold": "p(95)<500ms", "step": "cart"}"#, Fail);
    check(20, r#"{"threshold": "p(95)<500ms", "step": "cart", "to": "10s"}"#, Pass);
    check(20, r#"{"threshold": "p(95)<500ms", "from": "10s"}"#, Fail);
    check(20, r#"{"threshold": "count<=400", "step": "cart", "to": "10s"}"#, Pass);
    check(20, "cache_hits rate>70%", Pass);
    check(20, "cache_hits rate>80%", Fail);
    check(20, r#"{"threshold": "cache_hits rate>40%", "from": "10s"}"#, Pass);
    check(20, r#"{"threshold": "cache_hits rate>99%", "to": "10s"}"#, Pass);
    check(20, r#"{"threshold": "cache_hits rate>99%", "step": "cart"}"#, Inconclusive);
    // A run that went on: the same time of the second round, in which all is slow.
    check(40, r#"{"threshold": "p(95)<500ms", "step": "cart", "to": "10s"}"#, Fail);
}

#[test]
fn what_was_ended_early_passes_nothing() {
    // Judged by another limit than the one that ended it.
    let (mut seen, files) = observation(&[&usual(10)], &[(10, 0.2)]);
    seen.aborted = Some("p(95)<50ms".to_owned());
    let of = |limit: &str| judged(&spec(&[limit]), &seen, &files).checks;
    let checks = of("p(95)<500ms");
    assert_eq!(checks[0].verdict, Inconclusive, "{}", checks[0].message);
    let checks = of("p(95)<50ms");
    assert_eq!((checks[0].verdict, checks[2].verdict), (Pass, Fail));
}

#[test]
fn what_nobody_looked_into_is_as_bad_as_the_rest() {
    let wrong = |_| second(&[20; 98], 100, &[load::Failure::Check]);
    let seconds: Vec<Tally> = (0..20).map(wrong).collect();
    let (seen, files) = observation(&[&seconds], &[(20, 1.0)]);
    let of = |checked: f64| {
        let checked = Percent::from_fraction(checked).unwrap();
        judged(&Settings { checked, ..spec(&[]) }, &seen, &files).checks[1].verdict
    };
    let looser = Settings { max_failures: Percent::from_fraction(0.02).unwrap(), ..spec(&[]) };
    assert_eq!(judged(&looser, &seen, &files).checks[1].verdict, Pass);
    assert_eq!((of(0.1), of(0.01)), (Fail, Fail));
}

#[test]
fn a_run_ends_when_it_is_certain_that_it_fails() {
    let check = |seconds: u64, limit: &str, expect: Option<&str>| {
        let files = file(&visits(40));
        let open = |_: usize| Ok(Box::new(Cursor::new(files.clone())) as Box<dyn BufRead>);
        let spec = spec(&[&format!(r#"{{"threshold": "{limit}", "abort_on_fail": true}}"#)]);
        let broken = broken(&spec, seconds, 0.5, &open).unwrap();
        assert_eq!(broken.as_deref(), expect, "{limit} after {seconds}");
    };
    check(10, "p(90)<200ms", None);
    check(30, "p(90)<200ms", Some("p(90)<200ms"));
    // It may still come to that many.
    check(10, "count>5000", None);
    check(10, "count<500", Some("count<500"));
    check(10, "max<40ms", Some("max<40ms"));
}

#[test]
fn a_version_that_fails_more_often_is_worse() {
    let of = |failures: usize| {
        let second = |at: u64| {
            let latencies: Vec<u64> = (0..50).map(|n| 100 + (n * 7 + at) % 11).collect();
            second(&latencies, 100, &vec![load::Failure::Closed; failures])
        };
        (0..40).map(second).collect::<Vec<_>>()
    };
    let check = |own: usize, other: usize, verdict: Verdict, said: &str| {
        let (seen, files) = observation(&[&of(own), &of(other)], &[(40, 1.0)]);
        let compare = Compare { percentiles: vec![50.0], ..Compare::default() };
        let max_failures = Percent::from_fraction(0.1).unwrap();
        let spec = Settings { compare: Some(compare), max_failures, ..Settings::default() };
        let judged = judged(&spec, &seen, &files);
        let check = judged.checks.last().unwrap();
        assert_eq!(check.verdict, verdict, "{own} and {other}: {}", check.message);
        assert!(check.message.contains(said), "{}", check.message);
        let document = crate::report::document(&spec, &seen, &judged, verdict, 1);
        let row = &document["comparison"][1];
        assert_eq!((&row["metric"], row["ratio"].is_null()), (&"failures".into(), true));
        (check.advice.clone(), row["difference"].as_f64().unwrap())
    };
    let (advice, difference) =
        check(2, 0, Fail, "failures 3.85%, there 0%: 3.85 points more (+3.16 to +4.61)");
    assert_eq!(advice.as_deref(), Some("find what fails that did not at the other version"));
    assert!((difference - 0.038_462).abs() < 1e-9, "{difference}");
    check(0, 0, Pass, "no failures, there none; 10% or 1ms slower and");
    check(0, 1, Pass, "failures 0%, there 1.96%: 1.96 points fewer");
    check(1, 1, Inconclusive, "the same (-0.75 to +0.75)");
    check(0, 6, Inconclusive, "is nothing to compare with");
}

#[test]
fn what_people_read() {
    let mut seconds = usual(29);
    seconds.push(second(&(20..70).collect::<Vec<_>>(), 100, &[load::Failure::Timeout; 40]));
    let (mut seen, files) = observation(&[&seconds], &[(30, 1.0)]);
    let spec = spec(&["p(95)<500ms", "p(99)<119ms", "p(99.99)<50s", "rate<0.1%", "max<1s"]);
    let mut told = String::new();
    let mut tell = |judged: &Judged| {
        for check in &judged.checks {
            told += &format!("{}: {}: {}\n", check.verdict, check.title, check.message);
            told +=
                &check.advice.as_ref().map_or(String::new(), |advice| format!("    {advice}\n"));
        }
        told += "\n";
    };
    tell(&judged(&spec, &seen, &files));
    seen.refused = Some(Refused {
        version: 0,
        failure: Some("connect".to_owned()),
        why: "https://test.example/offers does not answer: 10.0.0.1:443: connection refused"
            .to_owned(),
        advice: "is the address right, and the service up?".to_owned(),
    });
    tell(&judged(&spec, &seen, &files));
    insta::assert_snapshot!(told);
    let document =
        crate::report::document(&spec, &seen, &judged(&spec, &seen, &files), Inconclusive, 3);
    assert_eq!(document["errors"]["connect"], 1);
    assert_eq!(document["verdict"], "inconclusive");
}

#[test]
fn redirects_are_no_answers_that_anybody_meant() {
    let of = |status: u16| {
        let mut tally = Tally::new();
        (0..100).for_each(|_| tally.count(status, 900, 100));
        let (seen, files) = observation(&[&[tally]], &[(1, 1.0)]);
        judged(&Settings::default(), &seen, &files).checks[1].verdict
    };
    assert_eq!([of(200), of(302), of(404)], [Pass, Verdict::Warn, Fail]);
}

#[test]
fn a_damaged_file_is_told() {
    let (seen, mut files) = observation(&[&usual(2)], &[(2, 1.0)]);
    let half = files[0].len() / 4;
    files[0].truncate(half);
    let open = |at: usize| Ok(Box::new(Cursor::new(files[at].clone())) as Box<dyn BufRead>);
    let error = judge(&Settings::default(), &seen, 7, &open).err().unwrap();
    assert_eq!(error.to_string(), "line 1 of the seconds is damaged");
}
