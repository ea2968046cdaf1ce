//! The site that is visited, and what lets in there.

use gate_core::{Context, Environment, Error};
use scraper::Selector;
use url::Url;
use visual_browser::{BasicAuth, Cookie, Visit};

use super::identity::encoded;
use crate::settings::{BeforeLaunch, KnownBy, Settings};

/// The site.
pub(super) struct Site {
    /// The experiment's page.
    pub(super) page: Url,
    /// Another one.
    pub(super) other_page: Url,
    /// The experiment's page on another host.
    pub(super) elsewhere: Option<Url>,
    pub(super) known: KnownBy,
    /// The selectors of all arms, with the arm's name.
    pub(super) shows: Vec<(String, String)>,
    /// The same where HTML alone is looked into; none when one of them is only a browser's to understand.
    pub(super) read: Option<Vec<(String, Selector)>>,
    pub(super) arm_cookie: Option<String>,
    /// What every request to it carries.
    headers: Vec<(String, String)>,
    cookies: Vec<(String, String)>,
    basic_auth: Option<BasicAuth>,
}

impl Site {
    pub(super) fn new(
        spec: &Settings,
        before: &BeforeLaunch,
        environment: &Environment,
        cx: &Context,
    ) -> Result<Site, Error> {
        let revealed = |(name, value): (&String, _)| Ok((name.clone(), cx.reveal(value)?));
        let page = joined(&environment.url, &before.page)?;
        let elsewhere = before.other_host.as_ref().map(|host| {
            let mut url = page.clone();
            let (name, port) = host.split_once(':').unwrap_or((host, ""));
            let set = url.set_host(Some(name)).is_ok()
                && (port.is_empty() || url.set_port(port.parse().ok()).is_ok());
            set.then_some(url).ok_or_else(|| {
                Error::new(format!("`{host}` is no host")).hint("write it like shop.example.com")
            })
        });
        let basic_auth = environment.basic_auth.as_ref().map(|pair| {
            let pair = cx.reveal(pair)?;
            let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
            Ok::<_, Error>(BasicAuth { user: user.to_owned(), password: password.to_owned() })
        });
        let shows: Vec<(String, String)> =
            before.shows.iter().map(|(arm, one)| (arm.clone(), one.clone())).collect();
        let read = |(arm, one): &(String, String)| Some((arm.clone(), Selector::parse(one).ok()?));
        Ok(Site {
            other_page: joined(&environment.url, before.other_page.as_deref().unwrap_or("/"))?,
            elsewhere: elsewhere.transpose()?,
            page,
            known: before.known_by(&spec.unit),
            read: shows.iter().map(read).collect(),
            shows,
            arm_cookie: before.arm_cookie.clone(),
            headers: environment.headers.iter().map(revealed).collect::<Result<_, Error>>()?,
            cookies: environment.cookies.iter().map(revealed).collect::<Result<_, Error>>()?,
            basic_auth: basic_auth.transpose()?,
        })
    }

    /// The selectors that HTML alone cannot be asked by.
    pub(super) fn of_browsers(&self) -> Vec<String> {
        let selectors = self.shows.iter().map(|(_, one)| one);
        selectors.filter(|one| Selector::parse(one).is_err()).cloned().collect()
    }

    /// Whether a host is the site's; with or without `www.`, as sites lead from one to the other.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        let hosts = [Some(&self.page), self.elsewhere.as_ref()];
        hosts.into_iter().flatten().any(|own| bare(own) == bare(url))
    }

    /// An address as this visitor asks for it.
    pub(super) fn address(&self, url: &Url, id: &str) -> Url {
        let mut url = url.clone();
        if let Some(name) = &self.known.query {
            url.query_pairs_mut().append_pair(name, id);
        }
        url
    }

    /// The headers of a request of this visitor to the site.
    pub(super) fn headers(&self, id: &str) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        if let Some(name) = &self.known.header {
            headers.push((name.clone(), encoded(id)));
        }
        headers
    }

    /// The cookies that such a visitor has from the start; without the one that they are known by
    /// where they come again.
    pub(super) fn cookies(&self, id: &str, is_first: bool) -> Vec<(String, String)> {
        let mut cookies = self.cookies.clone();
        if !is_first {
            return cookies;
        }
        if let Some(name) = &self.known.cookie {
            cookies.push((name.clone(), encoded(id)));
        }
        cookies
    }

    pub(super) fn basic_auth(&self) -> Option<&BasicAuth> {
        self.basic_auth.as_ref()
    }

    /// A page as this visitor opens it in a browser.
    pub(super) fn visit(&self, url: &Url, id: &str, is_first: bool) -> Visit {
        let mut visit = Visit::of(self.address(url, id));
        visit.headers = self.headers(id);
        visit.basic_auth.clone_from(&self.basic_auth);
        visit.sights = self.shows.iter().map(|(_, selector)| selector.clone()).collect();
        let cookie = |(name, value)| Cookie { name, value, domain: None, path: None };
        visit.cookies = self.cookies(id, is_first).into_iter().map(cookie).collect();
        visit
    }
}

/// Where an address has led to, when that is another path or another site.
pub(super) fn led(from: &Url, to: &Url) -> Option<String> {
    let (host, path) = (bare(to), to.path());
    if host != bare(from) {
        return Some(format!("{}{path}", host.unwrap_or_default()));
    }
    (path != from.path()).then(|| path.to_owned())
}

/// A host without its `www.`.
fn bare(url: &Url) -> Option<&str> {
    url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host))
}

/// A path of the site, as it is written in a browser's line of addresses.
pub(super) fn joined(base: &Url, path: &str) -> Result<Url, Error> {
    let root = base.as_str().trim_end_matches('/');
    let whole = format!("{root}{path}");
    Url::parse(&whole).map_err(|error| {
        Error::new(format!("`{whole}` is no address: {error}")).hint("write a path like /offers")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_address_leads_to() {
        let check = |from: &str, to: &str, expect: Option<&str>| {
            let [from, to] = [from, to].map(|url| Url::parse(url).unwrap());
            assert_eq!(led(&from, &to).as_deref(), expect, "{from} {to}");
        };
        check("http://example.com/a", "https://www.example.com/a?x=1", None);
        check("http://example.com/a", "http://example.com/b", Some("/b"));
        check("http://example.com/a", "https://shop.example.com/a", Some("shop.example.com/a"));
    }
}
