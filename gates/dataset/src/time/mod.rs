//! Instants, in microseconds since 1970, and the days that they belong to.

mod written;

use jiff::tz::{AmbiguousOffset, TimeZone};

pub(crate) use written::{parse, since_1970};

const SECOND: i64 = 1_000_000;
/// Offsets change at the ends of such stretches only.
const QUARTER: i64 = 15 * 60 * SECOND;
const HOUR: i64 = 4 * QUARTER;
const DAY: i64 = 24 * HOUR;
/// The first and the last microsecond of the years 1 to 9999, which are all that text can say. What
/// lies outside stands for no time, or was counted in another unit.
const FIRST: i64 = -62_135_596_800 * SECOND;
const LAST: i64 = 253_402_300_800 * SECOND - 1;

/// The time zone that days are cut by, and that times without one of their own are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Zone {
        Zone(TimeZone::UTC)
    }
}

impl Zone {
    /// The zone with this name of the IANA's, such as `Europe/Berlin`, or `UTC`; none when there is
    /// no such zone.
    pub fn named(name: &str) -> Option<Zone> {
        if name == "UTC" {
            return Some(Zone::default());
        }
        TimeZone::get(name).ok().map(Zone)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// How far the clock of this zone is ahead at an instant, in microseconds.
    fn ahead(&self, instant: i64) -> i64 {
        i64::from(self.0.to_offset(timestamp(instant)).seconds()) * SECOND
    }

    /// The same when the clock shows this. What it shows twice is meant the second time, and what it
    /// skips as if it had not been moved yet: PostgreSQL's rule.
    fn ahead_at_wall(&self, wall: i64) -> i64 {
        let shown = TimeZone::UTC.to_datetime(timestamp(wall));
        let offset = match self.0.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } => before,
            AmbiguousOffset::Fold { after, .. } => after,
        };
        i64::from(offset.seconds()) * SECOND
    }
}

/// An instant, or the nearest one that there is a date for.
fn timestamp(instant: i64) -> jiff::Timestamp {
    let nearest = if instant < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_microsecond(instant).unwrap_or(nearest)
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// It says where on earth it is meant, or counts from 1970.
    Instant(i64),
    /// What a clock on the wall shows.
    Wall(i64),
}

/// Why a time is no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Others before it had a zone where this one has none, or the reverse.
    Mixed,
    /// It lies outside of the years 1 to 9999.
    Beyond,
}

/// Whether something lies within the years 1 to 9999.
#[inline]
pub(crate) fn is_near(micros: i64) -> bool {
    (FIRST..=LAST).contains(&micros)
}

/// How many quarters of an hour are remembered: three weeks of them.
const REMEMBERED: usize = 2048;

/// By how much a clock is ahead in quarters of an hour that were asked for before.
struct Ahead(Vec<(i64, i64)>);

impl Ahead {
    #[inline]
    fn of(&mut self, quarter: i64, find: impl FnOnce(i64) -> i64) -> i64 {
        if self.0.is_empty() {
            self.0.resize(REMEMBERED, (i64::MIN, 0));
        }
        let known = &mut self.0[quarter as usize % REMEMBERED];
        if known.0 != quarter {
            *known = (quarter, find(quarter * QUARTER));
        }
        known.1
    }
}

/// Makes instants of what was read, and remembers by how much the clock is ahead.
pub(crate) struct Clock<'z> {
    zone: &'z Zone,
    is_utc: bool,
    /// By quarters of an hour that the clock on the wall shows.
    wall: Ahead,
    /// By quarters of an hour since 1970.
    since_1970: Ahead,
    /// Whether times say where they are meant, once one was read.
    has_zones: Option<bool>,
}

impl<'z> Clock<'z> {
    pub(crate) fn new(zone: &'z Zone) -> Clock<'z> {
        let is_utc = zone.0 == TimeZone::UTC;
        Clock {
            zone,
            is_utc,
            wall: Ahead(Vec::new()),
            since_1970: Ahead(Vec::new()),
            has_zones: None,
        }
    }

    /// The instant that is meant.
    #[inline]
    pub(crate) fn instant(&mut self, stamp: Stamp) -> Result<i64, Unfit> {
        let (has_zone, micros) = match stamp {
            Stamp::Instant(instant) => (true, instant),
            Stamp::Wall(wall) => (false, wall),
        };
        if !is_near(micros) {
            return Err(Unfit::Beyond);
        }
        if *self.has_zones.get_or_insert(has_zone) != has_zone {
            return Err(Unfit::Mixed);
        }
        if has_zone || self.is_utc {
            return Ok(micros);
        }
        let zone = self.zone;
        Ok(micros - self.wall.of(micros.div_euclid(QUARTER), |at| zone.ahead_at_wall(at)))
    }

    /// Whether microseconds need no more than to be taken as they are, and are taken now.
    pub(crate) fn takes_as_it_is(&mut self, has_zone: bool) -> bool {
        (has_zone || self.is_utc) && *self.has_zones.get_or_insert(has_zone) == has_zone
    }

    /// Whether times said where they are meant, none when none was read; the next ones may do as they
    /// like.
    pub(crate) fn forget_zones(&mut self) -> Option<bool> {
        self.has_zones.take()
    }

    /// The day of an instant, counted from 1970-01-01.
    pub(crate) fn day(&mut self, instant: i64) -> i32 {
        if self.is_utc {
            return instant.div_euclid(DAY) as i32;
        }
        let zone = self.zone;
        let ahead = self.since_1970.of(instant.div_euclid(QUARTER), |at| zone.ahead(at));
        (instant + ahead).div_euclid(DAY) as i32
    }
}

/// A day counted from 1970-01-01 as `2026-11-22`.
pub(crate) fn day_name(day: i32) -> String {
    let (year, month, day) = civil(i64::from(day));
    format!("{year:04}-{month:02}-{day:02}")
}

/// Days since 1970-01-01 in the Gregorian calendar, by counting years from March: the leap day is
/// then a year's last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The reverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zones_cut_days_and_move_walls() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let mut clock = Clock::new(&berlin);
        let check = |clock: &mut Clock<'_>, text: &str, expect: &str, day: &str| {
            let instant = clock.instant(parse(text.as_bytes()).unwrap()).unwrap();
            let Some(Stamp::Instant(expect)) = parse(expect.as_bytes()) else { panic!("{expect}") };
            assert_eq!(instant, expect, "{text}");
            assert_eq!(day_name(clock.day(instant)), day, "{text}");
        };
        check(&mut clock, "2026-07-02 00:30:00", "2026-07-01T22:30:00Z", "2026-07-02");
        check(&mut clock, "2026-01-02 00:30:00", "2026-01-01T23:30:00Z", "2026-01-02");
        // The clock goes from 2 to 3 in that night.
        check(&mut clock, "2026-03-29 01:59:59", "2026-03-29T00:59:59Z", "2026-03-29");
        check(&mut clock, "2026-03-29 03:00:00", "2026-03-29T01:00:00Z", "2026-03-29");
        check(&mut clock, "2026-03-29 02:30:00", "2026-03-29T01:30:00Z", "2026-03-29");
        // And shows this twice in that one.
        check(&mut clock, "2026-10-25 02:30:00", "2026-10-25T01:30:00Z", "2026-10-25");
        // Others say where they are meant.
        assert_eq!(clock.instant(Stamp::Instant(0)), Err(Unfit::Mixed));
        assert!(Zone::named("Europe/Atlantis").is_none());
        assert_eq!(berlin.name(), "Europe/Berlin");
        let new_york = Zone::named("America/New_York").unwrap();
        let mut clock = Clock::new(&new_york);
        check(&mut clock, "2026-07-02T03:00:00Z", "2026-07-02T03:00:00Z", "2026-07-01");
        let mut clock = Clock::new(&new_york);
        check(&mut clock, "2026-11-01 01:30:00", "2026-11-01T06:30:00Z", "2026-11-01");
        check(&mut clock, "2026-03-08 02:30:00", "2026-03-08T07:30:00Z", "2026-03-08");
    }

    #[test]
    fn what_no_calendar_has_is_no_time() {
        let utc = Zone::default();
        let check = |stamp: Stamp, expect: Result<i64, Unfit>| {
            assert_eq!(Clock::new(&utc).instant(stamp), expect, "{stamp:?}");
        };
        let Some(Stamp::Wall(last)) = parse(b"9999-12-31T23:59:59.999999") else { panic!() };
        let Some(Stamp::Wall(first)) = parse(b"0001-01-01") else { panic!() };
        for near in [first, 0, last] {
            check(Stamp::Instant(near), Ok(near));
            check(Stamp::Wall(near), Ok(near));
        }
        for beyond in [i64::MIN, first - 1, last + 1, i64::MAX] {
            check(Stamp::Instant(beyond), Err(Unfit::Beyond));
            check(Stamp::Wall(beyond), Err(Unfit::Beyond));
        }
        // At the ends of what there are dates for, days go on as they do before them.
        for name in ["America/New_York", "Asia/Tokyo"] {
            let zone = Zone::named(name).unwrap();
            let mut clock = Clock::new(&zone);
            let instant = clock.instant(Stamp::Wall(last)).unwrap();
            assert_eq!(day_name(clock.day(instant)), "9999-12-31", "{name}");
            let instant = clock.instant(Stamp::Wall(first)).unwrap();
            assert_eq!(day_name(clock.day(instant)), "0001-01-01", "{name}");
        }
    }

    proptest! {
        #[test]
        fn days_and_dates_are_the_same(day in -1_000_000_i64..1_000_000) {
            let (year, month, of_month) = civil(day);
            prop_assert_eq!(days(year, month, of_month), day);
            let date = jiff::civil::date(1970, 1, 1)
                .checked_add(jiff::Span::new().days(day));
            if let Ok(date) = date {
                prop_assert_eq!((i64::from(date.year()), i64::from(date.month()), i64::from(date.day())), (year, month, of_month));
            }
        }
    }
}
