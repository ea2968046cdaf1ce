//! `gate cassette stats`: what a recording is like.

use std::path::PathBuf;

use clap::Args;
use gate_core::{Error, ExitCode, Output};
use recorder::{Cassette, Matching, Stats as Counted, import};
use serde_json::{Value, json};

use super::super::engine_error;
use super::super::words::{count, plain, size};

/// How many lines a list for people has.
const LISTED: usize = 10;

/// Count what a recording holds: hosts, methods, statuses, sizes, requests asked more than once.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0, or with 2 when the recording cannot be read.

Example:
  gate cassette stats crm.cassette --json | jq .response_bytes")]
pub(super) struct Stats {
    /// A cassette, or a file or folder of another tool.
    path: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// What is counted besides.
struct About {
    format: &'static str,
    rules: usize,
    repeats: bool,
    stats: Counted,
}

pub(super) fn counted(stats: &Stats, output: &Output) -> Result<ExitCode, Error> {
    let about = about(stats, output)?;
    if stats.json {
        let About { format, rules, repeats, stats: counted } = &about;
        let mut document = json!({
            "path": stats.path.display().to_string(),
            "format": format,
            "rules": rules,
            "repeats": repeats,
        });
        if let (Value::Object(all), Value::Object(counted)) = (&mut document, json!(counted)) {
            all.extend(counted);
        }
        (output.out)(&format!("{document:#}\n"));
    } else {
        let path = stats.path.display();
        (output.out)(&format!("{path}: {}\n{}", about.format, told(&about)));
    }
    Ok(ExitCode::PROMOTE)
}

fn about(stats: &Stats, output: &Output) -> Result<About, Error> {
    let cleaner = super::cleaner(&super::policy_of(&stats.path)?)?;
    let mut about = if Cassette::is_at(&stats.path) {
        let cassette = Cassette::open(&stats.path).map_err(engine_error)?;
        let matching = cassette.policy().matching().map_err(engine_error)?;
        // Bodies that are files of their own stay there.
        let recorded = cassette.read().map_err(engine_error)?;
        About {
            format: "gate",
            rules: cassette.rules().map_err(engine_error)?.len(),
            repeats: cassette.policy().allow_repeats,
            stats: recorder::stats(&recorded, &matching),
        }
    } else {
        let imported = import::read(&stats.path).map_err(engine_error)?;
        super::warn(&stats.path, &imported.warnings, output);
        About {
            format: imported.format.name(),
            rules: imported.rules.len(),
            repeats: imported.repeats,
            stats: recorder::stats(&imported.recorded, &Matching::default()),
        }
    };
    for large in &mut about.stats.largest {
        let clean = cleaner.url(&large.url);
        let clean = redact::placeholder::generalised(clean.as_bytes());
        large.url = String::from_utf8_lossy(&clean).into_owned();
    }
    Ok(about)
}

fn told(about: &About) -> String {
    let About { rules, repeats, stats, .. } = about;
    let mut text = format!(
        "  {}, {} of them asked for before; {}\n  {} of requests, {} of answers\n",
        count(stats.interactions as usize, "interaction"),
        stats.duplicates,
        count(stats.endpoints as usize, "endpoint"),
        size(stats.request_bytes),
        size(stats.response_bytes),
    );
    if *rules > 0 {
        text.push_str(&format!("  {} for every request of a kind\n", count(*rules, "rule")));
    }
    if *repeats {
        text.push_str("  an answer is given as often as it is asked for\n");
    }
    let named = |host: &String| if host.is_empty() { "any host".to_owned() } else { host.clone() };
    list(&mut text, "hosts", stats.hosts.iter().map(|(host, n)| (named(host), *n)));
    list(&mut text, "methods", stats.methods.iter().map(|(method, n)| (method.clone(), *n)));
    list(&mut text, "statuses", stats.statuses.iter().map(|(status, n)| (status.to_string(), *n)));
    if !stats.largest.is_empty() {
        text.push_str("largest answers\n");
        for large in &stats.largest {
            let what = plain(&format!("{} {}", large.method, large.url));
            text.push_str(&format!("{:>10}  {what}\n", size(large.bytes)));
        }
    }
    text
}

/// The most frequent first.
fn list(text: &mut String, title: &str, counts: impl Iterator<Item = (String, u64)>) {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    text.push_str(&format!("{title}\n"));
    for (name, n) in counts.iter().take(LISTED) {
        text.push_str(&format!("{n:>10}  {}\n", plain(name)));
    }
    if counts.len() > LISTED {
        text.push_str(&format!("{:>10}  and {} more\n", "", counts.len() - LISTED));
    }
}
