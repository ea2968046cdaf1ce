//! Short numbers for names that come again and again.

use std::sync::Mutex;

/// How many different values a segment may have: more are no segment.
const MOST: usize = 1000;

/// Names that are shared by all who read.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: Mutex<Vec<Box<[u8]>>>,
}

impl Names {
    pub(crate) fn of(names: &[String]) -> Names {
        let all = names.iter().map(|name| name.as_bytes().into()).collect();
        Names { all: Mutex::new(all) }
    }

    /// The number of a name, which it is given when it has none and may get one.
    fn number(&self, name: &[u8], may_be_new: bool) -> Option<u16> {
        let mut all = self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at) = all.iter().position(|one| **one == *name) {
            return Some(at as u16);
        }
        if !may_be_new || all.len() >= MOST {
            return None;
        }
        all.push(name.into());
        Some(all.len() as u16 - 1)
    }

    /// All of them, in the order of their numbers.
    pub(crate) fn all(&self) -> Vec<String> {
        let all = self.all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
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
    /// Of names that may become more, or may not.
    pub(crate) fn new(names: &'n Names, grows: bool) -> Known<'n> {
        Known { names, grows, seen: Vec::new(), last: 0 }
    }

    /// The number of a name; none when there is no place for it.
    #[inline]
    pub(crate) fn number(&mut self, name: &[u8]) -> Option<u16> {
        if let Some((_, number)) = self.seen.get(self.last).filter(|(one, _)| **one == *name) {
            return Some(*number);
        }
        if let Some(at) = self.seen.iter().position(|(one, _)| **one == *name) {
            self.last = at;
            return Some(self.seen[at].1);
        }
        let number = self.names.number(name, self.grows)?;
        self.seen.push((name.into(), number));
        self.last = self.seen.len() - 1;
        Some(number)
    }
}
