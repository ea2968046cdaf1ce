//! Requests of visits that are due, or under way, or wait for their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::Nanos;
use crate::visit::Ask;

/// Stands for no place: the one request of runs that ask for one only.
pub(super) const ONE: u32 = u32::MAX;

/// What visits have asked for and what has not come to its end.
#[derive(Default)]
pub(super) struct Pending {
    places: Vec<Option<Ask>>,
    free: Vec<u32>,
    /// What is due later.
    later: BinaryHeap<Reverse<(Nanos, u32)>>,
}

impl Pending {
    pub(super) fn insert(&mut self, ask: Ask) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(ask);
                place
            }
            None => {
                self.places.push(Some(ask));
                self.places.len() as u32 - 1
            }
        }
    }

    /// What stands there; none for what every request is.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Ask> {
        self.places.get(place as usize)?.as_ref()
    }

    pub(super) fn take(&mut self, place: u32) -> Option<Ask> {
        let ask = self.places.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(ask)
    }

    /// It waits for its time.
    pub(super) fn later(&mut self, at: Nanos, place: u32) {
        self.later.push(Reverse((at, place)));
    }

    /// When the next of those that wait is due.
    #[inline]
    pub(super) fn next(&self) -> Option<Nanos> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }

    /// The next of those whose time has come.
    pub(super) fn due(&mut self, now: Nanos) -> Option<(Nanos, u32)> {
        self.next().filter(|at| *at <= now)?;
        self.later.pop().map(|Reverse(both)| both)
    }

    /// What is not due yet will not be asked.
    pub(super) fn forget_later(&mut self) {
        for Reverse((_, place)) in std::mem::take(&mut self.later) {
            self.take(place);
        }
    }
}
