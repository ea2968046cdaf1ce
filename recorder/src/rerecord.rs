//! Recording again: what has not changed keeps its old recording, so that `git diff` shows changes
//! and nothing else.
//!
//! Two responses say the same when they differ only in what differs every time: dates, times,
//! identifiers that look drawn at random, and what the policy calls volatile. An identifier that a
//! service drew anew (a contact was created) stands in later requests as well: there it is given
//! its old value back, or the chain would fall apart.

use std::collections::{BTreeMap, HashMap, VecDeque};

use redact::json::{Token, Tokens, unescaped};
use redact::placeholder;

use crate::Result;
use crate::canonical::{Address, Hash, JsonPath, Matching, Step};
use crate::cassette::{Cassette, Policy, Recorded};
use crate::message::{Content, Headers, Interaction, Request, Response};

/// Headers that differ every time.
const VOLATILE: &[&str] = &[
    "age",
    "alt-svc",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "content-length",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "nel",
    "report-to",
    "request-id",
    "retry-after",
    "server-timing",
    "set-cookie",
    "traceparent",
    "tracestate",
    "via",
    "x-amz-cf-id",
    "x-amz-request-id",
    "x-amzn-trace-id",
    "x-b3-traceid",
    "x-cache",
    "x-cache-hits",
    "x-correlation-id",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-runtime",
    "x-served-by",
    "x-timer",
    "x-trace-id",
];
/// The shortest value that is looked for in later requests, in bytes.
const SHORTEST: usize = 6;

/// What the cassette holds after its requests were all recorded again: what was asked for this
/// time, in the old recording where that says the same.
pub fn rerecorded(
    cassette: &Cassette,
    old: Vec<Recorded>,
    new: Vec<Recorded>,
) -> Result<Vec<Recorded>> {
    let policy = cassette.policy();
    let matching = policy.matching()?;
    let same = Sameness { cassette, volatile: policy.volatile_json()?, headers: headers(policy) };
    let mut next = old.iter().map(|one| one.order.saturating_add(1)).max().unwrap_or(0);
    let mut queues: HashMap<(Hash, Option<String>), VecDeque<Recorded>> = HashMap::new();
    for one in old {
        queues.entry(key(&matching, &one.interaction.request)).or_default().push_back(one);
    }
    let mut renamed = BTreeMap::new();
    let mut result = Vec::new();
    for mut one in new {
        rename(&mut one.interaction, &renamed);
        let before =
            queues.get_mut(&key(&matching, &one.interaction.request)).and_then(VecDeque::pop_front);
        match before {
            Some(before) => {
                let (was, is) = (&before.interaction.response, &one.interaction.response);
                if same.says_the_same(was, is, &mut renamed)? {
                    result.push(before);
                } else {
                    // What has changed and what was drawn anew may stand in one answer.
                    rename(&mut one.interaction, &renamed);
                    one.order = before.order;
                    result.push(one);
                }
            }
            None => {
                one.order = next;
                next += 1;
                result.push(one);
            }
        }
    }
    result.sort_by_key(|one| one.order);
    Ok(result)
}

fn key(matching: &Matching, request: &Request) -> (Hash, Option<String>) {
    (matching.keys(request).loose, Address::of(&request.url).origin().host)
}

fn headers(policy: &Policy) -> Vec<String> {
    let more = policy.volatile.headers.iter().map(|name| name.to_ascii_lowercase());
    VOLATILE.iter().map(|name| (*name).to_owned()).chain(more).collect()
}

/// Gives new identifiers their old values.
fn rename(interaction: &mut Interaction, renamed: &BTreeMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    let replaced = |text: &str| {
        let mut text = text.to_owned();
        for (new, old) in renamed {
            text = text.replace(new, old);
        }
        text
    };
    let Interaction { request, response } = interaction;
    request.url = replaced(&request.url);
    for headers in [&mut request.headers, &mut response.headers, &mut response.trailers] {
        *headers = headers
            .iter()
            .map(|(name, value)| match std::str::from_utf8(value) {
                Ok(text) => (name.to_owned(), replaced(text).into_bytes()),
                Err(_) => (name.to_owned(), value.to_vec()),
            })
            .collect();
    }
    for content in [&mut request.body, &mut response.body] {
        if let Content::Bytes(bytes) = content
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            let text = replaced(text);
            if text.as_bytes() != &bytes[..] {
                *bytes = text.into();
                // What was coded says the old thing.
                response.encoded = None;
            }
        }
    }
}

/// Puts down the old value of one that was drawn anew.
fn learn(was: &str, is: &str, renamed: &mut BTreeMap<String, String>) {
    if was != is && is.len() >= SHORTEST {
        renamed.insert(is.to_owned(), was.to_owned());
    }
}

/// Whether two values of a header differ at most in what was drawn anew in them, such as the
/// address of what was made.
fn is_same_value(was: &[u8], is: &[u8], renamed: &mut BTreeMap<String, String>) -> bool {
    if was == is {
        return true;
    }
    let (Ok(was), Ok(is)) = (std::str::from_utf8(was), std::str::from_utf8(is)) else {
        return false;
    };
    let (was, is) = (pieces(was), pieces(is));
    let is_drawn = |piece| says(piece, true) == Says::Drawn;
    let is_same = was.len() == is.len()
        && was.iter().zip(&is).all(|(was, is)| was == is || (is_drawn(was) && is_drawn(is)));
    if is_same {
        was.iter().zip(&is).for_each(|(was, is)| learn(was, is, renamed));
    }
    is_same
}

/// A text in words and what stands between them.
fn pieces(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Values that stand in the same place in both.
fn pairs<'l>(was: &'l [Leaf], is: &'l [Leaf]) -> Vec<(&'l Leaf, &'l Leaf)> {
    let of: BTreeMap<&[Step], &Leaf> = was.iter().map(|leaf| (&leaf.place[..], leaf)).collect();
    is.iter().filter_map(|leaf| Some((*of.get(&leaf.place[..])?, leaf))).collect()
}

struct Sameness<'c> {
    cassette: &'c Cassette,
    volatile: Vec<JsonPath>,
    headers: Vec<String>,
}

impl Sameness<'_> {
    /// Whether two responses say the same. What was drawn anew is put down with its old value, also
    /// where something else has changed.
    fn says_the_same(
        &self,
        was: &Response,
        is: &Response,
        renamed: &mut BTreeMap<String, String>,
    ) -> Result<bool> {
        let is_same = was.status == is.status
            && self.says_the_same_above(&was.headers, &is.headers, renamed)
            && self.says_the_same_above(&was.trailers, &is.trailers, renamed);
        if was.body == is.body {
            return Ok(is_same);
        }
        let (was, is) = (self.cassette.body(&was.body)?, self.cassette.body(&is.body)?);
        let (Some(was), Some(is)) = (self.leaves(&was), self.leaves(&is)) else {
            return Ok(is_same && placeholder::generalised(&was) == placeholder::generalised(&is));
        };
        let is_same = is_same
            && was.len() == is.len()
            && was.iter().zip(&is).all(|(was, is)| was.place == is.place && was.says == is.says);
        for (was, is) in pairs(&was, &is) {
            if is_same || is.is_drawn_anew(was) {
                learn(&was.value, &is.value, renamed);
            }
        }
        Ok(is_same)
    }

    /// The same for headers or trailers.
    fn says_the_same_above(
        &self,
        was: &Headers,
        is: &Headers,
        renamed: &mut BTreeMap<String, String>,
    ) -> bool {
        let (was, is) = (self.stable(was), self.stable(is));
        was.len() == is.len()
            && was.iter().zip(&is).all(|((name, was), (other, is))| {
                name == other
                    && was.len() == is.len()
                    && was.iter().zip(is).all(|(was, is)| is_same_value(was, is, renamed))
            })
    }

    fn stable(&self, headers: &Headers) -> BTreeMap<String, Vec<Vec<u8>>> {
        let mut stable: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, value) in
            headers.iter().filter(|(name, _)| !self.headers.iter().any(|v| v == name))
        {
            let value = placeholder::generalised(value).into_owned();
            stable.entry(name.to_owned()).or_default().push(value);
        }
        stable
    }

    /// The values of JSON with their places, in an order of their own; none when it is no JSON.
    fn leaves(&self, text: &[u8]) -> Option<Vec<Leaf>> {
        let mut leaves = Vec::new();
        let mut place: Vec<Step> = Vec::new();
        // For each open bracket, how many elements an array has had; none in an object.
        let mut open: Vec<Option<usize>> = Vec::new();
        for token in Tokens::of(text) {
            let token = token.ok()?;
            if !matches!(token, Token::Key(_) | Token::Close(_))
                && let Some(Some(count)) = open.last_mut()
            {
                place.push(Step::Element(*count));
                *count += 1;
            }
            match token {
                Token::Key(range) => {
                    place.push(Step::Member(unescaped(&text[range])));
                    continue;
                }
                Token::Open(at) => {
                    // So that an empty one counts.
                    leaves.push(self.leaf(&place, char::from(text[at]).to_string(), false));
                    open.push((text[at] == b'[').then_some(0));
                    continue;
                }
                Token::Close(_) => {
                    open.pop();
                }
                Token::String(range) => {
                    leaves.push(self.leaf(&place, unescaped(&text[range]), true));
                }
                Token::Bare(range) => {
                    let value = String::from_utf8_lossy(&text[range]).into_owned();
                    leaves.push(self.leaf(&place, value, false));
                }
            }
            place.pop();
        }
        leaves.sort_by(|one, other| one.place.cmp(&other.place));
        Some(leaves)
    }

    fn leaf(&self, place: &[Step], value: String, is_text: bool) -> Leaf {
        let says = if self.volatile.iter().any(|path| path.matches(place)) {
            Says::Volatile
        } else {
            says(&value, is_text)
        };
        Leaf { place: place.to_vec(), value, says }
    }
}

#[derive(Debug)]
struct Leaf {
    place: Vec<Step>,
    value: String,
    says: Says,
}

impl Leaf {
    /// Whether this is the same thing under a new name, in an answer that has changed: not in a
    /// list, where others may have come before it.
    fn is_drawn_anew(&self, was: &Leaf) -> bool {
        let is_in_list = self.place.iter().any(|step| matches!(step, Step::Element(_)));
        !is_in_list && self.says == Says::Drawn && was.says == Says::Drawn
    }
}

/// What a value says, as far as it would say it again.
#[derive(Debug, PartialEq)]
enum Says {
    Volatile,
    Time,
    Drawn,
    Value(Vec<u8>, bool),
}

fn says(value: &str, is_text: bool) -> Says {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    // Seconds or milliseconds of this century, until 2100.
    let is_epoch = digits
        && value.parse().is_ok_and(|n: u64| {
            (946_684_800..4_102_444_800).contains(&n)
                || (946_684_800_000..4_102_444_800_000).contains(&n)
        });
    if is_epoch || (is_text && is_date(value)) {
        return Says::Time;
    }
    if is_text && (is_uuid(value) || is_drawn(value)) {
        return Says::Drawn;
    }
    Says::Value(placeholder::generalised(value.as_bytes()).into_owned(), is_text)
}

/// `2026-11-21T08:30...` or `Sat, 21 Nov 2026 08:30:00 GMT`.
fn is_date(text: &str) -> bool {
    let like = |pattern: &str| {
        text.len() >= pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(b, p)| match p {
                b'0' => b.is_ascii_digit(),
                b'a' => b.is_ascii_alphabetic(),
                b'T' => matches!(b, b'T' | b't' | b' '),
                p => b == p,
            })
    };
    text.len() <= 40 && (like("0000-00-00T00:00") || like("aaa, 00 aaa 0000 00:00:00"))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// A long text of letters and digits without any word in it.
fn is_drawn(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= 16 && digits * 8 >= text.len() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::Volatile;

    fn recorded(order: u64, method: &str, url: &str, body: &str) -> Recorded {
        let request =
            Request { method: method.to_owned(), url: url.to_owned(), ..Request::default() };
        let headers = [("content-type", "application/json"), ("date", &order.to_string())];
        let response = Response {
            status: 200,
            headers: headers.into_iter().collect(),
            body: body.to_owned().into(),
            ..Response::default()
        };
        Recorded { order, interaction: Interaction { request, response } }
    }

    fn again(old: &[Recorded], new: &[Recorded], volatile: &[&str]) -> Vec<Recorded> {
        let folder = tempfile::tempdir().unwrap();
        let policy = || Policy {
            volatile: Volatile {
                json: volatile.iter().map(|&path| path.to_owned()).collect(),
                ..Volatile::default()
            },
            ..Policy::default()
        };
        let cassette = Cassette::open_or_new(folder.path(), policy).unwrap();
        rerecorded(&cassette, old.to_vec(), new.to_vec()).unwrap()
    }

    #[test]
    fn what_differs_every_time_is_no_change() {
        let check = |was: &str, is: &str, volatile: &[&str], is_kept: bool| {
            let old = [recorded(7, "GET", "https://a/x", was)];
            let new = [recorded(0, "GET", "https://a/x", is)];
            let result = again(&old, &new, volatile);
            assert_eq!(result[0] == old[0], is_kept, "{was} {is}");
            assert_eq!((result.len(), result[0].order), (1, 7));
        };
        check(r#"{"a":1}"#, r#"{"a":1}"#, &[], true);
        check(r#"{"a":1}"#, r#"{"a":2}"#, &[], false);
        check(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, &[], true);
        check(r#"{"a":"1"}"#, r#"{"a":1}"#, &[], false);
        check(r#"{"at":"2026-11-21T08:30:00Z"}"#, r#"{"at":"2026-11-22T09:31:07.5Z"}"#, &[], true);
        check(r#"{"at":1795000000}"#, r#"{"at":1795000123}"#, &[], true);
        check(r#"{"at":1795000000}"#, r#"{"at":null}"#, &[], false);
        check(r#"{"n":12}"#, r#"{"n":13}"#, &["$.n"], true);
        check(r#"{"tags":[]}"#, r#"{"tags":["a"]}"#, &[], false);
        check(r#"{"tags":[]}"#, r#"{"tags":{}}"#, &[], false);
        let token = |hash: &str| format!(r#"{{"t":"redacted-secret-{hash}"}}"#);
        check(&token("000000000001"), &token("00000000000a"), &[], true);
        check("plain", "plain", &[], true);
        check("plain", "other", &[], false);
    }

    #[test]
    fn what_was_drawn_anew_gets_its_old_value_back() {
        let (was, is) =
            ("0d3f5a72-9b1c-4f0e-8f55-1f1f6f0f9d11", "9aa85f64-5717-4562-b3fc-2c963f66afa6");
        let chain = |first: u64, id: &str, name: &str| {
            let url = format!("https://a/contacts/{id}");
            vec![
                recorded(first, "POST", "https://a/contacts", &format!(r#"{{"id":"{id}"}}"#)),
                recorded(first + 1, "GET", &url, &format!(r#"{{"id":"{id}","name":"{name}"}}"#)),
            ]
        };
        let old = chain(0, was, "Kim");
        assert_eq!(again(&old, &chain(10, is, "Kim"), &[]), old);
        let result = again(&old, &chain(10, is, "Lee"), &[]);
        assert_eq!(result[0], old[0]);
        assert_eq!(result[1].interaction.request.url, old[1].interaction.request.url);
        let body = result[1].interaction.response.body.bytes().unwrap().clone();
        assert_eq!(body, format!(r#"{{"id":"{was}","name":"Lee"}}"#));
    }

    #[test]
    fn an_address_of_what_was_made_leads_on() {
        let (was, is) =
            ("0d3f5a72-9b1c-4f0e-8f55-1f1f6f0f9d11", "9aa85f64-5717-4562-b3fc-2c963f66afa6");
        let chain = |id: &str, location: &str, body: &str| {
            let mut made = recorded(0, "POST", "https://a/contacts", body);
            let location = location.replace("ID", id);
            made.interaction.response.headers.add("location", location);
            let url = format!("https://a/contacts/{id}");
            vec![made, recorded(1, "GET", &url, &format!(r#"{{"id":"{id}"}}"#))]
        };
        let check = |locations: [&str; 2], bodies: [&str; 2], is_kept: [bool; 2]| {
            let old = chain(was, locations[0], bodies[0]);
            let result = again(&old, &chain(is, locations[1], bodies[1]), &[]);
            let kept = [result[0] == old[0], result[1] == old[1]];
            assert_eq!(kept, is_kept, "{locations:?} {bodies:?}");
            result[0].interaction.response.clone()
        };
        check(["https://a/contacts/ID?v=1"; 2], [""; 2], [true, true]);
        check(["/contacts/ID"; 2], [r#"{"n":1}"#; 2], [true, true]);
        check(["/contacts/ID", "/people/ID"], [""; 2], [false, false]);
        // Something has changed, and the thing has another name; its new one is nowhere.
        let changed = check(["/contacts/ID"; 2], [r#"{"n":1}"#, r#"{"n":2}"#], [false, true]);
        assert_eq!(changed.headers.text("location"), Some(&*format!("/contacts/{was}")));
        // Who stands in a list in another's place is another.
        let list =
            |ids: [&str; 2], n: u8| format!(r#"{{"n":{n},"all":["{}","{}"]}}"#, ids[0], ids[1]);
        let other = "1c9e6679-7425-40de-944b-e07fc1f90ae7";
        let (before, after) = (list([was, other], 1), list([is, was], 2));
        let old = [recorded(0, "GET", "https://a/x", &before)];
        let result = again(&old, &[recorded(0, "GET", "https://a/x", &after)], &[]);
        assert_eq!(result[0].interaction.response.body.bytes().unwrap(), after.as_bytes());
    }

    #[test]
    fn what_is_new_comes_after_and_what_is_gone_goes() {
        let old = [recorded(0, "GET", "https://a/1", "1"), recorded(3, "GET", "https://a/2", "2")];
        let new = [recorded(0, "GET", "https://a/3", "3"), recorded(1, "GET", "https://a/2", "2")];
        let result = again(&old, &new, &[]);
        let orders: Vec<_> =
            result.iter().map(|one| (one.order, one.interaction.request.url.as_str())).collect();
        assert_eq!(orders, [(3, "https://a/2"), (4, "https://a/3")]);
    }
}
