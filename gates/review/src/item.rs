//! What people look at one after the other: the checks of a run, grouped by what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use gate_core::{Digest, Error, Report, Role, Store, Verdict};
use serde::Serialize;

use crate::{files, pages};

/// A check, as the page lists it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    /// `gate/check`.
    pub(crate) id: String,
    pub(crate) gate: String,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) verdict: Verdict,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) facets: BTreeMap<String, String>,
    /// The comparison of two pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diff: Option<Digest>,
    /// Pictures without a comparison, with what they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pictures: Vec<(String, Digest)>,
    /// Other files: the page of the gate shows them, and the review what it shows of them.
    pub(crate) files: usize,
    /// The page of the gate and the check's place on it, as a link from another page.
    pub(crate) page: String,
    /// What stands for it in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thumbnail: Option<Digest>,
    /// What can be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proposal: Option<String>,
    /// How many pixels changed.
    pub(crate) changed: u64,
    /// The number of its group; alone in it, or not compared: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<u32>,
    /// Others that share a change and are not in its group, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) apart: Vec<Apart>,
    /// What changed, wherever it stands.
    #[serde(skip)]
    changes: Vec<Change>,
}

/// An item that shares a change with another one, and why it has to be decided for itself.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Apart {
    /// The other item's place in the list.
    pub(crate) item: usize,
    pub(crate) reason: String,
}

/// One change, and how many pixels it takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    fingerprint: String,
    pixels: u64,
}

impl Item {
    /// Whether it is files that people read, and not pictures.
    pub(crate) fn is_read(&self) -> bool {
        self.diff.is_none() && self.pictures.is_empty() && self.files > 0
    }
}

/// How much more one of a group may have changed than another.
const FACTOR: u64 = 2;

/// How many items that were left out are listed.
const MOST_APART: usize = 20;

/// The items of a report: what blocks first, each gate's in its own order.
pub(crate) fn items(report: &Report, store: &Store) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    for (at, gate) in report.gates.iter().enumerate() {
        let proposals: HashMap<&str, &str> = gate
            .proposals
            .iter()
            .map(|proposal| (proposal.check.as_str(), proposal.id.as_str()))
            .collect();
        let places = pages::places(at, &gate.checks);
        for (check, page) in gate.checks.iter().zip(places) {
            let of = |role: Role| check.evidence.iter().filter(move |file| file.role == role);
            let compared = of(Role::Diff).next();
            let diff = compared.map(|file| files::diff(store, &file.digest)).transpose()?;
            let pictures: Vec<(String, Digest)> = match &diff {
                Some(_) => Vec::new(),
                None => of(Role::Image).map(|file| (file.label.clone(), file.digest)).collect(),
            };
            let changes = diff.as_ref().map(changes).unwrap_or_default();
            items.push(Item {
                id: format!("{}/{}", gate.name, check.id),
                gate: gate.name.clone(),
                kind: gate.kind.clone(),
                title: check.title.clone(),
                verdict: check.verdict,
                message: check.message.clone(),
                advice: check.advice.clone(),
                facets: check.facets.clone(),
                diff: compared.map(|file| file.digest),
                files: check
                    .evidence
                    .iter()
                    .filter(|file| !matches!(file.role, Role::Diff | Role::Image))
                    .count(),
                page,
                thumbnail: diff
                    .as_ref()
                    .map(|diff| diff.candidate)
                    .or_else(|| pictures.last().map(|(_, digest)| *digest)),
                pictures,
                proposal: proposals.get(check.id.as_str()).map(|&id| id.to_owned()),
                changed: changes.iter().map(|change| change.pixels).sum(),
                group: None,
                apart: Vec::new(),
                changes,
            });
        }
    }
    // The sort is stable.
    items.sort_by_key(|item| std::cmp::Reverse(item.verdict));
    group(&mut items);
    Ok(items)
}

fn changes(diff: &gate_core::evidence::DiffEvidence) -> Vec<Change> {
    let regions = diff.regions.iter().map(|region| (&region.fingerprint, region.pixels));
    let shifts = diff.aligned.iter().flat_map(gate_core::evidence::DiffAligned::shifts);
    let shifts =
        shifts.map(|shift| (&shift.fingerprint, u64::from(shift.width) * u64::from(shift.height)));
    let mut sums: BTreeMap<&String, u64> = BTreeMap::new();
    for (fingerprint, pixels) in regions.chain(shifts) {
        *sums.entry(fingerprint).or_default() += pixels;
    }
    sums.into_iter()
        .map(|(fingerprint, pixels)| Change { fingerprint: fingerprint.clone(), pixels })
        .collect()
}

/// Puts together what has the same changes to about the same extent, and says of what shares only
/// some of them, or to another extent, why it was left out.
fn group(items: &mut [Item]) {
    let mut by_changes: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    let mut by_one: HashMap<&str, Vec<usize>> = HashMap::new();
    let can_be_decided = |item: &Item| item.proposal.is_some() && !item.changes.is_empty();
    let open: Vec<usize> = (0..items.len()).filter(|&at| can_be_decided(&items[at])).collect();
    for at in open {
        let prints: Vec<&str> =
            items[at].changes.iter().map(|change| change.fingerprint.as_str()).collect();
        for print in &prints {
            by_one.entry(print).or_default().push(at);
        }
        by_changes.entry(prints).or_default().push(at);
    }
    let mut group_of: Vec<Option<u32>> = vec![None; items.len()];
    let mut next = 0;
    for mut members in by_changes.into_values() {
        members.sort_by_key(|&at| (items[at].changed, at));
        let mut start = 0;
        for end in 1..=members.len() {
            // Within a group nobody has changed much more than anybody else.
            let most = items[members[start]].changed.max(1).saturating_mul(FACTOR);
            if members.get(end).is_some_and(|&at| items[at].changed <= most) {
                continue;
            }
            if end - start > 1 {
                members[start..end].iter().for_each(|&at| group_of[at] = Some(next));
                next += 1;
            }
            start = end;
        }
    }
    let apart: Vec<Vec<Apart>> = (0..items.len())
        .map(|at| {
            let others: BTreeSet<usize> = items[at]
                .changes
                .iter()
                .filter_map(|change| by_one.get(change.fingerprint.as_str()))
                .flat_map(|others| others.iter().copied().take(4 * MOST_APART))
                .filter(|&other| other != at)
                .filter(|&other| group_of[at].is_none() || group_of[other] != group_of[at])
                .take(MOST_APART)
                .collect();
            others
                .into_iter()
                .map(|other| Apart { item: other, reason: reason(&items[at], &items[other]) })
                .collect()
        })
        .collect();
    for ((item, group), apart) in items.iter_mut().zip(group_of).zip(apart) {
        item.group = group;
        item.apart = apart;
    }
}

/// Why the other one is not decided along.
fn reason(item: &Item, other: &Item) -> String {
    let has = |item: &Item, change: &Change| {
        item.changes.iter().any(|own| own.fingerprint == change.fingerprint)
    };
    let more = other.changes.iter().filter(|change| !has(item, change)).count();
    let fewer = item.changes.iter().filter(|change| !has(other, change)).count();
    let count = |n: usize| if n == 1 { "1 change".to_owned() } else { format!("{n} changes") };
    match (more, fewer) {
        (0, 0) => format!("{} pixels instead of {}", other.changed, item.changed),
        (0, fewer) => format!("{} of this one missing", count(fewer)),
        (more, 0) => format!("{} besides", count(more)),
        (more, fewer) => format!("{} besides, {} of this one missing", count(more), count(fewer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items that changed in these ways; the groups, and who was left out of whose.
    fn check(changes: &[&[(&str, u64)]], groups: &[Option<u32>], apart: &[(usize, usize, &str)]) {
        let item = |(at, changes): (usize, &&[(&str, u64)])| Item {
            id: format!("g/{at}"),
            gate: "g".into(),
            kind: "k".into(),
            title: String::new(),
            verdict: Verdict::Fail,
            message: String::new(),
            advice: None,
            facets: BTreeMap::new(),
            diff: None,
            pictures: Vec::new(),
            files: 0,
            page: String::new(),
            thumbnail: None,
            proposal: Some(at.to_string()),
            changed: changes.iter().map(|(_, pixels)| pixels).sum(),
            group: None,
            apart: Vec::new(),
            changes: changes
                .iter()
                .map(|&(print, pixels)| Change { fingerprint: print.into(), pixels })
                .collect(),
        };
        let mut items: Vec<Item> = changes.iter().enumerate().map(item).collect();
        group(&mut items);
        let found: Vec<_> = items.iter().map(|item| item.group).collect();
        assert_eq!(found, groups, "{changes:?}");
        let left: Vec<_> = (0..)
            .zip(&items)
            .flat_map(|(at, item)| {
                item.apart.iter().map(move |apart| (at, apart.item, apart.reason.as_str()))
            })
            .collect();
        assert_eq!(left, apart, "{changes:?}");
    }

    #[test]
    fn the_same_change_is_one_group() {
        check(&[&[("a", 10)], &[("b", 10)], &[("a", 12)]], &[Some(0), None, Some(0)], &[]);
        check(&[&[("a", 1), ("b", 2)], &[("a", 1), ("b", 2)]], &[Some(0), Some(0)], &[]);
        check(&[&[], &[]], &[None, None], &[]);
    }

    #[test]
    fn what_changed_more_is_left_out() {
        check(
            &[&[("a", 10)], &[("a", 20)], &[("a", 21)]],
            &[Some(0), Some(0), None],
            &[
                (0, 2, "21 pixels instead of 10"),
                (1, 2, "21 pixels instead of 20"),
                (2, 0, "10 pixels instead of 21"),
                (2, 1, "20 pixels instead of 21"),
            ],
        );
    }

    #[test]
    fn what_changed_otherwise_too_is_left_out() {
        check(
            &[&[("a", 10)], &[("a", 10), ("b", 5)], &[("a", 10)]],
            &[Some(0), None, Some(0)],
            &[
                (0, 1, "1 change besides"),
                (1, 0, "1 change of this one missing"),
                (1, 2, "1 change of this one missing"),
                (2, 1, "1 change besides"),
            ],
        );
    }
}
