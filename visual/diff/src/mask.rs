//! Which columns of a row are compared.

use std::ops::Range;

use crate::Rect;

/// The masks, asked row by row from top to bottom.
pub(crate) struct Masks {
    /// Columns and rows of each mask.
    rectangles: Vec<(Range<u32>, Range<u32>)>,
    /// What is not masked in the current rows, from left to right.
    open: Vec<Range<u32>>,
    /// The rows for which `open` holds.
    valid: Range<u32>,
    /// The width for which `open` holds.
    width: u32,
}

impl Masks {
    pub(crate) fn new<'a>(masks: impl Iterator<Item = &'a Rect>) -> Self {
        let mut rectangles: Vec<_> = masks
            .filter(|mask| mask.width > 0 && mask.height > 0)
            .map(|mask| {
                let columns = mask.x..mask.x.saturating_add(mask.width);
                (columns, mask.y..mask.y.saturating_add(mask.height))
            })
            .collect();
        rectangles.sort_unstable_by_key(|(columns, _)| columns.start);
        Self { rectangles, open: Vec::new(), valid: 0..0, width: 0 }
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.rectangles.is_empty()
    }

    /// The columns below `width` of row `y` that no mask covers.
    pub(crate) fn open(&mut self, y: u32, width: u32) -> &[Range<u32>] {
        if !self.valid.contains(&y) || self.width != width {
            self.open.clear();
            self.valid = y..u32::MAX;
            self.width = width;
            let mut next = 0;
            for (columns, rows) in &self.rectangles {
                let edge = if rows.contains(&y) { rows.end } else { rows.start };
                if edge > y {
                    self.valid.end = self.valid.end.min(edge);
                }
                if rows.contains(&y) {
                    if columns.start.min(width) > next {
                        self.open.push(next..columns.start.min(width));
                    }
                    next = next.max(columns.end);
                }
            }
            if next < width {
                self.open.push(next..width);
            }
        }
        &self.open
    }
}
