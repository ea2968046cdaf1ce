//! From what the browser says of a page's rendering (`DOMSnapshot.captureSnapshot`) to a layout.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{
    Rect,
    layout::{Element, Layout, PROPERTIES, digest},
};

/// A value of a property that is longer is kept as its beginning and a digest.
const LONGEST: usize = 120;
/// More elements than these are not recorded: nobody looks for a cause among so many.
const MOST: usize = 20_000;

pub(crate) fn parameters() -> Value {
    json!({ "computedStyles": PROPERTIES })
}

/// The command that gives one.
pub(crate) const COMMAND: &str = "DOMSnapshot.captureSnapshot";

/// What the browser says.
#[derive(Deserialize)]
pub(crate) struct Snapshot {
    documents: Vec<Document>,
    strings: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    nodes: Nodes,
    layout: Boxes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nodes {
    parent_index: Vec<i64>,
    node_type: Vec<u32>,
    node_name: Vec<i64>,
    node_value: Vec<i64>,
    attributes: Vec<Vec<i64>>,
    #[serde(default)]
    text_value: Rare,
    #[serde(default)]
    input_value: Rare,
    #[serde(default)]
    pseudo_type: Rare,
    #[serde(rename = "currentSourceURL", default)]
    source: Rare,
}

/// What only some nodes have.
#[derive(Default, Deserialize)]
struct Rare {
    index: Vec<usize>,
    value: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Boxes {
    node_index: Vec<usize>,
    styles: Vec<Vec<i64>>,
    bounds: Vec<[f64; 4]>,
}

impl Snapshot {
    /// From the text of an answer, without anything in between: it may have a megabyte.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// From an answer that was read already.
    pub(crate) fn of_value(answer: Value) -> Option<Self> {
        Self::deserialize(answer).ok()
    }

    /// The layout of the page, in device pixels of a picture of `clip` at `scale`; `None` when
    /// the answer does not fit.
    pub(crate) fn layout(self, clip: Option<Rect>, scale: f64) -> Option<Layout> {
        let document = self.documents.first()?;
        let (x, y) = clip.map_or((0, 0), |clip| (clip.x, clip.y));
        let corner = (f64::from(x), f64::from(y));
        let builder = Builder {
            given: &self.strings,
            nodes: &document.nodes,
            made: Layout {
                properties: PROPERTIES.iter().map(|name| (*name).to_owned()).collect(),
                ..Layout::default()
            },
            strings: HashMap::new(),
            values: vec![None; self.strings.len()],
            styles: HashMap::new(),
            root: Vec::new(),
            place: vec![None; document.nodes.parent_index.len()],
        };
        let made = builder.build(&document.layout, corner, scale);
        made.is_sound().then_some(made)
    }
}

struct Builder<'a> {
    given: &'a [String],
    nodes: &'a Nodes,
    made: Layout,
    strings: HashMap<String, u32>,
    /// What the value of a property has become, by its given string: the same few come for every
    /// element.
    values: Vec<Option<u32>>,
    styles: HashMap<Vec<u32>, u32>,
    /// The style of the root, by property.
    root: Vec<u32>,
    /// Where each node's element has come to be, for children to find it.
    place: Vec<Option<u32>>,
}

impl Builder<'_> {
    fn build(mut self, boxes: &Boxes, (left, top): (f64, f64), scale: f64) -> Layout {
        let texts = self.texts();
        let pseudos = by_node(&self.nodes.pseudo_type);
        let sources = by_node(&self.nodes.source);
        let rows = boxes.node_index.iter().zip(&boxes.styles).zip(&boxes.bounds);
        for ((&node, style), [x, y, width, height]) in rows {
            let kind = self.nodes.node_type.get(node).copied();
            if kind != Some(1) || self.made.elements.len() >= MOST {
                continue;
            }
            let Some(name) = self.name_of(node, pseudos.get(&node).copied()) else { continue };
            let pixels = |css: f64, from: f64| ((css - from) * scale).round() as i32;
            let at = self.made.elements.len() as u32;
            let source = sources.get(&node).map(|url| self.short_url(*url));
            let element = Element {
                parent: self.parent_of(node).unwrap_or(0),
                name: self.string(name),
                area: [
                    pixels(*x, left),
                    pixels(*y, top),
                    pixels(*width, 0.0),
                    pixels(*height, 0.0),
                ],
                text: texts.get(&node).map_or(0, |text| digest(text.as_bytes())),
                style: self.style(style),
                source: source.map_or(0, |source| self.string(source) + 1),
            };
            self.made.elements.push(element);
            self.place[node] = Some(at);
        }
        self.made
    }

    fn given(&self, index: i64) -> &str {
        usize::try_from(index).ok().and_then(|at| self.given.get(at)).map_or("", String::as_str)
    }

    /// The own text of each element, blanks as one, and what its fields hold.
    fn texts(&self) -> HashMap<usize, String> {
        let mut texts: HashMap<usize, String> = HashMap::new();
        for (node, parent) in self.nodes.parent_index.iter().enumerate() {
            let (3, Ok(parent)) = (self.nodes.node_type[node], usize::try_from(*parent)) else {
                continue;
            };
            let value = self.nodes.node_value.get(node).copied().unwrap_or(-1);
            let words: Vec<&str> = self.given(value).split_whitespace().collect();
            if !words.is_empty() {
                let text = texts.entry(parent).or_default();
                text.push_str(&words.join(" "));
                text.push('\n');
            }
        }
        for held in [&self.nodes.text_value, &self.nodes.input_value] {
            for (node, value) in by_node(held) {
                texts.entry(node).or_default().push_str(self.given(value));
            }
        }
        texts
    }

    /// The nearest ancestor that is rendered; shadow roots and `display: contents` are not.
    fn parent_of(&self, node: usize) -> Option<u32> {
        let mut at = node;
        loop {
            at = usize::try_from(*self.nodes.parent_index.get(at)?).ok()?;
            if let Some(Some(place)) = self.place.get(at) {
                return Some(*place);
            }
        }
    }

    /// `a.cta`; `None` for what is not the page's own.
    fn name_of(&self, node: usize, pseudo: Option<i64>) -> Option<String> {
        if let Some(pseudo) = pseudo {
            return Some(format!("::{}", self.given(pseudo)));
        }
        let tag = self.given(self.nodes.node_name[node]).to_ascii_lowercase();
        if tag == "visual-browser-mask" || tag.starts_with('#') || tag.starts_with(':') {
            return None;
        }
        let attribute = |wanted: &str| {
            let pairs = self.nodes.attributes.get(node)?.chunks_exact(2);
            pairs.into_iter().find(|pair| self.given(pair[0]) == wanted).map(|p| self.given(p[1]))
        };
        if let Some(id) = attribute("id").filter(|id| is_meant(id)) {
            return Some(format!("{tag}#{id}"));
        }
        let classes = attribute("class").unwrap_or_default();
        let class = classes.split_whitespace().find(|class| is_meant(class));
        Some(class.map_or(tag.clone(), |class| format!("{tag}.{class}")))
    }

    fn string(&mut self, text: String) -> u32 {
        if let Some(known) = self.strings.get(&text) {
            return *known;
        }
        let index = self.made.strings.len() as u32;
        self.made.strings.push(text.clone());
        self.strings.insert(text, index);
        index
    }

    /// The value of a property, shortened.
    fn value(&mut self, given: i64) -> u32 {
        let at = usize::try_from(given).unwrap_or(usize::MAX);
        if let Some(Some(known)) = self.values.get(at) {
            return *known;
        }
        let value = self.string(short_value(self.given(given)));
        if let Some(slot) = self.values.get_mut(at) {
            *slot = Some(value);
        }
        value
    }

    /// The style, as what differs from the root's.
    fn style(&mut self, values: &[i64]) -> u32 {
        let values: Vec<u32> = values.iter().map(|&value| self.value(value)).collect();
        let is_root = self.made.styles.is_empty();
        let pairs: Vec<u32> = (0..)
            .zip(&values)
            .filter(|(at, value)| self.root.get(*at as usize) != Some(value))
            .flat_map(|(at, value)| [at, *value])
            .collect();
        if is_root {
            self.root = values;
        } else if pairs.is_empty() {
            return 0;
        }
        let next = self.made.styles.len() as u32;
        let index = *self.styles.entry(pairs.clone()).or_insert(next);
        if index == next {
            self.made.styles.push(pairs);
        }
        index
    }

    fn short_url(&self, url: i64) -> String {
        short_url(self.given(url))
    }
}

fn by_node(rare: &Rare) -> HashMap<usize, i64> {
    rare.index.iter().copied().zip(rare.value.iter().copied()).collect()
}

/// Whether somebody chose this name: tools make up names with digits in the middle.
fn is_meant(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let sane = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.len() <= 40 && digits <= 2 && name.chars().all(sane)
}

/// An address without its host, which is another one in another environment, and with a digest for
/// its query, which may hold a secret.
fn short_url(url: &str) -> String {
    if url.starts_with("data:") || url.starts_with("blob:") {
        let kind = url.split([';', ',']).next().unwrap_or("data:");
        return format!("{}~{:08x}", &kind[..kind.len().min(30)], digest(url.as_bytes()));
    }
    let Ok(parsed) = Url::parse(url) else { return short_value(url) };
    match parsed.query() {
        None => parsed.path().to_owned(),
        Some(query) => format!("{}?~{:08x}", parsed.path(), digest(query.as_bytes())),
    }
}

fn short_value(value: &str) -> String {
    let mut short = String::new();
    let mut rest = value;
    while let Some((before, from)) = rest.split_once("url(\"") {
        let (url, after) = from.split_once("\")").unwrap_or((from, ""));
        short.push_str(before);
        short.push_str(&format!("url({})", short_url(url)));
        rest = after;
    }
    short.push_str(rest);
    if short.len() > LONGEST {
        let end = short.floor_char_boundary(LONGEST - 20);
        short = format!("{}~{:08x}", &short[..end], digest(short.as_bytes()));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_hosts_and_secrets() {
        assert_eq!(short_url("https://a.test/img/x.png"), "/img/x.png");
        let signed = short_url("https://a.test/x.png?token=sesame");
        assert!(signed.starts_with("/x.png?~") && !signed.contains("sesame"), "{signed}");
        assert!(short_url("data:image/png;base64,AAAA").starts_with("data:image/png~"));
        let value = "linear-gradient(red, blue), url(\"http://h/a.png\")";
        assert_eq!(short_value(value), "linear-gradient(red, blue), url(/a.png)");
        assert!(short_value(&"ä".repeat(200)).len() <= LONGEST);
    }

    #[test]
    fn names_that_somebody_chose() {
        for (name, meant) in
            [("cta", true), ("col-12", true), ("css-1a2b3c", false), ("a:b", false)]
        {
            assert_eq!(is_meant(name), meant, "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_no_layout() {
        for (text, fits) in
            [("{}", false), ("[", false), (r#"{ "documents": [], "strings": [] }"#, true)]
        {
            let read = Snapshot::of_text(text);
            assert_eq!(read.is_some(), fits, "{text}");
            assert_eq!(read.and_then(|snapshot| snapshot.layout(None, 1.0)), None, "{text}");
            let value = serde_json::from_str(text).unwrap_or_default();
            assert_eq!(Snapshot::of_value(value).is_some(), fits, "{text}");
        }
    }
}
