//! Input events of Chromium's protocol as actions of WebDriver BiDi.

use serde_json::{Value, json};

/// Keys without a character of their own have one in a private area (WebDriver, "keyboard actions").
const KEYS: &[(&str, char)] = &[
    ("Backspace", '\u{e003}'),
    ("Tab", '\u{e004}'),
    ("Enter", '\u{e007}'),
    ("Escape", '\u{e00c}'),
    ("PageUp", '\u{e00e}'),
    ("PageDown", '\u{e00f}'),
    ("End", '\u{e010}'),
    ("Home", '\u{e011}'),
    ("ArrowLeft", '\u{e012}'),
    ("ArrowUp", '\u{e013}'),
    ("ArrowRight", '\u{e014}'),
    ("ArrowDown", '\u{e015}'),
    ("Insert", '\u{e016}'),
    ("Delete", '\u{e017}'),
    ("F1", '\u{e031}'),
    ("F2", '\u{e032}'),
    ("F3", '\u{e033}'),
    ("F4", '\u{e034}'),
    ("F5", '\u{e035}'),
    ("F6", '\u{e036}'),
    ("F7", '\u{e037}'),
    ("F8", '\u{e038}'),
    ("F9", '\u{e039}'),
    ("F10", '\u{e03a}'),
    ("F11", '\u{e03b}'),
    ("F12", '\u{e03c}'),
];
/// Modifiers by the bit that Chromium has for them.
const MODIFIERS: &[(u64, char)] =
    &[(1, '\u{e00a}'), (2, '\u{e009}'), (4, '\u{e03d}'), (8, '\u{e008}')];

/// The sources of actions for one event.
pub(super) fn actions(command: &str, params: &Value) -> Value {
    match command {
        "Input.dispatchMouseEvent" => {
            let whole =
                |name: &str| params[name].as_f64().unwrap_or_default().round().max(0.0) as u32;
            let action = match params["type"].as_str() {
                Some("mousePressed") => json!({ "type": "pointerDown", "button": 0 }),
                Some("mouseReleased") => json!({ "type": "pointerUp", "button": 0 }),
                _ => json!({ "type": "pointerMove", "x": whole("x"), "y": whole("y") }),
            };
            json!([{ "type": "pointer", "id": "mouse", "actions": [action] }])
        }
        "Input.insertText" => {
            let text = params["text"].as_str().unwrap_or_default();
            let typed: Vec<Value> =
                text.chars().flat_map(|c| [key("keyDown", c), key("keyUp", c)]).collect();
            keyboard(&typed)
        }
        _ => {
            let name = params["key"].as_str().unwrap_or_default();
            let known = KEYS.iter().find(|(known, _)| *known == name).map(|(_, c)| *c);
            let pressed = known.or(name.chars().next()).unwrap_or(' ');
            let held = params["modifiers"].as_u64().unwrap_or_default();
            let modifiers = MODIFIERS.iter().filter(|(bit, _)| held & bit != 0).map(|(_, c)| *c);
            let events: Vec<Value> = if params["type"] == "keyUp" {
                [pressed].into_iter().chain(modifiers).map(|c| key("keyUp", c)).collect()
            } else {
                modifiers.chain([pressed]).map(|c| key("keyDown", c)).collect()
            };
            keyboard(&events)
        }
    }
}

fn key(kind: &str, value: char) -> Value {
    json!({ "type": kind, "value": value })
}

fn keyboard(actions: &[Value]) -> Value {
    json!([{ "type": "key", "id": "keyboard", "actions": actions }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, params: Value, expect: Value) {
        assert_eq!(actions(command, &params)[0]["actions"], expect, "{command}");
    }

    #[test]
    fn events_as_actions() {
        let moved = json!({ "type": "mouseMoved", "x": 10.6, "y": -1 });
        let expect = json!([{ "type": "pointerMove", "x": 11, "y": 0 }]);
        check("Input.dispatchMouseEvent", moved, expect);
        let down = json!({ "type": "rawKeyDown", "key": "a", "modifiers": 2 });
        let expect = json!([key("keyDown", '\u{e009}'), key("keyDown", 'a')]);
        check("Input.dispatchKeyEvent", down, expect);
        let up = json!({ "type": "keyUp", "key": "Enter", "modifiers": 0 });
        check("Input.dispatchKeyEvent", up, json!([key("keyUp", '\u{e007}')]));
        let typed = json!([key("keyDown", 'é'), key("keyUp", 'é')]);
        check("Input.insertText", json!({ "text": "é" }), typed);
    }
}
