//! The pages: templates embedded in the binary, with slots written `{{name}}`.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::experiment::{Arm, Visitor};
use crate::fault::{self, Faults};

/// One page of the site.
pub(crate) struct Page {
    /// Where it is served.
    pub(crate) path: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    body: &'static str,
}

/// Every page that a visitor can reach, in the order of the sitemap.
pub(crate) const PAGES: &[Page] = &[
    Page {
        path: "/",
        name: "home",
        title: "Saltmoor: berths, tides and guests for small harbours",
        description: "The berth plan, the tide table and the guest book on one page.",
        body: include_str!("../site/home.html"),
    },
    // Where one arm of an experiment may be led; what it reports is reported by the home page.
    Page {
        path: "/hero",
        name: "hero",
        title: "Saltmoor: berths, tides and guests for small harbours",
        description: "The berth plan, the tide table and the guest book on one page.",
        body: include_str!("../site/home.html"),
    },
    Page {
        path: "/pricing",
        name: "pricing",
        title: "Pricing · Saltmoor",
        description: "One price a month for the harbour, no fee for a booking.",
        body: include_str!("../site/pricing.html"),
    },
    Page {
        path: "/signup",
        name: "signup",
        title: "Start free · Saltmoor",
        description: "Thirty days free, no card. Your berth plan is ready the next working day.",
        body: include_str!("../site/signup.html"),
    },
    Page {
        path: "/thanks",
        name: "thanks",
        title: "Welcome aboard · Saltmoor",
        description: "Your harbour is being drawn.",
        body: include_str!("../site/thanks.html"),
    },
    Page {
        path: "/privacy",
        name: "privacy",
        title: "Privacy · Saltmoor",
        description: "What Saltmoor keeps, what it counts and who sees it.",
        body: include_str!("../site/privacy.html"),
    },
    Page {
        path: "/imprint",
        name: "imprint",
        title: "Imprint · Saltmoor",
        description: "Who runs this site.",
        body: include_str!("../site/imprint.html"),
    },
];

const LAYOUT: &str = include_str!("../site/layout.html");
const NOTICE: &str = include_str!("../site/notice.html");
const HERO_OLD: &str = include_str!("../site/hero-old.html");
const HERO_NEW: &str = include_str!("../site/hero-new.html");
const EMAIL: &str = include_str!("../site/email-welcome.html");

const BANNER: &str = "<div class=\"banner\" id=\"banner\">\
    Harbour week: every plan at half price until Sunday</div>\n";

/// The longest name that the e-mail greets, in characters.
const LONGEST_NAME: usize = 60;

/// A file that pages refer to.
pub(crate) struct Asset {
    /// The last part of its path, below `/assets/`.
    pub(crate) name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

/// Embeds one drawing of `site/assets`.
macro_rules! drawing {
    ($name:literal) => {
        Asset {
            name: $name,
            media_type: "image/svg+xml",
            bytes: include_bytes!(concat!("../site/assets/", $name)),
        }
    };
}

/// Every file of `site/assets`.
pub(crate) const ASSETS: &[Asset] = &[
    Asset {
        name: "site.css",
        media_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../site/assets/site.css"),
    },
    Asset {
        name: "site.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../site/assets/site.js"),
    },
    Asset {
        name: "tideboard.ttf",
        media_type: "font/ttf",
        bytes: include_bytes!("../site/assets/tideboard.ttf"),
    },
    drawing!("berth-plan.svg"),
    drawing!("chevron.svg"),
    drawing!("email-header.svg"),
    drawing!("guest-phone.svg"),
    drawing!("harbour-morning.svg"),
    drawing!("hero-night.svg"),
    drawing!("mark.svg"),
    drawing!("soundings.svg"),
];

/// A page as one visitor sees it, faults included.
pub(crate) fn render(page: &Page, visitor: Option<&Visitor>, faults: &Faults) -> String {
    let hero = match visitor.map(|visitor| visitor.arm) {
        Some(Arm::NewHero) => HERO_NEW,
        Some(Arm::Control) | None => HERO_OLD,
    };
    let recoloured = faults.is_on(fault::RECOLOURED_BUTTON);
    let hero = fill(hero, &[("cta_class", if recoloured { " button-violet" } else { "" })]);
    let body = fill(page.body, &[("hero", &hero)]);
    let banner = page.name == "pricing" && faults.is_on(fault::INSERTED_BANNER);
    let broken = page.name == "signup" && faults.is_on(fault::BROKEN_LINK);
    fill(
        LAYOUT,
        &[
            ("title", page.title),
            ("description", page.description),
            ("page", page.name),
            ("visitor", &visitor.map(|visitor| escape(&visitor.id)).unwrap_or_default()),
            ("arm", visitor.map(|visitor| visitor.arm.name()).unwrap_or_default()),
            ("banner", if banner { BANNER } else { "" }),
            ("privacy", if broken { "/privacy-and-cookies" } else { "/privacy" }),
            ("body", &body),
        ],
    )
}

/// A short page that says what went wrong.
pub(crate) fn notice(status: StatusCode, heading: &str, text: &str) -> Response {
    let body = fill(NOTICE, &[("heading", &escape(heading)), ("text", &escape(text))]);
    let html = fill(
        LAYOUT,
        &[
            ("title", "Saltmoor"),
            ("description", ""),
            ("page", "notice"),
            ("visitor", ""),
            ("arm", ""),
            ("banner", ""),
            ("privacy", "/privacy"),
            ("body", &body),
        ],
    );
    (status, Html(html)).into_response()
}

/// The e-mail that greets a new harbour. A name that is missing or blank becomes `sailor`.
pub(crate) fn email(name: Option<&str>) -> String {
    let name: String = name.unwrap_or_default().trim().chars().take(LONGEST_NAME).collect();
    let name = if name.is_empty() { "sailor" } else { &name };
    fill(EMAIL, &[("name", &escape(name))])
}

/// A file of that name, unless it is missing or a fault says so.
pub(crate) fn asset(name: &str, faults: &Faults) -> Option<Response> {
    if name == "harbour-morning.svg" && faults.is_on(fault::MISSING_IMAGE) {
        return None;
    }
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let media_type = HeaderValue::from_static(asset.media_type);
    let bytes = if name == "site.js" { script(faults) } else { Cow::Borrowed(asset.bytes) };
    Some(([(header::CONTENT_TYPE, media_type)], Body::from(bytes)).into_response())
}

const SCRIPT: &str = include_str!("../site/assets/site.js");
/// What sends the exposure.
const EXPOSES: &str = "beacon(\"exposure\");";

/// The script of all pages, faults included.
fn script(faults: &Faults) -> Cow<'static, [u8]> {
    debug_assert_eq!(SCRIPT.matches(EXPOSES).count(), 1);
    let other = if faults.is_on(fault::DOUBLE_EXPOSURE) {
        format!("{EXPOSES} {EXPOSES}")
    } else if faults.is_on(fault::LOST_BEACON) {
        format!("setTimeout(function () {{ {EXPOSES} }}, 8000);")
    } else {
        return Cow::Borrowed(SCRIPT.as_bytes());
    };
    Cow::Owned(SCRIPT.replacen(EXPOSES, &other, 1).into_bytes())
}

/// Puts values into slots. A value is never searched for slots; a slot without a value is a
/// broken template.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, slot)) = rest.split_once("{{") {
        let (name, after) = slot.split_once("}}").expect("a template closes its slots");
        let value = values.iter().find(|(key, _)| *key == name);
        let (_, value) = value.unwrap_or_else(|| panic!("nothing was given for the slot {name}"));
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Text as it stands inside an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_searched_for_slots() {
        assert_eq!(fill("{{a}}-{{b}}", &[("a", "{{b}}"), ("b", "1")]), "{{b}}-1");
    }

    #[test]
    fn a_name_cannot_break_out_of_the_email() {
        let html = email(Some("<img src=x>&\"{{name}}"));
        assert!(html.contains("Good morning, &lt;img src=x&gt;&amp;&quot;{{name}}."));
        assert!(email(Some(" ")).contains("Good morning, sailor."));
        assert!(email(Some(&"å".repeat(200))).contains(&format!(" {}.", "å".repeat(LONGEST_NAME))));
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/site/assets");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut embedded: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
        embedded.sort_unstable();
        assert_eq!(embedded, files);
    }
}
