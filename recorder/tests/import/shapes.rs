//! Shapes that no tool could be made to write here: older versions, other serializers, damage.

use recorder::{Interaction, import};

/// A short form of an interaction: `METHOD URL body -> status body`, bodies as text where they are.
fn short(one: &Interaction) -> String {
    let text = |bytes: &[u8]| {
        std::str::from_utf8(bytes).map_or_else(|_| format!("{bytes:?}"), str::to_owned)
    };
    let (request, response) = (&one.request, &one.response);
    format!(
        "{} {} {} -> {} {}",
        request.method,
        request.url,
        text(request.body.bytes().unwrap()),
        response.status,
        text(response.body.bytes().unwrap())
    )
}

fn check(text: &str, format: &str, expect: &[&str]) {
    let imported = import::read_bytes(text.as_bytes(), None).unwrap_or_else(|error| {
        panic!("{error} in\n{text}");
    });
    assert_eq!(imported.format.name(), format, "{text}");
    let found: Vec<String> = imported.recorded.iter().map(|one| short(&one.interaction)).collect();
    assert_eq!(found, expect, "{text}");
}

/// A cassette of vcrpy around the body of a response.
fn vcrpy(body: &str) -> String {
    format!(
        "interactions:\n- request:\n    body: null\n    headers: {{}}\n    method: GET\n    uri: http://a/x\n  response:\n    {body}\n    headers: {{}}\n    status: {{code: 200, message: OK}}\nversion: 1\n"
    )
}

#[test]
fn bodies_of_python() {
    let check = |body: &str, expect: &str| {
        check(&vcrpy(body), "vcrpy", &[&format!("GET http://a/x  -> 200 {expect}")]);
    };
    check("body: {string: plain}", "plain");
    check("body: {string: ''}", "");
    check("body: {string: null}", "");
    check("body: {string: 'grüße'}", "grüße");
    check("body: {string: \"a\\r\\nb\"}", "a\r\nb");
    check("body: {string: !!binary aGk=}", "hi");
    check("body: {string: !!binary \"aG\\n k=\"}", "hi");
    check("body: {string: !!binary /wA=}", "[255, 0]");
    check("body: {string: !!python/unicode 'u'}", "u");
    check("body: {string: !!python/str 's'}", "s");
    check("body: {string: !!python/tuple [a, b]}", "ab");
    check("body: {string: 200}", "200");
    check("body: {string: yes}", "yes");
    check("body: !!python/unicode 'bare'", "bare");
    check("body: {base64_string: aGk=}", "hi");
    check("body: {parsed_body: {a: [1, null]}}", r#"{"a":[1,null]}"#);
    check("body: {string: text, parsed_body: {a: 1}}", "text");
    check("body: {string: {a: true}}", r#"{"a":true}"#);
    check("content: 'of httpx'", "of httpx");
    check(
        "body: {string: !!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary aGk=, 0, null]}}",
        "hi",
    );
    check(
        "body: !!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary aGk=, 2, null]}",
        "hi",
    );
    check(
        "body: {string: !!python/object/new:io.StringIO {state: !!python/tuple [text, \"\\n\", 0, null]}}",
        "text",
    );
    check(
        "body: {string: !!python/object/apply:builtins.iter [[!!binary aGk=, !!binary IQ==]]}",
        "hi!",
    );
    check(
        "body: {string: !!python/object/apply:builtins.iter {args: [!!binary aGk=], state: 1}}",
        "i",
    );
    check("body: {string: !!python/object/apply:builtins.bytearray [!!binary aGk=]}", "hi");
    check("body: {string: !!python/object/apply:__builtin__.bytes [hi]}", "hi");
}

#[test]
fn objects_of_python_are_not_made() {
    let body = "body: {string: !!python/object/apply:os.system ['touch /nowhere']}";
    let error = import::read_bytes(vcrpy(body).as_bytes(), None).unwrap_err();
    assert!(error.to_string().contains("os.system, whose bytes are not known"), "{error}");
    assert!(error.advice().is_some());
}

#[test]
fn cassettes_of_python_before_version_1() {
    check(
        "- request: !!python/object:vcr.request.Request\n    body: null\n    headers: !!python/object/apply:__builtin__.frozenset\n    - - !!python/tuple [Accept, '*/*']\n    host: a.example\n    method: GET\n    path: /x?y=1\n    port: 80\n    protocol: http\n  response:\n    body: {string: !!python/unicode 'old'}\n    headers: {content-length: ['3']}\n    status: {code: 200, message: OK}\n",
        "vcrpy",
        &["GET http://a.example/x?y=1  -> 200 old"],
    );
    check(
        "- request: {body: a=1, host: a, method: post, path: /x, port: 8443, protocol: https, headers: []}\n  response: {body: {string: ok}, headers: ['A: b'], status: {code: 201}}\n",
        "vcrpy",
        &["POST https://a:8443/x a=1 -> 201 ok"],
    );
    check(
        r#"[{"request":{"method":"GET","uri":"http://a/","body":null,"headers":{}},"response":{"status":{"code":200,"message":"OK"},"headers":{},"body":{"string":"x"}}}]"#,
        "vcrpy",
        &["GET http://a/  -> 200 x"],
    );
    check("{interactions: [], version: 1}", "vcrpy", &[]);
}

#[test]
fn yaml_in_all_its_ways() {
    let two = "GET http://a/x  -> 200 one";
    check(
        "x: &r {method: GET, uri: 'http://a/x', headers: {}, body: null}\nb: &b {status: {code: 200}, headers: {}, body: {string: one}}\ninteractions:\n- {request: *r, response: *b}\n- request: {<<: *r, method: PUT}\n  response: {<<: *b, status: {code: 204}}\nversion: 1\n",
        "vcrpy",
        &[two, "PUT http://a/x  -> 204 one"],
    );
    check(
        "interactions:\n- request: {method: GET, method: DELETE, uri: http://a/x}\n  response: {status: {code: 500, code: 200}, body: {string: one}}\nversion: 1\n",
        "vcrpy",
        &["DELETE http://a/x  -> 200 one"],
    );
    check(
        &format!("\u{feff}---\r\n{}", vcrpy("body: {string: one}").replace('\n', "\r\n")),
        "vcrpy",
        &[two],
    );
    check(
        &format!("# a comment\n%YAML 1.1\n---\n{}...\n", vcrpy("body: {string: one}")),
        "vcrpy",
        &[two],
    );
}

#[test]
fn other_widths_of_letters() {
    let text = vcrpy("body: {string: grün}");
    for (mark, bytes) in [
        ([0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ([0xfe, 0xff], text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        let imported = import::read_bytes(&[&mark[..], &bytes].concat(), None).unwrap();
        assert_eq!(short(&imported.recorded[0].interaction), "GET http://a/x  -> 200 grün");
    }
}

/// A cassette of Ruby around the body of a response.
fn ruby(body: &str) -> String {
    format!(
        "---\nhttp_interactions:\n- request:\n    method: get\n    uri: http://a/x\n    body:\n      encoding: US-ASCII\n      string: ''\n    headers: {{}}\n  response:\n    status:\n      code: 200\n      message: OK\n    headers: {{}}\n    body: {body}\n    http_version: '1.1'\n  recorded_at: Tue, 01 Nov 2011 04:58:44 GMT\nrecorded_with: VCR 6.4.0\n"
    )
}

#[test]
fn bodies_of_ruby() {
    let check = |body: &str, expect: &str| {
        check(&ruby(body), "vcr", &[&format!("GET http://a/x  -> 200 {expect}")]);
    };
    check("{encoding: UTF-8, string: 'grüße'}", "grüße");
    check("{encoding: ISO-8859-1, string: 'é'}", "[233]");
    check("{encoding: Windows-1252, string: '€'}", "[128]");
    check("{encoding: Shift_JIS, string: 'あ'}", "[130, 160]");
    check("{encoding: UTF-16LE, string: 'é'}", "[233, 0]");
    check("{encoding: ASCII-8BIT, string: !binary '/wA='}", "[255, 0]");
    check("{encoding: ASCII-8BIT, string: !!binary '/wA='}", "[255, 0]");
    check("{encoding: ASCII-8BIT, string: !binary \"|-\\n  aGk=\"}", "|-\n  aGk=");
    check("{encoding: UTF-8, base64_string: \"aGk=\\n\"}", "hi");
    check("{encoding: UTF-8, string: !ruby/string:Wrapped {str: inner, '@x': 1}}", "inner");
    check("{encoding: UTF-8, string: !str {str: inner, '@x': 1}}", "inner");
    check("bare", "bare");
    check("null", "");
    check("{encoding: UTF-8, string: null}", "");
    check("{encoding: UTF-8, string: null, parsed_body: {a: 1}}", r#"{"a":1}"#);
}

#[test]
fn cassettes_of_ruby_from_its_first_version() {
    check(
        "---\n- !ruby/struct:VCR::HTTPInteraction\n  request: !ruby/struct:VCR::Request\n    method: :get\n    uri: http://a:80/x\n    body:\n    headers: {}\n  response: !ruby/struct:VCR::Response\n    status: !ruby/struct:VCR::ResponseStatus\n      code: 200\n      message: OK\n    headers:\n      content-type:\n      - text/html\n    body: hi\n    http_version: '1.1'\n",
        "vcr",
        &["GET http://a:80/x  -> 200 hi"],
    );
}

#[test]
fn cassettes_of_rust() {
    let cassette = |body: &str| {
        format!(
            r#"{{"http_interactions":[{{"request":{{"uri":"http://a/x","body":{{"string":"q","encoding":null}},"method":"post","headers":{{"accept":["*/*"]}}}},"response":{{"body":{body},"http_version":"1.1","status":{{"code":200,"message":"OK"}},"headers":{{"x":["1","2"]}}}},"recorded_at":"Tue, 01 Nov 2011 04:58:44 GMT"}}],"recorded_with":"rVCR 0.2.0"}}"#
        )
    };
    let check = |body: &str, expect: &str| {
        check(&cassette(body), "vcr-cassette", &[&format!("POST http://a/x q -> 200 {expect}")]);
    };
    check(r#"{"string":"aGk=","encoding":"base64"}"#, "hi");
    check(r#"{"string":"aGk=","encoding":null}"#, "aGk=");
    check(r#"{"string":"base64","encoding":"base64"}"#, "base64");
    check(r#"{"string":"base64","encoding":null}"#, "base64");
    check(r#"{"encoding":"base64","string":"/wA="}"#, "[255, 0]");
    check(r#""bare""#, "bare");
    check(r#"{"string":"a","string":"b"}"#, "b");
    let odd = cassette(r#"{"string":"no base64!","encoding":"base64"}"#);
    let imported = import::read_bytes(odd.as_bytes(), None).unwrap();
    let expect = "interaction 1, body of the response: it says base64 and is none; it was taken as \
                  it stands";
    assert_eq!(imported.warnings, [expect]);
}

#[test]
fn cassettes_of_go() {
    check(
        "---\nversion: 1\ninteractions:\n- request:\n    body: \"\"\n    form: {}\n    headers:\n      Accept:\n      - '*/*'\n    url: http://a/x?y=1\n    method: GET\n  response:\n    body: one\n    headers: {}\n    status: 200 OK\n    code: 200\n    duration: \"\"\n",
        "go-vcr",
        &["GET http://a/x?y=1  -> 200 one"],
    );
    check(
        "version: 1\ninteractions:\n- request: {body: '', form: {b: ['x y', 'é'], a: ['1']}, headers: {}, url: 'http://a/x', method: POST}\n  response: {body: !!binary /wA=, headers: {}, status: 200 OK, code: 200, duration: 12ms}\n",
        "go-vcr",
        &["POST http://a/x b=x%20y&b=%C3%A9&a=1 -> 200 [255, 0]"],
    );
    check(
        "version: 2\ninteractions:\n- id: 0\n  request: {proto: HTTP/1.1, proto_major: 1, content_length: 2, host: a, remote_addr: '', request_uri: '', body: hi, form: {}, headers: {}, url: 'https://a/x', method: PUT}\n  response: {proto: HTTP/2.0, transfer_encoding: [], trailer: {T: [end]}, content_length: -1, uncompressed: true, body: 'ok', headers: {Content-Encoding: [gzip]}, status: 202 Accepted, code: 202, duration: 1.5s}\n",
        "go-vcr",
        &["PUT https://a/x hi -> 202 ok"],
    );
    check(
        "version: 2\ninteractions:\n- id: 0\n  request: {host: 'a:81', url: /x, method: GET, headers: {}, body: ''}\n  response: {body: '', headers: {}, status: 404 Not Found, code: 0}\n",
        "go-vcr",
        &["GET http://a:81/x  -> 404 "],
    );
    check("version: 2\ninteractions: []\n", "go-vcr", &[]);
    let timed = "version: 2\ninteractions:\n- request: {url: 'http://a/', method: GET}\n  response: {code: 200, duration: 1.5s, trailer: {T: [end]}}\n";
    let imported = import::read_bytes(timed.as_bytes(), None).unwrap();
    let response = &imported.recorded[0].interaction.response;
    assert_eq!(response.timing.as_ref().unwrap().head_ms, 1500);
    assert_eq!(response.trailers.text("t"), Some("end"));
}

/// An entry of a HAR file.
fn har(entry: &str) -> String {
    format!(
        r#"{{"log":{{"version":"1.2","creator":{{"name":"x","version":"1"}},"entries":[{entry}]}}}}"#
    )
}

#[test]
fn archives_of_browsers() {
    let asked = r#""request":{"method":"GET","url":"https://a/x","headers":[]}"#;
    let with = |content: &str| {
        har(&format!(
            r#"{{{asked},"response":{{"status":200,"headers":[{{"name":"Content-Encoding","value":"gzip"}}],"content":{content}}}}}"#
        ))
    };
    let is = |content: &str, expect: &str| {
        check(&with(content), "har", &[&format!("GET https://a/x  -> 200 {expect}")]);
    };
    is(r#"{"size":2,"mimeType":"x","text":"hi"}"#, "hi");
    is(r#"{"text":"/wA=","encoding":"base64"}"#, "[255, 0]");
    is(r#"{"size":0}"#, "");
    is(r#"{"mimeType":"text/plain; charset=\"ISO-8859-1\"","text":"é"}"#, "[233]");
    is(r#"{"mimeType":"text/plain; charset=iso-8859-1","text":"あ"}"#, "あ");
    is(r#"{"mimeType":"text/plain; Charset=utf-8","text":"é"}"#, "é");
    is(r#"{"text":"H4s=","encoding":"base64"}"#, "[31, 139]");
    let posted = |data: &str| {
        let entry = format!(
            r#"{{"request":{{"method":"POST","url":"https://a/x","postData":{data}}},"response":{{"status":200}}}}"#
        );
        har(&entry)
    };
    let sends = |data: &str, expect: &str| {
        check(&posted(data), "har", &[&format!("POST https://a/x {expect} -> 200 ")]);
    };
    sends(r#"{"mimeType":"text/plain","text":"hi"}"#, "hi");
    sends(r#"{"text":"aGk=","encoding":"base64"}"#, "hi");
    sends(
        r#"{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a","value":"x y"},{"name":"b","value":"%C3%A9"}]}"#,
        "a=x+y&b=%C3%A9",
    );
}

#[test]
fn what_an_archive_leaves_out_is_said() {
    let warned = |entry: &str, expect: &str| {
        let imported = import::read_bytes(har(entry).as_bytes(), None).unwrap();
        assert_eq!(imported.warnings.len(), 1, "{:?}", imported.warnings);
        assert!(imported.warnings[0].contains(expect), "{:?}", imported.warnings);
    };
    let asked = r#""request":{"method":"GET","url":"https://a/x"}"#;
    warned(
        &format!(r#"{{{asked},"response":{{"status":0}}}}"#),
        "entry 1 (GET https://a/x) has no answer",
    );
    warned(&format!(r#"{{{asked},"response":{{"status":-1}}}}"#), "has no answer");
    warned(
        r#"{"request":{"method":"GET","url":"wss://a/x"},"response":{"status":101}}"#,
        "is a WebSocket",
    );
    warned(
        r#"{"request":{"method":"GET","url":"data:,x"},"response":{"status":200}}"#,
        "went to no server",
    );
    warned(
        &format!(r#"{{{asked},"response":{{"status":200,"content":{{"size":9}}}}}}"#),
        "is not in the file",
    );
    let multipart = r#"{"request":{"method":"POST","url":"https://a/x","postData":{"mimeType":"multipart/form-data","params":[{"name":"a"}]}},"response":{"status":200}}"#;
    warned(multipart, "only known as a list");
}

#[test]
fn headers_of_browsers() {
    let entry = r#"{"request":{"method":"GET","url":"https://a/x","headers":[{"name":":authority","value":"a"},{"name":"Accept","value":"*/*"}]},"response":{"status":200,"headers":[{"name":"Set-Cookie","value":"a=1\nb=2"}]},"time":12.6,"timings":{"wait":7.5}}"#;
    let imported = import::read_bytes(har(entry).as_bytes(), None).unwrap();
    let Interaction { request, response } = &imported.recorded[0].interaction;
    assert_eq!(request.headers.len(), 1);
    assert_eq!(request.headers.text("accept"), Some("*/*"));
    let cookies: Vec<&[u8]> = response.headers.all("set-cookie").collect();
    assert_eq!(cookies, [b"a=1", b"b=2"]);
    assert_eq!(response.timing.as_ref().unwrap().head_ms, 8);
}

#[test]
fn earlier_polly_kept_chunks_in_hexadecimal() {
    let text = r#"{"log":{"_recordingName":"x","creator":{"name":"Polly.JS"},"entries":[{"request":{"method":"GET","url":"http://a/x"},"response":{"status":200,"headers":[{"name":"content-encoding","value":"gzip","_fromType":"array"}],"content":{"text":"[\"1f8b08000000000000ff\",\"cbc804\",\"00ac2a93d802000000\"]"}}}]}}"#;
    check(text, "har", &["GET http://a/x  -> 200 hi"]);
}

#[test]
fn what_is_no_recording_is_refused() {
    let check = |bytes: &[u8], expect: &str| {
        let error = import::read_bytes(bytes, None).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(b"", "it is empty");
    check(b"  \n", "it is empty");
    check(b"hello", "no recording of a known format");
    check(b"{\"a\": 1}", "no recording of a known format");
    check(b"[]", "no recording of a known format");
    check(b"null", "no recording of a known format");
    check(b"PK\x03\x04....", "zip archive");
    check(b"\x89PNG\r\n", "no text");
    check(b"x\x9c\x00\x00damaged\xff", "compressed and damaged");
    let whole = vcrpy("body: {string: 'x'}");
    check(
        &whole.as_bytes()[..whole.len() - 60],
        "interaction 1: a response has nothing for its status",
    );
    let har = har(r#"{"request":{"method":"GET"},"response":{"status":200}}"#);
    check(har.as_bytes(), "interaction 1: a request has no url");
    check(&har.as_bytes()[..har.len() - 9], "no whole JSON");
    check(b"interactions: [{request: {uri: 'http://a/'}}]", "a request has no method");
    check(b"log: {entries: [}", "no whole YAML");
}
