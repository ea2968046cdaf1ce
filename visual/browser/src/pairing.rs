//! Which element of a page is which of a later state of it.
//!
//! From the root down: among the children of two elements that are the same, those are the same
//! whose whole subtrees are equal, as a longest common subsequence; between these, those of the
//! same name are paired in their order. What is left over is gone or new.

use crate::layout::{Layout, digest};

/// More children than these on both sides are paired in their order alone.
const MOST: usize = 600;

pub(crate) struct Pairs {
    /// For each element before, its counterpart after.
    pub(crate) after: Vec<Option<usize>>,
    /// For each element after, its counterpart before.
    pub(crate) before: Vec<Option<usize>>,
}

pub(crate) fn pair(before: &Layout, after: &Layout) -> Pairs {
    let mut pairs = Pairs { after: vec![None; before.len()], before: vec![None; after.len()] };
    if before.is_empty() || after.is_empty() {
        return pairs;
    }
    let sides = [Side::of(before), Side::of(after)];
    let mut open = vec![(0, 0)];
    while let Some((old, new)) = open.pop() {
        pairs.after[old] = Some(new);
        pairs.before[new] = Some(old);
        open.extend(children(&sides, old, new));
    }
    pairs
}

struct Side<'a> {
    layout: &'a Layout,
    children: Vec<Vec<usize>>,
    /// A digest of each subtree: names, texts and pictures, not styles.
    trees: Vec<u32>,
}

impl<'a> Side<'a> {
    fn of(layout: &'a Layout) -> Self {
        let children = layout.children();
        let mut trees = vec![0; layout.len()];
        // Children come after their parents.
        for at in (0..layout.len()).rev() {
            let mut bytes = layout.name(at).as_bytes().to_vec();
            bytes.extend(layout.elements[at].text.to_le_bytes());
            bytes.extend(layout.source(at).as_bytes());
            for child in &children[at] {
                bytes.extend(u32::to_le_bytes(trees[*child]));
            }
            trees[at] = digest(&bytes);
        }
        Self { layout, children, trees }
    }
}

fn children(sides: &[Side<'_>; 2], old: usize, new: usize) -> Vec<(usize, usize)> {
    let [before, after] = sides;
    let (olds, news) = (&before.children[old], &after.children[new]);
    let mut found = Vec::new();
    let (mut from_old, mut from_new) = (0, 0);
    let anchors = common(olds, news, |a, b| before.trees[a] == after.trees[b]);
    for (end_old, end_new) in anchors.into_iter().chain([(olds.len(), news.len())]) {
        // Between two anchors by name, in order.
        let mut rest = &news[from_new..end_new];
        for &a in &olds[from_old..end_old] {
            let name = before.layout.name(a);
            if let Some(at) = rest.iter().position(|b| after.layout.name(*b) == name) {
                found.push((a, rest[at]));
                rest = &rest[at + 1..];
            }
        }
        if let (Some(&a), Some(&b)) = (olds.get(end_old), news.get(end_new)) {
            found.push((a, b));
        }
        (from_old, from_new) = (end_old + 1, end_new + 1);
    }
    found
}

/// The places of a longest common subsequence.
fn common(
    olds: &[usize],
    news: &[usize],
    same: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let head = olds.iter().zip(news).take_while(|(a, b)| same(**a, **b)).count();
    let (rest_old, rest_new) = (&olds[head..], &news[head..]);
    let tail = rest_old.iter().rev().zip(rest_new.iter().rev());
    let tail = tail.take_while(|(a, b)| same(**a, **b)).count();
    let (rows, columns) = (rest_old.len() - tail, rest_new.len() - tail);
    let mut found: Vec<_> = (0..head).map(|at| (at, at)).collect();
    if rows <= MOST && columns <= MOST {
        let mut longest = vec![0_u32; (rows + 1) * (columns + 1)];
        let at = |row: usize, column: usize| row * (columns + 1) + column;
        for row in (0..rows).rev() {
            for column in (0..columns).rev() {
                longest[at(row, column)] = if same(rest_old[row], rest_new[column]) {
                    longest[at(row + 1, column + 1)] + 1
                } else {
                    longest[at(row + 1, column)].max(longest[at(row, column + 1)])
                };
            }
        }
        let (mut row, mut column) = (0, 0);
        while row < rows && column < columns {
            if same(rest_old[row], rest_new[column]) {
                found.push((head + row, head + column));
                (row, column) = (row + 1, column + 1);
            } else if longest[at(row + 1, column)] >= longest[at(row, column + 1)] {
                row += 1;
            } else {
                column += 1;
            }
        }
    }
    found.extend((0..tail).map(|at| (head + rows + at, head + columns + at)));
    found
}
