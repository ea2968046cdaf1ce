use std::fmt;
use std::str::FromStr;

use super::{number_and_unit, written_as_text};

/// A share: `0.1%`. Held as a fraction, 0.001.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

impl Percent {
    /// From a fraction between 0 and 1.
    pub fn from_fraction(fraction: f64) -> Option<Percent> {
        (0.0..=1.0).contains(&fraction).then_some(Percent(fraction))
    }

    /// Between 0 and 1.
    pub fn fraction(self) -> f64 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a percentage such as `0.1%`");
        match number_and_unit(text).ok_or_else(wrong)? {
            (number, "%") if number <= 100.0 => Ok(Percent(number / 100.0)),
            (_, "%") => Err(format!("`{text}` is more than `100%`")),
            (_, "") => Err(format!("`{text}` has no unit: write `{text}%`")),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A dozen digits are more than anybody writes, and hide the binary fraction's tail.
        let text = format!("{:.10}", self.0 * 100.0);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

written_as_text!(
    Percent,
    "Percent",
    r"^[0-9._]+ *%$|\$\{",
    "a percentage between `0%` and `100%`, such as `0.1%`"
);

/// An amount of data: `64MiB`, `200kB`. Held in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size such as `64MiB` or `200kB`");
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let factor = match unit {
            "B" => 1.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "GiB" => 1_073_741_824.0,
            "" => return Err(format!("`{text}` has no unit: write `{text}B` for bytes")),
            _ => return Err(wrong()),
        };
        let bytes = number * factor;
        if bytes > 1e15 {
            return Err(format!("`{text}` is more than a petabyte"));
        }
        Ok(Size(bytes as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}B", self.0)
    }
}

written_as_text!(
    Size,
    "Size",
    r"^[0-9._]+ *(B|kB|KB|MB|GB|KiB|MiB|GiB)$|\$\{",
    "a size such as `64MiB` or `200kB`"
);

/// How often: `500/s`, `30/m`. Held per second.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// Times a second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate such as `500/s` or `30/m`");
        let rate = match number_and_unit(text).ok_or_else(wrong)? {
            (number, "/s") => number,
            (number, "/m") => number / 60.0,
            (number, "/h") => number / 3_600.0,
            (_, "") => return Err(format!("`{text}` has no unit: write `{text}/s`")),
            _ => return Err(wrong()),
        };
        if rate > 1e8 {
            return Err(format!("`{text}` is more than a hundred million a second"));
        }
        Ok(Rate(rate))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

written_as_text!(Rate, "Rate", r"^[0-9._]+ */[smh]$|\$\{", "a rate such as `500/s` or `30/m`");

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(input: &str, expect: Result<&str, &str>)
    where
        T: FromStr<Err = String> + fmt::Display,
    {
        let parsed = input.parse::<T>().map(|value| value.to_string());
        assert_eq!(parsed.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn percentages() {
        check::<Percent>("0.1%", Ok("0.1%"));
        check::<Percent>("7%", Ok("7%"));
        check::<Percent>("100 %", Ok("100%"));
        check::<Percent>("5", Err("`5` has no unit: write `5%`"));
        check::<Percent>("101%", Err("`101%` is more than `100%`"));
        check::<Percent>("x%", Err("`x%` is not a percentage such as `0.1%`"));
    }

    #[test]
    fn sizes() {
        check::<Size>("64MiB", Ok("64MiB"));
        check::<Size>("1.5KiB", Ok("1536B"));
        check::<Size>("200kB", Ok("200000B"));
        check::<Size>("12", Err("`12` has no unit: write `12B` for bytes"));
        check::<Size>("9999999GB", Err("`9999999GB` is more than a petabyte"));
    }

    #[test]
    fn rates() {
        check::<Rate>("500/s", Ok("500/s"));
        check::<Rate>("30/m", Ok("0.5/s"));
        check::<Rate>("500", Err("`500` has no unit: write `500/s`"));
    }
}
