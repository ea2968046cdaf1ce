//! Which workers there are, and what comes from them.

use std::cell::Cell;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::door::{Arrived, Knock};
use super::line::{Hearing, Line};
use super::link::Broken;
use super::message::{FromCoordinator, FromWorker, Greeting};
use crate::measure::Lost;

/// A worker that has come.
pub(super) struct Member {
    /// What nobody else of this run had.
    id: u64,
    line: Line,
    pub(super) part: u64,
    /// In words, between which and a verb nothing has to stand.
    name: String,
}

/// What comes from a worker.
pub(super) enum Came {
    Said(FromWorker, Instant),
    Gone(Broken),
}

/// All workers, in the order of their parts once they are complete.
pub(super) struct Roll {
    pub(super) members: Vec<Member>,
    wanted: u64,
    next: u64,
    send: Sender<(u64, Came)>,
    receive: Receiver<(u64, Came)>,
    strangers: u64,
    /// How many lines have ended.
    gone: Cell<usize>,
}

/// What became of one who came.
pub(super) enum Admitted {
    /// There is something to tell.
    Told(Option<String>),
    /// With this one the run can come to nothing.
    Unfit(Lost),
}

impl Roll {
    pub(super) fn new(wanted: u64) -> Roll {
        let (send, receive) = mpsc::channel();
        Roll {
            members: Vec::new(),
            wanted,
            next: 0,
            send,
            receive,
            strangers: 0,
            gone: Cell::new(0),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.members.len() as u64 == self.wanted
    }

    /// Lets one in, or not.
    pub(super) fn admit(&mut self, knock: Knock) -> Admitted {
        let Arrived { line, hearing, greeting } = match knock {
            Knock::Worker(arrived) => *arrived,
            Knock::Stranger { peer, why } => return self.stranger(peer, &why.to_string()),
            Knock::Crowd { peer } => return self.stranger(peer, "too many come at once"),
        };
        let name = named(&greeting, &line);
        if let Some(differs) = greeting.differs() {
            let why = format!("the worker {name} is of another version: {differs}");
            refuse(&line, &why);
            let advice = "run the same gate on all machines".to_owned();
            return Admitted::Unfit(Lost { why, advice });
        }
        let part = match greeting.index {
            Some(index) if index >= self.wanted => {
                let why = format!("part {index} is none of the {} that there are", self.wanted);
                refuse(&line, &why);
                return Admitted::Told(Some(format!("the worker {name} was not taken: {why}")));
            }
            Some(index) if self.members.iter().any(|member| member.part == index) => {
                let why = format!("somebody else does part {index} already");
                refuse(&line, &why);
                return Admitted::Told(Some(format!("the worker {name} was not taken: {why}")));
            }
            Some(index) => index,
            None => {
                let is_free = |part: &u64| self.members.iter().all(|member| member.part != *part);
                (0..self.wanted).find(is_free).unwrap_or(self.wanted)
            }
        };
        let id = self.next;
        self.next += 1;
        line.keep_alive(FromCoordinator::Alive);
        listen(id, hearing, self.send.clone());
        let name = format!("worker {part}, {name},");
        let told =
            format!("{} of {} workers: {name} has come", self.members.len() + 1, self.wanted);
        self.members.push(Member { id, line, part, name });
        self.members.sort_by_key(|member| member.part);
        Admitted::Told(Some(told))
    }

    /// One without the token: told of now and then, for there may be many.
    fn stranger(&mut self, peer: std::net::SocketAddr, why: &str) -> Admitted {
        self.strangers += 1;
        let text = format!("a connection from {peer} was turned away: {why}");
        let so_far = match self.strangers {
            1 => String::new(),
            count => format!(" ({count} so far)"),
        };
        Admitted::Told(self.strangers.is_power_of_two().then(|| text + &so_far))
    }

    /// Those who have gone before it began; others may take their places.
    pub(super) fn without_gone(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok((id, came)) = self.receive.try_recv() {
            let why = match came {
                Came::Gone(why) => why.to_string(),
                Came::Said(FromWorker::Leaves { why }, _) => plain(&why),
                Came::Said(..) => continue,
            };
            if let Some(at) = self.members.iter().position(|member| member.id == id) {
                let member = self.members.remove(at);
                member.line.end();
                told.push(format!("{} has gone: {why}", member.name));
            }
        }
        told
    }

    /// Why there are too few.
    pub(super) fn too_few(&self, waited: &str) -> Lost {
        let missing: Vec<String> = (0..self.wanted)
            .filter(|part| self.members.iter().all(|member| member.part != *part))
            .map(|part| part.to_string())
            .collect();
        let strangers = match self.strangers {
            0 => String::new(),
            1 => "; 1 connection was turned away".to_owned(),
            count => format!("; {count} connections were turned away"),
        };
        Lost {
            why: format!(
                "{} of {} workers came within {waited}: nobody does part {}{strangers}",
                self.members.len(),
                self.wanted,
                missing.join(", ")
            ),
            advice: "do they run, do they reach this address, and have they the same token?"
                .to_owned(),
        }
    }

    /// What comes next, and the number of the worker that it comes from.
    pub(super) fn next(&self, within: Duration) -> Option<(usize, Came)> {
        match self.receive.recv_timeout(within) {
            Ok((id, came)) => {
                let at = self.members.iter().position(|member| member.id == id)?;
                let is_gone = usize::from(matches!(came, Came::Gone(_)));
                self.gone.set(self.gone.get() + is_gone);
                Some((at, came))
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    pub(super) fn name(&self, at: usize) -> &str {
        &self.members[at].name
    }

    /// Tells one of them.
    pub(super) fn tell(&self, at: usize, message: &FromCoordinator) -> Result<(), Lost> {
        self.members[at].line.say(message).map_err(|why| self.lost(at, &why))
    }

    /// Tells all who can still be told.
    pub(super) fn tell_all(&self, message: &FromCoordinator) {
        for member in &self.members {
            // Who cannot be told has gone, and that is told by itself.
            let _ = member.line.say(message);
        }
    }

    pub(super) fn lost(&self, at: usize, why: &Broken) -> Lost {
        Lost {
            why: format!("{} was lost: {why}", self.name(at)),
            advice:
                "look at what it said last, and at its machine: was it out of memory, or moved?"
                    .to_owned(),
        }
    }

    pub(super) fn left(&self, at: usize, why: &str) -> Lost {
        Lost {
            why: format!("{} could not go on: {}", self.name(at), plain(why)),
            advice: "mend that on its machine, and run it again".to_owned(),
        }
    }

    pub(super) fn late(&self, at: usize, what: &str) -> Lost {
        Lost {
            why: format!("{} was too late: {what}", self.name(at)),
            advice: "give its machine more of a processor, or a better way to this one".to_owned(),
        }
    }

    /// Ends all lines, once what was said last has arrived.
    pub(super) fn end(&self, within: Duration) {
        for member in &self.members {
            member.line.finish();
        }
        let until = Instant::now() + within;
        while self.gone.get() < self.members.len() && Instant::now() < until {
            self.next(Duration::from_millis(50));
        }
    }
}

impl Drop for Roll {
    fn drop(&mut self) {
        // Signs of life would go on, and workers with them.
        for member in &self.members {
            member.line.end();
        }
    }
}

fn refuse(line: &Line, why: &str) {
    // Whether it hears that is its own affair.
    let _ = line.say(&FromCoordinator::Refuse { why: why.to_owned() });
    line.finish();
}

fn named(greeting: &Greeting, line: &Line) -> String {
    let peer = line.peer();
    let name = plain(&greeting.name);
    if name.is_empty() { peer.to_string() } else { format!("{name} ({peer})") }
}

/// What somebody else says, as far as it is fit for a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect()
}

fn listen(id: u64, mut hearing: Hearing, send: Sender<(u64, Came)>) {
    thread::spawn(move || {
        loop {
            let came = match hearing.hear() {
                Ok((FromWorker::Alive, _)) => continue,
                Ok((said, at)) => Came::Said(said, at),
                Err(why) => {
                    // The other end of the channel may have gone before.
                    let _ = send.send((id, Came::Gone(why)));
                    return;
                }
            };
            if send.send((id, came)).is_err() {
                return;
            }
        }
    });
}
