//! Proposals: what a run would like to change, and may not without a decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// "Make this the new baseline", or "accept this difference from live".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// A hash of what it would change: the same proposal has the same id in every run.
    pub id: String,
    /// The gate that makes it.
    pub gate: String,
    /// The check that it would settle.
    pub check: String,
    /// What it would do, a few words.
    pub title: String,
    /// Why it is made.
    pub reason: String,
    /// Files that change: all of them, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The difference that it would accept, when there is no file to replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts: Option<AcceptedChange>,
}

/// One file that a proposal replaces, by compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Relative to the workspace, with `/` between its parts.
    pub path: String,
    /// What has to be there for the change to land; absent when nothing may be there.
    pub expected: Option<Digest>,
    /// What will be there; absent when the file goes.
    pub candidate: Option<Digest>,
}

/// A difference between two running versions that somebody said yes to.
///
/// It covers a later run of the same page only when both pictures have these digests, or when
/// the fingerprint of every region was accepted for the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedChange {
    /// The gate.
    pub gate: String,
    /// The page, by its name in the spec.
    pub page: String,
    /// The viewport, by its name in the spec.
    pub viewport: String,
    /// The browser.
    pub browser: String,
    /// The picture of the baseline environment.
    pub baseline: Digest,
    /// The picture of the candidate environment.
    pub candidate: Digest,
    /// What changed, wherever on the page it stands.
    pub fingerprints: Vec<String>,
}

impl Proposal {
    /// A proposal to replace files.
    pub fn files(gate: &str, check: &str, title: impl Into<String>, changes: Vec<Change>) -> Self {
        Proposal::build(gate, check, title.into(), changes, None)
    }

    /// A proposal to accept a difference between two environments.
    pub fn accept(check: &str, title: impl Into<String>, accepts: AcceptedChange) -> Self {
        let gate = accepts.gate.clone();
        Proposal::build(&gate, check, title.into(), Vec::new(), Some(accepts))
    }

    /// Says why it is made.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Whether the id is the hash of what the proposal would change.
    pub fn is_genuine(&self) -> bool {
        self.id == identity(&self.gate, &self.changes, self.accepts.as_ref())
    }

    fn build(
        gate: &str,
        check: &str,
        title: String,
        changes: Vec<Change>,
        accepts: Option<AcceptedChange>,
    ) -> Self {
        Proposal {
            id: identity(gate, &changes, accepts.as_ref()),
            gate: gate.to_owned(),
            check: check.to_owned(),
            title,
            reason: String::new(),
            changes,
            accepts,
        }
    }
}

fn identity(gate: &str, changes: &[Change], accepts: Option<&AcceptedChange>) -> String {
    let text = serde_json::to_vec(&(gate, changes, accepts)).expect("plain data serialises");
    Digest::of(&text).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_follows_what_would_change_and_nothing_else() {
        let change = |bytes: &[u8]| Change {
            path: "shop.baselines/home.png".into(),
            expected: None,
            candidate: Some(Digest::of(bytes)),
        };
        let one = Proposal::files("shop", "home", "new baseline", vec![change(b"a")]);
        let same = Proposal::files("shop", "home", "other words", vec![change(b"a")]).because("x");
        let other = Proposal::files("shop", "home", "new baseline", vec![change(b"b")]);
        assert_eq!(one.id, same.id);
        assert_ne!(one.id, other.id);
        assert!(one.is_genuine());
        assert!(!Proposal { changes: vec![change(b"c")], ..one }.is_genuine());
    }
}
