//! How much of what is no secret is taken for one, on a corpus that is stated here: made from a
//! fixed seed, in the kinds of values that APIs and pages are made of.

use redact::placeholder::Key;
use redact::{Cleaner, Redactor};

/// Splitmix64, by Steele, Lea and Flood.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one<'l>(&mut self, list: &[&'l str]) -> &'l str {
        list[self.below(list.len() as u64) as usize]
    }

    fn letters(&mut self, alphabet: &str, count: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..count).map(|_| letters[self.below(letters.len() as u64) as usize]).collect()
    }

    fn words(&mut self, count: usize, between: &str) -> String {
        (0..count).map(|_| self.one(WORDS)).collect::<Vec<_>>().join(between)
    }
}

const HEX: &str = "0123456789abcdef";
const DIGITS: &str = "0123456789";
const CROCKFORD: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WORDS: &[&str] = &[
    "account",
    "autumn",
    "basket",
    "campaign",
    "checkout",
    "contact",
    "coupon",
    "customer",
    "delivery",
    "discount",
    "email",
    "event",
    "feature",
    "footer",
    "gallery",
    "header",
    "invoice",
    "landing",
    "message",
    "newsletter",
    "offer",
    "order",
    "page",
    "payment",
    "premium",
    "product",
    "profile",
    "search",
    "segment",
    "shipping",
    "signup",
    "summer",
    "template",
    "tracking",
    "variant",
    "winter",
];
const SENTENCES: &[&str] = &[
    "Your order has been shipped and will arrive between Tuesday and Thursday.",
    "Das Passwort muss mindestens zwölf Zeichen haben: Buchstaben, Ziffern und ein Sonderzeichen.",
    "Votre panier contient trois articles ; la livraison est offerte dès 49,90 €.",
    "La contraseña no es correcta. Inténtelo de nuevo o solicite una nueva.",
    "パスワードを入力してください。",
    "Το καλάθι σας είναι άδειο.",
    "Token: a small piece of text. Secret: something that is not told.",
    "Save 20% on all shoes (until 2026-12-24) with the code WINTER2026!",
    "Error: expected `;` at line 12, column 40 of src/main.rs",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0",
];

type Make = fn(&mut Numbers) -> String;

/// The kinds of values, each with the name that it has in JSON.
const KINDS: &[(&str, Make)] = &[
    ("id", |n| n.below(1 << 40).to_string()),
    ("uuid", uuid),
    ("ref", uuid),
    ("object", |n| n.letters(HEX, 24)),
    ("ulid", |n| format!("01{}", n.letters(CROCKFORD, 24))),
    ("contactId", |n| n.letters(BASE62, 22)),
    ("request_id", |n| n.letters(HEX, 32)),
    ("etag", |n| format!("W/\"{}\"", n.letters(HEX, 32))),
    ("sha256", |n| n.letters(HEX, 64)),
    ("integrity", |n| format!("sha384-{}", n.letters(BASE62, 64))),
    ("commit", |n| n.letters(HEX, 40)),
    ("created_at", |n| date(n)),
    ("day", |n| date(n)[..10].to_owned()),
    ("http_date", |n| format!("Sat, {:02} Nov 2026 08:{:02}:00 GMT", 1 + n.below(28), n.below(60))),
    ("timestamp", |n| (1_700_000_000_000 + n.below(1 << 36)).to_string()),
    ("price", |n| format!("{}.{:02} EUR", n.below(10_000), n.below(100))),
    ("amount", |n| format!("$1,{:03}.{:02}", n.below(1000), n.below(100))),
    ("slug", |n| format!("{}-{}", n.words(5, "-"), 2020 + n.below(9))),
    ("title", |n| n.words(6, " ")),
    ("text", |n| n.one(SENTENCES).to_owned()),
    ("file", |n| format!("{}_{}.final.v{}.pdf", n.words(3, "_"), n.below(999), n.below(9))),
    ("src", |n| format!("/assets/{}.{}.js", n.words(2, "-"), n.letters(HEX, 20))),
    ("image", |n| format!("https://cdn.example/img/{}/{}@2x.png", n.below(9999), n.words(2, "-"))),
    ("className", |n| {
        format!("{}__{}--{} css-{}", n.one(WORDS), n.one(WORDS), n.one(WORDS), n.letters(BASE62, 6))
    }),
    ("style", |n| format!("color:#{};margin:0 auto {}px", n.letters(HEX, 6), n.below(99))),
    ("url", |n| {
        format!(
            "https://www.example.com/{}/{}?page={}&sort={}",
            n.words(2, "/"),
            n.below(999),
            n.below(9),
            n.one(WORDS)
        )
    }),
    ("link", |n| {
        format!(
            "https://shop.example/{}?utm_source={}&utm_campaign={}_{}",
            n.words(3, "-"),
            n.one(WORDS),
            n.words(3, "_"),
            n.below(99)
        )
    }),
    ("version", |n| {
        format!(
            "{}.{}.{}-beta.{}+build.{}",
            n.below(9),
            n.below(99),
            n.below(99),
            n.below(9),
            n.below(9999)
        )
    }),
    ("package", |n| {
        format!(
            "@{}/{}@{}.{}.{}",
            n.one(WORDS),
            n.words(2, "-"),
            n.below(9),
            n.below(9),
            n.below(9)
        )
    }),
    ("color", |n| format!("#{}", n.letters(HEX, 6))),
    ("picture", |n| {
        format!("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{}", n.letters(BASE62, 120))
    }),
    ("mime", |n| {
        format!("application/vnd.{}.{}+json;version={}", n.one(WORDS), n.words(2, "-"), n.below(9))
    }),
    ("constant", |n| n.words(4, "_").to_uppercase()),
    ("method", |n| format!("get{}By{}And{}", title(n), title(n), title(n))),
    ("locale", |n| n.one(&["en-GB", "de-DE", "pt-BR", "zh-Hans-CN"]).to_owned()),
    ("zone", |n| n.one(&["Europe/Berlin", "America/Argentina/Buenos_Aires", "+02:00"]).to_owned()),
    ("ip", |n| format!("192.0.2.{}", n.below(256))),
    ("coordinates", |n| {
        format!(
            "{}.{:06}, -{}.{:06}",
            n.below(90),
            n.below(999_999),
            n.below(180),
            n.below(999_999)
        )
    }),
    ("sku", |n| {
        format!(
            "{}-{}-{}",
            n.letters("ABCDEFGHKLMNPRST", 4),
            n.letters(DIGITS, 6),
            n.one(&["S", "M", "XL"])
        )
    }),
    ("isbn", |n| {
        format!("978-3-{}-{}-{}", n.letters(DIGITS, 4), n.letters(DIGITS, 4), n.below(10))
    }),
    ("iban_country", |n| n.one(&["DE", "FR", "NL"]).to_owned()),
    ("token_type", |n| n.one(&["bearer", "Bearer", "mac"]).to_owned()),
    ("next_page_token", |n| n.letters(BASE62, 30)),
    ("cursor", |n| n.letters(BASE62, 40)),
    ("stripe_customer", |n| format!("cus_{}", n.letters(BASE62, 14))),
    ("path", |n| format!("/{}/{}/{}.html", n.one(WORDS), n.words(3, "-"), n.words(2, "_"))),
    ("selector", |n| {
        format!("div#{} > ul.{} li:nth-child({})", n.words(2, "-"), n.words(3, "-"), n.below(9))
    }),
    ("regex", |n| format!("^[A-Za-z0-9+/]{{{},}}={{0,2}}$", n.below(99))),
    ("money", |n| format!("{}{:03}", n.below(99), n.below(999))),
    ("percent", |n| format!("{}.{}%", n.below(100), n.below(10))),
];

fn uuid(n: &mut Numbers) -> String {
    let lengths = [8, 4, 4, 4, 12];
    lengths.map(|length| n.letters(HEX, length)).join("-")
}

fn date(n: &mut Numbers) -> String {
    let (month, day, hour) = (1 + n.below(12), 1 + n.below(28), n.below(24));
    format!("2026-{month:02}-{day:02}T{hour:02}:{:02}:{:02}.123Z", n.below(60), n.below(60))
}

fn title(n: &mut Numbers) -> String {
    let word = n.one(WORDS);
    format!("{}{}", word[..1].to_uppercase(), &word[1..])
}

fn cleaner() -> Cleaner {
    Cleaner::new(Redactor::default(), &[], Key([5; 32]))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[test]
fn ordinary_values_stay() {
    const EACH: usize = 200;
    let mut numbers = Numbers(7);
    let (mut all, mut taken) = (0usize, Vec::new());
    for (name, make) in KINDS {
        for at in 0..EACH {
            let value = make(&mut numbers);
            // In a member of its name, alone in a list, in a form, as a text.
            let json = format!("{{\"{name}\": {}, \"n\": {at}}}", quoted(&value));
            let list = format!("[{}]", quoted(&value));
            let form = format!("a=1&{name}={}", form_escaped(&value));
            let texts: [(&str, &str); 4] = [
                ("application/json", &json),
                ("application/json", if is_named(name) { &json } else { &list }),
                ("application/x-www-form-urlencoded", &form),
                ("text/plain", if is_named(name) { &json } else { &value }),
            ];
            for (media_type, text) in texts {
                all += 1;
                let clean = cleaner().body("api.example", media_type, text.as_bytes()).into_owned();
                if clean != text.as_bytes() {
                    taken.push(format!("{name}: {text} -> {}", String::from_utf8_lossy(&clean)));
                }
            }
        }
    }
    let share = taken.len() as f64 / all as f64 * 100.0;
    println!("{} of {all} ordinary values were taken for secrets: {share:.3} %", taken.len());
    for one in taken.iter().take(20) {
        println!("  {one}");
    }
    assert!(all == KINDS.len() * EACH * 4 && all >= 40_000);
    assert!(share < 1.0, "{share} %");
}

/// What is known not to be a secret by its name alone.
fn is_named(name: &str) -> bool {
    ["contactId", "request_id", "sha256", "commit", "next_page_token", "cursor"].contains(&name)
}

fn form_escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn ordinary_headers_and_addresses_stay() {
    let cleaner = cleaner();
    for (name, value) in [
        ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
        ("cache-control", "max-age=31536000, immutable"),
        ("content-type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
        ("date", "Sat, 21 Nov 2026 08:30:00 GMT"),
        ("etag", "W/\"5d8c72a5edda8d6a5b0c1d2e3f4a5b6c\""),
        ("link", "<https://api.example/items?page=2>; rel=\"next\""),
        ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("user-agent", "python-requests/2.32.3"),
        ("x-amz-cf-id", "k3Jq8Zt3LmV0pXw7Rk2Yd9Bn4HsQ2w5E8r1T4y7U0i3O6p9A=="),
        ("x-ratelimit-remaining", "4999"),
        ("x-request-id", "5d8c72a5edda8d6a5b0c1d2e3f4a5b6c"),
    ] {
        let clean = cleaner.header("api.example", name, value.as_bytes());
        assert_eq!(String::from_utf8_lossy(&clean), value, "{name}");
    }
    for url in [
        "https://api.example/v3/contacts/151?properties=email,firstname&limit=100&after=1",
        "https://api.example/v1/orders/3fa85f64-5717-4562-b3fc-2c963f66afa6/lines",
        "https://www.example.com/de/winter-sale-2026/shoes?utm_source=newsletter#top",
        "http://127.0.0.1:8080/",
        "/relative/path",
    ] {
        assert_eq!(cleaner.url(url), url);
    }
}
