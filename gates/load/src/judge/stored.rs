//! A comparison with an earlier run, which is weaker than one with a version that is asked in turn.

use gate_core::{Check, Verdict};

use super::Reading;
use crate::settings::Compare;

/// How much one rate may be above the other.
const MOST: f64 = 1.1;
/// What is said of it.
const WEAK: &str = "another time, and perhaps another machine, that the difference may come from";

/// What an earlier run can say: it warns unless somebody wants more of it.
pub(super) fn weaker(mut check: Check, compare: &Compare) -> Check {
    check.message = format!("{}; it was {WEAK}", check.message);
    if check.verdict == Verdict::Fail && !compare.blocks {
        check.verdict = Verdict::Warn;
        check = check.advice(
            "ask both versions in one run (compare) to know, or let this block: compare.blocks",
        );
    }
    check
}

/// Why two runs cannot be compared: they were asked for so much more or less.
pub(super) fn other_rate(own: &Reading<'_>, earlier: &Reading<'_>) -> Option<Check> {
    let rate = |one: &Reading<'_>| one.figures.all.requests as f64 / one.seconds.max(1e-9);
    let (own, earlier) = (rate(own), rate(earlier));
    if own <= earlier * MOST && earlier <= own * MOST {
        return None;
    }
    let message = format!(
        "the earlier run had {earlier:.1} requests a second and this one {own:.1}: what they took says nothing of the versions"
    );
    let check = Check::new("comparison", "Comparison", Verdict::Inconclusive, message);
    Some(check.advice("send as much as the earlier run did"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_run_warns_unless_it_is_to_block() {
        let check = |verdict: Verdict, blocks: bool, expect: Verdict| {
            let compare = Compare { blocks, ..Compare::default() };
            let check = weaker(Check::new("comparison", "Comparison", verdict, "slower"), &compare);
            assert_eq!(check.verdict, expect);
            assert!(check.message.starts_with("slower; it was another time"));
        };
        check(Verdict::Fail, false, Verdict::Warn);
        check(Verdict::Fail, true, Verdict::Fail);
        check(Verdict::Pass, false, Verdict::Pass);
        check(Verdict::Inconclusive, false, Verdict::Inconclusive);
    }
}
