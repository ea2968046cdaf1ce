//! How this machine let a thread of load work: what it had to wait for, and what it was denied.

use std::fs;

use crate::clock::Nanos;

/// What a thread had to wait for while it worked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Time on a processor since it began to count, in nanoseconds; 0 where the system does not tell.
    pub ran: Nanos,
    /// Time since then during which it could have run and had no processor, in nanoseconds; 0 where
    /// the system does not tell.
    pub waited: Nanos,
    /// The longest time between two turns of its loop, beyond what it meant to sleep, in
    /// nanoseconds: it was stopped, or had no processor.
    pub longest_gap: Nanos,
    /// How many requests were sent after the last of them should have been, because this thread
    /// was held up or too busy: the rate was not kept for a reason of its own.
    pub late: u64,
}

impl Health {
    /// What happened since an earlier look.
    pub(crate) fn since(self, before: Health) -> Health {
        Health {
            ran: self.ran.saturating_sub(before.ran),
            waited: self.waited.saturating_sub(before.waited),
            ..self
        }
    }
}

/// What the kernel says of the calling thread, in `/proc/thread-self/schedstat` (Documentation/
/// scheduler/sched-stats.rst): time on a processor, time waiting for one, and turns.
pub(crate) fn of_this_thread() -> Health {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut numbers = text.split_ascii_whitespace().map(|word| word.parse().unwrap_or(0));
    let (ran, waited) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    Health { ran, waited, ..Health::default() }
}

/// How long the processes of this one's control group were held back for having used up their
/// share, in nanoseconds (cgroup v2 `throttled_usec`, v1 `throttled_time`); none where no limit is
/// kept or nothing is told.
pub fn throttled() -> Option<Nanos> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        if controllers.is_empty() {
            let text = fs::read_to_string(format!("/sys/fs/cgroup{path}/cpu.stat")).ok()?;
            return field(&text, "throttled_usec").map(|microseconds| microseconds * 1000);
        }
        if !controllers.split(',').any(|name| name == "cpu") {
            return None;
        }
        let roots = [format!("/sys/fs/cgroup/{controllers}"), "/sys/fs/cgroup/cpu".to_owned()];
        let text =
            roots.iter().find_map(|root| fs::read_to_string(format!("{root}{path}/cpu.stat")).ok());
        field(&text?, "throttled_time")
    })
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_is_seen_to() {
        let before = of_this_thread();
        let mut number = 1_u64;
        while of_this_thread().since(before).ran < 5_000_000 {
            for _ in 0..100_000 {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
        }
        assert_ne!(number, 0);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "usage_usec 5\nnr_throttled 2\nthrottled_usec 17\n";
        assert_eq!(field(text, "throttled_usec"), Some(17));
        assert_eq!(field(text, "throttled"), None);
    }
}
