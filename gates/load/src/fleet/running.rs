//! A stretch that workers are at: their seconds, put together as they come.

use std::time::{Duration, Instant};

use load::{Joined, Outcome, Tally};

use super::message::{Done, FromCoordinator, FromWorker};
use super::roll::{Came, Roll};
use crate::measure::{Leg, Lost, Sink, Work};
use crate::words::{count, time};

const TICK: Duration = Duration::from_millis(50);
/// How long workers may take to end when they are told to.
const STOPPING: Duration = Duration::from_secs(5);
/// The same once one of them is lost, and the run has come to nothing.
const GIVEN_UP: Duration = Duration::from_secs(2);
/// How long after the last answer can have come the word of it may take.
const LATE: Duration = Duration::from_secs(15);
/// How many seconds one may be behind the others.
const BEHIND: u64 = 20;

/// A worker that got no processor for so long is told of, in nanoseconds.
const STOOD_STILL: u64 = 500_000_000;

pub(super) struct Running<'a> {
    roll: &'a Roll,
    /// Of each version.
    joined: Vec<Joined>,
    /// Of each worker.
    done: Vec<Option<Vec<Done>>>,
    /// When what counts began.
    counted_from: Instant,
    /// When all have to be done.
    until: Instant,
    /// The last second that there can be.
    last: u64,
    is_told_to_stop: bool,
    lost: Option<Lost>,
}

impl<'a> Running<'a> {
    pub(super) fn new(roll: &'a Roll, work: &Work<'_>, leg: &Leg, start: Instant) -> Running<'a> {
        let workers = roll.members.len();
        let length = leg.warm_up + work.spec.duration() * leg.times + work.spec.timeout.0 + LATE;
        Running {
            roll,
            joined: work.versions.iter().map(|_| Joined::new(workers)).collect(),
            done: vec![None; workers],
            counted_from: start + leg.warm_up,
            until: start + length,
            last: length.as_secs(),
            is_told_to_stop: false,
            lost: None,
        }
    }

    /// What came of versions of which nothing was sent, since not all could begin.
    pub(super) fn not_begun(versions: usize) -> Vec<Outcome> {
        (0..versions).map(|_| Outcome { is_cut_short: true, ..nothing() }).collect()
    }

    /// Takes what comes until all are done, or it can come to nothing any more. Whose machine let
    /// it wait is told.
    pub(super) fn until_done(
        mut self,
        sink: &mut dyn Sink,
        tell: &dyn Fn(&str),
    ) -> (Vec<Outcome>, Option<Lost>) {
        while self.done.iter().any(Option::is_none) {
            if sink.is_cancelled() && !self.is_told_to_stop {
                self.stop(STOPPING);
            }
            if let Some((at, came)) = self.roll.next(TICK) {
                self.take(at, came, sink);
            }
            if Instant::now() >= self.until {
                if let Some(missing) = self.done.iter().position(Option::is_none) {
                    self.lose(missing, self.roll.late(missing, "it did not say that it was done"));
                }
                if self.is_told_to_stop {
                    break;
                }
            }
        }
        for (version, joined) in self.joined.iter_mut().enumerate() {
            for at in 0..self.done.len() {
                joined.done(at);
            }
            joined.hand_over(&mut |second, tally| sink.second(version, second, tally));
        }
        for (at, done) in self.done.iter().enumerate() {
            for text in done.iter().flatten().filter_map(held_up) {
                tell(&format!("{} {text}", self.roll.name(at)));
            }
        }
        let mut outcomes: Vec<Outcome> = self.joined.iter().map(|_| nothing()).collect();
        for done in self.done.iter().flatten() {
            for (one, all) in done.iter().zip(&mut outcomes) {
                one.add_to(all);
            }
        }
        for outcome in &mut outcomes {
            outcome.is_cut_short |= self.lost.is_some();
            if self.lost.is_some() {
                outcome.elapsed = Instant::now().saturating_duration_since(self.counted_from);
            }
        }
        (outcomes, self.lost)
    }

    fn take(&mut self, at: usize, came: Came, sink: &mut dyn Sink) {
        match came {
            Came::Said(FromWorker::Second { version, second, tally }, _) => {
                match tally.tally().filter(|_| second <= self.last) {
                    Some(tally) if version < self.joined.len() => {
                        self.add(at, version, second, &tally, sink);
                    }
                    _ => self.lose(at, self.roll.left(at, "it counts what cannot be")),
                }
            }
            Came::Said(FromWorker::Done { outcomes }, _) if self.done[at].is_none() => {
                if outcomes.len() != self.joined.len() {
                    return self.lose(at, self.roll.left(at, "it was at something else"));
                }
                if !self.is_told_to_stop && outcomes.iter().any(Done::is_cut_short) {
                    return self.lose(at, self.roll.left(at, "it ended before its time"));
                }
                self.done[at] = Some(outcomes);
                self.advance(at, sink);
            }
            Came::Said(FromWorker::Leaves { why }, _) => {
                self.lose(at, self.roll.left(at, &why));
            }
            // One that has told all may still be needed: the run may have to go on.
            Came::Gone(why) => self.lose(at, self.roll.lost(at, &why)),
            Came::Said(..) => {}
        }
    }

    fn add(&mut self, at: usize, version: usize, second: u64, tally: &Tally, sink: &mut dyn Sink) {
        if self.done[at].is_some() {
            return;
        }
        let joined = &mut self.joined[version];
        joined.add(at, second, tally);
        joined.hand_over(&mut |second, tally| sink.second(version, second, tally));
        if let Some((last, behind)) = joined.last()
            && behind > BEHIND
        {
            let said = format!("what it counted came {behind}s after that of others");
            self.lose(last, self.roll.late(last, &said));
        }
    }

    /// One of them counts nothing more.
    fn advance(&mut self, at: usize, sink: &mut dyn Sink) {
        for (version, joined) in self.joined.iter_mut().enumerate() {
            joined.done(at);
            joined.hand_over(&mut |second, tally| sink.second(version, second, tally));
        }
    }

    /// Without this one it comes to nothing: the others end, too.
    fn lose(&mut self, at: usize, lost: Lost) {
        self.lost.get_or_insert(lost);
        self.done[at].get_or_insert_default();
        for joined in &mut self.joined {
            joined.done(at);
        }
        self.stop(GIVEN_UP);
    }

    fn stop(&mut self, within: Duration) {
        self.until = self.until.min(Instant::now() + within);
        if !self.is_told_to_stop {
            self.is_told_to_stop = true;
            self.roll.tell_all(&FromCoordinator::Stop);
        }
    }
}

/// What a worker had to wait for, when that is worth a word.
fn held_up(done: &Done) -> Option<String> {
    let late: u64 = done.health().map(|one| one.late).sum();
    let gap = done.health().map(|one| one.longest_gap).max().unwrap_or(0);
    let gap = (gap > STOOD_STILL).then(|| time(gap as f64 / 1e3));
    match (late, gap) {
        (0, None) => None,
        (0, Some(gap)) => Some(format!("stood still for {gap}")),
        (late, None) => Some(format!("sent {} too late", count(late, "request"))),
        (late, Some(gap)) => {
            Some(format!("stood still for {gap} and sent {} too late", count(late, "request")))
        }
    }
}

fn nothing() -> Outcome {
    Outcome {
        exchanges: load::Exchanges::new(crate::measure::EXCHANGES),
        all: Tally::new(),
        intended: None,
        elapsed: Duration::ZERO,
        health: Vec::new(),
        throttled: None,
        is_cut_short: false,
    }
}
