//! The hero experiment: who takes part, and who sees which hero.
//!
//! A visitor takes part when there is an id for them: the header `x-demo-visitor`, else the
//! cookie, else a new id when they ask to join by `?join=1`. Everybody else sees the old hero and
//! is not counted, so that a photograph of the page is always the same.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;

use crate::fault::{self, Faults};

/// The key of the experiment, which is also the seed of its hash.
pub const EXPERIMENT: &str = "spring-hero";

/// The cookie that holds a visitor's id, percent-encoded.
const COOKIE: &str = "saltmoor_visitor";

/// The header by which a synthetic visitor says who they are, percent-encoded like the cookie.
const HEADER: &str = "x-demo-visitor";

/// The longest id that is taken, in characters. A longer one is no id.
const LONGEST_ID: usize = 64;

/// Which hero somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The old hero, `#hero-old`.
    Control,
    /// The new hero, `#hero-new`.
    NewHero,
}

impl Arm {
    /// The arm of a visitor: one half each.
    pub fn of(visitor: &str) -> Arm {
        if bucket(EXPERIMENT, visitor) < 0.5 { Arm::Control } else { Arm::NewHero }
    }

    /// The same with what is broken just now; `time` is the how-manieth answer of the site this is.
    pub(crate) fn dealt(visitor: &str, faults: &Faults, time: u64) -> Arm {
        let again = format!("{visitor}#{time}");
        let id = if faults.is_on(fault::STICKY_LOSS) { &again } else { visitor };
        let seed = if faults.is_on(fault::HASH_REUSE) { "autumn-hero" } else { EXPERIMENT };
        let control = if faults.is_on(fault::ALLOCATION_SKEW) { 0.9 } else { 0.5 };
        let units = |text: &str| text.encode_utf16().map(u32::from).collect::<Vec<_>>();
        let at = if faults.is_on(fault::UTF16_IDS) {
            share(fnv1a([units(seed), units(id)].concat().into_iter()))
        } else {
            bucket(seed, id)
        };
        if at < control { Arm::Control } else { Arm::NewHero }
    }

    /// The name that beacons carry.
    pub fn name(self) -> &'static str {
        match self {
            Arm::Control => "control",
            Arm::NewHero => "new_hero",
        }
    }
}

/// Where an id falls, from 0 up to but not including 1, in steps of 1/10,000.
///
/// This is GrowthBook's hash, version 2: FNV-1a of seed and id, written in decimal, hashed again.
/// Source: the SDK documentation at docs.growthbook.io/lib/build-your-own.
pub fn bucket(seed: &str, id: &str) -> f64 {
    share(fnv1a(seed.bytes().chain(id.bytes()).map(u32::from)))
}

fn share(first: u32) -> f64 {
    let second = fnv1a(first.to_string().bytes().map(u32::from));
    f64::from(second % 10_000) / 10_000.0
}

fn fnv1a(units: impl Iterator<Item = u32>) -> u32 {
    units.fold(0x811c_9dc5, |hash, unit| (hash ^ unit).wrapping_mul(0x0100_0193))
}

/// Somebody who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// Their id, decoded.
    pub(crate) id: String,
    /// What they see.
    pub(crate) arm: Arm,
    /// The cookie to give them, when their browser does not hold it yet.
    pub(crate) cookie: Option<HeaderValue>,
}

/// Who asks, if they take part. `new_id` is called only for somebody who joins without an id, and `deal`
/// says which arm an id is in.
pub(crate) fn identify(
    headers: &HeaderMap,
    uri: &Uri,
    new_id: impl FnOnce() -> String,
    deal: impl FnOnce(&str) -> Arm,
) -> Option<Visitor> {
    let named = headers.get(HEADER).and_then(|value| decode(value.to_str().ok()?));
    let held = cookie(headers);
    let joins = || (query(uri, "join").as_deref() == Some("1")).then(new_id);
    let id = named.or_else(|| held.clone()).or_else(joins)?;
    let cookie = (held.as_deref() != Some(id.as_str())).then(|| set_cookie(&id));
    Some(Visitor { arm: deal(&id), id, cookie })
}

/// The first value of a query parameter, decoded.
pub(crate) fn query(uri: &Uri, name: &str) -> Option<String> {
    let text = uri.query().unwrap_or_default().as_bytes();
    url::form_urlencoded::parse(text).find(|(key, _)| key == name).map(|(_, v)| v.into_owned())
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| decode(value))
}

fn decode(text: &str) -> Option<String> {
    let id = percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned();
    let good =
        !id.is_empty() && id.chars().count() <= LONGEST_ID && !id.chars().any(char::is_control);
    good.then_some(id)
}

fn set_cookie(id: &str) -> HeaderValue {
    let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
    let text = format!("{COOKIE}={id}; Path=/; Max-Age=2592000; SameSite=Lax");
    HeaderValue::from_str(&text).expect("a percent-encoded id is plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_growthbooks() {
        // Two vectors that GrowthBook publishes for its SDKs, hash version 2.
        assert_eq!(bucket("seed", "a").to_string(), "0.0505");
        assert_eq!(bucket("seed", "b").to_string(), "0.2696");
    }

    #[test]
    fn the_split_is_even() {
        let control =
            (0..10_000).filter(|n| Arm::of(&format!("visitor-{n}")) == Arm::Control).count();
        // Four standard deviations of a fair split are 200.
        assert!(control.abs_diff(5_000) <= 200, "{control} of 10000 see the old hero");
    }

    fn who(headers: &[(&'static str, &'static str)], uri: &'static str) -> Option<(String, bool)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let visitor = identify(&map, &Uri::from_static(uri), || "new".to_owned(), Arm::of)?;
        Some((visitor.id, visitor.cookie.is_some()))
    }

    #[test]
    fn visitors_are_recognised() {
        let some = |id: &str, fresh| Some((id.to_owned(), fresh));
        let long = Box::leak(format!("saltmoor_visitor={}", "x".repeat(65)).into_boxed_str());
        let cases = [
            (who(&[], "/"), None),
            (who(&[], "/?join=0"), None),
            (who(&[], "/?join=1"), some("new", true)),
            (who(&[("cookie", "a=b; saltmoor_visitor=ada")], "/"), some("ada", false)),
            (who(&[("cookie", "saltmoor_visitor=ada")], "/?join=1"), some("ada", false)),
            (who(&[("x-demo-visitor", "ada")], "/"), some("ada", true)),
            (
                who(&[("x-demo-visitor", "ada"), ("cookie", "saltmoor_visitor=bob")], "/"),
                some("ada", true),
            ),
            (who(&[("x-demo-visitor", "%C3%A5sa")], "/"), some("åsa", true)),
            (who(&[("cookie", "saltmoor_visitor=")], "/"), None),
            (who(&[("cookie", "saltmoor_visitor=a%0Ab")], "/"), None),
            (who(&[("cookie", "saltmoor_visitor=%FF")], "/"), None),
            (who(&[("cookie", long)], "/"), None),
        ];
        for (at, (is, expected)) in cases.into_iter().enumerate() {
            assert_eq!(is, expected, "case {at}");
        }
    }
}
