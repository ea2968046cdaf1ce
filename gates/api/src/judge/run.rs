//! A program that ran against the recording.

use gate_core::{Check, Limit, Metric, Verdict};
use recorder::UNVOUCHED;

use super::{count, named, unanswered};
use crate::seen::{Ran, Recording, Traffic};
use crate::settings::Settings;
use crate::traffic::UNUSED_HINT;

pub(super) fn exit(spec: &Settings, ran: &Ran) -> Check {
    let program = spec.run.as_deref().unwrap_or_default().join(" ");
    let last = ran.last_line.as_deref();
    let (verdict, message) = ran.ending.means(&program, &spec.fail_codes, last);
    let check = Check::new("exit", "Exit code", verdict, message).evidence(ran.output.clone());
    let check = ran.ending.metric().into_iter().fold(check, Check::metric);
    match verdict {
        Verdict::Fail => check.advice("read its output; a request without a recording is named below"),
        Verdict::Inconclusive => check.advice(
            "run it by hand: gate replay --help; if this code means \"not good\", list it in fail_codes",
        ),
        _ => check,
    }
}

/// Whether every request had an answer.
pub(super) fn answered(traffic: &Traffic, ran: Option<&Ran>) -> Check {
    let check = |verdict, message: String| {
        Check::new("answered", "Requests with a recording", verdict, message)
            .metric(Metric::new("requests", traffic.seen as f64, "1").limit(Limit::AtLeast(1.0)))
            .metric(
                Metric::new("without a recording", traffic.missed as f64, "1")
                    .limit(Limit::AtMost(0.0)),
            )
    };
    if let Some(first) = traffic.misses.first() {
        let all: Vec<String> =
            traffic.misses.iter().map(|one| format!("{} {}", one.method, one.url)).collect();
        let message = match traffic.missed {
            1 => format!("{} {}", all[0], first.why),
            n => format!("{n} requests have no recording: {}", named(&all)),
        };
        let nearest = first.nearest.as_ref().map(|near| format!("; nearest: {near}"));
        return check(Verdict::Fail, message + &nearest.unwrap_or_default())
            .advice(
                first
                    .hint
                    .replace("--mode ", "mode: ")
                    .replace("--allow-repeats", "allow_repeats: true"),
            )
            .evidence(traffic.misses.iter().filter_map(|one| one.exchange.clone()));
    }
    if !traffic.failed.is_empty() {
        let unvouched = traffic.failed.iter().find(|why| why.contains(UNVOUCHED));
        let advice = unvouched.map_or(
            "what could not be answered or recorded proves nothing; run the gate again",
            |why| unanswered(why),
        );
        return check(Verdict::Inconclusive, named(&traffic.failed)).advice(advice);
    }
    if traffic.seen == 0 || ran.is_some_and(|ran| ran.requests == 0) {
        return check(Verdict::Inconclusive, "no request came to the recording".to_owned())
            .advice(UNUSED_HINT);
    }
    let recorded = match traffic.recorded {
        0 => String::new(),
        n => format!(", {n} recorded"),
    };
    let message =
        format!("{} answered from the recording{recorded}", count(traffic.replayed, "request"));
    check(Verdict::Pass, message)
}

/// Whether all was asked for that has to be.
pub(super) fn required(recording: &Recording) -> Check {
    let check = |verdict, message: String, left: u64| {
        Check::new("required", "Required requests", verdict, message)
            .metric(Metric::new("not asked for", left as f64, "1").limit(Limit::AtMost(0.0)))
    };
    let Some(required) = &recording.required else {
        return check(Verdict::Inconclusive, "nothing was played".to_owned(), 0)
            .advice("look at what stands above");
    };
    let left: u64 = required.iter().map(|one| one.left).sum();
    if left > 0 {
        let first: Vec<String> = required.iter().flat_map(|one| one.first.clone()).collect();
        let message = format!("{} not asked for: {}", count(left, "recording"), named(&first));
        return check(Verdict::Fail, message, left).advice(
            "let the program ask for it again, or record without it: gate record --mode all",
        );
    }
    let none: Vec<String> = required
        .iter()
        .filter(|one| one.recordings == 0)
        .map(|one| format!("`{}`", one.pattern))
        .collect();
    if !none.is_empty() {
        let message = format!("nothing was recorded that is meant by {}", named(&none));
        return check(Verdict::Inconclusive, message, 0)
            .advice("is it written right? gate cassette show lists what was recorded");
    }
    check(Verdict::Pass, "everything that has to be asked for was".to_owned(), 0)
}
