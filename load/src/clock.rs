//! Time since a start that all threads of a run share.

use std::time::{Duration, Instant};

/// Nanoseconds since the start of a run.
pub type Nanos = u64;

/// A monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts at 0 at that instant; what lies before it is 0, too.
    pub fn from(start: Instant) -> Clock {
        Clock { start }
    }

    /// What time it is.
    #[inline]
    pub fn now(&self) -> Nanos {
        Instant::now().saturating_duration_since(self.start).as_nanos() as Nanos
    }
}

/// A duration as nanoseconds; the longest that there are is 584 years.
pub fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
