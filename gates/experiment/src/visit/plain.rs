//! Visitors who come as a request: what the page's HTML says to so many of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use scraper::{Html, Selector};
use url::Url;

use super::seen::{Look, Visitor, When};
use super::site::{Site, led};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;
/// The largest page that is looked into, in bytes.
const LARGEST: usize = 16 << 20;
/// The parameter that no cache has seen.
const UNCACHED: &str = "gate-uncached";

/// Lets a visitor come, and look again with the cookies that it was given.
pub(super) async fn visited(site: &Site, client: &reqwest::Client, visitor: &mut Visitor) {
    let mut cookies: BTreeMap<String, String> =
        site.cookies(&visitor.id, true).into_iter().collect();
    for when in [When::Arrival, When::Reload] {
        let url = site.address(&site.page, &visitor.id);
        let mut answer = asked(site, client, &visitor.id, url.clone(), &mut cookies).await;
        if answer.is_err() {
            // Once is nothing that anybody would notice.
            answer = asked(site, client, &visitor.id, url, &mut cookies).await;
        }
        match answer {
            Ok(answer) => {
                let mut look = look(site, &answer, when);
                let is_wrong =
                    look.shown.len() == 1 && look.shown.first() != visitor.predicted.as_ref();
                if is_wrong {
                    let mut url = site.address(&site.page, &visitor.id);
                    url.query_pairs_mut().append_pair(UNCACHED, &visitor.id);
                    let again = asked(site, client, &visitor.id, url, &mut cookies).await;
                    look.uncached = again.ok().map(|again| shown(site, &again.body));
                }
                look.assigned =
                    site.arm_cookie.as_ref().and_then(|name| cookies.get(name).cloned());
                visitor.looks.push(look);
            }
            Err(why) => {
                visitor.failed = Some(why);
                return;
            }
        }
    }
}

/// An answer.
struct Answer {
    url: Url,
    headers: HeaderMap,
    body: String,
    first_byte: Duration,
}

/// Asks for a page, follows where it leads, and keeps the cookies that it gives.
async fn asked(
    site: &Site,
    client: &reqwest::Client,
    id: &str,
    mut url: Url,
    cookies: &mut BTreeMap<String, String>,
) -> Result<Answer, String> {
    let begun = Instant::now();
    for _ in 0..=MOST_REDIRECTS {
        let mut request = client.get(url.clone()).timeout(PATIENCE);
        if site.is_own(&url) {
            for (name, value) in site.headers(id) {
                request = request.header(name, value);
            }
            if let Some(auth) = site.basic_auth() {
                request = request.basic_auth(&auth.user, Some(&auth.password));
            }
            let line: Vec<String> =
                cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !line.is_empty() {
                request = request.header("cookie", line.join("; "));
            }
        }
        let response = request.send().await.map_err(|error| root(&error))?;
        let first_byte = begun.elapsed();
        let (status, headers) = (response.status(), response.headers().clone());
        if headers.contains_key(recorder::UNANSWERED) {
            let why = response.text().await.unwrap_or_default();
            return Err(why.trim().trim_start_matches("gate: ").to_owned());
        }
        if site.is_own(&url) {
            keep(&headers, cookies);
        }
        let location = headers.get("location").and_then(|value| value.to_str().ok());
        if let Some(location) = location.filter(|_| status.is_redirection()) {
            url = url.join(location).map_err(|error| format!("it leads to no address: {error}"))?;
            continue;
        }
        if !status.is_success() {
            return Err(format!("it was answered {}", status.as_u16()));
        }
        let bytes = response.bytes().await.map_err(|error| root(&error))?;
        let body = String::from_utf8_lossy(&bytes[..bytes.len().min(LARGEST)]).into_owned();
        return Ok(Answer { url, headers, body, first_byte });
    }
    Err(format!("it leads on more than {MOST_REDIRECTS} times"))
}

/// Keeps what an answer sets, as a browser would.
fn keep(headers: &HeaderMap, cookies: &mut BTreeMap<String, String>) {
    let lines = headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    for line in lines {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            continue;
        };
        let is_past = |part: &str| {
            let part = part.to_ascii_lowercase();
            part == "max-age=0" || part.starts_with("expires=") && part.contains("1970")
        };
        let is_gone = parts.any(is_past) || value.is_empty();
        if is_gone {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn look(site: &Site, answer: &Answer, when: When) -> Look {
    Look {
        when,
        shown: shown(site, &answer.body),
        first_byte: Some(answer.first_byte.as_micros() as u64),
        led_to: led(&site.page, &answer.url),
        cache: of_cache(&answer.headers),
        ..Look::default()
    }
}

/// The arms whose variant the HTML has; none where that cannot be asked for all of them.
fn shown(site: &Site, html: &str) -> Vec<String> {
    let Some(read) = &site.read else { return Vec::new() };
    let page = Html::parse_document(html);
    let has = |selector: &Selector| page.select(selector).next().is_some();
    read.iter().filter(|(_, one)| has(one)).map(|(arm, _)| arm.clone()).collect()
}

/// What says that a cache has answered, or that one may: how old the answer is, what a cache says of
/// itself, or that anybody may keep it for others.
fn of_cache(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let told = |name: &HeaderName, value: &HeaderValue| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    let says_hit = headers.iter().find(|(name, value)| {
        let is_of_cache = ["cache-status", "x-cache", "cf-cache-status", "x-cache-status"]
            .contains(&name.as_str());
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        is_of_cache && value.contains("hit")
    });
    if let Some((name, value)) = says_hit {
        return Some(told(name, value));
    }
    if let Some(age) = text("age").filter(|age| age.parse().is_ok_and(|age: u64| age > 0)) {
        return Some(format!("age: {age}"));
    }
    let control = text("cache-control")?.to_ascii_lowercase();
    let varies = text("vary").unwrap_or_default().to_ascii_lowercase();
    let may = ["public", "s-maxage"].iter().any(|word| control.contains(word));
    let forbids = ["no-store", "private", "no-cache"].iter().any(|word| control.contains(word));
    (may && !forbids && !varies.contains("cookie") && !varies.contains('*'))
        .then(|| format!("cache-control: {control}"))
}

/// The cause at the bottom.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "it takes too long".to_owned() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cache_says_of_itself() {
        let check = |headers: &[(&'static str, &'static str)], expect: Option<&str>| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(of_cache(&map).as_deref(), expect, "{headers:?}");
        };
        check(&[], None);
        check(&[("age", "0"), ("x-cache", "MISS from edge")], None);
        check(&[("age", "12")], Some("age: 12"));
        check(&[("cf-cache-status", "HIT"), ("age", "3")], Some("cf-cache-status: HIT"));
        check(&[("cache-status", "edge; hit; ttl=30")], Some("cache-status: edge; hit; ttl=30"));
        check(
            &[("cache-control", "Public, max-age=60")],
            Some("cache-control: public, max-age=60"),
        );
        check(&[("cache-control", "public, max-age=60"), ("vary", "Cookie")], None);
        check(&[("cache-control", "private, max-age=60")], None);
        check(&[("cache-control", "max-age=60")], None);
    }

    #[test]
    fn cookies_are_kept_and_taken_away() {
        let mut map = HeaderMap::new();
        for line in
            ["arm=b; Path=/; HttpOnly", "old=; Path=/", "gone=x; Max-Age=0", "no pair", "a=1=2"]
        {
            map.append("set-cookie", HeaderValue::from_static(line));
        }
        let mut cookies: BTreeMap<String, String> =
            [("old", "1"), ("gone", "1"), ("arm", "a")].map(|(n, v)| (n.into(), v.into())).into();
        keep(&map, &mut cookies);
        let kept: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(kept, ["a=1=2", "arm=b"]);
    }
}
