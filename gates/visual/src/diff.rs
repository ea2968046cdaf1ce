//! `gate diff`: two pictures, and what differs.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser, ValueEnum};
use gate_core::{Command, ExitCode, Output, Runs, files};
use serde::Serialize;
use visual_diff::{Aligned, Comparison, Fingerprint, Metric, Options, Rect, Region, RegionKind};

use crate::words;

/// Compare two pictures.
///
/// The count of changed pixels is that of pixelmatch 7.2.0. Pictures may be PNG, JPEG, WebP, GIF or
/// BMP. Rows that were inserted, deleted or moved are found out, so that the regions are what has
/// changed besides.
#[derive(Debug, Parser)]
#[command(
    name = "gate diff",
    max_term_width = 100,
    after_help = "Ends with 0 when the pictures are the same, 1 when they differ, 2 when one \
                  cannot be read.\n\nExample:\n  gate diff before.png after.png --out diff.png"
)]
struct Arguments {
    /// The picture that is taken as right.
    baseline: PathBuf,
    /// The picture to be checked.
    candidate: PathBuf,
    /// Draw the candidate in pale grey, with what changed in red, what was inserted in green, and
    /// a line where something is missing.
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
    /// How the distance of two colours is measured.
    #[arg(long, value_enum, default_value_t)]
    metric: MetricName,
    /// From which distance on two colours differ, 0 (any difference) to 1 (none).
    #[arg(long, default_value_t = 0.1)]
    threshold: f64,
    /// Count pixels that only smooth an edge, too.
    #[arg(long)]
    count_antialiased: bool,
    /// Compare pixels in the same place only.
    #[arg(long)]
    no_align: bool,
    /// A rectangle that does not count, in pixels; may be given several times.
    #[arg(long, value_name = "X,Y,W,H", value_parser = parse_mask)]
    mask: Vec<Rect>,
    /// Print the result as JSON (schema gate-diff/v1).
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum MetricName {
    /// That of pixelmatch 7.2.0.
    #[default]
    Yiq,
    /// HyAB in OKLab, which rates hues at the same brightness as the eye does.
    Oklab,
}

fn parse_mask(text: &str) -> Result<Rect, String> {
    let wrong = || format!("`{text}` is not four whole numbers, such as 0,120,300,40");
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let [x, y, width, height] = numbers.map_err(|_| wrong())?.try_into().map_err(|_| wrong())?;
    Ok(Rect { x, y, width, height })
}

pub(crate) fn command() -> Command {
    Command { name: "diff", about: "Compare two pictures", help, run: Runs::Alone(run) }
}

fn help() -> String {
    Arguments::command().render_long_help().to_string()
}

fn run(arguments: &[OsString], output: &Output) -> ExitCode {
    let arguments: Arguments = match gate_arguments::parse(arguments, &output.out, &output.err) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match compare(&arguments) {
        Ok(found) => {
            let text = if arguments.json { json(&found) } else { words_for(&found, &arguments) };
            (output.out)(&text);
            if is_same(&found) { ExitCode::PROMOTE } else { ExitCode::FAILED }
        }
        Err(text) => {
            (output.err)(&format!("gate: {text}\n"));
            ExitCode::USAGE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<Comparison, String> {
    let options = Options {
        metric: match arguments.metric {
            MetricName::Yiq => Metric::Yiq,
            MetricName::Oklab => Metric::Oklab,
        },
        threshold: arguments.threshold,
        count_antialiased: arguments.count_antialiased,
        align: !arguments.no_align,
        masks: arguments.mask.clone(),
        ..Options::default()
    };
    let (baseline, candidate) = (arguments.baseline.as_path(), arguments.candidate.as_path());
    let mut picture = Vec::new();
    let wanted = arguments.out.is_some().then_some(&mut picture as &mut dyn Write);
    let found = visual_diff::compare(baseline, candidate, &options, wanted)
        .map_err(|error| explained(&error, baseline, candidate))?;
    if let Some(out) = &arguments.out {
        let folder = match out.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        files::write_atomically(out, &picture, folder).map_err(|error| error.to_string())?;
    }
    Ok(found)
}

/// The error with the file that it is about.
fn explained(error: &visual_diff::Error, baseline: &Path, candidate: &Path) -> String {
    use visual_diff::Side;
    let (side, problem) = match error {
        visual_diff::Error::Picture { side, problem } => (side, problem),
        other => return other.to_string(),
    };
    let path = match side {
        Side::Baseline => baseline,
        Side::Candidate => candidate,
    };
    let hint = error.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
    format!("{}: {problem}{hint}", path.display())
}

/// Nothing has changed, shifts included.
fn is_same(found: &Comparison) -> bool {
    found.changed_pixels == Some(0)
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    width: u32,
    height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_height: Option<u32>,
    identical: bool,
    changed_pixels: Option<u64>,
    antialiased_pixels: u64,
    changed_ratio: f64,
    regions: Vec<RegionReport>,
    regions_omitted: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aligned: Option<&'a Aligned>,
}

#[derive(Serialize)]
struct RegionReport {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    pixels: u64,
    kind: RegionKind,
    fingerprint: Fingerprint,
    mean_distance: f64,
}

fn json(found: &Comparison) -> String {
    let resized = found.baseline != found.candidate;
    let region = |region: &Region| -> RegionReport {
        let Region { x, y, width, height, pixels, kind, fingerprint, mean_distance } = *region;
        RegionReport { x, y, width, height, pixels, kind, fingerprint, mean_distance }
    };
    let report = Report {
        schema: "gate-diff/v1",
        width: found.candidate.width,
        height: found.candidate.height,
        baseline_width: resized.then_some(found.baseline.width),
        baseline_height: resized.then_some(found.baseline.height),
        identical: found.identical,
        changed_pixels: found.changed_pixels,
        antialiased_pixels: found.antialiased_pixels,
        changed_ratio: found.changed_ratio,
        regions: found.regions.iter().map(region).collect(),
        regions_omitted: found.regions_omitted,
        aligned: found.aligned.as_ref(),
    };
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

/// How many regions and shifts are printed, each.
const MOST_LINES: usize = 12;

fn words_for(found: &Comparison, arguments: &Arguments) -> String {
    let mut text = summary(found);
    text.push('\n');
    let mut lines = Vec::new();
    if let Some(aligned) = &found.aligned {
        for shift in &aligned.inserted {
            let visual_diff::Shift { x, y, width, height, .. } = shift;
            lines.push(format!("inserted     {width} x {height} at {x},{y}"));
        }
        for shift in &aligned.deleted {
            let visual_diff::Shift { x, y, width, height, .. } = shift;
            lines.push(format!("deleted      {width} x {height} at {x},{y} of the baseline"));
        }
        for shift in &aligned.moved {
            let visual_diff::Move { x, y, width, height, from, .. } = shift;
            lines.push(format!("moved        {width} x {height} at {x},{y}, from {x},{from}"));
        }
    }
    add_lines(&mut text, &lines, "shifts");
    let lines: Vec<String> = found
        .regions
        .iter()
        .map(|region| {
            let Region { x, y, width, height, pixels, .. } = region;
            let kind = crate::compare::kind(region.kind).replace('-', " ");
            format!("{kind:<12} {width} x {height} at {x},{y} ({})", counted(*pixels, "pixel"))
        })
        .collect();
    add_lines(&mut text, &lines, "regions");
    if let Some(out) = &arguments.out {
        let _ = writeln!(text, "drawn in {}", out.display());
    }
    text
}

fn add_lines(text: &mut String, lines: &[String], what: &str) {
    for line in lines.iter().take(MOST_LINES) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.len() > MOST_LINES {
        let _ = writeln!(text, "  and {} more {what}", lines.len() - MOST_LINES);
    }
}

fn summary(found: &Comparison) -> String {
    if found.identical {
        return "the pictures are identical".to_owned();
    }
    let size = found.candidate;
    let antialiased = match found.antialiased_pixels {
        0 => String::new(),
        some => format!(", and {} that only smooth an edge", counted(some, "pixel")),
    };
    if is_same(found) {
        return format!("the pictures are the same within the threshold{antialiased}");
    }
    let shifted = found.aligned.as_ref().filter(|aligned| !aligned.is_unshifted());
    let resized = if found.baseline == found.candidate {
        String::new()
    } else {
        let (old, new) = (found.baseline, size);
        format!(" ({} x {} became {} x {})", old.width, old.height, new.width, new.height)
    };
    match shifted {
        Some(aligned) => format!(
            "the pictures differ{resized}: the page has shifted, and besides {}",
            match aligned.changed_pixels {
                0 => "nothing has changed".to_owned(),
                some => format!("{} changed", counted(some, "pixel")),
            }
        ),
        None => format!(
            "the pictures differ{resized}: {} of {} ({:.3} %){antialiased}",
            words::thousands(found.overlap_changed_pixels),
            counted(size.pixels(), "pixel"),
            found.changed_ratio * 100.0
        ),
    }
}

fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", words::thousands(number), if number == 1 { "" } else { "s" })
}
