//! What a name says of the value beside it: of a header, a parameter, a field, a member of JSON.

use std::collections::HashMap;
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

static NAMES: LazyLock<HashMap<&'static [u8], Class>> = LazyLock::new(|| {
    let lists = [
        (SECRETS, Class::Secret),
        (CURSORS, Class::Harmless),
        (EMAILS, Class::Email),
        (PHONES, Class::Phone),
        (PERSONS, Class::Person),
        (HARMLESS_ENDS, Class::Harmless),
    ];
    lists
        .into_iter()
        .flat_map(|(names, class)| names.iter().map(move |name| (name.as_bytes(), class)))
        .collect()
});

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
    if let Some(class) = NAMES.get(name) {
        return *class;
    }
    let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end.as_bytes()));
    match name[name.len() - 1] {
        // What the ends of secrets end in.
        b'y' | b'n' | b'e' | b'd' | b't' => {
            if ends(CURSORS) {
                Class::Harmless
            } else if ends(SECRET_ENDS) {
                Class::Secret
            } else if ends(HARMLESS_ENDS) {
                Class::Harmless
            } else {
                Class::Plain
            }
        }
        _ if ends(HARMLESS_ENDS) => Class::Harmless,
        _ => Class::Plain,
    }
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
