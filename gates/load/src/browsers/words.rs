//! What browsers have seen, in sentences.

use gate_core::{Check, Limit, Metric as Figure, Verdict};
use stats::binomial;

use super::{Load, Watched, quantile};
use crate::judge::ALPHA;
use crate::settings::Settings;
use crate::threshold::Metric;
use crate::words::{count, time};

/// Good pages stay below this for three visitors in four (<https://web.dev/articles/vitals>).
const USUAL: f64 = 0.75;

/// How many pages may still change when the browser stops to look, as a share.
const RESTLESS: f64 = 0.05;

/// Whether browsers could look, and whether pages came; none where there are no browsers.
pub(crate) fn check(spec: &Settings, seen: &Watched) -> Check {
    let check = |verdict, message: String| Check::new("browsers", "Browsers", verdict, message);
    let own: Vec<&Load> = seen.of(0).collect();
    let failed: Vec<&Load> = own.iter().copied().filter(|load| load.failed.is_some()).collect();
    let trouble = seen.trouble.as_ref().map(|trouble| {
        let check = |message: String| check(Verdict::Inconclusive, message);
        (check, trouble)
    });
    if let (Some((check, trouble)), true) = (&trouble, own.is_empty()) {
        let check = check(format!("no browser could look: {}", trouble.why));
        return match &trouble.advice {
            Some(advice) => check.advice(advice.clone()),
            None => check,
        };
    }
    if own.is_empty() {
        return check(Verdict::Inconclusive, "no page was loaded in a browser".to_owned())
            .advice("give it more time: a browser loads the page every few seconds");
    }
    let loads = count(own.len() as u64, "page load");
    let reason = failed.first().and_then(|load| load.failed.clone()).unwrap_or_default();
    let broken = format!("{} of {loads} failed: {reason}", failed.len());
    let told = told(seen);
    let restless = own.iter().filter(|load| load.is_restless).count();
    let lost = trouble.map(|(_, trouble)| format!("; then a browser was lost: {}", trouble.why));
    let low = binomial::lower(failed.len() as f64, own.len() as f64, ALPHA).unwrap_or(0.0);
    let check = if low > spec.max_failures.fraction() {
        check(Verdict::Fail, broken)
            .advice("open the page while the load runs, and look at the service's log of this time")
    } else if !failed.is_empty() {
        check(Verdict::Warn, format!("{broken}; {told}"))
    } else if restless as f64 > RESTLESS * own.len() as f64 {
        check(Verdict::Warn, format!("{loads}; {told}")).advice(
            "what such a page paints later is not in its figures: let what matters come with it, or \
             look what still asks",
        )
    } else if let Some(lost) = lost {
        check(Verdict::Warn, format!("{loads}; {told}{lost}"))
    } else {
        check(Verdict::Pass, format!("{loads}; {told}"))
    };
    figures(check, spec, seen)
}

/// What three visitors in four saw.
fn told(seen: &Watched) -> String {
    let mut told = Vec::new();
    let values = |version: usize, metric: Metric| quantile(&seen.sorted(version, metric), USUAL);
    let shown = |metric: Metric, value: f64| match metric {
        Metric::LayoutShift => {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => time(value),
    };
    for (metric, name) in
        [(Metric::LargestPaint, "largest contentful paint"), (Metric::LayoutShift, "layout shift")]
    {
        match (values(0, metric), values(1, metric)) {
            (Some(own), Some(other)) => told.push(format!(
                "{name} p(75) {}, there {}",
                shown(metric, own),
                shown(metric, other)
            )),
            (Some(own), None) => told.push(format!("{name} p(75) {}", shown(metric, own))),
            _ => told.push(format!("{name} was not measured")),
        }
    }
    let there = seen.of(1).filter(|load| load.failed.is_some()).count();
    if there > 0 {
        told.push(format!("there {there} of {} failed", seen.of(1).count()));
    }
    let restless = seen.of(0).filter(|load| load.is_restless).count();
    if restless > 0 {
        told.push(format!("{restless} of them still changed when the browser stopped to look"));
    }
    let of = |which: fn(&Load) -> Option<u64>| {
        let all: Vec<u64> = seen.loads.iter().filter_map(which).collect();
        (!all.is_empty()).then(|| all.iter().sum::<u64>() as f64 / all.len() as f64)
    };
    match &seen.others[..] {
        [] => {}
        [one] => told.push(format!("the page asks {one}, too")),
        [one, more @ ..] => told.push(format!(
            "the page asks {one} and {}, too",
            count(more.len() as u64, "other host")
        )),
    }
    if let (Some(ran), Some(waited)) = (of(|load| load.ran), of(|load| load.waited)) {
        told.push(format!(
            "each took {} of this machine's processors, and its threads waited {} for them",
            time(ran),
            time(waited)
        ));
    }
    told.join("; ")
}

fn figures(check: Check, spec: &Settings, seen: &Watched) -> Check {
    let at = |metric: Metric| quantile(&seen.sorted(0, metric), USUAL);
    let failed = seen.of(0).filter(|load| load.failed.is_some()).count() as f64;
    let share = failed / seen.of(0).count().max(1) as f64 * 100.0;
    let most = Limit::AtMost(spec.max_failures.fraction() * 100.0);
    let mut check = check.metric(Figure::new("failed page loads", share, "%").limit(most));
    if let Some(value) = at(Metric::LargestPaint) {
        check = check.metric(Figure::new("largest contentful paint, 75%", value / 1e3, "ms"));
    }
    if let Some(value) = at(Metric::LayoutShift) {
        check = check.metric(Figure::new("cumulative layout shift, 75%", value, "1"));
    }
    check
}

/// What browsers on this machine have taken from whoever sends; none when that is hardly anything.
pub(crate) fn cost(seen: &Watched, seconds: f64) -> Option<String> {
    let ran: u64 = seen.loads.iter().filter_map(|load| load.ran).sum();
    let share = ran as f64 / 1e6 / seconds.max(1.0);
    (seen.is_here && share > 0.05).then(|| {
        format!(
            "the browsers on this machine took {:.0}% of a processor meanwhile: load the page less often \
             (every), or let them run elsewhere (SELENIUM_REMOTE_URL)",
            share * 100.0
        )
    })
}
