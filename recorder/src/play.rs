//! Answering from what was recorded: every session has a cursor of its own in each queue.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Result;
use crate::canonical::{Keys, Matching, Origin};
use crate::cassette::{Cassette, Recorded};
use crate::index::{Asked, Fields, Found, Group, Index, Recalled};
use crate::message::{Headers, Request, Response};
use crate::rules::{Came, Rule, Rules};

/// How many recordings are looked at for those that are nearest to a request that has none.
const LOOKED_AT: u32 = 20_000;
/// How many of them are named.
const NAMED: usize = 3;
/// How much of a value is shown, in characters.
const SHOWN: usize = 200;

/// Recordings that can be asked for, from any number of sessions at once.
pub struct Library {
    index: Index,
    matching: Matching,
    /// Whether the last answer of a queue is given again when all are used up.
    repeats: bool,
    cassette: Option<Cassette>,
    /// What answers where nothing was recorded.
    rules: Rules,
    /// Of each rule, whether it has answered anything.
    rules_used: Vec<AtomicBool>,
    /// A bit for each recording: whether any session was given it.
    used: Vec<AtomicU64>,
}

/// What a request leads to.
#[derive(Debug)]
pub enum Answer {
    /// What was recorded.
    Recorded(Box<Response>),
    /// Nothing, and why.
    Missed(Miss),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miss {
    /// What is the matter.
    pub why: Why,
    /// The recordings that come nearest, the nearest first.
    pub nearest: Vec<Near>,
}

/// What is the matter with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing like it was recorded.
    Unknown,
    /// It was recorded this often, and asked for once more.
    UsedUp(u32),
    /// It does not say where it goes, and several origins have a recording of it.
    Ambiguous,
}

/// A recording that comes near a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its method.
    pub method: String,
    /// Its address.
    pub url: String,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// A part of a request that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Such as `path`, `query`, `body` or `header revision`.
    pub part: String,
    /// What was asked for.
    pub asked: String,
    /// What was recorded.
    pub recorded: String,
}

impl Library {
    /// The recordings of a cassette, and its rules.
    pub fn of_cassette(cassette: Cassette) -> Result<Library> {
        let rules = cassette.rules()?;
        let index = Index::of_cassette(&cassette)?;
        let matching = cassette.policy().matching()?;
        let repeats = cassette.policy().allow_repeats;
        Ok(Library::new(index, matching, repeats, Some(cassette)).with_rules(rules))
    }

    /// Recordings that lie in no cassette.
    pub fn of_recorded(recorded: &[Recorded], matching: Matching, repeats: bool) -> Library {
        Library::new(Index::of_recorded(recorded, &matching), matching, repeats, None)
    }

    fn new(index: Index, matching: Matching, repeats: bool, cassette: Option<Cassette>) -> Library {
        let words = (index.len() as usize).div_ceil(64);
        let used = std::iter::repeat_with(AtomicU64::default).take(words).collect();
        let (rules, rules_used) = (Rules::default(), Vec::new());
        Library { index, matching, repeats, cassette, rules, rules_used, used }
    }

    /// The same, with the last answer of a queue given again, or not.
    pub fn repeating(mut self, repeats: bool) -> Library {
        self.repeats = repeats;
        self
    }

    /// The same, with answers to every request of a kind where nothing was recorded or all of it
    /// is used up. Of several rules that fit the first answers, as often as it is asked.
    pub fn with_rules(mut self, rules: Vec<Rule>) -> Library {
        self.rules_used = rules.iter().map(|_| AtomicBool::new(false)).collect();
        self.rules = Rules::new(rules);
        self
    }

    /// Answers to every request of a kind.
    pub fn rules(&self) -> &[Rule] {
        self.rules.all()
    }

    /// How many interactions there are.
    pub fn len(&self) -> u32 {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether there is nothing that answers, not even a rule.
    pub fn answers_nothing(&self) -> bool {
        self.is_empty() && self.rules.all().is_empty()
    }

    /// How long answers are on average, in bytes, as far as they lie in no files of their own.
    pub(crate) fn usual_length(&self) -> usize {
        self.index.usual_length()
    }

    /// The cassette that the recordings lie in.
    pub fn cassette(&self) -> Option<&Cassette> {
        self.cassette.as_ref()
    }

    /// Where the cassette lies, for bodies that are files of their own.
    pub fn folder(&self) -> Option<&Path> {
        self.cassette.as_ref().map(Cassette::folder)
    }

    /// What counts when a request is looked up.
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// A session, which has seen nothing yet.
    pub fn session(self: &Arc<Library>) -> Session {
        let used = vec![0; self.used.len()];
        Session { library: Arc::clone(self), used, cursors: HashMap::new() }
    }

    /// What was recorded, as method and address, in the order of recording.
    pub fn recorded(&self) -> Vec<(String, String)> {
        let mut all: Vec<u32> = (0..self.len()).collect();
        all.sort_by_key(|at| self.index.order(*at));
        let asked = all.into_iter().filter_map(|at| self.index.asked(at));
        asked.map(|asked| (asked.method, asked.url)).collect()
    }

    /// What no session has asked for, as method and address, in the order of recording.
    pub fn unused(&self) -> Vec<(String, String)> {
        let mut unused: Vec<u32> = (0..self.len())
            .filter(|at| {
                self.used[*at as usize / 64].load(Ordering::Relaxed) & (1 << (at % 64)) == 0
            })
            .collect();
        unused.sort_by_key(|at| self.index.order(*at));
        let asked = unused.into_iter().filter_map(|at| self.index.asked(at));
        asked.map(|asked| (asked.method, asked.url)).collect()
    }

    /// The rules that have answered nothing, as method and address.
    pub fn unused_rules(&self) -> Vec<(String, String)> {
        let all = self.rules.all().iter().zip(&self.rules_used);
        all.filter(|(_, is_used)| !is_used.load(Ordering::Relaxed))
            .map(|(rule, _)| (rule.request.method.clone(), rule.request.url.clone()))
            .collect()
    }

    /// The recordings that answer a request, whoever asks.
    pub(crate) fn queue(&self, request: &Request, goes_to: &Origin) -> Result<Queue, Why> {
        let keys = self.matching.keys(request);
        let group = self.group(&keys, goes_to)?;
        // Who asks with a token of the recording gets what belongs to that token.
        let exact = self.index.exact(group, &keys.exact);
        let is_one_of_it = exact.first < exact.end;
        Ok(Queue { group: if is_one_of_it { exact } else { group }, is_ordered: !is_one_of_it })
    }

    fn group(&self, keys: &Keys, goes_to: &Origin) -> Result<Group, Why> {
        if goes_to.host.is_some() {
            let found = self.index.find(&keys.loose, goes_to, &self.matching);
            return found.ok_or(Why::Unknown);
        }
        match self.index.find_anywhere(&keys.loose) {
            Found::One(group) => Ok(group),
            Found::Several => Err(Why::Ambiguous),
            Found::Nothing => Err(Why::Unknown),
        }
    }

    /// What was answered to the recording at this place.
    pub(crate) fn recalled<H: Fields>(&self, at: u32) -> Result<Recalled<H>> {
        self.index.response(at)
    }

    /// What a rule answers where nothing was recorded.
    pub(crate) fn by_rule(&self, came: Came<'_>, goes_to: &Origin) -> Option<&Response> {
        let at = self.rules.find(came, goes_to)?;
        self.rules_used[at].store(true, Ordering::Relaxed);
        Some(&self.rules.all()[at].response)
    }

    /// Why there is no answer, with what comes near.
    pub(crate) fn miss(&self, request: &Request, goes_to: &Origin, why: Why) -> Miss {
        let mut parts = self.matching.parts(request);
        if let Some(host) = &goes_to.host {
            parts.push(("host".to_owned(), host.clone().into_bytes()));
        }
        let mut nearest: Vec<(usize, Near)> = Vec::new();
        for at in 0..self.len().min(LOOKED_AT) {
            let Some(asked) = self.index.asked(at) else { continue };
            let (distance, near) = compared(&parts, asked);
            let place = nearest.partition_point(|(other, _)| *other <= distance);
            if place < NAMED && !nearest.iter().any(|(_, other)| *other == near) {
                nearest.insert(place, (distance, near));
                nearest.truncate(NAMED);
            }
        }
        Miss { why, nearest: nearest.into_iter().map(|(_, near)| near).collect() }
    }
}

/// How far a recording is from what is asked for, and in what.
fn compared(parts: &[(String, Vec<u8>)], recorded: Asked) -> (usize, Near) {
    let host = crate::canonical::Address::of(&recorded.url).origin().host;
    let mut distance = 0;
    let mut differences = Vec::new();
    for (name, asked) in parts {
        let there = recorded.parts.iter().find(|(other, _)| other == name);
        let there: &[u8] = match (name.as_str(), there) {
            (_, Some((_, value))) => value,
            ("host", None) => match &host {
                Some(host) => host.as_bytes(),
                None => continue,
            },
            _ => &[],
        };
        let asked = &asked[..asked.len().min(2048)];
        if asked == there {
            continue;
        }
        distance += match name.as_str() {
            "path" => 40 + 40 * unlike(asked, there) / 100,
            "host" | "method" => 30,
            "query" => 10 + 10 * unlike(asked, there) / 100,
            _ => 5 + 10 * unlike(asked, there) / 100,
        };
        differences.push(Difference {
            part: name.clone(),
            asked: shortened(asked),
            recorded: shortened(there),
        });
    }
    (distance, Near { method: recorded.method, url: recorded.url, differences })
}

/// How much of the longer text is neither in the beginning nor in the end that both have, in
/// percent.
fn unlike(one: &[u8], other: &[u8]) -> usize {
    let longest = one.len().max(other.len()).max(1);
    let shortest = one.len().min(other.len());
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let end = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    100 - 100 * (start + end).min(shortest) / longest
}

fn shortened(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// One client's way through the recordings.
pub struct Session {
    library: Arc<Library>,
    /// A bit for each recording.
    used: Vec<u64>,
    /// By the first record of a queue and whether it is a group in order: before it all are used.
    cursors: HashMap<(u32, bool), u32>,
}

/// Recordings that are given one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Queue {
    group: Group,
    /// In the order of recording, as all of a group are; else in that of their places.
    is_ordered: bool,
}

#[cfg(test)]
impl Queue {
    /// Recordings at these places, in order.
    pub(crate) fn of_places(first: u32, end: u32) -> Queue {
        Queue { group: Group { first, end }, is_ordered: true }
    }
}

impl Session {
    /// What was recorded for a request whose secrets have been replaced; without a host when it
    /// names nothing but this machine. What was given is not given again.
    pub fn answer(&mut self, request: &Request, goes_to: &Origin) -> Result<Answer> {
        let library = Arc::clone(&self.library);
        let found = library.queue(request, goes_to).and_then(|queue| self.next(queue));
        let why = match found {
            Ok(at) => {
                let response = library.recalled::<Headers>(at)?;
                return Ok(Answer::Recorded(Box::new(response.into())));
            }
            Err(why) => why,
        };
        Ok(match library.by_rule(Came::same(request), goes_to) {
            Some(response) => Answer::Recorded(Box::new(response.clone())),
            None => Answer::Missed(library.miss(request, goes_to, why)),
        })
    }

    /// The place of the next recording of a queue.
    pub(crate) fn next(&mut self, queue: Queue) -> Result<u32, Why> {
        let Queue { group, is_ordered } = queue;
        let index = &self.library.index;
        let length = group.end - group.first;
        let record = |place: u32| {
            if is_ordered { index.in_order(group, place) } else { group.first + place }
        };
        let used = &mut self.used;
        let mut take = |at: u32| {
            let (word, bit) = (at as usize / 64, 1u64 << (at % 64));
            let is_new = used[word] & bit == 0;
            if is_new {
                used[word] |= bit;
                self.library.used[word].fetch_or(bit, Ordering::Relaxed);
            }
            is_new
        };
        // Most requests were recorded once, and need no cursor.
        if length == 1 && take(group.first) {
            return Ok(group.first);
        }
        if length > 1 {
            let cursor = self.cursors.entry((group.first, is_ordered)).or_insert(0);
            while *cursor < length {
                let at = record(*cursor);
                *cursor += 1;
                if take(at) {
                    return Ok(at);
                }
            }
        }
        // All of them are marked as used by now.
        let last = (self.library.repeats && length > 0).then(|| record(length - 1));
        last.ok_or(Why::UsedUp(length))
    }
}

#[cfg(test)]
mod tests;
