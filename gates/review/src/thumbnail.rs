//! Small pictures for lists: made once, row by row, and kept in the workspace's private folder.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use gate_core::{Digest, Error, Store, Workspace, files};

use crate::files::Kind;
use crate::server::{Answered, Shared, answer, for_ever, nowhere};

/// How large one is at the most, in pixels. A page is long: of it the top is shown.
const WIDTH: usize = 192;
const HEIGHT: usize = 144;
/// A picture that is wider than this is not read.
const WIDEST: u32 = 1 << 15;

/// Where they are kept, and how many are made at once.
pub(crate) struct Thumbnails {
    folder: PathBuf,
    temporary: PathBuf,
    /// Each takes a whole file and some rows.
    making: tokio::sync::Semaphore,
}

impl Thumbnails {
    pub(crate) fn of(workspace: &Workspace) -> Result<Thumbnails, Error> {
        workspace.prepare()?;
        let folder = workspace.private().join("thumbnails");
        files::make_folder(&folder)?;
        let temporary = workspace.private().join("tmp");
        Ok(Thumbnails { folder, temporary, making: tokio::sync::Semaphore::new(2) })
    }

    /// The thumbnail of a picture in PNG, from the folder or newly made.
    fn get(&self, digest: &Digest, store: &Store) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(digest.to_string());
        if let Some(bytes) = files::read_if_there(&path)? {
            return Ok(bytes);
        }
        let made = shrink(&store.get(digest)?)
            .map_err(|error| Error::new(format!("the picture cannot be shown: {error}")))?;
        files::write_atomically(&path, &made, &self.temporary)?;
        Ok(made)
    }
}

/// The upper part of a picture, made smaller by averaging.
fn shrink(png: &[u8]) -> Result<Vec<u8>, png::DecodingError> {
    let limits = png::Limits { bytes: 64 << 20 };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(png), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info()?;
    let info = reader.info();
    let (wide, high) = (info.width as usize, info.height as usize);
    let refused = |text: &'static str| {
        png::DecodingError::from(std::io::Error::new(std::io::ErrorKind::InvalidData, text))
    };
    if info.width > WIDEST || info.interlaced && wide * high > 1 << 24 {
        return Err(refused("it is too large"));
    }
    let channels = reader.output_color_type().0.samples();
    // How many of its pixels, in both directions, become one.
    let step = wide.div_ceil(WIDTH).max(1);
    let (width, height) = (wide.div_ceil(step), high.div_ceil(step).min(HEIGHT));
    let mut row = vec![0; wide * channels];
    let mut out = Vec::with_capacity(width * height * 3);
    for _ in 0..height {
        let mut sums = vec![[0_u32; 4]; width];
        for _ in 0..step {
            if reader.read_row(&mut row)?.is_none() {
                break;
            }
            for (pixel, x) in row.chunks_exact(channels).zip(0..) {
                let sum = &mut sums[x / step];
                // On white, as the page shows it.
                let alpha = match channels {
                    2 => u32::from(pixel[1]),
                    4 => u32::from(pixel[3]),
                    _ => 255,
                };
                for at in 0..3 {
                    let value = u32::from(if channels < 3 { pixel[0] } else { pixel[at] });
                    sum[at] += (value * alpha + 255 * (255 - alpha)) / 255;
                }
                sum[3] += 1;
            }
        }
        let mean = |[r, g, b, n]: [u32; 4]| [r, g, b].map(|sum| (sum / n.max(1)) as u8);
        out.extend(sums.into_iter().flat_map(mean));
    }
    let mut small = Vec::new();
    let mut encoder = png::Encoder::new(&mut small, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&out));
    written.map_err(|_| refused("it cannot be made smaller"))?;
    Ok(small)
}

pub(crate) async fn serve(State(app): Shared, Path(name): Path<String>) -> Answered {
    let digest: Option<Digest> = name.strip_suffix(".png").and_then(|name| name.parse().ok());
    let kind = digest.and_then(|digest| app.site.files.kind(&digest));
    let (Some(digest), Some(Kind::Png)) = (digest, kind) else { return nowhere() };
    let Ok(_turn) = app.thumbnails.making.acquire().await else { return nowhere() };
    let shared = Arc::clone(&app);
    let made = tokio::task::spawn_blocking(move || {
        shared.thumbnails.get(&digest, &shared.site.stored.store)
    });
    match made.await {
        Ok(Ok(bytes)) => for_ever(answer("image/png", bytes)),
        _ => nowhere(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, colour: png::ColorType, pixel: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(colour);
        let pixels = pixel.repeat((width * height) as usize);
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        bytes
    }

    fn check(png: &[u8], size: (u32, u32), pixel: [u8; 3]) {
        let made = shrink(png).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(&made)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), size);
        assert!(pixels.chunks(3).all(|found| found == pixel), "{:?}", &pixels[..3]);
    }

    #[test]
    fn pictures_get_small() {
        use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
        check(&picture(100, 50, Rgb, &[1, 2, 3]), (100, 50), [1, 2, 3]);
        check(&picture(1280, 9000, Rgb, &[9, 8, 7]), (183, 144), [9, 8, 7]);
        check(&picture(1280, 90, Rgba, &[0, 0, 0, 0]), (183, 13), [255, 255, 255]);
        check(&picture(1, 1, Grayscale, &[77]), (1, 1), [77, 77, 77]);
        check(&picture(3, 2, GrayscaleAlpha, &[0, 255]), (3, 2), [0, 0, 0]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for bytes in [&b""[..], b"GIF89a", &picture(9, 9, png::ColorType::Rgb, &[0; 3])[..60]] {
            assert!(shrink(bytes).is_err());
        }
    }
}
