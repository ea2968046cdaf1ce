//! The requests of a spec.

use std::collections::{HashMap, HashSet};

use gate_core::{Check, Error, Evidence, Json, Limit, Metric, Verdict};
use gate_request::{Assert, shown};

use super::named;
use crate::seen::{Answered, Asked, Looked};
use crate::settings::{RequestSpec, Settings};

/// Reads a long text that was kept.
type Texts<'t> = dyn Fn(&Evidence) -> Result<String, Error> + 't;

/// A check for each request, and one about secrets.
pub(super) fn requests(
    spec: &Settings,
    asked: &[Asked],
    texts: &Texts<'_>,
) -> Result<Vec<Check>, Error> {
    let mut checks = Vec::new();
    let mut names = Names::default();
    for (request, asked) in spec.requests.iter().zip(asked) {
        let id = names.unique(format!("request-{}", slug(&request.title())));
        checks.push(one(id, request, asked, texts)?);
    }
    // What a recording answers had its secrets taken out: looking for them there proves nothing.
    if spec.asks_for_answers() {
        checks.push(secrets(spec, asked));
    }
    Ok(checks)
}

/// A name in lower-case letters, digits and hyphens.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Names that are each given once: the second of the same gets a number behind it.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    next: HashMap<String, u64>,
}

impl Names {
    pub(super) fn unique(&mut self, id: String) -> String {
        if self.taken.insert(id.clone()) {
            return id;
        }
        let next = self.next.entry(id.clone()).or_insert(2);
        loop {
            let numbered = format!("{id}-{next}");
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

fn one(id: String, spec: &RequestSpec, asked: &Asked, texts: &Texts<'_>) -> Result<Check, Error> {
    let check = |verdict, message: String| Check::new(id, spec.title(), verdict, message);
    let answered = match &asked.answer {
        Ok(answered) => answered,
        Err(why) if asked.is_left_out => {
            return Ok(check(Verdict::Inconclusive, format!("it was not asked: {why}"))
                .advice("mend what comes before it, then run the gate again"));
        }
        Err(why) => {
            let message = format!("{} was not answered: {why}", asked.line);
            return Ok(check(Verdict::Inconclusive, message).advice(super::unanswered(why)));
        }
    };
    let broken = broken(spec, answered, texts)?;
    let (verdict, message) = match &broken[..] {
        [] => {
            let held = spec.asserts.len() + usize::from(spec.schema.is_some()) + 1;
            let s = if held == 1 { "" } else { "s" };
            let ms = answered.duration_ms.round();
            let message = format!(
                "{} answers {} in {ms} ms; {held} assertion{s} hold{}",
                asked.line,
                answered.status,
                if held == 1 { "s" } else { "" }
            );
            (Verdict::Pass, message)
        }
        broken => (Verdict::Fail, format!("{}: {}", asked.line, named(broken))),
    };
    let check = check(verdict, message)
        .metric(Metric::new("duration", answered.duration_ms, "ms"))
        .metric(
            Metric::new("broken assertions", broken.len() as f64, "1").limit(Limit::AtMost(0.0)),
        )
        .evidence(answered.exchange.clone());
    Ok(match verdict {
        Verdict::Fail => {
            check.advice("look at the answer below; mend the service, or what is said of it")
        }
        _ => check,
    })
}

/// Whether an answer is all that the spec wants, and holds no secret.
pub(crate) fn is_as_wanted(
    spec: &RequestSpec,
    answered: &Answered,
    texts: &Texts<'_>,
) -> Result<bool, Error> {
    Ok(broken(spec, answered, texts)?.is_empty() && leaked(spec, answered).next().is_none())
}

/// What does not hold, in sentences.
fn broken(
    spec: &RequestSpec,
    answered: &Answered,
    texts: &Texts<'_>,
) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    let status = answered.status;
    match spec.status {
        Some(wanted) if wanted != status => {
            all.push(format!("the status is {status}, not {wanted}"));
        }
        None if status >= 400 && !spec.asserts.iter().any(Assert::is_of_status) => {
            all.push(format!("the status is {status}"));
        }
        _ => {}
    }
    for (assert, looked) in spec.asserts.iter().zip(&answered.values) {
        let why = match looked {
            Looked::Value { value, wanted } => assert.broken(Some(value), wanted.as_ref()),
            Looked::Long { json, wanted } => {
                let value: Json = serde_json::from_str(&texts(json)?)?;
                assert.broken(Some(&value), wanted.as_ref())
            }
            Looked::Secret { assert: held, broken } if *held == assert.to_string() => {
                broken.clone()
            }
            Looked::Secret { .. } => Some(
                "its value was a secret, so only a new run can hold it against this".to_owned(),
            ),
            Looked::Nothing => assert.broken(None, None),
            Looked::Wrong(why) => Some(why.clone()),
        };
        let wanted = match looked {
            Looked::Value { wanted: Some(wanted), .. }
            | Looked::Long { wanted: Some(wanted), .. } => {
                format!(" (it is held against {})", shown(wanted))
            }
            _ => String::new(),
        };
        all.extend(why.map(|why| format!("`{assert}` does not hold: {why}{wanted}")));
    }
    all.extend(
        answered.schema.iter().flatten().map(|breach| format!("against its schema: {breach}")),
    );
    let uncaptured = answered.uncaptured.iter();
    all.extend(uncaptured.map(|(name, why)| format!("`{name}` was not captured: {why}")));
    Ok(all)
}

/// Kinds of secrets in an answer that is not meant to hold them.
fn leaked<'a>(spec: &'a RequestSpec, answered: &'a Answered) -> impl Iterator<Item = &'a String> {
    answered.secrets.iter().filter(|kind| !spec.may_hold.contains(kind))
}

fn secrets(spec: &Settings, asked: &[Asked]) -> Check {
    let mut leaks = Vec::new();
    let mut evidence = Vec::new();
    let mut looked = 0;
    for (request, asked) in spec.requests.iter().zip(asked) {
        let Ok(answered) = &asked.answer else { continue };
        looked += 1;
        let kinds: Vec<&str> = leaked(request, answered).map(String::as_str).collect();
        if !kinds.is_empty() {
            leaks.push(format!("{} holds a secret ({})", asked.line, kinds.join(", ")));
            evidence.extend(answered.exchange.clone());
        }
    }
    let check = |verdict, message: String| {
        Check::new("secrets", "Secrets in answers", verdict, message)
            .metric(Metric::new("answers", f64::from(looked), "1").limit(Limit::AtLeast(1.0)))
    };
    if looked == 0 {
        return check(Verdict::Inconclusive, "there was no answer to look into".to_owned())
            .advice("is the service running, and is that its address?");
    }
    if leaks.is_empty() {
        return check(Verdict::Pass, "no answer holds a secret".to_owned());
    }
    check(Verdict::Fail, format!("the answer to {}", named(&leaks)))
        .advice(
            "take it out of the answer and make it invalid: whoever asked has it. An answer that \
             is meant to hold it says so under may_hold",
        )
        .evidence(evidence)
}
