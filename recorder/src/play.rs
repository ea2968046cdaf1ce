//! Answering from what was recorded: every session has a cursor of its own in each queue.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Result;
use crate::canonical::{Keys, Matching, Origin};
use crate::cassette::{Cassette, Recorded};
use crate::index::{Asked, Fields, Found, Group, Index, Recalled};
use crate::message::{Headers, Request, Response};
use crate::rules::{Rule, Rules};

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
    /// The recordings of a cassette.
    pub fn of_cassette(cassette: Cassette) -> Result<Library> {
        let index = Index::of_cassette(&cassette)?;
        let matching = cassette.policy().matching()?;
        let repeats = cassette.policy().allow_repeats;
        Ok(Library::new(index, matching, repeats, Some(cassette)))
    }

    /// Recordings that lie in no cassette.
    pub fn of_recorded(recorded: &[Recorded], matching: Matching, repeats: bool) -> Library {
        Library::new(Index::of_recorded(recorded, &matching), matching, repeats, None)
    }

    fn new(index: Index, matching: Matching, repeats: bool, cassette: Option<Cassette>) -> Library {
        let words = (index.len() as usize).div_ceil(64);
        let used = std::iter::repeat_with(AtomicU64::default).take(words).collect();
        let rules = Rules::default();
        Library { index, matching, repeats, cassette, rules, used }
    }

    /// The same, with the last answer of a queue given again, or not.
    pub fn repeating(mut self, repeats: bool) -> Library {
        self.repeats = repeats;
        self
    }

    /// The same, with answers to every request of a kind where nothing was recorded or all of it
    /// is used up. Of several rules that fit the first answers, as often as it is asked.
    pub fn with_rules(mut self, rules: Vec<Rule>) -> Library {
        self.rules = Rules::new(rules);
        self
    }

    /// How many interactions there are.
    pub fn len(&self) -> u32 {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
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
    pub(crate) fn by_rule(&self, request: &Request, goes_to: &Origin) -> Option<&Response> {
        self.rules.answer(request, goes_to)
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
        Ok(match library.by_rule(request, goes_to) {
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
mod tests {
    use super::*;
    use crate::cassette::Policy;
    use crate::message::Interaction;

    fn cleaner() -> redact::Cleaner {
        redact::Cleaner::new(redact::Redactor::default(), &[], redact::placeholder::Key([3; 32]))
    }

    fn recorded(requests: &[(&str, &str)]) -> Vec<Recorded> {
        (0..)
            .zip(requests)
            .map(|(order, (url, body))| Recorded {
                order,
                interaction: Interaction {
                    request: get(url),
                    response: Response {
                        status: 200,
                        body: body.as_bytes().to_vec().into(),
                        ..Response::default()
                    },
                },
            })
            .collect()
    }

    fn get(url: &str) -> Request {
        Request { method: "GET".to_owned(), url: url.to_owned(), ..Request::default() }
    }

    fn library(requests: &[(&str, &str)], repeats: bool) -> Arc<Library> {
        let recorded = recorded(requests);
        Arc::new(Library::of_recorded(&recorded, Matching::default(), repeats))
    }

    /// What the session answers: the body, or why there is none.
    fn asked(session: &mut Session, url: &str) -> String {
        let goes_to = crate::canonical::Address::of(url).origin();
        match session.answer(&get(url), &goes_to).unwrap() {
            Answer::Recorded(response) => {
                String::from_utf8(response.body.bytes().unwrap().to_vec()).unwrap()
            }
            Answer::Missed(miss) => format!("{:?}", miss.why),
        }
    }

    #[test]
    fn answers_come_in_the_order_of_recording() {
        let library = library(
            &[
                ("https://a/x", "1"),
                ("https://a/y", "2"),
                ("https://a/x", "3"),
                ("https://b/x", "4"),
            ],
            false,
        );
        let (mut one, mut other) = (library.session(), library.session());
        let mut check = |url: &str, expect: &str| assert_eq!(asked(&mut one, url), expect, "{url}");
        check("https://a/x", "1");
        check("https://b/x", "4");
        check("https://a/x", "3");
        check("https://a/x", "UsedUp(2)");
        check("https://a/z", "Unknown");
        check("/y", "2");
        check("/x", "Ambiguous");
        assert_eq!(asked(&mut other, "https://a/x"), "1");
        assert!(library.unused().is_empty());
    }

    #[test]
    fn the_last_answer_is_given_again_when_that_is_wished() {
        let library = library(&[("https://a/x", "1"), ("https://a/x", "2")], true);
        let mut session = library.session();
        let answers: Vec<_> = (0..4).map(|_| asked(&mut session, "https://a/x")).collect();
        assert_eq!(answers, ["1", "2", "2", "2"]);
    }

    #[test]
    fn a_recorded_token_leads_to_what_belongs_to_it() {
        let (kim, lee) = ("redacted-token-000000000001", "redacted-token-000000000002");
        let urls = [kim, lee, kim].map(|token| format!("https://a/me?t={token}"));
        let library =
            library(&[(&urls[0], "kim"), (&urls[1], "lee"), (&urls[2], "kim again")], false);
        let mut session = library.session();
        assert_eq!(asked(&mut session, &urls[1]), "lee");
        assert_eq!(asked(&mut session, &urls[0]), "kim");
        let mut other = library.session();
        let unknown = "https://a/me?t=redacted-token-ffffffffffff";
        let answers: Vec<_> = (0..4).map(|_| asked(&mut other, unknown)).collect();
        assert_eq!(answers, ["kim", "lee", "kim again", "UsedUp(3)"]);
    }

    #[test]
    fn recordings_that_do_not_say_where_answer_for_every_host() {
        let library = library(&[("/x", "1")], true);
        assert_eq!(asked(&mut library.session(), "https://a/x"), "1");
        assert_eq!(asked(&mut library.session(), "/x"), "1");
    }

    #[test]
    fn rules_answer_where_nothing_was_recorded() {
        use crate::rules::{Matcher, Pattern, Target};
        let recorded = recorded(&[("https://a/x/1", "recorded")]);
        let pattern = Matcher::Pattern(Pattern::whole("/x/[0-9]").unwrap());
        let rule = Rule {
            target: Target::Path(pattern),
            response: Response { body: "by rule".into(), ..Response::default() },
            ..Rule::default()
        };
        let library = Library::of_recorded(&recorded, Matching::default(), false);
        let mut session = Arc::new(library.with_rules(vec![rule])).session();
        let mut check = |url: &str, expect: &str| assert_eq!(asked(&mut session, url), expect);
        check("https://a/x/2", "by rule");
        check("https://a/x/1", "recorded");
        check("https://a/x/1", "by rule");
        check("https://a/x/22", "Unknown");
    }

    #[test]
    fn a_miss_names_what_comes_near() {
        let library = library(
            &[("https://a/contacts?limit=10", ""), ("https://a/deals", ""), ("https://b/z", "")],
            false,
        );
        let request = get("https://a/contacts?limit=20");
        let goes_to = crate::canonical::Address::of(&request.url).origin();
        let answer = library.session().answer(&request, &goes_to).unwrap();
        let Answer::Missed(miss) = answer else { panic!("{answer:?}") };
        assert_eq!(miss.why, Why::Unknown);
        let expect = Difference {
            part: "query".to_owned(),
            asked: "limit=20".to_owned(),
            recorded: "limit=10".to_owned(),
        };
        assert_eq!(miss.nearest[0].url, "https://a/contacts?limit=10");
        assert_eq!(miss.nearest[0].differences, [expect]);
        assert_eq!(miss.nearest.len(), 3);
    }

    #[test]
    fn what_was_not_asked_for_is_named() {
        let library =
            library(&[("https://a/2", ""), ("https://a/1", ""), ("https://a/3", "")], false);
        asked(&mut library.session(), "https://a/1");
        let unused: Vec<_> = library.unused().into_iter().map(|(_, url)| url).collect();
        assert_eq!(unused, ["https://a/2", "https://a/3"]);
    }

    #[test]
    fn an_index_beside_a_cassette_follows_it() {
        let folder = tempfile::tempdir().unwrap();
        let write = |requests: &[(&str, &str)]| {
            let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
            cassette.write(&recorded(requests), &cleaner()).unwrap();
        };
        let ask = |url: &str| {
            let cassette = Cassette::open(folder.path()).unwrap();
            asked(&mut Arc::new(Library::of_cassette(cassette).unwrap()).session(), url)
        };
        write(&[("https://a/x", "1"), ("https://a/y", "2")]);
        assert_eq!(ask("https://a/x"), "1");
        assert!(folder.path().join(".index").exists());
        assert_eq!(ask("https://a/y"), "2", "from the index as it was kept");
        write(&[("https://a/x", "one"), ("https://a/y", "2")]);
        assert_eq!(ask("https://a/x"), "one");
        assert_eq!(ask("https://a/y"), "2");
        write(&[("https://a/y", "2")]);
        assert_eq!(ask("https://a/x"), "Unknown");
        crate::files::write(&folder.path().join(".index"), b"gatecix2 broken").unwrap();
        assert_eq!(ask("https://a/y"), "2");
    }

    #[test]
    fn a_file_that_changes_under_a_replay_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        cassette.write(&recorded(&[("https://a/x", "1")]), &cleaner()).unwrap();
        let library = Arc::new(Library::of_cassette(cassette.clone()).unwrap());
        cassette.write(&recorded(&[("https://a/x", "2")]), &cleaner()).unwrap();
        let goes_to = crate::canonical::Address::of("https://a/x").origin();
        let error = library.session().answer(&get("https://a/x"), &goes_to).unwrap_err();
        assert!(error.to_string().contains("is not what it was"), "{error}");
    }
}
