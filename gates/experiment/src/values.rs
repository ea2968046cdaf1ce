//! Values as people write them on the command line.

use std::str::FromStr;

use stats::looks::Spending;

/// A share: `4.1%`, or `0.041`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share(pub f64);

/// A difference of shares: `0.2pp`, percentage points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Points(pub f64);

/// Numbers with commas between them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbers(pub Vec<f64>);

/// Which look of how many: `2/5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    pub at: u32,
    pub of: u32,
}

/// How an error is spent over looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spends(pub Spending);

/// A finite number.
pub(crate) fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

/// A hundredth of a number, rounded once: 4.1% is 0.041 to its last digit.
fn hundredth(text: &str) -> Option<f64> {
    let text = text.trim();
    let is_plain = !text.contains(['e', 'E']);
    if is_plain { number(&format!("{text}e-2")) } else { number(text).map(|number| number / 100.0) }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let share = match text.strip_suffix('%') {
            Some(percent) => hundredth(percent),
            None => number(text),
        };
        share.map(Share).ok_or_else(|| format!("`{text}` is no share such as `4.1%` or `0.041`"))
    }
}

impl FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Points, String> {
        let points = text.strip_suffix("pp").and_then(hundredth);
        points.map(Points).ok_or_else(|| {
            format!("`{text}` is no difference in percentage points such as `0.2pp`")
        })
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Numbers, String> {
        let numbers: Option<Vec<f64>> = text.split(',').map(number).collect();
        numbers
            .map(Numbers)
            .ok_or_else(|| format!("`{text}` is no list of numbers such as `50,50`"))
    }
}

impl FromStr for Look {
    type Err = String;

    fn from_str(text: &str) -> Result<Look, String> {
        let look = text.split_once('/').and_then(|(at, of)| {
            Some(Look { at: at.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        look.filter(|look| (1..=look.of).contains(&look.at))
            .ok_or_else(|| format!("`{text}` is no look such as `2/5`, the second of five"))
    }
}

impl FromStr for Spends {
    type Err = String;

    fn from_str(text: &str) -> Result<Spends, String> {
        let power = || text.strip_prefix("power:").and_then(number).filter(|power| *power > 0.0);
        match text {
            "obrien-fleming" => Ok(Spends(Spending::ObrienFleming)),
            "pocock" => Ok(Spends(Spending::Pocock)),
            _ => power().map(|power| Spends(Spending::Power(power))).ok_or_else(|| {
                format!("`{text}` is not `obrien-fleming`, `pocock` or `power:R` such as `power:2`")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        assert_eq!("4.1%".parse(), Ok(Share(0.041)));
        assert_eq!("0.05".parse(), Ok(Share(0.05)));
        assert_eq!("-5%".parse(), Ok(Share(-0.05)));
        assert_eq!("0.2pp".parse(), Ok(Points(0.002)));
        assert_eq!("1, 2.5".parse(), Ok(Numbers(vec![1.0, 2.5])));
        assert_eq!("2/5".parse(), Ok(Look { at: 2, of: 5 }));
        assert_eq!("power:2".parse(), Ok(Spends(Spending::Power(2.0))));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in ["", "%", "five%", "nan%", "inf"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
        assert!("0.2".parse::<Points>().is_err() && "1,,2".parse::<Numbers>().is_err());
        for text in ["0/5", "6/5", "2", "a/b"] {
            assert!(text.parse::<Look>().is_err(), "{text}");
        }
        assert!("power:0".parse::<Spends>().is_err() && "haybittle".parse::<Spends>().is_err());
    }
}
