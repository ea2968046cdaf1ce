//! Answers against the document of a service.
//!
//! What the answer of today breaks breaks a client, with one exception: **a rule that the recording
//! broke in the same way is a rule that never held.** Then the document is wrong, and the service
//! has not drifted: that is a warning, and never more. What counts as the same is the rule (its
//! place in the document, wherever in the answer it is applied) and the way in which it is broken
//! (the type that is there instead, the member that is missing), not the value: other data does not
//! make a new breach. A service that did drift there is found by comparing the two answers, which
//! knows nothing of the document.

use super::{Answered, Change, Finding, Rule, Severity, Side};
use crate::message::Request;
use crate::openapi::{Breach, Document, Nowhere, Operation, Weight};

/// What a document says of one request.
pub(super) struct Held<'d> {
    document: &'d Document,
    operation: Option<&'d Operation>,
    method: String,
    /// What does not depend on the answer.
    pub(super) always: Vec<Finding>,
    /// How the recording breaks it.
    recorded: Vec<Breach>,
}

impl<'d> Held<'d> {
    /// Looks at the recorded answer.
    pub(super) fn of(document: &'d Document, request: &Request, before: &Answered<'_>) -> Held<'d> {
        let Request { method, url, .. } = request;
        let mut held = Held {
            document,
            operation: None,
            method: method.clone(),
            always: Vec::new(),
            recorded: Vec::new(),
        };
        match document.operation(method, url) {
            Ok(operation) => {
                held.operation = Some(operation);
                held.recorded = document.breaches(operation, method, before, true);
                if operation.is_deprecated {
                    let is = "the document says that it is deprecated".to_owned();
                    held.always(Severity::Warning, Change::Deprecated, is);
                }
            }
            Err(Nowhere::Undocumented(what)) => {
                let is = format!("it is not in the document: {what}");
                held.always(Severity::Warning, Change::Undocumented, is);
            }
            Err(Nowhere::Unknown(why)) => {
                let is = format!("it cannot be held against the document: {why}");
                held.always(Severity::Unchecked, Change::Opaque, is);
            }
        }
        held
    }

    /// What the operation is called.
    pub(super) fn operation(&self) -> Option<String> {
        self.operation.map(Operation::name)
    }

    fn always(&mut self, severity: Severity, change: Change, after: String) {
        let document = Some(Box::new(Rule {
            operation: self.operation().unwrap_or_default(),
            pointer: None,
            rule: String::new(),
            side: Side::Document,
        }));
        let (place, before) = ("operation".to_owned(), "recorded".to_owned());
        self.always.push(Finding { severity, change, place, before, after, document });
    }

    /// What is to be said of the answer of today.
    pub(super) fn live(&self, after: &Answered<'_>) -> Vec<Finding> {
        let Some(operation) = self.operation else { return Vec::new() };
        let live = self.document.breaches(operation, &self.method, after, false);
        let is_in = |all: &[Breach], one: &Breach| all.iter().any(|other| other.is_same(one));
        let mut found: Vec<Finding> = live
            .iter()
            .map(|one| {
                let is_both = is_in(&self.recorded, one);
                let severity = match one.weight {
                    // Nobody knows whether what is no JSON is what the schema wants.
                    _ if one.change == Change::Malformed && is_both => Severity::Unchecked,
                    Weight::Breaks if is_both => Severity::Warning,
                    Weight::Breaks => Severity::Breaking,
                    Weight::Undocumented => Severity::Warning,
                    Weight::Unknown => Severity::Unchecked,
                };
                self.finding(one, severity, if is_both { Side::Both } else { Side::Live })
            })
            .collect();
        let gone = self.recorded.iter().filter(|one| !is_in(&live, one));
        found.extend(gone.map(|one| self.finding(one, Severity::Warning, Side::Recorded)));
        found
    }

    /// What is to be said of the recording alone.
    pub(super) fn recorded(&self) -> Vec<Finding> {
        let all = self.recorded.iter();
        all.map(|one| self.finding(one, Severity::Warning, Side::Recorded)).collect()
    }

    fn finding(&self, breach: &Breach, severity: Severity, side: Side) -> Finding {
        let document = Some(Box::new(Rule {
            operation: self.operation().unwrap_or_default(),
            pointer: breach.pointer.clone(),
            rule: breach.rule.clone(),
            side,
        }));
        Finding {
            severity,
            change: breach.change,
            place: breach.place.clone(),
            before: breach.wanted.clone(),
            after: breach.got.clone(),
            document,
        }
    }
}

#[cfg(test)]
mod tests;
