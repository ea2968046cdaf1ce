//! Short numbers for names that come again and again.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many different values a segment may have: more are no segment.
const MOST: usize = 1000;

/// Names that are shared by all who read.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: Mutex<Vec<Box<str>>>,
}

impl Names {
    pub(crate) fn of(names: &[String]) -> Names {
        let all = names.iter().map(|name| name.as_str().into()).collect();
        Names { all: Mutex::new(all) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Box<str>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a name, which it is given when it has none. None when there is no place for it,
    /// or it is no text.
    fn number(&self, name: &[u8]) -> Option<u16> {
        let mut all = self.lock();
        if let Some(at) = all.iter().position(|one| one.as_bytes() == name) {
            return Some(at as u16);
        }
        // Two that are no text may look the same to those who read the answer.
        let name = std::str::from_utf8(name).ok().filter(|_| all.len() < MOST)?;
        all.push(name.into());
        Some(all.len() as u16 - 1)
    }

    /// All of them, in the order of their numbers.
    pub(crate) fn all(&self) -> Vec<String> {
        self.lock().iter().map(ToString::to_string).collect()
    }

    /// Whether a name comes before another one. What is no name's number comes first.
    pub(crate) fn is_before(&self, one: u16, other: u16) -> bool {
        let all = self.lock();
        all.get(usize::from(one)) < all.get(usize::from(other))
    }
}

/// What one reader remembers of them. Names come in runs and are few.
pub(crate) struct Known<'n> {
    names: &'n Names,
    grows: bool,
    seen: Vec<(Box<[u8]>, u16)>,
    last: usize,
}

impl<'n> Known<'n> {
    /// Of names that may become more, or may not: then all are known now, and nobody is asked about
    /// another one.
    pub(crate) fn new(names: &'n Names, grows: bool) -> Known<'n> {
        let seen = if grows {
            Vec::new()
        } else {
            let all = names.lock();
            (0..).zip(all.iter()).map(|(number, name)| (name.as_bytes().into(), number)).collect()
        };
        Known { names, grows, seen, last: 0 }
    }

    /// The number of a name; none when there is no place for it, or it may be new and is no text.
    #[inline]
    pub(crate) fn number(&mut self, name: &[u8]) -> Option<u16> {
        if let Some((_, number)) = self.seen.get(self.last).filter(|(one, _)| **one == *name) {
            return Some(*number);
        }
        if let Some(at) = self.seen.iter().position(|(one, _)| **one == *name) {
            self.last = at;
            return Some(self.seen[at].1);
        }
        if !self.grows {
            return None;
        }
        let number = self.names.number(name)?;
        self.seen.push((name.into(), number));
        self.last = self.seen.len() - 1;
        Some(number)
    }
}
