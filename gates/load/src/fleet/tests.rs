//! A coordinator, held against workers that say what a test wants them to.

use std::cell::RefCell;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use load::{Health, Outcome, Tally};

use super::line::{self, Line};
use super::link::Side;
use super::message::{Done, FIRST, FromCoordinator, FromWorker, Greeting, Packed};
use super::{Door, Fleet, Token};
use crate::measure::{Engine, Glance, Leg, Lost, Refused, Sink, Watch, Work};
use crate::settings::Settings;
use crate::target::{self, Asks, Target};

const TOKEN: &[u8] = b"a token that nobody else has";

struct Quiet;

impl Watch for Quiet {
    fn second(&mut self, _: &Glance) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Keeps the seconds.
#[derive(Default)]
struct Kept(Vec<(usize, u64, u64)>);

impl Sink for Kept {
    fn second(&mut self, version: usize, second: u64, tally: &Tally) {
        self.0.push((version, second, tally.requests));
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What a worker answers, if anything; it ends its line when there is nothing to be said any more.
type Says = Box<dyn FnMut(&FromCoordinator) -> Option<Vec<FromWorker>> + Send>;

/// A worker: it gives all that it has heard.
fn worker(at: SocketAddr, greeting: Greeting, mut says: Says) -> JoinHandle<Vec<FromCoordinator>> {
    let (greeted, wait) = mpsc::channel();
    let handle = thread::spawn(move || {
        let token = Token::new(TOKEN).unwrap();
        let stream = TcpStream::connect(at).unwrap();
        let (line, mut hearing) = line::open(stream, &token, Side::Worker).ok().unwrap();
        line.say(&greeting).ok().unwrap();
        greeted.send(()).unwrap();
        let mut all = Vec::new();
        let mut next = hearing.hear_first(FIRST);
        while let Ok(heard) = next {
            if !answer(&line, &heard, &mut says) {
                break;
            }
            all.push(heard);
            next = hearing.hear().map(|heard| heard.0);
        }
        line.end();
        all.retain(|heard| !matches!(heard, FromCoordinator::Alive));
        all
    });
    wait.recv().unwrap();
    handle
}

fn answer(line: &Line, heard: &FromCoordinator, says: &mut Says) -> bool {
    // A sign of life is answered by one.
    let answers = match heard {
        FromCoordinator::Alive => Some(vec![FromWorker::Alive]),
        heard => says(heard),
    };
    let Some(answers) = answers else { return false };
    answers.iter().all(|answer| line.say(answer).is_ok())
}

fn greeting() -> Greeting {
    Greeting::new(None, "pod")
}

/// One that is to do this part, whoever comes first.
fn of(part: u64) -> Greeting {
    Greeting { index: Some(part), ..greeting() }
}

/// What came of leading these workers: of `first`, of `run`, the seconds, what was told, and what
/// the workers have heard.
struct Led {
    refused: Option<Refused>,
    lost: Option<Lost>,
    outcomes: Vec<Outcome>,
    seconds: Vec<(usize, u64, u64)>,
    told: Vec<String>,
    heard: Vec<Vec<FromCoordinator>>,
}

impl Led {
    fn lost(&self) -> &str {
        self.lost.as_ref().map_or("", |lost| &lost.why)
    }
}

fn lead(wait: Duration, wanted: u64, workers: Vec<(Greeting, Says)>) -> Led {
    let door = Door::open(&["127.0.0.1:0".parse().unwrap()], &Token::new(TOKEN).unwrap()).unwrap();
    let at = door.address();
    // One after the other, so that it is known whose part is which.
    let mut running: Vec<_> = Vec::new();
    for (greeting, says) in workers {
        running.push(worker(at, greeting, says));
        thread::sleep(Duration::from_millis(30));
    }
    let (asks, spec) = (Asks { method: "GET".to_owned(), ..Asks::default() }, settings());
    let urls = vec!["http://nowhere.invalid/".to_owned()];
    let versions = urls.iter().map(|url| Target::elsewhere(target::parse(url).unwrap(), &asks));
    let versions = versions.collect::<Result<_, _>>().unwrap();
    let mut work = Work {
        spec: &spec,
        versions,
        folder: Path::new(""),
        seed: 1,
        earlier: None,
        browsers: None,
    };
    let told = RefCell::new(Vec::new());
    let tell = |text: &str| told.borrow_mut().push(text.to_owned());
    let mut fleet = Fleet::new(door, wanted, wait, urls, &asks, &tell);
    let refused = fleet.first(&mut work, &Quiet).unwrap();
    let mut kept = Kept::default();
    let mut outcomes = Vec::new();
    if refused.is_none() && fleet.lost().is_none() {
        let leg = Leg { times: 1, warm_up: Duration::ZERO };
        outcomes = fleet.run(&work, &leg, &mut kept).unwrap();
    }
    let lost = fleet.lost();
    fleet.end("the test is over");
    let heard = running.into_iter().map(|one| one.join().unwrap()).collect();
    Led { refused, lost, outcomes, seconds: kept.0, told: told.into_inner(), heard }
}

fn settings() -> Settings {
    serde_json::from_value(serde_json::json!({ "rate": "2/s", "duration": "1s" })).unwrap()
}

/// A worker whose clock is so far ahead, which counts this in each second and is done then.
fn good(ahead: u64, seconds: &'static [u64]) -> Says {
    let begun = Instant::now();
    Box::new(move |heard| {
        let clock = || ahead + begun.elapsed().as_nanos() as u64;
        Some(match heard {
            FromCoordinator::Plan(_) => vec![FromWorker::Ready],
            FromCoordinator::Prepare { .. } => vec![FromWorker::Prepared],
            FromCoordinator::Ping => {
                vec![FromWorker::Pong { received: clock(), replied: clock() }]
            }
            FromCoordinator::Begin { at } => {
                let left = at.saturating_sub(clock());
                assert!((100_000_000..600_000_000).contains(&left), "{left} from now");
                let said = seconds.iter().enumerate().map(|(second, count)| FromWorker::Second {
                    version: 0,
                    second: second as u64,
                    tally: counted(*count),
                });
                said.chain([FromWorker::Done { outcomes: vec![Done::of(&outcome())] }]).collect()
            }
            _ => Vec::new(),
        })
    })
}

fn counted(count: u64) -> Packed {
    let mut tally = Tally::new();
    (0..count).for_each(|_| tally.count(200, 5, 0));
    Packed::of(&tally)
}

fn outcome() -> Outcome {
    Outcome {
        exchanges: load::Exchanges::new(5),
        all: Tally::new(),
        intended: Some(1),
        elapsed: Duration::from_secs(1),
        health: vec![Health { ran: 5, waited: 6, longest_gap: 700_000_000, late: 1 }],
        throttled: None,
        is_cut_short: false,
    }
}

/// The same until it would say this.
fn but(mut says: Says, instead: fn(&FromCoordinator) -> Option<Vec<FromWorker>>) -> Says {
    Box::new(move |heard| match instead(heard) {
        Some(answers) if answers.is_empty() => None,
        Some(answers) => Some(answers),
        None => says(heard),
    })
}

const LONG: Duration = Duration::from_secs(20);
const HOUR: u64 = 3_600_000_000_000;

#[test]
fn what_workers_count_is_put_together() {
    let workers = vec![(greeting(), good(0, &[3, 1])), (greeting(), good(HOUR, &[2, 0, 4]))];
    let led = lead(LONG, 2, workers);
    assert_eq!((led.lost(), &led.refused), ("", &None));
    assert_eq!(led.seconds, [(0, 0, 5), (0, 1, 1), (0, 2, 4)]);
    let [outcome] = &led.outcomes[..] else { panic!("one version") };
    assert_eq!((outcome.intended, outcome.health.len()), (Some(2), 2));
    assert!(!outcome.is_cut_short);
    // Each by its own clock, and both at the same instant.
    let begins: Vec<u64> = led
        .heard
        .iter()
        .filter_map(|heard| {
            heard.iter().find_map(|one| match one {
                FromCoordinator::Begin { at } => Some(*at),
                _ => None,
            })
        })
        .collect();
    let apart = begins[1].abs_diff(begins[0]).abs_diff(HOUR);
    assert!(apart < 10_000_000, "{apart}");
    assert!(led.told.iter().any(|text| text.contains("stood still for 700ms")), "{:?}", led.told);
    for heard in &led.heard {
        assert!(matches!(heard.last(), Some(FromCoordinator::Over { .. })), "{heard:?}");
    }
}

#[test]
fn with_one_that_cannot_go_on_it_comes_to_nothing() {
    let check = |instead: fn(&FromCoordinator) -> Option<Vec<FromWorker>>, said: &str| {
        // The other one counts for long enough to be waited for, or is never that far ahead.
        let counted = if said.contains("came 21s after") { &[1; 30][..] } else { &[1; 5] };
        let workers = vec![(of(0), good(0, counted)), (of(1), but(good(0, &[1]), instead))];
        let begun = Instant::now();
        let led = lead(LONG, 2, workers);
        assert!(led.lost().starts_with("worker 1, pod (127.0.0.1:"), "{}", led.lost());
        assert!(led.lost().contains(said), "{}", led.lost());
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
        assert!(led.outcomes.iter().all(|outcome| outcome.is_cut_short));
        assert!(matches!(led.heard[0].last(), Some(FromCoordinator::Over { .. })));
    };
    // Nothing at all stands for the end of its line.
    check(|_| Some(Vec::new()), "was lost: the connection");
    check(
        |heard| matches!(heard, FromCoordinator::Ping).then(Vec::new),
        "was lost: the connection",
    );
    check(
        |heard| matches!(heard, FromCoordinator::Begin { .. }).then(Vec::new),
        "was lost: the connection",
    );
    check(
        |heard| {
            let leaves = FromWorker::Leaves { why: "no\x1b files".to_owned() };
            matches!(heard, FromCoordinator::Prepare { .. }).then(|| vec![leaves])
        },
        "could not go on: no files",
    );
    check(
        |heard| {
            let tally = counted(1);
            let second = FromWorker::Second { version: 1, second: 0, tally };
            matches!(heard, FromCoordinator::Begin { .. }).then(|| vec![second])
        },
        "it counts what cannot be",
    );
    check(
        |heard| {
            let tally = serde_json::from_str("\"AAECAw\"").unwrap();
            let second = FromWorker::Second { version: 0, second: 0, tally };
            matches!(heard, FromCoordinator::Begin { .. }).then(|| vec![second])
        },
        "it counts what cannot be",
    );
    check(
        |heard| {
            let done = FromWorker::Done { outcomes: Vec::new() };
            matches!(heard, FromCoordinator::Begin { .. }).then(|| vec![done])
        },
        "it was at something else",
    );
    check(
        |heard| {
            let mut outcome = outcome();
            outcome.is_cut_short = true;
            let done = FromWorker::Done { outcomes: vec![Done::of(&outcome)] };
            matches!(heard, FromCoordinator::Begin { .. }).then(|| vec![done])
        },
        "could not go on: it ended before its time",
    );
    // It is there, and says nothing of what it counts.
    check(
        |heard| matches!(heard, FromCoordinator::Begin { .. }).then(|| vec![FromWorker::Alive]),
        "was too late: what it counted came 21s after that of others",
    );
    check(
        |heard| matches!(heard, FromCoordinator::Ping).then(|| vec![FromWorker::Alive]),
        "was too late: it did not tell the time",
    );
}

#[test]
fn one_that_the_service_refuses_is_named() {
    let workers = vec![
        (of(0), good(0, &[])),
        (
            of(1),
            but(good(0, &[]), |heard| {
                let refused = Refused {
                    version: 0,
                    failure: Some("connect".to_owned()),
                    why: "it does not answer".to_owned(),
                    advice: "is it up?".to_owned(),
                };
                matches!(heard, FromCoordinator::Plan(_))
                    .then(|| vec![FromWorker::Refused(refused)])
            }),
        ),
    ];
    let led = lead(LONG, 2, workers);
    let why = led.refused.unwrap().why;
    assert!(why.starts_with("worker 1, pod (127.0.0.1:"), "{why}");
    assert!(why.ends_with("says: it does not answer"), "{why}");
}

#[test]
fn who_cannot_be_a_worker_of_this_run_is_told() {
    let other = Greeting { program: "9.9".to_owned(), ..greeting() };
    let led = lead(LONG, 2, vec![(greeting(), good(0, &[])), (other, good(0, &[]))]);
    assert!(led.lost().contains("is of another version: it is gate 9.9"), "{}", led.lost());
    assert!(matches!(&led.heard[1][..], [FromCoordinator::Refuse { .. }]), "{:?}", led.heard[1]);
    // A part is done by one, and only those that there are.
    let workers = [1, 1, 2, 0].map(|index| (of(index), good(0, &[1])));
    let led = lead(LONG, 2, workers.into());
    assert_eq!(led.lost(), "");
    let refused: Vec<bool> = led
        .heard
        .iter()
        .map(|heard| matches!(heard[..], [FromCoordinator::Refuse { .. }]))
        .collect();
    assert_eq!(refused, [false, true, true, false], "{:?}", led.told);
    for said in ["somebody else does part 1 already", "part 2 is none of the 2 that there are"] {
        assert!(led.told.iter().any(|text| text.contains(said)), "{:?}", led.told);
    }
    let led = lead(Duration::from_millis(300), 2, vec![(of(1), good(0, &[]))]);
    assert_eq!(led.lost(), "1 of 2 workers came within 300ms: nobody does part 0");
}
