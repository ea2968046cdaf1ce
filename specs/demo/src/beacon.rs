//! The collector: what pages report about their visitors, kept in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// How many beacons are kept. Older ones make room, and are counted.
const MOST: usize = 100_000;

/// The longest text of a beacon, in characters; the rest is cut off.
const LONGEST: usize = 200;

/// What a page reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beacon {
    /// Counted from 1 in the order of arrival.
    #[serde(default)]
    pub seq: u64,
    /// What happened: `exposure` or `signup`.
    pub event: String,
    /// The visitor's id; empty for somebody who does not take part.
    #[serde(default)]
    pub user_id: String,
    /// What the visitor was shown: `control`, `new_hero`, or empty.
    #[serde(default)]
    pub arm: String,
    /// The page that reported it, such as `home`.
    #[serde(default)]
    pub page: String,
}

/// All that was reported.
#[derive(Debug, Default)]
pub(crate) struct Collector(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    beacons: VecDeque<Beacon>,
    received: u64,
}

/// What `GET /collect` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    /// From the oldest to the newest.
    pub(crate) beacons: Vec<Beacon>,
    /// How many older ones had to make room.
    pub(crate) dropped: u64,
}

impl Collector {
    /// Keeps a beacon as it came over the wire: a JSON object with at least `event`.
    pub(crate) fn take(&self, body: &[u8]) -> Result<(), serde_json::Error> {
        let mut beacon: Beacon = serde_json::from_slice(body)?;
        for text in [&mut beacon.event, &mut beacon.user_id, &mut beacon.arm, &mut beacon.page] {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
            }
        }
        let mut kept = self.kept();
        kept.received += 1;
        beacon.seq = kept.received;
        if kept.beacons.len() == MOST {
            kept.beacons.pop_front();
        }
        kept.beacons.push_back(beacon);
        Ok(())
    }

    /// What is kept now.
    pub(crate) fn list(&self) -> Listing {
        let kept = self.kept();
        let beacons: Vec<Beacon> = kept.beacons.iter().cloned().collect();
        let dropped = kept.received - beacons.len() as u64;
        Listing { beacons, dropped }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let collector = Collector::default();
        for _ in 0..MOST + 3 {
            collector.take(br#"{"event":"exposure","user_id":"ada"}"#).unwrap();
        }
        let listing = collector.list();
        assert_eq!((listing.beacons.len(), listing.dropped), (MOST, 3));
        assert_eq!(listing.beacons[0].seq, 4);
    }

    #[test]
    fn what_is_not_a_beacon_is_refused() {
        let collector = Collector::default();
        for body in ["", "{}", "[1]", r#"{"event":1}"#, r#"{"event":"a""#] {
            assert!(collector.take(body.as_bytes()).is_err(), "{body}");
        }
        assert!(collector.list().beacons.is_empty());
    }
}
