use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn request() -> Asks {
    Asks {
        method: "POST".to_owned(),
        headers: vec![("x-key".to_owned(), "ü\u{0}\"".to_owned())],
        body: vec![0, 255, 10],
        authorities: Some(b"-----BEGIN".to_vec()),
        ..Asks::default()
    }
}

#[test]
fn a_plan_says_the_same_at_the_other_end() {
    let spec = json!({
        "rate": "1000/m", "duration": "90s", "poisson": true, "max_failures": "0.1%",
        "thresholds": ["p(99.9)<1.5s", "service max<=20ms"], "lag_budget": "250us",
        "compare": { "against": "live", "margin": "7.5%", "percentiles": [50, 99.9] },
    });
    let plan = Plan {
        spec: serde_json::from_value(spec).unwrap(),
        urls: vec!["https://kim:x@shop.example/a?b=c".to_owned()],
        asks: Request::of(&request()),
        seed: u64::MAX,
        part: 3,
        parts: 4,
    };
    let said = serde_json::to_string(&FromCoordinator::Plan(Box::new(plan))).unwrap();
    let heard: FromCoordinator = serde_json::from_str(&said).unwrap();
    assert_eq!(serde_json::to_string(&heard).unwrap(), said);
    let FromCoordinator::Plan(heard) = heard else { panic!("a plan was said: {said}") };
    assert_eq!((heard.seed, heard.part, heard.parts), (u64::MAX, 3, 4));
    let (found, asks) = (heard.asks.asks(), request());
    assert_eq!((found.method, found.headers), (asks.method, asks.headers));
    assert_eq!((found.body, found.authorities), (asks.body, asks.authorities));
}

#[test]
fn versions_that_differ_are_told_apart() {
    let check = |protocol: u32, program: &str, expect: Option<&str>| {
        let greeting =
            Greeting { protocol, program: program.to_owned(), ..Greeting::new(None, "") };
        assert_eq!(greeting.differs().as_deref(), expect);
    };
    let own = env!("CARGO_PKG_VERSION");
    check(PROTOCOL, own, None);
    let differs = format!("it is gate 9.9 (protocol 1), and this is gate {own} (protocol 1)");
    check(PROTOCOL, "9.9\x1b", Some(&differs));
    let differs = format!("it is gate {own} (protocol 2), and this is gate {own} (protocol 1)");
    check(PROTOCOL + 1, own, Some(&differs));
    // The first message is short, whatever the machine is called.
    let long = Greeting::new(Some(u64::MAX), &"ü".repeat(500));
    assert!(serde_json::to_vec(&long).unwrap().len() < FIRST);
}

#[test]
fn outcomes_are_put_together() {
    let outcome = |intended, elapsed, waited, throttled: Option<u64>| Outcome {
        exchanges: Exchanges::new(5),
        all: Tally::new(),
        intended,
        elapsed: Duration::from_millis(elapsed),
        health: vec![Health { ran: 7, waited, longest_gap: waited, late: 2 }],
        throttled: throttled.map(Duration::from_millis),
        is_cut_short: waited == 9,
    };
    let mut all = outcome(None, 0, 0, None);
    all.health.clear();
    for one in [outcome(Some(30), 900, 4, None), outcome(Some(29), 950, 9, Some(3))] {
        let said = serde_json::to_string(&Done::of(&one)).unwrap();
        serde_json::from_str::<Done>(&said).unwrap().add_to(&mut all);
    }
    assert_eq!((all.intended, all.elapsed), (Some(59), Duration::from_millis(950)));
    assert_eq!((all.throttled, all.is_cut_short), (Some(Duration::from_millis(3)), true));
    let waited: BTreeMap<u64, u64> =
        all.health.iter().map(|one| (one.waited, one.longest_gap)).collect();
    assert_eq!(waited, BTreeMap::from([(4, 4), (9, 9)]));
    assert_eq!(all.health.iter().map(|one| one.late + one.ran).sum::<u64>(), 18);
}

#[test]
fn what_nobody_can_count_is_not_added() {
    let check = |count: &dyn Fn(&mut Tally), is_taken: bool| {
        let mut tally = Tally::new();
        count(&mut tally);
        assert_eq!(Packed::of(&tally).tally().is_some(), is_taken);
    };
    check(&|tally| tally.count(200, 60_000_000, 5), true);
    check(&|tally| tally.requests = MOST_REQUESTS, true);
    check(&|tally| tally.requests = MOST_REQUESTS + 1, false);
    check(&|tally| tally.bytes = u64::MAX, false);
    check(&|tally| tally.latency.record(1 << 60), false);
    check(&|tally| tally.connect.record(1 << 51), false);
    assert_eq!(Packed(Bytes(vec![1, 2, 3])).tally(), None);
}

proptest! {
    #[test]
    fn no_message_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = serde_json::from_slice::<FromWorker>(&bytes);
        let _ = Packed(Bytes(bytes)).tally();
    }
}

proptest! {
    /// Whatever workers say came of them, it can be put together.
    #[test]
    fn no_outcomes_are_too_much(
        numbers in prop::collection::vec(any::<[u64; 4]>(), 0..4),
        intended in any::<Option<u64>>(),
        elapsed in any::<u64>(),
    ) {
        let outcome = Outcome {
            exchanges: Exchanges::new(5),
            all: Tally::new(),
            intended,
            elapsed: Duration::new(elapsed, 0),
            health: numbers
                .iter()
                .map(|[ran, waited, longest_gap, late]| Health {
                    ran: *ran,
                    waited: *waited,
                    longest_gap: *longest_gap,
                    late: *late,
                })
                .collect(),
            throttled: Some(Duration::new(elapsed, 0)),
            is_cut_short: false,
        };
        let (done, mut all) = (Done::of(&outcome), outcome);
        all.intended = None;
        for _ in 0..1000 {
            done.add_to(&mut all);
        }
        let late: u64 = all.health.iter().skip(numbers.len()).map(|one| one.late).sum();
        prop_assert!(late <= MOST_REQUESTS * 4000 && all.intended.unwrap_or(0) < u64::MAX);
    }
}
