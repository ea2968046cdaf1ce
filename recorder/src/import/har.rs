//! HTTP Archive 1.2, as browsers, Playwright and Polly.js write it.
//!
//! Bodies stand in it with their content codings taken off, except in Polly.js, which keeps the
//! coded bytes as a list of chunks. Fields that begin with an underscore are additions: those of
//! ours make a file that was exported here say all that was known.

use std::path::Path;

use super::node::decode_base64;
use super::{Format, Imported, Node, Reading, at, body, files, wanted};
use crate::export::CREATOR;
use crate::message::{Content, Headers, Interaction, Response, Timing};
use crate::{Error, Result};

pub(super) fn read(tree: &Node, beside: Option<&Path>) -> Result<Imported> {
    let log = tree.get("log");
    let source = Source {
        is_ours: log.get("creator").get("name").text() == Some(CREATOR),
        is_polly: log.has("_recordingName")
            || log.get("creator").get("name").text() == Some("Polly.JS"),
    };
    let mut reading = Reading::new(Format::Har, beside);
    let mut orders = Vec::new();
    for (place, entry) in log.get("entries").list().iter().enumerate() {
        if let Some(why) = unfit(entry) {
            reading.warn(format!("entry {} ({}) {why}: left out", place + 1, named(entry)));
            continue;
        }
        let interaction = source.interaction(entry, place, &mut reading).map_err(at(place))?;
        orders.push(entry.get("_order").number());
        reading.add(interaction);
    }
    let recorded = &mut reading.imported.recorded;
    if source.is_ours {
        for (one, order) in recorded.iter_mut().zip(&orders) {
            one.order = order.unwrap_or(one.order);
        }
    }
    Ok(reading.imported)
}

fn named(entry: &Node) -> String {
    let text = |name: &str| entry.get("request").get(name).text().unwrap_or("?").to_owned();
    format!("{} {}", text("method"), text("url"))
}

/// Why an entry is no interaction.
fn unfit(entry: &Node) -> Option<&'static str> {
    let code = entry.get("response").get("status");
    let is_status = code.number().is_some_and(|number| (100..=999).contains(&number));
    let url = entry.get("request").get("url").text().unwrap_or_default();
    let is_http = !url.contains(':') || url.starts_with("http://") || url.starts_with("https://");
    if url.starts_with("ws://") || url.starts_with("wss://") || code.number() == Some(101) {
        Some("is a WebSocket, which is not recorded")
    } else if !is_http {
        Some("went to no server")
    } else if !is_status {
        Some("has no answer")
    } else {
        None
    }
}

/// Whose file it is.
struct Source {
    is_ours: bool,
    is_polly: bool,
}

impl Source {
    fn interaction(
        &self,
        entry: &Node,
        place: usize,
        reading: &mut Reading,
    ) -> Result<Interaction> {
        let (asked, answered) = (entry.get("request"), entry.get("response"));
        let mut warning = None;
        let sent = posted(asked.get("postData"), reading, &mut warning)?;
        if let Some(text) = warning {
            reading.warn(format!("entry {} ({}): {text}", place + 1, named(entry)));
        }
        let (method, url) = (wanted(asked, "method")?, wanted(asked, "url")?);
        let mut request = body::request(method, url, self.headers(asked), Vec::new());
        request.body = sent.into();
        let headers = self.headers(answered);
        let status = super::status(answered.get("status"))?;
        let (content, bodies) = self.content(answered.get("content"), &headers, reading)?;
        let has_body = request.method != "HEAD" && !matches!(status, 204 | 304);
        if has_body
            && content.is_none()
            && answered.get("content").get("size").number().unwrap_or(0) > 0
        {
            let text = "the body of the answer is not in the file";
            reading.warn(format!("entry {} ({}): {text}", place + 1, named(entry)));
        }
        let mut response = body::response(status, headers, content.unwrap_or_default(), bodies);
        response.timing = timing(entry);
        if self.is_ours {
            additions(answered, &mut response);
        }
        Ok(Interaction { request, response })
    }

    fn headers(&self, message: &Node) -> Headers {
        let mut headers = Headers::new();
        for one in message.get("headers").list() {
            let name = one.get("name").text().unwrap_or_default();
            let value = one.get("value");
            if self.is_ours {
                let coded = one.get("_base64").text().and_then(decode_base64);
                let plain = value.text().unwrap_or_default().as_bytes().to_vec();
                headers.add(name, coded.unwrap_or(plain));
                continue;
            }
            // Chromium joins the values of a repeated header with line breaks.
            for line in value.text().unwrap_or_default().split('\n') {
                body::add(&mut headers, name, &Node::Text(line.to_owned()));
            }
        }
        headers
    }

    /// The bytes of a text. The standard has it in Unicode, whatever character set it was sent in.
    fn letters(&self, text: &str, content: &Node, headers: &Headers) -> Vec<u8> {
        let is_as_sent = self.is_ours || self.is_polly || text.is_ascii();
        let media_type = headers.text("content-type").or(content.get("mimeType").text());
        let charset = media_type.and_then(charset).filter(|_| !is_as_sent);
        // Where the letters are not in the set, it was not what the header says.
        let bytes = charset.and_then(|charset| body::in_charset(text, charset));
        bytes.unwrap_or_else(|| text.as_bytes().to_vec())
    }

    fn content(
        &self,
        content: &Node,
        headers: &Headers,
        reading: &Reading,
    ) -> Result<(Option<Vec<u8>>, body::Bodies)> {
        let file = file(content);
        let text = content.get("text").text().filter(|text| file.is_none() || !text.is_empty());
        let is_base64 = content.get("encoding").text() == Some("base64");
        let bytes = match (text, file) {
            (Some(text), _) => {
                if self.is_polly
                    && headers.text("content-encoding").is_some()
                    && let Some(bytes) = chunks(text)
                {
                    return Ok((Some(bytes), body::Bodies::Unsaid));
                }
                let wrong = || Error::new("a body says base64 and is none");
                Some(if is_base64 {
                    decode_base64(text).ok_or_else(wrong)?
                } else {
                    self.letters(text, content, headers)
                })
            }
            (None, Some(name)) => Some(files::beside(reading.beside.as_deref(), name)?),
            (None, None) => None,
        };
        Ok((bytes, body::Bodies::Decoded))
    }
}

/// The character set that a media type names.
fn charset(media_type: &str) -> Option<&str> {
    let parameters = media_type.split(';').skip(1).filter_map(|part| part.split_once('='));
    let mut named = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    named.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// The coded bytes as Polly.js keeps them: a list of chunks in base64, or hexadecimal in earlier
/// versions, written as JSON.
fn chunks(text: &str) -> Option<Vec<u8>> {
    let list: Vec<String> = serde_json::from_str(text).ok()?;
    let is_hex = list.iter().all(|chunk| {
        chunk.len().is_multiple_of(2) && chunk.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let decoded = list.iter().map(|chunk| if is_hex { hex(chunk) } else { decode_base64(chunk) });
    Some(decoded.collect::<Option<Vec<_>>>()?.concat())
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |place: usize| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// The file that a body lies in: Playwright's name for it, or what its traces have.
fn file(content: &Node) -> Option<&str> {
    ["_file", "_sha1"].into_iter().find_map(|name| content.get(name).text())
}

fn posted(data: &Node, reading: &Reading, warning: &mut Option<&str>) -> Result<Vec<u8>> {
    if let Some(name) = file(data) {
        return files::beside(reading.beside.as_deref(), name);
    }
    if let Some(text) = data.get("text").text() {
        let is_base64 = [data.get("encoding"), data.get("_encoding")]
            .into_iter()
            .any(|encoding| encoding.text() == Some("base64"));
        let decoded = is_base64.then(|| decode_base64(text)).flatten();
        return Ok(decoded.unwrap_or_else(|| text.as_bytes().to_vec()));
    }
    let params = data.get("params").list();
    let media_type = data.get("mimeType").text().unwrap_or_default();
    if params.is_empty() {
        return Ok(Vec::new());
    }
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        *warning = Some("the body of the request is only known as a list of its fields");
        return Ok(Vec::new());
    }
    // Browsers give the fields as they went over the wire.
    let pair = |one: &Node| {
        let text = |name: &str| one.get(name).text().unwrap_or_default().replace(' ', "+");
        format!("{}={}", text("name"), text("value"))
    };
    Ok(params.iter().map(pair).collect::<Vec<_>>().join("&").into_bytes())
}

fn timing(entry: &Node) -> Option<Timing> {
    let wait = entry.get("timings").get("wait").number().or_else(|| entry.get("time").number())?;
    let chunks = entry.get("_chunks").list().iter().filter_map(|chunk| {
        let [at, length] = chunk.list() else { return None };
        Some((at.number()?, length.number()?))
    });
    let chunks = chunks.collect();
    (!entry.has("_untimed")).then_some(Timing { head_ms: wait, chunks })
}

/// What HAR has no place for.
fn additions(answered: &Node, response: &mut Response) {
    response.trailers = body::headers(answered.get("_trailers"));
    let encoded = answered.get("content").get("_encoded").text().and_then(decode_base64);
    response.encoded = encoded.map(Content::from);
}
