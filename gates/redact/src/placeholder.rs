//! What stands where a secret stood: `redacted-KIND-DIGEST`.
//!
//! The digest is a keyed hash of the secret, so that one secret has one placeholder wherever it
//! occurs: a token that a response gives away and a later request sends back stay the same. Without
//! the key nobody can tell which secret it was, not even by trying all e-mail addresses.
//! Only letters, digits and `-` are used: they need no escaping in an address, a form, JSON or a
//! header.

use std::borrow::Cow;

/// What every placeholder begins with.
pub(crate) const START: &[u8] = b"redacted-";
/// How many hexadecimal digits of the hash are kept: 48 bits.
const DIGITS: usize = 12;

/// The key of the hash.
#[derive(Clone)]
pub struct Key(pub [u8; 32]);

impl std::fmt::Debug for Key {
    /// Says nothing of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// The placeholder of a secret; `kind` is in lower-case letters, such as `bearer`.
pub fn of(kind: &str, key: &Key, secret: &[u8]) -> String {
    debug_assert!(kind.bytes().all(|b| b.is_ascii_lowercase()), "{kind}");
    let hash = blake3::keyed_hash(&key.0, secret).to_hex();
    format!("redacted-{kind}-{}", &hash.as_str()[..DIGITS])
}

/// Where the addresses of placeholders are: RFC 2606 keeps the name from ever being anybody's.
const NOWHERE: &str = "@redacted.invalid";

/// The placeholder of an e-mail address, which is one, too: something may check that.
pub fn email(key: &Key, address: &[u8]) -> String {
    format!("{}{NOWHERE}", of("email", key, address))
}

/// How long the placeholder is that these bytes begin with, and how much of it names the kind.
fn at_start(bytes: &[u8]) -> Option<(usize, usize)> {
    let rest = bytes.strip_prefix(START)?;
    let letters = rest.iter().take_while(|b| b.is_ascii_lowercase()).count();
    let digest = rest.get(letters + 1..letters + 1 + DIGITS)?;
    let is_one = letters > 0
        && rest[letters] == b'-'
        && digest.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_one.then_some((START.len() + letters + 1 + DIGITS, START.len() + letters))
}

/// Whether these bytes are a placeholder and nothing else.
pub fn is_one(bytes: &[u8]) -> bool {
    at_start(bytes).is_some_and(|(length, named)| {
        let rest = &bytes[length..];
        rest.is_empty() || (bytes[..named].ends_with(b"-email") && rest == NOWHERE.as_bytes())
    })
}

/// The bytes with every placeholder cut to `redacted-KIND`: the same whatever the secret was.
pub fn generalised(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = find(&bytes[at..]) {
        at += found;
        let Some((length, named)) = at_start(&bytes[at..]) else {
            at += START.len();
            continue;
        };
        let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
        out.extend_from_slice(&bytes[from..at + named]);
        at += length;
        from = at;
    }
    match out {
        Some(mut out) => {
            out.extend_from_slice(&bytes[from..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(bytes),
    }
}

fn find(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, START)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_has_one_placeholder() {
        let (key, other) = (Key([7; 32]), Key([8; 32]));
        let placeholder = of("bearer", &key, b"s3cret");
        assert_eq!(placeholder, of("bearer", &key, b"s3cret"));
        assert_ne!(placeholder, of("bearer", &key, b"s3cret2"));
        assert_ne!(placeholder, of("bearer", &other, b"s3cret"));
        assert!(is_one(placeholder.as_bytes()), "{placeholder}");
        assert!(!is_one(format!("{placeholder}0").as_bytes()));
        assert!(!format!("{key:?}").contains('7'));
    }

    #[test]
    fn the_placeholder_of_an_address_is_an_address() {
        let address = email(&Key([7; 32]), b"kim@example.org");
        assert!(address.starts_with("redacted-email-") && address.ends_with(NOWHERE), "{address}");
        assert!(is_one(address.as_bytes()), "{address}");
        assert!(!is_one(address.replace("email", "secret").as_bytes()));
        assert_eq!(&*generalised(address.as_bytes()), b"redacted-email@redacted.invalid");
    }

    #[test]
    fn generalised_texts_say_only_the_kind() {
        let check = |text: &str, expect: &str| {
            assert_eq!(generalised(text.as_bytes()), expect.as_bytes(), "{text}");
        };
        check("nothing", "nothing");
        check("a redacted-bearer-0123456789ab b", "a redacted-bearer b");
        check(
            "redacted-email-0123456789ab@x redacted-key-abcdefabcdef",
            "redacted-email@x redacted-key",
        );
        check("redacted-bearer-0123", "redacted-bearer-0123");
        check("redacted--0123456789ab", "redacted--0123456789ab");
        check("redacted-redacted-key-0123456789ab", "redacted-redacted-key");
    }
}
