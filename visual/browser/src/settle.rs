//! The two scripts that prepare a page and bring it to rest, and what they report.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Error, FailedResource, Mask, Rect, Settle, Shot, Step, StoredItem};

const BEFORE: &str = include_str!("js/before.js");
/// What the scripts on a loaded page have in common.
const PAGE: &str = include_str!("js/page.js");
const SETTLE: &str = include_str!("js/settle.js");
/// Gives height and address of the page as it is now.
pub(crate) const WHERE: &str = "[document.documentElement.scrollHeight, location.href]";
/// How long requests that a script has opened may hold up a page that is otherwise at rest.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long short timers may, where long ones are not held.
const TIMERS: Duration = Duration::from_secs(1);

/// What the page says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageReport {
    /// What it was waiting for at the deadline; empty when it is at rest.
    pub(crate) waiting: String,
    /// Width of the layout in CSS pixels.
    pub(crate) width: u32,
    /// Full height in CSS pixels.
    pub(crate) height: u32,
    /// The box of the element to clip to, in CSS pixels.
    pub(crate) clip: Option<Rect>,
    pub(crate) url: String,
    /// 0 when unknown.
    pub(crate) status: u16,
    /// The text of the browser's own error page, when it is one.
    #[serde(rename = "errorPage")]
    pub(crate) error_page: String,
    /// The address that was asked for, as the browser noted it.
    pub(crate) asked: String,
    pub(crate) failed: Vec<FailedResource>,
    /// Origins whose storage the page may have used.
    pub(crate) origins: Vec<String>,
    /// How long it may take until something is heard of whatever is still going on, in
    /// milliseconds: the period of the slowest timer, for instance; 0 for nothing.
    pub(crate) watch: u64,
    /// Whether all that could change the picture leaves a trace.
    pub(crate) observable: bool,
    /// Painted areas in CSS pixels.
    pub(crate) masks: Vec<Rect>,
    pub(crate) unmatched: Vec<String>,
    /// A selector that is not one; then nothing else is filled in.
    #[serde(rename = "badSelector")]
    pub(crate) bad_selector: Option<String>,
    /// What is wrong with it.
    pub(crate) reason: String,
}

/// The script that runs in each document before its own.
pub(crate) fn before(settle: &Settle, origin: &str, storage: &[StoredItem]) -> String {
    let items = storage.iter().map(|item| json!([item.key, item.value, item.session]));
    let storage = (!storage.is_empty())
        .then(|| json!({ "origin": origin, "items": items.collect::<Vec<_>>() }));
    let options = json!({
        "storage": storage,
        "seed": settle.seed,
        "clock": settle.clock,
        "hold": settle.hold_timers.map(millis),
    });
    with_options(BEFORE, &options)
}

/// The expression that brings the loaded page to rest.
pub(crate) fn expression(shot: &Shot, left: Duration) -> String {
    let selectors = shot.mask.iter().filter_map(|mask| match mask {
        Mask::Selector(selector) => Some(selector),
        Mask::Area(_) => None,
    });
    let areas = shot.mask.iter().filter_map(|mask| match mask {
        Mask::Area(area) => Some(area),
        Mask::Selector(_) => None,
    });
    let options = json!({
        "deadline": millis(left),
        "hide": shot.hide,
        "remove": shot.remove,
        "clip": shot.clip,
        "stay": shot.steps.iter().any(|step| matches!(step, Step::Scroll(_))),
        "mobile": shot.viewport.mobile,
        "mask": selectors.collect::<Vec<_>>(),
        "areas": areas.collect::<Vec<_>>(),
        "maxHeight": shot.max_height,
        "patience": millis(PATIENCE),
        "timers": millis(shot.settle.hold_timers.unwrap_or(TIMERS).min(TIMERS)),
        "unheard": millis(shot.settle.hold_timers.unwrap_or(TIMERS)),
    });
    with_options(SETTLE, &options)
}

/// Reads what [`expression`] gave.
pub(crate) fn read(answer: &Value) -> Result<PageReport, Error> {
    let failed = |reason: String| Error::Protocol { command: "settling the page".into(), reason };
    if let Some(thrown) = answer.get("exceptionDetails") {
        let text = thrown["exception"]["description"].as_str().or(thrown["text"].as_str());
        let line = text.and_then(|text| text.lines().next()).unwrap_or("an exception");
        return Err(failed(line.to_owned()));
    }
    let report = PageReport::deserialize(&answer["result"]["value"])
        .map_err(|error| failed(error.to_string()))?;
    match report.bad_selector {
        Some(selector) => Err(Error::BadSelector { selector, reason: report.reason }),
        None => Ok(report),
    }
}

/// The script with what it is given and what it shares with the others.
pub(crate) fn with_options(script: &str, options: &Value) -> String {
    script.replacen("__PAGE__", PAGE, 1).replacen("__OPTIONS__", &options.to_string(), 1)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_reach_the_scripts() {
        let settle = Settle { seed: None, hold_timers: None, ..Settle::default() };
        let options = r#"{"clock":1577880000000,"hold":null,"seed":null,"storage":null}"#;
        assert!(before(&settle, "http://a.test", &[]).contains(options));
        let item = StoredItem { key: "k".into(), value: "\"".into(), session: true };
        let options = r#""storage":{"items":[["k","\"",true]],"origin":"http://a.test"}"#;
        assert!(before(&settle, "http://a.test", &[item]).contains(options));
        let mut shot = Shot::of("http://a.test/");
        shot.hide = vec!["a[title=\"x\"]".to_owned()];
        let area = Rect { x: 1, y: 2, width: 3, height: 4 };
        shot.mask = vec![Mask::Area(area), Mask::Selector(".ad".to_owned())];
        let expression = expression(&shot, Duration::from_millis(1500));
        for part in [r#""hide":["a[title=\"x\"]"]"#, r#""mask":[".ad"]"#, r#""deadline":1500"#] {
            assert!(expression.contains(part), "{part}");
        }
        assert!(expression.contains(r#""areas":[{"height":4,"width":3,"x":1,"y":2}]"#));
    }

    fn check(answer: &Value, expect: Result<u32, &str>) {
        match (read(answer), expect) {
            (Ok(report), Ok(height)) => assert_eq!(report.height, height),
            (Err(error), Err(text)) => assert_eq!(error.to_string(), text),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn what_the_page_answers() {
        check(&json!({"result": {"value": {"height": 7, "new": 1}}}), Ok(7));
        let bad = json!({"result": {"value": {"badSelector": "p:", "reason": "no"}}});
        check(&bad, Err("`p:` is not a valid selector: no"));
        let thrown = json!({"exceptionDetails": {"exception": {"description": "E: x\n at y"}}});
        check(&thrown, Err("driver failed at settling the page: E: x"));
        let nothing = "driver failed at settling the page: invalid type: null, \
                       expected struct PageReport";
        check(&json!({}), Err(nothing));
    }
}
