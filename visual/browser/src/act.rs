//! Steps and waits on a loaded page.
//!
//! What is to be done is looked for by a script in the page, which waits until it can be done;
//! pointer, keys and text are then given to the browser as input events, so that the page sees
//! what it would see of a person.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    Error, ScrollTo, Session, Shot, Step, Until, keys,
    outcome::moved_on,
    session::{BETWEEN, MARGIN},
    settle::{millis, with_options},
    wire::Fault,
};

const ACT: &str = include_str!("js/act.js");

/// What the script in the page says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    done: bool,
    /// What was missing.
    reason: String,
    /// Where to click, in CSS pixels of the window.
    x: f64,
    y: f64,
    /// The field has the focus, and its text is selected.
    #[serde(rename = "type")]
    types: bool,
    #[serde(rename = "badSelector")]
    bad_selector: Option<String>,
}

/// Why a step was not done.
enum Undone {
    /// The page is not as the step needs it.
    Missing(String),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Session {
    /// Does the steps of a shot, then waits for what it waits for.
    pub(crate) async fn act(&mut self, shot: &Shot) -> Result<(), Error> {
        for (number, step) in (1..).zip(&shot.steps) {
            self.step(shot, step).await.map_err(|undone| match undone {
                Undone::Missing(reason) => Error::Step { number, step: step.to_string(), reason },
                Undone::Error(error) => error,
            })?;
        }
        for (number, until) in (1..).zip(&shot.waits) {
            self.wait(shot, until).await.map_err(|undone| match undone {
                Undone::Missing(reason) => {
                    let after = deadline_of(shot, until);
                    Error::Wait { number, until: until.to_string(), reason, after }
                }
                Undone::Error(error) => error,
            })?;
        }
        Ok(())
    }

    async fn step(&mut self, shot: &Shot, step: &Step) -> Result<(), Undone> {
        match step {
            Step::Click(selector) => {
                let at = self.point(shot, selector).await?;
                for (kind, pressed) in [("mousePressed", 1), ("mouseReleased", 0)] {
                    self.mouse(kind, &at, pressed).await?;
                }
            }
            Step::Hover(selector) => {
                self.point(shot, selector).await?;
            }
            Step::Fill { selector, text } => {
                let ask = json!({ "kind": "fill", "selector": selector, "text": text });
                if self.ask(shot, ask, &[selector], shot.step_deadline).await?.types {
                    self.type_in(text).await?;
                }
            }
            Step::Press { selector, key } => {
                let key = keys::parse(key).map_err(Undone::Missing)?;
                if let Some(selector) = selector {
                    let ask = json!({ "kind": "focus", "selector": selector });
                    self.ask(shot, ask, &[selector], shot.step_deadline).await?;
                }
                for event in key.events() {
                    self.tell("Input.dispatchKeyEvent", event).await?;
                }
            }
            Step::Scroll(ScrollTo::Selector(selector)) => {
                let ask = json!({ "kind": "scroll", "selector": selector });
                self.ask(shot, ask, &[selector], shot.step_deadline).await?;
            }
            Step::Scroll(ScrollTo::Position { x, y }) => {
                let ask = json!({ "kind": "scrollTo", "x": x, "y": y });
                self.ask(shot, ask, &[], shot.step_deadline).await?;
            }
            Step::Wait(until) => return self.wait(shot, until).await,
            Step::Script(script) => return self.script(shot, script).await,
        }
        Ok(())
    }

    async fn wait(&self, shot: &Shot, until: &Until) -> Result<(), Undone> {
        let (ask, selector) = match until {
            Until::Selector(s) => (json!({ "kind": "selector", "selector": s }), Some(s)),
            Until::Gone(s) => (json!({ "kind": "gone", "selector": s }), Some(s)),
            Until::Text(text) => (json!({ "kind": "text", "text": text }), None),
            Until::NetworkIdle => (json!({ "kind": "networkIdle" }), None),
            Until::Fonts => (json!({ "kind": "fonts" }), None),
            Until::Expression(e) => (json!({ "kind": "expression", "expression": e }), None),
            Until::Delay(time) => (json!({ "kind": "delay", "ms": millis(*time) }), None),
        };
        self.ask(shot, ask, selector.as_slice(), deadline_of(shot, until)).await.map(|_| ())
    }

    /// Moves the pointer onto an element that can be clicked on.
    async fn point(&mut self, shot: &Shot, selector: &String) -> Result<Answer, Undone> {
        let ask = json!({ "kind": "point", "selector": selector });
        let at = self.ask(shot, ask, &[selector], shot.step_deadline).await?;
        self.pointer_is_out();
        self.mouse("mouseMoved", &at, 0).await?;
        Ok(at)
    }

    async fn mouse(&self, kind: &str, at: &Answer, pressed: u32) -> Result<(), Error> {
        let moves = kind == "mouseMoved";
        let event = json!({
            "type": kind,
            "x": at.x,
            "y": at.y,
            "button": if moves { "none" } else { "left" },
            "buttons": pressed,
            "clickCount": u32::from(!moves),
        });
        self.tell("Input.dispatchMouseEvent", event).await.map(|_| ())
    }

    /// Types over what is selected.
    async fn type_in(&self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            for event in keys::parse("Delete").into_iter().flat_map(|key| key.events()) {
                self.tell("Input.dispatchKeyEvent", event).await?;
            }
            return Ok(());
        }
        self.tell("Input.insertText", json!({ "text": text })).await.map(|_| ())
    }

    async fn script(&self, shot: &Shot, script: &str) -> Result<(), Undone> {
        let evaluate = json!({
            // The line break ends a comment in the last line.
            "expression": format!("(async () => {{ {script}\n }})()"),
            "awaitPromise": true,
            "userGesture": true,
        });
        let limit = shot.step_deadline + MARGIN;
        let wire = self.wire()?;
        match wire.devtools("Runtime.evaluate", &evaluate, limit).await {
            Ok(answer) => match thrown(&answer) {
                Some(what) => Err(Undone::Missing(format!("it throws {what}"))),
                None => Ok(()),
            },
            // It went to another page, which is what it may have been for.
            Err(Fault::Answer(_, text)) if moved_on(&text) => Ok(()),
            Err(fault) => Err(self.failed("running a script", fault).into()),
        }
    }

    /// Has the page look for something until it is there.
    async fn ask(
        &self,
        shot: &Shot,
        mut options: Value,
        selectors: &[&String],
        limit: Duration,
    ) -> Result<Answer, Undone> {
        options["selectors"] = json!(selectors);
        options["hide"] = json!(shot.hide);
        options["remove"] = json!(shot.remove);
        let started = Instant::now();
        loop {
            let left = limit.saturating_sub(started.elapsed());
            options["deadline"] = json!(millis(left));
            let evaluate = json!({
                "expression": expression(&options),
                "awaitPromise": true,
                "returnByValue": true,
                "userGesture": true,
            });
            let answer = self.wire()?.devtools("Runtime.evaluate", &evaluate, left + MARGIN).await;
            match answer {
                Ok(answer) => return read(&answer),
                // The page went on to another one, and what is asked for may be there.
                Err(Fault::Answer(_, text)) if moved_on(&text) && !left.is_zero() => {
                    sleep(BETWEEN).await;
                }
                Err(fault) => return Err(self.failed("looking at the page", fault).into()),
            }
        }
    }
}

/// A delay is not in vain because it is long.
fn deadline_of(shot: &Shot, until: &Until) -> Duration {
    match until {
        Until::Delay(time) => shot.step_deadline.saturating_add(*time),
        _ => shot.step_deadline,
    }
}

fn expression(options: &Value) -> String {
    let condition = options["expression"].as_str().unwrap_or("true");
    let (before, after) = ACT.split_once("__EXPRESSION__").unwrap_or((ACT, ""));
    format!("{}{condition}\n{after}", with_options(before, options))
}

fn read(answer: &Value) -> Result<Answer, Undone> {
    if let Some(what) = thrown(answer) {
        return Err(Undone::Missing(format!("it throws {what}")));
    }
    let answer = Answer::deserialize(&answer["result"]["value"]).map_err(|error| {
        let command = "looking at the page".to_owned();
        Error::Protocol { command, reason: error.to_string() }
    })?;
    match answer.bad_selector {
        Some(selector) => Err(Error::BadSelector { selector, reason: answer.reason }.into()),
        None if answer.done => Ok(answer),
        None => Err(Undone::Missing(answer.reason)),
    }
}

/// The first line of what a script threw.
fn thrown(answer: &Value) -> Option<String> {
    let thrown = answer.get("exceptionDetails")?;
    let exception = &thrown["exception"];
    let text = exception["description"].as_str().or(exception["value"].as_str());
    let line = text.or(thrown["text"].as_str()).and_then(|text| text.lines().next());
    Some(line.unwrap_or("an exception").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &Value, expect: Result<bool, &str>) {
        let got = match read(answer) {
            Ok(answer) => Ok(answer.types),
            Err(Undone::Missing(reason)) => Err(reason),
            Err(Undone::Error(error)) => Err(error.to_string()),
        };
        assert_eq!(got, expect.map_err(str::to_owned), "{answer}");
    }

    #[test]
    fn what_the_page_answers() {
        check(&json!({"result": {"value": {"done": true, "type": true}}}), Ok(true));
        check(&json!({"result": {"value": {"reason": "it is disabled"}}}), Err("it is disabled"));
        let bad = json!({"result": {"value": {"badSelector": "p:", "reason": "no"}}});
        check(&bad, Err("`p:` is not a valid selector: no"));
        let thrown = json!({"exceptionDetails": {"text": "Uncaught", "exception": {"value": "x"}}});
        check(&thrown, Err("it throws x"));
    }

    #[test]
    fn a_condition_reaches_the_script_as_it_is() {
        let options = json!({ "kind": "expression", "expression": "a.b === '__OPTIONS__' // x" });
        let script = expression(&options);
        assert!(script.contains("=> (a.b === '__OPTIONS__' // x\n);"), "{script}");
        assert!(!script.contains("__PAGE__") && !script.contains("__EXPRESSION__"));
    }
}
