//! What was seen: plain data, from which a verdict can be repeated.

use gate_core::evidence::{Area, DiffAligned, DiffRegion};
use gate_core::{Digest, Evidence};
use serde::{Deserialize, Serialize};

use crate::unloaded::Unloaded;

/// What one attempt saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// One for each page and viewport, in the order of the spec.
    pub views: Vec<View>,
}

/// One page in one viewport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The gate's name.
    pub gate: String,
    /// The page's name.
    pub page: String,
    /// Its path.
    pub path: String,
    /// The viewport's name.
    pub viewport: String,
    /// Its size.
    pub width: u32,
    /// Its size.
    pub height: u32,
    /// The browser.
    pub browser: String,
    /// Where in the spec it stands: the entry of `pages`, then the viewport.
    pub place: [u32; 2],
    /// The picture of the version under test.
    pub candidate: Side,
    /// What it was held against; absent when the candidate could not be photographed, or when
    /// there is no approved picture.
    pub baseline: Option<Side>,
    /// What the comparison found, when there were two pictures.
    pub compared: Option<Compared>,
    /// The digests of the baseline's files, when baselines are files.
    pub files: Option<BaselineFiles>,
    /// Selectors that matched nothing.
    pub unmatched: Vec<String>,
    /// What the candidate asked for and did not get.
    #[serde(default)]
    pub unloaded: Vec<Unloaded>,
    /// The addresses that what it was held against did not get; none where that is not known.
    #[serde(default)]
    pub unloaded_before: Option<Vec<String>>,
}

impl View {
    /// Names its check and its files.
    pub fn id(&self) -> String {
        id_of(&self.page, &self.viewport, &self.browser)
    }

    /// Sorts views as the spec has them, and the pages of a list by their names.
    pub(crate) fn order(&self) -> (u32, &str, u32, &str) {
        let [entry, viewport] = self.place;
        (entry, &self.page, viewport, &self.browser)
    }
}

/// Names the check and the files of a view.
pub(crate) fn id_of(page: &str, viewport: &str, browser: &str) -> String {
    format!("{page}-{viewport}-{browser}")
}

/// One picture, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The picture.
    Picture {
        /// Where it is kept.
        picture: Evidence,
        /// The status that the site answered with; none for a picture from a file.
        status: Option<u16>,
    },
    /// Why there is none.
    Missing {
        /// What happened.
        reason: String,
        /// What to do.
        advice: Option<String>,
        /// Two frames of a page that never came to rest, and where they differ.
        evidence: Vec<Evidence>,
    },
}

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Changed pixels, with those that only one picture has at its side; what was inserted,
    /// deleted or moved is not among them.
    pub changed_pixels: u64,
    /// As a share of the candidate's pixels, 0 to 1.
    pub changed_ratio: f64,
    /// Changed pixels that are not among them, since the page is known to move there by itself.
    #[serde(default)]
    pub noise_pixels: u64,
    /// The part of the approved picture that is known to move by itself, 0 to 1.
    #[serde(default)]
    pub noise_share: f64,
    /// Pixels that differ from those in the same place, as pixelmatch counts them; none when the
    /// sizes differ.
    #[serde(default)]
    pub plain_changed_pixels: Option<u64>,
    /// What has shifted.
    #[serde(default)]
    pub aligned: DiffAligned,
    /// The sizes of the baseline and of the candidate.
    pub sizes: [[u32; 2]; 2],
    /// What changed, from top to bottom.
    pub regions: Vec<DiffRegion>,
    /// How many regions were found beyond the limit.
    pub regions_omitted: u64,
    /// Areas that were left out.
    pub masks: Vec<Area>,
    /// The comparison as a person sees it; absent when nothing changed.
    pub diff: Option<Evidence>,
}

/// The files of a baseline, as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineFiles {
    /// The picture's path, relative to the workspace.
    pub picture: String,
    /// The picture; none when it is not there.
    pub picture_digest: Option<Digest>,
    /// The sidecar; none when it is not there.
    pub sidecar_digest: Option<Digest>,
    /// What the sidecar would become.
    pub new_sidecar: Option<Digest>,
    /// Areas that are known to move by themselves, and of which that is not known any more once
    /// the new picture is approved.
    #[serde(default)]
    pub noise_lost: u32,
}

impl BaselineFiles {
    /// The sidecar's path, relative to the workspace.
    pub fn sidecar(&self) -> String {
        format!("{}.json", self.picture.trim_end_matches(".png"))
    }
}
