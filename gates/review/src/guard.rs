//! Who is let in: the person who started the server, in the browser that was given its address,
//! and no other site that this browser has open.
//!
//! In this order, and before anything is looked up:
//!
//! 1. `Host` is exactly the address that the server listens on, so that a name which somebody
//!    points at this machine (DNS rebinding) reaches nothing.
//! 2. `Origin`, where there is one, is exactly that of the server, and `Sec-Fetch-Site`, where the
//!    browser says it, that the request comes from one of our own pages or from nowhere. Another
//!    port of this machine is another origin, though the browser sends it our cookie.
//! 3. The cookie holds the token. It is set in exchange for the token in the printed address, by
//!    a page that goes on from there: a cookie for our own pages only is not sent along when
//!    another site has led here.
//! 4. A write names its origin, is JSON, and repeats a second secret that only a page of ours can
//!    read; a form can do none of it.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

/// The header that repeats the second secret on every write.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-gate-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request has to know.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// `127.0.0.1:4100`, as a browser writes it into `Host`.
    host: String,
    token: String,
    csrf: String,
    cookie: String,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It goes on.
    In,
    /// It has brought the token, and gets the cookie.
    Welcome,
    /// It is turned away, with a sentence for a person.
    Out(StatusCode, &'static str),
}

impl Guard {
    /// `token` and `csrf` are 32 random bytes each, in hexadecimal.
    pub(crate) fn new(host: String, token: String, csrf: String) -> Guard {
        // Cookies of all ports of a host lie in one jar.
        let port = host.rsplit_once(':').map_or("", |(_, port)| port);
        let cookie = format!("gate-review-{port}");
        Guard { host, token, csrf, cookie }
    }

    /// The address to open.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/?token={}", self.host, self.token)
    }

    /// What a page of ours repeats on every write.
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The `Set-Cookie` of a welcome.
    pub(crate) fn set_cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie, self.token)
    }

    /// Looks at a request's line and headers.
    pub(crate) fn entry(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Entry {
        use Entry::{In, Out, Welcome};
        if only(headers, &header::HOST) != Some(self.host.as_str())
            || uri.authority().is_some_and(|authority| authority.as_str() != self.host)
        {
            return Out(StatusCode::FORBIDDEN, "this is not the address of the review");
        }
        let origin = format!("http://{}", self.host);
        let foreign = headers.contains_key(header::ORIGIN)
            && only(headers, &header::ORIGIN) != Some(origin.as_str());
        if foreign {
            return Out(StatusCode::FORBIDDEN, "another site may not use the review");
        }
        let brings = (*method == Method::GET && uri.path() == "/")
            .then(|| uri.query()?.strip_prefix("token="))
            .flatten();
        if let Some(token) = brings {
            return if same(token, &self.token) { Welcome } else { unknown() };
        }
        let from = headers.contains_key(FETCH_SITE).then(|| only(headers, &FETCH_SITE));
        if from.is_some_and(|site| !matches!(site, Some("same-origin" | "none"))) {
            return Out(StatusCode::FORBIDDEN, "another site may not use the review");
        }
        if !self.cookies(headers).any(|token| same(token, &self.token)) {
            return unknown();
        }
        if matches!(*method, Method::GET | Method::HEAD) {
            return In;
        }
        if *method != Method::POST {
            return Out(StatusCode::METHOD_NOT_ALLOWED, "there is no such thing to do");
        }
        if !headers.contains_key(header::ORIGIN) {
            return Out(
                StatusCode::FORBIDDEN,
                "a request like this has to say where it comes from",
            );
        }
        if !only(headers, &CSRF).is_some_and(|secret| same(secret, &self.csrf)) {
            return Out(StatusCode::FORBIDDEN, "only a page of the review may ask for this");
        }
        match only(headers, &header::CONTENT_TYPE) {
            Some("application/json") => In,
            _ => Out(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a request like this is written in JSON"),
        }
    }

    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let all = headers.get_all(header::COOKIE).into_iter();
        all.filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie)
            .map(|(_, value)| value)
    }
}

fn unknown() -> Entry {
    let text = "open the address that `gate review` has printed, with its token";
    Entry::Out(StatusCode::UNAUTHORIZED, text)
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

/// Compares secrets in a time that does not tell how much of them is right.
fn same(given: &str, secret: &str) -> bool {
    let different = |all: u8, (a, b): (u8, u8)| all | (a ^ b);
    given.len() == secret.len() && given.bytes().zip(secret.bytes()).fold(0, different) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: (&str, &str) = ("host", "127.0.0.1:4100");
    const COOKIE: (&str, &str) = ("cookie", "gate-review-4100=secret");
    const ORIGIN: (&str, &str) = ("origin", "http://127.0.0.1:4100");
    const JSON: (&str, &str) = ("content-type", "application/json");
    const WORD: (&str, &str) = ("x-gate-csrf", "second");

    fn entry(method: &str, uri: &str, headers: &[(&'static str, &str)]) -> Entry {
        let guard = Guard::new("127.0.0.1:4100".into(), "secret".into(), "second".into());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        guard.entry(&method.parse().unwrap(), &uri.parse().unwrap(), &map)
    }

    fn check(method: &str, uri: &str, headers: &[(&'static str, &str)], expect: u16) {
        let code = match entry(method, uri, headers) {
            Entry::In => 200,
            Entry::Welcome => 303,
            Entry::Out(code, _) => code.as_u16(),
        };
        assert_eq!(code, expect, "{method} {uri} {headers:?}");
    }

    #[test]
    fn reads() {
        check("GET", "/", &[HOST, COOKIE], 200);
        check("HEAD", "/review.html", &[HOST, COOKIE], 200);
        check("GET", "/", &[HOST, ("cookie", "a=b; gate-review-4100=secret; c=d")], 200);
        check("GET", "/", &[HOST, COOKIE, ORIGIN], 200);
        check("GET", "/", &[HOST, COOKIE, ("sec-fetch-site", "same-origin")], 200);
        check("GET", "/", &[HOST, COOKIE, ("sec-fetch-site", "none")], 200);
        for site in ["same-site", "cross-site", "", "none, none"] {
            check("GET", "/x", &[HOST, COOKIE, ("sec-fetch-site", site)], 403);
        }
        for cookie in ["gate-review-4100=wrong!", "gate-review-4100=", "gate-review-4101=secret"] {
            check("GET", "/x", &[HOST, ("cookie", cookie)], 401);
        }
        check("GET", "/nowhere", &[HOST], 401);
        check("PUT", "/x", &[HOST], 401);
        check("PUT", "/x", &[HOST, COOKIE, ORIGIN, JSON, WORD], 405);
    }

    #[test]
    fn hosts_and_origins() {
        let others = ["localhost:4100", "127.0.0.1", "127.0.0.1:4101", "evil.test:4100", ""];
        for host in others {
            check("GET", "/", &[("host", host), COOKIE], 403);
            check("GET", "/?token=secret", &[("host", host)], 403);
        }
        check("GET", "/", &[COOKIE], 403);
        check("GET", "/", &[HOST, HOST, COOKIE], 403);
        check("GET", "http://evil.test/", &[HOST, COOKIE], 403);
        for origin in
            ["null", "http://127.0.0.1:4101", "https://127.0.0.1:4100", "http://evil.test"]
        {
            check("GET", "/", &[HOST, COOKIE, ("origin", origin)], 403);
            check("GET", "/?token=secret", &[HOST, ("origin", origin)], 403);
            check("POST", "/x", &[HOST, COOKIE, JSON, WORD, ("origin", origin)], 403);
        }
        check("GET", "/", &[HOST, COOKIE, ORIGIN, ORIGIN], 403);
    }

    #[test]
    fn tokens() {
        check("GET", "/?token=secret", &[HOST], 303);
        // From a terminal, a mail or a chat.
        check("GET", "/?token=secret", &[HOST, ("sec-fetch-site", "cross-site")], 303);
        for uri in ["/?token=", "/?token=secre", "/?token=secretx", "/?a=b&token=secret"] {
            check("GET", uri, &[HOST], 401);
        }
        check("POST", "/?token=secret", &[HOST, ORIGIN, JSON, WORD], 401);
        check("GET", "/x?token=secret", &[HOST], 401);
    }

    #[test]
    fn writes() {
        let post = |headers: &[(&'static str, &str)], expect| {
            check("POST", "/api/decisions", headers, expect);
        };
        post(&[HOST, COOKIE, ORIGIN, JSON, WORD], 200);
        post(&[HOST, ORIGIN, JSON, WORD], 401);
        post(&[HOST, COOKIE, JSON, WORD], 403);
        post(&[HOST, COOKIE, ORIGIN, JSON], 403);
        post(&[HOST, COOKIE, ORIGIN, JSON, ("x-gate-csrf", "secret")], 403);
        post(&[HOST, COOKIE, ORIGIN, WORD], 415);
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; x=y"] {
            post(&[HOST, COOKIE, ORIGIN, WORD, ("content-type", kind)], 415);
        }
    }
}
