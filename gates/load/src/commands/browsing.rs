//! `gate load URL --browsers N`.

use clap::Args;
use gate_core::values::DurationValue;
use gate_core::{Context, Error};

use crate::browsers::{self, Crew};
use crate::settings::{Browsers, Settings};
use crate::target::{Asks, Target};

/// What is said of browsers that look on.
#[derive(Debug, Args)]
pub(crate) struct Browsing {
    /// Let 1 or 2 real browsers open the page again and again meanwhile, for thresholds such as
    /// `lcp p(75)<2.5s` and `cls p(75)<0.1`.
    #[arg(long, value_name = "N", conflicts_with = "capacity")]
    browsers: Option<u64>,
    /// The page that browsers open, as a path of the service: the address itself when nothing is
    /// said.
    #[arg(long, value_name = "PATH", requires = "browsers")]
    page: Option<String>,
    /// How long after it has begun to load the page a browser begins again: 2s when nothing is said.
    #[arg(long, value_name = "TIME", requires = "browsers")]
    every: Option<DurationValue>,
}

impl Browsing {
    /// The same as a spec would say it.
    pub(super) fn settings(&self) -> Option<Browsers> {
        let usual = Browsers::of(self.browsers?);
        let every = self.every.unwrap_or(usual.every);
        Some(Browsers { page: self.page.clone(), every, ..usual })
    }

    /// The browsers that look at these versions.
    pub(super) fn crew(
        &self,
        spec: &Settings,
        versions: &[Target],
        asks: &Asks,
        cx: &Context,
    ) -> Result<Option<Crew>, Error> {
        if spec.browsers.is_none() {
            return Ok(None);
        }
        let version = |target: &Target| {
            let mut base = target.url.clone();
            if self.page.is_some() {
                base.set_path("");
            }
            browsers::Version { asked: target.url.clone(), base }
        };
        let versions: Vec<_> = versions.iter().map(version).collect();
        let pages = browsers::pages(spec, &versions, &|_, _| Ok(asks.headers.clone()))?;
        Crew::of(spec, &pages, cx)
    }
}
