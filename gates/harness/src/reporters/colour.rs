//! Whether there are colours, and which.

use gate_core::Verdict;

/// Whether to write colours, from the variables `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE`.
///
/// `NO_COLOR` that is not empty (no-color.org) is stronger than a `CLICOLOR_FORCE` that is neither
/// empty nor `0`; then comes `CLICOLOR=0`; else a terminal gets colours and nothing else does.
pub fn colour_choice(
    no_color: Option<&str>,
    clicolor: Option<&str>,
    force: Option<&str>,
    is_terminal: bool,
) -> bool {
    if no_color.is_some_and(|value| !value.is_empty()) {
        return false;
    }
    if force.is_some_and(|value| !value.is_empty() && value != "0") {
        return true;
    }
    clicolor != Some("0") && is_terminal
}

/// Colours where they are wanted. Every coloured word also says in letters what the colour says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    pub(crate) on: bool,
}

impl Paint {
    pub(crate) fn verdict(self, verdict: Option<Verdict>, text: &str) -> String {
        self.sgr(
            match verdict {
                Some(Verdict::Pass) => "32",
                Some(Verdict::Warn) => "33",
                Some(Verdict::Inconclusive) => "35",
                Some(Verdict::Fail) => "31",
                None => "36",
            },
            text,
        )
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::colour_choice;

    #[test]
    fn rules() {
        let table = [
            (None, None, None, true, true),
            (None, None, None, false, false),
            (Some(""), None, None, true, true),
            (Some("1"), None, None, true, false),
            (Some("0"), None, None, true, false),
            (Some("1"), Some("1"), Some("1"), true, false),
            (None, Some("0"), None, true, false),
            (None, Some("1"), None, true, true),
            (None, Some("1"), None, false, false),
            (None, Some("0"), Some("1"), false, true),
            (None, None, Some("1"), false, true),
            (None, None, Some("0"), false, false),
            (None, None, Some("0"), true, true),
            (None, None, Some(""), false, false),
        ];
        for (no_color, clicolor, force, terminal, expect) in table {
            let got = colour_choice(no_color, clicolor, force, terminal);
            assert_eq!(got, expect, "{no_color:?} {clicolor:?} {force:?} {terminal}");
        }
    }
}
