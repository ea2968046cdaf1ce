//! Approved pictures: where they lie, and what stands in the file beside each.

use std::path::{Path, PathBuf};

use gate_core::evidence::Area;
use gate_core::{Context, Digest, Error, Role, files};
use serde::{Deserialize, Serialize};
use visual_browser::Layout;

use crate::noise::Noise;
use crate::seen::{self, BaselineFiles, View};

/// The file beside a picture, `gate-baseline/v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    schema: String,
    pub(crate) page: String,
    path: String,
    viewport: String,
    width: u32,
    height: u32,
    browser: String,
    /// Of the picture, so that a stray file is noticed.
    pub(crate) digest: Digest,
    /// What was masked when the picture was taken; none in files of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    masks: Option<Vec<Area>>,
    /// What moves by itself on this page, once it was learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) noise: Option<Noise>,
    /// What stood where when the picture was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layout: Option<Layout>,
    /// The addresses of what the page did not get then; none in files of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unloaded: Option<Vec<String>>,
}

const SCHEMA: &str = "gate-baseline/v1";

impl Sidecar {
    /// Reads one that belongs to the given picture.
    pub(crate) fn read(bytes: &[u8], picture: Digest) -> Result<Self, String> {
        let sidecar = Self::alone(bytes)?;
        if sidecar.digest != picture {
            return Err("it belongs to another picture".to_owned());
        }
        Ok(sidecar)
    }

    /// Reads one, whatever picture it belongs to.
    pub(crate) fn alone(bytes: &[u8]) -> Result<Self, String> {
        let sidecar: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if sidecar.schema != SCHEMA {
            return Err(format!("it is `{}`, and not `{SCHEMA}`", sidecar.schema));
        }
        Ok(sidecar)
    }

    /// The name, without its ending, that the file has where `gate` puts it.
    pub(crate) fn id(&self) -> String {
        seen::id_of(&self.page, &self.viewport, &self.browser)
    }

    /// Explains and writes, for fuzzing.
    pub(crate) fn try_out(&self) {
        use visual_browser::{Causes, Rect};
        let text = self.text().expect("what was read can be written");
        let again = Self::read(text.as_bytes(), self.digest).expect("what was written can be read");
        assert_eq!(*self, again);
        if let Some(layout) = &self.layout {
            let region = Rect { x: 3, y: 5, width: 40, height: 30 };
            let other = Layout::default();
            for (before, after) in [(layout, layout), (layout, &other), (&other, layout)] {
                let _ = Causes::between(before, after).explain(region, None);
            }
        }
        if let Some(noise) = &self.noise {
            let rect = visual_diff::Rect { x: 3, y: 5, width: 40, height: 30 };
            noise.explains(rect, 0.3);
        }
    }

    /// One line for each field, so that a change of one is a change of one line.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let serde_json::Value::Object(fields) = serde_json::to_value(self)? else {
            return Err(Error::new("a sidecar is no object"));
        };
        let lines: Vec<String> =
            fields.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
        Ok(format!("{{\n{}\n}}\n", lines.join(",\n")))
    }
}

/// An approved picture and what is known of it.
pub(crate) struct Approved {
    pub(crate) png: Vec<u8>,
    pub(crate) masks: Option<Vec<Area>>,
    pub(crate) layout: Option<Layout>,
    pub(crate) noise: Option<Noise>,
    pub(crate) unloaded: Option<Vec<String>>,
}

fn picture_path(view: &View, cx: &Context) -> PathBuf {
    cx.baselines().join(format!("{}.png", view.id()))
}

/// The approved picture of a view, if there is one, with the state of its files.
pub(crate) fn load(view: &View, cx: &Context) -> Result<(Option<Approved>, BaselineFiles), Error> {
    let path = picture_path(view, cx);
    let picture = read_picture(&path, cx)?;
    let sidecar = files::read_if_there(&path.with_extension("json"))?;
    let found = BaselineFiles {
        picture: cx.workspace().shown(&path),
        picture_digest: picture.as_deref().map(Digest::of),
        sidecar_digest: sidecar.as_deref().map(Digest::of),
        new_sidecar: None,
        noise_lost: 0,
    };
    let (Some(png), Some(digest)) = (picture, found.picture_digest) else {
        return Ok((None, found));
    };
    let mut approved = Approved { png, masks: None, layout: None, noise: None, unloaded: None };
    if let Some(bytes) = sidecar {
        let sidecar = Sidecar::read(&bytes, digest).map_err(|problem| {
            Error::new(format!("{} cannot be used: {problem}", found.sidecar()))
                .hint("it is written with its picture when that is approved; restore both, or remove both")
        })?;
        approved.masks = sidecar.masks;
        approved.layout = sidecar.layout;
        approved.noise = sidecar.noise;
        approved.unloaded = sidecar.unloaded;
    }
    Ok((Some(approved), found))
}

/// Reads a picture, of which Git LFS may have left only the pointer.
pub(crate) fn read_picture(path: &Path, cx: &Context) -> Result<Option<Vec<u8>>, Error> {
    let picture = files::read_if_there(path)?;
    if picture.as_ref().is_some_and(|bytes| bytes.starts_with(b"version https://git-lfs")) {
        return Err(Error::new(format!("{} is a Git LFS pointer", cx.workspace().shown(path)))
            .hint("fetch the pictures: git lfs pull"));
    }
    Ok(picture)
}

/// Keeps what the sidecar of this picture would be, for a proposal.
pub(crate) fn keep_sidecar(
    view: &View,
    picture: Digest,
    masks: Vec<Area>,
    layout: Layout,
    noise: Option<Noise>,
    cx: &Context,
) -> Result<Digest, Error> {
    let sidecar = Sidecar {
        schema: SCHEMA.to_owned(),
        page: view.page.clone(),
        path: view.path.clone(),
        viewport: view.viewport.clone(),
        width: view.width,
        height: view.height,
        browser: view.browser.clone(),
        digest: picture,
        masks: Some(masks),
        noise,
        layout: Some(layout),
        unloaded: Some(view.unloaded.iter().map(|one| one.address.clone()).collect()),
    };
    let label = format!("sidecar of {}", view.id());
    Ok(cx.keep(Role::Log, label, "application/json", sidecar.text()?.as_bytes())?.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sidecar(schema: &str, picture: &[u8]) -> String {
        let digest = Digest::of(picture);
        format!(
            "{{\"schema\": \"{schema}\", \"page\": \"home\", \"path\": \"/\", \"viewport\": \"desktop\", \
             \"width\": 1280, \"height\": 800, \"browser\": \"chromium\", \"digest\": \"{digest}\"}}"
        )
    }

    #[test]
    fn a_sidecar_belongs_to_its_picture() {
        let check = |text: &str, expect: Result<(), &str>| {
            let read = Sidecar::read(text.as_bytes(), Digest::of(b"picture"));
            match (read, expect) {
                // Of an earlier version: nothing is known of masks, layout and noise.
                (Ok(read), Ok(())) => assert!(read.masks.is_none() && read.noise.is_none()),
                (Err(problem), Err(part)) => assert!(problem.contains(part), "{problem}"),
                (read, expect) => panic!("{read:?}, and not {expect:?}"),
            }
        };
        check(&sidecar(SCHEMA, b"picture"), Ok(()));
        check(&sidecar(SCHEMA, b"another"), Err("belongs to another picture"));
        check(&sidecar("gate-baseline/v9", b"picture"), Err("and not `gate-baseline/v1`"));
        check("{", Err("EOF"));
        check("", Err("EOF"));
    }
}
