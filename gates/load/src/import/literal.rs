//! Values written down in JavaScript: what JSON has, and what people write besides.

use gate_core::Json;
use serde_json::Map;

/// How deep values may lie within each other.
const DEEPEST: usize = 64;

/// Reads a value from the start of a text. What is no value that stands there as it is, such as the
/// name of something or a call, is `null`, and told.
pub(super) fn value(text: &str, told: &mut Vec<String>) -> Option<Json> {
    let mut reading = Reading { rest: text, told, depth: 0 };
    reading.value()
}

struct Reading<'t> {
    rest: &'t str,
    told: &'t mut Vec<String>,
    depth: usize,
}

impl<'t> Reading<'t> {
    /// Leaves out blanks and comments.
    fn skip(&mut self) {
        loop {
            let before = self.rest;
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("//") {
                self.rest = rest.find('\n').map_or("", |at| &rest[at..]);
            } else if let Some(rest) = self.rest.strip_prefix("/*") {
                self.rest = rest.find("*/").map_or("", |at| &rest[at + 2..]);
            }
            if self.rest == before {
                return;
            }
        }
    }

    fn take(&mut self, c: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Json> {
        self.skip();
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = match self.rest.chars().next()? {
            '{' => self.object(),
            '[' => self.array(),
            '"' | '\'' | '`' => self.text().map(Json::from),
            _ => Some(self.word()),
        };
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Option<Json> {
        self.take('{');
        let mut fields = Map::new();
        loop {
            if self.take('}') {
                return Some(Json::Object(fields));
            }
            self.skip();
            let name = if self.rest.starts_with(['"', '\'', '`']) {
                self.text()?
            } else {
                let plain = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
                let end = self.rest.find(plain).unwrap_or(self.rest.len());
                let (name, rest) = self.rest.split_at(end);
                self.rest = rest;
                name.to_owned()
            };
            if name.is_empty() || !self.take(':') {
                // A shorthand, a spread or a method.
                let what = self.word_text();
                self.told.push(format!("`{name}{what}`, which only the script knows"));
            } else {
                let value = self.value()?;
                fields.insert(name, value);
            }
            if !self.take(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
    }

    fn array(&mut self) -> Option<Json> {
        self.take('[');
        let mut items = Vec::new();
        loop {
            if self.take(']') {
                return Some(Json::Array(items));
            }
            items.push(self.value()?);
            if !self.take(',') && !self.rest.starts_with(']') {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    '\n' => {}
                    other => text.push(other),
                },
                c if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    if quote == '`' && text.contains("${") {
                        self.told.push(format!("`{text}`, which only the script knows"));
                    }
                    return Some(text);
                }
                c => text.push(c),
            }
        }
        None
    }

    /// Everything up to the end of an expression.
    fn word_text(&mut self) -> &'t str {
        let (mut open, mut quote, mut end) = (0_usize, None, self.rest.len());
        for (at, c) in self.rest.char_indices() {
            match (quote, c) {
                (Some(own), c) => quote = Some(own).filter(|own| *own != c),
                (None, '"' | '\'' | '`') => quote = Some(c),
                (None, '(' | '[' | '{') => open += 1,
                (None, ')' | ']' | '}') if open > 0 => open -= 1,
                (None, ',' | ')' | ']' | '}' | ';') if open == 0 => {
                    end = at;
                    break;
                }
                (None, _) => {}
            }
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.trim()
    }

    fn word(&mut self) -> Json {
        let word = self.word_text();
        let number = word.replace('_', "").parse::<f64>().ok().filter(|number| number.is_finite());
        match (word, number) {
            ("true", _) => Json::Bool(true),
            ("false", _) => Json::Bool(false),
            ("null" | "undefined", _) => Json::Null,
            (_, Some(number)) => serde_json::json!(number),
            (other, None) => {
                let short: String = other.chars().take(60).collect();
                self.told.push(format!("`{short}`, which only the script knows"));
                Json::Null
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn check(text: &str, expect: Option<Json>, said: &[&str]) {
        let mut told = Vec::new();
        assert_eq!(value(text, &mut told), expect, "{text}");
        assert_eq!(told, said, "{text}");
    }

    #[test]
    fn what_stands_there_is_read() {
        check(
            "{ vus: 1_0, 'a b': \"x\\\"y\", /* no */ on: [true, -2.5e1,], // end\n }; rest",
            Some(json!({ "vus": 10.0, "a b": "x\"y", "on": [true, -25.0] })),
            &[],
        );
        check("{ a: `30s` , b: null}", Some(json!({ "a": "30s", "b": null })), &[]);
        check(
            "{ rate: RATE * (1, 2), other: open('./x.json'), good: 1 }",
            Some(json!({ "rate": null, "other": null, "good": 1.0 })),
            &[
                "`RATE * (1, 2)`, which only the script knows",
                "`open('./x.json')`, which only the script knows",
            ],
        );
        check(
            "{ ...base, a: 1, b }",
            Some(json!({ "a": 1.0 })),
            &["`...base`, which only the script knows", "`b`, which only the script knows"],
        );
        check("{ a: 1", None, &[]);
        check("[1", None, &[]);
        check("\"a", None, &[]);
        check("", None, &[]);
    }

    proptest! {
        #[test]
        fn nothing_is_too_much(text in "[\\[\\]{}:,'\"`a1 ./*\\\\\n$]{0,60}") {
            value(&text, &mut Vec::new());
            value(&"[{a:".repeat(200), &mut Vec::new());
        }
    }
}
