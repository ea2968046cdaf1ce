use std::io::Cursor;
use std::net::{TcpListener, TcpStream};
use std::thread;

use load::Tally;
use proptest::prelude::*;

use super::*;
use crate::fleet::line::{self, Hearing, Line};
use crate::fleet::message::{FromCoordinator, FromWorker, MOST, Packed};

const TOKEN: &[u8] = b"a token that nobody else has";

fn token(text: &[u8]) -> Token {
    Token::new(text).unwrap()
}

/// Two ends of a connection.
fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, one)
}

/// What both ends agree upon: of the coordinator and of the worker.
fn agreed(one: &[u8], other: &[u8]) -> [(Sealer, Opener); 2] {
    let (mut here, mut there) = streams();
    let (one, other) = (token(one), token(other));
    let worker = thread::spawn(move || agree(&mut there, &other, Side::Worker).unwrap());
    let coordinator = agree(&mut here, &one, Side::Coordinator).unwrap();
    [coordinator, worker.join().unwrap()]
}

fn lines() -> ((Line, Hearing), (Line, Hearing)) {
    let (here, there) = streams();
    let worker =
        thread::spawn(move || line::open(there, &token(TOKEN), Side::Worker).ok().unwrap());
    let coordinator = line::open(here, &token(TOKEN), Side::Coordinator).ok().unwrap();
    (coordinator, worker.join().unwrap())
}

/// What goes over the wire for these messages.
fn sealed(sealer: &mut Sealer, messages: &[&[u8]]) -> Vec<u8> {
    let mut wire = Vec::new();
    for message in messages {
        sealer.send(&mut wire, message).unwrap();
    }
    wire
}

fn opened(opener: &mut Opener, wire: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Broken> {
    let (mut from, mut all) = (Cursor::new(wire), Vec::new());
    while (from.position() as usize) < wire.len() {
        let sealed = Opener::read(&mut from, most)?;
        all.push(opener.open(sealed)?);
    }
    Ok(all)
}

#[test]
fn what_one_end_says_the_other_one_hears_and_nobody_else() {
    let [mut coordinator, mut worker] = agreed(TOKEN, TOKEN);
    let messages: [&[u8]; 3] = [b"authorization: Bearer abc", b"", b"authorization: Bearer abc"];
    let wire = sealed(&mut coordinator.0, &messages);
    assert!(memmem(&wire, b"Bearer").is_none() && memmem(&wire, TOKEN).is_none());
    // The same is sealed to something else each time.
    let lengths = [4 + 25 + TAG, 4 + TAG];
    assert_ne!(wire[4..lengths[0]], wire[lengths[0] + lengths[1] + 4..]);
    assert_eq!(opened(&mut worker.1, &wire, 100).unwrap(), messages);
    let wire = sealed(&mut worker.0, &messages);
    assert_eq!(opened(&mut coordinator.1, &wire, 100).unwrap(), messages);
}

fn memmem(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[test]
fn who_has_not_the_token_is_not_heard() {
    let check = |one: &[u8], other: &[u8]| {
        let [mut coordinator, mut worker] = agreed(one, other);
        let wire = sealed(&mut worker.0, &[b"{}"]);
        let heard = opened(&mut coordinator.1, &wire, 100);
        assert!(matches!(heard, Err(Broken::Forged)), "{heard:?}");
        let wire = sealed(&mut coordinator.0, &[b"{}"]);
        assert!(matches!(opened(&mut worker.1, &wire, 100), Err(Broken::Forged)));
    };
    check(TOKEN, b"a token that nobody else hat");
    check(TOKEN, b"a token that nobody else has, or has");
    // Not even who has, when it is about another connection.
    let ([mut one, _], [_, mut other]) = (agreed(TOKEN, TOKEN), agreed(TOKEN, TOKEN));
    let wire = sealed(&mut one.0, &[b"{}"]);
    assert!(matches!(opened(&mut other.1, &wire, 100), Err(Broken::Forged)));
    // Nor what it has said itself.
    let [mut coordinator, _] = agreed(TOKEN, TOKEN);
    let wire = sealed(&mut coordinator.0, &[b"{}"]);
    assert!(matches!(opened(&mut coordinator.1, &wire, 100), Err(Broken::Forged)));
}

#[test]
fn nothing_is_said_again_left_out_or_made_longer() {
    let check = |change: &dyn Fn(&[Vec<u8>]) -> Vec<u8>, heard: usize| {
        let [mut coordinator, mut worker] = agreed(TOKEN, TOKEN);
        let frames: Vec<Vec<u8>> = [&b"one"[..], b"two", b"three"]
            .iter()
            .map(|message| sealed(&mut coordinator.0, &[message]))
            .collect();
        let wire = change(&frames);
        let mut from = Cursor::new(&wire);
        let mut all = Vec::new();
        let broken = loop {
            match Opener::read(&mut from, 100).and_then(|sealed| worker.1.open(sealed)) {
                Ok(message) => all.push(message),
                Err(broken) => break broken,
            }
        };
        assert_eq!(all.len(), heard, "{broken:?}");
    };
    check(&|frames| frames.concat(), 3);
    check(&|frames| [&frames[0][..], &frames[0]].concat(), 1);
    check(&|frames| [&frames[1][..], &frames[0]].concat(), 0);
    check(&|frames| [&frames[0][..], &frames[2]].concat(), 1);
    check(&|frames| frames[0][..frames[0].len() - 1].to_vec(), 0);
    check(&|frames| [&[0, 0, 1, 0][..], &frames[0]].concat(), 0);
    let [mut coordinator, mut worker] = agreed(TOKEN, TOKEN);
    let wire = sealed(&mut coordinator.0, &[&[7; 101]]);
    assert!(matches!(opened(&mut worker.1, &wire, 100), Err(Broken::TooLong)));
}

#[test]
fn who_speaks_something_else_is_told_nothing() {
    let check = |said: &[u8]| {
        let (mut here, mut there) = streams();
        there.write_all(said).unwrap();
        there.shutdown(std::net::Shutdown::Write).unwrap();
        let broken = agree(&mut here, &token(TOKEN), Side::Coordinator).err().unwrap();
        drop(here);
        let mut heard = Vec::new();
        let _ = there.read_to_end(&mut heard);
        assert_eq!(heard, b"", "{broken}");
        broken
    };
    assert!(matches!(check(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"), Broken::Foreign));
    assert!(matches!(check(&[MAGIC, &[1; 31][..]].concat()), Broken::Ended(_)));
    assert!(matches!(check(b""), Broken::Ended(_)));
    // A key of which nothing secret can come (RFC 7748, section 6.1).
    let (mut here, mut there) = streams();
    there.write_all(&[MAGIC, &[0; 32][..]].concat()).unwrap();
    let broken = agree(&mut here, &token(TOKEN), Side::Coordinator).err().unwrap();
    assert!(matches!(broken, Broken::Foreign), "{broken}");
}

/// Samples as a worker counts them: statuses, latencies and lags, or failures.
fn counted(samples: &[(u16, u64, u64)]) -> Tally {
    let mut tally = Tally::new();
    for (status, latency, lag) in samples {
        match status {
            0 => tally.count_failure(load::Failure::Timeout, *latency),
            status => tally.count(*status, *latency, *lag),
        }
        tally.bytes += latency % 7;
        tally.connect.record(*lag);
    }
    tally
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Bucket for bucket, through everything that lies between a worker and the merge.
    #[test]
    fn workers_merged_are_one_histogram_of_the_same_samples(
        samples in prop::collection::vec(
            (prop_oneof![Just(0), Just(200), 100..600_u16], 0..90_000_000_u64, 0..2_000_000_u64),
            0..300,
        ),
        workers in 1..6_usize,
    ) {
        let mut merged = Tally::new();
        for worker in 0..workers {
            let own: Vec<_> = samples.iter().skip(worker).step_by(workers).copied().collect();
            let ((_here, mut hearing), (line, _there)) = lines();
            let tally = Packed::of(&counted(&own));
            line.say(&FromWorker::Second { version: 0, second: 3, tally }).unwrap();
            let (FromWorker::Second { tally, .. }, _) = hearing.hear().unwrap() else {
                panic!("a second was said");
            };
            merged.merge(&tally.tally().unwrap());
        }
        let one = counted(&samples);
        prop_assert!(merged == one);
        let buckets = |tally: &Tally| tally.latency.buckets().collect::<Vec<_>>();
        prop_assert_eq!(buckets(&merged), buckets(&one));
    }

    /// Neither end takes harm, whatever comes instead of the handshake.
    #[test]
    fn no_bytes_are_too_much_for_a_handshake(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        is_begun in any::<bool>(),
        is_worker in any::<bool>(),
    ) {
        let (here, mut there) = streams();
        if is_begun {
            there.write_all(MAGIC).unwrap();
        }
        there.write_all(&bytes).unwrap();
        there.shutdown(std::net::Shutdown::Write).unwrap();
        let side = if is_worker { Side::Worker } else { Side::Coordinator };
        let heard = line::open(here, &token(TOKEN), side).and_then(|(_, mut hearing)| {
            hearing.hear_first::<FromWorker>(100)
        });
        prop_assert!(heard.is_err());
    }

    /// Nor what comes after it.
    #[test]
    fn no_bytes_are_too_much_for_a_link(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
        length in any::<[u8; 4]>(),
    ) {
        let [mut coordinator, mut worker] = agreed(TOKEN, TOKEN);
        // Said by one who has the keys: it makes no sense, and that is all.
        for frame in &frames {
            let wire = sealed(&mut worker.0, &[frame]);
            let message = opened(&mut coordinator.1, &wire, MOST).unwrap().remove(0);
            let _ = serde_json::from_slice::<FromWorker>(&message);
            let _ = serde_json::from_slice::<FromCoordinator>(&message);
        }
        let wire = [&length[..], &frames.concat()].concat();
        prop_assert!(opened(&mut coordinator.1, &wire, MOST).is_err());
    }
}
