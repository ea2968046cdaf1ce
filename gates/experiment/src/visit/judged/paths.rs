//! Does one arm take another way, or longer, and is a variant there from the start?

use std::collections::{BTreeMap, BTreeSet};

use gate_core::{Check, Verdict};
use stats::ranks;

use super::{All, is_first, visitors};
use crate::visit::seen::{Look, Way};

/// By how much longer a page takes in one arm that is told, in microseconds.
const SLOWER: f64 = 100_000.0;
/// Below this a difference is no chance.
const NO_CHANCE: f64 = 0.001;

impl All<'_> {
    /// What leads on leads on in all arms, and takes as long.
    pub(super) fn leads_on(&self) -> Option<Check> {
        let mut led: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut to: BTreeSet<&str> = BTreeSet::new();
        let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (one, look) in self.looks().filter(|(_, look)| is_first(look)) {
            let [arm] = &look.shown[..] else { continue };
            let entry = led.entry(arm).or_default();
            entry.1 += 1;
            entry.0 += usize::from(look.led_to.is_some());
            to.extend(look.led_to.as_deref());
            // What a browser paints and what a request is answered are not to be mixed.
            let time = match one.way {
                Way::Request => look.first_byte,
                Way::Browser => None,
            };
            times.entry(arm).or_default().extend(time.map(|time| time as f64));
        }
        if led.len() < 2 {
            return None;
        }
        let check = |verdict, message: String| {
            Check::new("visit-path", "Way to the page", verdict, message)
        };
        let slower = slower(&times);
        let some = led.values().any(|(on, _)| *on > 0);
        let all = led.values().all(|(on, of)| on == of);
        if some && !all {
            let parts: Vec<String> =
                led.iter().map(|(arm, (on, of))| format!("{on} of {of} in {arm}")).collect();
            let to: Vec<&str> = to.into_iter().collect();
            let message = format!(
                "not all arms redirect: {} were led on to {}{}. Cause: a redirect in one arm loses beacons and \
                 visitors, and makes it slower",
                parts.join(", "),
                to.join(", "),
                slower.map(|text| format!("; {text}")).unwrap_or_default()
            );
            let advice = "redirect in every arm, the control to itself, or render variants without a redirect";
            return Some(check(Verdict::Warn, message).advice(advice));
        }
        Some(match slower {
            Some(text) => check(Verdict::Warn, text).advice(
                "what makes a variant slow makes its visitors leave: measure it under load",
            ),
            None => {
                check(Verdict::Pass, "all arms take the same way, and about as long".to_owned())
            }
        })
    }

    /// Nobody sees another arm's variant for a moment.
    pub(super) fn flickers(&self) -> Option<Check> {
        let looks: Vec<&Look> = self.of(Way::Browser).flat_map(|one| &one.looks).collect();
        if looks.is_empty() || self.shows_nothing() {
            return None;
        }
        let check =
            |verdict, message: String| Check::new("visit-flicker", "Flicker", verdict, message);
        let all: Vec<(&str, u64)> = looks
            .iter()
            .filter_map(|look| look.flicker.as_ref())
            .map(|(arm, time)| (arm.as_str(), *time))
            .collect();
        let Some((arm, longest)) = all.iter().max_by_key(|(_, time)| *time) else {
            let message = format!("no variant gave way to another on {} page views", looks.len());
            return Some(check(Verdict::Pass, message));
        };
        let message = format!(
            "on {} of {} page views another variant was shown first: that of {arm} for {} ms. Cause: flicker, \
             which tells visitors that they are in an experiment",
            all.len(),
            looks.len(),
            longest / 1000
        );
        let advice =
            "choose the variant before anything is painted: on the server, or before the body";
        Some(check(Verdict::Warn, message).advice(advice))
    }
}

/// Which arm takes how much longer, when that is no chance.
fn slower(times: &BTreeMap<&str, Vec<f64>>) -> Option<String> {
    let mut found = None;
    for (one, slow) in times {
        for (other, quick) in times {
            let difference = median(slow)? - median(quick)?;
            if difference < SLOWER {
                continue;
            }
            let is_no_chance = ranks::mann_whitney(quick, slow, NO_CHANCE)
                .is_ok_and(|test| test.p_value < NO_CHANCE);
            if is_no_chance {
                found = Some(format!(
                    "the page takes {:.0} ms longer in {one} than in {other}, of {}",
                    difference / 1000.0,
                    visitors(slow.len() + quick.len())
                ));
            }
        }
    }
    found
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
