//! The events of a run, for the tests of what follows them.

use gate_core::{Event, ExitCode, Happening, Level, Progress, Verdict};

use crate::reporters::fixture::HOSTILE;

/// An event of a gate's attempt, or of the run where `gate` is empty.
fn at(t_ms: u64, gate: &str, attempt: u32, event: Happening) -> Event {
    let of = |gate: &str| (!gate.is_empty()).then(|| gate.to_owned());
    Event { seq: t_ms, t_ms, gate: of(gate), attempt: (attempt > 0).then_some(attempt), event }
}

/// A step of a gate.
pub(super) fn step(gate: &str, t_ms: u64, done: u64) -> Event {
    let (unit, text) = ("pages".to_owned(), format!("/page-{done}"));
    at(t_ms, gate, 1, Happening::Progress(Progress { done, total: Some(12), unit, text }))
}

fn check(verdict: Verdict, message: &str) -> Happening {
    Happening::Check { id: "check".to_owned(), verdict, message: message.to_owned() }
}

fn ended(verdict: Verdict, counts_as: Verdict) -> Happening {
    Happening::GateEnded { verdict, counts_as }
}

/// Four gates: one fails, one is flaky, one fails and does not block, one passes.
pub(super) fn events() -> Vec<Event> {
    use Verdict::{Fail, Inconclusive, Pass, Warn};
    let gates = ["api", "lint", "pages", "speed"].map(str::to_owned).to_vec();
    let start = |kind: &str| Happening::GateStarted { kind: kind.to_owned() };
    let log = |level, text: &str| Happening::Log { level, text: text.to_owned() };
    let counting =
        Progress { done: 7, total: None, unit: "requests".to_owned(), text: String::new() };
    vec![
        at(0, "", 0, Happening::RunStarted { run: "20261121T083000Z-0a1b2c".to_owned(), gates }),
        at(10, "pages", 0, start("visual")),
        at(11, "lint", 0, start("command")),
        step("pages", 100, 1),
        step("pages", 200, 2),
        at(300, "pages", 1, log(Level::Warn, "a font could not be loaded")),
        at(400, "pages", 1, log(Level::Debug, "not for everybody")),
        at(500, "lint", 1, check(Inconclusive, "stylelint did not start")),
        at(510, "lint", 1, Happening::AttemptEnded { verdict: Inconclusive }),
        step("pages", 5_200, 3),
        at(6_000, "lint", 2, check(Pass, "nothing to object to")),
        at(6_010, "lint", 2, Happening::AttemptEnded { verdict: Pass }),
        at(6_020, "lint", 0, ended(Warn, Warn)),
        at(6_030, "speed", 0, start("lighthouse")),
        at(7_000, "speed", 1, check(Fail, "the score is 61")),
        at(7_001, "speed", 1, Happening::AttemptEnded { verdict: Fail }),
        at(7_002, "speed", 0, ended(Fail, Warn)),
        at(7_003, "api", 0, start("api")),
        at(7_500, "api", 1, Happening::Progress(counting)),
        at(8_000, "api", 1, check(Pass, "as recorded")),
        at(8_001, "api", 1, Happening::AttemptEnded { verdict: Pass }),
        at(8_002, "api", 0, ended(Pass, Pass)),
        at(12_000, "pages", 1, check(Pass, "as approved")),
        at(12_000, "pages", 1, check(Fail, "the button changed its colour")),
        at(12_000, "pages", 1, check(Inconclusive, "no baseline")),
        at(12_001, "pages", 1, Happening::AttemptEnded { verdict: Fail }),
        at(12_340, "pages", 0, ended(Fail, Fail)),
        at(12_400, "", 0, Happening::ReportStarted),
        at(12_500, "", 0, Happening::RunEnded { verdict: Some(Fail), exit_code: ExitCode::FAILED }),
    ]
}

/// A gate whose every text is a bad one.
pub(super) fn hostile() -> Vec<Event> {
    let text = || HOSTILE.repeat(10);
    let progress = Progress { done: 1, total: Some(2), unit: text(), text: text() };
    let happenings = [
        Happening::GateStarted { kind: text() },
        Happening::Progress(progress),
        Happening::Log { level: Level::Warn, text: text() },
        check(Verdict::Fail, &text()),
        Happening::AttemptEnded { verdict: Verdict::Fail },
        ended(Verdict::Fail, Verdict::Fail),
    ];
    let mut events =
        vec![at(0, "", 0, Happening::RunStarted { run: text(), gates: vec![HOSTILE.to_owned()] })];
    events.extend((1..).zip(happenings).map(|(t_ms, what)| at(t_ms, HOSTILE, 1, what)));
    events
}
