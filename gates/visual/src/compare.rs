//! Two pictures held against each other, on the pool for computations.

use gate_core::evidence::{Area, DiffEvidence, DiffRegion, DiffSchema};
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
    baseline: (&Evidence, Vec<u8>),
    candidate: (&Evidence, Vec<u8>),
    masks: Vec<Area>,
    how: Comparing,
    label: &str,
    cx: &Context,
) -> Result<Compared, Error> {
    let options = Options {
        threshold: how.threshold,
        metric: how.metric.metric(),
        count_antialiased: how.count_antialiased,
        masks: masks
            .iter()
            .map(|area| Rect { x: area.x, y: area.y, width: area.width, height: area.height })
            .collect(),
        ..Options::default()
    };
    let (before, after) = (baseline.1, candidate.1);
    let computed = cx
        .cpu(move || {
            let found = visual_diff::compare(&before, &after, &options, None)?;
            let sizes_differ = found.baseline != found.candidate;
            if found.overlap_changed_pixels == 0 && !sizes_differ {
                return Ok((found, None));
            }
            let mut picture = Vec::new();
            visual_diff::compare(&before, &after, &options, Some(&mut picture))?;
            Ok((found, Some(picture)))
        })
        .await;
    let (found, picture) = computed.map_err(|error: visual_diff::Error| {
        Error::new(format!("the pictures cannot be compared: {error}"))
    })?;
    let regions = regions(&found);
    let diff = match picture {
        None => None,
        Some(picture) => {
            let label = format!("{label}: difference");
            let picture = cx.keep(Role::Image, &label, "image/png", &picture)?;
            let evidence = DiffEvidence {
                schema: DiffSchema::V1,
                baseline: baseline.0.digest,
                candidate: candidate.0.digest,
                picture: picture.digest,
                width: found.candidate.width,
                height: found.candidate.height,
                regions: regions.clone(),
                aligned: None,
                masks: masks.clone(),
            };
            Some(cx.keep_structured(label, &evidence)?)
        }
    };
    let (one, other) = (found.baseline, found.candidate);
    let union = u64::from(one.width.max(other.width)) * u64::from(one.height.max(other.height));
    Ok(Compared {
        // With different sizes, the share counts the pixels that only one picture has.
        changed_pixels: found
            .changed_pixels
            .unwrap_or_else(|| (found.changed_ratio * union as f64).round() as u64),
        changed_ratio: found.changed_ratio,
        sizes: [[one.width, one.height], [other.width, other.height]],
        regions,
        regions_omitted: found.regions_omitted,
        masks,
        diff,
    })
}
