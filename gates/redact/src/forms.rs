//! The forms in which a value turns up in requests, logs and files.

use std::collections::BTreeSet;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode};

/// What `encodeURIComponent` leaves as it is, besides letters and digits.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// What browsers leave as it is in a path.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`');

/// Every form of `value`, without doubles.
pub(crate) fn of(value: &str) -> Vec<Vec<u8>> {
    let mut forms = BTreeSet::new();
    forms.insert(value.as_bytes().to_vec());
    for set in [COMPONENT, NON_ALPHANUMERIC, PATH] {
        let upper = percent_encode(value.as_bytes(), set).to_string();
        forms.insert(upper.replace("%20", "+").into_bytes());
        forms.insert(lower_escapes(&upper).into_bytes());
        forms.insert(upper.into_bytes());
    }
    forms.extend(json(value));
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.insert(hex.to_uppercase().into_bytes());
    forms.insert(hex.into_bytes());
    for alignment in 0..3 {
        forms.insert(base64_core(&STANDARD_NO_PAD, value, alignment));
        forms.insert(base64_core(&URL_SAFE_NO_PAD, value, alignment));
    }
    forms.into_iter().collect()
}

fn lower_escapes(text: &str) -> String {
    let mut rest = 0;
    text.chars()
        .map(|c| {
            rest = if c == '%' { 2 } else { i32::max(rest - 1, -1) };
            if rest >= 0 && c != '%' { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

/// The JSON escapes in use: minimal, with `\/`, and with everything outside ASCII as `\uXXXX`.
fn json(value: &str) -> Vec<Vec<u8>> {
    let escape = |ascii: bool| -> String {
        value
            .chars()
            .map(|c| match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                c if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                    let mut units = [0; 2];
                    c.encode_utf16(&mut units).iter().map(|u| format!("\\u{u:04x}")).collect()
                }
                c => c.to_string(),
            })
            .collect()
    };
    [escape(false), escape(true)]
        .into_iter()
        .flat_map(|text| [text.replace('/', "\\/").into_bytes(), text.into_bytes()])
        .collect()
}

/// The characters of base64 that `value` decides alone when it begins `alignment` bytes into a
/// group of three; those that a neighbour shares are left out.
fn base64_core(engine: &impl base64::Engine, value: &str, alignment: usize) -> Vec<u8> {
    let padded = [&vec![0; alignment], value.as_bytes()].concat();
    let text = engine.encode(&padded);
    let first = (alignment * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    text.as_bytes()[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn base64_is_found_at_any_place(
            before in ".{0,7}", value in "[ -~]{8,40}", after in ".{0,7}"
        ) {
            let text = STANDARD.encode(format!("{before}{value}{after}"));
            let core = base64_core(&STANDARD_NO_PAD, &value, before.len() % 3);
            prop_assert!(text.contains(std::str::from_utf8(&core).unwrap()));
            prop_assert!(core.len() >= 8);
        }
    }
}
