//! From a configuration of BackstopJS (versions 3 to 6) to a spec. What its settings mean is
//! described in its README; the order of what is done on a page is that of the script
//! `clickAndHoverHelper.js`, which `backstop init` puts into every project.

use std::collections::{BTreeMap, BTreeSet};

use gate_core::{Error, Imported};
use serde_json::Value;
use url::Url;

use super::fields::Fields;
use super::yaml::{comment, duration, list, scalar};
use crate::settings::{is_name, name_of};

/// What BackstopJS allows when nothing is said, in percent of the picture.
const MISMATCH: f64 = 0.1;

/// How BackstopJS itself works; it has no meaning for the pages.
const OWN: &[&str] = &[
    "archiveReport",
    "asyncCaptureLimit",
    "asyncCompareLimit",
    "ci",
    "debug",
    "debugWindow",
    "dockerCommandTemplate",
    "dynamicTestId",
    "engine",
    "fileNameTemplate",
    "id",
    "openReport",
    "openReportInBrowser",
    "paths",
    "port",
    "report",
    "resembleOutputOptions",
    "scenarioLogsInReports",
];

pub(super) fn recognises(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|value| {
        value["scenarios"].is_array()
            && (value["viewports"].is_array() || value["engine"].is_string())
    })
}

pub(super) fn import(bytes: &[u8]) -> Result<Imported, Error> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Error::new(format!("it is no JSON: {error}")).hint(
            "for a configuration in JavaScript: \
             node -p 'JSON.stringify(require(\"./backstop.config.js\"))' > backstop.json",
        )
    })?;
    let mut config = Fields::of(value).ok_or_else(|| Error::new("it is no JSON object"))?;
    let mut import = Import::default();
    let name = config.text("id").map(|id| name_of(&id)).filter(|name| is_name(name));
    let shared = config.value("scenarioDefaults");
    let mismatch = config
        .number("misMatchThreshold")
        .or_else(|| config.number("defaultMisMatchThreshold"))
        .unwrap_or(MISMATCH);
    import.mismatch = mismatch;
    let scenarios = config.objects("scenarios");
    if scenarios.is_empty() {
        return Err(Error::new("it has no scenarios"));
    }
    let scenarios: Vec<Scenario> = scenarios
        .into_iter()
        .filter_map(|scenario| import.scenario(scenario, shared.as_ref()))
        .collect();
    let origin = import.origin(&scenarios);
    let viewports = import.viewports(&mut config, "the configuration");
    let browsers = import.browser(&mut config);
    import.event(&mut config, "all scenarios");
    import.scripts(&mut config);
    import.rest(config);
    let mut spec =
        format!("gate: visual\nname: {}\nwith:\n", name.as_deref().unwrap_or("backstop"));
    if let Some(origin) = &origin {
        spec.push_str(&format!(
            "  # The pages were at {origin}\n  # Say in gate.yaml where they are:\n  #   environments:\n  #     test: {{ url: {} }}\n",
            scalar(origin)
        ));
    }
    spec.push_str("  pages:\n");
    let pages: String =
        scenarios.iter().map(|scenario| import.page(scenario, origin.as_deref())).collect();
    if pages.is_empty() {
        return Err(Error::new(format!(
            "none of its scenarios can be carried over: {}",
            import.left_out.join("; ")
        )));
    }
    spec.push_str(&pages);
    spec.push_str(&lines(2, "viewports", &viewports));
    spec.push_str(&browsers);
    spec.push_str("  against: baselines\n");
    spec.push_str(&format!("  max_changed: {}%\n", mismatch.clamp(0.0, 100.0)));
    if let Some(longest) = import.longest_wait {
        spec.push_str(&format!("  page_timeout: {}\n", duration(longest)));
    }
    Ok(Imported { spec, left_out: import.left_out })
}

/// A setting with a list of entries, or nothing when there are none.
fn lines(indent: usize, name: &str, entries: &[String]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let space = " ".repeat(indent);
    let entries: String = entries.iter().map(|entry| format!("{space}  - {entry}\n")).collect();
    format!("{space}{name}:\n{entries}")
}

/// A scenario whose settings are understood.
struct Scenario {
    label: String,
    url: String,
    reference: Option<String>,
    /// CSS selectors of what is photographed; none for the whole page.
    clips: Vec<Option<String>>,
    /// The lines of the page's own settings.
    settings: String,
}

#[derive(Default)]
struct Import {
    left_out: Vec<String>,
    names: BTreeSet<String>,
    longest_wait: Option<f64>,
    /// What all pages may change, in percent.
    mismatch: f64,
}

impl Import {
    fn leave_out(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.left_out.contains(&what) {
            self.left_out.push(what);
        }
    }

    fn scenario(&mut self, mut fields: Fields, shared: Option<&Value>) -> Option<Scenario> {
        fields.fill_in(shared);
        let label = fields.text("label").unwrap_or_else(|| "a scenario without label".to_owned());
        if fields.hold("${") {
            self.leave_out(format!("{label}: it holds `${{`, which would be read as a variable"));
            return None;
        }
        let Some(url) = fields.text("url") else {
            self.leave_out(format!("{label}: it has no url"));
            return None;
        };
        let settings = self.settings(&mut fields, &label);
        let clips = self.clips(&mut fields, &label);
        let reference = fields.text("referenceUrl");
        if reference.is_some() {
            self.leave_out(
                "referenceUrl: to compare two running sites, make an environment of the other \
                 one and write `against: NAME`",
            );
        }
        self.scripts(&mut fields);
        for name in fields.left() {
            self.leave_out(format!("{label}: {name}"));
        }
        Some(Scenario { label, url, reference, clips, settings })
    }

    /// The settings of a page below its path and name.
    fn settings(&mut self, fields: &mut Fields, label: &str) -> String {
        let mut text = String::new();
        for (theirs, ours) in [("hideSelectors", "hide"), ("removeSelectors", "remove")] {
            let selectors = fields.texts(theirs);
            if !selectors.is_empty() {
                text.push_str(&format!("      {ours}: {}\n", list(&selectors)));
            }
        }
        let ready = self.ready(fields, label);
        let steps = steps(fields);
        if steps.is_empty() {
            text.push_str(&lines(6, "wait", &ready));
        } else {
            // BackstopJS waits before it does anything, and here a page's `wait` comes last.
            let waits = ready.iter().map(|until| match until.split_once(": ") {
                Some(_) => format!("wait: {{ {until} }}"),
                None => format!("wait: {until}"),
            });
            text.push_str(&lines(6, "steps", &waits.chain(steps).collect::<Vec<_>>()));
        }
        text.push_str(&lines(6, "viewports", &self.viewports(fields, label)));
        let percent = fields
            .number("misMatchThreshold")
            .filter(|own| (own - self.mismatch).abs() > f64::EPSILON);
        if let Some(percent) = percent {
            text.push_str(&format!("      max_changed: {}%\n", percent.clamp(0.0, 100.0)));
        }
        text
    }

    /// What is waited for before anything is done.
    fn ready(&mut self, fields: &mut Fields, label: &str) -> Vec<String> {
        let mut ready = Vec::new();
        if let Some(selector) = fields.text("readySelector") {
            ready.push(format!("selector: {}", scalar(&selector)));
        }
        self.event(fields, label);
        if let Some(delay) = fields.number("delay").filter(|delay| *delay > 0.0) {
            ready.push(duration(delay));
        }
        ready
    }

    /// The event that says that a page is ready, and how long it may take.
    fn event(&mut self, fields: &mut Fields, place: &str) {
        if let Some(event) = fields.text("readyEvent") {
            self.leave_out(format!(
                "{place}: readyEvent `{event}`; wait for something that can be seen, or for an \
                 expression, instead of a line in the console"
            ));
        }
        if let Some(time) = fields.number("readyTimeout") {
            // Ours is one for all pages; a longer one takes nothing from the others.
            let longest = self.longest_wait.unwrap_or(30_000.0).max(time);
            self.longest_wait = Some(longest).filter(|longest| *longest > 30_000.0);
        }
        for name in ["requireSameDimensions", "defaultRequireSameDimensions"] {
            if fields.value(name) == Some(Value::Bool(false)) {
                self.leave_out(
                    "requireSameDimensions: false; a picture of another size is a difference",
                );
            }
        }
    }

    /// What of the page is photographed: the whole of it, or elements.
    fn clips(&mut self, fields: &mut Fields, label: &str) -> Vec<Option<String>> {
        let selectors = fields.texts("selectors");
        let expansion = fields.value("selectorExpansion");
        let mut clips = Vec::new();
        for selector in selectors {
            match selector.as_str() {
                "document" => clips.push(None),
                "viewport" => {
                    self.leave_out(format!(
                        "{label}: selectors: viewport; the whole page is looked at"
                    ));
                    clips.push(None);
                }
                _ => {
                    if expansion.as_ref().is_some_and(|value| *value != Value::Bool(false)) {
                        self.leave_out(format!(
                            "{label}: selectorExpansion; only the first `{selector}` is looked at"
                        ));
                    }
                    clips.push(Some(selector));
                }
            }
        }
        clips.dedup();
        if clips.is_empty() { vec![None] } else { clips }
    }

    fn viewports(&mut self, fields: &mut Fields, place: &str) -> Vec<String> {
        let mut names = BTreeMap::<String, u32>::new();
        let mut found = Vec::new();
        for mut viewport in fields.objects("viewports") {
            let label = viewport.text("label").or_else(|| viewport.text("name"));
            let size = (viewport.number("width"), viewport.number("height"));
            let (Some(width), Some(height)) = size else {
                self.leave_out(format!("{place}: a viewport without width and height"));
                continue;
            };
            if ![width, height].iter().all(|side| (1.0..=10_000.0).contains(side)) {
                self.leave_out(format!("{place}: a viewport of {width}x{height}"));
                continue;
            }
            let name = label.map(|label| name_of(&label.replace('.', "-")));
            let name = name.filter(|name| is_name(name));
            let mut name = name.unwrap_or_else(|| format!("{width}x{height}"));
            let count = names.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                name = format!("{name}-{count}");
            }
            let name = scalar(&name);
            found.push(format!("{{ name: {name}, width: {width:.0}, height: {height:.0} }}"));
        }
        found
    }

    /// A browser other than Chromium, which the engine options of Playwright may name.
    fn browser(&mut self, config: &mut Fields) -> String {
        let Some(mut options) = config.value("engineOptions").and_then(Fields::of) else {
            return String::new();
        };
        let browser = options.text("browser");
        for name in options.left() {
            self.leave_out(format!("engineOptions: {name}"));
        }
        match browser.as_deref() {
            Some(browser @ ("firefox" | "webkit")) => format!("  browsers: [{browser}]\n"),
            Some("chromium") | None => String::new(),
            Some(other) => {
                self.leave_out(format!("engineOptions: browser: {other}"));
                String::new()
            }
        }
    }

    /// Programs and files that an import does not see.
    fn scripts(&mut self, fields: &mut Fields) {
        for name in ["onBeforeScript", "onReadyScript"] {
            if let Some(script) = fields.text(name) {
                self.leave_out(format!(
                    "{name} {script}; clicks, hovers, keys and scrolling of the settings \
                     are carried over, what a script of your own does is not"
                ));
            }
        }
        if let Some(path) = fields.text("cookiePath") {
            self.leave_out(format!("the cookies in {path}; write them under `cookies`"));
        }
    }

    /// What else the configuration says.
    fn rest(&mut self, config: Fields) {
        let (own, other): (Vec<_>, Vec<_>) =
            config.left().into_iter().partition(|name| OWN.contains(&name.as_str()));
        for name in other {
            self.leave_out(name);
        }
        if !own.is_empty() {
            self.leave_out(format!("what BackstopJS itself needs: {}", own.join(", ")));
        }
    }

    /// Where most of the pages are.
    fn origin(&mut self, scenarios: &[Scenario]) -> Option<String> {
        let mut counts = BTreeMap::<String, usize>::new();
        for url in scenarios.iter().filter_map(|scenario| site_url(&scenario.url)) {
            *counts.entry(url.origin().ascii_serialization()).or_default() += 1;
        }
        // Of equals the first, so that the same file always gives the same spec.
        let most = counts.values().max().copied()?;
        let origin = counts.into_iter().find(|(_, count)| *count == most).map(|(origin, _)| origin);
        for scenario in scenarios {
            if let Some(url) = site_url(&scenario.url)
                && Some(url.origin().ascii_serialization()) != origin
            {
                let other = url.origin().ascii_serialization();
                self.leave_out(format!(
                    "{}: it is at {other}; a site of its own needs a gate of its own",
                    scenario.label
                ));
            }
        }
        origin
    }

    /// The entries of a scenario.
    fn page(&mut self, scenario: &Scenario, origin: Option<&str>) -> String {
        let Some(place) = self.place(scenario, origin) else { return String::new() };
        let mut text = String::new();
        for clip in &scenario.clips {
            let stem = name_of(&scenario.label);
            let stem = match clip {
                Some(clip) if scenario.clips.len() > 1 => {
                    format!("{stem}-{}", name_of(&clip.replace('.', " ")))
                }
                _ => stem,
            };
            let name = self.unused(&stem);
            if let Some(reference) = &scenario.reference {
                text.push_str(&format!("    # Was compared with {}\n", comment(reference)));
            }
            text.push_str(&format!("    - {place}\n      name: {}\n", scalar(&name)));
            if let Some(clip) = clip {
                text.push_str(&format!("      clip: {}\n", scalar(clip)));
            }
            text.push_str(&scenario.settings);
        }
        text
    }

    /// The line that says where a scenario's page is.
    fn place(&mut self, scenario: &Scenario, origin: Option<&str>) -> Option<String> {
        let Scenario { label, url, .. } = scenario;
        if let Some(found) = site_url(url) {
            if Some(found.origin().ascii_serialization().as_str()) != origin {
                return None;
            }
            let mut path = found.path().to_owned();
            for (mark, part) in [("?", found.query()), ("#", found.fragment())] {
                if let Some(part) = part {
                    path = format!("{path}{mark}{part}");
                }
            }
            if path.starts_with("//") {
                self.leave_out(format!("{label}: the path `{path}`"));
                return None;
            }
            return Some(format!("path: {}", scalar(&path)));
        }
        let is_file = [".html", ".htm"].iter().any(|end| url.ends_with(end));
        if is_file && !url.starts_with('/') && !url.contains([':', '*', '?', '[', '{']) {
            self.leave_out(format!("{label}: whether {url} is right, relative to the spec"));
            return Some(format!("file: {}", scalar(url)));
        }
        self.leave_out(format!("{label}: the address `{url}`"));
        None
    }

    /// A name that no other page has.
    fn unused(&mut self, stem: &str) -> String {
        let stem: String = stem.trim_start_matches('.').chars().take(70).collect();
        let stem = if stem.is_empty() { "page".to_owned() } else { stem };
        let numbered = (2..).map(|n| format!("{stem}-{n}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        names.find(|name| self.names.insert(name.clone())).expect("the numbers do not run out")
    }
}

fn site_url(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// What BackstopJS's own script does on a page, in its order.
fn steps(fields: &mut Fields) -> Vec<String> {
    let mut steps = Vec::new();
    // Of a plural and a singular, the plural holds.
    let singular = fields.objects("keyPressSelector");
    let mut keys = fields.objects("keyPressSelectors");
    if keys.is_empty() {
        keys = singular;
    }
    for mut press in keys {
        if let (Some(selector), Some(text)) = (press.text("selector"), press.text("keyPress")) {
            let (selector, text) = (scalar(&selector), scalar(&text));
            steps.push(format!("fill: {{ selector: {selector}, text: {text} }}"));
        }
    }
    for (plural, single, step) in
        [("hoverSelectors", "hoverSelector", "hover"), ("clickSelectors", "clickSelector", "click")]
    {
        let (single, mut selectors) = (fields.texts(single), fields.texts(plural));
        if selectors.is_empty() {
            selectors = single;
        }
        steps.extend(selectors.iter().map(|selector| format!("{step}: {}", scalar(selector))));
    }
    if let Some(time) = fields.number("postInteractionWait") {
        if time > 0.0 {
            steps.push(format!("wait: {}", duration(time)));
        }
    } else if let Some(selector) = fields.text("postInteractionWait") {
        steps.push(format!("wait: {{ selector: {} }}", scalar(&selector)));
    }
    if let Some(selector) = fields.text("scrollToSelector") {
        steps.push(format!("scroll: {}", scalar(&selector)));
    }
    steps
}
