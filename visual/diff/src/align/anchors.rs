//! Which rows of both pictures are surely the same.
//!
//! The rows are told apart by a histogram difference, as text is line by line (the `histogram`
//! algorithm of JGit, by way of imara-diff). Of its matches only those are kept that tell
//! something: rows of a single colour are alike everywhere, and what occurs often says little.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use imara_diff::{Algorithm, Diff, Token};

use super::gap::Gap;
use super::strips::is_blank;
use super::view::View;

/// What the rows of an anchor must tell together. A row that occurs once tells 1.
const TELLING: f64 = 4.0;

/// The same for rows that have been moved: to say so takes more.
const TELLING_MOVED: f64 = 8.0;

/// Anchors that tell more than this are not asked whether they are worth what they cost.
const SURE: f64 = 400.0;

/// How many anchors are asked.
const MOST_ASKED: usize = 64;

/// Equal rows, by their numbers in the lists that they were searched in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) rows: usize,
}

impl Run {
    pub(super) fn first(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    pub(super) fn last(self, rows: usize) -> Self {
        let passed = self.rows - rows;
        Self { before: self.before + passed, after: self.after + passed, rows }
    }
}

/// What is the same in two lists of rows.
#[derive(Debug)]
pub(super) struct Anchors {
    /// In the order of both lists.
    pub(super) kept: Vec<Run>,
    /// Equal rows that left this order, in the order of the candidate.
    pub(super) moved: Vec<Run>,
}

/// The rows of both lists as numbers that are equal for equal rows.
struct Tokens {
    before: Vec<Token>,
    after: Vec<Token>,
    /// How often a row occurs in both lists together, and whether it is of one colour.
    rows: Vec<(u32, bool)>,
}

impl Tokens {
    fn of(view: &View<'_>, before: &[u32], after: &[u32]) -> Self {
        let mut known: HashMap<u64, u32, Keyed> =
            HashMap::with_capacity_and_hasher(before.len() + after.len(), Keyed::new());
        let mut rows = Vec::new();
        let mut token = |row: &[u32]| {
            let next = rows.len() as u32;
            let at = *known.entry(combined(row)).or_insert(next);
            if at == next {
                rows.push((0, is_blank(row)));
            }
            rows[at as usize].0 += 1;
            Token(at)
        };
        let before = before.iter().map(|&y| token(view.before(y))).collect();
        let after = after.iter().map(|&y| token(view.after(y))).collect();
        Self { before, after, rows }
    }

    /// What it tells that this row is in both lists.
    fn tells(&self, token: Token) -> f64 {
        match self.rows[token.0 as usize] {
            (..=2, false) => 1.0,
            (..=8, false) => 0.25,
            (_, _) => 0.0,
        }
    }

    fn is_plain(&self, token: Token) -> bool {
        self.rows[token.0 as usize].1
    }

    /// Takes rows of one colour away from the ends of runs: next to something that has moved,
    /// they may as well have moved with it.
    fn trim(&self, runs: &mut [Run]) {
        for run in runs {
            let rows = &self.before[run.before..run.before + run.rows];
            let plain = |token: &&Token| self.is_plain(**token);
            let above = rows.iter().take_while(plain).count();
            let below = rows[above..].iter().rev().take_while(plain).count();
            *run = run.last(run.rows - above);
            *run = run.first(run.rows - below);
        }
    }

    /// Whether the two rows are equal and of one colour.
    fn is_same_plain(&self, before: usize, after: usize) -> bool {
        self.before[before] == self.after[after] && self.is_plain(self.before[before])
    }

    fn run_tells(&self, run: Run) -> f64 {
        let tokens = &self.before[run.before..run.before + run.rows];
        tokens.iter().map(|token| self.tells(*token)).sum()
    }
}

/// Odd, with its bits well mixed (2⁶⁴ divided by the golden ratio).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// One number for a row.
pub(super) fn combined(row: &[u32]) -> u64 {
    row.iter()
        .fold(0, |sum: u64, &strip| (sum.rotate_left(23) ^ u64::from(strip)).wrapping_mul(MIX))
}

/// Hashes what is a hash already. The key is drawn by lot, so that no picture can be made whose
/// rows all fall into one place of a table.
#[derive(Clone)]
struct Keyed(u64);

impl Keyed {
    fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher(self.0)
    }
}

struct KeyedHasher(u64);

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * u128::from(MIX);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Anchors {
    /// Searches what both lists of row numbers have in common.
    pub(super) fn find(view: &View<'_>, before: &[u32], after: &[u32]) -> Self {
        let tokens = Tokens::of(view, before, after);
        let mut kept = matches(&tokens);
        let ends = (before.len(), after.len());
        let at_an_end = |run: &Run| {
            (run.before, run.after) == (0, 0)
                || (run.before + run.rows, run.after + run.rows) == ends
        };
        kept.retain(|run| at_an_end(run) || tokens.run_tells(*run) >= TELLING);
        drop_the_costly(&mut kept, &tokens, view, before, after);
        let mut moved = moved(&tokens, &kept, before, after);
        if !moved.is_empty() {
            tokens.trim(&mut kept);
            kept.retain(|run| run.rows > 0);
            balance(&mut moved, &kept, &tokens, (before, after));
        }
        Self { kept, moved }
    }

    /// What lies between the anchors, one more than there are anchors.
    pub(super) fn gaps(&self, before: &[u32], after: &[u32]) -> Vec<Gap> {
        let mut gone = (vec![false; before.len()], vec![false; after.len()]);
        for run in &self.moved {
            gone.0[run.before..run.before + run.rows].fill(true);
            gone.1[run.after..run.after + run.rows].fill(true);
        }
        let end = Run { before: before.len(), after: after.len(), rows: 0 };
        let mut from = (0, 0);
        let runs = self.kept.iter().chain([&end]);
        runs.map(|run| {
            let still = |rows: &[u32], gone: &[bool]| {
                rows.iter().zip(gone).filter(|(_, gone)| !**gone).map(|(y, _)| *y).collect()
            };
            let gap = Gap {
                before: still(&before[from.0..run.before], &gone.0[from.0..run.before]),
                after: still(&after[from.1..run.after], &gone.1[from.1..run.after]),
                end: (row_at(before, run.before), row_at(after, run.after)),
                last: (run.before, run.after) == (before.len(), after.len()),
            };
            from = (run.before + run.rows, run.after + run.rows);
            gap
        })
        .collect()
    }
}

/// The row at a place in the list, or the one after its last.
pub(super) fn row_at(rows: &[u32], at: usize) -> u32 {
    rows.get(at).copied().unwrap_or_else(|| rows.last().map_or(0, |last| last + 1))
}

fn matches(tokens: &Tokens) -> Vec<Run> {
    let known = tokens.rows.len() as u32;
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, &tokens.before, &tokens.after, known);
    let mut runs = Vec::new();
    let mut from = (0, 0);
    let mut add = |from: (usize, usize), to: usize| {
        if to > from.0 {
            runs.push(Run { before: from.0, after: from.1, rows: to - from.0 });
        }
    };
    for hunk in diff.hunks() {
        add(from, hunk.before.start as usize);
        from = (hunk.before.end as usize, hunk.after.end as usize);
    }
    add(from, tokens.before.len());
    runs
}

/// Drops anchors without which the rows around them can be compared at no higher cost: where a
/// text was rewritten, a few of its rows may by chance be found further down.
fn drop_the_costly(
    kept: &mut Vec<Run>,
    tokens: &Tokens,
    view: &View<'_>,
    before: &[u32],
    after: &[u32],
) {
    let gap = |from: Option<&Run>, to: Option<&Run>| {
        let from = from.map_or((0, 0), |run| (run.before + run.rows, run.after + run.rows));
        let to = to.map_or((before.len(), after.len()), |run| (run.before, run.after));
        Gap {
            before: before[from.0..to.0].to_vec(),
            after: after[from.1..to.1].to_vec(),
            end: (0, 0),
            last: to == (before.len(), after.len()),
        }
    };
    let mut asked: Vec<_> = kept.iter().map(|run| (tokens.run_tells(*run), *run)).collect();
    asked.retain(|(tells, _)| *tells < SURE);
    asked.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, run) in asked.into_iter().take(MOST_ASKED) {
        let Some(at) = kept.iter().position(|other| *other == run) else { continue };
        let previous = at.checked_sub(1).map(|at| &kept[at]);
        let next = kept.get(at + 1);
        let offset = |run: &Run| run.before.wrapping_sub(run.after);
        if previous.is_some_and(|other| offset(other) == offset(&run))
            && next.is_some_and(|other| offset(other) == offset(&run))
        {
            continue;
        }
        let with = gap(previous, Some(&run)).cost(view) + gap(Some(&run), next).cost(view);
        if gap(previous, next).cost(view) < with {
            kept.remove(at);
        }
    }
}

/// Rows that no anchor holds, found again elsewhere.
fn moved(tokens: &Tokens, kept: &[Run], before: &[u32], after: &[u32]) -> Vec<Run> {
    let mut free = (vec![true; before.len()], vec![true; after.len()]);
    for run in kept {
        free.0[run.before..run.before + run.rows].fill(false);
        free.1[run.after..run.after + run.rows].fill(false);
    }
    // Where each row stands, if it is free and stands once.
    let once = |list: &[Token], free: &[bool]| {
        let mut places = vec![(0_u32, 0_usize); tokens.rows.len()];
        for (at, token) in list.iter().enumerate().filter(|(at, _)| free[*at]) {
            places[token.0 as usize].0 += 1;
            places[token.0 as usize].1 = at;
        }
        places
    };
    // How many anchors lie above: within one gap rows are compared, not moved.
    let above_old = |at: usize| kept.partition_point(|run| run.before <= at);
    let above_new = |at: usize| kept.partition_point(|run| run.after <= at);
    let old = once(&tokens.before, &free.0);
    let new = once(&tokens.after, &free.1);
    let mut runs = Vec::new();
    for start in 0..after.len() {
        let token = tokens.after[start];
        let (times, from) = old[token.0 as usize];
        let telling = !tokens.rows[token.0 as usize].1;
        if !telling || times != 1 || new[token.0 as usize].0 != 1 {
            continue;
        }
        let same_gap = above_old(from) == above_new(start) || before[from] == after[start];
        if same_gap || !free.1[start] || !free.0[from] {
            continue;
        }
        let equal =
            |a: usize, b: usize| free.0[a] && free.1[b] && tokens.before[a] == tokens.after[b];
        let (mut a, mut b) = (from, start);
        while a > 0 && b > 0 && follows(before, a) && follows(after, b) && equal(a - 1, b - 1) {
            (a, b) = (a - 1, b - 1);
        }
        let mut end = (from + 1, start + 1);
        while end.0 < before.len()
            && end.1 < after.len()
            && follows(before, end.0)
            && follows(after, end.1)
            && equal(end.0, end.1)
        {
            end = (end.0 + 1, end.1 + 1);
        }
        let tells = |at: usize| {
            let token = tokens.before[at].0 as usize;
            !tokens.rows[token].1 && old[token].0 == 1 && new[token].0 == 1
        };
        if ((a..end.0).filter(|at| tells(*at)).count() as f64) < TELLING_MOVED {
            continue;
        }
        free.0[a..end.0].fill(false);
        free.1[b..end.1].fill(false);
        runs.push(Run { before: a, after: b, rows: end.0 - a });
    }
    runs
}

/// Lets what has moved take as many blank rows with it as are too many where it was and too few
/// where it is now: those above or below it, as leaves the fewest differences behind.
fn balance(moved: &mut [Run], kept: &[Run], tokens: &Tokens, (before, after): (&[u32], &[u32])) {
    tokens.trim(moved);
    for at in 0..moved.len() {
        let left = Left { moved, kept, tokens };
        let gaps = (left.gap(moved[at].before, true), left.gap(moved[at].after, false));
        let (from, to) = (left.rows(gaps.0), left.rows(gaps.1));
        let spare = from.0.len().saturating_sub(from.1.len());
        let spare = spare.min(to.1.len().saturating_sub(to.0.len()));
        let Run { before: a, after: b, rows } = moved[at];
        let free = |x: usize, y: usize| {
            from.0.contains(&x) && to.1.contains(&y) && tokens.is_same_plain(x, y)
        };
        let below = (0..spare)
            .take_while(|by| {
                let (x, y) = (a + rows + by, b + rows + by);
                free(x, y) && follows(before, x) && follows(after, y)
            })
            .count();
        let above = (1..=spare.min(a).min(b))
            .take_while(|by| {
                free(a - by, b - by) && follows(before, a - by + 1) && follows(after, b - by + 1)
            })
            .count();
        let known = moved[at];
        let mut best = (usize::MAX, known);
        for up in 0..=above {
            let down = below.min(spare - up);
            let wider = Run { before: a - up, after: b - up, rows: rows + up + down };
            moved[at] = wider;
            let left = Left { moved, kept, tokens };
            let differing = left.differing(gaps.0) + left.differing(gaps.1);
            if differing < best.0 {
                best = (differing, wider);
            }
        }
        moved[at] = best.1;
    }
}

/// The rows that are in no run.
struct Left<'a> {
    moved: &'a [Run],
    kept: &'a [Run],
    tokens: &'a Tokens,
}

impl Left<'_> {
    /// The gap between anchors that a place of the baseline, or of the candidate, lies in.
    fn gap(&self, at: usize, baseline: bool) -> usize {
        self.kept.partition_point(|run| if baseline { run.before } else { run.after } <= at)
    }

    /// The places in the baseline and in the candidate.
    fn rows(&self, gap: usize) -> (Vec<usize>, Vec<usize>) {
        let start = gap.checked_sub(1).map_or((0, 0), |at| {
            (self.kept[at].before + self.kept[at].rows, self.kept[at].after + self.kept[at].rows)
        });
        let end = (self.tokens.before.len(), self.tokens.after.len());
        let end = self.kept.get(gap).map_or(end, |run| (run.before, run.after));
        let still = |from: usize, to: usize, first: &dyn Fn(&Run) -> usize| {
            let gone = |at: usize| {
                self.moved.iter().any(|run| (first(run)..first(run) + run.rows).contains(&at))
            };
            (from..to).filter(|at| !gone(*at)).collect()
        };
        (still(start.0, end.0, &|run| run.before), still(start.1, end.1, &|run| run.after))
    }

    /// How many of them differ when they are compared in their order.
    fn differing(&self, gap: usize) -> usize {
        let (before, after) = self.rows(gap);
        let pairs = before.iter().zip(&after);
        let differing =
            pairs.filter(|(x, y)| self.tokens.before[**x] != self.tokens.after[**y]).count();
        differing + before.len().abs_diff(after.len())
    }
}

/// Whether the row at this place is the one right below the row before it in the list.
fn follows(rows: &[u32], at: usize) -> bool {
    rows[at] == rows[at - 1] + 1
}
