//! One answer against the recording of it.

use super::shape::{Shape, Type};
use super::{Change, Finding, Severity};
use crate::canonical::Address;
use crate::message::Headers;

/// An answer, its body in memory and its content codings taken off.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// Such as 200.
    pub status: u16,
    /// In order.
    pub headers: &'a Headers,
    /// All of it.
    pub body: &'a [u8],
    /// Until the head came, in milliseconds.
    pub head_ms: Option<u64>,
}

/// Headers that clients rely on.
const RELIED_ON: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "content-disposition",
    "link",
    "retry-after",
    "www-authenticate",
    "x-next-page",
    "x-total-count",
];
/// Headers that say that something will go (RFC 9745, RFC 8594).
const GOING: &[&str] = &["deprecation", "sunset", "warning"];
/// How much longer an answer may take: this many times, and this much at the least.
const SLOWER: (u64, u64) = (3, 500);

/// What differs between the recorded answer and the one that was given now, what matters most
/// first.
pub fn compare(before: &Answered<'_>, after: &Answered<'_>) -> Vec<Finding> {
    let mut found = Findings::default();
    if let Some(done) = found.status(before, after) {
        return done;
    }
    found.headers(before, after);
    found.media_type(before, after);
    if let (Some(was), Some(is)) = (before.head_ms, after.head_ms)
        && is > was * SLOWER.0
        && is > was + SLOWER.1
    {
        found.add(
            Severity::Warning,
            Change::Slower,
            "time",
            format!("{was} ms"),
            format!("{is} ms"),
        );
    }
    found.body(before, after);
    found.sorted()
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        change: Change,
        place: &str,
        before: impl Into<String>,
        after: impl Into<String>,
    ) {
        let (before, after) = (before.into(), after.into());
        let place = place.to_owned();
        self.0.push(Finding { severity, change, place, before, after, document: None });
    }

    fn sorted(mut self) -> Vec<Finding> {
        sort(&mut self.0);
        self.0
    }

    /// All that there is to say when the status differs in its class; none when it does not.
    fn status(&mut self, before: &Answered<'_>, after: &Answered<'_>) -> Option<Vec<Finding>> {
        let (was, is) = (before.status, after.status);
        if was == is {
            return None;
        }
        let (text, now) = (was.to_string(), is.to_string());
        if matches!(is, 401 | 403 | 407) && was < 400 {
            self.add(Severity::Breaking, Change::Authentication, "status", text, now);
        } else if is == 429 {
            self.add(Severity::Unchecked, Change::Status, "status", text, "429: asked too often");
        } else if is >= 500 && was < 500 {
            // It may be back in a minute: nobody can say that the form has changed.
            self.add(
                Severity::Unchecked,
                Change::Status,
                "status",
                text,
                format!("{is}: the service fails"),
            );
        } else if was / 100 != is / 100 || (was == 204) != (is == 204) {
            self.add(Severity::Breaking, Change::Status, "status", text, now);
        } else {
            self.add(Severity::Warning, Change::Status, "status", text, now);
            return None;
        }
        Some(std::mem::take(&mut self.0))
    }

    fn headers(&mut self, before: &Answered<'_>, after: &Answered<'_>) {
        for name in RELIED_ON {
            if before.headers.all(name).next().is_some() && after.headers.all(name).next().is_none()
            {
                let place = format!("header {name}");
                self.add(Severity::Breaking, Change::Header, &place, "there", "gone");
            }
        }
        for name in GOING {
            let was = before.headers.text(name);
            if let Some(is) = after.headers.text(name).filter(|is| Some(*is) != was) {
                let place = format!("header {name}");
                let before = was.unwrap_or("not there").to_owned();
                self.add(Severity::Warning, Change::Deprecated, &place, before, is);
            }
        }
        self.location(before, after);
        let is_new = |name: &str| {
            (name.starts_with("x-") || name == "link") && before.headers.all(name).next().is_none()
        };
        for (name, _) in after.headers.iter().filter(|(name, _)| is_new(name)) {
            let place = format!("header {name}");
            self.add(Severity::Information, Change::Added, &place, "not there", "there");
        }
    }

    /// Where a redirect leads: another host is another service.
    fn location(&mut self, before: &Answered<'_>, after: &Answered<'_>) {
        let Some(was) = before.headers.text("location") else { return };
        let place = "header location";
        let Some(is) = after.headers.text("location") else {
            return self.add(Severity::Breaking, Change::Location, place, was, "gone");
        };
        let (was_at, is_at) = (Address::of(was), Address::of(is));
        let names = |address: &Address<'_>| {
            let names = address.query.unwrap_or_default().split('&');
            let mut names: Vec<String> =
                names.map(|pair| pair.split('=').next().unwrap_or_default().to_owned()).collect();
            names.sort_unstable();
            names
        };
        let is_same = was_at.origin() == is_at.origin()
            && was_at.path.split('/').count() == is_at.path.split('/').count();
        if !is_same {
            self.add(Severity::Breaking, Change::Location, place, was, is);
        } else if names(&was_at) != names(&is_at) {
            self.add(Severity::Warning, Change::Location, place, was, is);
        }
    }

    fn media_type(&mut self, before: &Answered<'_>, after: &Answered<'_>) {
        let (was, is) = (media_type(before), media_type(after));
        if essence(&was) != essence(&is) && !was.is_empty() {
            let now = if is.is_empty() { "not named".to_owned() } else { is.clone() };
            self.add(
                Severity::Breaking,
                Change::MediaType,
                "header content-type",
                was.clone(),
                now,
            );
        }
        let (was, is) = (charset(&was), charset(&is));
        if let (Some(was), Some(is)) = (&was, &is)
            && was != is
        {
            let place = "header content-type";
            self.add(Severity::Breaking, Change::Charset, place, was.as_str(), is.as_str());
        }
    }

    fn body(&mut self, before: &Answered<'_>, after: &Answered<'_>) {
        if before.body == after.body || before.body.is_empty() {
            return;
        }
        if after.body.is_empty() {
            return self.add(Severity::Breaking, Change::BodyGone, "body", "there", "empty");
        }
        let kind = media_type(before);
        match essence(&kind).as_str() {
            "text/csv" | "text/tab-separated-values" => self.columns(before.body, after.body),
            "application/x-ndjson" | "application/jsonl" => {
                self.shapes(lines(before.body), lines(after.body));
            }
            "text/plain" => {}
            essence if essence.is_empty() || essence.contains("json") => {
                self.shapes(Shape::of(before.body), Shape::of(after.body));
            }
            other => {
                let after = format!("other content of {other}, which cannot be compared");
                self.add(Severity::Unchecked, Change::Opaque, "body", "one content", after);
            }
        }
    }

    fn columns(&mut self, before: &[u8], after: &[u8]) {
        let (was, is) = (columns(before), columns(after));
        for name in was.iter().filter(|name| !is.contains(name)) {
            self.add(
                Severity::Breaking,
                Change::Column,
                &format!("column {name}"),
                "there",
                "gone",
            );
        }
        for name in is.iter().filter(|name| !was.contains(name)) {
            self.add(
                Severity::Information,
                Change::Added,
                &format!("column {name}"),
                "not there",
                "there",
            );
        }
        let kept = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|name| other.contains(name)).cloned().collect()
        };
        if kept(&was, &is) != kept(&is, &was) {
            self.add(Severity::Warning, Change::Column, "columns", "in one order", "in another");
        }
    }

    fn shapes<E>(&mut self, before: Result<Shape, E>, after: Result<Shape, E>) {
        match (before, after) {
            (Ok(before), Ok(after)) => self.shape(&before, &after, "$"),
            (Ok(_), Err(_)) => {
                self.add(Severity::Breaking, Change::Malformed, "body", "JSON", "no JSON");
            }
            (Err(_), _) => {
                self.add(Severity::Unchecked, Change::Opaque, "body", "no JSON", "other content");
            }
        }
    }

    fn shape(&mut self, before: &Shape, after: &Shape, place: &str) {
        if !self.types(before, after, place) {
            return;
        }
        self.texts(before, after, place);
        self.members(before, after, place);
        let Some(was) = before.elements.as_deref().filter(|was| was.seen > 0) else { return };
        let place = format!("{place}[*]");
        match after.elements.as_deref().filter(|is| is.seen > 0) {
            Some(is) => self.shape(was, is, &place),
            None if after.types.contains(&Type::Array) => {
                self.add(Severity::Unchecked, Change::Empty, &place, "elements", "none to compare");
            }
            None => {}
        }
    }

    /// Whether there is anything left to compare.
    fn types(&mut self, before: &Shape, after: &Shape, place: &str) -> bool {
        let words = |shape: &Shape| -> String {
            let words: Vec<_> = shape.types.iter().map(|one| one.word()).collect();
            words.join(" or ")
        };
        if before.types == [Type::Null].into() {
            if after.types != before.types {
                self.add(Severity::Information, Change::Type, place, "null", words(after));
            }
            return false;
        }
        let new: Vec<Type> = after.types.difference(&before.types).copied().collect();
        if new.iter().any(|one| *one != Type::Null) {
            self.add(Severity::Breaking, Change::Type, place, words(before), words(after));
            return false;
        }
        if new.contains(&Type::Null) {
            self.add(Severity::Breaking, Change::Null, place, words(before), words(after));
        }
        true
    }

    fn texts(&mut self, before: &Shape, after: &Shape, place: &str) {
        if let Some(was) = before.format()
            && was != super::shape::Format::Text
            && let Some(is) = after.formats.iter().find(|is| **is != was)
        {
            self.add(Severity::Breaking, Change::Format, place, was.word(), is.word());
        }
        if before.is_enumeration() && !after.texts.is_empty() {
            let new: Vec<_> = after.texts.difference(&before.texts).cloned().collect();
            if !new.is_empty() {
                let was: Vec<_> = before.texts.iter().cloned().collect();
                let (was, is) =
                    (format!("one of {}", was.join(", ")), format!("{} as well", new.join(", ")));
                self.add(Severity::Warning, Change::Enumeration, place, was, is);
            }
        }
    }

    fn members(&mut self, before: &Shape, after: &Shape, place: &str) {
        if after.objects == 0 {
            return;
        }
        let at = |name: &str| super::at(place, name);
        for (name, was) in &before.members {
            let is_always = was.seen == before.objects;
            match after.members.get(name) {
                None if is_always => {
                    self.add(Severity::Breaking, Change::Removed, &at(name), "there", "gone");
                }
                None => {
                    self.add(
                        Severity::Warning,
                        Change::Removed,
                        &at(name),
                        "sometimes there",
                        "never there",
                    );
                }
                Some(is) => {
                    if is_always && is.seen < after.objects {
                        let after = format!("in {} of {}", is.seen, after.objects);
                        self.add(
                            Severity::Breaking,
                            Change::Optional,
                            &at(name),
                            "always there",
                            after,
                        );
                    }
                    self.shape(was, is, &at(name));
                }
            }
        }
        for (name, _) in
            after.members.iter().filter(|(name, _)| !before.members.contains_key(*name))
        {
            self.add(Severity::Information, Change::Added, &at(name), "not there", "there");
        }
    }
}

/// What matters most comes first.
pub(super) fn sort(all: &mut [Finding]) {
    let key = |one: &Finding| (std::cmp::Reverse(one.severity), one.place.clone(), one.change);
    all.sort_by_cached_key(|one| (key(one), one.document.clone()));
}

/// Whether an answer says no more than that the service fails, or has been asked too often: it may
/// be back in a minute, and nobody can say that the form has changed.
pub(super) fn says_nothing(before: &Answered<'_>, after: &Answered<'_>) -> bool {
    before.status != after.status
        && (after.status == 429 || (after.status >= 500 && before.status < 500))
}

fn media_type(answered: &Answered<'_>) -> String {
    answered.headers.text("content-type").unwrap_or_default().to_ascii_lowercase()
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_owned()
}

fn charset(media_type: &str) -> Option<String> {
    let parameters = media_type.split(';').skip(1);
    parameters
        .filter_map(|one| one.trim().strip_prefix("charset="))
        .map(|set| set.trim_matches('"').to_owned())
        .next()
}

fn lines(body: &[u8]) -> Result<Shape, redact::json::NotJson> {
    // Lines are elements of one array, whatever comes of one of them.
    let lines =
        body.split(|b| *b == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    let list: Vec<_> = lines.collect();
    Shape::of(&[&b"["[..], &list.join(&b','), b"]"].concat())
}

/// The names of the columns: the first line, at its commas, semicolons or tabs.
fn columns(body: &[u8]) -> Vec<String> {
    let first = body.split(|b| *b == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    let first = first.trim_start_matches('\u{feff}').trim_end();
    let by =
        [',', ';', '\t'].into_iter().max_by_key(|by| first.matches(*by).count()).unwrap_or(',');
    first.split(by).map(|name| name.trim().trim_matches('"').to_owned()).collect()
}
