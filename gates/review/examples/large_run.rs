//! Writes a workspace with one run of very many compared pictures: `large_run FOLDER ITEMS`. For
//! measuring how the review does with it; each picture is another one, as in real life.
#![expect(clippy::print_stdout, reason = "an example for people to run by hand")]

use std::path::{Path, PathBuf};

use gate_core::evidence::{DiffEvidence, DiffRegion, DiffSchema};
use gate_core::{
    Attempt, Change, Check, Digest, Evidence, ExitCode, GateRecord, GateReport, Host, Proposal,
    Report, ReportSchema, Role, RunFolder, RunRecord, RunSchema, Selection, SpecRef, Store,
    Timestamp, UnitId, Verdict, Workspace, files,
};

const WIDTH: u32 = 400;
const HEIGHT: u32 = 600;

fn main() -> Result<(), gate_core::Error> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder"));
    let items: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let workspace = Workspace::at(&folder);
    workspace.prepare()?;
    let gate = gate(&workspace.store(), items)?;
    let run = "20261121T090000Z-000001";
    let at = Timestamp::from_millis(1_795_251_600_000);
    let host = Host { os: "linux".into(), arch: "x86_64".into(), cpus: 2 };
    let record = RunRecord {
        schema: RunSchema::V1,
        run: run.into(),
        started: at,
        finished: Some(at),
        host: host.clone(),
        gate_version: "0.1.0".into(),
        selection: Selection::default(),
        suite: Digest::of(b""),
        seed: 1,
        variables: std::collections::BTreeMap::new(),
        interrupted: None,
        notes: Vec::new(),
        merged_from: Vec::new(),
        gates: vec![GateRecord {
            name: gate.name.clone(),
            kind: gate.kind.clone(),
            spec: gate.spec.clone(),
            text: String::new(),
            plan: vec![UnitId("all".into())],
            units: vec![UnitId("all".into())],
            attempts: gate.attempts.clone(),
            duration_ms: 1,
        }],
        skipped: Vec::new(),
    };
    let report = Report {
        schema: ReportSchema::V1,
        run: run.into(),
        started: at,
        finished: at,
        host,
        gate_version: "0.1.0".into(),
        selection: Selection::default(),
        verdict: Some(Verdict::Fail),
        exit_code: ExitCode::FAILED,
        complete: true,
        notes: Vec::new(),
        gates: vec![gate],
        skipped: Vec::new(),
    };
    let stored = RunFolder::create(&workspace, run)?;
    let temporary = workspace.private().join("tmp");
    stored.save(&record, &temporary)?;
    files::write_atomically(&stored.events(), b"", &temporary)?;
    files::write_atomically(&stored.report(), &serde_json::to_vec(&report)?, &temporary)?;
    files::write_atomically(&folder.join("gate.yaml"), b"{}\n", &folder)?;
    println!("{run}");
    Ok(())
}

fn gate(store: &Store, items: usize) -> Result<GateReport, gate_core::Error> {
    let (mut checks, mut proposals) = (Vec::new(), Vec::new());
    for at in 0..items {
        let (page, viewport) = (format!("page-{}", at / 5), ["a", "b", "c", "d", "e"][at % 5]);
        let id = format!("{page}-{viewport}-chromium");
        let (before, candidate) =
            (keep(store, &picture(at, false))?, keep(store, &picture(at, true))?);
        let region = DiffRegion {
            x: 40,
            y: 60 + (at % 90) as u32,
            width: 120,
            height: 30,
            pixels: 3600,
            kind: "recoloured".into(),
            // Every fortieth page has the same change.
            fingerprint: format!("fingerprint-{}", at % 40),
            cause: Some("a.button: background-color #0a7 -> #c22".into()),
        };
        let diff = DiffEvidence {
            schema: DiffSchema::V1,
            baseline: before,
            candidate,
            picture: candidate,
            width: WIDTH,
            height: HEIGHT,
            regions: vec![region],
            aligned: None,
            masks: Vec::new(),
        };
        let bytes = serde_json::to_vec(&diff)?;
        let evidence = Evidence {
            role: Role::Diff,
            label: id.clone(),
            media_type: "application/json".into(),
            digest: keep(store, &bytes)?,
            bytes: bytes.len() as u64,
            refs: vec![before, candidate],
        };
        let message = "1 area differs from the approved picture: 120x30 px at 40,60 recoloured";
        checks.push(
            Check::new(&id, format!("{page} at {viewport}, chromium"), Verdict::Fail, message)
                .facet("page", &page)
                .facet("viewport", viewport)
                .facet("browser", "chromium")
                .evidence([evidence]),
        );
        let change = Change {
            path: format!("specs/shop.baselines/pages/{id}.png"),
            expected: None,
            candidate: Some(candidate),
        };
        let title = format!("new picture of {id}");
        proposals.push(Proposal::files("pages", &id, title, vec![change]));
    }
    Ok(GateReport {
        name: "pages".into(),
        kind: "visual".into(),
        spec: SpecRef { path: "specs/shop.yaml".into(), line: 1, digest: Digest::of(b"") },
        required: true,
        verdict: Verdict::Fail,
        counts_as: Verdict::Fail,
        attempts: vec![Attempt::Measured { measured: Digest::of(b"") }],
        checks,
        proposals,
        evidence: Vec::new(),
        duration_ms: 1,
    })
}

/// Without the flush to the disk that a run makes of each of its files.
#[expect(clippy::disallowed_methods, reason = "an example that writes very many files at once")]
fn keep(store: &Store, bytes: &[u8]) -> Result<Digest, gate_core::Error> {
    let digest = Digest::of(bytes);
    let path: &Path = &store.path(&digest);
    std::fs::write(path, bytes)?;
    Ok(digest)
}

/// A page with bars of its own, and a button in one of two colours.
fn picture(at: usize, after: bool) -> Vec<u8> {
    let mut pixels = vec![255_u8; (WIDTH * HEIGHT * 3) as usize];
    let mut fill = |x: u32, y: u32, width: u32, colour: [u8; 3]| {
        for x in x..x + width {
            let start = ((y * WIDTH + x) * 3) as usize;
            pixels[start..start + 3].copy_from_slice(&colour);
        }
    };
    let mut state = at as u32 + 1;
    for y in (0..HEIGHT).filter(|y| y % 12 < 6) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        fill(20, y, 40 + state % 300, [60, 70, 80]);
    }
    let colour = if after { [204, 34, 34] } else { [0, 170, 119] };
    (0..30).for_each(|row| fill(40, 60 + (at % 90) as u32 + row, 120, colour));
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("a picture in memory");
    out
}
