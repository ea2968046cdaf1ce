//! Numbers as people read them.

/// A p value, whose size is never rounded away.
pub(crate) fn p_value(p: f64) -> String {
    if p <= 0.0 {
        "p below 1e-300".to_owned()
    } else if p < 0.001 {
        format!("p = {p:.2e}")
    } else if p < 1.0 {
        format!("p = {p:.4}")
    } else {
        "p = 1".to_owned()
    }
}

/// A whole number with its thousands apart.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share, to three digits that count.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", figure(share * 100.0))
}

/// The same with its sign: a change.
pub(crate) fn change(share: f64) -> String {
    let sign = if share >= 0.0 { "+" } else { "" };
    format!("{sign}{}", percent(share))
}

/// A number to four digits that count.
pub(crate) fn figure(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return if number.is_finite() { "0".to_owned() } else { "unknown".to_owned() };
    }
    let size = number.abs().log10().floor() as i32;
    if !(-6..15).contains(&size) {
        return format!("{number:.3e}");
    }
    let text = format!("{number:.*}", (3 - size).max(0) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `1 visitor`, `2,000 visitors`.
pub(crate) fn times(number: f64, word: &str) -> String {
    let ending = if (number - 1.0).abs() < 0.5 { "" } else { "s" };
    format!("{} {word}{ending}", count(number))
}

/// The longest that anybody waits for an experiment, in days.
pub(crate) const YEAR: f64 = 366.0;

/// `about 9 more days`; nobody counts those of years.
pub(crate) fn more_days(days: f64) -> String {
    if days > YEAR {
        "more than a year".to_owned()
    } else {
        format!("about {}", times(days, "more day"))
    }
}

/// What was expected and what came of it, with up to so many digits as tell them apart: `50/50`, `46/54`.
pub(crate) fn shares(expected: &[f64], got: &[f64], most: usize) -> (String, String) {
    let told = |numbers: &[f64], digits: usize| {
        let all: f64 = numbers.iter().sum();
        let share = |number: &f64| {
            let text = format!("{:.digits$}", number / all.max(f64::MIN_POSITIVE) * 100.0);
            let is_whole = !text.contains('.');
            if is_whole {
                text
            } else {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
        };
        numbers.iter().map(share).collect::<Vec<_>>().join("/")
    };
    let differ = (0..most).find(|digits| told(expected, *digits) != told(got, *digits));
    let digits = differ.unwrap_or(most);
    // What was meant keeps its own digits, two at the most.
    let meant = (0..2).find(|digits| told(expected, *digits) == told(expected, 4)).unwrap_or(2);
    (told(expected, meant), told(got, digits.max(meant)))
}

/// A value of a metric, to three digits that count: a share in percent.
pub(crate) fn level(value: f64, is_share: bool, unit: Option<&str>) -> String {
    if is_share {
        return format!("{}%", three(value * 100.0));
    }
    match unit {
        Some(unit @ ("€" | "$" | "£")) => format!("{unit}{}", three(value)),
        Some(unit) => format!("{} {unit}", three(value)),
        None => three(value),
    }
}

/// To three digits that count, and all of a whole number.
fn three(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return figure(number);
    }
    let size = number.abs().log10().floor() as i32;
    if !(-6..15).contains(&size) {
        return format!("{number:.2e}");
    }
    let text = format!("{number:.*}", (2 - size).max(0) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        count(number)
    }
}

/// A change as a part of something, roughly: `+3%`, `-0.4%`, `+120%`.
pub(crate) fn rough(part: f64) -> String {
    let percent = part * 100.0;
    let digits = match percent.abs() {
        at if at >= 9.95 => 0,
        at if at >= 0.095 => 1,
        _ => 2,
    };
    let text = format!("{:.digits$}", percent.abs());
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let sign = match text {
        "0" => "",
        _ if percent > 0.0 => "+",
        _ => "-",
    };
    format!("{sign}{text}%")
}

/// Several things in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn list(things: &[String]) -> String {
    match things {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A fragment as the start of a sentence.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        let check = |got: String, expect: &str| assert_eq!(got, expect);
        check(p_value(2.99e-18), "p = 2.99e-18");
        check(p_value(0.0), "p below 1e-300");
        check(p_value(0.057_779), "p = 0.0578");
        check(count(821_588.0), "821,588");
        check(count(100.0), "100");
        check(percent(0.041), "4.1%");
        check(change(-0.012_345), "-1.234%");
        check(figure(1_234_567.0), "1234567");
        check(figure(1e-9), "1.000e-9");
        check(capital("its bucket"), "Its bucket");
        check(times(1.0, "visitor") + ", " + &times(1200.0, "day"), "1 visitor, 1,200 days");
        check(more_days(9.0) + ", " + &more_days(1e5), "about 9 more days, more than a year");
        check(level(0.041_23, true, None), "4.12%");
        check(level(1234.5, false, Some("ms")), "1,234 ms");
        check(level(12.345, false, Some("€")), "€12.3");
        check(rough(0.034), "+3.4%");
        check(rough(-0.21), "-21%");
        check(rough(0.000_01), "0%");
        check(rough(1.5), "+150%");
        let (meant, got) = shares(&[1.0, 1.0], &[46.0, 54.0], 4);
        check(meant + " " + &got, "50/50 46/54");
        let (meant, got) = shares(&[0.5, 0.5], &[821_588.0, 815_482.0], 4);
        check(meant + " " + &got, "50/50 50.2/49.8");
        let (meant, got) = shares(&[1.0, 1.0, 1.0], &[3.0, 3.0, 3.0], 1);
        check(meant + " " + &got, "33.33/33.33/33.33 33.33/33.33/33.33");
        let (meant, got) = shares(&[1.0, 1.0], &[20_018.0, 19_982.0], 1);
        check(meant + " " + &got, "50/50 50/50");
        check(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
