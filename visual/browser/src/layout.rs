//! What stood where on a page, and how it was styled, at the moment of its picture.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The computed properties that are recorded: those that can be seen, without those that the box
/// of the element shows already.
pub(crate) const PROPERTIES: &[&str] = &[
    "display",
    "position",
    "float",
    "visibility",
    "opacity",
    "z-index",
    "overflow-x",
    "margin-top",
    "margin-right",
    "margin-bottom",
    "margin-left",
    "padding-top",
    "padding-right",
    "padding-bottom",
    "padding-left",
    "border-top-width",
    "border-right-width",
    "border-bottom-width",
    "border-left-width",
    "border-top-style",
    "border-top-color",
    "border-right-color",
    "border-bottom-color",
    "border-left-color",
    "border-top-left-radius",
    "border-bottom-right-radius",
    "outline-style",
    "outline-color",
    "box-shadow",
    "background-color",
    "background-image",
    "background-size",
    "background-position-x",
    "color",
    "font-family",
    "font-size",
    "font-weight",
    "font-style",
    "line-height",
    "letter-spacing",
    "text-align",
    "text-decoration-line",
    "text-transform",
    "text-shadow",
    "text-overflow",
    "white-space",
    "vertical-align",
    "list-style-type",
    "flex-direction",
    "justify-content",
    "align-items",
    "row-gap",
    "column-gap",
    "transform",
    "filter",
    "object-fit",
    "content",
    "fill",
    "stroke",
];

/// What was rendered on a page. It holds no text of the page, only digests of it.
///
/// Written as JSON it is compact: strings and styles are kept once, and a style holds only what
/// differs from the style of the root element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Names, classes and values; others point into it.
    pub(crate) strings: Vec<String>,
    /// The recorded properties.
    pub(crate) properties: Vec<String>,
    /// Pairs of a property and a value, one after the other; the first style is that of the root
    /// and complete.
    pub(crate) styles: Vec<Vec<u32>>,
    /// In the order of the document, parents before children.
    pub(crate) elements: Vec<Element>,
}

/// An element that is rendered. Serialised as a list, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub(crate) struct Element {
    /// Its parent's place in the list; its own place for the root.
    pub(crate) parent: u32,
    /// `a.cta`, as a string.
    pub(crate) name: u32,
    /// Left, top, width and height in device pixels of the picture.
    pub(crate) area: [i32; 4],
    /// Digest of its own text, without that of its children; 0 for none.
    pub(crate) text: u32,
    pub(crate) style: u32,
    /// The picture that it shows, as a string plus one; 0 for none.
    pub(crate) source: u32,
}

type Packed = (u32, u32, i32, i32, i32, i32, u32, u32, u32);

impl From<Packed> for Element {
    fn from((parent, name, x, y, width, height, text, style, source): Packed) -> Self {
        Self { parent, name, area: [x, y, width, height], text, style, source }
    }
}

impl From<Element> for Packed {
    fn from(element: Element) -> Self {
        let Element { parent, name, area: [x, y, width, height], text, style, source } = element;
        (parent, name, x, y, width, height, text, style, source)
    }
}

impl Layout {
    /// How many elements were rendered; none where the browser cannot tell.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Whether all that points to something points to something that is there. What was read from
    /// a file need not.
    pub(crate) fn is_sound(&self) -> bool {
        let strings = self.strings.len();
        let has = |index: u32| (index as usize) < strings;
        let elements = self.elements.iter().enumerate().all(|(at, element)| {
            let parent = element.parent as usize;
            has(element.name)
                && (parent < at || at == 0 && parent == 0)
                && (element.style as usize) < self.styles.len()
                && element.source as usize <= strings
        });
        let styles = self.styles.iter().all(|style| {
            let pairs = style.chunks_exact(2);
            pairs.remainder().is_empty()
                && style
                    .chunks_exact(2)
                    .all(|pair| (pair[0] as usize) < self.properties.len() && has(pair[1]))
        });
        elements && styles
    }

    pub(crate) fn name(&self, at: usize) -> &str {
        &self.strings[self.elements[at].name as usize]
    }

    pub(crate) fn source(&self, at: usize) -> &str {
        match self.elements[at].source {
            0 => "",
            source => &self.strings[source as usize - 1],
        }
    }

    /// The value of each recorded property, in their order.
    pub(crate) fn style(&self, at: usize) -> Vec<&str> {
        let mut values = vec![""; self.properties.len()];
        let own = self.elements[at].style as usize;
        for style in [0, own] {
            for pair in self.styles[style].chunks_exact(2) {
                values[pair[0] as usize] = &self.strings[pair[1] as usize];
            }
        }
        values
    }

    /// The children of each element.
    pub(crate) fn children(&self) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.elements.len()];
        for (at, element) in self.elements.iter().enumerate().skip(1) {
            children[element.parent as usize].push(at);
        }
        children
    }

    /// A short selector of an element: its name, with as many of its ancestors as it takes to tell
    /// it from the others, and its number among its siblings where nothing else does.
    pub(crate) fn path(&self, at: usize) -> String {
        let names = self.numbered();
        let parent = |of: usize| self.elements[of].parent as usize;
        let mut path = names[at].clone();
        // The ancestors of the others that the path so far would fit, too.
        let mut others: Vec<usize> = (0..names.len())
            .filter(|&other| other != at && names[other] == path)
            .map(parent)
            .collect();
        let mut above = parent(at);
        while !others.is_empty() && above != 0 {
            let name = &names[above];
            path = format!("{name} > {path}");
            others.retain(|other| names[*other] == *name);
            for other in &mut others {
                *other = parent(*other);
            }
            above = parent(above);
        }
        path
    }

    /// The names, with a number where a sibling has the same.
    fn numbered(&self) -> Vec<String> {
        let mut counts: HashMap<(u32, u32), usize> = HashMap::new();
        let mut numbers = Vec::with_capacity(self.elements.len());
        for element in &self.elements {
            let count = counts.entry((element.parent, element.name)).or_default();
            *count += 1;
            numbers.push(*count);
        }
        let named = |(at, number): (usize, usize)| {
            let element = self.elements[at];
            match counts[&(element.parent, element.name)] {
                1 => self.name(at).to_owned(),
                _ => format!("{}:nth({number})", self.name(at)),
            }
        };
        numbers.into_iter().enumerate().map(named).collect()
    }
}

/// FNV-1a of 64 bits, folded to 32 (Fowler, Noll and Vo; IETF draft-eastlake-fnv).
pub(crate) fn digest(bytes: &[u8]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}
