//! The story: a good pair passes, and each fault is caught by the gate that should catch it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use gate_core::{Context, Error, ExitCode, Report, Verdict, While};
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::fault::DOUBLE_COUNT;
use crate::server::{Options, Running, serve};
use crate::{DEMO_TOKEN, Fault, export, workspace};

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    fault: &'static str,
    title: &'static str,
    /// The check that had to fail.
    expected: &'static str,
    caught: bool,
    /// What that check said, or what went wrong.
    message: String,
    run: String,
    seconds: f64,
}

/// The two sites, and the gates between them.
struct Stage<'a> {
    live: Running,
    test: Running,
    folder: &'a Path,
    cx: &'a Context,
}

/// Tells it, and says whether every fault was caught.
pub(crate) fn tell(
    folder: &Path,
    faults: &[Fault],
    json: bool,
    runtime: &Runtime,
    cx: &Context,
) -> Result<ExitCode, Error> {
    let folder = workspace::make(folder)?;
    let site = |name: &str| {
        let options = Options { environment: name.to_owned(), ..Options::default() };
        runtime.block_on(serve(options)).map_err(|error| Error::new(error.to_string()))
    };
    let stage = Stage { live: site("live")?, test: site("test")?, folder: &folder, cx };
    let say = |text: &str| if json { cx.complain(text) } else { cx.print(text) };
    say(&format!("live is {}\ntest is {}\n\n", stage.live.url(), stage.test.url()));

    let (mut good, seconds) = stage.decide()?;
    say(&format!("a good pair             {}  {seconds:.1} s\n", outcome(&good)));
    let mut rows = Vec::new();
    if good.exit_code == ExitCode::PROMOTE {
        for fault in faults {
            stage.test.faults.set([*fault]);
            let (report, seconds) = stage.decide()?;
            stage.test.faults.set([]);
            // The same run without the fault, before it and after it, has to pass.
            let (after, _) = stage.decide()?;
            let row = row(*fault, &good, &report, &after, seconds);
            let mark = if row.caught { "caught" } else { "MISSED" };
            say(&format!(
                "{:<22}  {mark}  {:<32} {:.1} s\n{:24}{}\n",
                row.fault, row.expected, row.seconds, "", row.message
            ));
            rows.push(row);
            good = after;
        }
    }
    let caught = rows.iter().filter(|row| row.caught).count();
    let whole = rows.len() == faults.len() && good.exit_code == ExitCode::PROMOTE;
    if json {
        let text = serde_json::to_string_pretty(&rows)?;
        cx.print(&format!("{text}\n"));
    }
    say(&format!(
        "\n{caught} of {} faults caught. The runs lie in {}; try there:\n\n    gate explain pages\n",
        faults.len(),
        folder.display()
    ));
    runtime.block_on(async { tokio::join!(stage.live.shutdown(), stage.test.shutdown()) });
    Ok(if whole && caught == faults.len() { ExitCode::PROMOTE } else { ExitCode::FAILED })
}

fn outcome(report: &Report) -> &'static str {
    if report.exit_code == ExitCode::PROMOTE { "passes" } else { "DOES NOT PASS" }
}

impl Stage<'_> {
    /// Runs `gate run --promotion test-to-live` as a pipeline would: as a process of its own.
    fn decide(&self) -> Result<(Report, f64), Error> {
        export::write(self.folder, self.test.faults.is_on(DOUBLE_COUNT))?;
        let program = std::env::current_exe().while_doing(|| "finding this program")?;
        let started = Instant::now();
        let output = Command::new(program)
            .args(["run", "--promotion", "test-to-live", "--json", "-q"])
            .current_dir(self.folder)
            .env_clear()
            .envs(self.cx.ambient_all())
            .env("LIVE_URL", self.live.url())
            .env("TEST_URL", self.test.url())
            .env("CRM_TOKEN", DEMO_TOKEN)
            .stdin(Stdio::null())
            .output()
            .while_doing(|| "running gate")?;
        let seconds = started.elapsed().as_secs_f64();
        let report: Report = serde_json::from_slice(&output.stdout).map_err(|_| {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Error::new(format!("gate run gave no report ({}): {said}", output.status))
        })?;
        let code = output.status.code().unwrap_or(-1);
        if code != i32::from(report.exit_code.0) {
            let said = report.exit_code.0;
            return Err(Error::new(format!("the report says {said}, and the exit code is {code}")));
        }
        if report.exit_code != ExitCode::PROMOTE {
            let blocking = report.gates.iter().flat_map(|gate| &gate.checks);
            for check in blocking.filter(|check| check.verdict == Verdict::Inconclusive) {
                self.cx.complain(&format!("  inconclusive: {}: {}\n", check.id, check.message));
            }
        }
        Ok((report, seconds))
    }
}

/// Caught means: the check that was named beforehand turned to fail and names the fault, every
/// other gate kept its verdict, and without the fault everything passes before and after.
fn row(fault: Fault, before: &Report, with: &Report, after: &Report, seconds: f64) -> Row {
    let (gate, id) = fault.caught_by.split_once('/').unwrap_or((fault.caught_by, ""));
    let check = with
        .gates
        .iter()
        .filter(|report| report.name == gate)
        .flat_map(|report| &report.checks)
        .find(|check| check.id == id);
    let verdicts = |report: &Report| -> BTreeMap<String, Verdict> {
        let others = report.gates.iter().filter(|report| report.name != gate);
        others.map(|report| (report.name.clone(), report.verdict)).collect()
    };
    let wrong = match check {
        None => Some("there is no such check".to_owned()),
        Some(check) if check.verdict != Verdict::Fail => {
            Some(format!("it says {}: {}", check.verdict, check.message))
        }
        Some(check) if !check.message.contains(fault.names) => {
            Some(format!("its message does not name the fault: {}", check.message))
        }
        Some(_) if verdicts(with) != verdicts(before) => {
            Some(format!("another gate changed its verdict: {:?}", verdicts(with)))
        }
        Some(_) if after.exit_code != ExitCode::PROMOTE => {
            Some("without the fault it does not pass any more".to_owned())
        }
        Some(_) => None,
    };
    Row {
        fault: fault.name,
        title: fault.title,
        expected: fault.caught_by,
        caught: wrong.is_none(),
        message: wrong.or_else(|| check.map(|check| check.message.clone())).unwrap_or_default(),
        run: with.run.clone(),
        seconds,
    }
}
