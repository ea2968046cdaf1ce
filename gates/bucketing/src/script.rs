//! Values as JavaScript converts and compares them, which the SDKs of several services inherit.
//! Source: ECMA-262, abstract operations on types. A missing value is `undefined`.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

/// `String(number)`.
pub fn number_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs();
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once("e-") {
        Some(_) => text,
        None => text.replace('e', "e+"),
    }
}

/// `String(value)`.
pub fn text(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        None => "undefined".into(),
        Some(Value::Null) => "null".into(),
        Some(Value::Bool(truth)) => if *truth { "true" } else { "false" }.into(),
        Some(Value::Number(number)) => number_text(number.as_f64().unwrap_or(f64::NAN)).into(),
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Array(items)) => {
            let item = |item: &Value| match item {
                Value::Null => String::new(),
                other => text(Some(other)).into_owned(),
            };
            items.iter().map(item).collect::<Vec<_>>().join(",").into()
        }
        Some(Value::Object(_)) => "[object Object]".into(),
    }
}

/// What JavaScript's `trim` takes off.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() && letter != '\u{85}' || letter == '\u{feff}'
}

/// `Number(text)`.
pub fn number_of_text(text: &str) -> f64 {
    let text = text.trim_matches(is_space);
    let radix = |digits: &str, radix: u32| {
        let valid = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        let add = |sum: f64, digit: char| {
            sum * f64::from(radix) + f64::from(digit.to_digit(radix).unwrap_or(0))
        };
        if valid { digits.chars().fold(0.0, add) } else { f64::NAN }
    };
    match text {
        "" => return 0.0,
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    match text.get(..2) {
        Some("0x" | "0X") => radix(&text[2..], 16),
        Some("0o" | "0O") => radix(&text[2..], 8),
        Some("0b" | "0B") => radix(&text[2..], 2),
        // Rust knows words for what is not finite, which JavaScript does not.
        _ if text.chars().any(|c| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => f64::NAN,
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

/// `Number(value)`.
pub fn number(value: Option<&Value>) -> f64 {
    match value {
        None | Some(Value::Object(_)) => f64::NAN,
        Some(Value::Null) => 0.0,
        Some(Value::Bool(truth)) => f64::from(u8::from(*truth)),
        Some(Value::Number(number)) => number.as_f64().unwrap_or(f64::NAN),
        Some(Value::String(text)) => number_of_text(text),
        Some(list @ Value::Array(_)) => number_of_text(&text(Some(list))),
    }
}

/// `!!value`.
pub fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

/// `a === b` for values that come from different places, so that no two objects are the same.
pub fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            _ => false,
        },
        _ => false,
    }
}

/// `a == b`, with the same reservation.
pub fn equal(a: Option<&Value>, b: Option<&Value>) -> bool {
    let nothing = |value: Option<&Value>| matches!(value, None | Some(Value::Null));
    let composite =
        |value: Option<&Value>| matches!(value, Some(Value::Array(_) | Value::Object(_)));
    let is_text = |value: Option<&Value>| matches!(value, Some(Value::String(_)));
    if nothing(a) || nothing(b) {
        return nothing(a) && nothing(b);
    }
    if composite(a) && composite(b) {
        return false;
    }
    if (is_text(a) && (is_text(b) || composite(b))) || (is_text(b) && composite(a)) {
        return text(a) == text(b);
    }
    number(a) == number(b)
}

/// `a < b`, `a > b` and so on; none when they cannot be compared, and each of these is false.
pub fn compare(a: Option<&Value>, b: Option<&Value>) -> Option<Ordering> {
    let primitive = |value: Option<&Value>| match value {
        Some(Value::Array(_) | Value::Object(_)) => Some(Value::String(text(value).into_owned())),
        other => other.cloned(),
    };
    let (a, b) = (primitive(a), primitive(b));
    match (&a, &b) {
        (Some(Value::String(a)), Some(Value::String(b))) => Some(compare_texts(a, b)),
        _ => number(a.as_ref()).partial_cmp(&number(b.as_ref())),
    }
}

/// Texts by their UTF-16 units.
pub fn compare_texts(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// `JSON.stringify(value)`. Fields come in the order of this program's maps: two objects are equal
/// whatever the order of their fields, where JavaScript would tell them apart.
pub fn json(value: Option<&Value>) -> String {
    match value {
        None => "undefined".to_owned(),
        Some(Value::Number(number)) => number_text(number.as_f64().unwrap_or(f64::NAN)),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| json(Some(item))).collect();
            format!("[{}]", items.join(","))
        }
        Some(Value::Object(fields)) => {
            let field =
                |(name, value): (&String, &Value)| format!("{name:?}:{}", json(Some(value)));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        let check = |number: f64, expect: &str| assert_eq!(number_text(number), expect);
        check(0.0, "0");
        check(-0.0, "0");
        check(12.0, "12");
        check(0.1, "0.1");
        check(1e21, "1e+21");
        check(123_456_789_012_345_680_000.0, "123456789012345680000");
        check(1e-7, "1e-7");
        check(-1.5e300, "-1.5e+300");
        check(0.000_001, "0.000001");
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        let check = |text: &str, expect: f64| {
            let read = number_of_text(text);
            assert!(read == expect || read.is_nan() && expect.is_nan(), "{text}: {read}");
        };
        check("", 0.0);
        check(" 12 ", 12.0);
        check("0x1f", 31.0);
        check("1e3", 1000.0);
        check(".5", 0.5);
        check("5.", 5.0);
        check("12px", f64::NAN);
        check("inf", f64::NAN);
        check("nan", f64::NAN);
        check("-Infinity", f64::NEG_INFINITY);
        check("0x", f64::NAN);
    }

    #[test]
    fn values_are_compared_as_javascript_compares_them() {
        let check = |a: Value, b: Value, expect: Option<Ordering>| {
            assert_eq!(compare(Some(&a), Some(&b)), expect, "{a} {b}");
        };
        check(json!("10"), json!("9"), Some(Ordering::Less));
        check(json!("10"), json!(9), Some(Ordering::Greater));
        check(json!(null), json!(1), Some(Ordering::Less));
        check(json!("abc"), json!(1), None);
        check(json!([5]), json!(5), Some(Ordering::Equal));
        // A letter outside of the basic plane begins with a unit below U+FFxx.
        check(json!("😀"), json!("\u{ff21}"), Some(Ordering::Less));
        assert!(equal(Some(&json!("1")), Some(&json!(1))));
        assert!(equal(Some(&json!(null)), None));
        assert!(!equal(Some(&json!(null)), Some(&json!(0))));
        assert!(same(Some(&json!(1)), Some(&json!(1.0))));
    }
}
