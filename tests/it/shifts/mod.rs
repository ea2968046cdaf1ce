//! A shift is told from a change, on pages that a real browser has drawn.

pub(crate) mod site;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Cursor;

use visual_browser::{DriverAt, Launch, Session, Shot, Viewport};
use visual_diff::{Aligned, Comparison, Options, RegionKind, compare};

use crate::site::{Answer, Site};

const EDITS: &[&str] = &["banner", "dropped", "moved", "pixel"];

/// The height of the window; some of the pages are not much higher.
const WINDOW: u32 = 700;

/// The colours by which things are found in the pictures.
const BANNER: [u8; 3] = [0xe6, 0x00, 0x7e];
const BUTTON: [u8; 3] = [0xcc, 0x22, 0x22];
const DROPPED: [u8; 3] = [0xb0, 0x5a, 0x00];

/// All pages with all edits, photographed.
async fn pictures() -> BTreeMap<(String, String), Vec<u8>> {
    let mut addresses = Vec::new();
    for (name, body) in site::PAGES {
        for edit in ["", "button"].iter().chain(EDITS) {
            addresses.push((*name, (*edit).to_owned(), site::page(body, edit)));
            if EDITS.contains(edit) {
                let both = format!("{edit}+button");
                addresses.push((*name, both.clone(), site::page(body, &both)));
            }
        }
    }
    let path = |name: &str, edit: &str| format!("/{name}?{edit}");
    let answers: Vec<(String, Answer)> = addresses
        .iter()
        .map(|(name, edit, body)| (path(name, edit), Answer::Page(body.clone())))
        .collect();
    let answers: Vec<(&str, Answer)> =
        answers.iter().map(|(path, answer)| (path.as_str(), answer.clone())).collect();
    let site = Site::serve(&answers);

    let found = visual_browser::find(OsStr::new("/usr/local/bin:/usr/bin:/bin")).await;
    let chromium = found.chromium.expect("these tests need Chromium").path;
    let scratch = tempfile::tempdir().unwrap();
    let launch = Launch::new(DriverAt::Chromium { chromium }, scratch.path().to_owned());
    let mut session = Session::open(&launch, &|_| {}).await.unwrap();
    let mut pictures = BTreeMap::new();
    for (name, edit, _) in &addresses {
        let mut shot = Shot::of(format!("{}{}", site.url, path(name, edit)));
        shot.viewport = Viewport { width: 900, height: WINDOW, ..shot.viewport };
        let capture = session.capture(&shot, &|_| {}).await.unwrap();
        pictures.insert(((*name).to_owned(), edit.clone()), capture.png);
    }
    session.close().await;
    pictures
}

/// The first and the last row in which a colour stands.
fn rows_of(png: &[u8], colour: [u8; 3]) -> (u32, u32) {
    let mut decoder = png::Decoder::new(Cursor::new(png));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let samples = info.color_type.samples();
    let mut rows = pixels
        .chunks(info.line_size)
        .enumerate()
        .filter(|(_, row)| row.chunks(samples).any(|pixel| pixel[..3] == colour));
    let (first, _) = rows.next().expect("the colour is there");
    let last = rows.next_back().map_or(first, |(y, _)| y);
    (first as u32, last as u32)
}

fn edits(aligned: &Aligned) -> [usize; 3] {
    [aligned.inserted.len(), aligned.deleted.len(), aligned.moved.len()]
}

/// What is wrong with how an edit was recognised; nothing if it is right.
fn wrong(edit: &str, found: &Comparison, before: &[u8], after: &[u8]) -> Option<String> {
    let aligned = found.aligned.as_ref()?;
    let expected = match edit.split('+').next()? {
        "banner" | "pixel" => [1, 0, 0],
        "dropped" => [0, 1, 0],
        "moved" => [0, 0, 1],
        _ => [0, 0, 0],
    };
    if edits(aligned) != expected {
        return Some(format!("shifts: {aligned:?}"));
    }
    if edit.starts_with("banner") {
        let (first, last) = rows_of(after, BANNER);
        let shift = &aligned.inserted[0];
        if (shift.y, shift.height) != (first, 42) || last + 1 - first != 42 {
            return Some(format!("the banner is at {first}: {shift:?}"));
        }
    }
    if edit.starts_with("dropped") {
        let (first, last) = rows_of(before, DROPPED);
        let shift = &aligned.deleted[0];
        // With the paragraph go its margins, and the frame of a card.
        let rows = shift.y..shift.y + shift.height;
        if !rows.contains(&first) || !rows.contains(&last) || shift.height > last - first + 100 {
            return Some(format!("the paragraph was at {first} to {last}: {shift:?}"));
        }
    }
    if edit.starts_with("pixel") && aligned.shifted_rows() != 1 {
        return Some(format!("one row: {aligned:?}"));
    }
    let grown = i64::from(found.candidate.height) - i64::from(found.baseline.height);
    let rows =
        |shifts: &[visual_diff::Shift]| shifts.iter().map(|s| i64::from(s.height)).sum::<i64>();
    // Beside a longer column, or within the window, a page need not become higher.
    let in_window = found.baseline.height.min(found.candidate.height) <= WINDOW;
    if grown != 0 && !in_window && grown != rows(&aligned.inserted) - rows(&aligned.deleted) {
        return Some(format!("the page is {grown} rows higher: {aligned:?}"));
    }
    if !edit.ends_with("button") {
        let unchanged = aligned.changed_pixels == 0 && found.regions.is_empty();
        return (!unchanged).then(|| format!("regions: {:?}", found.regions));
    }
    let (first, last) = rows_of(after, BUTTON);
    match found.regions.as_slice() {
        [region]
            if region.kind == RegionKind::Recoloured
                && region.y == first
                && region.height == last + 1 - first =>
        {
            None
        }
        regions => Some(format!("the button is at {first} to {last}: {regions:?}")),
    }
}

#[tokio::test]
async fn every_edit_is_recognised_and_nothing_else_is_seen() {
    let pictures = pictures().await;
    let mut failed = Vec::new();
    let mut looked_at = 0;
    for ((name, edit), after) in &pictures {
        if edit.is_empty() {
            continue;
        }
        let before = &pictures[&(name.clone(), String::new())];
        let options = Options { window_rows: Some(WINDOW), ..Options::default() };
        let found = compare(before, after, &options, None).unwrap();
        looked_at += 1;
        if let Some(wrong) = wrong(edit, &found, before, after) {
            failed.push(format!("{name}, {edit}: {wrong}"));
            #[expect(clippy::disallowed_methods, reason = "to look at what failed")]
            if let Ok(folder) = std::env::var("GATE_KEEP_PICTURES") {
                for (side, png) in [("before", before), ("after", after)] {
                    std::fs::write(format!("{folder}/{name}-{edit}-{side}.png"), png).unwrap();
                }
            }
        }
    }
    assert_eq!(looked_at, site::PAGES.len() * (2 * EDITS.len() + 1));
    println!("{} of {looked_at} edits recognised", looked_at - failed.len());
    assert!(failed.is_empty(), "{} of {looked_at}:\n{}", failed.len(), failed.join("\n"));
}
