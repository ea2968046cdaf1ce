//! Pixels in, differences out.
//!
//! [`compare`] holds two pictures against each other and says which pixels changed, where the
//! changes are, and what seems to have happened there. Its counts are those of pixelmatch 7.2.0
//! on the pixels that pngjs 7 decodes.
//!
//! Both pictures are streamed: of a PNG only a few bands of rows are in memory at any time. Input
//! is taken as hostile: sizes are checked against [`Limits`] from the header, before anything is
//! allocated, and no text or profile in a file is ever looked into.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut picture = Vec::new();
//! # let mut encoder = png::Encoder::new(&mut picture, 2, 1);
//! # encoder.set_color(png::ColorType::Rgb);
//! # encoder.write_header()?.write_image_data(&[0; 6])?;
//! # let (before, after) = (&picture, &picture);
//! let found = visual_diff::compare(before, after, &visual_diff::Options::default(), None)?;
//! assert_eq!(found.changed_pixels, Some(0));
//! # Ok(()) }
//! ```

mod align;
mod antialias;
mod around;
mod bands;
mod chunks;
mod colours;
mod comparison;
mod content;
mod decode;
mod diff_image;
mod edges;
mod engine;
mod error;
mod fingerprint;
mod ink;
mod layout;
mod mask;
mod oklab;
mod options;
mod parts;
mod realigned;
mod regions;
mod rows;
mod source;
mod yiq;

pub use colours::{ColourDistance, colour_distance};
pub use comparison::{
    Aligned, Comparison, Fingerprint, Move, NotAFingerprint, Rect, Region, RegionKind, Shift, Size,
};
pub use engine::compare;
pub use error::{Error, Problem, Side};
pub use options::{Limits, Metric, Options};
pub use source::Source;
