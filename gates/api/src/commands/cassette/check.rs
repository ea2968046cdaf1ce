//! `gate cassette check`: whether a recording is whole, holds no secret, and is used.

use std::path::{Path, PathBuf};

use clap::Args;
use gate_core::{Error, ExitCode, Output};
use recorder::import;
use recorder::rules::Rule;
use recorder::{Cassette, Damage, Leak, Search};
use redact::Cleaner;
use serde::Serialize;
use serde_json::json;

use super::super::engine_error;
use super::super::words::{count, plain};

/// How many findings of a kind are named for people.
const NAMED: usize = 20;

/// Tell whether a recording is whole, holds no secret, and has nothing in it that nobody uses.
///
/// whole: every file can be read, every body is there and is what its name says.
///
/// secrets: every file is looked over, behind escapes, base64 and compression. Of a secret or of
/// personal data it is told what it is and where it stands, never its value. What somebody has
/// masked by hand (<TOKEN>, [FILTERED], xxxx) is none. What the cassette's redact settings allow is
/// none.
///
/// unused: bodies and files that no recording belongs to, and stubs that never answer because
/// another comes before them. Which recordings a test does not ask for, only a replay can tell:
/// gate replay --unused.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0 when nothing was found, 1 when something was, 2 when the recording cannot be read.

Examples:
  gate cassette check crm.cassette
  gate cassette check spec/cassettes/crm.yml    # would it be safe to commit?")]
pub(super) struct Check {
    /// A cassette, or a file or folder of another tool.
    path: PathBuf,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
}

/// What is the matter with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Matter {
    Damaged,
    /// Another tool would answer with it.
    LeftOut,
    Secret,
    Personal,
    Unused,
}

impl Matter {
    const ALL: [Matter; 5] =
        [Matter::Damaged, Matter::LeftOut, Matter::Secret, Matter::Personal, Matter::Unused];

    fn word(self) -> &'static str {
        match self {
            Matter::Damaged => "damaged",
            Matter::LeftOut => "left out",
            Matter::Secret => "secret",
            Matter::Personal => "personal",
            Matter::Unused => "unused",
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Found {
    matter: Matter,
    path: String,
    /// What it is, and where in the file.
    what: String,
    hint: String,
}

/// What was looked at.
struct Looked {
    format: &'static str,
    /// None when not all could be read.
    interactions: Option<usize>,
    found: Vec<Found>,
}

pub(super) fn checked(check: &Check, output: &Output) -> Result<ExitCode, Error> {
    let mut looked =
        if Cassette::is_at(&check.path) { own(&check.path)? } else { foreign(&check.path)? };
    looked.found.sort();
    let code = if looked.found.is_empty() { ExitCode::PROMOTE } else { ExitCode::FAILED };
    if check.json {
        let Looked { format, interactions, found } = &looked;
        let document = json!({
            "path": check.path.display().to_string(),
            "format": format,
            "interactions": interactions,
            "found": found,
            "exit_code": code.0,
        });
        (output.out)(&format!("{document:#}\n"));
    } else {
        (output.out)(&told(&check.path, &looked));
    }
    Ok(code)
}

fn own(path: &Path) -> Result<Looked, Error> {
    let damages = recorder::integrity(path).map_err(engine_error)?;
    let cassette = Cassette::open(path).map_err(engine_error)?;
    let cleaner = super::cleaner(cassette.policy())?;
    let leaks = recorder::leaks(&cassette, &cleaner, Search::All).map_err(engine_error)?;
    // What cannot be read was told as damaged.
    let interactions = cassette.read().map(|all| all.len()).ok();
    let mut found: Vec<Found> = damages.into_iter().map(damaged).collect();
    found.extend(leaks.into_iter().map(|leak| leaked(leak, true)));
    if let Ok(rules) = cassette.rules() {
        found.extend(unreached(&rules, &path.join("rules.json"), &cleaner));
    }
    Ok(Looked { format: "gate", interactions, found })
}

fn foreign(path: &Path) -> Result<Looked, Error> {
    let imported = import::read(path).map_err(engine_error)?;
    let cleaner = super::cleaner(&super::policy_of(path)?)?;
    let leaks = recorder::leaks_in(&imported, path, &cleaner).map_err(engine_error)?;
    let mut found: Vec<Found> = leaks.into_iter().map(|leak| leaked(leak, false)).collect();
    let at = |matter, what: String, hint: &str| Found {
        matter,
        path: path.display().to_string(),
        what,
        hint: hint.to_owned(),
    };
    for warning in &imported.warnings {
        let is_unused = warning.contains("is never reached");
        let matter = if is_unused { Matter::Unused } else { Matter::LeftOut };
        let hint = if is_unused { "remove it" } else { "gate reads and replays the rest" };
        let what = warning.strip_suffix(": left out").unwrap_or(warning);
        found.push(at(matter, what.to_owned(), hint));
    }
    found.extend(unreached(&imported.rules, path, &cleaner));
    let interactions = Some(imported.recorded.len());
    Ok(Looked { format: imported.format.name(), interactions, found })
}

fn unreached(rules: &[Rule], path: &Path, cleaner: &Cleaner) -> Vec<Found> {
    let found = |place: usize| {
        let recorder::Request { method, url, .. } = &rules[place].request;
        let url = cleaner.url(url);
        let url = redact::placeholder::generalised(url.as_bytes());
        let url = String::from_utf8_lossy(&url);
        let what = format!("{method} {url} never answers: one before it does");
        let (path, hint) = (path.display().to_string(), "remove it".to_owned());
        Found { matter: Matter::Unused, path, what, hint }
    };
    recorder::unreached(rules).into_iter().map(found).collect()
}

fn damaged(damage: Damage) -> Found {
    let Damage { path, what, hint, is_unused } = damage;
    let matter = if is_unused { Matter::Unused } else { Matter::Damaged };
    let path = path.display().to_string();
    let what = what.strip_prefix(&format!("reading {path}: ")).unwrap_or(&what).to_owned();
    Found { matter, path, what, hint }
}

fn leaked(leak: Leak, is_own: bool) -> Found {
    let (matter, setting) = if leak.is_personal() {
        (Matter::Personal, "redact.keep_personal keeps what may stay")
    } else {
        (Matter::Secret, "redact.allow keeps what is none")
    };
    let hint = if is_own {
        format!("record it again, or take it out by hand; {setting}, in cassette.yaml")
    } else {
        "gate cassette import makes a cassette without it".to_owned()
    };
    let what = format!("{}, {}", leak.place, leak.what);
    Found { matter, path: leak.path.display().to_string(), what, hint }
}

fn told(path: &Path, looked: &Looked) -> String {
    let mut text = String::new();
    for matter in Matter::ALL {
        let all: Vec<&Found> = looked.found.iter().filter(|one| one.matter == matter).collect();
        let mut hint = "";
        for one in all.iter().take(NAMED) {
            let (at, what) = (plain(&one.path), plain(&one.what));
            text.push_str(&format!("{:<8}  {at}: {what}\n", matter.word()));
            hint = &one.hint;
        }
        if all.len() > NAMED {
            text.push_str(&format!(
                "{:<8}  and {} more (--json names all)\n",
                matter.word(),
                all.len() - NAMED
            ));
        }
        if !hint.is_empty() {
            text.push_str(&format!("          {}\n", plain(hint)));
        }
    }
    let what = match looked.interactions {
        Some(n) => count(n, "interaction"),
        None => "not all can be read".to_owned(),
    };
    let path = path.display();
    if looked.found.is_empty() {
        text.push_str(&format!("{path}: {what}, whole, without secrets, and nothing unused\n"));
    } else {
        let of = |matter| looked.found.iter().filter(|one| one.matter == matter).count();
        let some = Matter::ALL.into_iter().filter(|matter| of(*matter) > 0);
        let counts: Vec<_> =
            some.map(|matter| format!("{} {}", of(matter), matter.word())).collect();
        text.push_str(&format!("{path}: {what}; {}\n", counts.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_follows_what_it_is_about() {
        let found = |n: usize| Found {
            matter: Matter::Secret,
            path: "a.yml".to_owned(),
            what: format!("GET https://a/{n}: request header x, secret-name"),
            hint: "take it out".to_owned(),
        };
        let looked =
            Looked { format: "vcr", interactions: Some(30), found: (0..22).map(found).collect() };
        let text = told(Path::new("a.yml"), &looked);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), NAMED + 3);
        assert_eq!(lines[NAMED], "secret    and 2 more (--json names all)");
        assert_eq!(lines[NAMED + 1], "          take it out");
        assert!(lines[NAMED + 2].ends_with("30 interactions; 22 secret"), "{text}");
    }
}
