//! What holds for any text: nothing panics, what was cleaned stays as it is, and the last look
//! finds nothing in it.

use proptest::prelude::*;
use redact::placeholder::Key;
use redact::{Cleaner, Redactor};

fn cleaner() -> Cleaner {
    Cleaner::new(Redactor::default(), &[], Key([5; 32]))
}

const TYPES: &[&str] = &[
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/html",
    "text/event-stream",
    "image/png",
    "",
];

/// Pieces of which texts with secrets are made, in and out of place.
fn pieces() -> impl Strategy<Value = String> {
    let token = "ghp_[0-9A-Za-z]{36}";
    prop_oneof![
        "[ -~]{0,12}",
        "[0-9A-Za-z+/_-]{16,44}={0,2}",
        token,
        "\"(access_token|id|email|value|name)\" ?: ?\"[ -~]{0,20}\"",
        "(token|a|password|sig)=[!-~]{0,20}&",
        "[a-z]{1,6}@[a-z]{2,6}\\.(org|com)",
        "(\\\\u00[0-9a-f]{2}|\\\\n|\\\\\"|%[0-9A-F]{2}|\\\\){1,6}",
        "https?://[a-z]{1,5}:[!-~]{1,9}@[a-z]{1,5}\\.org/[a-z/]{0,9}\\?[ -~]{0,9}",
        "(--b\r\n|--b--|\r\n\r\n|Content-Disposition: form-data; name=token|</token>|<token>)",
        "\\PC{0,8}",
    ]
}

fn texts() -> impl Strategy<Value = String> {
    proptest::collection::vec(pieces(), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..TYPES.len()) {
        let cleaner = cleaner();
        let _ = cleaner.body("graph.facebook.com", TYPES[at], &bytes);
        let _ = cleaner.header("a", "cookie", &bytes);
        let _ = cleaner.header("a", "x", &bytes);
        let _ = cleaner.url(&String::from_utf8_lossy(&bytes));
        let _ = cleaner.scan(&bytes);
    }

    #[test]
    fn the_last_look_finds_nothing_in_what_was_cleaned(text in texts(), at in 0..TYPES.len()) {
        let cleaner = cleaner();
        let body = cleaner.body("a", TYPES[at], text.as_bytes()).into_owned();
        let body = String::from_utf8_lossy(&cleaner.again(&body)).into_owned();
        prop_assert_eq!(cleaner.scan(body.as_bytes()), [], "{} -> {}", text, body);
        let header = cleaner.header("a", "x-any", text.as_bytes()).into_owned();
        let header = cleaner.again(&header);
        prop_assert_eq!(cleaner.scan(&header), [], "{} -> {:?}", text, String::from_utf8_lossy(&header));
        let url = cleaner.url(&text).into_owned();
        let url = cleaner.again(url.as_bytes());
        prop_assert_eq!(cleaner.scan(&url), [], "{} -> {:?}", text, String::from_utf8_lossy(&url));
    }

    #[test]
    fn a_shaped_secret_goes_whatever_is_around_it(
        before in texts(), token in "npm_[0-9A-Za-z]{36}", after in texts(), at in 0..TYPES.len()
    ) {
        let text = format!("{before} {token} {after}");
        let cleaner = cleaner();
        let clean = cleaner.body("a", TYPES[at], text.as_bytes()).into_owned();
        prop_assert!(!String::from_utf8_lossy(&clean).contains(&token), "{}", text);
    }
}
