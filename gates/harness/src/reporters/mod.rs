//! Reporters: pure functions of one report.
use std::path::PathBuf;
use gate_core::{Error, Report, Store};
/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format { Terminal, Json, Junit, Markdown, Github, Bundle }
impl std::str::FromStr for Format {
    type Err = String;
    fn from_str(t: &str) -> Result<Format, String> {
        Ok(match t { "terminal" => Format::Terminal, "json" => Format::Json, "junit" => Format::Junit, "markdown" => Format::Markdown, "github" => Format::Github, "bundle" => Format::Bundle, _ => return Err(format!("unknown format {t}")) })
    }
}
/// Around.
#[allow(missing_docs)]
pub struct Around { pub store: Store, pub width: usize, pub colour: bool, pub run_dir: PathBuf }
/// Renders.
pub fn render(_: Format, report: &Report, _: &Around) -> Result<Vec<u8>, Error> {
    let mut t = String::new();
    for g in &report.gates { t += &format!("{} {} ({})\n", g.verdict, g.name, g.counts_as); for c in &g.checks { t += &format!("   {} {}: {}\n", c.verdict, c.id, c.message); } for p in &g.proposals { t += &format!("   proposal {} {}\n", p.id, p.title); } }
    t += &format!("verdict {:?} exit {}\n", report.verdict, report.exit_code.0);
    Ok(t.into_bytes())
}
/// Explains.
pub fn explain(report: &Report, name: &str, _: Option<&str>, _: &Around) -> Option<String> { report.gates.iter().find(|g| g.name == name).map(|g| format!("{g:#?}\n")) }
/// Colour.
pub fn colour_choice(no: Option<&str>, _: Option<&str>, force: Option<&str>, tty: bool) -> bool { no.is_none_or(str::is_empty) && (tty || force.is_some()) }
