//! Numbers in words.

/// A duration in microseconds, in the unit that suits it: `850µs`, `12.3ms`, `1.52s`.
pub(crate) fn time(microseconds: f64) -> String {
    let (value, unit) = match microseconds {
        at if at < 1e3 => (at, "us"),
        at if at < 1e6 => (at / 1e3, "ms"),
        at => (at / 1e6, "s"),
    };
    let digits = match value {
        at if at >= 100.0 => 0,
        at if at >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let short =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short}{unit}")
}

/// A share in percent, with as many digits as say something.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value {
        at if at == 0.0 || at >= 10.0 => format!("{value:.0}%"),
        at if at >= 0.1 => format!("{value:.2}%"),
        _ => format!("{value:.4}%"),
    }
}

/// A number with its groups of three apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 request`, `2 requests`.
pub(crate) fn count(number: u64, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {word}{ending}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (microseconds, text) in [
            (0.0, "0us"),
            (850.0, "850us"),
            (1500.0, "1.5ms"),
            (12_340.0, "12.3ms"),
            (500_000.0, "500ms"),
            (1_520_000.0, "1.52s"),
            (61_000_000.0, "61s"),
        ] {
            assert_eq!(time(microseconds), text);
        }
        for (share, text) in [(0.0, "0%"), (0.5, "50%"), (0.0123, "1.23%"), (0.000_12, "0.0120%")] {
            assert_eq!(percent(share), text);
        }
        assert_eq!([grouped(7), grouped(1_234_567), grouped(999)], ["7", "1,234,567", "999"]);
        assert_eq!([count(1, "request"), count(1200, "request")], ["1 request", "1,200 requests"]);
    }
}
