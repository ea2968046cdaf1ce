//! Commands that show something and change nothing: list, explain, kinds, doctor.

use std::collections::BTreeMap;
use std::fmt::Write;

use gate_core::{ExitCode, Finding};
use serde::Serialize;

use super::args::{Explain, List};
use super::{Session, judging, print, running};
use crate::reporters;
use crate::reporters::clean_line;
use crate::suite::{self, Chooser};
use crate::usage::Stop;

#[derive(Serialize)]
struct Listed {
    name: String,
    kind: String,
    tags: Vec<String>,
    required: bool,
    spec: String,
    line: usize,
    /// The promotions that select it.
    promotions: Vec<String>,
}

pub(super) fn list(session: &mut Session, args: &List) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    let wanted = args.choice.wanted(None);
    let (documents, diagnoses) =
        suite::documents(&project, &session.ambient.folder, &wanted, &session.ambient.variables)?;
    if !diagnoses.is_empty() {
        return Err(Stop::Diagnoses(diagnoses));
    }
    let promotion_tags = match &wanted.promotion {
        Some(name) => match project.config.promotions.get(name) {
            Some(promotion) => promotion.tags.clone(),
            None => return Err(Stop::usage(format!("there is no promotion `{name}`"))),
        },
        None => Vec::new(),
    };
    let chooser = Chooser::new(&wanted, &promotion_tags)?;
    let listed: Vec<Listed> = documents
        .iter()
        .map(|document| &document.header)
        .zip(&documents)
        .filter(|(header, _)| chooser.takes(header))
        .map(|(header, document)| Listed {
            name: header.name.clone(),
            kind: header.gate.clone(),
            tags: header.tags.clone(),
            required: header.required,
            spec: document.file.shown.clone(),
            line: document.first_line,
            promotions: project
                .config
                .promotions
                .iter()
                .filter(|(_, p)| p.tags.iter().all(|tag| header.tags.contains(tag)))
                .map(|(name, _)| name.clone())
                .collect(),
        })
        .collect();
    if args.json {
        print_json(&listed)?;
    } else {
        print::out(&table(&listed));
    }
    Ok(if listed.is_empty() { ExitCode::NOTHING_SELECTED } else { ExitCode::PROMOTE })
}

fn print_json<T: Serialize>(value: &T) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(value).map_err(gate_core::Error::from)?;
    print::out(&format!("{text}\n"));
    Ok(())
}

fn table(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no gate is selected; `gate kinds` lists the kinds\n".to_owned();
    }
    let width =
        |of: fn(&Listed) -> &str| listed.iter().map(|l| of(l).chars().count()).max().unwrap_or(0);
    let (name, kind) = (width(|l| &l.name), width(|l| &l.kind));
    let mut text = String::new();
    for one in listed {
        let mut facts = Vec::new();
        if !one.tags.is_empty() {
            facts.push(format!("[{}]", one.tags.join(", ")));
        }
        if !one.promotions.is_empty() {
            facts.push(format!("guards {}", one.promotions.join(", ")));
        }
        if !one.required {
            facts.push("not required".to_owned());
        }
        let line = format!(
            "{:name$}  {:kind$}  {}:{}  {}",
            one.name,
            one.kind,
            one.spec,
            one.line,
            facts.join("  ")
        );
        let _ = writeln!(text, "{}", clean_line(line.trim_end()));
    }
    text
}

pub(super) fn explain(session: &Session, args: &Explain) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    let stored = judging::find(session, &project, &args.run)?;
    let report = stored.report()?;
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let mut around = running::around(session, &project.workspace, &stored.folder, terminal);
    around.store = stored.store.clone();
    let (name, check) = match args.name.split_once('/') {
        Some((name, check)) => (name, Some(check)),
        None => (args.name.as_str(), None),
    };
    if let Some(text) = reporters::explain(&report, name, check, &around) {
        print::out(&text);
        return Ok(ExitCode::PROMOTE);
    }
    let names: Vec<_> = report.gates.iter().map(|gate| gate.name.as_str()).collect();
    let hint = match report.gates.iter().find(|gate| gate.name == name) {
        Some(gate) => {
            let checks: Vec<_> = gate.checks.iter().map(|check| check.id.as_str()).collect();
            format!("its checks are: {}", checks.join(", "))
        }
        None => gate_core::spec::did_you_mean(name, names.iter().copied())
            .unwrap_or_else(|| format!("its gates are: {}", names.join(", "))),
    };
    Err(Stop::usage_hint(format!("the run {} has no `{}`", report.run, args.name), hint))
}

pub(super) fn kinds(session: &mut Session, json: bool) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    session.add_plugins(&project, None)?;
    let all: BTreeMap<&str, &str> =
        session.registry.kinds().map(|kind| (kind.gate().kind(), kind.about())).collect();
    if json {
        print_json(&all)?;
        return Ok(ExitCode::PROMOTE);
    }
    let width = all.keys().map(|name| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, about) in all {
        let _ = writeln!(text, "{name:width$}  {}", clean_line(about));
    }
    text.push_str("\n`gate schema KIND` describes the settings of a kind.\n");
    print::out(&text);
    Ok(ExitCode::PROMOTE)
}

pub(super) fn doctor(session: &Session, json: bool) -> Result<ExitCode, Stop> {
    let project = session.project()?;
    let cx = session.context(&project)?;
    let findings: Vec<Finding> =
        session.registry.probes().flat_map(|probe| (probe.run)(&cx)).collect();
    let missing = findings.iter().any(|finding| finding.found.is_err());
    if json {
        let facts: Vec<_> = findings
            .iter()
            .map(|finding| {
                serde_json::json!({
                    "name": finding.name,
                    "ok": finding.found.is_ok(),
                    "found": finding.found.as_ref().unwrap_or_else(|wrong| wrong),
                    "advice": finding.advice,
                })
            })
            .collect();
        print_json(&facts)?;
    } else {
        print::out(&diagnosis(&findings));
    }
    Ok(if missing { ExitCode::INCONCLUSIVE } else { ExitCode::PROMOTE })
}

fn diagnosis(findings: &[Finding]) -> String {
    let mut text = format!("gate {}\n", env!("CARGO_PKG_VERSION"));
    for finding in findings {
        let (mark, what) = match &finding.found {
            Ok(found) => ("ok     ", found),
            Err(wrong) => ("missing", wrong),
        };
        let _ = writeln!(text, "{mark}  {}: {}", finding.name, clean_line(what));
        if let (Err(_), Some(advice)) = (&finding.found, &finding.advice) {
            let _ = writeln!(text, "         {}", clean_line(advice));
        }
    }
    text
}
