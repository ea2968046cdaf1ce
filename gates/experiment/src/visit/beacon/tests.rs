use recorder::{Content, Headers};

use super::*;

fn reads(beacons: &Beacons, method: &str, url: &str, body: &[u8]) -> Vec<String> {
    let request = Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Headers::new(),
        body: Content::from(body.to_vec()),
    };
    let shown = |one: Event| {
        let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!("{} of {} in {} of {}", one.name, or(one.id), or(one.arm), or(one.experiment))
    };
    Reader::new(beacons).events(&request).into_iter().map(shown).collect()
}

fn check(profile: Profile, url: &str, body: &str, expect: &[&str]) {
    let beacons = Beacons { profile, ..Beacons::default() };
    assert_eq!(reads(&beacons, "POST", url, body.as_bytes()), expect, "{profile:?} {url} {body}");
}

#[test]
fn google_analytics() {
    let url = "https://www.google-analytics.com/g/collect?v=2&tid=G-1&cid=55.66&en=page_view";
    check(Profile::Ga4, url, "", &["page_view of 55.66 in - of -"]);
    let url = "https://www.google-analytics.com/g/collect?v=2&tid=G-1&cid=55.66&uid=kim";
    let body = "en=experiment_viewed&ep.experiment_id=hero&epn.variation_id=1&_et=3\r\nen=scroll";
    let expect = ["experiment_viewed of kim in 1 of hero", "scroll of kim in - of -"];
    check(Profile::Ga4, url, body, &expect);
    let body = r#"{"client_id":"c.1","events":[{"name":"experiment_viewed",
        "params":{"experiment_id":"hero","variation_id":"b"}}]}"#;
    let expect = ["experiment_viewed of c.1 in b of hero"];
    check(Profile::Ga4, "https://www.google-analytics.com/mp/collect?api_secret=x", body, &expect);
    check(Profile::Ga4, "https://a.test/collect?en=page_view", "", &[]);
}

#[test]
fn segment() {
    let one = r#"{"type":"track","event":"Experiment Viewed","userId":null,"anonymousId":"a1",
        "properties":{"experiment_id":"hero","variation_id":"new"}}"#;
    let expect = ["Experiment Viewed of a1 in new of hero"];
    check(Profile::Segment, "https://api.segment.io/v1/t", one, &expect);
    check(
        Profile::Segment,
        "https://own.test/x/v1/batch",
        &format!("{{\"batch\":[{one}]}}"),
        &expect,
    );
    let page = r#"{"type":"page","anonymousId":"a1","properties":{}}"#;
    check(Profile::Segment, "https://api.segment.io/v1/p", page, &["page of a1 in - of -"]);
    check(Profile::Segment, "https://api.segment.io/v1/projects/x/settings", one, &[]);
}

#[test]
fn growthbook() {
    let body = r#"[{"event_name":"Experiment Viewed","device_id":"d","user_id":null,
        "properties_json":{"experimentId":"hero","variationId":"1","hashAttribute":"id","hashValue":"kim"}},
        {"event_name":"signup","user_id":"kim","properties_json":"{}"}]"#;
    let expect = ["Experiment Viewed of kim in 1 of hero", "signup of kim in - of -"];
    check(Profile::Growthbook, "https://us-east-1.gb-ingest.com/track?client_key=k", body, &expect);
}

#[test]
fn posthog() {
    let one = r#"{"event":"$feature_flag_called","properties":{"distinct_id":"kim",
        "$feature_flag":"hero","$feature_flag_response":"test"}}"#;
    let expect = ["$feature_flag_called of kim in test of hero"];
    let url = "https://us.i.posthog.com/e/?compression=gzip-js";
    check(Profile::Posthog, url, &format!("[{one}]"), &expect);
    check(
        Profile::Posthog,
        "https://us.i.posthog.com/batch/",
        &format!("{{\"batch\":[{one}]}}"),
        &expect,
    );
    let coded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, one);
    let form =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("data", &coded).finish();
    check(Profile::Posthog, "https://own.test/ingest/e/", &form, &expect);
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zipped, one.as_bytes()).unwrap();
    let beacons = Beacons { profile: Profile::Posthog, ..Beacons::default() };
    assert_eq!(reads(&beacons, "POST", url, &zipped.finish().unwrap()), expect);
    assert_eq!(reads(&beacons, "OPTIONS", url, one.as_bytes()), Vec::<String>::new());
}

#[test]
fn ones_own() {
    let collect = "https://a.test/collect";
    let one = r#"{"event":"exposure","user_id":7,"arm":"control"}"#;
    check(Profile::Generic, collect, one, &["exposure of 7 in control of -"]);
    check(
        Profile::Generic,
        collect,
        &format!("[{one},{{\"n\":1}}]"),
        &["exposure of 7 in control of -"],
    );
    check(Profile::Generic, collect, "event=signup&user_id=kim", &["signup of kim in - of -"]);
    check(
        Profile::Generic,
        "https://a.test/p.gif?event=signup&arm=b",
        "",
        &["signup of - in b of -"],
    );
    check(Profile::Generic, collect, "no beacon at all", &[]);
    check(Profile::Generic, collect, "{\"event\":", &[]);
    let named = Beacons {
        path: Some("/collect".to_owned()),
        event: Some("what.name".to_owned()),
        unit: Some("who".to_owned()),
        arm: Some("what.arm".to_owned()),
        ..Beacons::default()
    };
    let body = br#"{"what":{"name":"seen","arm":"b"},"who":"kim"}"#;
    assert_eq!(reads(&named, "POST", collect, body), ["seen of kim in b of -"]);
    assert_eq!(reads(&named, "POST", "https://a.test/other", body), Vec::<String>::new());
}
