//! What holds for every format, and the fixture as each of them shows it.

use gate_core::{Check, ExitCode, GateReport, Metric, Proposal, Report, Verdict};

use super::fixture::{self, HOSTILE, around, as_shard, evidence, gate, report, report_of};
use super::{Around, Format, explain, render};

const TEXTS: [Format; 5] =
    [Format::Terminal, Format::Json, Format::Junit, Format::Markdown, Format::Github];

fn text(format: Format, report: &Report) -> String {
    String::from_utf8(render(format, report, &around()).unwrap()).unwrap()
}

fn explained(report: &Report, name: &str, check: Option<&str>) -> Option<String> {
    explain(report, name, check, &around())
}

/// The fixture's gate with the bad texts.
fn hostile(report: &Report) -> &GateReport {
    report.gates.iter().find(|gate| gate.name.starts_with("hostile")).unwrap()
}

/// `gates` gates with `checks` checks each, of every verdict in turn.
fn many(gates: usize, checks: usize) -> Report {
    let verdicts = [Verdict::Fail, Verdict::Pass, Verdict::Inconclusive, Verdict::Warn];
    let build = |number: usize| {
        let checks = (0..checks).map(|at| {
            let verdict = verdicts[(number + at) % 4];
            let id = format!("check-{at:05}");
            Check::new(&id, format!("Check {at}"), verdict, HOSTILE)
                .metric(Metric::new("pixels", at as f64, "px"))
                .evidence([evidence(gate_core::Role::Image, &id, "image/png")])
        });
        gate(&format!("gate-{number:05}"), true, checks.collect())
    };
    report_of((0..gates).map(build).collect())
}

/// Reports that together touch every branch that matters to all formats.
fn variety() -> Vec<Report> {
    let one = |verdict, required| {
        report_of(vec![gate("one", required, vec![Check::new("c", "C", verdict, "it is so")])])
    };
    let mut interrupted = one(Verdict::Inconclusive, true);
    interrupted.complete = false;
    interrupted.exit_code = ExitCode::INTERRUPTED;
    let mut stopped_early = one(Verdict::Pass, true);
    stopped_early.complete = false;
    stopped_early.exit_code = ExitCode::TERMINATED;
    let mut part_missing = one(Verdict::Pass, true);
    part_missing.exit_code = ExitCode::INCONCLUSIVE;
    vec![
        report(),
        report_of(Vec::new()),
        one(Verdict::Pass, true),
        one(Verdict::Warn, true),
        one(Verdict::Inconclusive, true),
        one(Verdict::Fail, true),
        one(Verdict::Inconclusive, false),
        one(Verdict::Fail, false),
        report_of(vec![gate("none", true, Vec::new())]),
        report_of(vec![gate("none", false, Vec::new())]),
        as_shard(one(Verdict::Pass, true), "2/4"),
        as_shard(one(Verdict::Fail, true), "2/4"),
        as_shard(report_of(Vec::new()), "2/4"),
        interrupted,
        stopped_early,
        part_missing,
        many(50, 3),
        many(1, 300),
    ]
}

#[test]
fn snapshots() {
    let report = report();
    for format in TEXTS {
        insta::assert_snapshot!(format.name(), text(format, &report));
    }
}

#[test]
fn snapshots_of_explanations() {
    let report = report();
    let hostile = hostile(&report).name.clone();
    for (name, gate, check) in [
        ("explain-failed", "landing-pages", None),
        ("explain-one-check", "landing-pages", Some("pricing-desktop")),
        ("explain-no-baseline", "signup", None),
        ("explain-flaky", "flaky-lint", None),
        ("explain-not-required", "nice-to-have", None),
        ("explain-evidence", "api", Some("latency")),
        ("explain-without-checks", "z-without-checks", None),
        ("explain-hostile", hostile.as_str(), Some(HOSTILE)),
    ] {
        insta::assert_snapshot!(name, explained(&report, gate, check).unwrap());
    }
    assert_eq!(explained(&report, "no-such-gate", None), None);
    assert_eq!(explained(&report, "landing-pages", Some("no-such-check")), None);
}

#[test]
fn nothing_steers_whoever_reads_it() {
    for report in variety() {
        let mut texts: Vec<_> = TEXTS.map(|format| (format.name(), text(format, &report))).into();
        for gate in &report.gates {
            texts.push(("explain", explained(&report, &gate.name, None).unwrap()));
        }
        for (format, text) in texts {
            let bad = text.chars().find(|c| *c != '\n' && super::clean::is_hostile(*c));
            assert_eq!(bad, None, "{format}");
            assert!(text.is_empty() || text.ends_with('\n'), "{format}");
            for line in text.lines() {
                assert!(!line.contains("##["), "{format}: {line}");
                let command = line.trim_start().starts_with("::");
                assert!(!command || format == "github", "{format}: {line}");
            }
        }
    }
}

#[test]
fn json_reads_back_to_the_same_report() {
    for report in variety() {
        let read: Report = serde_json::from_str(&text(Format::Json, &report)).unwrap();
        assert_eq!(read, report);
    }
}

#[test]
fn junit_is_red_when_the_run_is_and_never_empty() {
    for report in variety() {
        let xml = text(Format::Junit, &report);
        let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
        let is_red = read.failures + read.errors > 0;
        let nothing_ran = report.gates.is_empty() && report.verdict.is_some();
        assert_eq!(is_red, report.exit_code != ExitCode::PROMOTE || nothing_ran, "{xml}");
        assert!(read.tests > 0, "{xml}");
        assert!(read.test_suites.iter().all(|suite| !suite.test_cases.is_empty()), "{xml}");
        for case in read.test_suites.iter().flat_map(|suite| &suite.test_cases) {
            assert!(case.classname.as_ref().is_some_and(|name| !name.is_empty()), "{xml}");
        }
    }
}

#[test]
fn junit_attaches_the_compared_picture_on_a_line_of_its_own() {
    let report = report();
    let xml = text(Format::Junit, &report);
    let landing = report.gates.iter().find(|gate| gate.name == "landing-pages").unwrap();
    let picture = landing.checks[0].evidence[2].refs[2];
    let line = format!("[[ATTACHMENT|/site/.gate/store/{picture}]]");
    assert_eq!(xml.lines().filter(|found| *found == line).count(), 1);
    assert!(!xml.contains("[[ATTACHMENT|/etc"), "a file of the machine that nobody offered");
}

#[test]
fn junit_of_a_huge_run_is_under_the_limit_of_30_mb() {
    for (gates, checks) in [(1, 10_000), (10_000, 1)] {
        let bytes = text(Format::Junit, &many(gates, checks)).len();
        assert!(bytes < 30_000_000, "{bytes}");
    }
}

#[test]
fn markdown_stays_small_and_says_what_is_missing() {
    for (gates, checks) in [(1, 10_000), (100, 100), (10_000, 1)] {
        let mut report = many(gates, checks);
        for gate in &mut report.gates {
            let (name, title) = (gate.name.clone(), HOSTILE.repeat(3));
            gate.proposals = vec![Proposal::files(&name, "check-00000", title, Vec::new())];
        }
        let page = text(Format::Markdown, &report);
        assert!(page.len() <= 900_000, "{}", page.len());
        assert!(page.contains("_Left out here for want of room: "), "{gates} {checks}");
        assert!(page.contains("### Proposals"), "{gates} {checks}");
        assert!(page.contains("/20261121T083000Z-0a1b2c/report.json"), "{gates} {checks}");
    }
}

#[test]
fn markdown_has_no_markup_but_its_own() {
    let page = text(Format::Markdown, &report());
    let mut fence = None;
    for line in page.lines() {
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            Some(open) if ticks == open && line.trim().len() == ticks => fence = None,
            Some(_) => {}
            None => {
                for bad in ["<script", "[x](", "```", "@everyone", "http://", "www.evil", "#1 "] {
                    assert!(!line.contains(bad), "{bad}: {line}");
                }
                let cells = line.replace(r"\|", "").matches('|').count();
                assert!(matches!(cells, 0 | 5 | 7), "{line}");
            }
        }
    }
    assert_eq!(fence, None, "a fence is left open");
}

#[test]
fn github_has_at_most_ten_annotations_and_says_how_many_are_missing() {
    for report in variety() {
        let text = text(Format::Github, &report);
        assert!(text.lines().count() <= 11, "{text}");
        for line in text.lines() {
            let (command, message) = line[2..].split_once("::").unwrap();
            let level = command.split(' ').next().unwrap();
            assert!(matches!(level, "error" | "warning" | "notice"), "{line}");
            assert!(!message.is_empty(), "{line}");
        }
        let red = text.starts_with("::error ");
        assert_eq!(red, report.exit_code != ExitCode::PROMOTE, "{text}");
    }
    let last = text(Format::Github, &many(1, 300));
    assert_eq!(last.lines().last(), Some("::notice::215 more in the report"));
}

#[test]
fn a_summary_fits_one_screen() {
    let parts = variety().into_iter().map(|report| as_shard(report, "2/4"));
    for report in variety().into_iter().chain(parts) {
        let shard = report.selection.shard.is_some();
        for width in [0, 80, 200] {
            let around = Around { width, ..around() };
            let bytes = render(Format::Terminal, &report, &around).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.lines().count() <= 24, "{text}");
            let copied = ["why  ", "if wanted", "report"];
            for line in text.lines().filter(|line| !copied.iter().any(|to| line.starts_with(to))) {
                assert!(super::clean::width(line) <= width.max(40), "{line}");
            }
            let last = "part 2 of 4: run gate merge";
            assert_eq!(text.lines().last() == Some(last), shard, "{text}");
        }
    }
}

#[test]
fn a_full_screen_names_the_worst_and_counts_the_rest() {
    let mut report = many(50, 1);
    report.notes = vec![HOSTILE.to_owned(); 5];
    report.gates[0].proposals = fixture::report().gates[3].proposals.clone();
    insta::assert_snapshot!("terminal-50-gates", text(Format::Terminal, &report));
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = Around { colour: true, ..around() };
    for report in variety() {
        let bytes = render(Format::Terminal, &report, &coloured).unwrap();
        let mut seen = String::from_utf8(bytes).unwrap();
        assert!(seen.contains("\x1b["));
        for code in ["0", "1", "2", "31", "32", "33", "35", "36"] {
            seen = seen.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(seen, text(Format::Terminal, &report));
    }
}

#[test]
fn verdicts_in_a_sentence() {
    let sentences: Vec<_> = variety().iter().map(super::words::headline).collect();
    insta::assert_snapshot!("headlines", sentences.join("\n"));
}

#[test]
fn formats_are_named_in_lower_case() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
        assert_eq!(format.to_string(), format.name());
    }
    for wrong in ["", "JSON", "junit ", "html"] {
        assert!(wrong.parse::<Format>().is_err(), "{wrong}");
    }
    assert!(render(Format::Bundle, &report(), &around()).is_err());
}
