//! The end that leads: it waits for workers, has all begin at the same instant, and puts together
//! what they count.

use std::time::{Duration, Instant};

use gate_core::Error;
use load::Outcome;

use super::clock::{Offset, Trip, offset};
use super::door::Door;
use super::message::{FromCoordinator, FromWorker, Plan, Request};
use super::roll::{Admitted, Came, Roll, plain};
use super::running::Running;
use crate::measure::{Engine, Leg, Lost, Refused, Sink, Watch, Work};
use crate::target::Asks;
use crate::words::time;

const TICK: Duration = Duration::from_millis(50);
/// How long a worker may take to look up the service and ask it once.
const READY: Duration = Duration::from_mins(1);
/// How long a worker may take to work out when to send what.
const PREPARED: Duration = Duration::from_mins(5);
/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(2);
/// How many round trips are measured.
const TRIPS: usize = 16;
/// What lies between telling all when to begin and that instant, besides what a message takes.
const LEAD: Duration = Duration::from_millis(400);
/// How long it waits at the end for workers to hear of it.
const ENDING: Duration = Duration::from_secs(2);

/// Several machines.
pub(crate) struct Fleet<'a> {
    door: Option<Door>,
    wait: Duration,
    roll: Roll,
    urls: Vec<String>,
    asks: Request,
    tell: &'a dyn Fn(&str),
    epoch: Instant,
    lost: Option<Lost>,
}

impl<'a> Fleet<'a> {
    /// Of so many workers, which are waited for for so long.
    pub(crate) fn new(
        door: Door,
        workers: u64,
        wait: Duration,
        urls: Vec<String>,
        asks: &Asks,
        tell: &'a dyn Fn(&str),
    ) -> Fleet<'a> {
        let (roll, asks) = (Roll::new(workers), Request::of(asks));
        Fleet { door: Some(door), wait, roll, urls, asks, tell, epoch: Instant::now(), lost: None }
    }

    /// Tells all that it is over.
    pub(crate) fn end(self, why: &str) {
        self.roll.tell_all(&FromCoordinator::Over { why: why.to_owned() });
        self.roll.end(ENDING);
    }

    fn gather(&mut self, watch: &dyn Watch) -> Result<(), Lost> {
        let Some(door) = self.door.take() else { return Ok(()) };
        let until = Instant::now() + self.wait;
        while !self.roll.is_complete() {
            if watch.is_cancelled() {
                return Err(told_to_end());
            }
            if Instant::now() >= until {
                return Err(self.roll.too_few(&time(self.wait.as_micros() as f64)));
            }
            if let Some(knock) = door.next(TICK) {
                match self.roll.admit(knock) {
                    Admitted::Told(text) => text.iter().for_each(|text| (self.tell)(text)),
                    Admitted::Unfit(lost) => return Err(lost),
                }
            }
            for text in self.roll.without_gone() {
                (self.tell)(&text);
            }
        }
        Ok(())
    }

    /// Gives each worker its part, and hears from all whether the service answers them.
    fn share_out(&mut self, work: &Work<'_>, watch: &dyn Watch) -> Result<Option<Refused>, Lost> {
        let parts = self.roll.members.len() as u64;
        for (at, member) in self.roll.members.iter().enumerate() {
            let plan = Plan {
                spec: work.spec.clone(),
                urls: self.urls.clone(),
                asks: self.asks.clone(),
                seed: work.seed,
                part: member.part,
                parts,
            };
            self.roll.tell(at, &FromCoordinator::Plan(Box::new(plan)))?;
        }
        let cancelled = || watch.is_cancelled();
        let answers =
            self.each("it did not get ready", READY, &cancelled, |said, _| match said {
                FromWorker::Ready => Some(None),
                FromWorker::Refused(refused) => Some(Some(refused)),
                _ => None,
            })?;
        let refused = answers.into_iter().enumerate().find_map(|(at, refused)| {
            let refused = refused?;
            let version = refused.version.min(work.versions.len() - 1);
            let why = format!("{} says: {}", self.roll.name(at), plain(&refused.why));
            Some(Refused { version, why, advice: plain(&refused.advice), ..refused })
        });
        Ok(refused)
    }

    /// Waits until each has given an answer that is wanted.
    fn each<T>(
        &self,
        late: &str,
        limit: Duration,
        is_cancelled: &dyn Fn() -> bool,
        mut take: impl FnMut(FromWorker, Instant) -> Option<T>,
    ) -> Result<Vec<T>, Lost> {
        let until = Instant::now() + limit;
        let mut answers: Vec<Option<T>> = self.roll.members.iter().map(|_| None).collect();
        while let Some(missing) = answers.iter().position(Option::is_none) {
            if is_cancelled() {
                return Err(told_to_end());
            }
            if Instant::now() >= until {
                return Err(self.roll.late(missing, late));
            }
            match self.roll.next(TICK) {
                None => {}
                Some((at, Came::Gone(why))) => return Err(self.roll.lost(at, &why)),
                Some((at, Came::Said(FromWorker::Leaves { why }, _))) => {
                    return Err(self.roll.left(at, &why));
                }
                Some((at, Came::Said(said, when))) => {
                    if let Some(answer) = take(said, when) {
                        answers[at] = Some(answer);
                    }
                }
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn nanos(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.epoch).as_nanos() as u64
    }

    /// How far the clock of each worker is from this one's.
    fn offsets(&self, is_cancelled: &dyn Fn() -> bool) -> Result<Vec<Offset>, Lost> {
        let mut trips = vec![Vec::new(); self.roll.members.len()];
        for _ in 0..TRIPS {
            let mut sent = Vec::new();
            for at in 0..self.roll.members.len() {
                sent.push(self.nanos(Instant::now()));
                self.roll.tell(at, &FromCoordinator::Ping)?;
            }
            let late = "it did not tell the time";
            let answers = self.each(late, PONG, is_cancelled, |said, came| match said {
                FromWorker::Pong { received, replied } => {
                    Some(Trip { sent: 0, received, replied, returned: self.nanos(came) })
                }
                _ => None,
            })?;
            for (at, trip) in answers.into_iter().enumerate() {
                trips[at].push(Trip { sent: sent[at], ..trip });
            }
        }
        Ok(trips.iter().filter_map(|trips| offset(trips)).collect())
    }

    /// Has all begin at the same instant; gives it.
    fn begin(&mut self, work: &Work<'_>, leg: &Leg, sink: &dyn Sink) -> Result<Instant, Lost> {
        let cancelled = || sink.is_cancelled();
        let spec = Box::new(work.spec.clone());
        for at in 0..self.roll.members.len() {
            let prepare = FromCoordinator::Prepare { spec: spec.clone(), leg: *leg };
            self.roll.tell(at, &prepare)?;
        }
        self.each("it did not work out when to send", PREPARED, &cancelled, |said, _| {
            matches!(said, FromWorker::Prepared).then_some(())
        })?;
        let offsets = self.offsets(&cancelled)?;
        let within = offsets.iter().map(|offset| offset.within).max().unwrap_or(0);
        (self.tell)(&format!("the clocks are known to within {}", time(within as f64 / 1e3)));
        let start = Instant::now() + LEAD + Duration::from_nanos(within).saturating_mul(4);
        for (at, offset) in offsets.iter().enumerate() {
            let begin = FromCoordinator::Begin { at: offset.there(self.nanos(start)) };
            self.roll.tell(at, &begin)?;
        }
        Ok(start)
    }

    fn sent(&mut self, work: &Work<'_>, leg: &Leg, sink: &mut dyn Sink) -> Vec<Outcome> {
        let versions = work.versions.len();
        let start = match self.begin(work, leg, sink) {
            Ok(start) => start,
            Err(lost) => {
                self.lost = Some(lost);
                return Running::not_begun(versions);
            }
        };
        let running = Running::new(&self.roll, work, leg, start);
        let (outcomes, lost) = running.until_done(sink, self.tell);
        self.lost = lost;
        outcomes
    }
}

impl Engine for Fleet<'_> {
    fn first(&mut self, work: &mut Work<'_>, watch: &dyn Watch) -> Result<Option<Refused>, Error> {
        match self.gather(watch).and_then(|()| self.share_out(work, watch)) {
            Ok(refused) => Ok(refused),
            Err(lost) => {
                self.lost = Some(lost);
                Ok(None)
            }
        }
    }

    fn run(
        &mut self,
        work: &Work<'_>,
        leg: &Leg,
        sink: &mut dyn Sink,
    ) -> Result<Vec<Outcome>, Error> {
        Ok(self.sent(work, leg, sink))
    }

    fn lost(&self) -> Option<Lost> {
        self.lost.clone()
    }
}

fn told_to_end() -> Lost {
    let why = "it was told to end before all workers had begun".to_owned();
    Lost { why, advice: "let it run to its end".to_owned() }
}
