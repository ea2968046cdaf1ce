//! Whether a recording is so old that it is to be made anew.

use std::collections::BTreeSet;
use std::time::Duration;

use gate_core::process::Program;
use gate_core::values::DurationValue;
use gate_core::{Context, Error};
use recorder::Cassette;

use crate::commands::engine_error;

/// How long a service may take to be connected to.
const PATIENCE: Duration = Duration::from_secs(5);
/// Variables that lead git elsewhere, as in a hook.
const ELSEWHERE: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// What the age of a recording leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aged {
    /// It is young enough.
    Young,
    /// It is to be made anew, and why.
    Anew(String),
    /// It should be, and cannot: why.
    Unreachable(String),
}

/// Looks at the age of a recording that lies there. Who is to be asked has to be reached at once, or
/// a part of it would be old and a part new.
pub(crate) async fn looked_at(
    cassette: &Cassette,
    shown: &str,
    after: DurationValue,
    services: &BTreeSet<String>,
    cx: &Context,
) -> Result<Aged, Error> {
    let recorded_at = match cassette.recorded_at() {
        Some(at) => Some(at),
        None => committed_at(cassette, cx).await?,
    };
    let why = match recorder::age(recorded_at, cx.clock().now().millis() / 1000) {
        Some(age) if age < after.0 => return Ok(Aged::Young),
        Some(age) => format!("{shown} was recorded {} ago, which is {after} or more", words(age)),
        None => format!("nothing says when {shown} was recorded"),
    };
    Ok(match recorder::unreachable(services, PATIENCE).await {
        None => Aged::Anew(why),
        Some(who) => Aged::Unreachable(format!("{why}, but {who} cannot be reached")),
    })
}

/// When git last saw a change of the recording; none where it has not, or is not there.
async fn committed_at(cassette: &Cassette, cx: &Context) -> Result<Option<i64>, Error> {
    let argv = ["git", "log", "-1", "--no-show-signature", "--format=%ct", "--", "."];
    let mut env = cx.ambient_all().clone();
    env.retain(|name, _| !ELSEWHERE.contains(&name.as_str()));
    let program = Program {
        argv: argv.map(str::to_owned).to_vec(),
        folder: cassette.folder().to_owned(),
        env,
        stdin: Vec::new(),
        keep: 4 << 10,
    };
    Ok(match cx.run_program(program).await {
        Ok(done) if done.status.success() => done.stdout.text().trim().parse().ok(),
        Ok(_) | Err(_) => None,
    })
}

/// Services that are asked when all of a recording is made anew.
pub(crate) fn recorded_services(cassette: &Cassette) -> Result<BTreeSet<String>, Error> {
    cassette.origins().map_err(engine_error)
}

fn words(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let (unit, size) = units.into_iter().find(|(_, size)| seconds >= *size).unwrap_or(units[3]);
    let n = seconds / size;
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_words() {
        let check = |seconds: u64, expect: &str| {
            assert_eq!(words(Duration::from_secs(seconds)), expect);
        };
        check(0, "0 seconds");
        check(61, "1 minute");
        check(7200, "2 hours");
        check(86_400 * 45 + 5, "45 days");
    }
}
