//! Whether what changed looks like writing on one ground.

use crate::around::Around;
use crate::edges::Edges;
use crate::layout::Pixel;
use crate::regions::Run;

/// How many changed pixels there must be before anything is said.
const FEWEST: u64 = 12;

/// How often changed pixels had, or got, the colour of the ground around them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ink {
    /// The colour that stands unchanged beside most of the changed pixels.
    ground: Pixel,
    votes: u64,
    /// Pixels that had the ground's colour and got another.
    written: u64,
    /// Pixels that had another colour and got the ground's.
    wiped: u64,
}

impl Ink {
    /// Looks at changed pixels of the middle row.
    pub(crate) fn count(run: &Run, before: &Around<'_>, after: &Around<'_>) -> Self {
        let start = run.columns.start as usize;
        let beside = start.checked_sub(1).map(|x| (before.middle()[x], after.middle()[x]));
        let Some((ground, _)) = beside.filter(|(before, after)| before == after) else {
            return Self::default();
        };
        let columns = start..run.columns.end as usize;
        let (mut written, mut wiped) = (0, 0);
        for (was, is) in before.middle()[columns.clone()].iter().zip(&after.middle()[columns]) {
            written += u64::from(*was == ground);
            wiped += u64::from(*is == ground);
        }
        Self { ground, votes: 1, written, wiped }
    }

    /// Adds what was seen elsewhere; of two grounds the more frequent one counts.
    pub(crate) fn add(&mut self, other: Self) {
        if self.votes == 0 || self.ground == other.ground {
            self.ground = if other.votes > 0 { other.ground } else { self.ground };
            self.votes += other.votes;
            self.written += other.written;
            self.wiped += other.wiped;
        } else if other.votes > self.votes {
            *self = Self { votes: other.votes - self.votes, ..other };
        } else {
            self.votes -= other.votes;
        }
    }

    /// Whether strokes on a ground were replaced by other strokes: half of the pixels have the
    /// ground's colour before or after, a fair share each, and edges are as dense as in writing.
    pub(crate) fn is_writing(&self, edges: &Edges, pixels: u64) -> bool {
        let dense = |edges: u64| edges * 10 >= pixels * 3;
        pixels >= FEWEST
            && (self.written + self.wiped) * 2 >= pixels
            && self.written.min(self.wiped) * 8 >= pixels
            && dense(edges.before)
            && dense(edges.after)
    }
}
