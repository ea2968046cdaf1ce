use gate_core::{Check, Limit, Metric, Outcome, Verdict};

use crate::measure::{Observation, Tests};
use crate::settings::Settings;

pub(crate) fn judge(spec: &Settings, seen: &Observation) -> Outcome {
    let mut checks = vec![exit(spec, seen)];
    if let Some(read) = &seen.tests {
        checks.push(tests(read, seen));
    }
    Outcome::of(checks)
}

fn exit(spec: &Settings, seen: &Observation) -> Check {
    let program = spec.run.join(" ");
    let last = seen.last_line.as_deref();
    let (verdict, message) = seen.ending.means(&program, &spec.fail_codes, last);
    let check = Check::new("exit", "Exit code", verdict, message).evidence(seen.output.clone());
    let check = seen.ending.metric().into_iter().fold(check, Check::metric);
    match verdict {
        Verdict::Fail => check.advice("read its output; run it by hand in the workspace"),
        Verdict::Inconclusive => check.advice(
            "run it by hand in the workspace; if this code means \"not good\", list it in fail_codes",
        ),
        _ => check,
    }
}

fn tests(read: &Result<Tests, String>, seen: &Observation) -> Check {
    let check = |verdict, message: String| {
        Check::new("tests", "Tests", verdict, message).evidence(seen.junit.clone())
    };
    let tests = match read {
        Err(why) => {
            return check(Verdict::Inconclusive, format!("nobody knows what was tested: {why}"))
                .advice("let the program write the JUnit file that `junit` names");
        }
        Ok(tests) => tests,
    };
    let ran = tests.tests - tests.skipped;
    let counted = |verdict, message| {
        check(verdict, message)
            .metric(Metric::new("tests", ran as f64, "1").limit(Limit::AtLeast(1.0)))
            .metric(Metric::new("failures", tests.failures as f64, "1").limit(Limit::AtMost(0.0)))
    };
    if tests.failures > 0 {
        let names: Vec<&str> = tests.failed.iter().take(3).map(String::as_str).collect();
        let more = tests.failures - names.len() as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message =
            format!("{} of {ran} tests failed: {}{more}", tests.failures, names.join(", "));
        return counted(Verdict::Fail, message).advice("read the JUnit file for the reasons");
    }
    if ran == 0 {
        return counted(Verdict::Inconclusive, "not a single test ran".to_owned())
            .advice("a suite without tests is no pass; look at how tests are found");
    }
    let s = if ran == 1 { "" } else { "s" };
    counted(Verdict::Pass, format!("{ran} test{s} passed"))
}

#[cfg(test)]
mod checks {
    use super::*;
    use gate_core::process::Ending;

    fn seen(ending: Ending, tests: Option<Result<Tests, String>>) -> Observation {
        Observation { ending, output: None, last_line: Some("boom".into()), tests, junit: None }
    }

    fn check(seen: &Observation, expect: &[(&str, Verdict)]) {
        let spec = Settings {
            run: vec!["npm".into(), "test".into()],
            fail_codes: vec![1, 2],
            junit: None,
        };
        let outcome = judge(&spec, seen);
        let found: Vec<_> = outcome.checks.iter().map(|c| (c.id.as_str(), c.verdict)).collect();
        assert_eq!(found, expect, "{seen:?}");
    }

    #[test]
    fn exit_codes() {
        check(&seen(Ending::Code(0), None), &[("exit", Verdict::Pass)]);
        check(&seen(Ending::Code(2), None), &[("exit", Verdict::Fail)]);
        check(&seen(Ending::Code(127), None), &[("exit", Verdict::Inconclusive)]);
        check(&seen(Ending::Signal(9), None), &[("exit", Verdict::Inconclusive)]);
    }

    #[test]
    fn a_junit_file_must_speak_for_itself() {
        let of = |tests, failures, skipped| {
            let failed = vec!["t".into(); failures as usize];
            Some(Ok(Tests { tests, failures, skipped, failed }))
        };
        let code = Ending::Code(0);
        let exit = ("exit", Verdict::Pass);
        check(&seen(code, of(3, 0, 0)), &[exit, ("tests", Verdict::Pass)]);
        check(&seen(code, of(3, 1, 0)), &[exit, ("tests", Verdict::Fail)]);
        check(&seen(code, of(0, 0, 0)), &[exit, ("tests", Verdict::Inconclusive)]);
        check(&seen(code, of(2, 0, 2)), &[exit, ("tests", Verdict::Inconclusive)]);
        let missing = Some(Err("report.xml was not written".into()));
        check(&seen(code, missing), &[exit, ("tests", Verdict::Inconclusive)]);
    }
}
