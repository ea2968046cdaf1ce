//! The same results by the plainest means: whole frames, every pixel by itself, no streams.
//!
//! It is written from the definition, not from the engine, and is only ever as fast as it has to be.

use visual_diff::{Options, Rect};

use crate::picture::{Colour, Picture};

/// What can be said of two pictures of one size.
#[derive(Debug, PartialEq)]
pub(crate) struct Reference {
    pub(crate) changed: u64,
    pub(crate) antialiased: u64,
    pub(crate) identical: bool,
    /// The rectangle and the number of changed pixels of each region, in reading order.
    pub(crate) regions: Vec<(Rect, u64)>,
}

pub(crate) fn look(before: &Picture, after: &Picture, options: &Options) -> Reference {
    let mut changed = Vec::new();
    let (mut antialiased, mut identical) = (0, true);
    for y in 0..before.height {
        for x in 0..before.width {
            let masked = options.masks.iter().any(|mask| {
                let columns = mask.x..mask.x.saturating_add(mask.width);
                columns.contains(&x) && (mask.y..mask.y.saturating_add(mask.height)).contains(&y)
            });
            let (a, b) = (before.at(x, y), after.at(x, y));
            if masked || a == b {
                continue;
            }
            identical = false;
            let place = f64::from(y) * f64::from(before.width) + f64::from(x);
            let [luma, i, q] = yiq(a, b, place);
            let squared = 0.5053 * luma * luma + 0.299 * i * i + 0.1957 * q * q;
            if squared <= 35215.0 * options.threshold * options.threshold {
                continue;
            }
            if !options.count_antialiased
                && (smooths(before, after, x, y) || smooths(after, before, x, y))
            {
                antialiased += 1;
            } else {
                changed.push((x, y));
            }
        }
    }
    let regions = regions(&changed, options.merge_distance);
    Reference { changed: changed.len() as u64, antialiased, identical, regions }
}

fn yiq(a: Colour, b: Colour, place: f64) -> [f64; 3] {
    let offset = place * 4.0;
    let lit = |ratio: f64| if (offset / ratio).floor() % 2.0 > 0.5 { 207.0 } else { 48.0 };
    let paper = [48.0, lit(1.618_033_988_749_895), lit(2.618_033_988_749_895)];
    let [aa, ba] = [f64::from(a[3]), f64::from(b[3])];
    let [r, g, b] = [0, 1, 2].map(|c| {
        let (x, y) = (f64::from(a[c]), f64::from(b[c]));
        if aa < 255.0 || ba < 255.0 {
            (x * aa - y * ba - paper[c] * (aa - ba)) / 255.0
        } else {
            x - y
        }
    });
    [
        r * 0.298_895_31 + g * 0.586_622_47 + b * 0.114_482_23,
        r * 0.595_977_99 - g * 0.274_176_10 - b * 0.321_801_89,
        r * 0.211_470_17 - g * 0.522_617_11 + b * 0.311_146_94,
    ]
}

/// The neighbours of a pixel that exist, column by column.
fn neighbours(picture: &Picture, x: u32, y: u32) -> Vec<(u32, u32)> {
    let columns = x.saturating_sub(1)..=(x + 1).min(picture.width - 1);
    let rows = y.saturating_sub(1)..=(y + 1).min(picture.height - 1);
    let all = columns.flat_map(|x| rows.clone().map(move |y| (x, y)));
    all.filter(|place| *place != (x, y)).collect()
}

fn smooths(this: &Picture, other: &Picture, x: u32, y: u32) -> bool {
    let around = neighbours(this, x, y);
    let place = f64::from(y) * f64::from(this.width) + f64::from(x);
    let mut equal = usize::from(around.len() < 8);
    let (mut darkest, mut brightest) = ((0.0, (0, 0)), (0.0, (0, 0)));
    for (nx, ny) in around {
        let (centre, pixel) = (this.at(x, y), this.at(nx, ny));
        let delta = if centre == pixel { 0.0 } else { yiq(centre, pixel, place)[0] };
        if delta == 0.0 {
            equal += 1;
        }
        if delta < darkest.0 {
            darkest = (delta, (nx, ny));
        }
        if delta > brightest.0 {
            brightest = (delta, (nx, ny));
        }
    }
    let flat = |picture: &Picture, (x, y): (u32, u32)| {
        let around = neighbours(picture, x, y);
        let border = usize::from(around.len() < 8);
        let same = |place: &&(u32, u32)| picture.at(place.0, place.1) == picture.at(x, y);
        around.iter().filter(same).count() + border > 2
    };
    let flat_in_both = |place| flat(this, place) && flat(other, place);
    let extremes = darkest.0 != 0.0 && brightest.0 != 0.0;
    equal <= 2 && extremes && (flat_in_both(darkest.1) || flat_in_both(brightest.1))
}

/// Spreads from pixel to pixel until nothing near is left.
fn regions(changed: &[(u32, u32)], near: u32) -> Vec<(Rect, u64)> {
    let mut left: Vec<_> = changed.to_vec();
    let mut regions = Vec::new();
    while let Some(first) = left.pop() {
        let mut members = vec![first];
        let mut at = 0;
        while let Some(&(x, y)) = members.get(at) {
            let is_near = |p: &(u32, u32)| p.0.abs_diff(x) <= near && p.1.abs_diff(y) <= near;
            let (joined, others) = left.into_iter().partition::<Vec<_>, _>(is_near);
            members.extend(joined);
            left = others;
            at += 1;
        }
        let xs = || members.iter().map(|place| place.0);
        let ys = || members.iter().map(|place| place.1);
        let (x, y) = (xs().min().unwrap(), ys().min().unwrap());
        let (width, height) = (xs().max().unwrap() - x + 1, ys().max().unwrap() - y + 1);
        regions.push((Rect { x, y, width, height }, members.len() as u64));
    }
    regions.sort_by_key(|(rect, pixels)| (rect.y, rect.x, rect.height, rect.width, *pixels));
    regions
}
