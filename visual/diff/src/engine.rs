//! Two pictures, row by row.

use std::io::Write;
use std::thread;

use crate::around::Around;
use crate::bands::{Window, pipe};
use crate::decode::{Picture, equal_files};
use crate::diff_image::{DiffImage, Mark, Tint};
use crate::error::{Error, Problem, Side};
use crate::mask::Masks;
use crate::parts::Parts;
use crate::regions::Regions;
use crate::rows::{RowChanges, RowRule};
use crate::source::Source;
use crate::{Comparison, Options, Size};

/// Compares two pictures.
///
/// Both are decoded on threads of their own and compared while the rows are in cache; of a PNG
/// that is not interlaced only a few bands are in memory at any time. Equal PNG files are not
/// decoded at all, unless a diff image is asked for.
///
/// When the sizes differ, the part from the top left corner that both have is compared as though
/// both were cropped to it, and what only one of them has is described by a region of its own.
///
/// The diff image, an indexed PNG as large as both pictures together need, is written to
/// `diff_out` on the way. It is not complete when an error is returned.
pub fn compare<'a>(
    baseline: impl Into<Source<'a>>,
    candidate: impl Into<Source<'a>>,
    options: &Options,
    diff_out: Option<&mut dyn Write>,
) -> Result<Comparison, Error> {
    options.check()?;
    let (baseline, candidate) = (baseline.into(), candidate.into());
    let limits = &options.limits;
    if diff_out.is_none() {
        let equal = equal_files(baseline, candidate, limits);
        if let Some(size) = equal.map_err(|problem| problem.at(Side::Baseline))? {
            return Ok(Comparison::of_equal(size));
        }
    }
    let baseline = Picture::open(baseline, limits).map_err(|p| p.at(Side::Baseline))?;
    let candidate = Picture::open(candidate, limits).map_err(|p| p.at(Side::Candidate))?;
    let sizes = Sizes { baseline: baseline.size, candidate: candidate.size };
    let diff = diff_out
        .map(|out| DiffImage::begin(out, sizes.union()))
        .transpose()
        .map_err(Error::DiffImage)?;

    let (left, before) = pipe(baseline, Side::Baseline, options.band_rows);
    let (right, after) = pipe(candidate, Side::Candidate, options.band_rows);
    thread::scope(|scope| {
        let decoders = [
            start(scope, Side::Baseline, || left.run())?,
            start(scope, Side::Candidate, || right.run())?,
        ];
        // The windows are gone when this returns, and with them the reason to decode on.
        let compared = Engine::new(before, after, sizes, diff, options).run();
        for decoder in decoders {
            // A decoder that panicked has been reported by its window; joining it here keeps
            // the panic from going on.
            let _ = decoder.join();
        }
        compared
    })
}

fn start<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    side: Side,
    decode: impl FnOnce() + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, ()>, Error> {
    let thread = thread::Builder::new().name(format!("decode-{side}"));
    thread.spawn_scoped(scope, decode).map_err(|error| Problem::Io(error).at(side))
}

/// The sizes of both pictures and what follows from them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) baseline: Size,
    pub(crate) candidate: Size,
}

impl Sizes {
    pub(crate) fn overlap(self) -> Size {
        Size {
            width: self.baseline.width.min(self.candidate.width),
            height: self.baseline.height.min(self.candidate.height),
        }
    }

    fn union(self) -> Size {
        Size {
            width: self.baseline.width.max(self.candidate.width),
            height: self.baseline.height.max(self.candidate.height),
        }
    }
}

/// A comparison under way.
struct Engine<'a> {
    before: Window,
    after: Window,
    sizes: Sizes,
    rule: RowRule,
    masks: Masks,
    regions: Regions,
    parts: Parts,
    diff: Option<DiffImage<'a>>,
    identical: bool,
    changed: u64,
    antialiased: u64,
}

impl<'a> Engine<'a> {
    fn new(
        before: Window,
        after: Window,
        sizes: Sizes,
        diff: Option<DiffImage<'a>>,
        options: &Options,
    ) -> Self {
        Self {
            before,
            after,
            sizes,
            rule: RowRule::new(options),
            masks: Masks::new(&options.masks),
            regions: Regions::new(options.merge_distance, options.max_regions),
            parts: Parts::new(sizes),
            diff,
            identical: sizes.baseline == sizes.candidate,
            changed: 0,
            antialiased: 0,
        }
    }

    fn run(mut self) -> Result<Comparison, Error> {
        let overlap = self.sizes.overlap();
        let mut changes = RowChanges::default();
        for y in 0..overlap.height {
            self.before.wait_for(y.saturating_add(2))?;
            self.after.wait_for(y.saturating_add(2))?;
            changes.clear();
            if !self.rows_equal(y) {
                self.compare_row(y, &mut changes);
            }
            self.show_row(y, &changes);
            self.take_parts(y)?;
            self.before.release_above(y.saturating_sub(1));
            self.after.release_above(y.saturating_sub(1));
        }
        for y in overlap.height..self.sizes.union().height {
            self.take_parts(y)?;
            self.before.release_above(y);
            self.after.release_above(y);
        }
        self.finish()
    }

    /// Whether the rows have equal bytes that stand for equal pixels.
    fn rows_equal(&self, y: u32) -> bool {
        self.sizes.baseline.width == self.sizes.candidate.width
            && self.before.layout() == self.after.layout()
            && self.before.raw(y) == self.after.raw(y)
    }

    fn compare_row(&mut self, y: u32, changes: &mut RowChanges) {
        let Size { width, height } = self.sizes.overlap();
        self.before.expand(y, y);
        self.after.expand(y, y);
        let columns = ..width as usize;
        if self.before.row(y)[columns] == self.after.row(y)[columns] {
            return;
        }
        self.before.expand(y.saturating_sub(2), y + 2);
        self.after.expand(y.saturating_sub(2), y + 2);
        let before = Around::new(y, width, height, |y| self.before.row(y));
        let after = Around::new(y, width, height, |y| self.after.row(y));
        for open in self.masks.open(y, width) {
            self.rule.compare(&before, &after, open.clone(), changes);
        }
        self.identical &= !changes.any;
        self.changed += changes.pixels();
        self.antialiased += changes.antialiased.len() as u64;
        if !changes.changed.is_empty() {
            self.regions.add_row(&changes.changed, &before, &after);
        }
    }

    /// Puts what both pictures have of row `y` into the diff image.
    fn show_row(&mut self, y: u32, changes: &RowChanges) {
        let Some(diff) = &mut self.diff else { return };
        let width = self.sizes.overlap().width;
        self.after.expand(y, y);
        diff.show(0, &self.after.row(y)[..width as usize], Tint::Compared);
        let mut next = 0;
        for open in self.masks.open(y, width) {
            diff.tint(next..open.start, Tint::Masked);
            next = open.end;
        }
        diff.tint(next..width, Tint::Masked);
        for run in &changes.changed {
            diff.mark(run.columns.clone(), Mark::Changed);
        }
        for &x in &changes.antialiased {
            diff.mark(x..x + 1, Mark::Antialiased);
        }
    }

    /// Takes from row `y` what only one picture has, and ends the row of the diff image.
    fn take_parts(&mut self, y: u32) -> Result<(), Error> {
        for (window, side) in
            [(&mut self.before, Side::Baseline), (&mut self.after, Side::Candidate)]
        {
            let Some(columns) = self.parts.columns(side, y) else { continue };
            window.wait_for(y)?;
            window.expand(y, y);
            let row = window.row(y);
            let open = self.masks.open(y, columns.end);
            self.parts.take(side, y, row, open);
            if let Some(diff) = &mut self.diff {
                let tint = match side {
                    Side::Baseline => Tint::Removed,
                    Side::Candidate => Tint::Added,
                };
                diff.show(columns.start, &row[columns.start as usize..], tint);
            }
        }
        self.diff.as_mut().map_or(Ok(()), DiffImage::end_row).map_err(Error::DiffImage)
    }

    fn finish(self) -> Result<Comparison, Error> {
        if let Some(diff) = self.diff {
            diff.finish().map_err(Error::DiffImage)?;
        }
        let Sizes { baseline, candidate } = self.sizes;
        let (mut regions, regions_omitted) = self.regions.finish();
        let parts = self.parts.finish();
        let in_parts: u64 = parts.iter().map(|part| part.pixels).sum();
        regions.extend(parts);
        regions.sort_by_key(|region| (region.y, region.x));
        let all = baseline.pixels() + candidate.pixels() - self.sizes.overlap().pixels();
        Ok(Comparison {
            baseline,
            candidate,
            identical: self.identical,
            changed_pixels: (baseline == candidate).then_some(self.changed),
            overlap_changed_pixels: self.changed,
            antialiased_pixels: self.antialiased,
            changed_ratio: (self.changed + in_parts) as f64 / all as f64,
            regions,
            regions_omitted,
        })
    }
}

impl Comparison {
    /// What there is to say about two equal pictures.
    fn of_equal(size: Size) -> Self {
        Self {
            baseline: size,
            candidate: size,
            identical: true,
            changed_pixels: Some(0),
            overlap_changed_pixels: 0,
            antialiased_pixels: 0,
            changed_ratio: 0.0,
            regions: Vec::new(),
            regions_omitted: 0,
        }
    }
}
