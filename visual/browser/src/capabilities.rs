//! What is asked of a browser when a session is made.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Launch;

/// Arguments that make two pictures of one page the same bytes.
const DETERMINISTIC: &[&str] = &[
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    // Pictures are decoded before the frame that shows them, not some frames later.
    "--disable-checker-imaging",
    // Animated pictures stand still at their first frame (2 is "no animation"). A machine without
    // a mouse would say that nothing hovers (2) and nothing points exactly (4): not a desktop.
    "--blink-settings=imageAnimationPolicy=2,primaryHoverType=2,availableHoverTypes=2,\
     primaryPointerType=4,availablePointerTypes=4",
    "--lang=en-US",
];

/// Arguments that keep the browser from doing anything of its own accord.
const QUIET: &[&str] = &[
    "--headless",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-quic",
    "--disable-renderer-backgrounding",
    "--disable-sync",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
    // The script that prepares a page reaches those frames only that share its process.
    "--disable-site-isolation-trials",
];

/// Features switched off; the browser takes one list only.
const FEATURES_OFF: &str = "--disable-features=Translate,OptimizationHints,MediaRouter,\
    DialMediaRouteProvider,PaintHolding,IsolateOrigins,site-per-process,\
    ProactivelySwapBrowsingInstance,BackForwardCache";

/// What is known about the machine that the browser will run on.
pub(crate) struct Machine<'a> {
    /// The folder for the profile and the executable, for a browser that is started here.
    pub(crate) local: Option<(&'a Path, Option<&'a Path>)>,
    /// Its sandbox refuses to work for this user.
    pub(crate) is_root: bool,
    /// `/dev/shm` is too small for a browser, as it is in many containers.
    pub(crate) little_shared_memory: bool,
}

/// Less than this in `/dev/shm` and a browser crashes on a large page.
const ENOUGH_SHARED_MEMORY: u64 = 512 << 20;

impl<'a> Machine<'a> {
    /// This machine.
    pub(crate) fn here(folder: &'a Path, chromium: Option<&'a Path>) -> Self {
        Self {
            local: Some((folder, chromium)),
            is_root: rustix::process::geteuid().is_root(),
            little_shared_memory: little_shared_memory(),
        }
    }
}

#[cfg(target_os = "linux")]
fn little_shared_memory() -> bool {
    rustix::fs::statvfs("/dev/shm")
        .map_or(true, |stat| stat.f_bavail.saturating_mul(stat.f_frsize) < ENOUGH_SHARED_MEMORY)
}

#[cfg(not(target_os = "linux"))]
fn little_shared_memory() -> bool {
    // Only there is a file system in the way.
    let _ = ENOUGH_SHARED_MEMORY;
    false
}

/// The arguments of the browser.
pub(crate) fn arguments(launch: &Launch, machine: &Machine<'_>) -> Vec<String> {
    let mut args: Vec<String> =
        DETERMINISTIC.iter().chain(QUIET).map(|arg| (*arg).to_owned()).collect();
    args.push(FEATURES_OFF.to_owned());
    if let Some((folder, _)) = machine.local {
        args.push(format!("--user-data-dir={}", folder.join("profile").display()));
        if machine.is_root {
            args.push("--no-sandbox".to_owned());
        }
    }
    if machine.little_shared_memory {
        args.push("--disable-dev-shm-usage".to_owned());
    }
    args.extend(launch.arguments.iter().cloned());
    args
}

/// The `capabilities` of a new-session request.
pub(crate) fn capabilities(launch: &Launch, machine: &Machine<'_>) -> Value {
    let mut options = Map::new();
    if let Some((_, Some(chromium))) = machine.local {
        options.insert("binary".to_owned(), json!(chromium));
    }
    options.insert("args".to_owned(), json!(arguments(launch, machine)));
    let mut always = json!({
        "browserName": "chrome",
        "pageLoadStrategy": "normal",
        // A page that asks a question must not hold up the picture.
        "unhandledPromptBehavior": "dismiss",
        "goog:chromeOptions": options,
    });
    merge(&mut always, &Value::Object(launch.capabilities.clone()));
    json!({ "capabilities": { "alwaysMatch": always } })
}

pub(crate) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from.iter().cloned()),
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DriverAt;

    fn check(machine: &Machine<'_>, extra: Value, has: &[&str], has_not: &[&str]) -> Value {
        let mut launch =
            Launch::new(DriverAt::Remote { url: "http://grid/".to_owned() }, "/unused".into());
        let Value::Object(extra) = extra else { panic!("an object is needed") };
        launch.capabilities = extra;
        let made = capabilities(&launch, machine);
        let always = made["capabilities"]["alwaysMatch"].clone();
        let args = always["goog:chromeOptions"]["args"].to_string();
        for arg in has {
            assert!(args.contains(&format!("\"{arg}\"")), "{arg} is missing in {args}");
        }
        for arg in has_not {
            assert!(!args.contains(arg), "{arg} is in {args}");
        }
        always
    }

    #[test]
    fn arguments_follow_the_machine() {
        let folder = Path::new("/w/s1");
        let chromium = Some(Path::new("/usr/bin/chromium"));
        let local = Some((folder, chromium));
        let root = Machine { local, is_root: true, little_shared_memory: true };
        let profile = "--user-data-dir=/w/s1/profile";
        let has = ["--no-sandbox", "--disable-dev-shm-usage", profile, "--hide-scrollbars"];
        let made = check(&root, json!({}), &has, &[]);
        assert_eq!(made["goog:chromeOptions"]["binary"], "/usr/bin/chromium");
        let user = Machine { is_root: false, little_shared_memory: false, ..root };
        check(&user, json!({}), &[profile], &["no-sandbox", "dev-shm"]);
        // Nothing of this machine reaches another one.
        let remote = Machine { local: None, is_root: true, little_shared_memory: true };
        check(&remote, json!({}), &["--disable-dev-shm-usage"], &["no-sandbox", "/w/s1"]);
    }

    #[test]
    fn extra_capabilities_are_merged() {
        let remote = Machine { local: None, is_root: false, little_shared_memory: false };
        let extra = json!({
            "browserVersion": "stable",
            "unhandledPromptBehavior": "accept",
            "goog:chromeOptions": { "args": ["--ours-too"], "mobileEmulation": {} },
        });
        let made = check(&remote, extra, &["--ours-too", "--headless"], &[]);
        assert_eq!(made["browserVersion"], "stable");
        assert_eq!(made["unhandledPromptBehavior"], "accept");
        assert!(made["goog:chromeOptions"]["mobileEmulation"].is_object());
    }
}
