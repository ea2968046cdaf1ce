use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;
use crate::gzip;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn cleaner() -> Cleaner {
    let known = Redactor::new([("CRM", "known-secret-value")]).unwrap();
    Cleaner::new(known, &["pin".to_owned()], Key([1; 32]))
}

fn body(media_type: &str, text: &str) -> String {
    String::from_utf8(cleaner().body("a", media_type, text.as_bytes()).into_owned()).unwrap()
}

/// The text with `{}` where a placeholder is.
fn blanked(text: &str) -> String {
    let mut text = text.to_owned();
    for kind in ["secret", "email", "phone", "person"] {
        while let Some(at) = text.find(&format!("redacted-{kind}-")) {
            let mut end = at + "redacted--".len() + kind.len() + 12;
            if text[end..].starts_with("@redacted.invalid") {
                end += "@redacted.invalid".len();
            }
            text.replace_range(at..end, "{}");
        }
    }
    text
}

fn check_body(media_type: &str, text: &str, expect: &str) {
    assert_eq!(blanked(&body(media_type, text)), expect, "{text}");
}

#[test]
fn only_the_secret_changes_in_json() {
    let check = |text: &str, expect: &str| check_body(JSON, text, expect);
    check(
        r#"{"a": 1, "access_token" : "x\ny", "b":2}"#,
        r#"{"a": 1, "access_token" : "{}", "b":2}"#,
    );
    check(
        r#"{"token":5,"secret":"","password":null}"#,
        r#"{"token":5,"secret":"","password":null}"#,
    );
    check(r#"{"token":"Bearer abc"}"#, r#"{"token":"Bearer {}"}"#);
    check(r#"{"tokens":["a"],"token":["a", "b"]}"#, r#"{"tokens":["a"],"token":["{}", "{}"]}"#);
    check(r#"[{"name":"password","value":"x\"y"}]"#, r#"[{"name":"password","value":"{}"}]"#);
    check(
        r#"{"text":"Kim \u003ckim@example.org\u003e \u00e9"}"#,
        r#"{"text":"Kim \u003c{}\u003e \u00e9"}"#,
    );
    check(r#"{"in":"{\"token\":\"a\\\"b\",\"n\":1}"}"#, r#"{"in":"{\"token\":\"{}\",\"n\":1}"}"#);
    check(
        r#"{"form":"grant_type=x&client_secret=a%2Fb&n=1"}"#,
        r#"{"form":"grant_type=x&client_secret={}&n=1"}"#,
    );
    check(
        r#"{"next":"https:\/\/a\/b?access_token=x1&n=1"}"#,
        r#"{"next":"https:\/\/a\/b?access_token={}&n=1"}"#,
    );
    check(r#"{"phone":"0171 2345678","mobile":"none"}"#, r#"{"phone":"{}","mobile":"none"}"#);
    check(r#"{"a":"+49 171 2345678"}"#, r#"{"a":"{}"}"#);
    check(r#"{"x":"q8Zt3LmV0pXw7Rk2Yd9Bn4Hs"}"#, r#"{"x":"{}"}"#);
    let plain = r#"{"id":"q8Zt3LmV0pXw7Rk2Yd9Bn4Hs","etag":"9f86d081884c7d659a2feaa0c55ad015"}"#;
    check(plain, plain);
    check("{\"a\":1}\n{\"token\":\"x\"}\n", "{\"a\":1}\n{\"token\":\"{}\"}\n");
    check(
        "data: {\"token\":\"x\"}\n\ndata: [DONE]\n\n",
        "data: {\"token\":\"{}\"}\n\ndata: [DONE]\n\n",
    );
    check("{\"cut\": 1, \"token\": \"x\", \"of", "{\"cut\": 1, \"token\": \"{}\", \"of");
}

#[test]
fn only_the_secret_changes_in_forms_and_texts() {
    let check = |text: &str, expect: &str| check_body(FORM, text, expect);
    check("a=1&pin=1234&b=+%2B", "a=1&pin={}&b=+%2B");
    check("j=%7B%22token%22%3A%22x%22%7D&k", "j=%7B%22token%22%3A%22{}%22%7D&k");
    check(
        "user%5Bpassword%5D=x+y&e=kim%40example.org",
        "user%5Bpassword%5D={}&e={}%40redacted.invalid",
    );
    let check = |text: &str, expect: &str| check_body("text/plain", text, expect);
    check("Authorization: Bearer abc123def456ghi7\nX: y", "Authorization: Bearer {}\nX: y");
    check("the password: forgotten", "the password: forgotten");
    check("PASSWORD=hunter2x", "PASSWORD={}");
    check("https://kim:hunter2@db.example/x", "https://kim:{}@db.example/x");
    check_body(
        "application/xml",
        "<a><password>x</password><n>1</n><s:token>y&amp;z</s:token></a>",
        "<a><password>{}</password><n>1</n><s:token>{}</s:token></a>",
    );
    check_body(
        "text/html",
        r#"<input name="authenticity_token" value="x"><meta name="title" content="y">"#,
        r#"<input name="authenticity_token" value="{}"><meta name="title" content="y">"#,
    );
}

#[test]
fn base64_gzip_and_parts_are_looked_into() {
    let plain = r#"{"token":"PUBLIC","properties":{"$email":"kim@example.org","n":1}}"#;
    for (engine, text) in
        [(&STANDARD, STANDARD.encode(plain)), (&URL_SAFE_NO_PAD, URL_SAFE_NO_PAD.encode(plain))]
    {
        for text in [
            body(FORM, &format!("data={}&a=1", text.replace('=', "%3D"))),
            body("text/plain", &format!("data={text} a=1")),
        ] {
            let data = text.strip_prefix("data=").unwrap().split(['&', ' ']).next().unwrap();
            let data = percent_encoding::percent_decode_str(data).decode_utf8().unwrap();
            let inner = String::from_utf8(engine.decode(&*data).unwrap()).unwrap();
            assert_eq!(blanked(&inner), r#"{"token":"{}","properties":{"$email":"{}","n":1}}"#);
        }
    }
    let packed = cleaner().body("a", "", &gzip::compress(plain.as_bytes())).into_owned();
    let gzip::Expanded::Whole(inner) = gzip::expand(&packed) else { panic!("not gzip") };
    assert!(!String::from_utf8_lossy(&inner).contains("kim@"));
    let parts = "--b\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\nabc\r\n--b\r\n\
                 Content-Disposition: form-data; name=\"f\"; filename=\"x.json\"\r\n\
                 Content-Type: application/json\r\n\r\n{\"token\":\"x\"}\r\n--b--\r\n";
    let expect = parts.replace("abc", "{}").replace(":\"x\"", ":\"{}\"");
    check_body("multipart/form-data; boundary=b", parts, &expect);
}

#[test]
fn only_the_secret_changes_in_addresses_and_headers() {
    let cleaner = cleaner();
    let url = |text: &str, expect: &str| assert_eq!(blanked(&cleaner.url(text)), expect);
    url("https://a/x?b=1&api_key=k&c=2", "https://a/x?b=1&api_key={}&c=2");
    url("https://a/x?api%5Fkey=k", "https://a/x?api%5Fkey={}");
    url("https://a/x#access_token=k&c=2", "https://a/x#access_token={}&c=2");
    url("https://kim:pw@a/x", "https://kim:{}@a/x");
    url("https://a/known-secret-value", "https://a/{}");
    url(
        "https://a/3.0/lists/l1/members/9e26471d35a78862c17e467d87cddedf",
        "https://a/3.0/lists/l1/members/{}",
    );
    url("https://a/contacts/kim%40example.org/x", "https://a/contacts/{}%40redacted.invalid/x");
    url("/path?sig=abc", "/path?sig={}");
    let header = |name: &str, value: &str, expect: &str| {
        let clean = cleaner.header("a", name, value.as_bytes()).into_owned();
        assert_eq!(blanked(&String::from_utf8(clean).unwrap()), expect);
    };
    header("authorization", "Bearer abc", "Bearer {}");
    header("authorization", "Klaviyo-API-Key pk_x", "Klaviyo-API-Key {}");
    header("x-api-key", "abc", "{}");
    header("set-cookie", "sid=abc; Path=/", "sid={}; Path=/");
    header("cookie", "a=1; b=2", "a={}; b={}");
    header("accept", "*/*", "*/*");
    header("etag", "\"q8Zt3LmV0pXw7Rk2Yd9Bn4Hs\"", "\"q8Zt3LmV0pXw7Rk2Yd9Bn4Hs\"");
    header("location", "/cb?code=1&token=x", "/cb?code=1&token={}");
}

#[test]
fn platforms_have_names_of_their_own() {
    let check = |cleaner: &Cleaner, host: &str, text: &str, expect: &str| {
        let clean = cleaner.body(host, JSON, text.as_bytes()).into_owned();
        assert_eq!(blanked(&String::from_utf8(clean).unwrap()), expect, "{host}");
    };
    let plain = r#"{"client_id":"abc","fn":["x"]}"#;
    check(&cleaner(), "a", plain, plain);
    let sfmc = r#"{"client_id":"{}","fn":["x"]}"#;
    check(&cleaner(), "x.auth.marketingcloudapis.com", plain, sfmc);
    check(&cleaner(), "graph.facebook.com:443", plain, r#"{"client_id":"abc","fn":["{}"]}"#);
    let chosen = cleaner().with_profiles(&["salesforce-marketing-cloud".to_owned()]).unwrap();
    check(&chosen, "127.0.0.1:80", plain, sfmc);
    let kept = cleaner().keeping_personal(true);
    let personal = r#"{"email":"kim@example.org","phone":"+491712345678","fn":["x"]}"#;
    check(&kept, "graph.facebook.com", personal, personal);
    let error = cleaner().with_profiles(&["crm".to_owned()]).unwrap_err().to_string();
    assert!(error.starts_with("`crm` is no platform; known are hubspot, "), "{error}");
    let allowed = cleaner().allowing(&["test-[a-z]+".to_owned()]).unwrap();
    check(
        &allowed,
        "a",
        r#"{"token":"test-me","secret":"test-9"}"#,
        r#"{"token":"test-me","secret":"{}"}"#,
    );
    assert!(cleaner().allowing(&["(".to_owned()]).is_err());
}

#[test]
fn a_secret_is_the_same_wherever_it_stands() {
    let cleaner = cleaner();
    let given = br#"{"text":"see s3cr3t/Abc","access_token":"s3cr3t/Abc"}"#;
    let given = cleaner.body("a", JSON, given).into_owned();
    let sent = cleaner.header("a", "authorization", b"Bearer s3cr3t/Abc").into_owned();
    let token = String::from_utf8_lossy(&sent[7..]).into_owned();
    assert_eq!(String::from_utf8_lossy(&given).matches(&token).count(), 2);
    assert_eq!(cleaner.header("a", "authorization", &sent), sent, "a placeholder stays");
    for place in ["s3cr3t/Abc", "s3cr3t%2FAbc", "s3cr3t%2fAbc"] {
        assert_eq!(
            cleaner.url(&format!("https://a/x/{place}/y")),
            format!("https://a/x/{token}/y")
        );
    }
    let text = cleaner.body("a", "text/plain", b"the s3cr3t/Abc").into_owned();
    assert_eq!(String::from_utf8(text).unwrap(), format!("the {token}"));
    let before = cleaner.again(br#"{"a":"s3cr3t\/Abc"}"#).into_owned();
    assert_eq!(String::from_utf8(before).unwrap(), format!("{{\"a\":\"{token}\"}}"));
    let again = cleaner.body("a", JSON, &given).into_owned();
    assert_eq!(again, given, "what was cleaned stays");
}

#[test]
fn the_last_look_finds_what_is_known_or_has_a_shape() {
    let cleaner = cleaner();
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let packed = gzip::compress(format!("x {token}").as_bytes());
    let texts: [Vec<u8>; 6] = [
        format!("x {token}").into_bytes(),
        format!(r#"{{"a":"\"{token}\""}}"#).into_bytes(),
        STANDARD.encode(format!("key: {token}")).into_bytes(),
        format!("a={}", token.replace('_', "%5f")).into_bytes(),
        packed.clone(),
        STANDARD.encode(&packed).into_bytes(),
    ];
    for text in &texts {
        let cleaner = self::cleaner();
        let findings = cleaner.scan(text);
        assert_eq!(findings.len(), 1, "{}", String::from_utf8_lossy(text));
        assert_eq!(findings[0].rule, "github-token");
        assert!(!findings[0].to_string().contains(&token));
        assert_eq!(cleaner.scan(&cleaner.body("a", "", text)), []);
    }
    assert_eq!(cleaner.scan(b"a known-secret-value")[0].to_string(), "known-value at byte 2");
    assert_eq!(cleaner.scan(b"kim@example.org q8Zt3LmV0pXw7Rk2Yd9Bn4Hs"), []);
}

#[test]
fn a_large_body_is_cleaned_in_windows() {
    let line = r#"{"id":1,"name":"a line of an ordinary body","price":1.5}"#;
    let secret = r#"{"token":"s3cr3t-in-a-stream-1","email":"kim@example.org"}"#;
    let mut text = String::new();
    while text.len() < 9 << 20 {
        text.push_str(&format!("{}\n", if text.len().is_multiple_of(7) { secret } else { line }));
    }
    let count = text.matches("kim@").count();
    assert!(count > 1000, "{count}");
    let mut clean = Vec::new();
    assert!(cleaner().copy("a", JSON, text.as_bytes(), &mut clean).unwrap());
    let clean = String::from_utf8(clean).unwrap();
    assert!(!clean.contains("s3cr3t") && !clean.contains("kim@"));
    assert_eq!(clean.lines().count(), text.lines().count());
    assert!(text.lines().zip(clean.lines()).all(|(was, is)| blanked(is) == was || was == secret));
    let packed = gzip::compress(&text.as_bytes().iter().map(|b| b ^ 1).collect::<Vec<_>>());
    let mut same = Vec::new();
    assert!(!cleaner().copy("a", "", &packed[..], &mut same).unwrap());
    assert_eq!(same, packed);
    let cleaner = cleaner();
    cleaner.body("a", JSON, secret.as_bytes());
    let mut scanner = crate::Scanner::new(&cleaner, io::sink());
    io::copy(&mut text.as_bytes(), &mut scanner).unwrap();
    let (_, findings) = scanner.finish();
    assert_eq!(findings.len(), count);
    assert!(findings.iter().all(|one| text[one.at.clone()] == *"s3cr3t-in-a-stream-1"));
}

#[test]
fn what_would_be_taken_out_is_named() {
    let cleaner = cleaner();
    let check = |found: Vec<Finding>, expect: &[(&str, Range<usize>)]| {
        let found: Vec<_> = found.into_iter().map(|one| (one.rule, one.at)).collect();
        assert_eq!(found, expect);
    };
    check(cleaner.in_url("https://a/x?n=1&api_key=kP3zQ9x"), &[("secret-name", 24..31)]);
    check(cleaner.in_url("https://a/x?n=1"), &[]);
    check(cleaner.in_header("a", "authorization", b"Bearer kP3zQ9x"), &[("secret-name", 7..14)]);
    check(cleaner.in_body("a", JSON, br#"{"to":"kim@example.org"}"#), &[("email", 7..22)]);
    let clean = cleaner.body("a", JSON, br#"{"to":"kim@example.org"}"#);
    check(cleaner.in_body("a", JSON, &clean), &[]);
}
