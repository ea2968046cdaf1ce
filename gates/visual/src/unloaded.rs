//! What a page asked for and did not get.

use serde::{Deserialize, Serialize};
use url::Url;
use visual_browser::{Capture, FailedResource};

/// A picture, style, script, font or request that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unloaded {
    /// Its path where it is the page's own, and host and path elsewhere; never a query, which may
    /// hold a secret and is another one in every version.
    pub address: String,
    /// The status that it was answered with; none when there was no answer that the page knows of.
    pub status: Option<u16>,
    /// Whether it comes from where the page comes from.
    pub own: bool,
}

impl Unloaded {
    /// What a page did not get, each once.
    pub(crate) fn of(capture: &Capture) -> Vec<Unloaded> {
        Unloaded::among(&capture.failed_resources, &capture.final_url)
    }

    fn among(failed: &[FailedResource], page: &str) -> Vec<Unloaded> {
        let page = Url::parse(page).ok();
        let mut found: Vec<Unloaded> = Vec::new();
        for FailedResource { url, status } in failed {
            let Ok(url) = Url::parse(url) else { continue };
            let Some(address) = address(&url, page.as_ref()) else { continue };
            let own = page.as_ref().is_some_and(|page| same_place(page, &url));
            if !found.iter().any(|known| known.address == address) {
                found.push(Unloaded { address, status: *status, own });
            }
        }
        found.sort_by(|one, other| one.address.cmp(&other.address));
        found
    }
}

fn same_place(page: &Url, url: &Url) -> bool {
    // Every file is an origin of its own.
    page.origin() == url.origin() || (page.scheme() == "file" && url.scheme() == "file")
}

/// None for what has no address, such as a picture within the page.
fn address(url: &Url, page: Option<&Url>) -> Option<String> {
    let path = url.path();
    match (url.scheme(), page) {
        // Where the files lie on this machine says nothing.
        ("file", _) => path.rsplit('/').next().map(ToOwned::to_owned),
        ("http" | "https", Some(page)) if same_place(page, url) => Some(path.to_owned()),
        ("http" | "https", _) => Some(format!("{}{path}", url.host_str()?)),
        _ => None,
    }
}

/// "/img/hero.jpg answered 404, cdn.example/a.css did not load": the first few, and how many more
/// there are; empty for none.
pub(crate) fn words(found: &[&Unloaded]) -> String {
    const SHOWN: usize = 3;
    let one = |one: &&Unloaded| match one.status {
        Some(status) => format!("{} answered {status}", one.address),
        None => format!("{} did not load", one.address),
    };
    let shown: Vec<String> = found.iter().take(SHOWN).map(one).collect();
    match found.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_and_keep_secrets() {
        let check = |page: &str, url: &str, expect: Option<(&str, bool)>| {
            let failed = [FailedResource { url: url.to_owned(), status: None }];
            let found = Unloaded::among(&failed, page);
            let found: Vec<_> = found.iter().map(|one| (one.address.as_str(), one.own)).collect();
            assert_eq!(found, expect.into_iter().collect::<Vec<_>>(), "{url}");
        };
        let page = "https://shop.test/a/b";
        check(page, "https://shop.test/img/x.png?v=3", Some(("/img/x.png", true)));
        check(page, "https://cdn.test/x.png?key=sesame", Some(("cdn.test/x.png", false)));
        check(page, "http://shop.test/x.png", Some(("shop.test/x.png", false)));
        check(page, "data:image/png;base64,AAAA", None);
        check(page, "nonsense", None);
        check("file:///home/kim/mail/a.html", "file:///home/kim/mail/b.png", Some(("b.png", true)));
    }

    #[test]
    fn the_first_few_are_named() {
        let some = |count: u16| {
            let one = |n: u16| FailedResource {
                url: format!("https://shop.test/{n}"),
                status: (n > 0).then_some(400 + n),
            };
            let failed: Vec<_> = (0..count).flat_map(|n| [one(n), one(n)]).collect();
            Unloaded::among(&failed, "https://shop.test/")
        };
        let words = |count| words(&some(count).iter().collect::<Vec<_>>());
        assert_eq!(words(0), "");
        assert_eq!(words(2), "/0 did not load, /1 answered 401");
        assert_eq!(words(5), "/0 did not load, /1 answered 401, /2 answered 402, and 2 more");
    }
}
