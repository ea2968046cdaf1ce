//! Two pictures held against each other, on the pool for computations.

use gate_core::evidence::{Area, DiffAligned, DiffEvidence, DiffRegion, DiffSchema, DiffShift};
use gate_core::{Context, Error, Evidence, Role};
use visual_browser::{Causes, Layout};
use visual_diff::{Aligned, Comparison, Options, Rect, RegionKind};

use crate::noise::Noise;
use crate::seen::Compared;
use crate::settings::Comparing;

/// The regions in the words of the evidence, each with what caused it.
pub(crate) fn regions(found: &Comparison, causes: Option<&Causes<'_>>) -> Vec<DiffRegion> {
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
            cause: causes.and_then(|causes| {
                let here = on_page(region.rect());
                let was = was(found.aligned.as_ref(), region.rect()).map(on_page);
                Some(causes.explain(here, was)?.to_string())
            }),
        })
        .collect()
}

fn on_page(rect: Rect) -> visual_browser::Rect {
    let Rect { x, y, width, height } = rect;
    visual_browser::Rect { x, y, width, height }
}

/// Where something stood before the page shifted, if that is elsewhere.
fn was(aligned: Option<&Aligned>, now: Rect) -> Option<Rect> {
    let aligned = aligned?;
    let beside = |x: u32, width: u32| x < now.x + now.width && now.x < x + width;
    let inserted = aligned.inserted.iter().filter(|s| beside(s.x, s.width) && s.y < now.y);
    let inserted: u32 = inserted.map(|shift| shift.height).sum();
    let mut y = now.y.saturating_sub(inserted);
    for shift in aligned.deleted.iter().filter(|s| beside(s.x, s.width)) {
        if shift.y <= y {
            y += shift.height;
        }
    }
    (y != now.y).then_some(Rect { y, ..now })
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
    let (mut found, picture) = computed.map_err(|error: visual_diff::Error| {
        Error::new(format!("the pictures cannot be compared: {error}"))
    })?;
    let noise_pixels = baseline.noise.map_or(0, |noise| leave_out(&mut found, noise));
    let causes = match (baseline.layout, candidate.layout) {
        (Some(before), Some(after)) => Some(Causes::between(before, after)),
        _ => None,
    };
    let regions = regions(&found, causes.as_ref());
    let aligned = aligned(&found, causes.as_ref());
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
    let changed_pixels = (aligned.changed_pixels + at_the_side).saturating_sub(noise_pixels);
    Ok(Compared {
        changed_pixels,
        changed_ratio: (changed_pixels as f64 / other.pixels() as f64).min(1.0),
        noise_pixels,
        noise_share: baseline.noise.map_or(0.0, |noise| noise.share),
        plain_changed_pixels: found.changed_pixels,
        sizes: [[one.width, one.height], [other.width, other.height]],
        regions,
        regions_omitted: found.regions_omitted,
        aligned,
        masks: candidate.masks,
        diff,
    })
}

/// Takes away the regions that are known to move by themselves, and gives their pixels.
fn leave_out(found: &mut Comparison, noise: &Noise) -> u64 {
    let aligned = found.aligned.clone();
    let mut pixels = 0;
    found.regions.retain(|region| {
        let was = was(aligned.as_ref(), region.rect()).unwrap_or(region.rect());
        let known = noise.explains(was, region.mean_distance);
        pixels += if known { region.pixels } else { 0 };
        !known
    });
    pixels
}

/// A picture with what is left out of it.
pub(crate) struct Pictured<'a> {
    pub(crate) kept: &'a Evidence,
    pub(crate) png: Vec<u8>,
    pub(crate) masks: Vec<Area>,
    /// The height of the window in pixels of the picture, if it shows the whole page.
    pub(crate) window_rows: Option<u32>,
    /// What stood where, if that is known.
    pub(crate) layout: Option<&'a Layout>,
    /// What moves by itself, of an approved picture.
    pub(crate) noise: Option<&'a Noise>,
}

pub(crate) fn rects(areas: &[Area]) -> Vec<Rect> {
    let rect = |a: &Area| Rect { x: a.x, y: a.y, width: a.width, height: a.height };
    areas.iter().map(rect).collect()
}

/// The pixels of regions beyond the width that both pictures have.
fn parts(found: &Comparison, width: u32) -> u64 {
    found.regions.iter().filter(|region| region.x >= width).map(|region| region.pixels).sum()
}

/// What has shifted, in the words of the evidence, each with what caused it.
fn aligned(found: &Comparison, causes: Option<&Causes<'_>>) -> DiffAligned {
    let Some(aligned) = &found.aligned else { return DiffAligned::default() };
    let cause = |now: Rect, was: Option<Rect>| {
        Some(causes?.explain(on_page(now), was.map(on_page))?.to_string())
    };
    let rect = |s: &visual_diff::Shift| Rect { x: s.x, y: s.y, width: s.width, height: s.height };
    let shift = |s: &visual_diff::Shift, cause: Option<String>| DiffShift {
        x: s.x,
        y: s.y,
        width: s.width,
        height: s.height,
        from: None,
        fingerprint: s.fingerprint.to_string(),
        cause,
    };
    let nowhere = Rect { x: 0, y: 0, width: 0, height: 0 };
    let inserted = aligned.inserted.iter().map(|s| shift(s, cause(rect(s), Some(nowhere))));
    let deleted = aligned.deleted.iter().map(|s| shift(s, cause(nowhere, Some(rect(s)))));
    let moved = aligned.moved.iter().map(|m| {
        let now = Rect { x: m.x, y: m.y, width: m.width, height: m.height };
        DiffShift {
            x: m.x,
            y: m.y,
            width: m.width,
            height: m.height,
            from: Some(m.from),
            fingerprint: m.fingerprint.to_string(),
            cause: cause(now, Some(Rect { y: m.from, ..now })),
        }
    });
    DiffAligned {
        inserted: inserted.collect(),
        deleted: deleted.collect(),
        moved: moved.collect(),
        shifted_rows: aligned.shifted_rows(),
        changed_pixels: aligned.changed_pixels,
    }
}
