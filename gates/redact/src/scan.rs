//! The last look over bytes about to be written.

use std::io::Write;
use std::ops::Range;

use crate::edit::{Edit, apply};
use crate::look::{At, Look};
use crate::stream::{OVERLAP, WINDOW};

/// A secret in bytes about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is, such as `github-token`, or `known-value` for one that was seen elsewhere.
    pub rule: &'static str,
    /// Where it, or the coded text that it is in, stands, in bytes from the start.
    pub at: Range<usize>,
}

impl std::fmt::Display for Finding {
    /// Names the rule and the place, and never the value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.rule, self.at.start)
    }
}

pub(crate) fn scan(look: Look<'_>, bytes: &[u8]) -> Vec<Finding> {
    changes(bytes, &look.text(bytes, At::top()))
}

/// What edits would take out. A placeholder is one of its own; what would be changed to the same
/// is none.
pub(crate) fn changes(bytes: &[u8], edits: &[Edit]) -> Vec<Finding> {
    let changed = edits.iter().filter(|edit| bytes[edit.at.clone()] != *edit.with);
    let findings: Vec<Finding> =
        changed.map(|edit| Finding { rule: edit.rule, at: edit.at.clone() }).collect();
    debug_assert!(findings.is_empty() || apply(bytes, edits) != bytes);
    findings
}

/// Passes bytes on while it looks over them, in bounded memory.
pub struct Scanner<'c, W> {
    cleaner: &'c crate::Cleaner,
    to: W,
    held: Vec<u8>,
    /// How many bytes are behind.
    behind: usize,
    findings: Vec<Finding>,
}

impl<'c, W: Write> Scanner<'c, W> {
    /// To this writer.
    pub fn new(cleaner: &'c crate::Cleaner, to: W) -> Scanner<'c, W> {
        Scanner { cleaner, to, held: Vec::new(), behind: 0, findings: Vec::new() }
    }

    /// The writer, and what was found.
    pub fn finish(mut self) -> (W, Vec<Finding>) {
        self.look();
        (self.to, self.findings)
    }

    fn look(&mut self) {
        for mut finding in self.cleaner.scan(&self.held) {
            finding.at = finding.at.start + self.behind..finding.at.end + self.behind;
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        let done = self.held.len().saturating_sub(OVERLAP);
        self.held.drain(..done);
        self.behind += done;
    }
}

impl<W: Write> Write for Scanner<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = self.to.write(bytes)?;
        self.held.extend_from_slice(&bytes[..taken]);
        if self.held.len() > WINDOW {
            self.look();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}
