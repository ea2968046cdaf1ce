//! Two pictures held against each other, on the pool for computations.

use gate_core::evidence::{Area, DiffAligned, DiffEvidence, DiffRegion, DiffSchema, DiffShift};
use gate_core::{Context, Error, Evidence, Role};
use visual_diff::{Comparison, Options, Rect, RegionKind};

use crate::seen::Compared;
use crate::settings::Comparing;

/// The regions in the words of the evidence.
pub(crate) fn regions(found: &Comparison) -> Vec<DiffRegion> {
    found
        .regions
        .iter()
        .map(|region| DiffRegion {
            x: region.x,
            y: region.y,
            width: region.width,
            height: region.height,
            pixels: region.pixels,
            kind: kind(region.kind).to_owned(),
            fingerprint: region.fingerprint.to_string(),
            cause: None,
        })
        .collect()
}

pub(crate) fn kind(kind: RegionKind) -> &'static str {
    match kind {
        RegionKind::Added => "added",
        RegionKind::Removed => "removed",
        RegionKind::Recoloured => "recoloured",
        RegionKind::TextChanged => "text-changed",
        RegionKind::Moved => "moved",
        _ => "changed",
    }
}

/// Compares, and keeps the diff picture when there is a difference.
pub(crate) async fn compare(
    baseline: Pictured<'_>,
    candidate: Pictured<'_>,
    how: Comparing,
    label: &str,
    cx: &Context,
) -> Result<Compared, Error> {
    let options = Options {
        threshold: how.threshold,
        metric: how.metric.metric(),
        count_antialiased: how.count_antialiased,
        window_rows: candidate.window_rows,
        baseline_masks: rects(&baseline.masks),
        candidate_masks: rects(&candidate.masks),
        ..Options::default()
    };
    let (before, after) = (baseline.png, candidate.png);
    let computed = cx
        .cpu(move || {
            if before == after {
                let found = visual_diff::compare(&before, &after, &options, None)?;
                return Ok((found, None));
            }
            let mut picture = Vec::new();
            let found = visual_diff::compare(&before, &after, &options, Some(&mut picture))?;
            let differs = found.changed_pixels != Some(0);
            Ok((found, differs.then_some(picture)))
        })
        .await;
    let (found, picture) = computed.map_err(|error: visual_diff::Error| {
        Error::new(format!("the pictures cannot be compared: {error}"))
    })?;
    let regions = regions(&found);
    let aligned = aligned(&found);
    let diff = match picture {
        None => None,
        Some(picture) => {
            let label = format!("{label}: difference");
            let picture = cx.keep(Role::Image, &label, "image/png", &picture)?;
            let evidence = DiffEvidence {
                schema: DiffSchema::V1,
                baseline: baseline.kept.digest,
                candidate: candidate.kept.digest,
                picture: picture.digest,
                width: found.candidate.width,
                height: found.candidate.height,
                regions: regions.clone(),
                aligned: Some(aligned.clone()),
                masks: candidate.masks.clone(),
            };
            Some(cx.keep_structured(label, &evidence)?)
        }
    };
    let (one, other) = (found.baseline, found.candidate);
    // A part at the side is among the regions, and no pixel of it is among those compared.
    let at_the_side =
        if one.width == other.width { 0 } else { parts(&found, one.width.min(other.width)) };
    let changed_pixels = aligned.changed_pixels + at_the_side;
    Ok(Compared {
        changed_pixels,
        changed_ratio: (changed_pixels as f64 / other.pixels() as f64).min(1.0),
        plain_changed_pixels: found.changed_pixels,
        sizes: [[one.width, one.height], [other.width, other.height]],
        regions,
        regions_omitted: found.regions_omitted,
        aligned,
        masks: candidate.masks,
        diff,
    })
}

/// A picture with what is left out of it.
pub(crate) struct Pictured<'a> {
    pub(crate) kept: &'a Evidence,
    pub(crate) png: Vec<u8>,
    pub(crate) masks: Vec<Area>,
    /// The height of the window in pixels of the picture, if it shows the whole page.
    pub(crate) window_rows: Option<u32>,
}

fn rects(areas: &[Area]) -> Vec<Rect> {
    let rect = |a: &Area| Rect { x: a.x, y: a.y, width: a.width, height: a.height };
    areas.iter().map(rect).collect()
}

/// The pixels of regions beyond the width that both pictures have.
fn parts(found: &Comparison, width: u32) -> u64 {
    found.regions.iter().filter(|region| region.x >= width).map(|region| region.pixels).sum()
}

/// What has shifted, in the words of the evidence.
fn aligned(found: &Comparison) -> DiffAligned {
    let Some(aligned) = &found.aligned else { return DiffAligned::default() };
    let shift = |s: &visual_diff::Shift| DiffShift {
        x: s.x,
        y: s.y,
        width: s.width,
        height: s.height,
        from: None,
        fingerprint: s.fingerprint.to_string(),
    };
    let moved = aligned.moved.iter().map(|m| DiffShift {
        x: m.x,
        y: m.y,
        width: m.width,
        height: m.height,
        from: Some(m.from),
        fingerprint: m.fingerprint.to_string(),
    });
    DiffAligned {
        inserted: aligned.inserted.iter().map(shift).collect(),
        deleted: aligned.deleted.iter().map(shift).collect(),
        moved: moved.collect(),
        shifted_rows: aligned.shifted_rows(),
        changed_pixels: aligned.changed_pixels,
    }
}
