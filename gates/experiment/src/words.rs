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
        check(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
