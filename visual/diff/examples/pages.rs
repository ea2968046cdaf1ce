//! Draws a pair of large page screenshots to measure with: `pages FOLDER [WIDTH HEIGHT]` writes
//! `a.png` and `b.png`, which differ in about 3% of their pixels.

#![expect(clippy::disallowed_methods, reason = "a tool that makes files to measure with")]

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

const GLYPHS: usize = 64;
const GLYPH: (usize, usize) = (14, 24);

/// Numbers that are the same everywhere (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

struct Page {
    width: usize,
    pixels: Vec<u8>,
}

impl Page {
    fn fill(&mut self, [x, y, width, height]: [usize; 4], colour: [u8; 3]) {
        for row in y..y + height {
            let start = (row * self.width + x) * 3;
            for pixel in self.pixels[start..start + width * 3].chunks_exact_mut(3) {
                pixel.copy_from_slice(&colour);
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, ink: [u8; 3], share: u8) {
        let at = (y * self.width + x) * 3;
        for (below, ink) in self.pixels[at..at + 3].iter_mut().zip(ink) {
            let mixed =
                u32::from(*below) * u32::from(255 - share) + u32::from(ink) * u32::from(share);
            *below = (mixed / 255) as u8;
        }
    }

    fn write(&self, path: &Path, height: usize) -> Result<(), Box<dyn Error>> {
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(file, self.width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Balanced);
        encoder.set_filter(png::Filter::Up);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(())
    }
}

/// Made-up letters: strokes with soft edges.
fn glyphs(numbers: &mut Numbers) -> Vec<Vec<u8>> {
    let (width, height) = GLYPH;
    let mut draw = || {
        let mut shares = vec![0_u8; width * height];
        for _ in 0..3 {
            let [ax, ay] = [numbers.next(width) as f32, numbers.next(height) as f32];
            let [bx, by] = [numbers.next(width) as f32, numbers.next(height) as f32];
            for (at, share) in shares.iter_mut().enumerate() {
                let [x, y] = [(at % width) as f32, (at / width) as f32];
                let [vx, vy] = [bx - ax, by - ay];
                let long = (vx * vx + vy * vy).max(1.0);
                let t = (((x - ax) * vx + (y - ay) * vy) / long).clamp(0.0, 1.0);
                let far = (x - ax - t * vx).hypot(y - ay - t * vy);
                *share = (*share).max(((1.8 - far).clamp(0.0, 1.0) * 255.0) as u8);
            }
        }
        shares
    };
    (0..GLYPHS).map(|_| draw()).collect()
}

/// Sections with text, boxes and pictures; every section of `other` is partly changed.
fn draw(width: usize, height: usize, other: bool) -> Page {
    let mut numbers = Numbers(7);
    let glyphs = glyphs(&mut numbers);
    let mut page = Page { width, pixels: vec![255; width * height * 3] };
    for top in (0..height.saturating_sub(600)).step_by(600) {
        let shade = 255 - numbers.next(3) as u8 * 8;
        page.fill([0, top, width, 600], [shade, shade, 255]);
        let changed = other;
        let picture = if changed && (top / 600) % 3 == 0 { 60 } else { 0 };
        let button = if changed { [200, 40, 60] } else { [0, 120, 100] };
        page.fill([width / 2, top + 20, width / 8, 60], button);
        for line in 0..12 {
            for letter in 0..(width * 2 / 3) / GLYPH.0 {
                let (glyph, blank) = (numbers.next(GLYPHS), numbers.next(6) == 0);
                if blank {
                    continue;
                }
                let moved = usize::from(changed && line < 2);
                let glyph = &glyphs[(glyph + moved) % GLYPHS];
                for (at, &share) in glyph.iter().enumerate().filter(|(_, share)| **share > 0) {
                    let x = 40 + letter * GLYPH.0 + at % GLYPH.0;
                    page.blend(x, top + 100 + line * 36 + at / GLYPH.0, [30, 30, 40], share);
                }
            }
        }
        let left = width * 3 / 4;
        for y in 0..200 {
            for x in 0..width / 8 {
                let grain = numbers.next(6) as u8;
                let base = ((x + y) / 4) as u8 / 2 + picture;
                page.blend(left + x, top + 150 + y, [base, 90 + grain, base / 2 + grain], 255);
            }
        }
    }
    page
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let folder = Path::new(arguments.first().ok_or("which folder?")?);
    let number = |at: usize, default| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (width, height) = (number(1, 3446)?, number(2, 10_728)?);
    for (name, other) in [("a.png", false), ("b.png", true)] {
        draw(width, height, other).write(&folder.join(name), height)?;
    }
    Ok(())
}
