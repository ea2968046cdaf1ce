//! Which page browsers open, and as whom.

use gate_core::{Context, Environment, Error, Problem};
use url::Url;
use visual_browser::{BasicAuth, Cookie, Visit};

use crate::settings::Settings;
use crate::target::Target;

/// Names and values.
type Headers = Vec<(String, String)>;

/// A page of a version, and the headers that let into it.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) headers: Headers,
}

/// What is wrong with what a spec says of browsers, for all of it together.
pub(crate) fn problems(spec: &Settings) -> Vec<Problem> {
    let mut found = Vec::new();
    let Some(browsers) = &spec.browsers else {
        let limits = spec.thresholds.iter().enumerate();
        for (at, _) in limits.filter(|(_, one)| one.threshold.metric.is_of_browser()) {
            let path = ["thresholds".to_owned(), at.to_string()];
            let problem = Problem::at(path, "no browser looks on, so nothing says this");
            found.push(problem.hint("add `browsers: 1`"));
        }
        return found;
    };
    let mut wrong = |path: &[&str], message: &str, hint: &str| {
        found.push(Problem::at(path.iter().copied(), message).hint(hint));
    };
    if spec.capacity.is_some() {
        let hint = "leave browsers out, and look on at the rate that you expect";
        wrong(&["browsers"], "a search tries many rates, each for too short a time", hint);
    }
    if spec.authorities.is_some() {
        let hint = "let the service have a certificate that browsers know, or leave browsers out";
        wrong(&["browsers"], "a browser does not know the authorities of a file", hint);
    }
    if browsers.page.is_none() && landing(spec).is_none() {
        wrong(
            &["browsers"],
            "nobody says which page they open",
            "write it like browsers: { count: 1, page: /spring }",
        );
    }
    found
}

/// The path of the page: what was said, or what visitors ask for first. The empty one is the
/// environment's own address.
fn landing(spec: &Settings) -> Option<String> {
    let page = spec.browsers.as_ref().and_then(|browsers| browsers.page.clone());
    if page.is_some() {
        return page;
    }
    if spec.replay.is_some() || spec.method() != "GET" {
        return None;
    }
    let Some(scenario) = spec.scenarios.first() else {
        return Some(spec.path.clone().unwrap_or_default());
    };
    let step = scenario.steps.first()?;
    let first = &step.request;
    // What else is needed to be shown the page is not guessed.
    let is_plain = first.to.starts_with('/')
        && !first.to.contains("{{")
        && step.query.is_empty()
        && step.basic_auth.is_none()
        && step.headers.keys().all(|name| is_of_request(name));
    (first.method == "GET" && is_plain).then(|| first.to.clone())
}

/// A version that browsers look at.
pub(crate) struct Version {
    /// What the load asks for.
    pub(crate) asked: Url,
    /// What paths go on from.
    pub(crate) base: Url,
}

/// The page of each version; `headers` gives what lets in there, by the number of the version.
pub(crate) fn pages(
    spec: &Settings,
    versions: &[Version],
    headers: &dyn Fn(usize, &Url) -> Result<Headers, Error>,
) -> Result<Vec<Page>, Error> {
    let path = landing(spec).unwrap_or_default();
    let said = spec.browsers.as_ref().is_some_and(|browsers| browsers.page.is_some());
    let page = |(at, Version { asked, base }): (usize, &Version)| {
        // A whole address is what is asked for, unless another page was said.
        let url = match &spec.url {
            Some(_) if !said => asked.clone(),
            // Of the service that is loaded, whoever's that is.
            Some(_) => {
                let mut root = asked.clone();
                root.set_path("");
                crate::joined(&root, Some(&path))?
            }
            None if path.is_empty() => base.clone(),
            None => crate::joined(base, Some(&path))?,
        };
        Ok(Page { headers: headers(at, &url)?, url })
    };
    versions.iter().enumerate().map(page).collect()
}

/// The page of each version in a run of gates: who is let into an environment is let in here.
pub(crate) fn of_environments(
    spec: &Settings,
    targets: &[Target],
    cx: &Context,
) -> Result<Vec<Page>, Error> {
    if spec.browsers.is_none() {
        return Ok(Vec::new());
    }
    let mut environments = vec![cx.candidate()?];
    if let Some(compare) = spec.compare.as_ref().filter(|compare| !compare.is_stored()) {
        environments.push(crate::compared_with(compare, cx)?);
    }
    let version = |(target, environment): (&Target, &&Environment)| Version {
        asked: target.url.clone(),
        base: environment.url.clone(),
    };
    let versions: Vec<Version> = targets.iter().zip(&environments).map(version).collect();
    pages(spec, &versions, &|at, url| Ok(crate::asks(spec, url, environments[at], cx)?.headers))
}

/// How browsers visit these pages.
pub(crate) fn visits(pages: &[Page], cx: &Context) -> Result<Vec<Visit>, Error> {
    pages.iter().map(|page| visit(page, gate_browsers::remote(cx).is_some())).collect()
}

/// Whether a header says something of one request only, which a browser says of each by itself.
fn is_of_request(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["accept", "content-", "if-", "sec-"].iter().any(|head| name.starts_with(head))
        || ["connection", "host", "range", "te", "transfer-encoding", "expect", "origin", "referer"]
            .contains(&name.as_str())
}

/// How a browser visits a page, here or elsewhere.
pub(crate) fn visit(page: &Page, is_elsewhere: bool) -> Result<Visit, Error> {
    let mut url = page.url.clone();
    let plain =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (plain(url.username()), plain(url.password().unwrap_or_default()));
    // An address with a host can be without them.
    let _ = url.set_username("").and(url.set_password(None));
    let mut visit = Visit::of(url);
    if !user.is_empty() {
        visit.basic_auth = Some(BasicAuth { user, password });
    }
    let of_browsers = |(name, _): &&(String, String)| !is_of_request(name);
    for (name, value) in page.headers.iter().filter(of_browsers) {
        if !name.eq_ignore_ascii_case("cookie") {
            visit.headers.push((name.clone(), value.clone()));
            continue;
        }
        let pairs = value.split("; ").filter_map(|pair| pair.split_once('='));
        visit.cookies.extend(pairs.map(|(name, value)| Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: None,
            path: None,
        }));
    }
    if is_elsewhere && !(visit.headers.is_empty() && visit.basic_auth.is_none()) {
        return Err(Error::new(
            "a browser elsewhere would send headers to every server that the page asks",
        )
        .hint("unset SELENIUM_REMOTE_URL for this gate, or let cookies let in"));
    }
    Ok(visit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_let_in_is_who_the_requests_are() {
        let headers =
            [("x-key", "open"), ("cookie", "a=1; b=2=3"), ("Accept", "image/avif"), ("host", "b")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = Url::parse("http://kim:p%40w@a.test/spring").unwrap();
        let page = Page { url, headers: headers.to_vec() };
        let made = visit(&page, false).unwrap();
        assert_eq!(made.url, "http://a.test/spring");
        let auth = made.basic_auth.unwrap();
        assert_eq!((auth.user.as_str(), auth.password.as_str()), ("kim", "p@w"));
        assert_eq!(made.headers, [("x-key".to_owned(), "open".to_owned())]);
        let cookies: Vec<_> =
            made.cookies.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(cookies, [("a", "1"), ("b", "2=3")]);
        assert!(visit(&page, true).unwrap_err().to_string().contains("every server"));
    }

    #[test]
    fn the_page_is_what_visitors_ask_for_first() {
        let check = |spec: &str, expect: Option<&str>| {
            let spec: Settings = serde_yaml::from_str(spec).unwrap();
            assert_eq!(landing(&spec).as_deref(), expect);
            let found = problems(&spec);
            assert_eq!(found.is_empty(), expect.is_some(), "{found:?}");
        };
        check("browsers: 1", Some(""));
        check("{ path: /offers, browsers: 1 }", Some("/offers"));
        check("{ path: /api, body: x, browsers: 1 }", None);
        check("{ path: /api, body: x, browsers: { page: /spring } }", Some("/spring"));
        let steps = |to: &str| {
            format!("{{ browsers: 2, scenarios: [{{ name: a, steps: [{{ request: {to} }}] }}] }}")
        };
        check(&steps("GET /spring"), Some("/spring"));
        let with = |more: &str| {
            let step = format!("request: GET /spring, {more}");
            format!("{{ browsers: 2, scenarios: [{{ name: a, steps: [{{ {step} }}] }}] }}")
        };
        check(&with("headers: { accept: text/html }"), Some("/spring"));
        check(&with("headers: { x-campaign: spring }"), None);
        check(&with("query: { kind: new }"), None);
        check(&steps("POST /cart"), None);
        check(&steps("\"GET /offer/{{id}}\""), None);
        check("{ replay: { log: a.log }, browsers: 1 }", None);
    }
}
