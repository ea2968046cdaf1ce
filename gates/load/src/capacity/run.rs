//! Sending at one rate after the other.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Cursor, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use gate_core::values::{DurationValue, Rate};
use gate_core::{Error, Verdict};
use load::Tally;

use super::decide::{self, Fitness, Growth};
use super::judged::shown;
use super::search::{Probe, Range, next};
use super::{Capacity, Held, Rated, Searched, Step};
use crate::judge::{self, Reading};
use crate::measure::{self, Engine, Glance, Look, Measured, Watch, Work};
use crate::seconds;
use crate::settings::Settings;
use crate::words::{percent, time};

/// What is sent at a rate before it counts.
const SETTLE: Duration = Duration::from_secs(1);
/// How long a rate is sent on the way up, and at the least when it has to be told.
const SHORT: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(6);
/// Which part of all time a step may take.
const PART: u32 = 8;
/// How long is waited for what is left of a step that was ended early.
const DRAIN: Duration = Duration::from_secs(10);
/// Who has not got to run for so long has sent nothing, in microseconds.
const STILL: u64 = 1_000_000;
/// More steps than this tell nothing more.
const MOST: usize = 80;
/// How many seconds in a row have to be hopeless.
const HOPELESS: u32 = 2;

/// Searches until all is known that is wanted, or there is no more time; what was counted goes to
/// the file of the version. It blocks.
pub(crate) fn search(
    work: &Work<'_>,
    engine: &mut dyn Engine,
    measured: &mut Measured,
    to: &mut BufWriter<File>,
    watch: &mut dyn Watch,
) -> Result<Searched, Error> {
    let Some(capacity) = &work.spec.capacity else { return Ok(Searched::default()) };
    let range = Range {
        from: capacity.from.per_second(),
        to: capacity.to.per_second(),
        within: capacity.within.fraction(),
        at_least: capacity.at_least.map(Rate::per_second),
    };
    let mut searching = Searching {
        work,
        engine,
        capacity,
        end: Instant::now() + capacity.duration.0,
        measured,
        to,
        written: 0,
        found: Searched::default(),
    };
    while let Some(probe) = next(&range, &searching.found.tried()) {
        let Some(held) = searching.rate(probe, watch)? else { break };
        searching.found.rates.push(Rated { rate: probe.rate, is_sure: probe.is_sure, held });
    }
    let Searching { written, found, .. } = searching;
    to.flush()?;
    measured.looks.push(Look { seconds: written, part: 1.0 });
    Ok(found)
}

struct Searching<'w, 'a> {
    work: &'w Work<'a>,
    engine: &'w mut dyn Engine,
    capacity: &'w Capacity,
    end: Instant,
    measured: &'w mut Measured,
    to: &'w mut BufWriter<File>,
    /// How many seconds.
    written: u64,
    found: Searched,
}

impl Searching<'_, '_> {
    /// What a rate comes to; none when there was no time left to tell.
    fn rate(&mut self, probe: Probe, watch: &mut dyn Watch) -> Result<Option<Held>, Error> {
        let mut seen = Vec::new();
        loop {
            let length = self.length(probe, seen.last() == Some(&Held::Open));
            let is_late = Instant::now() + length + SETTLE > self.end;
            if is_late || self.found.steps.len() >= MOST {
                self.found.is_out_of_time = true;
                return Ok(None);
            }
            let step = self.step(probe.rate, length, watch)?;
            self.measured.lost = self.engine.lost();
            if self.measured.generator.is_cut_short || self.measured.lost.is_some() {
                return Ok(None);
            }
            watch.step(&said(&step));
            seen.push(step.held);
            self.found.steps.push(step);
            if let Some(held) = settled(&seen, probe.is_sure) {
                return Ok(Some(held));
            }
        }
    }

    /// How long a rate is sent.
    fn length(&self, probe: Probe, is_again: bool) -> Duration {
        if !probe.is_sure {
            return SHORT;
        }
        let needs = Duration::from_secs_f64((self.capacity.samples() / probe.rate).ceil());
        let length = needs.max(LONG).min(self.capacity.duration.0 / PART);
        let whole = Duration::from_secs(length.as_secs().max(LONG.as_secs()));
        if is_again { whole * 2 } else { whole }
    }

    /// Sends a rate for so long.
    fn step(&mut self, rate: f64, length: Duration, watch: &mut dyn Watch) -> Result<Step, Error> {
        let spec = self.spec(rate, length);
        let file = self.work.folder.join(format!("step-{}.jsonl", self.found.steps.len()));
        let mut writers = [gate_core::files::open_for_append(&file).map(BufWriter::new)?];
        let mut one = Measured::new(&self.work.versions, |_| file.clone());
        let work = Work {
            spec: &spec,
            versions: self.work.versions.clone(),
            earlier: None,
            browsers: None,
            ..*self.work
        };
        let mut eyes = Eyes::new(self.capacity, rate, watch);
        measure::leg(&work, self.engine, &mut writers, &mut one, &mut eyes)?;
        writers[0].flush()?;
        let (was_told, hopeless) = (eyes.is_cancelled_by_others(), eyes.hopeless());
        if was_told {
            self.measured.generator.is_cut_short = true;
        }
        // It was this one that ended it.
        one.generator.is_cut_short = was_told;
        let step = self.decided(&spec, rate, &one, hopeless)?;
        self.add(&file, &one)?;
        if matches!(step.held, Held::No | Held::Unfit) {
            let rest = step.p99.map_or(Duration::ZERO, Duration::from_micros).min(DRAIN);
            drain(if was_told { Duration::ZERO } else { rest }, watch);
        }
        Ok(step)
    }

    fn spec(&self, rate: f64, length: Duration) -> Settings {
        let is_first = self.found.steps.is_empty();
        let warm_up = if is_first { self.work.spec.warm_up.0.max(SETTLE) } else { SETTLE };
        Settings {
            rate: format!("{rate:.6}/s").parse().ok(),
            duration: Some(DurationValue(length)),
            warm_up: DurationValue(warm_up),
            timeout: DurationValue(self.capacity.patience(self.work.spec.timeout.0)),
            thresholds: Vec::new(),
            capacity: None,
            ..self.work.spec.clone()
        }
    }

    /// What a step comes to.
    fn decided(
        &self,
        spec: &Settings,
        rate: f64,
        one: &Measured,
        hopeless: Option<String>,
    ) -> Result<Step, Error> {
        let bytes = gate_core::files::read(&one.versions[0].file)?;
        let seconds = spec.duration().as_secs();
        let all = seconds::read(&bytes[..]).collect::<Result<Vec<Tally>, Error>>()?;
        // Twice as long is looked at when this does not tell.
        let looks = [Look { seconds: all.len() as u64, part: 0.5 }];
        let open = |_: usize| Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn BufRead>);
        let reading = Reading::new(0, &looks, one.versions[0].seconds, &open)?;
        let decide =
            |threshold: &crate::threshold::Threshold| Ok((*threshold, threshold.decide(&reading)?));
        let decided = self.capacity.holds.iter().map(decide).collect::<Result<Vec<_>, Error>>()?;
        let counted = &all[..all.len().min(seconds as usize)];
        let growth = Growth::of(counted, |tally| &tally.unlagged);
        let mut check = judge::fitness(spec, &crate::commands::counted(one), &[reading]);
        let mut sum = Tally::new();
        for tally in &all {
            sum.merge(tally);
        }
        let has_run = one.generator.longest_gap_us < STILL;
        if sum.requests == 0 && hopeless.is_some() && has_run {
            // Where nothing is answered any more nothing is counted: that is not its fault.
            check.verdict = Verdict::Pass;
        }
        let fitness = Fitness {
            check: &check,
            lag: Growth::of(counted, |tally| &tally.lag),
            busy: one.generator.busy(one.versions[0].seconds),
        };
        let most = self.capacity.most_failures(spec.max_failures.fraction());
        let share = sum.failures() as f64 / sum.requests.max(1) as f64;
        let trouble = hopeless.or_else(|| {
            let why = || format!("{} fail, and at most {} may", percent(share), percent(most));
            (share > most).then(why)
        });
        let within = self.capacity.within.fraction();
        let (held, why) = decide::held(fitness, trouble, &decided, growth, within);
        Ok(Step {
            rate,
            seconds: one.versions[0].seconds,
            requests: sum.requests,
            failures: sum.failures(),
            p50: sum.latency.quantile(0.5),
            p95: sum.latency.quantile(0.95),
            p99: sum.latency.quantile(0.99),
            held,
            why,
        })
    }

    /// Adds what a step has counted to all that was.
    fn add(&mut self, file: &Path, one: &Measured) -> Result<(), Error> {
        for tally in seconds::read(BufReader::new(File::open(file)?)) {
            seconds::write(self.to, self.written, &tally?)?;
            self.written += 1;
        }
        let (all, step) = (&mut self.measured.versions[0], &one.versions[0]);
        all.seconds += step.seconds;
        all.intended = Some(all.intended.unwrap_or(0) + step.intended.unwrap_or(0));
        self.measured.generator.ran_us += one.generator.ran_us;
        self.measured.generator.waited_us += one.generator.waited_us;
        // Nobody reads it any more; the folder is scratch.
        let _ = std::fs::remove_file(file);
        Ok(())
    }
}

/// What the steps at a rate come to; none when it has to be sent once more. A moment of trouble is
/// no limit: what does not hold has not held twice.
fn settled(seen: &[Held], is_sure: bool) -> Option<Held> {
    let times = |held: Held| seen.iter().filter(|one| **one == held).count();
    match seen.last()? {
        Held::Yes => Some(Held::Yes),
        last @ (Held::No | Held::Unfit) => (times(*last) >= 2).then_some(*last).or_else(|| {
            // Neither of the two twice: the third is the last one.
            (seen.len() >= 3).then_some(Held::Open)
        }),
        Held::Open if !is_sure => Some(Held::Open),
        Held::Open => (times(Held::Open) >= 2 || seen.len() >= 3).then_some(Held::Open),
    }
}

/// A step in a line.
fn said(step: &Step) -> String {
    let share = step.failures as f64 / step.requests.max(1) as f64;
    let p95 = step.p95.map_or("-".to_owned(), |at| time(at as f64));
    let why = step.why.as_ref().filter(|_| step.held != Held::Open);
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    let (rate, word) = (shown(step.rate), step.held.word());
    format!("{rate} {word} (p95 {p95}, {} failed){why}", percent(share))
}

/// Waits while what is left at the service comes to its end.
fn drain(rest: Duration, watch: &dyn Watch) {
    let end = Instant::now() + rest;
    while Instant::now() < end && !watch.is_cancelled() {
        thread::sleep(Duration::from_millis(50).min(end - Instant::now().min(end)));
    }
}

/// Looks on at a step, and ends it when it is of no use to go on.
struct Eyes<'w> {
    other: &'w mut dyn Watch,
    /// Half of all requests of a second being slower than this, in microseconds, is hopeless.
    slow: Option<u64>,
    /// How many requests are sent in a second.
    rate: f64,
    /// How many seconds in a row were hopeless.
    in_a_row: u32,
    why: Option<String>,
}

impl<'w> Eyes<'w> {
    fn new(capacity: &Capacity, rate: f64, other: &'w mut dyn Watch) -> Eyes<'w> {
        let slow = capacity.longest().map(|longest| 2 * longest.as_micros() as u64);
        Eyes { other, slow, rate, in_a_row: 0, why: None }
    }

    fn is_hopeless(&self) -> bool {
        self.in_a_row >= HOPELESS
    }

    fn hopeless(&self) -> Option<String> {
        self.why.clone().filter(|_| self.is_hopeless())
    }

    fn is_cancelled_by_others(&self) -> bool {
        self.other.is_cancelled()
    }

    /// Why a second is hopeless.
    fn trouble(&self, glance: &Glance) -> Option<String> {
        if glance.requests == 0 {
            return (self.rate >= 10.0).then(|| "nothing is answered any more".to_owned());
        }
        // The lateness of this program is in it, and is nobody else's.
        let p50 = glance.p50.map(|p50| p50.saturating_sub(glance.lag.unwrap_or(0)));
        if let (Some(slow), Some(p50)) = (self.slow, p50)
            && p50 > slow
        {
            return Some(format!("half of the requests take {} or more", time(p50 as f64)));
        }
        let is_bad = glance.requests >= 10 && glance.failures * 2 > glance.requests;
        is_bad.then(|| "more than half of the requests fail".to_owned())
    }
}

impl Watch for Eyes<'_> {
    fn second(&mut self, glance: &Glance) {
        self.other.second(glance);
        if glance.is_warm_up || self.is_hopeless() {
            return;
        }
        // The seconds after its end are those of what is late.
        let trouble = self.trouble(glance).filter(|_| glance.done < glance.of);
        self.in_a_row = if trouble.is_some() { self.in_a_row + 1 } else { 0 };
        self.why = trouble.or(self.why.take());
    }

    fn is_cancelled(&self) -> bool {
        self.is_hopeless() || self.other.is_cancelled()
    }
}
