//! How far another machine's clock is from this one's, by round trips, as NTP has it (RFC 5905,
//! section 8).

/// One round trip, in nanoseconds: the first and the last instant by the own clock, those between
/// by the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trip {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) replied: u64,
    pub(crate) returned: u64,
}

/// What is added to the own clock to get the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offset {
    /// In nanoseconds.
    pub(crate) nanos: i128,
    /// How far from that it may be at the most: half of what the way took.
    pub(crate) within: u64,
}

impl Trip {
    fn offset(&self) -> Offset {
        let at = |nanos: u64| i128::from(nanos);
        let there = at(self.received) - at(self.sent);
        let back = at(self.replied) - at(self.returned);
        // What the other one took to answer is no part of the way, whatever it says.
        let way = (there - back).clamp(0, (at(self.returned) - at(self.sent)).max(0));
        // Rounded up, and one more for the halves that the offset loses.
        let within = u64::try_from(way / 2 + 1).unwrap_or(u64::MAX);
        Offset { nanos: (there + back).div_euclid(2), within }
    }
}

/// By the trip that took the least: what it was held up by on the way was the least, too.
pub(crate) fn offset(trips: &[Trip]) -> Option<Offset> {
    trips.iter().map(Trip::offset).min_by_key(|offset| offset.within)
}

impl Offset {
    /// When it is this time by the own clock, by the other one.
    pub(crate) fn there(&self, own: u64) -> u64 {
        u64::try_from(i128::from(own) + self.nanos).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MILLISECOND: u64 = 1_000_000;

    /// A trip at this time, to a clock that is so far ahead.
    fn trip(at: u64, ahead: i128, there: u64, answering: u64, back: u64) -> Trip {
        let other = |own: u64| u64::try_from(i128::from(own) + ahead).unwrap();
        Trip {
            sent: at,
            received: other(at + there),
            replied: other(at + there + answering),
            returned: at + there + answering + back,
        }
    }

    #[test]
    fn the_quickest_trip_counts() {
        let check = |ahead: i128, ways: &[(u64, u64, u64)], error: i128| {
            let trips: Vec<Trip> = ways
                .iter()
                .enumerate()
                .map(|(number, (there, answering, back))| {
                    let at = 3_000_000 * MILLISECOND + number as u64 * 100 * MILLISECOND;
                    let parts = [there, answering, back].map(|part| part * MILLISECOND);
                    trip(at, ahead, parts[0], parts[1], parts[2])
                })
                .collect();
            let found = offset(&trips).unwrap();
            assert_eq!(found.nanos - ahead, error * i128::from(MILLISECOND), "{ways:?}");
            assert!((found.nanos - ahead).unsigned_abs() <= u128::from(found.within));
        };
        let hour = 3_600_000 * i128::from(MILLISECOND);
        check(hour, &[(1, 0, 1)], 0);
        check(-hour / 2, &[(4, 7, 4)], 0);
        // A way that takes longer than the way back is half of the difference off.
        check(hour, &[(5, 0, 1)], 2);
        check(hour, &[(1, 300, 5)], -2);
        check(hour, &[(80, 0, 2), (3, 90, 1), (1, 0, 60)], 1);
        assert_eq!(offset(&[]), None);
        assert_eq!(Offset { nanos: -5, within: 1 }.there(3), 0);
        assert_eq!(Offset { nanos: -5, within: 1 }.there(30), 25);
    }

    proptest! {
        #[test]
        fn it_is_never_further_off_than_it_says(
            ahead in -1_000_000_000_000_i64..1_000_000_000_000,
            ways in prop::collection::vec((0..50_000_000_u64, 0..9_000_000_u64, 0..50_000_000_u64), 1..16),
        ) {
            let trips: Vec<Trip> = ways
                .iter()
                .enumerate()
                .map(|(number, (there, answering, back))| {
                    let at = 2_000_000_000_000 + number as u64 * 1_000_000_000;
                    trip(at, i128::from(ahead), *there, *answering, *back)
                })
                .collect();
            let found = offset(&trips).unwrap();
            let error = (found.nanos - i128::from(ahead)).unsigned_abs();
            prop_assert!(error <= u128::from(found.within), "{error} {found:?}");
            let quickest = ways.iter().map(|(there, _, back)| there + back).min().unwrap();
            prop_assert!(found.within <= quickest / 2 + 1);
        }

        #[test]
        fn no_instants_are_too_much(trips in prop::collection::vec(any::<[u64; 4]>(), 0..4), own: u64) {
            let trips: Vec<Trip> = trips
                .into_iter()
                .map(|[sent, received, replied, returned]| Trip { sent, received, replied, returned })
                .collect();
            let _ = offset(&trips).map(|offset| offset.there(own));
        }
    }
}
