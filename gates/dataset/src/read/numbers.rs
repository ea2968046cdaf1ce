//! Numbers of text.

/// Powers of ten that doubles hold without a rest.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Whole numbers below are doubles.
const WHOLE: u64 = 1 << 53;

/// Reads a number to its nearest double. Short decimal ones are a whole number and a power of ten,
/// both without a rest, so that one division rounds once (Clinger 1990); others take the long way.
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    // As many digits do not overflow.
    if digits.len() <= 19 {
        let (mut whole, mut point, mut is_plain) = (0_u64, digits.len(), !digits.is_empty());
        for (at, byte) in digits.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit <= 9 {
                whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
            } else {
                // A second one, or one at an end, is not plain.
                let is_point = *byte == b'.' && point == digits.len();
                is_plain &= is_point && at > 0 && at + 1 < digits.len();
                point = at;
            }
        }
        if is_plain && whole < WHOLE {
            let behind = digits.len().saturating_sub(point + 1);
            let value = whole as f64 / POWERS[behind];
            return Some(if is_negative { -value } else { value });
        }
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) {
        let expect = text.parse::<f64>().ok();
        let got = parse(text.as_bytes());
        assert_eq!(got.map(f64::to_bits), expect.map(f64::to_bits), "{text}");
    }

    #[test]
    fn numbers_are_read() {
        for text in [
            "0",
            "-0",
            "-0.0",
            "1",
            "00012",
            "12.5",
            "-12.50",
            "9007199254740991",
            "9007199254740993",
            "999999999999999999",
            "9999999999999999999",
            "0.000000000000000001",
            "1.7976931348623157e308",
            "1e5",
            "-1E-5",
            "5e-324",
            "",
            "-",
            ".",
            ".5",
            "5.",
            "1.2.3",
            "1..2",
            "--1",
            "+1",
            " 1",
            "1 ",
            "inf",
            "NaN",
            "0x10",
            "1_000",
            "1,5",
            "123456789012345678901234567890",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_number(text in "-?[0-9]{0,20}(\\.[0-9]{0,20})?(e-?[0-9]{1,3})?") {
            check(&text);
        }

        #[test]
        fn any_short_number(value in -1e9..1e9_f64, digits in 0..10_usize) {
            check(&format!("{value:.digits$}"));
        }
    }
}
