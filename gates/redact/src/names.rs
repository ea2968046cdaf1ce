//! What a name says of the value beside it: of a header, a parameter, a field, a member of JSON.

use std::sync::LazyLock;

/// What a value is, going by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A secret, whatever it looks like.
    Secret,
    /// A telephone number, however it is written.
    Phone,
    /// An e-mail address, or a hash of one.
    Email,
    /// Something else that tells who somebody is.
    Person,
    /// Something that may look drawn at random and is no secret: an identifier, a digest.
    Harmless,
    /// Nothing is known.
    Plain,
}

/// The longest name that is looked at, in bytes; more is no name.
pub(crate) const LONGEST: usize = 64;

const SECRETS: &[&str] = &[
    "accesskey",
    "apikey",
    "appsecret",
    "auth",
    "authenticitytoken",
    "authkey",
    "authorization",
    "awsaccesskeyid",
    "clientassertion",
    "clientsecret",
    "codeverifier",
    "connectionstring",
    "cookie",
    "credential",
    "credentials",
    "csrf",
    "fueloauth",
    "hapikey",
    "jsessionid",
    "jwt",
    "licensekey",
    "masterkey",
    "oauthsignature",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "phpsessid",
    "privatekey",
    "proxyauthorization",
    "pwd",
    "samlresponse",
    "secret",
    "secretkey",
    "servicekey",
    "sessionid",
    "sessionkey",
    "setcookie",
    "sharedaccesskey",
    "sid",
    "sig",
    "signature",
    "signingkey",
    "subscriptionkey",
    "token",
    "webhooksecret",
    "xamzcredential",
    "xamzsignature",
    "xgoogcredential",
    "xgoogsignature",
    "xhubsignature",
    "xhubsignature256",
];
/// A longer name that ends so is one, too: `stripe_webhook_secret`, `X-Amz-Security-Token`.
const SECRET_ENDS: &[&str] = &[
    "accesskey",
    "apikey",
    "authkey",
    "authorization",
    "encryptionkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "signingkey",
    "subscriptionkey",
    "token",
];
/// What ends so and is none: places in a list.
const CURSORS: &[&str] = &[
    "changetoken",
    "continuationtoken",
    "cursortoken",
    "deltatoken",
    "nexttoken",
    "pagetoken",
    "paginationtoken",
    "resumetoken",
    "skiptoken",
    "synctoken",
];
const EMAILS: &[&str] = &[
    "email",
    "emailaddress",
    "emailhash",
    "emailmd5",
    "emailsha256",
    "hashedemail",
    "hashedemailaddress",
    "mail",
    "mailaddress",
    "md5email",
    "sha256email",
    "sha256emailaddress",
];
const PHONES: &[&str] = &[
    "cellphone",
    "hashedphone",
    "hashedphonenumber",
    "homephone",
    "homephonenumber",
    "mobile",
    "mobilenumber",
    "mobilephone",
    "mobilephonenumber",
    "msisdn",
    "phone",
    "phonenumber",
    "phonesha256",
    "sha256phone",
    "sha256phonenumber",
    "telephone",
    "workphone",
    "workphonenumber",
];
const PERSONS: &[&str] = &[
    "clientipaddress",
    "clientuseragent",
    "sha256city",
    "sha256firstname",
    "sha256lastname",
    "sha256street",
];
const HARMLESS_ENDS: &[&str] = &[
    "boundary",
    "build",
    "charset",
    "checksum",
    "class",
    "classname",
    "commit",
    "cursor",
    "digest",
    "endcursor",
    "etag",
    "file",
    "filename",
    "fingerprint",
    "guid",
    "hash",
    "href",
    "id",
    "idempotencykey",
    "ids",
    "ifmatch",
    "ifnonematch",
    "integrity",
    "md5",
    "nonce",
    "path",
    "revision",
    "sha",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "slug",
    "spanid",
    "srcset",
    "startcursor",
    "traceparent",
    "tracestate",
    "uuid",
    "version",
];

/// What a name says that is this one, or ends so.
struct Known {
    name: &'static [u8],
    class: Class,
    is_end: bool,
}

/// By the last two letters, the longest first: every name of an API is looked up here.
static KNOWN: LazyLock<Vec<Vec<Known>>> = LazyLock::new(|| {
    let lists = [
        (SECRETS, Class::Secret, false),
        (SECRET_ENDS, Class::Secret, true),
        (CURSORS, Class::Harmless, true),
        (EMAILS, Class::Email, false),
        (PHONES, Class::Phone, false),
        (PERSONS, Class::Person, false),
        (HARMLESS_ENDS, Class::Harmless, true),
    ];
    let mut table: Vec<Vec<Known>> = std::iter::repeat_with(Vec::new).take(SLOTS).collect();
    for (names, class, is_end) in lists {
        for name in names {
            let name = name.as_bytes();
            table[slot(name)].push(Known { name, class, is_end });
        }
    }
    for slot in &mut table {
        // Of two that are equal the exact one comes first.
        slot.sort_by_key(|known| (std::cmp::Reverse(known.name.len()), known.is_end));
    }
    table
});
const SLOTS: usize = 1024;

fn slot(name: &[u8]) -> usize {
    let at = |back: usize| usize::from(name[name.len() - back] & 31);
    at(1) * 32 + at(2)
}

/// A name in lower case, with its letters and digits alone.
pub(crate) struct Name {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Name {
    /// Of `auth[client_secret]` and `auth.client_secret` the last part counts.
    pub(crate) fn of(name: &[u8]) -> Name {
        let mut own = Name { bytes: [0; LONGEST], length: 0 };
        let mut is_new = false;
        let mut at = 0;
        while let Some(&byte) = name.get(at) {
            let is_bracket = byte == b'%' && name[at + 1..].first() == Some(&b'5');
            if is_bracket || matches!(byte, b'[' | b'.') {
                is_new = true;
                // `%5B`, `%5D`.
                at += if is_bracket { 3 } else { 1 };
                continue;
            }
            at += 1;
            if byte.is_ascii_alphanumeric() || byte >= 0x80 {
                if is_new {
                    // Numbers are places in a list, and no name.
                    if byte.is_ascii_digit() {
                        continue;
                    }
                    own.length = 0;
                }
                is_new = false;
                if own.length < LONGEST {
                    own.bytes[own.length] = byte.to_ascii_lowercase();
                    own.length += 1;
                }
            }
        }
        own
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// What any service means by this name.
pub(crate) fn class(name: &Name) -> Class {
    let name = name.as_bytes();
    if name.len() < 2 {
        return Class::Plain;
    }
    let mut known = KNOWN[slot(name)].iter();
    let found = known.find(|known| {
        name.ends_with(known.name) && (known.is_end || known.name.len() == name.len())
    });
    found.map_or(Class::Plain, |known| known.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_stands_beside_them() {
        let check = |name: &str, expect| {
            assert_eq!(class(&Name::of(name.as_bytes())), expect, "{name}");
        };
        for secret in [
            "access_token",
            "X-Api-Key",
            "clientSecret",
            "user[password]",
            "user%5Bpassword%5D",
            "auth.client_secret",
            "keys[token][0]",
            "STRIPE_WEBHOOK_SECRET",
            "x-amz-security-token",
            "hapikey",
            "Authorization",
        ] {
            check(secret, Class::Secret);
        }
        for harmless in ["id", "contactId", "etag", "next_page_token", "sha256", "If-None-Match"] {
            check(harmless, Class::Harmless);
        }
        for plain in ["name", "token_type", "max_tokens", "", "x", "expires_in", "secretary"] {
            check(plain, Class::Plain);
        }
        check("$email", Class::Email);
        check("user_data.sha256_email_address[0]", Class::Email);
        check("PHONE", Class::Phone);
        check(&"x".repeat(500), Class::Plain);
    }
}
