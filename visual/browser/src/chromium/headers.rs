//! Headers that go to one origin and to no other. The browser has a setting for headers, but sends
//! those to every origin that a page loads from; so the requests to this one are held up, given
//! the headers, and let go.

use serde_json::{Value, json};
use url::Url;

/// The headers of an origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// Such as `https://shop.test:8443`.
    pub(crate) origin: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Given {
    /// What to tell the browser, so that it holds up the requests to this origin.
    pub(super) fn holding(&self) -> Value {
        // Both are wildcards there.
        let literal = self.origin.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?");
        let mut patterns = vec![format!("{literal}/*")];
        // The page that tells the browser a password has it in its address.
        if let Some((scheme, host)) = literal.split_once("://") {
            patterns.push(format!("{scheme}://*@{host}/*"));
        }
        let held = |pattern: &String| json!({ "urlPattern": pattern, "requestStage": "Request" });
        json!({ "patterns": patterns.iter().map(held).collect::<Vec<_>>() })
    }

    /// How a request goes on that was held up. One that is for another origin after all, since
    /// this one is only part of its path, goes on as it is.
    pub(super) fn going_on(&self, paused: &Value) -> Value {
        let mut going = json!({ "requestId": paused["requestId"] });
        let url = paused["request"]["url"].as_str().and_then(|url| Url::parse(url).ok());
        if url.is_none_or(|url| url.origin().ascii_serialization() != self.origin) {
            return going;
        }
        let own = paused["request"]["headers"].as_object().into_iter().flatten();
        let kept = own.filter(|(name, _)| {
            self.headers.iter().all(|(given, _)| !given.eq_ignore_ascii_case(name))
        });
        let kept = kept.map(|(name, value)| json!({ "name": name, "value": value }));
        let given = self.headers.iter();
        let given = given.map(|(name, value)| json!({ "name": name, "value": value }));
        going["headers"] = kept.chain(given).collect();
        going
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_to_one_origin_are_held_up() {
        let check = |origin: &str, patterns: [&str; 2]| {
            let given = Given { origin: origin.to_owned(), headers: Vec::new() };
            let held = given.holding();
            for (at, pattern) in patterns.into_iter().enumerate() {
                assert_eq!(held["patterns"][at]["urlPattern"], pattern);
            }
        };
        check("https://shop.test", ["https://shop.test/*", "https://*@shop.test/*"]);
        check("http://[::1]:8080", ["http://[::1]:8080/*", "http://*@[::1]:8080/*"]);
        check("http://a*b", ["http://a\\*b/*", "http://*@a\\*b/*"]);
    }

    #[test]
    fn headers_go_to_that_origin_alone() {
        let given = Given {
            origin: "https://shop.test".to_owned(),
            headers: vec![("x-a".to_owned(), "new".to_owned())],
        };
        let own = json!([
            { "name": "Accept", "value": "*/*" },
            { "name": "x-a", "value": "new" },
        ]);
        let check = |url: &str, expect: &Value| {
            let headers = json!({ "Accept": "*/*", "X-A": "old" });
            let paused = json!({ "requestId": "7", "request": { "url": url, "headers": headers } });
            let going = given.going_on(&paused);
            assert_eq!((&going["requestId"], &going["headers"]), (&json!("7"), expect), "{url}");
        };
        check("https://shop.test/a", &own);
        check("https://shop.test:443/a?b", &own);
        check("https://me:sesame@shop.test/", &own);
        check("https://else.test/x@shop.test/y", &Value::Null);
        check("https://shop.test:8443/a", &Value::Null);
        check("http://shop.test/a", &Value::Null);
        check("nonsense", &Value::Null);
    }
}
