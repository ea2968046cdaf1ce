//! Two pictures, row by row.

use std::io::Write;
use std::thread;

use crate::align::{Alignment, Filled, MOST_ROWS, Strips, align};
use crate::around::Around;
use crate::bands::{Window, pipe};
use crate::decode::{Picture, equal_files};
use crate::diff_image::{DiffImage, Mark, Tint};
use crate::error::{Error, Problem, Side};
use crate::layout::Pixel;
use crate::mask::Masks;
use crate::parts::Parts;
use crate::realigned::Realigned;
use crate::regions::Regions;
use crate::rows::{RowChanges, RowRule};
use crate::source::Source;
use crate::{Aligned, Comparison, Options, Size};

/// Compares two pictures.
///
/// Both are decoded on threads of their own and compared while the rows are in cache; of a PNG
/// that is not interlaced only a few bands are in memory at any time. Equal PNG files are not
/// decoded at all, unless a diff image is asked for.
///
/// When the sizes differ, the part from the top left corner that both have is compared as though
/// both were cropped to it, and what only one of them has is described by a region of its own.
/// When [`Options::align`] is set and rows turn out to have shifted, the pictures are read once
/// more and compared along the alignment, and the regions are those of this second comparison.
///
/// The diff image is an indexed PNG, written to `diff_out`: of pictures that have shifted it is as
/// large as the candidate (and as wide as the wider one), otherwise as large as both pictures
/// together need. It is not complete when an error is returned.
pub fn compare<'a>(
    baseline: impl Into<Source<'a>>,
    candidate: impl Into<Source<'a>>,
    options: &Options,
    diff_out: Option<&mut dyn Write>,
) -> Result<Comparison, Error> {
    options.check()?;
    let sources = (baseline.into(), candidate.into());
    let limits = &options.limits;
    if diff_out.is_none() {
        let equal = equal_files(sources.0, sources.1, limits);
        if let Some(size) = equal.map_err(|problem| problem.at(Side::Baseline))? {
            return Ok(Comparison::of_equal(size, options));
        }
    }
    if !options.align {
        return in_place(sources, options, diff_out).map(|(found, _)| found);
    }
    // Which of two diff images is wanted is known only when all rows have been seen.
    let mut picture = Vec::new();
    let first_out = diff_out.is_some().then_some(&mut picture as &mut dyn Write);
    let (mut found, strips) = in_place(sources, options, first_out)?;
    let unchanged = found.overlap_changed_pixels == 0 && found.baseline == found.candidate;
    let alignment = strips.filter(|_| !unchanged).map(|strips| strips.align()).unwrap_or_default();
    if alignment.shifts.is_empty() {
        let changed_pixels = found.overlap_changed_pixels;
        found.aligned = Some(Aligned { changed_pixels, ..Aligned::default() });
        if let Some(out) = diff_out {
            out.write_all(&picture).and_then(|()| out.flush()).map_err(Error::DiffImage)?;
        }
        return Ok(found);
    }
    drop(picture);
    let (sizes, pictures) = open(sources, options)?;
    if (sizes.baseline, sizes.candidate) != (found.baseline, found.candidate) {
        let problem = Problem::Malformed("the file changed while it was read".into());
        return Err(problem.at(Side::Candidate));
    }
    let size = Size { height: sizes.candidate.height, ..sizes.union() };
    let diff = diff_out.map(|out| DiffImage::begin(out, size)).transpose();
    let diff = diff.map_err(Error::DiffImage)?;
    decoding(pictures, options, |before, after| {
        Realigned::new(before, after, sizes, diff, alignment, options).run(found)
    })
}

/// Compares pixels in the same place.
fn in_place(
    sources: (Source<'_>, Source<'_>),
    options: &Options,
    diff_out: Option<&mut dyn Write>,
) -> Result<(Comparison, Option<BothStrips>), Error> {
    let (sizes, pictures) = open(sources, options)?;
    let diff = diff_out.map(|out| DiffImage::begin(out, sizes.union())).transpose();
    let diff = diff.map_err(Error::DiffImage)?;
    decoding(pictures, options, |before, after| {
        Engine::new(before, after, sizes, diff, options).run()
    })
}

fn open<'a>(
    (baseline, candidate): (Source<'a>, Source<'a>),
    options: &Options,
) -> Result<(Sizes, (Picture<'a>, Picture<'a>)), Error> {
    let limits = &options.limits;
    let baseline = Picture::open(baseline, limits).map_err(|p| p.at(Side::Baseline))?;
    let candidate = Picture::open(candidate, limits).map_err(|p| p.at(Side::Candidate))?;
    let sizes = Sizes { baseline: baseline.size, candidate: candidate.size };
    Ok((sizes, (baseline, candidate)))
}

/// Runs a comparison while both pictures are decoded.
fn decoding<T>(
    (baseline, candidate): (Picture<'_>, Picture<'_>),
    options: &Options,
    compare: impl FnOnce(Window, Window) -> Result<T, Error>,
) -> Result<T, Error> {
    let (left, before) = pipe(baseline, Side::Baseline, options.band_rows);
    let (right, after) = pipe(candidate, Side::Candidate, options.band_rows);
    thread::scope(|scope| {
        let decoders = [
            start(scope, Side::Baseline, || left.run())?,
            start(scope, Side::Candidate, || right.run())?,
        ];
        // The windows are gone when this returns, and with them the reason to decode on.
        let compared = compare(before, after);
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

    pub(crate) fn union(self) -> Size {
        Size {
            width: self.baseline.width.max(self.candidate.width),
            height: self.baseline.height.max(self.candidate.height),
        }
    }
}

/// How many equal rows above the first difference are aligned with what follows, since a block
/// may be seen to begin there; fewer when they are long.
const LOOK_BACK: u32 = 256;

/// What these rows may take.
const LOOK_BACK_BYTES: u32 = 4 << 20;

/// The hashes of both pictures' rows, for aligning them. As long as all rows are equal there is
/// nothing to be aligned and none is hashed.
struct BothStrips {
    /// The first row that is hashed.
    first: Option<u32>,
    before: Strips,
    after: Strips,
    masks: [Masks; 2],
    /// A row of which what is masked has been wiped out.
    wiped: Vec<Pixel>,
    width: u32,
    sizes: Sizes,
    window_rows: Option<u32>,
}

impl BothStrips {
    fn new(sizes: Sizes, options: &Options) -> Self {
        let width = sizes.overlap().width;
        let size = Size { width, height: sizes.union().height };
        Self {
            first: None,
            before: Strips::new(size),
            after: Strips::new(size),
            masks: [options.masks_of(Side::Baseline), options.masks_of(Side::Candidate)],
            wiped: Vec::new(),
            width,
            sizes,
            window_rows: options.window_rows,
        }
    }

    fn is_masked(&self) -> bool {
        self.masks.iter().any(|masks| !masks.is_empty())
    }

    fn add(&mut self, side: Side, y: u32, row: &[Pixel]) {
        let row = &row[..self.width as usize];
        let (strips, masks) = match side {
            Side::Baseline => (&mut self.before, &mut self.masks[0]),
            Side::Candidate => (&mut self.after, &mut self.masks[1]),
        };
        if masks.is_empty() {
            strips.add(row);
            return;
        }
        self.wiped.clear();
        self.wiped.resize(row.len(), 0);
        for open in masks.open(y, self.width) {
            let open = open.start as usize..open.end as usize;
            self.wiped[open.clone()].copy_from_slice(&row[open]);
        }
        strips.add(&self.wiped);
    }

    fn align(&self) -> Alignment {
        let filled = |height: u32| self.window_rows.is_some_and(|window| height <= window);
        let filled = Filled {
            before: filled(self.sizes.baseline.height),
            after: filled(self.sizes.candidate.height),
        };
        align(&self.before, &self.after, self.first.unwrap_or(0), self.width, filled)
    }

    /// How many rows above row `y` may still be asked for.
    fn look_back(&self) -> u32 {
        if self.first.is_some() {
            0
        } else {
            LOOK_BACK.min(LOOK_BACK_BYTES / (self.width * 4)).max(1)
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
    strips: Option<BothStrips>,
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
            masks: options.all_masks(),
            regions: Regions::new(options.merge_distance, options.max_regions),
            parts: Parts::new(sizes),
            strips: (options.align && sizes.union().height <= MOST_ROWS)
                .then(|| BothStrips::new(sizes, options)),
            diff,
            identical: sizes.baseline == sizes.candidate,
            changed: 0,
            antialiased: 0,
        }
    }

    fn run(mut self) -> Result<(Comparison, Option<BothStrips>), Error> {
        let overlap = self.sizes.overlap();
        let mut changes = RowChanges::default();
        for y in 0..overlap.height {
            self.before.wait_for(y.saturating_add(2))?;
            self.after.wait_for(y.saturating_add(2))?;
            changes.clear();
            let equal = self.rows_equal(y);
            if !equal {
                self.compare_row(y, &mut changes);
            }
            self.hash_row(y, equal);
            self.show_row(y, &changes);
            self.take_parts(y)?;
            let still = self.strips.as_ref().map_or(0, BothStrips::look_back).max(1);
            self.before.release_above(y.saturating_sub(still));
            self.after.release_above(y.saturating_sub(still));
        }
        for y in overlap.height..self.sizes.union().height {
            self.take_parts(y)?;
            self.hash_part(y);
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

    /// Keeps the hashes of a row that both pictures have.
    fn hash_row(&mut self, y: u32, equal: bool) {
        let Some(strips) = &mut self.strips else { return };
        let from = match strips.first {
            None if equal => return,
            None => y - strips.look_back().min(y),
            Some(_) => y,
        };
        strips.first = strips.first.or(Some(from));
        for y in from..=y {
            self.before.expand(y, y);
            strips.add(Side::Baseline, y, self.before.row(y));
            if equal && !strips.is_masked() {
                strips.after.add_last_of(&strips.before);
            } else {
                self.after.expand(y, y);
                strips.add(Side::Candidate, y, self.after.row(y));
            }
        }
    }

    /// Keeps the hashes of a row that only the higher picture has.
    fn hash_part(&mut self, y: u32) {
        let Some(strips) = &mut self.strips else { return };
        strips.first = strips.first.or(Some(y));
        let (side, window) = if y < self.sizes.baseline.height {
            (Side::Baseline, &mut self.before)
        } else {
            (Side::Candidate, &mut self.after)
        };
        window.expand(y, y);
        strips.add(side, y, window.row(y));
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

    fn finish(self) -> Result<(Comparison, Option<BothStrips>), Error> {
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
        let found = Comparison {
            baseline,
            candidate,
            identical: self.identical,
            changed_pixels: (baseline == candidate).then_some(self.changed),
            overlap_changed_pixels: self.changed,
            antialiased_pixels: self.antialiased,
            changed_ratio: (self.changed + in_parts) as f64 / all as f64,
            regions,
            regions_omitted,
            aligned: None,
        };
        Ok((found, self.strips))
    }
}

impl Comparison {
    /// What there is to say about two equal pictures.
    fn of_equal(size: Size, options: &Options) -> Self {
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
            aligned: options.align.then(Aligned::default),
        }
    }
}
