//! Why a region of a picture changed: the element, and what became of it.
//!
//! The elements of the page before are paired with those after. A region is then explained by the
//! smallest element that covers most of it and has itself changed; a change that an element has
//! merely inherited belongs to its ancestor. Where nothing in the region has changed by itself it
//! was moved, and the change that moved it is looked for above it.

use std::fmt;

use crate::{
    Rect,
    layout::Layout,
    pairing::{Pairs, pair},
};

/// At most so many properties are named.
const NAMED: usize = 3;
/// A value of a property is cut to so many characters.
const SHOWN: usize = 40;

/// An element, and what became of it. Shown as `header > a.cta: background-color #0a7 -> #c22`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A short selector of the element; `:nth(2)` is the second of its siblings with that name.
    pub element: String,
    /// What became of it.
    pub what: What,
}

/// What became of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was not there before.
    New,
    /// It is not there any more.
    Gone,
    /// Its own text is another one.
    Text,
    /// It shows another picture.
    Picture {
        /// Path of the picture before.
        before: String,
        /// Path of the picture now.
        after: String,
    },
    /// Properties have other values.
    Style {
        /// The first of them, at most three.
        changes: Vec<Change>,
        /// How many more there are.
        more: usize,
    },
    /// It was moved or resized by something else.
    Moved {
        /// To the right, in device pixels.
        x: i32,
        /// Down, in device pixels.
        y: i32,
        /// What moved it, if that is known.
        because: Option<Box<Cause>>,
    },
}

/// A property and its two values, colours as `#0a7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its CSS name.
    pub property: String,
    /// The computed value before.
    pub before: String,
    /// The computed value now.
    pub after: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let element = &self.element;
        match &self.what {
            What::New => write!(f, "element new: {element}"),
            What::Gone => write!(f, "element gone: {element}"),
            What::Text => write!(f, "{element}: text changed"),
            What::Picture { before, after } => {
                write!(f, "{element}: another picture ({before} -> {after})")
            }
            What::Style { changes, more } => {
                let all: Vec<_> = changes
                    .iter()
                    .map(|Change { property, before, after }| {
                        format!("{property} {before} -> {after}")
                    })
                    .collect();
                write!(f, "{element}: {}", all.join(", "))?;
                if *more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
            What::Moved { x, y, because } => {
                let mut by = Vec::new();
                for (by_pixels, [less, more]) in [(*y, ["up", "down"]), (*x, ["left", "right"])] {
                    if by_pixels != 0 {
                        let way = if by_pixels < 0 { less } else { more };
                        by.push(format!("{} px {way}", by_pixels.abs()));
                    }
                }
                if by.is_empty() {
                    write!(f, "{element}: resized")?;
                } else {
                    write!(f, "{element}: moved {}", by.join(" and "))?;
                }
                because.as_ref().map_or(Ok(()), |cause| write!(f, ", because of {cause}"))
            }
        }
    }
}

impl Layout {
    /// Why a region of the picture has changed; `None` where nothing on the page explains it. For
    /// many regions of one picture, [`Causes`] is faster.
    pub fn explain(before: &Self, after: &Self, region: Rect, was: Option<Rect>) -> Option<Cause> {
        Causes::between(before, after).explain(region, was)
    }
}

/// All that changed between two layouts.
pub struct Causes<'a> {
    before: &'a Layout,
    after: &'a Layout,
    pairs: Pairs,
    found: Vec<Found>,
}

/// An element that has changed by itself.
struct Found {
    /// Its place in the layout after, or in the one before when it is gone.
    at: usize,
    what: What,
    area: [i32; 4],
    /// By how much it is higher now.
    grown: i32,
}

impl<'a> Causes<'a> {
    /// Compares two layouts. One that was damaged on its way explains nothing.
    pub fn between(before: &'a Layout, after: &'a Layout) -> Self {
        let is_sound = before.is_sound() && after.is_sound();
        let none = Pairs { after: Vec::new(), before: Vec::new() };
        let pairs = if is_sound { pair(before, after) } else { none };
        let mut causes = Self { before, after, pairs, found: Vec::new() };
        if is_sound && !before.is_empty() && !after.is_empty() {
            causes.found = causes.find();
        }
        causes
    }

    /// Why a region has changed. `region` is in the picture after, in device pixels; `was` is where
    /// the same region was in the picture before, if that is somewhere else.
    pub fn explain(&self, region: Rect, was: Option<Rect>) -> Option<Cause> {
        let was = was.unwrap_or(region);
        let mut best: Option<(bool, i64, &Found)> = None;
        for found in &self.found {
            let region = if found.what == What::Gone { was } else { region };
            let common = overlap(found.area, region);
            if common == 0 {
                continue;
            }
            let most = common * 2 >= size_of(region);
            // The smallest that covers most of it, else the one that covers the most.
            let rank = if most { size(found.area) } else { -common };
            let better = best
                .is_none_or(|(best_most, best_rank, _)| (most, -rank) > (best_most, -best_rank));
            if better {
                best = Some((most, rank, found));
            }
        }
        match best {
            Some((_, _, found)) => Some(self.cause(found)),
            None => self.moved(region),
        }
    }

    fn cause(&self, found: &Found) -> Cause {
        let layout = if found.what == What::Gone { self.before } else { self.after };
        Cause { element: layout.path(found.at), what: found.what.clone() }
    }

    fn find(&self) -> Vec<Found> {
        let mut all = Vec::new();
        for (at, element) in self.after.elements.iter().enumerate() {
            let area = element.area;
            match self.pairs.before[at] {
                Some(old) => {
                    let grown = area[3] - self.before.elements[old].area[3];
                    let what = self.own_change(old, at);
                    all.extend(what.map(|what| Found { at, what, area, grown }));
                }
                // Of what is new or gone as a whole, the outermost element.
                None if self.pairs.before[element.parent as usize].is_some() => {
                    all.push(Found { at, what: What::New, area, grown: area[3] });
                }
                None => {}
            }
        }
        for (at, element) in self.before.elements.iter().enumerate() {
            let is_gone = self.pairs.after[at].is_none();
            if is_gone && self.pairs.after[element.parent as usize].is_some() {
                let area = element.area;
                all.push(Found { at, what: What::Gone, area, grown: -area[3] });
            }
        }
        all
    }

    fn own_change(&self, old: usize, new: usize) -> Option<What> {
        let (before, after) = (self.before, self.after);
        if before.elements[old].text != after.elements[new].text {
            return Some(What::Text);
        }
        if before.source(old) != after.source(new) {
            let [before, after] = [before.source(old), after.source(new)].map(str::to_owned);
            return Some(What::Picture { before, after });
        }
        let mut changes = self.changes(old, new);
        if new != 0 && !changes.is_empty() {
            let parents = (before.elements[old].parent, after.elements[new].parent);
            let above = self.changes(parents.0 as usize, parents.1 as usize);
            changes.retain(|change| !above.contains(change));
        }
        // What follows from the colour of the text is not news.
        if let Some(color) = changes.iter().find(|change| change.property == "color").cloned() {
            changes.retain(|change| {
                change.property == "color"
                    || (&change.before, &change.after) != (&color.before, &color.after)
            });
        }
        let more = changes.len().saturating_sub(NAMED);
        changes.truncate(NAMED);
        (!changes.is_empty()).then_some(What::Style { changes, more })
    }

    /// The properties that differ and can be seen.
    fn changes(&self, old: usize, new: usize) -> Vec<Change> {
        let same = self.before.elements[old].style == self.after.elements[new].style
            && self.before.styles == self.after.styles
            && self.before.strings == self.after.strings;
        if same || self.before.properties != self.after.properties {
            return Vec::new();
        }
        let (olds, news) = (self.before.style(old), self.after.style(new));
        let value_of = |values: &[&str], name: &str| {
            let at = self.after.properties.iter().position(|property| property == name);
            at.map_or(String::new(), |at| values[at].to_owned())
        };
        let is_seen = |property: &str| match property.strip_suffix("-color") {
            Some(side) if side.starts_with("border-") => {
                let width = format!("{side}-width");
                value_of(&olds, &width) != "0px" || value_of(&news, &width) != "0px"
            }
            Some("outline") => {
                value_of(&olds, "outline-style") != "none"
                    || value_of(&news, "outline-style") != "none"
            }
            _ => true,
        };
        let rows = self.after.properties.iter().zip(olds.iter().zip(&news));
        rows.filter(|(property, (old, new))| old != new && is_seen(property))
            .map(|(property, (old, new))| Change {
                property: property.clone(),
                before: short(old),
                after: short(new),
            })
            .collect()
    }

    /// The smallest element in a region that has another place or size than before.
    fn moved(&self, region: Rect) -> Option<Cause> {
        let moved = (0..self.after.len()).filter_map(|at| {
            let area = self.after.elements[at].area;
            let old = self.before.elements[(*self.pairs.before.get(at)?)?].area;
            (area != old && overlap(area, region) > 0).then_some((at, old, area))
        });
        let (at, old, area) = moved.min_by_key(|(_, _, area)| size(*area))?;
        let (x, y) = (area[0] - old[0], area[1] - old[1]);
        let above = |found: &&Found| found.area[1] <= area[1].max(old[1]) && found.grown != 0;
        let because = self
            .found
            .iter()
            .filter(above)
            .min_by_key(|found| ((found.grown - y).abs(), (area[1] - found.area[1]).abs()))
            .filter(|found| found.grown.signum() == y.signum())
            .map(|found| Box::new(self.cause(found)));
        Some(Cause { element: self.after.path(at), what: What::Moved { x, y, because } })
    }
}

fn size([_, _, width, height]: [i32; 4]) -> i64 {
    i64::from(width) * i64::from(height)
}

fn size_of(region: Rect) -> i64 {
    i64::from(region.width) * i64::from(region.height)
}

fn overlap(area: [i32; 4], region: Rect) -> i64 {
    let span = |from: i32, length: i32, other: u32, other_length: u32| {
        let (from, length) = (i64::from(from), i64::from(length));
        let (other, other_length) = (i64::from(other), i64::from(other_length));
        ((from + length).min(other + other_length) - from.max(other)).max(0)
    };
    let [x, y, width, height] = area;
    span(x, width, region.x, region.width) * span(y, height, region.y, region.height)
}

/// A value as it is shown: colours in their short form, and cut where it is long.
fn short(value: &str) -> String {
    let mut shown = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("rgb") {
        let Some(end) = rest[at..].find(')') else { break };
        let colour = &rest[at..=at + end];
        shown.push_str(&rest[..at]);
        shown.push_str(&hex(colour).unwrap_or_else(|| colour.to_owned()));
        rest = &rest[at + end + 1..];
    }
    shown.push_str(rest);
    if shown.chars().count() > SHOWN {
        shown = shown.chars().take(SHOWN - 1).chain(['…']).collect();
    }
    if shown.is_empty() { "(nothing)".to_owned() } else { shown }
}

/// `rgb(0, 170, 119)` as `#0a7`.
fn hex(colour: &str) -> Option<String> {
    let numbers = colour.split_once('(')?.1.strip_suffix(')')?;
    let mut bytes = Vec::new();
    for (at, number) in numbers.split([',', '/', ' ']).filter(|n| !n.is_empty()).enumerate() {
        let number: f64 = number.parse().ok()?;
        bytes.push(if at == 3 { number * 255.0 } else { number }.round().clamp(0.0, 255.0) as u8);
    }
    match bytes.as_slice() {
        [_, _, _, 0] => return Some("transparent".to_owned()),
        [_, _, _] | [_, _, _, _] => {}
        _ => return None,
    }
    let is_short = bytes.iter().all(|byte| byte % 17 == 0);
    let digits: String = bytes
        .iter()
        .map(|byte| if is_short { format!("{:x}", byte / 17) } else { format!("{byte:02x}") })
        .collect();
    Some(format!("#{digits}"))
}

#[cfg(test)]
#[path = "cause_tests.rs"]
mod tests;
