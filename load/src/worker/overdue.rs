//! Requests that are due and wait for a connection: a queue for each origin, so that who waits for a
//! slow one keeps nobody from another.

use std::collections::VecDeque;

use super::connection::Arrival;
use crate::clock::Nanos;

/// All of them.
pub(super) struct Overdue {
    queues: Vec<VecDeque<Arrival>>,
    length: usize,
    /// Origins that nothing more can be sent to for now.
    closed: Vec<bool>,
}

impl Overdue {
    pub(super) fn new(origins: usize) -> Overdue {
        let origins = origins.max(1);
        let queues = (0..origins).map(|_| VecDeque::new()).collect();
        Overdue { queues, length: 0, closed: vec![false; origins] }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn push_back(&mut self, origin: usize, arrival: Arrival) {
        self.queues[origin].push_back(arrival);
        self.length += 1;
    }

    pub(super) fn push_front(&mut self, origin: usize, arrival: Arrival) {
        self.queues[origin].push_front(arrival);
        self.length += 1;
    }

    /// Something may be sent to all origins again.
    pub(super) fn reopen(&mut self) {
        self.closed.fill(false);
    }

    /// Nothing more can be sent to this origin for now.
    pub(super) fn close(&mut self, origin: usize) {
        self.closed[origin] = true;
    }

    /// Who has waited longest, of those that something can be sent for.
    pub(super) fn pop(&mut self) -> Option<(usize, Arrival)> {
        let origin = self.oldest(|origin| !self.closed[origin])?;
        self.take(origin)
    }

    /// Who has waited for as long as this holds for.
    pub(super) fn pop_late(&mut self, is_late: impl Fn(&Arrival) -> bool) -> Option<Arrival> {
        let is_late = |queue: &VecDeque<Arrival>| queue.front().is_some_and(&is_late);
        let origin = self.queues.iter().position(is_late)?;
        self.take(origin).map(|(_, arrival)| arrival)
    }

    /// The last one of where most wait.
    pub(super) fn pop_last(&mut self) -> Option<Arrival> {
        let longest = self.queues.iter_mut().max_by_key(|queue| queue.len())?;
        let arrival = longest.pop_back()?;
        self.length -= 1;
        Some(arrival)
    }

    /// The first one, where there is one origin.
    pub(super) fn pop_first(&mut self) -> Option<Arrival> {
        self.take(0).map(|(_, arrival)| arrival)
    }

    pub(super) fn clear(&mut self) {
        self.queues.iter_mut().for_each(VecDeque::clear);
        self.length = 0;
    }

    #[inline]
    fn oldest(&self, may: impl Fn(usize) -> bool) -> Option<usize> {
        if let [queue] = &self.queues[..] {
            return (!queue.is_empty() && may(0)).then_some(0);
        }
        let since = |origin: &usize| -> Nanos { self.queues[*origin][0].noticed };
        let waiting = (0..self.queues.len()).filter(|at| !self.queues[*at].is_empty() && may(*at));
        waiting.min_by_key(since)
    }

    fn take(&mut self, origin: usize) -> Option<(usize, Arrival)> {
        let arrival = self.queues[origin].pop_front()?;
        self.length -= 1;
        Some((origin, arrival))
    }
}
