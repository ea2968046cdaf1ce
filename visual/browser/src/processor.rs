//! How a browser shares the processors of this machine: what it is let have, and what it got.

use std::{
    io,
    process::{Child, Command},
    time::Duration,
};

use crate::Launch;

/// Time on processors, of all threads of all processes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// Time that was spent on one.
    pub ran: Duration,
    /// Time that was spent waiting for one.
    pub waited: Duration,
}

impl Processor {
    /// What came on top since an earlier moment. Threads that have ended meanwhile are not in it.
    pub(crate) fn since(self, before: Processor) -> Processor {
        Processor {
            ran: self.ran.saturating_sub(before.ran),
            waited: self.waited.saturating_sub(before.waited),
        }
    }

    /// Of a process group so far; none where the system does not tell.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_group(group: u32) -> Option<Processor> {
        let mut all = Processor::default();
        let mut is_told = false;
        for pid in crate::processes::members(group) {
            let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { continue };
            for thread in threads.flatten() {
                let told = std::fs::read_to_string(thread.path().join("schedstat"));
                if let Some(one) = told.ok().as_deref().and_then(Processor::parse) {
                    all.ran += one.ran;
                    all.waited += one.waited;
                    is_told = true;
                }
            }
        }
        is_told.then_some(all)
    }

    /// Nothing is known elsewhere.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of_group(_: u32) -> Option<Processor> {
        None
    }

    /// The two first numbers of `schedstat`, in nanoseconds.
    #[cfg(any(target_os = "linux", test))]
    fn parse(told: &str) -> Option<Processor> {
        let mut numbers = told.split_ascii_whitespace().map(str::parse);
        let mut next = || Some(Duration::from_nanos(numbers.next()?.ok()?));
        Some(Processor { ran: next()?, waited: next()? })
    }
}

/// The processors that this process may use, by number, in their order; none where nobody tells.
#[cfg(target_os = "linux")]
pub fn processors() -> Vec<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};
    let Ok(may) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|processor| may.is_set(*processor)).collect()
}

/// Nobody tells elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn processors() -> Vec<usize> {
    Vec::new()
}

/// Starts a program as the launch says that it shares processors.
///
/// What is started inherits these from the thread that starts it. So that is a thread of its own,
/// and there is no moment in which the program runs without them.
pub(crate) fn spawn(command: &mut Command, launch: &Launch) -> io::Result<Child> {
    if launch.niceness == 0 && launch.processors.is_empty() {
        return command.spawn();
    }
    std::thread::scope(|scope| {
        let started = scope.spawn(|| {
            give_way(launch);
            command.spawn()
        });
        started.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it failed")))
    })
}

/// What is not allowed is left as it is: the pages are the same, only less polite.
#[cfg(target_os = "linux")]
fn give_way(launch: &Launch) {
    use rustix::{
        process::setpriority_process,
        thread::{CapabilitySet, CpuSet, remove_capability_from_bounding_set, sched_setaffinity},
    };
    if launch.niceness > 0 {
        // On Linux this is about the calling thread.
        let _ = setpriority_process(None, i32::from(launch.niceness.min(19)));
        // Chromium lifts the priority of some of its threads above that of everybody else, and root
        // would let it.
        let _ = remove_capability_from_bounding_set(CapabilitySet::SYS_NICE);
    }
    if !launch.processors.is_empty() {
        let mut set = CpuSet::new();
        for processor in launch.processors.iter().filter(|one| **one < CpuSet::MAX_CPU) {
            set.set(*processor);
        }
        let _ = sched_setaffinity(None, &set);
    }
}

/// Elsewhere it would be about this whole process.
#[cfg(not(target_os = "linux"))]
fn give_way(_: &Launch) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells() {
        let check = |told: &str, expect: Option<(u64, u64)>| {
            let found = Processor::parse(told);
            let numbers =
                |one: Processor| (one.ran.as_nanos() as u64, one.waited.as_nanos() as u64);
            assert_eq!(found.map(numbers), expect, "{told:?}");
        };
        check("7 8 9\n", Some((7, 8)));
        check("7", None);
        check("", None);
        check("-1 8 9", None);
    }
}
