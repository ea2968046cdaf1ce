//! Stubs, which say what they answer and not what was asked: those that mean one request become
//! recordings, the others rules.

use std::collections::{BTreeMap, HashSet};

use super::Reading;
use crate::canonical::Address;
use crate::cassette::Recorded;
use crate::message::{Interaction, Request};
use crate::rules::{Came, Rule, Rules};

/// A stub as it was read.
pub(super) struct Stub {
    /// What it is called in warnings.
    pub(super) name: String,
    /// The rule that says the same.
    pub(super) rule: Rule,
    /// Whether it means its request and no other.
    pub(super) is_exact: bool,
    /// Which comes first when several fit, the lowest first.
    pub(super) rank: (i64, i64),
    /// The sequence that it belongs to.
    pub(super) step: Option<Step>,
}

/// A stub that holds in one state, and leads to another.
pub(super) struct Step {
    pub(super) sequence: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

/// Puts stubs in order: those of a sequence follow each other, what is never reached goes.
pub(super) fn arrange(mut stubs: Vec<Stub>, start: &str, reading: &mut Reading) {
    put_in_sequence(&mut stubs, start, reading);
    demote(&mut stubs);
    let mut seen = HashSet::new();
    let mut rules: Vec<((i64, i64), Rule)> = Vec::new();
    // The one that comes first among those of one request is the one that answers.
    let mut best: Vec<usize> = (0..stubs.len()).collect();
    best.sort_by_key(|at| stubs[*at].rank);
    let mut reached = vec![true; stubs.len()];
    for at in best {
        let stub = &stubs[at];
        if stub.is_exact && stub.step.is_none() {
            reached[at] = seen.insert(key(&stub.rule.request));
        }
    }
    let recorded = &mut reading.imported.recorded;
    let mut shadowed = Vec::new();
    for (stub, is_reached) in stubs.into_iter().zip(reached) {
        let Stub { name, rule, is_exact, rank, .. } = stub;
        if !is_exact {
            rules.push((rank, rule));
        } else if is_reached {
            let Rule { order, request, response, .. } = rule;
            recorded.push(Recorded { order, interaction: Interaction { request, response } });
        } else {
            shadowed.push(name);
        }
    }
    rules.sort_by_key(|(rank, _)| *rank);
    reading.imported.rules = rules.into_iter().map(|(_, rule)| rule).collect();
    for name in shadowed {
        reading.warn(format!("{name} is never reached, another answers its request: left out"));
    }
}

fn key(request: &Request) -> (String, String, Vec<u8>) {
    let body = request.body.bytes().map_or_else(Vec::new, |bytes| bytes.to_vec());
    (request.method.clone(), request.url.clone(), body)
}

/// Recordings are looked up before rules: where a rule comes first, the stub has to be a rule, too.
fn demote(stubs: &mut [Stub]) {
    let mut open: Vec<&Stub> = stubs.iter().filter(|stub| !stub.is_exact).collect();
    open.sort_by_key(|stub| stub.rank);
    let ranks: Vec<_> = open.iter().map(|stub| stub.rank).collect();
    let rules = Rules::new(open.iter().map(|stub| stub.rule.clone()).collect());
    for stub in stubs.iter_mut().filter(|stub| stub.is_exact && stub.step.is_none()) {
        let request = &stub.rule.request;
        let first = rules.find(Came::same(request), &Address::of(&request.url).origin());
        stub.is_exact = first.is_none_or(|at| ranks[at] > stub.rank);
    }
}

/// Gives the stubs of a sequence the places in which they answer.
fn put_in_sequence(stubs: &mut [Stub], start: &str, reading: &mut Reading) {
    let mut sequences: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, stub) in stubs.iter().enumerate() {
        if let Some(step) = &stub.step {
            sequences.entry(step.sequence.clone()).or_default().push(at);
        }
    }
    for (name, members) in sequences {
        let mut orders: Vec<u64> = members.iter().map(|at| stubs[*at].rule.order).collect();
        orders.sort_unstable();
        let walked = walk(stubs, &members, start);
        for (order, at) in orders.into_iter().zip(&walked) {
            stubs[*at].rule.order = order;
        }
        let requests: HashSet<_> = members.iter().map(|at| key(&stubs[*at].rule.request)).collect();
        if requests.len() > 1 || members.iter().any(|at| !stubs[*at].is_exact) {
            reading.warn(format!(
                "the states of `{name}` are not kept: what answers a request does so in order"
            ));
        }
    }
    stubs.sort_by_key(|stub| stub.rule.order);
}

/// The members in the order in which their states follow each other.
fn walk(stubs: &[Stub], members: &[usize], start: &str) -> Vec<usize> {
    let mut left = members.to_vec();
    let mut walked = Vec::new();
    let mut state = start.to_owned();
    while let Some(next) = left.iter().position(|at| {
        let step = stubs[*at].step.as_ref();
        step.is_some_and(|step| step.from.as_deref().unwrap_or(start) == state)
    }) {
        let at = left.remove(next);
        let to = stubs[at].step.as_ref().and_then(|step| step.to.clone());
        walked.push(at);
        state = to.unwrap_or(state);
    }
    walked.extend(left);
    walked
}
