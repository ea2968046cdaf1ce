//! Takes the secrets out of HTTP messages, span by span: what is not secret stays as it was, byte
//! for byte.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use regex::bytes::RegexSetBuilder;

use crate::edit::{Edit, Edits, Escapes, Plain, apply};
use crate::learnt::Learnt;
use crate::look::{At, Level, Look};
use crate::names::{Class, Name};
use crate::placeholder::{self, Key};
use crate::profiles::{PROFILES, Profile};
use crate::rules::Rules;
use crate::scan::Finding;
use crate::{Redactor, entropy, multipart, personal, scan, stream};

/// Headers that say how a message is to be read; only what is a secret beyond doubt is taken out.
const PLAIN_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "host",
    "server",
    "te",
    "transfer-encoding",
    "user-agent",
    "vary",
];
/// Headers whose values are drawn at random and open nothing.
const HARMLESS_HEADERS: &[&str] = &[
    "alt-svc",
    "cf-ray",
    "content-digest",
    "content-md5",
    "content-security-policy",
    "etag",
    "nel",
    "report-to",
    "repr-digest",
    "sec-websocket-accept",
    "sec-websocket-key",
    "server-timing",
    "via",
    "x-served-by",
    "x-timer",
];

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSetting(String);

impl std::fmt::Display for BadSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSetting {}

/// Takes secrets out of messages. What a cleaner, or a clone of it, has recognised once it finds
/// again wherever it stands.
#[derive(Debug, Clone)]
pub struct Cleaner {
    rules: Arc<Rules>,
}

impl Cleaner {
    /// With the secrets that are known by value, further names whose values are secret, and the
    /// key of the placeholders.
    pub fn new(known: Redactor, names: &[String], key: Key) -> Cleaner {
        let mut learnt = Learnt::default();
        for value in known.values() {
            let with = placeholder::of("secret", &key, value.as_bytes());
            learnt.add(value.as_bytes(), with.as_bytes(), true);
        }
        let names = names.iter().map(|name| Name::of(name.as_bytes()).as_bytes().to_vec());
        let rules = Rules {
            key,
            names: names.collect(),
            profiles: Vec::new(),
            allow: None,
            keep_personal: false,
            knows_some: !known.values().is_empty(),
            learnt: RwLock::new(learnt),
            generation: AtomicU64::new(0),
        };
        Cleaner { rules: Arc::new(rules) }
    }

    fn changed(self, change: impl FnOnce(&mut Rules)) -> Cleaner {
        let mut rules = Arc::try_unwrap(self.rules)
            .unwrap_or_else(|_| unreachable!("a cleaner is set up before it is cloned"));
        change(&mut rules);
        Cleaner { rules: Arc::new(rules) }
    }

    /// The same, but what all of one of these expressions matches is no secret.
    pub fn allowing(self, expressions: &[String]) -> Result<Cleaner, BadSetting> {
        let whole = expressions.iter().map(|expression| format!("^(?:{expression})$"));
        let set = RegexSetBuilder::new(whole).unicode(false).size_limit(4 << 20).build();
        let set = set.map_err(|error| {
            let error = error.to_string().replace('\n', " ");
            BadSetting(format!("a value to be kept is no regular expression: {error}"))
        })?;
        Ok(self.changed(|rules| rules.allow = (!set.is_empty()).then_some(set)))
    }

    /// The same, but personal data may stay.
    pub fn keeping_personal(self, keep: bool) -> Cleaner {
        self.changed(|rules| rules.keep_personal = keep)
    }

    /// The same, with what these platforms mean by names, whatever the host: for a stand-in of one.
    pub fn with_profiles(self, names: &[String]) -> Result<Cleaner, BadSetting> {
        let profile = |name: &String| {
            Profile::named(name).ok_or_else(|| {
                let known: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
                BadSetting(format!("`{name}` is no platform; known are {}", known.join(", ")))
            })
        };
        let profiles = names.iter().map(profile).collect::<Result<_, _>>()?;
        Ok(self.changed(|rules| rules.profiles = profiles))
    }

    fn look(&self, host: &str) -> Look<'_> {
        let profile = Profile::of_host(host);
        Look { rules: &self.rules, profile, level: Level::All, may_learn: true }
    }

    /// How much was learnt so far: when it grows while a message is cleaned, parts of the message
    /// that were cleaned before may hold what was learnt, and are worth another look.
    pub fn generation(&self) -> u64 {
        self.rules.generation()
    }

    /// The edits of a text, which may hold what is learnt further on in it.
    fn settled(&self, look: impl Fn() -> Vec<Edit>) -> Vec<Edit> {
        let before = self.generation();
        let edits = look();
        if self.generation() == before { edits } else { look() }
    }

    /// An address without its secrets.
    pub fn url<'u>(&self, url: &'u str) -> Cow<'u, str> {
        match apply(url.as_bytes(), &self.settled(|| self.url_edits(url))) {
            Cow::Borrowed(_) => Cow::Borrowed(url),
            Cow::Owned(clean) => Cow::Owned(
                String::from_utf8(clean)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        }
    }

    fn url_edits(&self, url: &str) -> Vec<Edit> {
        let bytes = url.as_bytes();
        let authority = url.find("://").map_or(0, |at| at + 3);
        let is_end = |b: &u8| matches!(b, b'/' | b'?' | b'#');
        let path = authority
            + if authority == 0 {
                0
            } else {
                bytes[authority..].iter().position(is_end).unwrap_or(bytes.len() - authority)
            };
        let host = &url[authority..path];
        let look = self.look(host.rsplit('@').next().unwrap_or_default());
        let end = |from: usize, stop: &[u8]| {
            bytes[from..].iter().position(|b| stop.contains(b)).map_or(bytes.len(), |at| from + at)
        };
        let query = end(path, b"?#");
        let fragment = end(query, b"#");
        let mut edits = Edits::default();
        let mut add = |found: Vec<Edit>, from: usize| {
            edits.extend(found.into_iter().map(|edit| moved(edit, from)));
        };
        add(look.sure().text(bytes, At::top()), 0);
        self.path_edits(look, &bytes[path..query], &mut |found, at| add(found, path + at));
        if query < fragment {
            add(look.form(&bytes[query + 1..fragment], At::top()), query + 1);
        }
        if fragment < bytes.len() {
            add(look.form(&bytes[fragment + 1..], At::top()), fragment + 1);
        }
        edits.settled()
    }

    fn path_edits(&self, look: Look<'_>, path: &[u8], add: &mut dyn FnMut(Vec<Edit>, usize)) {
        let (mut at, mut before) = (0, &b""[..]);
        for segment in path.split(|b| *b == b'/') {
            let person_after = |profile: &&'static Profile| {
                profile.person_after.iter().any(|name| name.as_bytes() == before)
            };
            // The hash of an address says whose it is, wherever it is called a member.
            let is_person = personal::is_digest(segment)
                && !self.rules.keep_personal
                && PROFILES.iter().any(|profile| person_after(&profile));
            let found = if is_person {
                look.value(segment, Class::Person)
            } else if segment.contains(&b'%') {
                let plain = Plain::of(segment, Escapes::Percent);
                plain.back(look.text(&plain.text, At::top()), 0)
            } else {
                look.text(segment, At::top())
            };
            add(found, at);
            at += segment.len() + 1;
            before = segment;
        }
    }

    /// The value of a header (its name in lower case) of a message to or from this host.
    pub fn header<'v>(&self, host: &str, name: &str, value: &'v [u8]) -> Cow<'v, [u8]> {
        apply(value, &self.settled(|| self.header_edits(host, name, value)))
    }

    fn header_edits(&self, host: &str, name: &str, value: &[u8]) -> Vec<Edit> {
        let look = self.look(host);
        if PLAIN_HEADERS.contains(&name) {
            return look.sure().text(value, At::top());
        }
        let class = match name {
            _ if HARMLESS_HEADERS.contains(&name) => Class::Harmless,
            _ => look.class(name.as_bytes()),
        };
        match name {
            "set-cookie" => return cookies(look, value, true),
            "cookie" => return cookies(look, value, false),
            "authorization" | "proxy-authorization" => return self.authorization(look, value),
            _ => {}
        }
        match look.value(value, class) {
            edits if edits.is_empty() => look.text(value, At { class, ..At::top() }),
            edits => edits,
        }
    }

    /// The scheme stays; of basic authentication the password is learnt as well.
    fn authorization(&self, look: Look<'_>, value: &[u8]) -> Vec<Edit> {
        use base64::Engine as _;
        let start = value.iter().position(|b| *b == b' ').map_or(0, |at| at + 1);
        let (scheme, secret) = value.split_at(start);
        if scheme.eq_ignore_ascii_case(b"basic ")
            && let Ok(plain) = base64::engine::general_purpose::STANDARD.decode(secret)
            && let Some(colon) = plain.iter().position(|b| *b == b':')
            && !self.rules.is_kept(&plain[colon + 1..])
        {
            let password = &plain[colon + 1..];
            let with = placeholder::of("secret", &self.rules.key, password);
            self.rules.learn(password, with.as_bytes());
        }
        let edits = look.value(secret, Class::Secret);
        edits.into_iter().map(|edit| moved(edit, start)).collect()
    }

    /// A body of this media type, its content codings taken off, of a message to or from this host.
    pub fn body<'b>(&self, host: &str, media_type: &str, body: &'b [u8]) -> Cow<'b, [u8]> {
        let look = self.look(host);
        apply(body, &self.settled(|| self.body_edits(look, media_type, body, At::top())))
    }

    fn body_edits(&self, look: Look<'_>, media_type: &str, body: &[u8], at: At) -> Vec<Edit> {
        let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_binary = ["image/", "audio/", "video/", "font/", "application/pdf"]
            .iter()
            .any(|binary| kind.starts_with(binary));
        if is_binary && !kind.ends_with("xml") {
            return look.sure().text(body, at);
        }
        let boundary = kind.starts_with("multipart/").then(|| multipart::boundary(media_type));
        let structured = match boundary.flatten().filter(|_| at.depth < 3) {
            Some(boundary) => self.parts(look, boundary, body, at),
            None if kind == "application/x-www-form-urlencoded" => look.form(body, at),
            None => return look.text(body, at),
        };
        // What the parts say together.
        let mut edits = Edits::default();
        edits.extend(structured);
        edits.extend(look.sure().text(body, at));
        edits.settled()
    }

    fn parts(&self, look: Look<'_>, boundary: &str, body: &[u8], at: At) -> Vec<Edit> {
        let mut edits = Edits::default();
        let mut add = |found: Vec<Edit>, range: &Range<usize>| {
            edits.extend(found.into_iter().map(|edit| moved(edit, range.start)));
        };
        for part in multipart::parts(body, boundary) {
            let head = String::from_utf8_lossy(&body[part.head.clone()]).into_owned();
            let content = &body[part.body.clone()];
            let disposition = multipart::header(&head, "content-disposition").unwrap_or_default();
            let name = multipart::parameter(disposition, "name").unwrap_or_default();
            let media_type = multipart::header(&head, "content-type").unwrap_or_default();
            let harmless = At { class: Class::Harmless, ..at };
            add(look.text(&body[part.head.clone()], harmless), &part.head);
            let class = look.class(name.as_bytes());
            let found = match look.value(content, class) {
                found if found.is_empty() => {
                    let at = At { class, depth: at.depth + 1, ..at };
                    self.body_edits(look, media_type, content, at)
                }
                found => found,
            };
            add(found, &part.body);
        }
        edits.settled()
    }

    /// What [`Cleaner::url`] would take out.
    pub fn in_url(&self, url: &str) -> Vec<Finding> {
        scan::changes(url.as_bytes(), &self.settled(|| self.url_edits(url)))
    }

    /// What [`Cleaner::header`] would take out.
    pub fn in_header(&self, host: &str, name: &str, value: &[u8]) -> Vec<Finding> {
        scan::changes(value, &self.settled(|| self.header_edits(host, name, value)))
    }

    /// What [`Cleaner::body`] would take out.
    pub fn in_body(&self, host: &str, media_type: &str, body: &[u8]) -> Vec<Finding> {
        let look = self.look(host);
        let edits = self.settled(|| self.body_edits(look, media_type, body, At::top()));
        scan::changes(body, &edits)
    }

    /// Copies a body of any size without its secrets, in bounded memory (some 20 MiB), and says
    /// whether that changed it. Up to 8 MiB it is what [`Cleaner::body`] makes of it; beyond, it
    /// is looked at through a window, so a coded text of more than 64 KiB may be cut in two, the
    /// parts of a multipart body have no types of their own, and gzip is compressed anew.
    pub fn copy(
        &self,
        host: &str,
        media_type: &str,
        mut from: impl Read,
        mut to: impl Write,
    ) -> io::Result<bool> {
        let look = self.look(host);
        let whole = |body: &[u8]| match self.body(host, media_type, body) {
            Cow::Owned(clean) => Some(clean),
            Cow::Borrowed(_) => None,
        };
        let kind = if media_type.starts_with("multipart/") { "" } else { media_type };
        let part = |text: &[u8]| self.settled(|| self.body_edits(look, kind, text, At::top()));
        stream::copy(&mut from, &mut to, whole, part)
    }

    /// The last look over bytes about to be written: secrets that are known, were learnt or have
    /// the shape of one, in the bytes as they are and behind escapes, base64 and gzip. Names,
    /// personal data and what only looks drawn at random are not looked for again.
    pub fn scan(&self, bytes: &[u8]) -> Vec<Finding> {
        scan::scan(self.last(Level::Sure), bytes)
    }

    /// The bytes, which were cleaned before, without what was learnt since.
    pub fn again<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        apply(bytes, &self.last(Level::Known).text(bytes, At::top()))
    }

    fn last(&self, level: Level) -> Look<'_> {
        Look { rules: &self.rules, profile: None, level, may_learn: false }
    }
}

/// The values of cookies; of one that is set the first pair alone is it.
fn cookies(look: Look<'_>, value: &[u8], is_set: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut at = 0;
    for (number, part) in value.split(|b| *b == b';').enumerate() {
        if let Some(cut) = part.iter().position(|b| *b == b'=')
            && (number == 0 || !is_set)
        {
            let own = &part[cut + 1..];
            let found = if entropy::is_likely(own) {
                look.value(own, Class::Secret)
            } else {
                look.unlearnt(own)
            };
            edits.extend(found.into_iter().map(|edit| moved(edit, at + cut + 1)));
        }
        at += part.len() + 1;
    }
    edits
}

fn moved(edit: Edit, by: usize) -> Edit {
    Edit { at: edit.at.start + by..edit.at.end + by, ..edit }
}

#[cfg(test)]
#[path = "cleaner_tests.rs"]
mod tests;
