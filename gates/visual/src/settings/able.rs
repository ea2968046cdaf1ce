//! What a browser cannot be told, by the settings that ask for it.

use std::collections::BTreeSet;

use gate_core::Problem;
use visual_browser::Viewport;

use super::step::StepSpec;
use super::{BrowserSpec, ColorSchemeSpec, Look, Settings};

/// A setting and what a browser would have to do for it.
type Asked = (Vec<String>, &'static str);

impl Settings {
    /// Settings that a browser of their pages cannot follow, each where it is written.
    pub(super) fn beyond_their_browsers(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        for (index, page) in self.pages.iter().enumerate() {
            let (own, look) = (page.look(), self.look_of(index));
            for browser in look.browsers() {
                let of_the_page = beyond(browser, &own);
                for (setting, what) in beyond(browser, &look) {
                    let mut path = Vec::new();
                    if of_the_page.iter().any(|(own, _)| *own == setting) {
                        path.extend(["pages".to_owned(), index.to_string()]);
                    }
                    path.extend(setting);
                    // What is written for all pages is wrong once.
                    if known.insert((path.clone(), browser)) {
                        let name = browser.name();
                        let hint = format!("leave it out, or {name} out of `browsers`");
                        found.push(Problem::at(path, format!("{name} {what}")).hint(hint));
                    }
                }
            }
        }
        found
    }
}

/// What of these settings is beyond a browser.
fn beyond(browser: BrowserSpec, look: &Look) -> Vec<Asked> {
    match browser {
        BrowserSpec::Chromium => Vec::new(),
        BrowserSpec::Firefox => beyond_firefox(look),
        BrowserSpec::Webkit => beyond_webkit(look),
    }
}

fn beyond_firefox(look: &Look) -> Vec<Asked> {
    let mut found = hand_held(look);
    let dark = look.color_scheme == Some(ColorSchemeSpec::Dark);
    found.extend(asked(dark, "color_scheme", "cannot be asked for dark colours"));
    let moves = look.reduced_motion == Some(false);
    found.extend(asked(moves, "reduced_motion", "is always asked to move little"));
    found.extend(asked(look.basic_auth.is_some(), "basic_auth", "takes no user and password"));
    found
}

fn beyond_webkit(look: &Look) -> Vec<Asked> {
    let mut found = hand_held(look);
    for (index, viewport) in look.viewports.iter().flatten().enumerate() {
        let Viewport { width, height, scale, mobile, .. } = viewport.window.viewport;
        let path = vec!["viewports".to_owned(), index.to_string()];
        let fits = |side: u32| (100..=4096).contains(&side);
        if !fits(width) || !fits(height) {
            found.push((path, "has windows of 100 to 4096 pixels a side"));
        } else if !mobile && (scale - 1.0).abs() > f64::EPSILON {
            found.push((path, "has one pixel for each CSS pixel, and no other `scale`"));
        }
    }
    found.extend(asked(look.basic_auth.is_some(), "basic_auth", "takes no user and password"));
    found.extend(asked(look.locale.is_some(), "locale", "speaks English alone"));
    let elsewhere = look.time_zone.as_ref().is_some_and(|zone| zone.as_str() != "UTC");
    found.extend(asked(elsewhere, "time_zone", "lives in UTC alone"));
    let by_hand = look.steps.iter().any(StepSpec::is_by_hand);
    found.extend(asked(by_hand, "steps", "can only scroll, wait and run scripts as steps"));
    found
}

fn asked(is: bool, setting: &str, what: &'static str) -> Option<Asked> {
    is.then(|| (vec![setting.to_owned()], what))
}

/// Windows that are held in a hand.
fn hand_held(look: &Look) -> Vec<Asked> {
    let sizes = look.viewports.iter().flatten().map(|viewport| viewport.window.clone());
    let devices = look.devices.iter().flatten().map(|device| device.window());
    let sizes = sizes.enumerate().map(|(index, window)| ("viewports", index, window));
    let devices = devices.enumerate().map(|(index, window)| ("devices", index, window));
    sizes
        .chain(devices)
        .filter(|(_, _, window)| window.viewport.mobile || window.viewport.touch)
        .map(|(field, index, _)| {
            let what = "cannot pass for what is held in a hand: give a name, width and height";
            (vec![field.to_owned(), index.to_string()], what)
        })
        .collect()
}
