//! The pages as files, which open from a disk or from what a pipeline has kept.
//!
//! A page that is opened from a disk fetches nothing, so its data comes in scripts: each calls one
//! function with a part of it, and that of a comparison is loaded when somebody looks at it.

use std::path::Path;

use gate_core::{Error, files};

use crate::assets;
use crate::files as shown;
use crate::pages::{self, Frame, Shape};
use crate::site::Site;

/// How many items stand in one script.
const ITEMS: usize = 500;

/// What was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// Writes all pages of a run, and what they show, into a folder that is empty or holds such pages.
pub(crate) fn export(site: &Site, to: &Path) -> Result<Written, Error> {
    make_room(to)?;
    let mut out = Out { folder: to, written: Written::default() };
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
        let bytes = site.stored.store.get(digest)?;
        out.write(&format!("evidence/{digest}.{}", kind.extension()), &bytes)?;
    }
    for asset in &assets::ALL {
        out.write(&format!("assets/{}", asset.name), asset.text.as_bytes())?;
    }
    let frame = Frame { report: &site.report, shape: Shape::Files { data: &data } };
    for (name, page) in pages::all(&frame, site) {
        out.write(&name, page.as_bytes())?;
    }
    Ok(out.written)
}

/// A value as JSON that can stand in a script.
fn script(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value)?;
    Ok(text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

fn make_room(to: &Path) -> Result<(), Error> {
    let occupied = std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some());
    if !occupied {
        return files::make_folder(to);
    }
    if !to.join("index.html").is_file() || !to.join("assets/review.css").is_file() {
        return Err(Error::new(format!("{} is not empty, and holds no report", to.display()))
            .hint("name a new folder"));
    }
    // Only what a report is made of: somebody may have put something beside it.
    for folder in ["assets", "data", "evidence"] {
        match std::fs::remove_dir_all(to.join(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)?,
            _ => {}
        }
    }
    Ok(())
}

struct Out<'a> {
    folder: &'a Path,
    written: Written,
}

impl Out<'_> {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(self.folder);
        files::make_folder(folder)?;
        files::write_atomically(&path, bytes, folder)?;
        self.written.files += 1;
        self.written.bytes += bytes.len() as u64;
        Ok(())
    }
}
