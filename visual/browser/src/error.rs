//! What can go wrong between a URL and a picture.

use std::{fmt, io, time::Duration};

/// Why there is no picture. The text is a lowercase fragment; what to do about it is apart, in
/// [`Error::hint`].
///
/// A page that answers with an error status is not an error here: see
/// [`Capture::status`](crate::Capture::status).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The driver or its browser could not be started.
    DriverStart {
        /// What happened, with the path of the program.
        reason: String,
        /// The last lines that the driver wrote, at most 2 KiB; may be empty.
        output: String,
        /// What to do.
        hint: String,
    },
    /// A remote WebDriver endpoint gave no session.
    Remote {
        /// What happened; never shows the user or password of the endpoint.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The address is not one that may be captured.
    BadUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// A selector is not valid CSS.
    BadSelector {
        /// The selector as given.
        selector: String,
        /// What the browser said about it.
        reason: String,
    },
    /// A step could not be done. The page has no picture.
    Step {
        /// Its number, from 1.
        number: usize,
        /// The step in words, such as `` click `a.cta` ``.
        step: String,
        /// What was missing.
        reason: String,
    },
    /// Something that was waited for did not come about. The page has no picture.
    Wait {
        /// Its number, from 1.
        number: usize,
        /// What was waited for, in words.
        until: String,
        /// What was missing.
        reason: String,
        /// How long was waited.
        after: Duration,
    },
    /// The element whose box was to be the picture is not on the page, or has no box.
    NothingToClip {
        /// Its selector.
        selector: String,
    },
    /// The browser does not know a value that a setting has.
    BadSetting {
        /// The setting: `time zone`, `locale`.
        setting: &'static str,
        /// What was wrong with it.
        reason: String,
    },
    /// This browser cannot do what a setting asks for.
    Unsupported {
        /// The setting.
        setting: &'static str,
        /// The browser.
        browser: &'static str,
    },
    /// The site refused the connection.
    Refused {
        /// Host and port.
        host: String,
    },
    /// The name of the site does not resolve.
    NameNotResolved {
        /// The host.
        host: String,
    },
    /// The certificate or the handshake was not accepted.
    Tls {
        /// Host and port.
        host: String,
        /// The browser's name for the problem, such as `ERR_CERT_DATE_INVALID`.
        reason: String,
    },
    /// The page could not be loaded for another reason: a reset connection, too many redirects,
    /// an answer that is not a page.
    Navigation {
        /// Host and port.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The page was still loading at its deadline.
    NavigationTimeout {
        /// Host and port.
        host: String,
        /// The deadline that passed.
        after: Duration,
    },
    /// The page was still changing at the deadline for it to come to rest.
    NeverSettled(Box<Unsettled>),
    /// The page is higher than may be captured.
    TooTall {
        /// Height in CSS pixels.
        height: u32,
        /// The limit in CSS pixels.
        limit: u32,
    },
    /// The browser or the driver is gone or no longer answers. The session is of no further use.
    SessionLost {
        /// What was seen.
        reason: String,
    },
    /// The driver answered something that does not fit.
    Protocol {
        /// The command that was sent.
        command: String,
        /// What came back.
        reason: String,
    },
    /// The folder for the browser's files could not be made.
    Io {
        /// What was being done.
        doing: String,
        /// The cause.
        source: io::Error,
    },
}

/// The evidence that a page does not come to rest.
pub struct Unsettled {
    /// Two PNG pictures of the page, in the order taken. Equal when the pixels held still but
    /// something else did not become ready. Empty when no picture could be taken at all.
    pub frames: [Vec<u8>; 2],
    /// What was still going on, as a fragment: `the picture keeps changing`.
    pub what: String,
    /// The deadline that passed.
    pub after: Duration,
}

impl fmt::Debug for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.frames.each_ref().map(Vec::len);
        f.debug_struct("Unsettled")
            .field("frames", &format_args!("{first} and {second} bytes"))
            .field("what", &self.what)
            .field("after", &self.after)
            .finish()
    }
}

impl Error {
    /// What to do about it, where something can be said.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::DriverStart { hint, .. } | Self::Remote { hint, .. } => Some(hint.as_str()),
            Self::BadUrl { .. } => Some("give an absolute http or https address"),
            Self::Refused { .. } => Some("is the site running, and on that port?"),
            Self::NameNotResolved { .. } => Some("check the spelling of the host and the DNS"),
            Self::Tls { .. } => Some("the browser has to trust the site's certificate"),
            Self::NavigationTimeout { .. } => {
                Some("a resource of the page may hang: see what it waits for, or allow more time")
            }
            Self::NeverSettled(_) => {
                Some("mask or hide the part that moves, or stop it when the page is captured")
            }
            Self::TooTall { .. } => Some("a page that grows as it is scrolled has no full height"),
            Self::SessionLost { .. } => Some("open a new session and try again"),
            Self::Io { .. } => Some("is the disk full, and may the folder be written to?"),
            Self::Step { .. } | Self::Wait { .. } => {
                Some("is it on the page in this viewport, and may it take longer?")
            }
            Self::NothingToClip { .. } => Some("a page may show it in some viewports only"),
            Self::Unsupported { .. } => Some("leave it out for this browser, or use Chromium"),
            Self::BadSelector { .. }
            | Self::BadSetting { .. }
            | Self::Navigation { .. }
            | Self::Protocol { .. } => None,
        }
        .filter(|hint| !hint.is_empty())
    }

    /// Whether the session that gave this error can go on with another page.
    pub fn ends_session(&self) -> bool {
        matches!(
            self,
            Self::DriverStart { .. }
                | Self::Remote { .. }
                | Self::SessionLost { .. }
                | Self::Io { .. }
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DriverStart { reason, output, .. } => {
                write!(f, "driver did not start: {reason}")?;
                match output.trim() {
                    "" => Ok(()),
                    output => write!(f, " (it wrote: {output})"),
                }
            }
            Self::Remote { reason, .. } => write!(f, "no session at the remote driver: {reason}"),
            Self::BadUrl { reason } => write!(f, "address cannot be captured: {reason}"),
            Self::BadSelector { selector, reason } => {
                write!(f, "`{selector}` is not a valid selector: {reason}")
            }
            Self::Step { number, step, reason } => {
                write!(f, "step {number} ({step}) could not be done: {reason}")
            }
            Self::Wait { number, until, reason, after } => {
                write!(f, "wait {number} for {until} was in vain for {after:?}: {reason}")
            }
            Self::NothingToClip { selector } => {
                write!(f, "there is no `{selector}` to take the picture of")
            }
            Self::BadSetting { setting, reason } => {
                write!(f, "the browser does not accept the {setting}: {reason}")
            }
            Self::Unsupported { setting, browser } => {
                write!(f, "{browser} cannot do what `{setting}` asks for")
            }
            Self::Refused { host } => write!(f, "{host} refused the connection"),
            Self::NameNotResolved { host } => write!(f, "the name {host} does not resolve"),
            Self::Tls { host, reason } => write!(f, "no trusted connection to {host}: {reason}"),
            Self::Navigation { host, reason } => write!(f, "no page from {host}: {reason}"),
            Self::NavigationTimeout { host, after } => {
                write!(f, "page of {host} was still loading after {after:?}")
            }
            Self::NeverSettled(seen) => {
                write!(f, "page did not come to rest within {:?}: {}", seen.after, seen.what)
            }
            Self::TooTall { height, limit } => {
                write!(f, "page is {height} px high, and the limit is {limit} px")
            }
            Self::SessionLost { reason } => write!(f, "browser session was lost: {reason}"),
            Self::Protocol { command, reason } => write!(f, "driver failed at {command}: {reason}"),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
