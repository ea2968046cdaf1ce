//! Times as they are written.

use super::{DAY, HOUR, SECOND, Stamp, days};

/// Reads a time: ISO 8601 with a `T` or a blank, with or without a part of a second and an offset,
/// a date alone, or a whole number that counts from 1970 ([`since_1970`]).
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<Stamp> {
    if text.len() < 10 || text[4] != b'-' {
        return number(text);
    }
    let digits = |from: usize, count: usize| -> Option<i64> {
        let part = text.get(from..from + count)?;
        part.iter().try_fold(0, |all, byte| {
            byte.is_ascii_digit().then(|| all * 10 + i64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    if text[7] != b'-' || !(1..=12).contains(&month) || day < 1 || day > length(year, month) {
        return None;
    }
    let midnight = days(year, month, day) * DAY;
    if text.len() == 10 {
        return Some(Stamp::Wall(midnight));
    }
    if !matches!(text[10], b'T' | b't' | b' ') || text.get(13) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (digits(11, 2)?, digits(14, 2)?);
    let (second, mut at) = if text.get(16) == Some(&b':') { (digits(17, 2)?, 19) } else { (0, 16) };
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut micros = 0;
    if matches!(text.get(at), Some(b'.' | b',')) {
        let from = at + 1;
        at = from;
        let mut unit = SECOND / 10;
        while let Some(byte) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
            micros += i64::from(byte - b'0') * unit;
            unit /= 10;
            at += 1;
        }
        if at == from {
            return None;
        }
    }
    let wall = midnight + hour * HOUR + minute * 60 * SECOND + second * SECOND + micros;
    let rest = text[at..].trim_ascii_start();
    match rest {
        [] => Some(Stamp::Wall(wall)),
        [b'Z' | b'z'] | b"UTC" => Some(Stamp::Instant(wall)),
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let two = |from: usize| -> Option<i64> {
                let pair = offset.get(from..from + 2)?;
                let is_number = pair.iter().all(u8::is_ascii_digit);
                is_number.then(|| i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0'))
            };
            let minutes = match offset.len() {
                2 => 0,
                4 => two(2)?,
                5 if offset[2] == b':' => two(3)?,
                _ => return None,
            };
            let ahead = (two(0)? * 60 + minutes) * 60 * SECOND;
            Some(Stamp::Instant(if *sign == b'+' { wall - ahead } else { wall + ahead }))
        }
        _ => None,
    }
}

fn number(text: &[u8]) -> Option<Stamp> {
    if text.len() > 19 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    since_1970(std::str::from_utf8(text).ok()?.parse().ok()?)
}

/// A number that counts from 1970, in the unit that its digits tell: seconds have 10 of them,
/// milliseconds 13, microseconds 16 and nanoseconds 19, from September 2001 to 2286 and 2262. Others
/// are no times: 8, 12, 14 or 17 digits spell a date.
pub(crate) fn since_1970(value: i64) -> Option<Stamp> {
    let instant = match value {
        1_000_000_000..10_000_000_000 => value * SECOND,
        1_000_000_000_000..10_000_000_000_000 => value * 1000,
        1_000_000_000_000_000..10_000_000_000_000_000 => value,
        // The largest number stands for none.
        i64::MAX => return None,
        1_000_000_000_000_000_000.. => value / 1000,
        _ => return None,
    };
    Some(Stamp::Instant(instant))
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let check = |text: &str, expect: Option<Stamp>| {
            assert_eq!(parse(text.as_bytes()), expect, "{text}");
        };
        let noon = 1_782_993_600 * SECOND;
        check("2026-07-02T12:00:00Z", Some(Stamp::Instant(noon)));
        check("2026-07-02 12:00:00", Some(Stamp::Wall(noon)));
        check("2026-07-02 12:00", Some(Stamp::Wall(noon)));
        check("2026-07-02 12:00:00 UTC", Some(Stamp::Instant(noon)));
        check("2026-07-02T14:00:00.000001+02:00", Some(Stamp::Instant(noon + 1)));
        check("2026-07-02T14:00:00.000001999+0200", Some(Stamp::Instant(noon + 1)));
        check("2026-07-02T06:30:00.5-05:30", Some(Stamp::Instant(noon + SECOND / 2)));
        check("2026-07-02", Some(Stamp::Wall(noon - 12 * HOUR)));
        for zeros in ["", "000", "000000", "000000000"] {
            check(&format!("1782993600{zeros}"), Some(Stamp::Instant(noon)));
        }
        // Digits that spell a date, and what nobody counts to.
        for text in ["20260702", "20260702120000", "202607021200", "20260702120000123"] {
            check(text, None);
        }
        for text in ["0", "-1", "999999999", "10000000000", "-1782993600", "9223372036854775807"] {
            check(text, None);
        }
        for text in [
            "",
            "x",
            "2026-13-01",
            "2026-02-29",
            "2026-02-30T00:00:00",
            "2026-07-02T24:00:00",
            "2026-07-02T12:60:00",
            "2026-07-02T12:00:00.",
            "2026-07-02T12:00:00+2",
            "2026-07-02T12:00:00 PST",
            "2026-07-02X12:00:00",
            "99999999999999999999",
            "12.5",
        ] {
            check(text, None);
        }
    }
}
