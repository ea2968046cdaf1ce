//! What the address of a page decides: targeting by address, and a variation asked for in it.
//! Source: GrowthBook's SDK specification, "isURLTargeted" and "getQueryStringOverride".

use url::Url;

use crate::config::{Error, Node};
use crate::pattern::{Dialect, Pattern};

/// Which pages an experiment runs on.
#[derive(Debug)]
pub(super) struct Pages(Vec<(bool, Page)>);

#[derive(Debug)]
enum Page {
    Pattern(Pattern),
    Parts {
        host: Pattern,
        path: Pattern,
        fragment: Option<Pattern>,
        query: Vec<(String, Pattern)>,
    },
    /// A pattern that is no address matches none.
    None,
}

impl Pages {
    pub(super) fn read(node: &Node<'_>) -> Result<Pages, Error> {
        let page = |item: &Node<'_>| -> Result<(bool, Page), Error> {
            let include = item.get("include").map_or(Ok(true), |include| include.truth())?;
            let pattern = item.need("pattern")?;
            let page = match item.need("type")?.text()? {
                "regex" => Page::Pattern(Pattern::of(&pattern, Dialect::Script, false)?),
                "simple" => simple(&pattern)?,
                unknown => {
                    return Err(item
                        .fail(format!("the type \"{unknown}\" is not known"))
                        .hint("it is simple or regex"));
                }
            };
            Ok((include, page))
        };
        node.items()?.iter().map(page).collect::<Result<_, _>>().map(Pages)
    }

    /// Whether an address is among them.
    pub(super) fn contain(&self, address: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let base = Url::parse("https://_").expect("a fixed address");
        let address = base.join(address).ok();
        let matches = |page: &Page| address.as_ref().is_some_and(|address| page.matches(address));
        if self.0.iter().any(|(include, page)| !include && matches(page)) {
            return false;
        }
        let mut wanted = self.0.iter().filter(|(include, _)| *include).peekable();
        wanted.peek().is_none() || wanted.any(|(_, page)| matches(page))
    }
}

fn simple(node: &Node<'_>) -> Result<Page, Error> {
    let text = node.text()?;
    let host_end = text.find([':', '/', '?']).unwrap_or(text.len());
    let prefix = if text[..host_end].contains('.') { "https://" } else { "" };
    let text = format!("{prefix}{text}").replace('*', "_____");
    let base = Url::parse("https://_____").map_err(|error| node.fail(error.to_string()))?;
    let Ok(expected) = base.join(&text) else { return Ok(Page::None) };
    let part = |text: &str, is_path: bool| {
        let mut escaped = String::new();
        for letter in text.chars() {
            if "*.+?^${}()|[]\\".contains(letter) {
                escaped.push('\\');
            }
            escaped.push(letter);
        }
        let mut escaped = escaped.replace("_____", ".*");
        if is_path {
            let bare = escaped.strip_prefix('/').unwrap_or(&escaped);
            let bare = bare.strip_suffix('/').unwrap_or(bare);
            escaped = format!("\\/?{bare}\\/?");
        }
        Pattern::read(&format!("^{escaped}$"), Dialect::Script, true)
            .map_err(|why| node.fail(format!("is not a pattern: {why}")))
    };
    let fragment = match expected.fragment() {
        None | Some("") => None,
        Some(fragment) => Some(part(&format!("#{fragment}"), false)?),
    };
    let query = expected
        .query_pairs()
        .map(|(name, value)| Ok((name.into_owned(), part(&value, false)?)))
        .collect::<Result<_, Error>>()?;
    let path = part(expected.path(), true)?;
    Ok(Page::Parts { host: part(&host(&expected), false)?, path, fragment, query })
}

/// Host and port, as far as the port is not the usual one.
fn host(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    address.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl Page {
    fn matches(&self, address: &Url) -> bool {
        match self {
            Page::None => false,
            Page::Pattern(pattern) => {
                let whole = address.as_str();
                let origin = address.origin().ascii_serialization();
                pattern.finds(whole) || pattern.finds(whole.get(origin.len()..).unwrap_or_default())
            }
            Page::Parts { host: of, path, fragment, query } => {
                let anchor = address.fragment().filter(|anchor| !anchor.is_empty());
                let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
                let has = |(name, pattern): &(String, Pattern)| {
                    let found = address.query_pairs().find(|(given, _)| given == name);
                    pattern.finds(&found.map(|(_, value)| value).unwrap_or_default())
                };
                of.finds(&host(address))
                    && path.finds(address.path())
                    && fragment.as_ref().is_none_or(|pattern| pattern.finds(&anchor))
                    && query.iter().all(has)
            }
        }
    }
}

/// The variation that an address asks for, `?experiment=2`.
pub(super) fn asked_for(key: &str, address: &str, variations: usize) -> Option<usize> {
    let query = address.split('?').nth(1).filter(|query| !query.is_empty())?;
    let query = query.split('#').next().unwrap_or_default();
    let value = query.split('&').find_map(|pair| {
        let mut parts = pair.split('=');
        (parts.next() == Some(key)).then(|| parts.next().unwrap_or_default())
    })?;
    // As `parseInt` reads: what follows the digits is let be.
    let value = value.trim_start();
    let value = value.strip_prefix('+').unwrap_or(value);
    let (value, radix) = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (value, 10),
    };
    let digits = value.find(|c: char| !c.is_digit(radix)).unwrap_or(value.len());
    usize::from_str_radix(&value[..digits], radix).ok().filter(|asked| *asked < variations)
}
