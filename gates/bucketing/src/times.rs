//! Moments in conditions and of subjects.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value;

/// Milliseconds since 1970: a number as it is, a text as RFC 3339; without a zone it is UTC.
pub fn millis(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => millis_of(text),
        _ => None,
    }
}

/// Milliseconds since 1970 of a text.
pub fn millis_of(text: &str) -> Option<f64> {
    let utc = |moment: DateTime| jiff::tz::Offset::UTC.to_timestamp(moment).ok();
    let moment: Timestamp = text
        .parse()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0))))?;
    Some(moment.as_millisecond() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let check = |text: &str, expect: Option<f64>| assert_eq!(millis_of(text), expect, "{text}");
        check("1970-01-02T00:00:00Z", Some(86_400_000.0));
        check("1970-01-02T01:00:00.5+01:00", Some(86_400_500.0));
        check("1970-01-02T00:00:00", Some(86_400_000.0));
        check("1970-01-02", Some(86_400_000.0));
        check("tomorrow", None);
    }
}
