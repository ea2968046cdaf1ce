//! Changed pixels that lie near each other become one region, while the rows go by.
//!
//! Within a row, changed pixels at most `near` columns apart form a span. A span joins every
//! region that has a span within `near` rows and `near` columns. That is exact for pixels, too:
//! where two spans overlap, the ends of one lie in a gap of the other that is at most `near` wide.
//! Only the spans of the last few rows and the regions that may still grow are kept, so memory
//! follows from the width alone.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::ops::Range;

use crate::around::Around;
use crate::content::{Content, Powers};
use crate::edges::Edges;
use crate::fingerprint::Chain;
use crate::ink::Ink;
use crate::{Region, RegionKind};

/// Changed pixels of the row at hand that touch each other.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) columns: Range<u32>,
    /// How far the colours are apart, the sum over all pixels; each adds 0 to [`Run::FARTHEST`].
    /// These are whole numbers, so that a sum does not depend on its order.
    pub(crate) distances: u64,
}

impl Run {
    /// Stands for a distance of 1 on the threshold's scale.
    pub(crate) const FARTHEST: u32 = 1 << 20;
}

/// Regions in the making.
pub(crate) struct Regions {
    near: u32,
    most: usize,
    /// Regions that may still grow, and those that have become part of another.
    growing: Vec<Growing>,
    /// Of each, which one it became a part of; itself, if none.
    parents: Vec<usize>,
    /// The spans of the last rows, oldest first.
    recent: VecDeque<Row>,
    unused: Vec<Vec<Span>>,
    next_sweep: u32,
    finished: BinaryHeap<Reverse<Ranked>>,
    omitted: u64,
    powers: Powers,
    scratch: Scratch,
}

/// Buffers that live longer than a row only to spare their allocation.
#[derive(Default)]
struct Scratch {
    touched: Vec<usize>,
}

struct Row {
    y: u32,
    spans: Vec<Span>,
    /// Spans before this one lie too far left for the rest of the row at hand.
    passed: usize,
}

struct Span {
    first: u32,
    last: u32,
    region: usize,
}

struct Growing {
    /// Row and column of its first pixel in reading order.
    origin: (u32, u32),
    left: u32,
    right: u32,
    bottom: u32,
    pixels: u64,
    distances: u64,
    edges: Edges,
    ink: Ink,
    content: Content,
    chain: Chain,
}

impl Regions {
    pub(crate) fn new(near: u32, most: usize) -> Self {
        Self {
            near,
            most,
            growing: Vec::new(),
            parents: Vec::new(),
            recent: VecDeque::new(),
            unused: Vec::new(),
            next_sweep: 0,
            finished: BinaryHeap::new(),
            omitted: 0,
            powers: Powers::default(),
            scratch: Scratch::default(),
        }
    }

    /// Takes the changed pixels of the middle row, from left to right. Rows come in order.
    pub(crate) fn add_row(&mut self, changes: &[Run], before: &Around<'_>, after: &Around<'_>) {
        let y = after.y;
        self.forget_rows_above(y);
        if y >= self.next_sweep {
            self.sweep(y);
            self.next_sweep = y + 16;
        }
        self.recent.iter_mut().for_each(|row| row.passed = 0);
        let near = self.near;
        let mut spans = self.unused.pop().unwrap_or_default();
        for span in changes.chunk_by(|a, b| b.columns.start - a.columns.end < near) {
            let (first, last) = ends(span);
            let region = self.region_for(y, first, last);
            self.grow(region, span, before, after);
            spans.push(Span { first, last, region });
        }
        self.recent.push_back(Row { y, spans, passed: 0 });
    }

    /// The regions, in reading order, and how many more there were.
    pub(crate) fn finish(mut self) -> (Vec<Region>, u64) {
        self.recent.clear();
        self.sweep(u32::MAX);
        let mut found: Vec<_> = self.finished.into_iter().map(|ranked| ranked.0).collect();
        recognise_moved(&mut found);
        let mut regions: Vec<_> = found.into_iter().map(|ranked| ranked.region).collect();
        regions.sort_unstable_by_key(|r| (r.y, r.x, r.height, r.width, r.fingerprint));
        (regions, self.omitted)
    }

    fn forget_rows_above(&mut self, y: u32) {
        while self.recent.front().is_some_and(|row| row.y + self.near < y) {
            if let Some(mut row) = self.recent.pop_front() {
                row.spans.clear();
                self.unused.push(row.spans);
            }
        }
    }

    /// The region that a span of row `y` belongs to: a new one, or all near ones made one.
    fn region_for(&mut self, y: u32, first: u32, last: u32) -> usize {
        let mut touched = std::mem::take(&mut self.scratch.touched);
        touched.clear();
        for row in &mut self.recent {
            let behind = |span: &Span| span.last + self.near < first;
            row.passed += row.spans[row.passed..].iter().take_while(|span| behind(span)).count();
            for span in &row.spans[row.passed..] {
                if span.first > last + self.near {
                    break;
                }
                let root = root(&mut self.parents, span.region);
                if !touched.contains(&root) {
                    touched.push(root);
                }
            }
        }
        touched.sort_unstable_by_key(|&region| self.growing[region].origin);
        let region = match touched.split_first() {
            None => self.begin(y, first),
            Some((&whole, parts)) => {
                for &part in parts {
                    self.join(whole, part);
                }
                whole
            }
        };
        self.scratch.touched = touched;
        region
    }

    fn begin(&mut self, y: u32, x: u32) -> usize {
        let at = self.growing.len();
        self.parents.push(at);
        self.growing.push(Growing {
            origin: (y, x),
            left: x,
            right: x,
            bottom: y,
            pixels: 0,
            distances: 0,
            edges: Edges::default(),
            ink: Ink::default(),
            content: Content::default(),
            chain: Chain::default(),
        });
        at
    }

    fn join(&mut self, whole: usize, part: usize) {
        self.parents[part] = whole;
        let [whole, part] = self
            .growing
            .get_disjoint_mut([whole, part])
            .expect("a region is not joined with itself");
        whole.left = whole.left.min(part.left);
        whole.right = whole.right.max(part.right);
        whole.bottom = whole.bottom.max(part.bottom);
        whole.pixels += part.pixels;
        whole.distances += part.distances;
        whole.edges += part.edges;
        whole.ink.add(part.ink);
        whole.content.add(part.content);
        let by = whole.way_to(part.origin.0, part.origin.1);
        whole.chain.absorb(by, &part.chain);
        part.chain = Chain::default();
    }

    fn grow(&mut self, region: usize, span: &[Run], before: &Around<'_>, after: &Around<'_>) {
        let (first, last) = ends(span);
        let region = &mut self.growing[region];
        region.left = region.left.min(first);
        region.right = region.right.max(last);
        region.bottom = after.y;
        for run in span {
            region.pixels += u64::from(run.columns.end - run.columns.start);
            region.distances += run.distances;
            region.edges += Edges::count(before, after, &run.columns);
            region.ink.add(Ink::count(run, before, after));
            region.content.add(self.powers.of(run, before, after));
        }
        let by = region.way_to(after.y, first);
        region.chain.add(by, span, before, after);
    }

    /// Finishes the regions that nothing in row `y` or below can be near to, and renumbers the rest.
    fn sweep(&mut self, y: u32) {
        let mut moved = vec![usize::MAX; self.growing.len()];
        let mut parents = std::mem::take(&mut self.parents);
        let growing = std::mem::take(&mut self.growing);
        for (at, region) in growing.into_iter().enumerate() {
            if parents[at] != at {
                continue;
            }
            if y == u32::MAX || region.bottom + self.near < y {
                self.close(region.finish());
            } else {
                moved[at] = self.growing.len();
                self.parents.push(self.growing.len());
                self.growing.push(region);
            }
        }
        for span in self.recent.iter_mut().flat_map(|row| &mut row.spans) {
            span.region = moved[root(&mut parents, span.region)];
        }
    }

    fn close(&mut self, region: Ranked) {
        self.finished.push(Reverse(region));
        if self.finished.len() > self.most {
            self.finished.pop();
            self.omitted += 1;
        }
    }
}

impl Growing {
    fn way_to(&self, y: u32, x: u32) -> (i64, i64) {
        (i64::from(y) - i64::from(self.origin.0), i64::from(x) - i64::from(self.origin.1))
    }

    fn finish(self) -> Ranked {
        let mut kind = self.edges.kind();
        if kind == RegionKind::Changed && self.ink.is_writing(&self.edges, self.pixels) {
            kind = RegionKind::TextChanged;
        }
        let content = self.content.seen_from(self.left, self.origin.0);
        let region = Region {
            x: self.left,
            y: self.origin.0,
            width: self.right - self.left + 1,
            height: self.bottom - self.origin.0 + 1,
            pixels: self.pixels,
            kind,
            fingerprint: self.chain.finish(),
            mean_distance: self.distances as f64 / (self.pixels as f64 * f64::from(Run::FARTHEST)),
        };
        Ranked { region, content }
    }
}

/// Gives regions their kind of which one lost what the other got.
fn recognise_moved(found: &mut [Ranked]) {
    let key = |ranked: &Ranked| {
        let Region { width, height, pixels, kind, .. } = ranked.region;
        let content = match kind {
            RegionKind::Removed => ranked.content.before,
            RegionKind::Added => ranked.content.after,
            _ => return None,
        };
        Some((content, width, height, pixels))
    };
    let of = |kind: RegionKind| -> HashSet<_> {
        found.iter().filter(|ranked| ranked.region.kind == kind).filter_map(key).collect()
    };
    let (gone, new) = (of(RegionKind::Removed), of(RegionKind::Added));
    for ranked in found {
        if key(ranked).is_some_and(|key| gone.contains(&key) && new.contains(&key)) {
            ranked.region.kind = RegionKind::Moved;
        }
    }
}

/// The first and the last column of a span.
fn ends(span: &[Run]) -> (u32, u32) {
    (span[0].columns.start, span[span.len() - 1].columns.end - 1)
}

/// Follows a region to the one that it became a part of.
fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// Regions by how much they matter: the larger, then the one that is read first.
struct Ranked {
    region: Region,
    content: Content,
}

impl Ranked {
    fn key(&self) -> impl Ord {
        let region = &self.region;
        (region.pixels, Reverse((region.rect(), region.fingerprint)))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
