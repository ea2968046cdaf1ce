//! Access logs in the common and the combined format
//! (<https://httpd.apache.org/docs/2.4/logs.html#accesslog>), asked for again.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gate_core::Error;
use gate_request::{Base, Ready};
use load::{Answer, Ask, Keeps, Request, Script, Stage, Turn, Visits};

use super::sent;
use crate::settings::Replay;

/// How much later a line may be than one behind it: servers write a line when an answer is over.
const DISORDER: Duration = Duration::from_mins(5);
/// No more lines are kept.
const MOST: usize = 5_000_000;

/// What a log has asked for, in its order.
#[derive(Debug)]
pub(crate) struct Log {
    asked: Vec<Arc<Request>>,
    /// How many requests were asked for in each second of the run.
    counts: Vec<u64>,
    /// How many of them the warm-up has before the first that counts.
    warm_up: u64,
    /// Lines that are not asked for again.
    pub(crate) left_out: u64,
}

/// A line, as far as it matters.
#[derive(Debug, PartialEq)]
struct Line<'l> {
    /// In seconds since 1970.
    at: i64,
    method: &'l str,
    path: &'l str,
    status: u16,
}

fn line(text: &str) -> Option<Line<'_>> {
    let (_, rest) = text.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let at = jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", time).ok()?;
    let (_, rest) = rest.split_once('"')?;
    // A path may hold a quote, which is escaped.
    let end = rest.match_indices('"').find(|(at, _)| !rest[..*at].ends_with('\\'))?.0;
    let mut words = rest[..end].split(' ');
    let (method, path) = (words.next()?, words.next()?);
    let status = rest[end + 1..].split_whitespace().next()?.parse().ok()?;
    Some(Line { at: at.to_timestamp().ok()?.as_second(), method, path, status })
}

impl Log {
    /// Reads what is replayed in this time, behind a warm-up at the rate of its first second.
    pub(crate) fn read(
        path: &Path,
        replay: &Replay,
        base: &Base,
        duration: Duration,
        warm_up: Duration,
    ) -> Result<Log, Error> {
        let wrong = |error: std::io::Error| Error::new(format!("{}: {error}", path.display()));
        let file = BufReader::new(std::fs::File::open(path).map_err(wrong)?);
        let from = replay.from.map_or(0.0, |from| from.0.as_secs_f64());
        let (mut first, mut left_out, mut last) = (None, 0, 0.0_f64);
        let mut found: Vec<(f64, Arc<Request>)> = Vec::new();
        let mut known: HashMap<(String, String), Arc<Request>> = HashMap::new();
        for text in file.split(b'\n') {
            let text = text.map_err(wrong)?;
            let text = String::from_utf8_lossy(&text);
            let Some(line) = line(&text) else {
                left_out += u64::from(!text.trim().is_empty());
                continue;
            };
            let start = *first.get_or_insert(line.at);
            let at = ((line.at - start) as f64 - from) / replay.speed;
            last = at.max(last);
            if at > (duration + DISORDER).as_secs_f64() {
                break;
            }
            if found.len() >= MOST {
                let message =
                    format!("{} has more than {MOST} requests of this time", path.display());
                return Err(Error::new(message).hint("replay less of it: give a shorter duration"));
            }
            if !(0.0..duration.as_secs_f64()).contains(&at) {
                continue;
            }
            let is_safe = matches!(line.method, "GET" | "HEAD") && line.status < 400;
            if !is_safe || !line.path.starts_with('/') {
                left_out += 1;
                continue;
            }
            let key = (line.method.to_owned(), line.path.to_owned());
            let request = match known.get(&key) {
                Some(request) => Arc::clone(request),
                None => match asked(line.method, &unescaped(line.path), base) {
                    Ok(request) => Arc::clone(known.entry(key).or_insert(request)),
                    Err(_) => {
                        left_out += 1;
                        continue;
                    }
                },
            };
            found.push((at, request));
        }
        found.sort_by(|one, other| one.0.total_cmp(&other.0));
        if found.is_empty() {
            let message = format!("{} has nothing that can be asked for again", path.display());
            return Err(Error::new(message).hint(
                "lines are those of the common or combined format, with GET and a status below 400",
            ));
        }
        // A minute of a log may well end with a second in which nobody asked.
        if last < duration.as_secs_f64() * 0.9 - 1.0 {
            let message = format!(
                "{} ends after {last:.0} s, and {} s are to be replayed",
                path.display(),
                duration.as_secs()
            );
            return Err(Error::new(message).hint("give it a shorter duration, or an earlier from"));
        }
        let mut counts = vec![0_u64; duration.as_secs().max(1) as usize];
        for (at, _) in &found {
            let second = (*at as usize).min(counts.len() - 1);
            counts[second] += 1;
        }
        let warm_up = (counts[0] as f64 * warm_up.as_secs_f64()).round() as u64;
        let asked = found.into_iter().map(|(_, request)| request).collect();
        Ok(Log { asked, counts, warm_up, left_out })
    }

    /// As many in each second as there were, evenly: a log knows no more.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let second = |count: &u64| {
            let rate = *count as f64;
            [Duration::ZERO, Duration::from_secs(1)].map(|duration| Stage { duration, rate })
        };
        self.counts.iter().flat_map(second).collect()
    }

    /// What is asked first.
    pub(crate) fn first(&self) -> Request {
        (*self.asked[0]).clone()
    }

    fn at(&self, number: u64) -> Arc<Request> {
        let all = self.asked.len() as u64;
        let place = (number + all - self.warm_up % all) % all;
        Arc::clone(&self.asked[place as usize])
    }
}

/// A path without what servers put before quotes (`\"`) and for bytes that are no letters (`\x22`).
fn unescaped(path: &str) -> String {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('\\') {
        text.push_str(before);
        let code = behind.strip_prefix('x').and_then(|hex| hex.get(..2));
        let byte = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                // In an address, bytes are written like this.
                text.push_str(&format!("%{byte:02X}"));
                rest = &behind[3..];
            }
            None => {
                let next = behind.chars().next();
                text.extend(next);
                rest = &behind[next.map_or(0, char::len_utf8)..];
            }
        }
    }
    text + rest
}

fn asked(method: &str, path: &str, base: &Base) -> Result<Arc<Request>, Error> {
    let root = base.url.as_str().trim_end_matches('/');
    let url =
        url::Url::parse(&format!("{root}{path}")).map_err(|error| Error::new(error.to_string()))?;
    let ready = Ready { url, headers: base.headers.clone(), body: None };
    sent(method, &ready, None).map(Arc::new)
}

/// The same for all threads.
#[derive(Debug)]
pub(crate) struct Replayed(pub(crate) Arc<Log>);

impl Script for Replayed {
    fn steps(&self) -> usize {
        1
    }

    fn visits(&self) -> Box<dyn Visits> {
        Box::new(Replaying(Arc::clone(&self.0)))
    }
}

struct Replaying(Arc<Log>);

impl Visits for Replaying {
    fn begin(&mut self, number: u64, asks: &mut Vec<Ask>) {
        let request = self.0.at(number);
        asks.push(Ask {
            visit: 0,
            step: 0,
            tag: 0,
            origin: 0,
            request,
            pause: 0,
            keeps: Keeps::Nothing,
        });
    }

    fn answered(&mut self, _: &Ask, answer: Option<&Answer<'_>>, _: &mut Vec<Ask>) -> Turn {
        Turn { is_good: answer.is_some_and(|answer| answer.status < 400), is_over: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"203.0.113.7 - - [10/Oct/2025:13:55:36 +0200] "GET /a?b=1 HTTP/1.1" 200 2326 "https://x/" "Agent (\"quoted\")"
203.0.113.7 - kim [10/Oct/2025:13:55:36 +0200] "POST /a HTTP/1.1" 201 12
203.0.113.8 - - [10/Oct/2025:11:55:37 +0000] "GET /\"b\" HTTP/2.0" 304 -
what is this?
203.0.113.8 - - [10/Oct/2025:13:55:38 +0200] "GET /gone HTTP/1.1" 404 1
203.0.113.8 - - [10/Oct/2025:13:55:38 +0200] "HEAD /c HTTP/1.1" 200 0
203.0.113.8 - - [10/Oct/2025:13:55:37 +0200] "GET /late HTTP/1.1" 200 0
"#;

    fn read(text: &str, from: u64, speed: f64, seconds: u64) -> Result<Log, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        gate_core::files::write_atomically(&path, text.as_bytes(), folder.path()).unwrap();
        let from = Some(gate_core::values::DurationValue(Duration::from_secs(from)));
        let replay = Replay { log: String::new(), from, speed };
        let base = Base { url: "http://h/s/".parse().unwrap(), headers: Vec::new() };
        let duration = Duration::from_secs(seconds);
        Log::read(&path, &replay, &base, duration, Duration::from_secs(2))
    }

    #[test]
    fn what_was_asked_is_asked_again() {
        let line_of = |log: &Log, number: u64| {
            let text = String::from_utf8(log.at(number).bytes().to_vec()).unwrap();
            text.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned()
        };
        let log = read(LOG, 0, 1.0, 3).unwrap();
        assert_eq!((&log.counts[..], log.left_out), (&[1, 2, 1][..], 3));
        // The warm-up has the two before.
        let all: Vec<String> = (2..6).map(|number| line_of(&log, number)).collect();
        assert_eq!(all, ["GET /s/a?b=1", "GET /s/%22b%22", "GET /s/late", "HEAD /s/c"]);
        assert_eq!(unescaped(r"/\x22\xc3\xa9\"), "/%22%C3%A9");
        assert_eq!(line_of(&log, 0), "GET /s/late");
        let expected: f64 = load::Schedule::new(0.0, &log.stages(), load::Spacing::Even).expected();
        assert!((expected - 4.0).abs() < 1e-9);
        // Twice as fast, and from the second second on.
        assert_eq!(read(LOG, 0, 2.0, 2).unwrap().counts, [3, 1]);
        assert_eq!(read(LOG, 1, 1.0, 2).unwrap().counts, [2, 1]);
        assert!(
            read("nothing", 0, 1.0, 2).unwrap_err().to_string().contains("nothing that can be")
        );
        assert!(read(LOG, 100, 1.0, 2).is_err());
        assert!(read(LOG, 0, 1.0, 60).unwrap_err().to_string().contains("ends after 2 s"));
    }
}
