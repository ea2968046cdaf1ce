//! Sitemaps, as <https://www.sitemaps.org/protocol.html> has them: lists of pages, and lists of
//! such lists.

use std::collections::{BTreeSet, VecDeque};

use gate_core::Error;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use url::Url;

use super::fetch::Site;

/// How many sitemaps one list may bring in all.
const MOST_SITEMAPS: usize = 200;
/// How far lists of lists may go. The standard has one level; generators have been seen to make
/// two.
const DEEPEST: usize = 3;
/// How far elements may be nested; a sitemap with all extensions needs less than ten.
const DEEPEST_ELEMENT: usize = 50;
/// How many pages they may list in all.
const MOST_PAGES: usize = 200_000;

/// What a file lists.
#[derive(Debug, PartialEq, Eq)]
enum Listed {
    Pages(Vec<String>),
    Sitemaps(Vec<String>),
}

/// A page of a sitemap, as it would be asked for here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Located {
    /// On the site under test, with its query.
    pub(super) path: String,
    /// As the sitemap has it.
    pub(super) url: Url,
    /// The host that stands for the site under test, when it is another.
    foreign: Option<String>,
}

impl Located {
    /// What patterns are held against: the path without its query, and the whole address.
    pub(super) fn names(&self) -> Vec<String> {
        let path = self.path.split('?').next().unwrap_or_default().to_owned();
        vec![path, self.url.to_string()]
    }
}

/// All addresses that the sitemap at `path` lists; none when there is none.
pub(super) async fn list(site: &Site<'_>, path: &str) -> Result<Option<Vec<Url>>, Error> {
    let Some(bytes) = site.get(path).await? else { return Ok(None) };
    let mut pages = Vec::new();
    let mut seen = BTreeSet::from([path.to_owned()]);
    let mut waiting = VecDeque::from([(path.to_owned(), bytes, 1)]);
    while let Some((path, bytes, depth)) = waiting.pop_front() {
        let wrong = |what: String| Error::new(format!("the sitemap {path} {what}"));
        match read(&bytes).map_err(wrong)? {
            Listed::Pages(found) => {
                pages.extend(found.iter().map(|url| parse(url)).collect::<Result<Vec<_>, _>>()?);
                if pages.len() > MOST_PAGES {
                    return Err(wrong(format!("and others list more than {MOST_PAGES} pages")));
                }
            }
            Listed::Sitemaps(_) if depth == DEEPEST => {
                return Err(wrong("lists sitemaps of sitemaps of sitemaps".to_owned()));
            }
            Listed::Sitemaps(found) => {
                let found = found.iter().map(|url| parse(url)).collect::<Result<Vec<_>, _>>()?;
                for below in located(found, &site.environment.url) {
                    if !seen.insert(below.path.clone()) {
                        continue;
                    }
                    if seen.len() > MOST_SITEMAPS {
                        return Err(wrong(format!("leads to more than {MOST_SITEMAPS} others")));
                    }
                    let missing = || wrong(format!("names {}, which is not there", below.path));
                    let bytes = site.get(&below.path).await?.ok_or_else(missing)?;
                    waiting.push_back((below.path, bytes, depth + 1));
                }
            }
        }
    }
    Ok(Some(pages))
}

fn parse(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.map(|mut url| {
        url.set_fragment(None);
        url
    })
    .ok_or_else(|| {
        let shown: String = text.chars().take(200).collect();
        Error::new(format!("the sitemap lists `{shown}`, which is no address"))
    })
}

/// Reads one file. Only a `loc` right inside a `url` or `sitemap` is a page or a sitemap; those of
/// pictures and videos are something else.
fn read(bytes: &[u8]) -> Result<Listed, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader::from_reader(bytes);
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut root: Option<Vec<u8>> = None;
    let (mut found, mut text) = (Vec::new(), String::new());
    let broken = |error: &dyn std::fmt::Display| format!("is no XML: {error}");
    loop {
        let event = reader.read_event().map_err(|error| broken(&error))?;
        match event {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_vec();
                root.get_or_insert_with(|| name.clone());
                path.push(name);
                if path.len() > DEEPEST_ELEMENT {
                    return Err("is nested too deeply".to_owned());
                }
                text.clear();
            }
            Event::Empty(start) => {
                root.get_or_insert_with(|| start.local_name().as_ref().to_vec());
            }
            Event::End(_) => {
                let place: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
                if let [b"urlset", b"url", b"loc"] | [b"sitemapindex", b"sitemap", b"loc"] =
                    place[..]
                {
                    found.push(text.trim().to_owned());
                }
                path.pop();
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.decode().map_err(|error| broken(&error))?),
            Event::CData(part) => text.push_str(&part.decode().map_err(|error| broken(&error))?),
            Event::GeneralRef(entity) => {
                if let Some(c) = entity.resolve_char_ref().map_err(|error| broken(&error))? {
                    text.push(c);
                } else {
                    let name = entity.decode().map_err(|error| broken(&error))?;
                    let known = resolve_predefined_entity(&name);
                    text.push_str(known.ok_or_else(|| format!("has an unknown `&{name};`"))?);
                }
            }
            Event::Eof if !path.is_empty() => return Err("ends in the middle".to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    match root.as_deref() {
        Some(b"urlset") => Ok(Listed::Pages(found)),
        Some(b"sitemapindex") => Ok(Listed::Sitemaps(found)),
        _ => Err("is no sitemap: it begins with neither `urlset` nor `sitemapindex`".to_owned()),
    }
}

/// The addresses as they are asked for at `base`. A sitemap names the live site whichever version
/// serves it, so another host stands for the site under test.
pub(super) fn located(urls: Vec<Url>, base: &Url) -> Vec<Located> {
    let folder = base.path().trim_end_matches('/');
    let here = site_of(base);
    let mut located: Vec<Located> = urls
        .into_iter()
        .filter_map(|url| {
            let site = site_of(&url);
            let foreign = (site != here).then_some(site);
            let below = url
                .path()
                .strip_prefix(folder)
                .filter(|rest| rest.starts_with('/') || rest.is_empty());
            let path = match below {
                Some("") => "/",
                Some(path) => path,
                // The live site need not lie below the folder that a preview lies in.
                None if foreign.is_some() => url.path(),
                None => return None,
            };
            let path = match url.query() {
                Some(query) => format!("{path}?{query}"),
                None => path.to_owned(),
            };
            // Such a path would be read as the address of another host.
            (!path.starts_with("//")).then_some(Located { path, url, foreign })
        })
        .collect();
    located.sort();
    located
}

/// Host and port, with and without `www.` being the same.
fn site_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Pages of two other hosts cannot both be meant by the site under test.
pub(super) fn one_host(pages: &[Located]) -> Result<(), Error> {
    let hosts: BTreeSet<&String> = pages.iter().filter_map(|page| page.foreign.as_ref()).collect();
    let mut hosts = hosts.into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(one), Some(other)) => {
            Err(Error::new(format!("its pages are on several hosts, {one} and {other} among them"))
                .hint(format!("choose one: include: [\"https://{one}/**\"]")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(xml: &str, expect: Result<Listed, &str>) {
        let got = read(xml.as_bytes());
        match (got, expect) {
            (Err(got), Err(expect)) => assert!(got.contains(expect), "{got}"),
            (got, expect) => assert_eq!(got, expect.map_err(str::to_owned), "{xml}"),
        }
    }

    fn pages(urls: &[&str]) -> Listed {
        Listed::Pages(urls.iter().map(|&url| url.to_owned()).collect())
    }

    #[test]
    fn files() {
        check(
            "\u{feff}<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' \
             xmlns:image='i'><url><loc> http://a/x?b=1&amp;c=&#x32; </loc><image:image>\
             <image:loc>http://a/x.png</image:loc></image:image><lastmod>2026</lastmod></url>\
             <s:url xmlns:s='s'><s:loc><![CDATA[http://a/y&z]]></s:loc></s:url></urlset>",
            Ok(pages(&["http://a/x?b=1&c=2", "http://a/y&z"])),
        );
        check("<urlset/>", Ok(pages(&[])));
        check(
            "<sitemapindex><sitemap><loc>http://a/1.xml</loc></sitemap></sitemapindex>",
            Ok(Listed::Sitemaps(vec!["http://a/1.xml".to_owned()])),
        );
        check("<!doctype html><html></html>", Err("is no sitemap"));
        check("not here", Err("is no sitemap"));
        check("", Err("is no sitemap"));
        check("<urlset><url><loc>http://a/</loc>", Err("ends in the middle"));
        check("<urlset><url></urlset>", Err("is no XML"));
        check(&"<urlset>".repeat(1000), Err("is nested too deeply"));
        // Nothing is ever replaced by what the file itself defines.
        check(
            "<!DOCTYPE urlset [<!ENTITY a 'http://b/'>]><urlset><url><loc>&a;</loc></url></urlset>",
            Err("has an unknown `&a;`"),
        );
    }

    fn check_paths(base: &str, urls: &[&str], expect: Result<&[&str], &str>) {
        let urls = urls.iter().map(|url| parse(url).unwrap()).collect();
        let found = located(urls, &Url::parse(base).unwrap());
        let paths: Vec<&str> = found.iter().map(|located| located.path.as_str()).collect();
        match (one_host(&found), expect) {
            (Ok(()), Ok(expect)) => assert_eq!(paths, expect),
            (Err(got), Err(expect)) => assert!(got.to_string().contains(expect), "{got}"),
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn addresses_become_paths_of_the_site_under_test() {
        let live = ["https://www.example.com/", "https://example.com/b?x=1#top"];
        check_paths("http://localhost:8080/", &live, Ok(&["/", "/b?x=1"]));
        check_paths("https://example.com", &live, Ok(&["/", "/b?x=1"]));
        // A preview in a folder, and its own pages.
        check_paths("http://preview/pr-7/", &live, Ok(&["/", "/b?x=1"]));
        check_paths(
            "http://preview/pr-7",
            &["http://preview/pr-7", "http://preview/pr-7/a", "http://preview/pr-70/b"],
            Ok(&["/", "/a"]),
        );
        check_paths(
            "http://localhost",
            &["https://a.example/x", "https://b.example/y"],
            Err("several hosts, a.example and b.example"),
        );
    }
}
