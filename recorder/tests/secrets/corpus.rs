//! Secrets to be planted: every platform, place and form, each of them another one. They are made
//! from a fixed seed after the shapes that vendors document.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Splitmix64, by Steele, Lea and Flood.
pub struct Numbers(pub u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn letters(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }

    /// `{h32}` becomes 32 digits of hexadecimal; `b` is for letters and digits, `u` for base32,
    /// `d` for decimal digits, `l` for small letters.
    pub fn shaped(&mut self, shape: &str) -> String {
        let mut text = String::new();
        for (at, part) in shape.split(['{', '}']).enumerate() {
            if at % 2 == 0 {
                text.push_str(part);
                continue;
            }
            let alphabet = match &part[..1] {
                "h" => "0123456789abcdef",
                "b" => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                "u" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                "d" => "0123456789",
                _ => "abcdefghijklmnopqrstuvwxyz",
            };
            text.push_str(&self.letters(alphabet, part[1..].parse().unwrap()));
        }
        text
    }
}

/// What is known by its shape, wherever it stands.
const SHAPES: &[&str] = &[
    "AKIA{u16}",
    "AIza{b35}",
    "ghp_{b36}",
    "glpat-{b20}",
    "xoxb-{d12}-{d12}-{b24}",
    "sk_live_{b24}",
    "SK{h32}",
    "SG.{b22}.{b43}",
    "key-{h32}",
    "{h32}-us21",
    "pat-na1-{h8}-{h4}-{h4}-{h4}-{h12}",
    "npm_{b36}",
    "eyJ{b30}.eyJ{b60}.{b43}",
    "shpat_{h32}",
    "kim.{l8}@{l9}.example",
    "+4917{d9}",
];

/// Name and shape of what is known by where it stands.
const NAMED: &[(&str, &str)] = &[
    ("hapikey", "{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("client_secret", "{b24}"),
    ("client_id", "{b24}"),
    ("account_id", "7{d8}"),
    ("api_key", "pk-{l6}{d4}"),
    ("api_secret", "{b22}"),
    ("access_token", "tok/{b12}+{b4}"),
    ("password", "P4ss {b8}&\"x\""),
    ("session_id", "{h16}"),
    ("sha256_email_address", "{h64}"),
    ("em", "{h64}"),
    ("ph", "{h64}"),
    ("fbp", "fb.1.{d13}.{d10}"),
    ("subscriber_key", "sub-{d9}"),
    ("external_id", "user-{h12}"),
    ("token", "{b6}x1"),
];

/// How a secret is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    Plain,
    Url,
    Base64,
    Json,
    Gzip,
}

pub const FORMS: [Form; 5] = [Form::Plain, Form::Url, Form::Base64, Form::Json, Form::Gzip];

/// A request with a secret somewhere, or one whose answer has it.
pub struct Planted {
    pub what: String,
    pub secret: String,
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

pub fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn json(text: &str) -> String {
    let escape = |c: char| match c {
        '"' => "\\\"".to_owned(),
        '/' => "\\/".to_owned(),
        'a'..='f' | '@' | '+' | '_' => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A value in a form that is not one of the place itself; base64 has a text around it.
fn formed(secret: &str, form: Form) -> String {
    match form {
        Form::Base64 => STANDARD.encode(format!("the key is {secret}.")),
        Form::Url => percent(secret),
        _ => secret.to_owned(),
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const PARTS: (&str, &str) = ("content-type", "multipart/form-data; boundary=b0undary");

/// The bodies of a name and a value: media type and bytes.
fn bodies(
    name: &str,
    secret: &str,
    form: Form,
) -> Vec<(&'static str, (&'static str, &'static str), Vec<u8>)> {
    let value = formed(secret, form);
    let text = if form == Form::Json { json(secret) } else { quoted(&value) };
    let object = format!("{{\"n\": 1, \"{name}\": \"{text}\"}}");
    let pairs = match form {
        Form::Json => format!("n=1&data={}", percent(&object)),
        Form::Url => format!("n=1&{name}={value}"),
        _ => format!("n=1&{name}={}", percent(&value)),
    };
    let head = format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n");
    let parts = match form {
        Form::Json => {
            format!("{head}Content-Type: application/json\r\n\r\n{object}\r\n--b0undary--\r\n")
        }
        _ => format!("{head}\r\n{value}\r\n--b0undary--\r\n"),
    };
    vec![
        ("JSON", JSON, object.into_bytes()),
        ("form", FORM, pairs.into_bytes()),
        ("multipart", PARTS, parts.into_bytes()),
    ]
}

/// All of them.
pub fn corpus() -> Vec<Planted> {
    let mut numbers = Numbers(41);
    let mut all = Vec::new();
    let shapes = SHAPES.iter().map(|shape| ("note", *shape, true));
    let named = NAMED.iter().map(|(name, shape)| (*name, *shape, false));
    for (name, shape, is_shape) in shapes.chain(named) {
        for form in FORMS {
            for place in ["query", "path", "header", "JSON", "form", "multipart", "response"] {
                // What only its name tells has none in a path; a header is neither escaped nor packed.
                let is_none = (place == "path" && !is_shape)
                    || (place == "header"
                        && (!is_shape || matches!(form, Form::Json | Form::Gzip | Form::Url)))
                    || (matches!(place, "path" | "query")
                        && matches!(form, Form::Json | Form::Gzip));
                if !is_none {
                    let what = format!("{name} {shape} in {place}, {form:?}");
                    all.extend(planted(&what, name, &numbers.shaped(shape), place, form));
                }
            }
        }
    }
    all.extend(in_heads(&mut numbers));
    all.extend(in_bodies(&mut numbers));
    all
}

fn planted(what: &str, name: &str, secret: &str, place: &str, form: Form) -> Option<Planted> {
    let value = formed(secret, form);
    let mut one = Planted::posted(what, secret, "/echo");
    match place {
        "query" if form == Form::Url => one.path = format!("/none?n=1&{name}={value}"),
        "query" => one.path = format!("/none?n=1&{name}={}", percent(&value)),
        "path" if form == Form::Base64 => {
            let value = URL_SAFE_NO_PAD.encode(format!("the key is {secret}."));
            one.path = format!("/none/{value}/x");
        }
        "path" => one.path = format!("/none/{value}/x"),
        "header" => one.headers.push(("x-note", value)),
        "response" => {
            let (_, media_type, body) = bodies(name, secret, form).swap_remove(0);
            if form == Form::Gzip {
                one.path = String::from("/gzip");
            }
            // What is asked for is not looked into by the service; it says it in its answer.
            one.headers.push(("content-type", media_type.1.to_owned()));
            one.body = body;
        }
        _ => {
            let bodies = bodies(name, secret, form);
            let (_, media_type, body) = bodies.into_iter().find(|body| body.0 == place)?;
            one.headers.push(("content-type", media_type.1.to_owned()));
            one.body = if form == Form::Gzip { gzip(&body) } else { body };
            if form == Form::Gzip {
                one.headers.push(("content-encoding", "gzip".to_owned()));
                one.path = String::from("/none");
            }
        }
    }
    Some(one)
}

impl Planted {
    fn posted(what: &str, secret: &str, path: &str) -> Planted {
        Planted {
            what: what.to_owned(),
            secret: secret.to_owned(),
            method: "POST",
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn header(mut self, name: &'static str, value: String) -> Planted {
        self.headers.push((name, value));
        self
    }

    fn body(self, media_type: (&'static str, &'static str), body: String) -> Planted {
        Planted { body: body.into_bytes(), ..self.header(media_type.0, media_type.1.to_owned()) }
    }
}

/// What is of a platform or of HTTP alone, in headers and addresses.
fn in_heads(numbers: &mut Numbers) -> Vec<Planted> {
    let none = |what: &str, secret: &str| Planted::posted(what, secret, "/none");
    let braze = numbers.shaped("{h8}-{h4}-{h4}-{h4}-{h12}");
    let klaviyo = numbers.shaped("pk_{h34}");
    let mailchimp = numbers.shaped("{b10}x");
    let basic = STANDARD.encode(format!("anystring:{mailchimp}"));
    let member = numbers.shaped("{h32}");
    let (sent, set) = (numbers.shaped("{b26}"), numbers.shaped("{b26}"));
    let token = numbers.shaped("{b18}");
    let given = format!("{{\"access_token\":\"{token}\"}}");
    vec![
        none("Braze key", &braze).header("authorization", format!("Bearer {braze}")),
        none("Klaviyo key", &klaviyo).header("authorization", format!("Klaviyo-API-Key {klaviyo}")),
        none("Mailchimp basic", &mailchimp).header("authorization", format!("Basic {basic}")),
        none("Mailchimp basic, coded", &basic).header("authorization", format!("Basic {basic}")),
        Planted::posted("member", &member, &format!("/none/3.0/lists/1/members/{member}")),
        none("cookie", &sent).header("cookie", format!("theme=dark; sid={sent}")),
        Planted::posted("cookie set", &set, &format!("/cookie/{set}")),
        Planted::posted("given", &token, "/echo").body(JSON, given),
        Planted::posted("given and used in a path", &token, &format!("/none/{token}/items")),
    ]
}

/// The same in bodies.
fn in_bodies(numbers: &mut Numbers) -> Vec<Planted> {
    let echo = |what: &str, secret: &str| Planted::posted(what, secret, "/echo");
    let public = numbers.shaped("{b6}");
    let event =
        format!("{{\"event\":\"Opened\",\"token\":\"{public}\",\"properties\":{{\"n\":1}}}}");
    let known = "kn0wn-by-value-1";
    let password = numbers.shaped("{b12}");
    let drawn = numbers.shaped("{b40}");
    let key = numbers.shaped("MII{b60}\\n{b64}\\n{b40}");
    let (start, end) = ("-----BEGIN", "-----END");
    let pem =
        format!("{{\"pem\":\"{start} PRIVATE KEY-----\\n{key}\\n{end} PRIVATE KEY-----\\n\"}}");
    vec![
        echo("Klaviyo data", &public)
            .body(FORM, format!("data={}", percent(&STANDARD.encode(event)))),
        echo("known by value", known).body(JSON, format!("{{\"x\":[\"{known}\"]}}")),
        echo("password in an address", &password)
            .body(JSON, format!("{{\"dsn\":\"postgres://kim:{password}@db.example/crm\"}}")),
        echo("private key", &key.replace("\\n", "\n")).body(JSON, pem),
        echo("drawn at random", &drawn).body(JSON, format!("{{\"x\":\"{drawn}\"}}")),
    ]
}
