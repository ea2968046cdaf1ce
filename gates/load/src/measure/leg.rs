//! One stretch of sending, of one version or of two in turn.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gate_core::Error;
use load::{Outcome, Tally};

use super::engine::{Engine, Leg, Sink};
use super::local::own_fault;
use super::{Glance, Look, Measured, Watch, Work};
use crate::browsers::{Crew, Window};
use crate::judge;
use crate::seconds;
use crate::settings::{Required, Settings};

/// How many of the slowest and of the first failing exchanges are kept.
pub(crate) const EXCHANGES: usize = 5;
/// What is sent uncounted when a run goes on: connections are made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Sends for so many times the duration, and adds what was counted. Gives the limit that has ended
/// it, and the look at which it did.
pub(super) fn run(
    work: &Work<'_>,
    engine: &mut dyn Engine,
    times: u32,
    writers: &mut [BufWriter<File>],
    written: &mut u64,
    measured: &mut Measured,
    watch: &mut dyn Watch,
) -> Result<Option<(Look, String)>, Error> {
    let is_first = measured.looks.is_empty();
    // Visitors of several steps, and lines of a log, need all of it again.
    let is_quick = work.spec.scenarios.is_empty() && work.spec.replay.is_none();
    let warm_up = match work.spec.warm_up.0 {
        all if is_first || !is_quick => all,
        all => AGAIN.min(all),
    };
    let length = work.spec.duration() * times;
    let before = work.spec.duration().as_secs_f64() * f64::from(if is_first { 0 } else { times });
    let abort = Abort::new(work.spec, &measured.versions[0].file);
    let is_part = |limit: &Required| limit.from.is_some() || limit.to.is_some();
    let has_parts = work.spec.thresholds.iter().any(is_part);
    let mut writing = Writing {
        reached: vec![*written; writers.len()],
        writers,
        first: *written,
        rows: if has_parts { length.as_secs().max(1) } else { u64::MAX },
        last: vec![None; work.versions.len()],
        warm_up,
        before,
        of: before + length.as_secs_f64(),
        failed: None,
        abort,
        aborted: None,
        watch,
        browsers: work.browsers.as_ref(),
        length,
    };
    let outcomes = engine.run(work, &Leg { times, warm_up }, &mut writing)?;
    writing.end();
    let Writing { writers, reached, failed, aborted, watch, .. } = writing;
    if let Some(error) = failed {
        return Err(own_fault(error));
    }
    let (aborted, start) = (aborted.transpose()?, *written);
    for (version, outcome) in outcomes.into_iter().enumerate() {
        add(measured, version, &outcome, length);
        // Their times are those of this stretch, whose warm-up does not count.
        let kept = outcome.exchanges.since(warm_up, Duration::from_secs(start));
        measured.versions[version].exchanges.merge(&kept);
    }
    if aborted.is_some() && !watch.is_cancelled() {
        measured.generator.is_cut_short = false;
    }
    // Versions that are compared have the same seconds.
    *written = reached.iter().copied().max().unwrap_or(*written);
    for (writer, mut at) in writers.iter_mut().zip(reached) {
        fill(writer, &mut at, *written)?;
    }
    Ok(aborted)
}

/// Writes seconds down as they come.
struct Writing<'a> {
    writers: &'a mut [BufWriter<File>],
    /// For each version, which second is written next.
    reached: Vec<u64>,
    /// The first second of this stretch.
    first: u64,
    /// How many it has, where some of them have limits of their own: what is answered after the end
    /// belongs to the last, so that each round begins where it should.
    rows: u64,
    /// What the last of them has so far.
    last: Vec<Option<Tally>>,
    warm_up: Duration,
    /// How long was measured before, and will have been after it, in seconds.
    before: f64,
    of: f64,
    failed: Option<io::Error>,
    abort: Abort<'a>,
    /// The limit that ends it, and the look at which it does; or why nobody can tell.
    aborted: Option<Result<(Look, String), Error>>,
    watch: &'a mut dyn Watch,
    /// Browsers that have not been told yet when this began.
    browsers: Option<&'a Crew>,
    length: Duration,
}

impl Sink for Writing<'_> {
    fn second(&mut self, version: usize, second: u64, tally: &Tally) {
        if let Some(crew) = self.browsers.take() {
            // Only now is it known when those began who send.
            let ago = Duration::from_secs(second + 1);
            let began = Instant::now().checked_sub(ago).unwrap_or_else(Instant::now);
            let begins = began + self.warm_up;
            crew.look(Window { begins, ends: begins + self.length, before: self.before });
        }
        let warm = self.warm_up.as_secs();
        let is_warm_up = second < warm;
        if !is_warm_up && self.failed.is_none() {
            let at = second - warm;
            if at + 1 < self.rows {
                self.failed = self.write(version, self.first + at, tally).err();
            } else {
                self.last[version].get_or_insert_default().merge(tally);
            }
        }
        let done = ((second + 1) as f64 - self.warm_up.as_secs_f64()).max(0.0);
        let done = (self.before + done).min(self.of);
        let glance = Glance { done, of: self.of, ..glance(version, is_warm_up, tally) };
        self.watch.second(&glance);
        if self.aborted.is_none() {
            let rows = self.reached[0];
            self.aborted = self.abort.after(&glance, rows, &mut self.writers[0]).transpose();
        }
    }

    fn is_cancelled(&self) -> bool {
        self.aborted.is_some() || self.watch.is_cancelled()
    }
}

impl Writing<'_> {
    /// Writes the last second, where that waited for what belongs to it.
    fn end(&mut self) {
        for version in 0..self.last.len() {
            if let (Some(tally), None) = (self.last[version].take(), &self.failed) {
                self.failed = self.write(version, self.first + self.rows - 1, &tally).err();
            }
        }
    }

    fn write(&mut self, version: usize, second: u64, tally: &Tally) -> io::Result<()> {
        let (writer, at) = (&mut self.writers[version], &mut self.reached[version]);
        fill(writer, at, second)?;
        seconds::write(writer, *at, tally)?;
        *at += 1;
        Ok(())
    }
}

/// Looks whether a limit that ends the run is certain not to hold: less and less often, since each
/// time all is read again.
struct Abort<'w> {
    spec: &'w Settings,
    file: PathBuf,
    next: f64,
}

/// After how many seconds it is looked for the first time, and how much later each time.
const FIRST_LOOK: f64 = 5.0;
const LATER: f64 = 1.1;

impl<'w> Abort<'w> {
    fn new(spec: &'w Settings, file: &Path) -> Abort<'w> {
        let is_wanted = spec.thresholds.iter().any(|limit| limit.abort_on_fail);
        let next = if is_wanted { FIRST_LOOK } else { f64::INFINITY };
        Abort { spec, file: file.to_owned(), next }
    }

    fn after(
        &mut self,
        glance: &Glance,
        rows: u64,
        writer: &mut BufWriter<File>,
    ) -> Result<Option<(Look, String)>, Error> {
        if glance.version != 0 || glance.is_warm_up || glance.done < self.next {
            return Ok(None);
        }
        writer.flush()?;
        self.next = (glance.done * LATER).max(glance.done + 1.0);
        let most = self.spec.duration().as_secs_f64() * f64::from(1_u32 << (self.spec.looks() - 1));
        let part = (glance.done / most).min(1.0);
        let seconds = rows;
        let open = |_: usize| {
            let file = File::open(&self.file)?;
            Ok(Box::new(BufReader::new(file)) as Box<dyn BufRead>)
        };
        let broken = judge::broken(self.spec, seconds, part, &open)?;
        Ok(broken.map(|limit| (Look { seconds, part }, limit)))
    }
}

/// Writes seconds in which nothing was counted, up to one.
fn fill(writer: &mut BufWriter<File>, at: &mut u64, end: u64) -> io::Result<()> {
    while *at < end {
        seconds::write(writer, *at, &Tally::new())?;
        *at += 1;
    }
    Ok(())
}

fn add(measured: &mut Measured, version: usize, outcome: &Outcome, length: Duration) {
    let one = &mut measured.versions[version];
    // The last answer comes a little after the last request: that is no lower rate.
    let is_usual = !outcome.is_cut_short && outcome.elapsed < length + length / 50;
    one.seconds += if is_usual { length } else { outcome.elapsed }.as_secs_f64();
    if let Some(more) = outcome.intended {
        one.intended = Some(one.intended.unwrap_or(0) + more);
    }
    let generator = &mut measured.generator;
    for health in &outcome.health {
        generator.ran_us += health.ran / 1000;
        generator.waited_us += health.waited / 1000;
        generator.longest_gap_us = generator.longest_gap_us.max(health.longest_gap / 1000);
        generator.late += health.late;
        generator.threads += 1;
    }
    if let Some(throttled) = outcome.throttled {
        let throttled = throttled.as_micros() as u64;
        // It is the same group for all versions.
        let before = if version == 0 { generator.throttled_us.unwrap_or(0) } else { 0 };
        generator.throttled_us =
            Some((before + throttled).max(generator.throttled_us.unwrap_or(0)));
    }
    generator.is_cut_short |= outcome.is_cut_short;
}

fn glance(version: usize, is_warm_up: bool, tally: &Tally) -> Glance {
    Glance {
        version,
        is_warm_up,
        done: 0.0,
        of: 0.0,
        requests: tally.requests,
        failures: tally.failures(),
        p50: tally.latency.quantile(0.5),
        p95: tally.latency.quantile(0.95),
        p99: tally.latency.quantile(0.99),
        lag: tally.lag.quantile(0.99),
    }
}
