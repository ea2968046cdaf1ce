//! HTTP Archive 1.2. What begins with an underscore is an addition of ours, as its specification
//! has it: <http://www.softwareishard.com/blog/har-12-spec/>.

use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{CREATOR, base64, in_memory, pairs};
use crate::canonical::{Address, pairs as query_pairs};
use crate::cassette::Recorded;
use crate::message::{Headers, Request, Response};
use crate::{Error, Result};

/// What stands for the time of recording, which a cassette does not keep.
const NO_TIME: &str = "1970-01-01T00:00:00.000Z";

#[derive(Serialize)]
struct Har<'r> {
    log: Log<'r>,
}

#[derive(Serialize)]
struct Log<'r> {
    creator: Value,
    entries: Entries<'r>,
    version: &'static str,
}

/// Each is made when it is written: all of them at once would take several times their length.
struct Entries<'r>(&'r [Recorded]);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(Some(self.0.len()))?;
        for one in self.0 {
            all.serialize_element(&entry(one).map_err(S::Error::custom)?)?;
        }
        all.end()
    }
}

/// The recordings as one HAR file.
pub fn to_har(recorded: &[Recorded]) -> Result<Vec<u8>> {
    let creator = json!({"name": CREATOR, "version": env!("CARGO_PKG_VERSION")});
    let log = Log { creator, entries: Entries(recorded), version: "1.2" };
    let mut text = serde_json::to_vec_pretty(&Har { log })
        .map_err(|error| Error::new(format!("writing a HAR file: {error}")))?;
    text.push(b'\n');
    Ok(text)
}

fn entry(one: &Recorded) -> Result<Value> {
    let response = &one.interaction.response;
    let wait = response.timing.as_ref().map_or(0, |timing| timing.head_ms);
    let chunks = response.timing.iter().flat_map(|timing| &timing.chunks);
    let chunks: Vec<Value> = chunks.map(|(at, length)| json!([at, length])).collect();
    let received = response.timing.iter().filter_map(|timing| timing.chunks.last());
    let receive = received.map(|(at, _)| at).sum::<u64>();
    let mut entry = json!({
        "startedDateTime": NO_TIME,
        "time": wait + receive,
        "request": asked(&one.interaction.request)?,
        "response": answered(response)?,
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": receive},
        "_order": one.order,
    });
    let members = entry.as_object_mut().expect("it was just made one");
    if response.timing.is_none() {
        members.insert("_untimed".to_owned(), true.into());
    }
    if !chunks.is_empty() {
        members.insert("_chunks".to_owned(), chunks.into());
    }
    Ok(entry)
}

fn asked(request: &Request) -> Result<Value> {
    let query = query_pairs(Address::of(&request.url).query.unwrap_or_default());
    let query: Vec<Value> =
        query.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut asked = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&request.headers),
        "queryString": query,
        "headersSize": -1,
        "bodySize": request.body.len(),
    });
    let body = in_memory(&request.body)?;
    if !body.is_empty() {
        let mut data = text(body);
        data.insert("mimeType".to_owned(), media_type(&request.headers).into());
        asked
            .as_object_mut()
            .expect("it was just made one")
            .insert("postData".to_owned(), data.into());
    }
    Ok(asked)
}

fn answered(response: &Response) -> Result<Value> {
    let body = in_memory(&response.body)?;
    let mut content = text(body);
    content.insert("size".to_owned(), body.len().into());
    content.insert("mimeType".to_owned(), media_type(&response.headers).into());
    let mut sent = body.len();
    if let Some(encoded) = &response.encoded {
        let encoded = in_memory(encoded)?;
        sent = encoded.len();
        content.insert("_encoded".to_owned(), base64(encoded).into());
    }
    let status = http::StatusCode::from_u16(response.status).ok();
    let mut answered = json!({
        "status": response.status,
        "statusText": status.and_then(|status| status.canonical_reason()).unwrap_or_default(),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&response.headers),
        "content": content,
        "redirectURL": response.headers.text("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": sent,
    });
    if !response.trailers.is_empty() {
        let members = answered.as_object_mut().expect("it was just made one");
        members.insert("_trailers".to_owned(), pairs(&response.trailers).into());
    }
    Ok(answered)
}

fn headers(headers: &Headers) -> Vec<Value> {
    let one = |(name, value): (&str, &[u8])| match std::str::from_utf8(value) {
        Ok(text) => json!({"name": name, "value": text}),
        Err(_) => json!({
            "name": name,
            "value": String::from_utf8_lossy(value),
            "_base64": base64(value),
        }),
    };
    headers.iter().map(one).collect()
}

fn text(body: &[u8]) -> Map<String, Value> {
    let mut map = Map::new();
    match std::str::from_utf8(body) {
        Ok(text) => {
            map.insert("text".to_owned(), text.into());
        }
        Err(_) => {
            map.insert("text".to_owned(), base64(body).into());
            map.insert("encoding".to_owned(), "base64".into());
        }
    }
    map
}

fn media_type(headers: &Headers) -> String {
    headers.text("content-type").unwrap_or_default().to_owned()
}
