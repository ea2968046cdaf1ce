//! Instants that are recorded, so that a judgement can be repeated.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, to the millisecond; RFC 3339 in UTC in text, such as `2026-11-21T08:30:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// `YYYYMMDDTHHMMSSZ`, the first part of a run's id.
    pub fn compact(self) -> String {
        self.moment().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// `YYYY-MM-DD`, for sentences.
    pub fn date(self) -> String {
        self.moment().strftime("%Y-%m-%d").to_string()
    }

    fn moment(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.moment())
    }
}

impl std::str::FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Timestamp, String> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Timestamp(moment.as_millisecond()))
            .map_err(|_| format!("`{text}` is not a time such as 2026-11-21T08:30:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a run takes the time from: the machine, or a fixed start that a test chose.
#[derive(Debug)]
pub struct Clock(Source);

#[derive(Debug)]
enum Source {
    Machine,
    /// Moves one second on at each reading, so that order can still be seen.
    Fixed(AtomicI64),
}

impl Clock {
    /// The clock of the machine.
    pub fn machine() -> Clock {
        Clock(Source::Machine)
    }

    /// A clock that starts at `start` and moves on by a second at each reading.
    pub fn fixed(start: Timestamp) -> Clock {
        Clock(Source::Fixed(AtomicI64::new(start.0)))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Machine => Timestamp(jiff::Timestamp::now().as_millisecond()),
            Source::Fixed(at) => Timestamp(at.fetch_add(1000, Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        let at = Timestamp::from_millis(1_795_249_800_250);
        assert_eq!(at.to_string(), "2026-11-21T08:30:00.250Z");
        assert_eq!(at.to_string().parse(), Ok(at));
        assert_eq!(at.compact(), "20261121T083000Z");
        assert_eq!(at.date(), "2026-11-21");
    }

    #[test]
    fn a_fixed_clock_moves_by_readings_only() {
        let clock = Clock::fixed(Timestamp::from_millis(0));
        assert_eq!((clock.now().millis(), clock.now().millis()), (0, 1000));
    }
}
