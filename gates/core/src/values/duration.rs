use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{number_and_unit, written_as_text};

/// A length of time: `250ms`, `1.5s`, `2m`, `1h`, `14 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationValue(pub Duration);

/// A year: longer than anything that is waited for here, and far from overflow.
const LONGEST: f64 = 366.0 * 86_400.0;

impl FromStr for DurationValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration such as `250ms`, `30s`, `2m` or `1h`");
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let seconds = match unit {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3_600.0,
            "d" | "day" | "days" => 86_400.0,
            "" => return Err(format!("`{text}` has no unit: write `{text}s` for seconds")),
            _ => return Err(wrong()),
        } * number;
        if seconds > LONGEST {
            return Err(format!("`{text}` is longer than a year"));
        }
        Ok(DurationValue(Duration::from_secs_f64(seconds)))
    }
}

impl fmt::Display for DurationValue {
    /// In the largest unit that gives a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        for (unit, size) in
            [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)]
        {
            if micros >= size && micros.is_multiple_of(size) {
                return write!(f, "{}{unit}", micros / size);
            }
        }
        if micros.is_multiple_of(1000) {
            write!(f, "{}ms", micros / 1000)
        } else {
            write!(f, "{micros}us")
        }
    }
}

written_as_text!(
    DurationValue,
    "Duration",
    r"^[0-9._]+ *(us|µs|ms|s|m|h|d|min|seconds?|minutes?|hours?|days?)$|\$\{",
    "a duration such as `250ms`, `30s` or `2m`"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: Result<&str, &str>) {
        let parsed = input.parse::<DurationValue>().map(|value| value.to_string());
        assert_eq!(parsed.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn as_people_write_them() {
        check("250ms", Ok("250ms"));
        check("1.5s", Ok("1500ms"));
        check("120s", Ok("2m"));
        check("14 days", Ok("14d"));
        check("3us", Ok("3us"));
        check("10", Err("`10` has no unit: write `10s` for seconds"));
        check("-1s", Err("`-1s` is not a duration such as `250ms`, `30s`, `2m` or `1h`"));
        check("1e3s", Err("`1e3s` is not a duration such as `250ms`, `30s`, `2m` or `1h`"));
        check("9999999h", Err("`9999999h` is longer than a year"));
    }
}
