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
//! frames in other processes, the moving parts of `marquee`, animations that only the compositor
//! runs. The page is searched for them, and where there is one, or a script's timer that could
//! still fire, the second picture is taken after all. Where
//! something could set a script going that this crate does not hold (a worker, a socket, a frame
//! of another origin with timers of its own), nothing may happen for as long as a timer may run
//! that is not held: a second.
//!
//! Taking a picture makes the page be laid out for its full height and back, and a page that
//! measures itself by its window has its styles computed for that. So layouts are not counted, and
//! during the picture neither are styles (without a script, and with all animations ended, nothing
//! else could change one), nor up to four paintings. Nothing at all may happen in the frames
//! before it and after it, so that no movement can hide in those. Scripts that react to being laid
//! out make the second picture necessary, too.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{Error, Session};

/// How long before and after the picture nothing may be painted: some frames.
pub(crate) const TAIL: Duration = Duration::from_millis(50);
const LEAD: Duration = Duration::from_millis(25);
/// How long a page may take to stop painting.
const PATIENCE: Duration = Duration::from_millis(150);
/// How often taking the picture itself makes the page be painted. That it does shows that the
/// browser tells of paintings at all.
const BY_THE_PICTURE: RangeInclusive<u64> = 1..=4;

/// The traces at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Traces {
    /// Seconds spent in scripts of the page.
    script: f64,
    /// How often styles have been computed.
    styles: f64,
    traffic: u64,
    paints: u64,
}

impl Traces {
    /// Whether nothing happened from these traces until the later ones, with the picture between.
    fn hold_until(&self, later: &Self) -> bool {
        let painted = later.paints - self.paints;
        let but_for_these = Self { paints: self.paints, styles: self.styles, ..later.clone() };
        but_for_these == *self && BY_THE_PICTURE.contains(&painted)
    }
}

impl Session {
    /// Asks to be told of paintings, from now on. It has to be asked for each document anew, and
    /// not before it is needed: the browser tells all layers each time.
    pub(crate) async fn watch_paints(&self) -> Result<(), Error> {
        if self.wire()?.told().is_some() {
            self.tell("LayerTree.disable", json!({})).await?;
            self.tell("LayerTree.enable", json!({})).await?;
        }
        Ok(())
    }

    /// The traces of a page that has not been painted for some frames; `None` where the browser
    /// does not tell, and where it goes on being painted.
    pub(crate) async fn traces_before(&self) -> Result<Option<Traces>, Error> {
        let started = Instant::now();
        loop {
            let Some(told) = self.wire()?.told() else { return Ok(None) };
            // Nothing is known of the time before it was asked for.
            let last = told.painted.map_or(started, |painted| painted.max(started));
            match LEAD.saturating_sub(last.elapsed()) {
                Duration::ZERO => return self.traces().await,
                left if started.elapsed() < PATIENCE => sleep(left).await,
                _ => return Ok(None),
            }
        }
    }

    /// Whether nothing happened since those traces but that a picture was taken, and nothing does
    /// for `tail`, or some frames.
    pub(crate) async fn was_still(&self, before: &Traces, tail: Duration) -> Result<bool, Error> {
        let Some(pictured) = self.traces().await? else { return Ok(false) };
        if !before.hold_until(&pictured) {
            return Ok(false);
        }
        sleep(TAIL.max(tail)).await;
        Ok(self.traces().await?.is_some_and(|after| after == pictured))
    }

    /// How often something was painted, as far as the browser tells.
    pub(crate) fn paints(&self) -> Result<u64, Error> {
        Ok(self.wire()?.told().map_or(0, |told| told.paints))
    }

    /// The traces so far.
    async fn traces(&self) -> Result<Option<Traces>, Error> {
        let answer = self.tell("Performance.getMetrics", json!({})).await?;
        let metrics = answer["metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
        let metric =
            |name: &str| metrics.iter().find(|metric| metric["name"] == name)?["value"].as_f64();
        // What the browser told before it answered has been taken in before its answer.
        let told = self.wire()?.told().filter(|told| !told.apart);
        Ok(match (metric("ScriptDuration"), metric("RecalcStyleCount"), told) {
            (Some(script), Some(styles), Some(told)) => {
                Some(Traces { script, styles, traffic: told.traffic, paints: told.paints })
            }
            _ => None,
        })
    }

    /// Whether something that a picture could show is still on its way, as far as is known.
    pub(crate) fn expects_more(&self) -> Result<bool, Error> {
        Ok(self.wire()?.told().is_some_and(|told| !told.open.is_empty()))
    }

    /// Whether scripts of the page wait for an answer, or something has come in just so long ago.
    pub(crate) fn asks_for_more(&self, just: Duration) -> Result<bool, Error> {
        let is_new = |came: Instant| came.elapsed() < just;
        Ok(self
            .wire()?
            .told()
            .is_some_and(|told| !told.asked.is_empty() || told.came.is_some_and(is_new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(later: Traces, expect: bool) {
        let before = Traces { script: 1.5, styles: 7.0, traffic: 3, paints: 10 };
        assert_eq!(before.hold_until(&later), expect, "{later:?}");
    }

    #[test]
    fn what_may_happen_while_a_picture_is_taken() {
        let same = Traces { script: 1.5, styles: 7.0, traffic: 3, paints: 10 };
        check(same.clone(), false);
        check(Traces { paints: 11, ..same.clone() }, true);
        check(Traces { paints: 14, ..same.clone() }, true);
        check(Traces { paints: 15, ..same.clone() }, false);
        check(Traces { script: 1.500_001, paints: 11, ..same.clone() }, false);
        check(Traces { styles: 9.0, paints: 11, ..same.clone() }, true);
        check(Traces { traffic: 4, paints: 11, ..same }, false);
    }
}
