//! The settings of a `visual` gate: what stands below `with` in a spec.

mod able;
mod against;
mod look;
mod mask;
mod page;
mod scalars;
mod step;
mod viewport;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use gate_core::values::{DurationValue, Percent, Template};
use gate_core::{Json, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use against::Against;
pub(crate) use look::Look;
pub use mask::MaskSpec;
pub use page::{MetricSpec, PageSpec};
pub(crate) use page::{Source, is_name, is_pattern, name_of};
pub use scalars::Threshold;
pub(crate) use scalars::{ClockSpec, Pattern, Selector};
pub(crate) use step::UntilSpec;
pub use viewport::ViewportSpec;
pub(crate) use viewport::{BrowserSpec, ColorSchemeSpec, Window};

look::with_look! {
    /// The settings of a `visual` gate. What describes how a page is looked at holds for all
    /// pages; where a page has the same setting, the page's own wins, and lists are added.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Settings {
        /// The pages that are photographed.
        #[schemars(length(min = 1))]
        pub pages: Vec<PageSpec>,
        /// What the pictures are compared with: `baselines` (pictures that somebody approved),
        /// `promotion` (the version that the promotion would replace), or the name of an
        /// environment.
        #[serde(default)]
        pub against: Against,
        /// From which colour distance on a pixel counts as changed: 0 (any) to 1 (none).
        #[serde(default)]
        pub threshold: Threshold,
        /// How the distance of colours is measured.
        #[serde(default)]
        pub metric: MetricSpec,
        /// Whether pixels that smooth an edge count, too.
        #[serde(default)]
        pub count_antialiased: bool,
        /// Which share of a picture may change.
        #[serde(default = "nothing")]
        pub max_changed: Percent,
        /// By how many rows of pixels a page may shift, all that was inserted, deleted or moved
        /// together. What has merely shifted is not counted as changed.
        #[serde(default)]
        pub max_shift: u32,
        /// Which share of an approved picture may be known to move by itself (see
        /// `gate baseline learn`) before a pass is only a warning.
        #[serde(default = "one_twentieth")]
        pub max_noise: Percent,
        /// How long a page may take to come to rest once it has loaded.
        #[serde(default = "ten_seconds")]
        pub settle: DurationValue,
        /// How long a page may take to load, and each step and wait on it.
        #[serde(default = "thirty_seconds")]
        pub page_timeout: DurationValue,
    }
}

fn nothing() -> Percent {
    Percent::from_fraction(0.0).expect("0 is a share")
}

fn one_twentieth() -> Percent {
    Percent::from_fraction(0.05).expect("a twentieth is a share")
}

fn ten_seconds() -> DurationValue {
    DurationValue(std::time::Duration::from_secs(10))
}

fn thirty_seconds() -> DurationValue {
    DurationValue(std::time::Duration::from_secs(30))
}

/// How two pictures of a page are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparing {
    pub(crate) threshold: f64,
    pub(crate) metric: MetricSpec,
    pub(crate) count_antialiased: bool,
}

impl Settings {
    /// What holds for the pages of an entry: its own settings over the general ones.
    pub(crate) fn look_of(&self, entry: usize) -> Look {
        self.pages.get(entry).map_or_else(|| self.look(), |page| self.look().with(page.look()))
    }

    /// How the pictures of an entry's pages are compared.
    pub(crate) fn comparing(&self, entry: usize) -> Comparing {
        let page = self.pages.get(entry);
        Comparing {
            threshold: page.and_then(PageSpec::threshold).unwrap_or(self.threshold).0,
            metric: page.and_then(PageSpec::metric).unwrap_or(self.metric),
            count_antialiased: page
                .and_then(PageSpec::count_antialiased)
                .unwrap_or(self.count_antialiased),
        }
    }

    /// Which share of the pictures of an entry's pages may change.
    pub(crate) fn max_changed_of(&self, entry: usize) -> Percent {
        self.pages.get(entry).and_then(PageSpec::max_changed).unwrap_or(self.max_changed)
    }

    /// By how many rows the pictures of an entry's pages may shift.
    pub(crate) fn max_shift_of(&self, entry: usize) -> u32 {
        self.pages.get(entry).and_then(PageSpec::max_shift).unwrap_or(self.max_shift)
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.pages.is_empty() {
            found.push(Problem::at(["pages"], "there is no page").hint("write a path: [/]"));
        }
        found.extend(look_problems(&self.look(), &[]));
        let mut names = BTreeSet::new();
        for (index, page) in self.pages.iter().enumerate() {
            let index_text = index.to_string();
            let name = match &page.source {
                Source::Path { name, .. } => Some(name),
                Source::Files { name, .. } => name.as_ref(),
                Source::Sitemap(_) | Source::Storybook(_) => None,
            };
            if let Some(name) = name
                && !names.insert(name)
            {
                let message = format!("a second page is called `{name}`");
                let hint = "give it a name: { path: ..., name: ... }";
                found.push(Problem::at(["pages", &index_text], message).hint(hint));
            }
            if matches!(page.source, Source::Files { .. }) && self.against != Against::Baselines {
                let message = "a local file is the same whatever it is compared with";
                found.push(
                    Problem::at(["pages", &index_text, "file"], message)
                        .hint("compare files with approved pictures, in a gate of their own"),
                );
            }
            found.extend(page.problems(index));
            found.extend(look_problems(&page.look(), &["pages", &index_text]));
        }
        found.extend(self.beyond_their_browsers());
        found
    }

    /// All but the limits.
    pub(crate) fn measured_by(&self) -> Json {
        let mut all = serde_json::to_value(self).unwrap_or(Json::Null);
        let pages = all["pages"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let without_limit = |mut settings: Json| {
            if let Some(fields) = settings.as_object_mut() {
                fields.remove("max_changed");
                fields.remove("max_shift");
                fields.remove("max_noise");
            }
            settings
        };
        all["pages"] = pages.into_iter().map(without_limit).collect();
        without_limit(all)
    }
}

/// Mistakes in what holds for a page, below the settings at `path`.
fn look_problems(look: &Look, path: &[&str]) -> Vec<Problem> {
    let at = |rest: &[&str], message: String| {
        Problem::at(path.iter().chain(rest).map(|&part| part.to_owned()), message)
    };
    let mut found = Vec::new();
    let empty = look.viewports.as_ref().is_some_and(Vec::is_empty);
    if empty && look.devices.as_ref().is_none_or(Vec::is_empty) {
        found.push(at(&["viewports"], "there is no viewport".to_owned()));
    } else if look.devices.as_ref().is_some_and(Vec::is_empty) && look.viewports.is_none() {
        found.push(at(&["devices"], "there is no device".to_owned()));
    }
    if look.browsers.as_ref().is_some_and(Vec::is_empty) {
        found.push(at(&["browsers"], "there is no browser".to_owned()));
    }
    let mut names = BTreeSet::new();
    let sizes = look.viewports.iter().flatten().map(|viewport| viewport.window.clone());
    let devices = look.devices.iter().flatten().map(|device| device.window());
    let sizes = sizes.enumerate().map(|(index, window)| ("viewports", index, window));
    let devices = devices.enumerate().map(|(index, window)| ("devices", index, window));
    for (field, index, window) in sizes.chain(devices) {
        if !names.insert(window.name.clone()) {
            let message = format!("a second viewport is called `{}`", window.name);
            found.push(at(&[field, &index.to_string()], message));
        }
    }
    let mut names = BTreeSet::new();
    for (index, browser) in look.browsers.iter().flatten().enumerate() {
        if !names.insert(browser) {
            let message = format!("{} is there twice", browser.name());
            found.push(at(&["browsers", &index.to_string()], message));
        }
    }
    let named = [("cookies", &look.cookies, "a cookie"), ("headers", &look.headers, "a header")];
    for (field, values, what) in named {
        for name in bad_names(values) {
            let message = format!("`{name}` cannot name {what}");
            found.push(at(&[field, name], message));
        }
    }
    found
}

/// Names that are no tokens as HTTP has them.
fn bad_names(values: &BTreeMap<String, Template>) -> impl Iterator<Item = &str> {
    let good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    values.keys().map(String::as_str).filter(move |name| name.is_empty() || !name.chars().all(good))
}
