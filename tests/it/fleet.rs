//! `gate load coordinate` and `gate load worker`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::environment::{Ended, Environment};
use crate::namespaces::Namespaces;

const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// A service that knows when it was asked by whom.
struct Target {
    url: String,
    asked: Arc<Mutex<Vec<(IpAddr, Instant)>>>,
}

impl Target {
    fn start(on: &str) -> Target {
        let listener = TcpListener::bind((on, 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, noting) = (stream.unwrap(), Arc::clone(&noting));
                thread::spawn(move || answer(stream, &noting));
            }
        });
        Target { url, asked }
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Waits until it was asked so often.
    fn until(&self, count: usize) {
        let begun = Instant::now();
        while self.count() < count {
            assert!(begun.elapsed().as_secs() < 60, "it was asked {} times", self.count());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn answer(mut stream: TcpStream, noting: &Mutex<Vec<(IpAddr, Instant)>>) {
    let from = stream.peer_addr().unwrap().ip();
    stream.set_nodelay(true).unwrap();
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        head.extend_from_slice(&buffer[..count]);
        if head.ends_with(b"\r\n\r\n") {
            noting.lock().unwrap().push((from, Instant::now()));
            head.clear();
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

/// A process of the binary, with what it says while it runs. It ends with the test.
struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
    saying: Vec<JoinHandle<String>>,
}

impl Process {
    fn start(mut command: Command) -> Process {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let said = Arc::new(Mutex::new(String::new()));
        let (mut out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let keeping = Arc::clone(&said);
        let errors = thread::spawn(move || {
            for line in BufReader::new(err).lines() {
                keeping.lock().unwrap().push_str(&(line.unwrap() + "\n"));
            }
            keeping.lock().unwrap().clone()
        });
        let output = thread::spawn(move || {
            let mut text = String::new();
            out.read_to_string(&mut text).unwrap();
            text
        });
        Process { child, said, saying: vec![output, errors] }
    }

    /// What stands behind this on one of its lines, once it says so.
    fn says(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let said = self.said.lock().unwrap().clone();
            if let Some(line) = said.lines().find_map(|line| line.split_once(text)) {
                return line.1.to_owned();
            }
            assert!(begun.elapsed().as_secs() < 60, "it does not say `{text}`: {said}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn ended(mut self) -> Ended {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.wait().unwrap();
        let mut texts = self.saying.drain(..).map(|saying| saying.join().unwrap());
        Ended {
            code: status.code().or(status.signal().map(|signal| -signal)).unwrap(),
            stdout: texts.next().unwrap(),
            stderr: texts.next().unwrap(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A coordinator, and where it waits for workers.
fn coordinator(environment: &Environment, url: &str, more: &[&str]) -> (Process, SocketAddr) {
    environment.write("token", TOKEN);
    let words = ["load", "coordinate", url, "--listen", "127.0.0.1:0", "--token-file", "token"];
    let process = Process::start(environment.command(&[&words[..], more].concat()));
    let address = process.says(" at ").parse().unwrap();
    (process, address)
}

fn worker(environment: &Environment, at: SocketAddr, token: &str) -> Process {
    let words = ["load", "worker", "--coordinator", &at.to_string(), "--wait", "20s"];
    let mut command = environment.command(&words);
    command.env("GATE_LOAD_TOKEN", token).env("HOSTNAME", "pod");
    Process::start(command)
}

/// Runs so many workers to their end.
fn run(url: &str, workers: usize, more: &[&str], code: i32) -> Value {
    let environment = Environment::new(&[]);
    let count = workers.to_string();
    let words = [&["--workers", &count, "--json", "--warm-up", "1s"][..], more].concat();
    let (leading, at) = coordinator(&environment, url, &words);
    let led: Vec<Process> = (0..workers).map(|_| worker(&environment, at, TOKEN)).collect();
    let (ended, led) = (leading.ended(), led.into_iter().map(Process::ended));
    let led: Vec<Ended> = led.collect();
    let workers: String = led.iter().map(|one| one.stderr.as_str()).collect();
    assert_eq!(ended.code, code, "{}{}{workers}", ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains(TOKEN) && !ended.stdout.contains(TOKEN));
    for one in led {
        assert_eq!(one.code, 0, "{}", one.stderr);
        assert!(one.stderr.contains("the run is over"), "{}", one.stderr);
    }
    ended.json()
}

#[test]
fn several_send_what_one_would() {
    let target = Target::start("127.0.0.1");
    let threads =
        ["--duration", "2s", "--rate", "90/s", "--threads", "2", "--max-connections", "7"];
    let one = run(&target.url, 3, &threads, 0);
    assert_eq!(one["schema"], "gate-load/v1");
    assert_eq!((&one["intended"], &one["requests"]), (&180.into(), &180.into()));
    assert_eq!(one["status"]["200"], 180);
    let rate = one["achieved_rate"].as_f64().unwrap();
    assert!((89.0..91.0).contains(&rate), "{one:#}");
    // Undecided, so that it goes on; two versions; as independent visitors come.
    let other = format!("{}other", target.url);
    let more = ["--duration", "1s", "--rate", "60/s", "--poisson", "--compare", &other];
    let wanted = ["--max-duration", "2s", "--threshold", "p(99.9)<30s", "--tolerance", "40ms"];
    let compared = run(&target.url, 2, &[&more[..], &wanted].concat(), 3);
    let intended = |of: &Value| {
        assert_eq!((&of["intended"], &of["failures"]), (&of["requests"], &0.into()), "{of:#}");
        of["intended"].as_u64().unwrap()
    };
    let both = intended(&compared) + intended(&compared["baseline"]);
    assert!((180..300).contains(&both), "{compared:#}");
    assert_eq!(compared["seconds"], 2.0, "{compared:#}");
    assert_eq!(compared["comparison"][0]["metric"], "med", "{compared:#}");
    // What one process would have sent from the same seed.
    let environment = Environment::new(&[]);
    let words = [&["load", &target.url, "--json", "--warm-up", "1s"][..], &more, &wanted].concat();
    let alone = environment.gate(&words).json();
    assert_eq!(alone["intended"], compared["intended"]);
    assert_eq!(alone["baseline"]["intended"], compared["baseline"]["intended"]);
    let closed = run(&target.url, 2, &["--duration", "1s", "--connections", "3"], 0);
    assert_eq!(closed["intended_rate"], Value::Null);
    assert!(closed["requests"].as_u64().unwrap() > 100, "{closed:#}");
}

#[test]
fn one_that_is_lost_spoils_the_run_and_is_named() {
    for (signal, why, within) in [
        (Signal::KILL, "the connection", 4),
        (Signal::STOP, "nothing came from it for too long", 9),
    ] {
        let (environment, target) = (Environment::new(&[]), Target::start("127.0.0.1"));
        let words = ["--workers", "4", "--rate", "200/s", "--duration", "5m"];
        let (leading, at) = coordinator(&environment, &target.url, &words);
        let mut led: Vec<Process> = (0..4).map(|_| worker(&environment, at, TOKEN)).collect();
        target.until(900);
        let named = led[2].says("does part ");
        let part = named.split(' ').next().unwrap();
        led[2].signal(signal);
        let hit = Instant::now();
        let ended = leading.ended();
        let took = hit.elapsed();
        assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
        assert!(took.as_secs() < within, "{took:?}");
        eprintln!("{signal:?}: told after {took:?}");
        let told = format!("worker {part}, pod (127.0.0.1:");
        assert!(ended.stdout.contains(&told), "{}", ended.stdout);
        assert!(ended.stdout.contains(&format!("was lost: {why}")), "{}", ended.stdout);
        drop(led.remove(2));
        for one in led {
            assert_eq!(one.ended().code, 0);
        }
        let asked = target.count();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(target.count(), asked, "somebody goes on sending");
    }
}

#[test]
fn who_has_not_the_token_takes_no_place() {
    let (environment, target) = (Environment::new(&[]), Target::start("127.0.0.1"));
    let words = ["--workers", "2", "--rate", "40/s", "--duration", "1s", "--warm-up", "1s"];
    let (leading, at) = coordinator(&environment, &target.url, &words);
    for said in [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0; 70], b"gate-load/link/1 and so on"]
    {
        TcpStream::connect(at).unwrap().write_all(said).unwrap();
    }
    leading.says("was turned away: it speaks something else");
    // One that says nothing at all holds nobody up.
    let _silent = TcpStream::connect(at).unwrap();
    let stranger = worker(&environment, at, "another token, just as long as it").ended();
    assert_eq!(stranger.code, 3, "{}", stranger.stderr);
    assert!(stranger.stderr.contains("has it the same token"), "{}", stranger.stderr);
    assert_eq!(target.count(), 0);
    let led = [worker(&environment, at, TOKEN), worker(&environment, at, TOKEN)];
    let ended = leading.ended();
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    for one in led {
        assert_eq!(one.ended().code, 0);
    }
    let weak = worker(&environment, at, "guess").ended();
    assert_eq!(weak.code, 2, "{}", weak.stderr);
    assert!(weak.stderr.contains("can be guessed"), "{}", weak.stderr);
}

#[test]
fn too_few_are_not_waited_for_for_ever() {
    let (environment, target) = (Environment::new(&[]), Target::start("127.0.0.1"));
    let words = ["--workers", "3", "--wait", "3s", "--json"];
    let (leading, at) = coordinator(&environment, &target.url, &words);
    let stranger = TcpStream::connect(at).unwrap();
    (&stranger).write_all(b"hello, are you there?").unwrap();
    let led = worker(&environment, at, TOKEN);
    // Another one may take the place of one that goes before it begins.
    let gone = worker(&environment, at, TOKEN);
    gone.says("waits for the others");
    gone.signal(Signal::TERM);
    let gone = gone.ended();
    assert_eq!(gone.code, 143, "{}", gone.stderr);
    let ended = leading.ended();
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    let run = ended.json();
    let reason = run["reasons"][0].as_str().unwrap();
    assert!(reason.contains("1 of 3 workers came within 3s: nobody does part"), "{reason}");
    assert!(reason.contains("1 connection was turned away"), "{reason}");
    assert_eq!((&run["verdict"], &run["requests"]), (&"inconclusive".into(), &0.into()));
    assert_eq!(led.ended().code, 0);
    assert_eq!(target.count(), 0);
}

#[test]
fn workers_end_with_their_coordinator() {
    for (signal, code) in [(Signal::KILL, 3), (Signal::INT, 0), (Signal::STOP, 3)] {
        let (environment, target) = (Environment::new(&[]), Target::start("127.0.0.1"));
        let words = ["--workers", "2", "--rate", "200/s", "--duration", "5m", "--json"];
        let (leading, at) = coordinator(&environment, &target.url, &words);
        let led = [worker(&environment, at, TOKEN), worker(&environment, at, TOKEN)];
        target.until(900);
        leading.signal(signal);
        let hit = Instant::now();
        for one in led {
            let one = one.ended();
            assert_eq!(one.code, code, "{}", one.stderr);
        }
        let last = target.asked.lock().unwrap().iter().map(|(_, at)| *at).max().unwrap();
        let after = last.saturating_duration_since(hit);
        eprintln!("{signal:?}: the last request came after {after:?}");
        // One that is only silent is waited for for two seconds.
        assert!(after < Duration::from_millis(2_500), "{after:?}");
        if signal == Signal::INT {
            let ended = leading.ended();
            assert_eq!(ended.code, 130, "{}{}", ended.stdout, ended.stderr);
            assert!(ended.stdout.contains("it was told to end"), "{}", ended.stdout);
        }
    }
}

#[test]
fn what_is_written_wrong_is_named() {
    let environment = Environment::new(&[("token", TOKEN)]);
    let check = |words: &[&str], said: &str| {
        let ended = environment.gate(&[&["load"], words].concat());
        assert_eq!(ended.code, 2, "{words:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{words:?}: {}", ended.stderr);
    };
    let two = ["coordinate", "http://127.0.0.1:9/", "--workers", "2"];
    let with = |more: &[&'static str]| [&two[..], more].concat();
    check(&with(&[]), "there is none");
    check(&with(&["--token-file", "nowhere"]), "nowhere");
    let known = |more: &[&'static str]| with(&[&["--token-file", "token"][..], more].concat());
    check(&known(&["--connections", "1"]), "1 cannot be shared out to 2 workers");
    check(&known(&["--duration", "10ms"]), "less than a second says nothing");
    check(&known(&["--job", "speed"]), "JOB_COMPLETION_INDEX is not set");
    check(&known(&["--listen", "203.0.113.1:1"]), "cannot listen on 203.0.113.1:1");
    check(&["coordinate", "http://127.0.0.1:9/"], "--workers");
    check(&["worker"], "--coordinator");
    check(&["worker", "--coordinator", "host"], "write it as host:7979");
    check(&["worker", "--coordinator", "host:1", "--token-file", "nowhere"], "nowhere");
    check(&["manifest", "http://h/", "--workers", "2"], "--image");
}

/// Runs four pods of an Indexed Job, which all have the same command and find each other by name;
/// gives what lay between their first counted requests, or nothing when this machine had no
/// processor for them and the run says so.
fn spread(machines: &Namespaces, environment: &Environment, is_named: bool) -> Option<Duration> {
    let target = Target::start(&machines.here().to_string());
    let words = ["load", "coordinate", &target.url, "--workers", "4", "--rate", "1000/s"];
    let more = ["--duration", "2s", "--warm-up", "0s", "--token-file", "token", "--job", "speed"];
    let mut command = environment.command(&[&words[..], &more, &["--json"]].concat());
    let mut pods: Vec<Process> = (0..4)
        .rev()
        .map(|number| {
            command.env("JOB_COMPLETION_INDEX", number.to_string());
            command.env("HOSTNAME", format!("speed-{number}"));
            Process::start(machines.command(number, &command))
        })
        .collect();
    if !is_named {
        // A pod may begin before its name is known.
        pods[0].says("its name is not found");
        machines.name(machines.address(0), "speed-0.speed");
    }
    let leading = pods.pop().unwrap();
    for one in pods.into_iter().map(Process::ended) {
        assert_eq!(one.code, 0, "{}", one.stderr);
    }
    let ended = leading.ended();
    let run = ended.json();
    assert_eq!((&run["requests"], &run["failures"]), (&2000.into(), &0.into()), "{run:#}");
    if ended.code == 3 && run["reasons"][0].as_str().unwrap().contains("for a processor") {
        return None;
    }
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let mut asked: BTreeMap<IpAddr, Vec<Instant>> = BTreeMap::new();
    for (from, at) in target.asked.lock().unwrap().iter() {
        asked.entry(*from).or_default().push(*at);
    }
    let pods: Vec<IpAddr> = (0..4).map(|number| machines.address(number).into()).collect();
    assert_eq!(asked.keys().copied().collect::<Vec<_>>(), pods);
    // Each has asked once before, and then sent its fourth of all.
    assert!(asked.values().all(|times| times.len() == 501), "{:?}", asked.values().map(Vec::len));
    let firsts: Vec<Instant> = asked.values().map(|times| times[1]).collect();
    Some(firsts.iter().max().unwrap().duration_since(*firsts.iter().min().unwrap()))
}

#[test]
fn machines_begin_at_the_same_instant() {
    let (machines, environment) = (Namespaces::new(4), Environment::new(&[("token", TOKEN)]));
    // The median: four processes on what may be one processor do not always get it in time.
    let rounds = (0..8).filter_map(|round| spread(&machines, &environment, round > 0));
    let mut spreads: Vec<Duration> = rounds.take(3).collect();
    spreads.sort_unstable();
    eprintln!("the first requests of 4 machines came within {spreads:?}");
    assert_eq!(spreads.len(), 3, "this machine is too busy to tell");
    assert!(spreads[1] <= Duration::from_millis(20), "{spreads:?}");
}
