//! `gate baseline learn`: what moves on the approved pages by itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gate_core::process::Program;
use gate_core::{Attempt, Context, Digest, Error, ExitCode, Observation, RunFolder, files};
use visual_diff::{Comparison, Options, Rect};

use crate::baselines::{self, Sidecar};
use crate::compare::rects;
use crate::noise::Noise;
use crate::seen::{self, Side};

#[derive(Debug, clap::Args)]
pub(super) struct Learn {
    /// Specs, or folders with specs, as for `gate run`.
    paths: Vec<PathBuf>,
    /// How often every page is photographed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=50))]
    captures: u32,
    /// The environment to photograph.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Only gates with such names; may be given several times.
    #[arg(long, value_name = "GLOB")]
    name: Vec<String>,
    /// Do it in a pipeline, too: files of the workspace are changed.
    #[arg(long)]
    pub(super) in_ci: bool,
}

pub(super) fn learnt(learn: &Learn, cx: &Context) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // By picture of the baseline, what was seen of that page.
    let mut taken: BTreeMap<String, Vec<Taken>> = BTreeMap::new();
    for capture in 1..=learn.captures {
        cx.complain(&format!("capture {capture} of {}\n", learn.captures));
        let run = runtime.block_on(photograph(learn, cx))?;
        for (baseline, picture) in pictures(&run, cx)? {
            taken.entry(baseline).or_default().push(picture);
        }
    }
    if taken.is_empty() {
        return Err(Error::new("no page of these specs has an approved picture")
            .hint("approve pictures first: gate run, then gate approve"));
    }
    for (baseline, pictures) in taken {
        // Of a page that could not be photographed every time nothing can be said.
        if pictures.len() != learn.captures as usize {
            let (had, wanted) = (pictures.len(), learn.captures);
            return Err(Error::new(format!("{baseline}: {had} of {wanted} pictures were taken"))
                .hint("`gate explain` says why the others were not"));
        }
        let noise = learn_one(&baseline, &pictures, cx)?;
        let share = crate::words::share(noise.share);
        let areas = noise.areas.len();
        let s = if areas == 1 { "" } else { "s" };
        cx.print(&match areas {
            0 => format!("{baseline}: at rest\n"),
            _ => format!("{baseline}: {areas} area{s} move by themselves, {share} of the page\n"),
        });
    }
    Ok(ExitCode::PROMOTE)
}

/// Runs the visual gates once, as `gate run` does, and gives the run's id.
async fn photograph(learn: &Learn, cx: &Context) -> Result<String, Error> {
    let program = std::env::current_exe()?;
    let mut argv = vec![program.display().to_string(), "run".to_owned()];
    argv.extend(learn.paths.iter().map(|path| path.display().to_string()));
    argv.extend(["--kind", "visual", "--json"].map(ToOwned::to_owned));
    for (option, values) in [("--env", learn.env.as_slice()), ("--name", learn.name.as_slice())] {
        for value in values {
            argv.extend([option.to_owned(), value.clone()]);
        }
    }
    let done = cx
        .run_program(Program {
            argv,
            folder: cx.workspace().root().to_owned(),
            env: cx.ambient_all().clone(),
            stdin: Vec::new(),
            keep: 64 << 20,
        })
        .await?;
    let report: serde_json::Value = serde_json::from_str(&done.stdout.text()).map_err(|_| {
        Error::new(format!("the pages cannot be photographed: {}", done.stderr.text()))
    })?;
    let run = report["run"].as_str().map(ToOwned::to_owned);
    run.ok_or_else(|| Error::new("the run has no id"))
}

/// A picture of a page, and what is left out of it.
struct Taken {
    picture: Digest,
    masks: Vec<Rect>,
}

/// The baselines of a run and what it saw of their pages.
fn pictures(run: &str, cx: &Context) -> Result<Vec<(String, Taken)>, Error> {
    let record = RunFolder::at(cx.workspace().runs().join(run)).load()?;
    let mut found = Vec::new();
    for gate in record.gates.iter().filter(|gate| gate.kind == "visual") {
        let Some(&Attempt::Measured { measured }) = gate.attempts.last() else { continue };
        let observation = Observation::load(cx.store(), &measured)?;
        let seen: seen::Observation = serde_json::from_value(observation.seen)?;
        for view in seen.views {
            let approved = view.files.filter(|files| files.picture_digest.is_some());
            let masks = view.compared.map(|compared| rects(&compared.masks)).unwrap_or_default();
            if let (Some(files), Side::Picture { picture, .. }) = (approved, view.candidate) {
                found.push((files.picture, Taken { picture: picture.digest, masks }));
            }
        }
    }
    Ok(found)
}

/// Learns the noise of one page and writes it into the file beside its picture.
fn learn_one(baseline: &str, pictures: &[Taken], cx: &Context) -> Result<Noise, Error> {
    let path = cx.workspace().root().join(baseline);
    let approved = baselines::read_picture(&path, cx)?
        .ok_or_else(|| Error::new(format!("{baseline} has gone meanwhile")))?;
    let masks = pictures.iter().flat_map(|taken| taken.masks.clone()).collect();
    let options = Options { align: false, masks, ..Options::default() };
    let taken: Vec<Vec<u8>> =
        pictures.iter().map(|taken| cx.store().get(&taken.picture)).collect::<Result<_, _>>()?;
    let compare = |one: &Vec<u8>, other: &Vec<u8>| {
        visual_diff::compare(one, other, &options, None)
            .map_err(|error| Error::new(format!("{baseline}: {error}")))
    };
    let (first, others) = taken
        .split_first()
        .ok_or_else(|| Error::new(format!("{baseline}: no picture was taken")))?;
    let size = compare(&approved, first)?;
    if size.baseline != size.candidate {
        return Err(Error::new(format!("{baseline}: the page has another size now"))
            .hint("learn from the version that was approved, or approve this one first"));
    }
    let found =
        others.iter().map(|other| compare(first, other)).collect::<Result<Vec<Comparison>, _>>()?;
    let noise = Noise::of(&found, size.baseline);
    let beside = path.with_extension("json");
    let bytes = files::read(&beside)?;
    let mut sidecar = Sidecar::read(&bytes, Digest::of(&approved))
        .map_err(|problem| Error::new(format!("{} cannot be used: {problem}", beside.display())))?;
    sidecar.noise = Some(noise.clone());
    let folder = beside.parent().unwrap_or(Path::new("."));
    files::write_atomically(&beside, sidecar.text()?.as_bytes(), folder)?;
    Ok(noise)
}
