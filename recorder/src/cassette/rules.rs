//! `rules.json`: answers to every request of a kind, which come after what was recorded. Their order
//! says which of several answers, so they are one list and not a file each.
//!
//! All of it is read when a cassette is opened, so it is no part of the index.

mod shapes;

use std::fs;

use redact::Cleaner;
use serde::Deserialize;

use super::{Cassette, Kept, guard, remove, stored_in, stored_of};
use crate::message::Interaction;
use crate::rules::Rule;
use crate::{Error, Result, files};
use shapes::{FileShape, RuleShape};

/// What the file is called.
pub(crate) const NAME: &str = "rules.json";
/// The schema that the file names.
const SCHEMA: &str = "gate-cassette-rules/v1";
/// How large the file may be, in bytes.
const LARGEST: u64 = 64 << 20;
/// How much room the patterns in it may take together, in bytes.
const ROOM: usize = 2 << 30;
/// What to do about a file that cannot be read.
const RESTORE: &str = "restore it from version control, or import the stubs again";

#[derive(Deserialize)]
struct Head {
    schema: String,
}

impl Cassette {
    /// Answers to every request of a kind, those first that come first.
    pub fn rules(&self) -> Result<Vec<Rule>> {
        let path = self.folder.join(NAME);
        let wrong =
            |error: &dyn std::fmt::Display| Error::file("reading", &path, error).hint(RESTORE);
        let size = match fs::metadata(&path) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(wrong(&error)),
        };
        if size > LARGEST {
            return Err(wrong(&format!("it is larger than {} MiB", LARGEST >> 20)));
        }
        read(&files::read(&path)?, ROOM).map_err(|error| wrong(&error))
    }

    /// Writes the rules so that the cassette has these and no others, and leaves the recordings as
    /// they are. What the cleaner has learnt to be a secret is taken out of them; if anything is
    /// left that holds one, they are not written.
    pub fn write_rules(&self, rules: &[Rule], cleaner: &Cleaner) -> Result<()> {
        guard::write(&self.folder.join(".gitignore"), super::IGNORED.as_bytes(), cleaner)?;
        let recorded = self.read()?;
        let stored = recorded.iter().flat_map(|one| stored_in(&one.interaction));
        let names = stored.map(|stored| stored.digest.clone()).collect();
        let mut bodies = Kept { cassette: self, cleaner, names };
        self.put_rules(rules, &mut bodies)?;
        self.put_policy(cleaner)?;
        self.sweep(&bodies.names)
    }

    pub(super) fn put_rules(&self, rules: &[Rule], bodies: &mut Kept<'_>) -> Result<()> {
        let path = self.folder.join(NAME);
        if rules.is_empty() {
            return if path.exists() { remove(&path) } else { Ok(()) };
        }
        let rules: Vec<Rule> = rules
            .iter()
            .map(|rule| self.rule_again(rule, bodies.cleaner))
            .collect::<Result<_>>()?;
        for rule in &rules {
            let stored = stored_of(&rule.request, &rule.response);
            bodies.names.extend(stored.map(|stored| stored.digest.clone()));
        }
        let text = written(&rules, bodies)?;
        if fs::read(&path).is_ok_and(|there| there == text) {
            return guard::write(&path, &text, bodies.cleaner);
        }
        // What cannot be read again, such as JSON too deep for that, is of no use to anybody.
        let again =
            read(&text, ROOM).and_then(|again| written(&again, bodies)).map_err(|error| {
                Error::new(format!("{} was not written: {error}", path.display()))
                    .hint("leave that rule out: its number counts those that are no recordings")
            })?;
        if again != text {
            let text = format!("{} was not written: read again it says another", path.display());
            return Err(
                Error::new(text).hint("leave out rules that ask for numbers of many digits")
            );
        }
        guard::write(&path, &text, bodies.cleaner)
    }

    /// A rule without what was learnt to be a secret after it was made.
    fn rule_again(&self, rule: &Rule, cleaner: &Cleaner) -> Result<Rule> {
        let mut again = rule.rewritten(&|_, text| match cleaner.again(text) {
            std::borrow::Cow::Owned(clean) => Some(clean),
            std::borrow::Cow::Borrowed(_) => None,
        })?;
        let Rule { request, response, .. } = rule.clone();
        let Interaction { request, response } =
            self.interaction_again(&Interaction { request, response }, cleaner)?;
        (again.request, again.response) = (request, response);
        Ok(again)
    }
}

fn written(rules: &[Rule], bodies: &mut Kept<'_>) -> Result<Vec<u8>> {
    let rules = rules.iter().map(|rule| RuleShape::of(rule, bodies)).collect::<Result<_>>()?;
    let shape = FileShape { schema: SCHEMA.to_owned(), rules };
    let mut text = serde_json::to_vec_pretty(&shape)
        .map_err(|error| Error::new(format!("writing {NAME}: {error}")))?;
    text.push(b'\n');
    Ok(text)
}

/// Reads rules whose patterns do not take more room than that.
fn read(text: &[u8], mut room: usize) -> Result<Vec<Rule>> {
    let wrong = |error: serde_json::Error| Error::new(error.to_string());
    let Head { schema } = serde_json::from_slice(text).map_err(wrong)?;
    if schema != SCHEMA {
        return Err(Error::new(format!("it is {schema}, which this version cannot read")));
    }
    let shape: FileShape = serde_json::from_slice(text).map_err(wrong)?;
    let rules = shape.rules.into_iter().enumerate().map(|(at, rule)| {
        let at = |error: Error| Error::new(format!("rule {}: {error}", at + 1));
        rule.read(&mut room).map_err(at)
    });
    rules.collect()
}

#[cfg(test)]
mod tests;
