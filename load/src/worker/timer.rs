//! Waking up at an instant, more precisely than a poll's milliseconds.

use std::io;

use mio::{Registry, Token};

use crate::clock::Nanos;

/// A timer among the sockets that are polled.
#[cfg(target_os = "linux")]
pub(super) struct Timer {
    file: std::os::fd::OwnedFd,
    /// When it goes off; 0 when it has.
    armed: Nanos,
}

#[cfg(target_os = "linux")]
impl Timer {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Timer> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = mio::unix::SourceFd(&file.as_raw_fd());
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Timer { file, armed: 0 })
    }

    /// It has gone off, and has to be set again for any instant.
    pub(super) fn went_off(&mut self) {
        self.armed = 0;
    }

    /// Wakes the poll at this instant, and at no other that was set before. Gives how long the
    /// poll itself is to wait; none for as long as it takes.
    pub(super) fn set(&mut self, at: Nanos, now: Nanos) -> io::Result<Option<std::time::Duration>> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        if at <= now {
            return Ok(Some(std::time::Duration::ZERO));
        }
        // Most turns are for answers, and leave it as it is.
        if at == self.armed {
            return Ok(None);
        }
        let after = at - now;
        let timer = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: (after / 1_000_000_000) as i64,
                tv_nsec: (after % 1_000_000_000) as i64,
            },
        };
        timerfd_settime(&self.file, TimerfdTimerFlags::empty(), &timer)?;
        self.armed = at;
        Ok(None)
    }
}

/// Elsewhere a poll waits for whole milliseconds.
#[cfg(not(target_os = "linux"))]
pub(super) struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    pub(super) fn new(_: &Registry, _: Token) -> io::Result<Timer> {
        Ok(Timer)
    }

    pub(super) fn went_off(&mut self) {}

    pub(super) fn set(&mut self, at: Nanos, now: Nanos) -> io::Result<Option<std::time::Duration>> {
        Ok(Some(std::time::Duration::from_nanos(at.saturating_sub(now))))
    }
}
