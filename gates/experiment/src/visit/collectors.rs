//! Hosts that do nothing but count: what a page sends there is kept from them, whatever profile the
//! experiment's own events have, or a synthetic visitor would be in somebody's statistics, or be paid for.

use recorder::Request;
use url::Url;

/// Domains of services that collect events, with all that is below them.
const DOMAINS: [&str; 24] = [
    "google-analytics.com",
    "analytics.google.com",
    "googleadservices.com",
    "doubleclick.net",
    "googlesyndication.com",
    "facebook.com",
    "bat.bing.com",
    "clarity.ms",
    "ads.linkedin.com",
    "analytics.tiktok.com",
    "ads-twitter.com",
    "t.co",
    "ct.pinterest.com",
    "hotjar.com",
    "hotjar.io",
    "segment.io",
    "posthog.com",
    "gb-ingest.com",
    "amplitude.com",
    "mixpanel.com",
    "heapanalytics.com",
    "fullstory.com",
    "plausible.io",
    "matomo.cloud",
];

/// Whether this is sent to be counted: a body, or a picture of nothing. A script is not, and neither are
/// PostHog's flags, which a page may need to be what it is.
pub(super) fn collects(url: &Url, request: &Request) -> bool {
    let Some(host) = url.host_str() else { return false };
    let is_one = |domain: &&str| {
        host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let is_answer = ["/flags", "/decide"].iter().any(|path| url.path().starts_with(path));
    if is_answer || !DOMAINS.iter().any(is_one) {
        return false;
    }
    let is_picture =
        request.headers.text("accept").is_some_and(|accept| accept.starts_with("image/"));
    matches!(request.method.as_str(), "POST" | "OPTIONS") || is_picture
}

#[cfg(test)]
mod tests {
    use recorder::Headers;

    use super::*;

    #[test]
    fn what_is_counted_is_kept_and_what_is_needed_is_not() {
        let check = |method: &str, url: &str, accept: &str, expect: bool| {
            let request = Request {
                method: method.to_owned(),
                url: url.to_owned(),
                headers: Headers::from_iter([("accept", accept)]),
                ..Request::default()
            };
            assert_eq!(collects(&Url::parse(url).unwrap(), &request), expect, "{method} {url}");
        };
        check("POST", "https://region1.google-analytics.com/g/collect?en=x", "*/*", true);
        check("GET", "https://www.facebook.com/tr?ev=Lead", "image/avif,image/webp", true);
        check("GET", "https://us-assets.i.posthog.com/static/array.js", "*/*", false);
        check("POST", "https://us.i.posthog.com/flags/?v=2", "*/*", false);
        check("POST", "https://us.i.posthog.com/e/", "*/*", true);
        check("POST", "https://api.example.com/orders", "*/*", false);
        check("POST", "https://notfacebook.com/tr", "*/*", false);
    }
}
