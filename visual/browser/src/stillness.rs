//! The proof that a page was at rest when its picture was taken.
//!
//! Two pictures of the same bytes are one proof: nothing had changed at the second moment. They
//! are taken where nothing else is known. A second picture costs as much as the first, though,
//! and says nothing about what happened in between.
//!
//! Where the browser is spoken to in its own protocol there is a better one: *nothing happened*,
//! from before the picture until a few frames after it. A page can only look different when one
//! of these was at work, and each leaves a trace:
//!
//! - a script (a timer, an answer, a message, an observer), by way of the document, the style
//!   sheets, a scroll position, a selection: the time spent in scripts has grown;
//! - a style that was computed anew (transitions, animations on the main thread, inserted rules,
//!   states of form controls): the number of style calculations has grown;
//! - something that was painted again without either (a scroll that a script began earlier, an
//!   animated picture in SVG, an image that has been decoded): the browser tells that its layers
//!   have changed;
//! - something that arrived (an image, a font, a frame's document): the browser tells of the
//!   traffic.
//!
//! What moves without any of these is drawn past the document: `canvas`, `video`, plug-ins,
//! frames in other processes, the moving parts of `marquee` and of a `progress` without a value,
//! animations that only the compositor runs. The page is searched for them, and where there is
//! one, or a script's timer that could still fire, the second picture is taken after all. Taking a
//! picture makes the page be laid out for its full height and back, so that layouts prove nothing
//! and are not counted; scripts that react to it make the second picture necessary, too.

use std::time::Duration;

use serde_json::json;

use crate::{Error, Session};

/// How long after the picture nothing may have happened: some frames.
pub(crate) const TAIL: Duration = Duration::from_millis(50);

/// The traces at one moment. Two that are equal enclose a time in which nothing happened.
#[derive(Debug, PartialEq)]
pub(crate) struct Traces {
    /// Seconds spent in scripts of the page.
    script: f64,
    /// How often styles have been computed.
    styles: f64,
    paints: u64,
    traffic: u64,
}

impl Session {
    /// The traces so far; `None` where the browser does not tell.
    pub(crate) async fn traces(&self) -> Result<Option<Traces>, Error> {
        if self.wire()?.told().is_none() {
            return Ok(None);
        }
        let answer = self.tell("Performance.getMetrics", json!({})).await?;
        let metrics = answer["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        let metric =
            |name: &str| metrics.iter().find(|metric| metric["name"] == name)?["value"].as_f64();
        // What the browser told before it answered has been taken in before its answer.
        let told = self.wire()?.told();
        Ok(match (metric("ScriptDuration"), metric("RecalcStyleCount"), told) {
            (Some(script), Some(styles), Some(told)) => {
                Some(Traces { script, styles, paints: told.paints, traffic: told.traffic })
            }
            _ => None,
        })
    }

    /// Whether something that a picture could show is still on its way, as far as is known.
    pub(crate) fn expects_more(&self) -> Result<bool, Error> {
        Ok(self.wire()?.told().is_some_and(|told| !told.open.is_empty()))
    }
}
