//! Keys by the names that the DOM gives them.

use serde_json::{Value, json};

/// Names whose code is the name itself, and the number that old scripts look at.
const NAMED: &[(&str, u32)] = &[
    ("Backspace", 8),
    ("Tab", 9),
    ("Enter", 13),
    ("Escape", 27),
    ("Space", 32),
    ("PageUp", 33),
    ("PageDown", 34),
    ("End", 35),
    ("Home", 36),
    ("ArrowLeft", 37),
    ("ArrowUp", 38),
    ("ArrowRight", 39),
    ("ArrowDown", 40),
    ("Insert", 45),
    ("Delete", 46),
    ("F1", 112),
    ("F2", 113),
    ("F3", 114),
    ("F4", 115),
    ("F5", 116),
    ("F6", 117),
    ("F7", 118),
    ("F8", 119),
    ("F9", 120),
    ("F10", 121),
    ("F11", 122),
    ("F12", 123),
];

/// A key with the modifiers held down.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    name: String,
    code: String,
    number: u32,
    text: Option<String>,
    /// As the protocol counts them: Alt 1, Control 2, Meta 4, Shift 8.
    modifiers: u32,
}

/// Reads `Control+a`, `Enter`, `?`.
pub(crate) fn parse(name: &str) -> Result<Key, String> {
    let mut rest = name;
    let mut modifiers = 0;
    // A plus sign alone is a key.
    while let Some((modifier, key)) = rest.split_once('+').filter(|(_, key)| !key.is_empty()) {
        modifiers |= match modifier {
            "Alt" => 1,
            "Control" | "Ctrl" => 2,
            "Meta" => 4,
            "Shift" => 8,
            _ => return Err(format!("there is no modifier `{modifier}`")),
        };
        rest = key;
    }
    let types = modifiers & !8 == 0;
    let mut letters = rest.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        let upper = letter.to_ascii_uppercase();
        let (code, number) = match upper {
            'A'..='Z' => (format!("Key{upper}"), u32::from(upper)),
            '0'..='9' => (format!("Digit{upper}"), u32::from(upper)),
            ' ' => ("Space".to_owned(), 32),
            _ => (String::new(), 0),
        };
        let shown = if modifiers & 8 == 8 { upper } else { letter };
        let text = types.then(|| shown.to_string());
        return Ok(Key { name: shown.to_string(), code, number, text, modifiers });
    }
    let (code, number) = NAMED
        .iter()
        .find(|(known, _)| *known == rest)
        .ok_or_else(|| format!("there is no key `{rest}`"))?;
    let (key, text) = match *code {
        "Space" => (" ", Some(" ")),
        "Enter" => ("Enter", Some("\r")),
        code => (code, None),
    };
    let text = text.filter(|_| types).map(str::to_owned);
    Ok(Key { name: key.to_owned(), code: (*code).to_owned(), number: *number, text, modifiers })
}

impl Key {
    /// The parameters of `Input.dispatchKeyEvent` for pressing it and for letting it go.
    pub(crate) fn events(&self) -> [Value; 2] {
        let event = |kind: &str| {
            json!({
                "type": kind,
                "key": self.name,
                "code": self.code,
                "windowsVirtualKeyCode": self.number,
                "modifiers": self.modifiers,
            })
        };
        let mut down = event(if self.text.is_some() { "keyDown" } else { "rawKeyDown" });
        if let Some(text) = &self.text {
            down["text"] = json!(text);
        }
        [down, event("keyUp")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: Result<(&str, &str, u32, Option<&str>, u32), &str>) {
        match (parse(name), expect) {
            (Ok(key), Ok((shown, code, number, text, modifiers))) => {
                let text = text.map(str::to_owned);
                let (shown, code) = (shown.to_owned(), code.to_owned());
                assert_eq!(key, Key { name: shown, code, number, text, modifiers }, "{name}");
            }
            (Err(error), Err(want)) => assert_eq!(error, want),
            (got, want) => panic!("{name}: {got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn names_of_keys() {
        check("a", Ok(("a", "KeyA", 65, Some("a"), 0)));
        check("Shift+a", Ok(("A", "KeyA", 65, Some("A"), 8)));
        check("Control+a", Ok(("a", "KeyA", 65, None, 2)));
        check("Control+Shift+Tab", Ok(("Tab", "Tab", 9, None, 10)));
        check("Enter", Ok(("Enter", "Enter", 13, Some("\r"), 0)));
        check("Space", Ok((" ", "Space", 32, Some(" "), 0)));
        check("+", Ok(("+", "", 0, Some("+"), 0)));
        check("é", Ok(("é", "", 0, Some("é"), 0)));
        check("Return", Err("there is no key `Return`"));
        check("Super+a", Err("there is no modifier `Super`"));
        check("", Err("there is no key ``"));
    }
}
