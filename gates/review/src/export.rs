//! The pages as files, which open from a disk or from what a pipeline has kept.
//!
//! A page that is opened from a disk fetches nothing, so its data comes in scripts: each calls one
//! function with a part of it, and that of a comparison is loaded when somebody looks at it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use gate_core::files::{self, Making};
use gate_core::{Error, While};

use crate::assets;
use crate::files as shown;
use crate::pages::{self, Frame, Shape};
use crate::site::Site;

/// What leads to everything else.
const ENTRY: &str = "index.html";
const FOLDERS: [&str; 3] = ["assets", "data", "evidence"];
/// How many items stand in one script.
const ITEMS: usize = 500;

/// What was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// Writes all pages of a run, and what they show, into a folder that is new or empty or holds such
/// pages. Until all of it is on the disk there is no `index.html`.
pub(crate) fn export(site: &Site, to: &Path) -> Result<Written, Error> {
    let is_there = has_room(to)?;
    let parent = to.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    let folder = if is_there { to } else { parent };
    files::make_folder(folder)?;
    let mut out = Out { making: Making::inside(folder)?, written: Written::default() };
    for folder in FOLDERS {
        files::make_folder(&out.making.path().join(folder))?;
    }
    fill(site, &mut out)?;
    out.making.flush()?;
    if is_there {
        replace(out.making.path(), to).while_doing(|| format!("replacing {}", to.display()))?;
    } else {
        out.making.take_place(to)?;
    }
    Ok(out.written)
}

fn fill(site: &Site, out: &mut Out) -> Result<(), Error> {
    let mut data = Vec::new();
    for (chunk, at) in site.items.chunks(ITEMS).zip(0..) {
        let name = format!("data/items-{at}.js");
        out.write(&name, format!("gate.items({});\n", script(&chunk)?).as_bytes())?;
        data.push(name);
    }
    for digest in site.items.iter().filter_map(|item| item.diff) {
        let diff = shown::diff(&site.stored.store, &digest)?;
        let text = format!("gate.diff(\"{digest}\", {});\n", script(&diff)?);
        out.write(&format!("evidence/{digest}.js"), text.as_bytes())?;
    }
    let proposals: Vec<_> = site.report.gates.iter().flat_map(|gate| &gate.proposals).collect();
    for (chunk, at) in proposals.chunks(ITEMS).zip(0..) {
        let name = format!("data/proposals-{at}.js");
        out.write(&name, format!("gate.proposals({});\n", script(&chunk)?).as_bytes())?;
        data.push(name);
    }
    for (digest, kind) in site.files.all() {
        let bytes = shown::beside_pages(kind, site.stored.store.get(digest)?);
        out.write(&format!("evidence/{digest}.{}", kind.extension()), &bytes)?;
    }
    for asset in assets::ALL.iter().filter(|asset| !assets::ELSEWHERE.contains(&asset.name)) {
        out.write(&format!("assets/{}", asset.name), asset.text.as_bytes())?;
    }
    let frame = Frame { report: &site.report, shape: Shape::Files { data: &data } };
    let wanted = site.items.iter().filter(|item| item.is_read());
    let wanted: BTreeSet<&str> = wanted.filter_map(|item| item.page.split('#').next()).collect();
    for (name, page) in pages::all(&frame, site) {
        out.write(&name, page.as_bytes())?;
        if wanted.contains(name.as_str()) {
            // A page from a disk cannot fetch another one.
            let text = format!("gate.page({}, {});\n", script(&name)?, script(&page)?);
            out.write(&format!("data/{name}.js"), text.as_bytes())?;
        }
    }
    Ok(())
}

/// A value as JSON that can stand in a script.
fn script(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value)?;
    Ok(text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// Whether there is a folder, which then has to be empty or to hold a report.
fn has_room(to: &Path) -> Result<bool, Error> {
    if !to.exists() {
        return Ok(false);
    }
    let entries = std::fs::read_dir(to).while_doing(|| format!("reading {}", to.display()))?;
    let is_report = to.join("index.html").is_file() && to.join("assets/review.css").is_file();
    if is_report || entries.count() == 0 {
        return Ok(true);
    }
    Err(Error::new(format!("{} is not empty, and holds no report", to.display()))
        .hint("name a new folder"))
}

/// Puts what was made in the place of what a report is made of. Somebody may have put something
/// beside it, which stays; and while it is neither the old nor the new one, there is no entry to it.
fn replace(made: &Path, to: &Path) -> std::io::Result<()> {
    let entries = |folder: &Path| -> std::io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    if to.join(ENTRY).exists() {
        std::fs::remove_file(to.join(ENTRY))?;
    }
    for name in entries(to)?.iter().filter_map(|name| name.to_str()) {
        if FOLDERS.contains(&name) {
            std::fs::remove_dir_all(to.join(name))?;
        } else if pages::is_file(name) {
            std::fs::remove_file(to.join(name))?;
        }
    }
    for name in entries(made)?.iter().filter(|name| *name != ENTRY) {
        std::fs::rename(made.join(name), to.join(name))?;
    }
    std::fs::rename(made.join(ENTRY), to.join(ENTRY))
}

struct Out {
    making: Making,
    written: Written,
}

impl Out {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.making.write(name, bytes)?;
        self.written.files += 1;
        self.written.bytes += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_report_stays() {
        let folder = tempfile::tempdir().unwrap();
        let making = || {
            let making = Making::inside(folder.path()).unwrap();
            making.write(ENTRY, b"new").unwrap();
            files::make_folder(&making.path().join("assets")).unwrap();
            making.write("assets/review.css", b"").unwrap();
            making
        };
        let report = folder.path().join("report");
        assert!(!has_room(&report).unwrap());
        making().take_place(&report).unwrap();
        assert!(has_room(&report).unwrap());
        // A page too many from a larger run, and something of somebody else's.
        for name in ["gate-7.html", "gates.html", "index.html"] {
            files::write_atomically(&report.join(name), b"old", folder.path()).unwrap();
        }
        replace(making().path(), &report).unwrap();
        assert!(!report.join("gate-7.html").exists());
        let read = |name: &str| files::read(&report.join(name)).unwrap();
        assert_eq!((read("gates.html"), read("index.html")), (b"old".to_vec(), b"new".to_vec()));
        // Without its entry it is no report, and nobody knows whose it is.
        std::fs::remove_file(report.join(ENTRY)).unwrap();
        assert!(has_room(&report).unwrap_err().to_string().contains("holds no report"));
        // What was given up leaves nothing.
        drop(making());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
