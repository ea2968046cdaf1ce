//! What is done on a page before its picture is taken, and what is waited for.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Something that is done on a loaded page, with the input events that a person's hand would
/// cause. Selectors look into open and closed shadow trees, and not into frames. An element is
/// waited for, for at most [`Shot::step_deadline`](crate::Shot::step_deadline): it has to be
/// visible, at rest, enabled and not covered by another one.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Clicks on the middle of the first element that matches.
    Click(String),
    /// Moves the pointer onto the first element that matches, and leaves it there.
    Hover(String),
    /// Replaces what is in a field; chooses in a `select`, by value or by label.
    Fill {
        /// CSS selector of the field.
        selector: String,
        /// What it holds afterwards.
        text: String,
    },
    /// Presses and releases a key: one character, or a name of the DOM such as `Enter`, `Tab`,
    /// `Escape`, `ArrowDown`, with `Control+`, `Shift+`, `Alt+` or `Meta+` before it.
    Press {
        /// CSS selector of the element that has the focus then; `None` leaves it where it is.
        selector: Option<String>,
        /// The key.
        key: String,
    },
    /// Scrolls the page. It stays there for the picture, which shows the whole page all the same:
    /// what is fixed or sticky is where it is at that position.
    Scroll(ScrollTo),
    /// Waits.
    Wait(Until),
    /// Runs a script as the body of an async function; what it throws is the step's error.
    Script(String),
}

/// Where to scroll to.
#[derive(Clone, Debug, PartialEq)]
pub enum ScrollTo {
    /// The first element that matches this CSS selector comes to the top of the window, as far as
    /// the page allows.
    Selector(String),
    /// A position in CSS pixels.
    Position {
        /// From the left.
        x: u32,
        /// From the top.
        y: u32,
    },
}

/// What is waited for. Long timers of the page are held (see
/// [`Settle::hold_timers`](crate::Settle::hold_timers)); what one of them brings is waited for all
/// the same: once the page has nothing else under way, its held timers run one after the other in
/// the order in which they are due, without the time between them, until the condition holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Until {
    /// An element matches this CSS selector and is visible.
    Selector(String),
    /// No visible element matches this CSS selector.
    Gone(String),
    /// The text that the page shows contains this.
    Text(String),
    /// Nothing has been requested and nothing was under way for half a second.
    NetworkIdle,
    /// All fonts that the page uses are there.
    Fonts,
    /// This JavaScript expression is truthy, or a promise of something truthy.
    Expression(String),
    /// This time has passed; held timers that are due in it run when they are due.
    Delay(Duration),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Click(selector) => write!(f, "click `{selector}`"),
            Self::Hover(selector) => write!(f, "hover `{selector}`"),
            // What is typed may be a password.
            Self::Fill { selector, .. } => write!(f, "fill `{selector}`"),
            Self::Press { selector: Some(selector), key } => {
                write!(f, "press {key} in `{selector}`")
            }
            Self::Press { selector: None, key } => write!(f, "press {key}"),
            Self::Scroll(ScrollTo::Selector(selector)) => write!(f, "scroll to `{selector}`"),
            Self::Scroll(ScrollTo::Position { x, y }) => write!(f, "scroll to {x},{y}"),
            Self::Wait(until) => write!(f, "wait for {until}"),
            Self::Script(_) => f.write_str("script"),
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selector(selector) => write!(f, "`{selector}`"),
            Self::Gone(selector) => write!(f, "`{selector}` to be gone"),
            Self::Text(text) => write!(f, "the text \"{text}\""),
            Self::NetworkIdle => f.write_str("the network to be idle"),
            Self::Fonts => f.write_str("the fonts"),
            Self::Expression(expression) => write!(f, "`{expression}`"),
            Self::Delay(time) => write!(f, "{time:?}"),
        }
    }
}

/// Which colours the page is asked for (`prefers-color-scheme`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorScheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(step: Step, expect: &str) {
        assert_eq!(step.to_string(), expect);
    }

    #[test]
    fn steps_in_words() {
        let a = || "a.cta".to_owned();
        check(Step::Click(a()), "click `a.cta`");
        check(Step::Fill { selector: a(), text: "sesame".to_owned() }, "fill `a.cta`");
        let press = |selector| Step::Press { selector, key: "Control+a".to_owned() };
        check(press(Some(a())), "press Control+a in `a.cta`");
        check(press(None), "press Control+a");
        check(Step::Scroll(ScrollTo::Position { x: 0, y: 90 }), "scroll to 0,90");
        check(Step::Wait(Until::Gone(a())), "wait for `a.cta` to be gone");
        check(Step::Wait(Until::Delay(Duration::from_millis(1500))), "wait for 1.5s");
    }
}
