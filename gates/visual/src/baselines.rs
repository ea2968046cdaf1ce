//! Approved pictures: where they lie, and what stands in the file beside each.

use std::path::PathBuf;

use gate_core::{Context, Digest, Error, Role, files};
use serde::{Deserialize, Serialize};

use crate::seen::{BaselineFiles, View};

/// The file beside a picture.
#[derive(Debug, Serialize, Deserialize)]
struct Sidecar {
    schema: String,
    page: String,
    path: String,
    viewport: String,
    width: u32,
    height: u32,
    browser: String,
    /// Of the picture, so that a stray file is noticed.
    digest: Digest,
}

const SCHEMA: &str = "gate-baseline/v1";

fn picture_path(view: &View, cx: &Context) -> PathBuf {
    cx.baselines().join(format!("{}.png", view.id()))
}

/// The approved picture of a view, if there is one, with the state of its files.
pub(crate) fn load(view: &View, cx: &Context) -> Result<(Option<Vec<u8>>, BaselineFiles), Error> {
    let path = picture_path(view, cx);
    let picture = files::read_if_there(&path)?;
    if picture.as_ref().is_some_and(|bytes| bytes.starts_with(b"version https://git-lfs")) {
        return Err(Error::new(format!("{} is a Git LFS pointer", cx.workspace().shown(&path)))
            .hint("fetch the pictures: git lfs pull"));
    }
    let sidecar = files::read_if_there(&path.with_extension("json"))?;
    let found = BaselineFiles {
        picture: cx.workspace().shown(&path),
        picture_digest: picture.as_deref().map(Digest::of),
        sidecar_digest: sidecar.as_deref().map(Digest::of),
        new_sidecar: None,
    };
    Ok((picture, found))
}

/// Keeps what the sidecar of this picture would be, for a proposal.
pub(crate) fn keep_sidecar(view: &View, picture: Digest, cx: &Context) -> Result<Digest, Error> {
    let sidecar = Sidecar {
        schema: SCHEMA.to_owned(),
        page: view.page.clone(),
        path: view.path.clone(),
        viewport: view.viewport.clone(),
        width: view.width,
        height: view.height,
        browser: view.browser.clone(),
        digest: picture,
    };
    let mut bytes = serde_json::to_vec_pretty(&sidecar)?;
    bytes.push(b'\n');
    let label = format!("sidecar of {}", view.id());
    Ok(cx.keep(Role::Log, label, "application/json", &bytes)?.digest)
}
