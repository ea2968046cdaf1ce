//! What a page is given, what is done on it and what of it is looked at: settings that a spec has
//! for all of its pages, and a page for itself.

use std::collections::BTreeMap;

use gate_core::values::Template;

use super::mask::MaskSpec;
use super::scalars::{ClockSpec, Locale, Selector, TimeZone};
use super::step::{StepSpec, UntilSpec};
use super::viewport::{BrowserSpec, ColorSchemeSpec, DeviceName, ViewportSpec, Window};

/// Adds these settings to a struct, so that specs and pages have the same ones in the same words.
/// (Serde could flatten one struct into another, and would lose where a mistake stands.)
macro_rules! with_look {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        $vis struct $name {
            $($own)*
            /// The window sizes, or devices. By default one window of 1280 by 800.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub viewports: Option<Vec<$crate::settings::viewport::ViewportSpec>>,
            /// Devices by name, such as `iphone-15`: their size, scale, touch and user agent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub devices: Option<Vec<$crate::settings::viewport::DeviceName>>,
            /// The browsers, each with approved pictures of its own. By default Chromium alone.
            /// `firefox` wants geckodriver, `webkit` wants WebKitGTK and Xvfb. What a browser
            /// cannot be told is refused by name.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub browsers: Option<Vec<$crate::settings::viewport::BrowserSpec>>,
            /// A CSS selector: only this element is looked at.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub clip: Option<$crate::settings::scalars::Selector>,
            /// Parts that may change: CSS selectors, or areas as "x,y,width,height".
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub mask: Vec<$crate::settings::mask::MaskSpec>,
            /// CSS selectors of elements that are made invisible; they keep their place.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub hide: Vec<$crate::settings::scalars::Selector>,
            /// CSS selectors of elements that are taken out, so that others move up.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub remove: Vec<$crate::settings::scalars::Selector>,
            /// `user:password`, instead of the environment's; best as `${secret:NAME}`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub basic_auth: Option<gate_core::values::Template>,
            /// Cookies, by name.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub cookies: std::collections::BTreeMap<String, gate_core::values::Template>,
            /// Request headers, by name. A Chromium on this machine sends them only to where the
            /// page is. Firefox, and a browser that is reached through `SELENIUM_REMOTE_URL`, send
            /// them to every host that the page loads from; there a secret is safer in a cookie
            /// or in the environment's `basic_auth`.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub headers: std::collections::BTreeMap<String, gate_core::values::Template>,
            /// What stands in the page's `localStorage`, by key.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub storage: std::collections::BTreeMap<String, gate_core::values::Template>,
            /// What stands in the page's `sessionStorage`, by key.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub session_storage: std::collections::BTreeMap<String, gate_core::values::Template>,
            /// What is done before the picture is taken, in this order.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub steps: Vec<$crate::settings::step::StepSpec>,
            /// What is waited for after the steps, before the picture is taken.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub wait: Vec<$crate::settings::step::UntilSpec>,
            /// Whether the page is asked for light or dark colours.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub color_scheme: Option<$crate::settings::viewport::ColorSchemeSpec>,
            /// Whether the page is asked to move little. By default it is.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub reduced_motion: Option<bool>,
            /// The visitor's language, such as `de` or `pt-BR`. By default the browser's own.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub locale: Option<$crate::settings::scalars::Locale>,
            /// The visitor's time zone, such as `Europe/Berlin`. By default UTC.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub time_zone: Option<$crate::settings::scalars::TimeZone>,
            /// The moment that the page's clock shows, or `real`. By default a day in 2020.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub clock: Option<$crate::settings::scalars::ClockSpec>,
        }

        impl $name {
            /// These settings by themselves.
            pub(crate) fn look(&self) -> $crate::settings::look::Look {
                $crate::settings::look::Look {
                    viewports: self.viewports.clone(),
                    devices: self.devices.clone(),
                    browsers: self.browsers.clone(),
                    clip: self.clip.clone(),
                    mask: self.mask.clone(),
                    hide: self.hide.clone(),
                    remove: self.remove.clone(),
                    basic_auth: self.basic_auth.clone(),
                    cookies: self.cookies.clone(),
                    headers: self.headers.clone(),
                    storage: self.storage.clone(),
                    session_storage: self.session_storage.clone(),
                    steps: self.steps.clone(),
                    wait: self.wait.clone(),
                    color_scheme: self.color_scheme,
                    reduced_motion: self.reduced_motion,
                    locale: self.locale.clone(),
                    time_zone: self.time_zone.clone(),
                    clock: self.clock,
                }
            }
        }
    };
}
pub(super) use with_look;

/// The settings that hold for a page. What each means stands in [`with_look`].
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Look {
    pub(crate) viewports: Option<Vec<ViewportSpec>>,
    pub(crate) devices: Option<Vec<DeviceName>>,
    pub(crate) browsers: Option<Vec<BrowserSpec>>,
    pub(crate) clip: Option<Selector>,
    pub(crate) mask: Vec<MaskSpec>,
    pub(crate) hide: Vec<Selector>,
    pub(crate) remove: Vec<Selector>,
    pub(crate) basic_auth: Option<Template>,
    pub(crate) cookies: BTreeMap<String, Template>,
    pub(crate) headers: BTreeMap<String, Template>,
    pub(crate) storage: BTreeMap<String, Template>,
    pub(crate) session_storage: BTreeMap<String, Template>,
    pub(crate) steps: Vec<StepSpec>,
    pub(crate) wait: Vec<UntilSpec>,
    pub(crate) color_scheme: Option<ColorSchemeSpec>,
    pub(crate) reduced_motion: Option<bool>,
    pub(crate) locale: Option<Locale>,
    pub(crate) time_zone: Option<TimeZone>,
    pub(crate) clock: Option<ClockSpec>,
}

impl Look {
    /// A page's settings over those of its spec: what is one wins, what is many is added.
    pub(crate) fn with(mut self, page: Look) -> Look {
        // Sizes and devices are one list: a page that names either has said what it wants.
        if page.viewports.is_some() || page.devices.is_some() {
            (self.viewports, self.devices) = (page.viewports, page.devices);
        }
        self.browsers = page.browsers.or(self.browsers);
        self.clip = page.clip.or(self.clip);
        self.mask.extend(page.mask);
        self.hide.extend(page.hide);
        self.remove.extend(page.remove);
        self.basic_auth = page.basic_auth.or(self.basic_auth);
        self.cookies.extend(page.cookies);
        self.headers.extend(page.headers);
        self.storage.extend(page.storage);
        self.session_storage.extend(page.session_storage);
        self.steps.extend(page.steps);
        self.wait.extend(page.wait);
        self.color_scheme = page.color_scheme.or(self.color_scheme);
        self.reduced_motion = page.reduced_motion.or(self.reduced_motion);
        self.locale = page.locale.or(self.locale);
        self.time_zone = page.time_zone.or(self.time_zone);
        self.clock = page.clock.or(self.clock);
        self
    }

    /// The windows in which the page is photographed.
    pub(crate) fn windows(&self) -> Vec<Window> {
        if self.viewports.is_none() && self.devices.is_none() {
            return vec![Window::desktop()];
        }
        let sizes = self.viewports.iter().flatten().map(|viewport| viewport.window.clone());
        let devices = self.devices.iter().flatten().map(|device| device.window());
        sizes.chain(devices).collect()
    }

    /// The browsers in which the page is photographed.
    pub(crate) fn browsers(&self) -> Vec<BrowserSpec> {
        self.browsers.clone().unwrap_or_else(|| vec![BrowserSpec::Chromium])
    }
}
