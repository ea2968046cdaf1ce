//! Rows on their way from the thread that decodes them to the one that compares them.
//!
//! A few bands of rows are under way at any time; their buffers go back to the decoder, so that a
//! picture of any height takes the same memory.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use crate::decode::Picture;
use crate::error::{Error, Problem, Side};
use crate::layout::{Layout, Pixel};

/// What a band should take: small enough to be in the cache still when it is compared.
const BAND_BYTES: usize = 192 << 10;

/// How many bands may wait. Rows with many changes take long to compare, and the decoders should
/// not have to stand still meanwhile.
const WAITING: usize = 16;

/// How many rows of pixels are kept; a window of five always fits.
const KEPT_ROWS: usize = 8;

struct Band {
    first: u32,
    bytes: Vec<u8>,
}

/// The end of the pipe where a picture is decoded.
pub(crate) struct Producer<'a> {
    picture: Picture<'a>,
    band_rows: u32,
    out: SyncSender<Result<Band, Problem>>,
    spare: Receiver<Vec<u8>>,
}

impl Producer<'_> {
    /// Decodes until the end, the first error, or until no one listens any more.
    pub(crate) fn run(mut self) {
        let row_bytes = self.picture.layout.row_bytes(self.picture.size.width);
        let mut first = 0;
        while first < self.picture.size.height {
            let rows = self.band_rows.min(self.picture.size.height - first);
            let mut bytes = self.spare.try_recv().unwrap_or_default();
            bytes.resize(rows as usize * row_bytes, 0);
            let last = first + rows == self.picture.size.height;
            let read = self
                .picture
                .read_rows(&mut bytes)
                .and_then(|()| if last { self.picture.finish() } else { Ok(()) });
            let failed = read.is_err();
            if self.out.send(read.map(|()| Band { first, bytes })).is_err() || failed {
                return;
            }
            first += rows;
        }
    }
}

/// The rows of one picture around the one being compared.
pub(crate) struct Window {
    side: Side,
    layout: Layout,
    width: u32,
    height: u32,
    row_bytes: usize,
    input: Receiver<Result<Band, Problem>>,
    spare: Sender<Vec<u8>>,
    bands: VecDeque<Band>,
    /// Rows received so far.
    received: u32,
    /// Rows as pixels; row `y` is at `y % KEPT_ROWS`.
    pixels: [Vec<Pixel>; KEPT_ROWS],
    held: [Option<u32>; KEPT_ROWS],
}

/// Both ends of the pipe for one picture.
pub(crate) fn pipe(
    picture: Picture<'_>,
    side: Side,
    band_rows: Option<NonZeroU32>,
) -> (Producer<'_>, Window) {
    let layout = picture.layout.clone();
    let row_bytes = layout.row_bytes(picture.size.width);
    let band_rows = band_rows.map_or((BAND_BYTES / row_bytes).max(1) as u32, NonZeroU32::get);
    let (out, input) = sync_channel(WAITING);
    let (spare, used) = channel();
    let window = Window {
        side,
        layout,
        width: picture.size.width,
        height: picture.size.height,
        row_bytes,
        input,
        spare,
        bands: VecDeque::new(),
        received: 0,
        pixels: Default::default(),
        held: [None; KEPT_ROWS],
    };
    (Producer { picture, band_rows, out, spare: used }, window)
}

impl Window {
    /// Waits until row `y`, or the last one if there are fewer, has been decoded.
    pub(crate) fn wait_for(&mut self, y: u32) -> Result<(), Error> {
        while self.received <= y.min(self.height - 1) {
            // Only a decoder that panicked goes away before the last row.
            let failed = |_| Err(Problem::Malformed("the decoder failed on it".into()));
            let band = self.input.recv().unwrap_or_else(failed);
            let band = band.map_err(|problem| problem.at(self.side))?;
            self.received = band.first + (band.bytes.len() / self.row_bytes) as u32;
            self.bands.push_back(band);
        }
        Ok(())
    }

    /// Gives back what lies above row `y`.
    pub(crate) fn release_above(&mut self, y: u32) {
        while self.bands.get(1).is_some_and(|second| second.first <= y) {
            if let Some(band) = self.bands.pop_front() {
                // The decoder may have finished and gone.
                let _ = self.spare.send(band.bytes);
            }
        }
    }

    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Row `y` as it was decoded; it must have been waited for and not released.
    pub(crate) fn raw(&self, y: u32) -> &[u8] {
        let at = self.bands.partition_point(|band| band.first <= y) - 1;
        let band = &self.bands[at];
        let start = (y - band.first) as usize * self.row_bytes;
        &band.bytes[start..start + self.row_bytes]
    }

    /// Makes the pixels of the rows `first..=last`, as far as they exist, ready for [`Self::row`].
    pub(crate) fn expand(&mut self, first: u32, last: u32) {
        for y in first..=last.min(self.height - 1) {
            let slot = y as usize % KEPT_ROWS;
            if self.held[slot] == Some(y) {
                continue;
            }
            let mut pixels = std::mem::take(&mut self.pixels[slot]);
            pixels.resize(self.width as usize, 0);
            self.layout.expand(self.raw(y), &mut pixels);
            self.pixels[slot] = pixels;
            self.held[slot] = Some(y);
        }
    }

    /// The pixels of row `y`, which must have been expanded.
    pub(crate) fn row(&self, y: u32) -> &[Pixel] {
        let slot = y as usize % KEPT_ROWS;
        debug_assert_eq!(self.held[slot], Some(y), "row {y} was not expanded");
        &self.pixels[slot]
    }
}
