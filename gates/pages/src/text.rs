//! Verdicts, sentences and moments.

use gate_core::{Timestamp, Verdict};
use gate_runs::clean;
use gate_runs::words::symbol;
use maud::{Markup, html};

/// A verdict as a mark and a word: never by colour alone.
pub fn verdict(verdict: Option<Verdict>) -> Markup {
    let word = verdict.map_or("nothing", Verdict::word);
    html! {
        span class={ "verdict " (word) } { span aria-hidden="true" { (symbol(verdict)) " " } (word) }
    }
}

/// A sentence, its commands (between backticks) in the letters of a terminal.
pub fn prose(text: &str) -> Markup {
    let text = clean::lines(text);
    let parts: Vec<&str> = text.split('`').collect();
    // The last backtick may have no fellow.
    let paired = (parts.len() - 1) / 2 * 2;
    html! {
        @for (at, part) in parts.iter().enumerate() {
            @if at > paired { "`" (part) } @else if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A moment, to the minute.
pub fn moment(at: Timestamp) -> Markup {
    let exact = at.to_string();
    let short = exact.get(..16).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(exact) title=(exact) { (short) " UTC" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_sentences_are_told_apart() {
        let check = |text: &str, expect: &str| assert_eq!(prose(text).into_string(), expect);
        check("run `gate run` or `make`.", "run <code>gate run</code> or <code>make</code>.");
        check("a lone ` stays", "a lone ` stays");
        check("`<b>`", "<code>&lt;b&gt;</code>");
    }
}
