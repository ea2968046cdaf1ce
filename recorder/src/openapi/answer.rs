//! One answer against what a document says of it.

use serde_json::Value;

use super::breach::{self, Breach, Weight};
use super::files::Place;
use super::schema::on_large_stack;
use super::{Document, Operation};
use crate::drift::{Answered, Change};

/// How many values a body may have of which it is told where they break the document: each may break
/// it in several ways, and all of these are in memory at once.
const MOST: usize = 300_000;
/// Headers that say how an answer was sent, and are not recorded.
const NOT_KEPT: [&str; 7] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "keep-alive",
    "trailer",
    "transfer-encoding",
];

impl Document {
    /// How an answer breaks what the document says of an operation. `is_recorded` says that what
    /// stands in the place of a secret may be in it.
    pub(crate) fn breaches(
        &self,
        operation: &Operation,
        method: &str,
        answered: &Answered<'_>,
        is_recorded: bool,
    ) -> Vec<Breach> {
        let mut found = Vec::new();
        let looked = self.response(operation, answered).and_then(|place| {
            self.headers(&place, answered, &mut found)?;
            let is_without = method == "HEAD" || matches!(answered.status, 100..200 | 204 | 304);
            if !is_without {
                self.body(&place, answered, is_recorded, &mut found)?;
            }
            Ok(())
        });
        found.extend(looked.err().map(|breach| *breach));
        found
    }

    /// What is said of answers with a status.
    fn response(
        &self,
        operation: &Operation,
        answered: &Answered<'_>,
    ) -> Result<Place, Box<Breach>> {
        let status = answered.status.to_string();
        let range = format!("{}XX", &status[..1]);
        let responses = operation.place.member("responses");
        let unknown = |why: String| breach::unknown("status", &responses.pointer, why);
        let responses = self.files.follow(responses.clone()).map_err(unknown)?;
        let json = self.files.json(responses.file);
        let all = json.pointer(&responses.pointer).and_then(Value::as_object);
        let names = || all.into_iter().flat_map(serde_json::Map::keys);
        let name = [status.as_str(), range.as_str(), "default"]
            .iter()
            .find_map(|wanted| names().find(|name| name.eq_ignore_ascii_case(wanted)));
        let Some(name) = name else {
            let known: Vec<&str> =
                names().map(String::as_str).filter(|name| !name.starts_with("x-")).collect();
            let wanted = if known.is_empty() { "no status".to_owned() } else { known.join(", ") };
            let rule = breach::rule(&self.files, &responses);
            let found = Breach::undocumented("status", rule, wanted, status.clone());
            return Err(Box::new(Breach { detail: status, ..found }));
        };
        let place = responses.member(name);
        self.files.follow(place.clone()).map_err(|why| breach::unknown("body", &place.pointer, why))
    }

    fn headers(
        &self,
        response: &Place,
        answered: &Answered<'_>,
        found: &mut Vec<Breach>,
    ) -> Result<(), Box<Breach>> {
        let headers = response.member("headers");
        let json = self.files.json(headers.file);
        let all = json.pointer(&headers.pointer).and_then(Value::as_object);
        for name in all.into_iter().flat_map(serde_json::Map::keys) {
            let lower = name.to_ascii_lowercase();
            let place = headers.member(name);
            let there = self
                .files
                .follow(place.clone())
                .map_err(|why| breach::unknown(&format!("header {lower}"), &place.pointer, why))?;
            let json = self.files.json(there.file);
            let is_wanted =
                json.pointer(&there.pointer).is_some_and(|header| header["required"] == true);
            if is_wanted
                && !NOT_KEPT.contains(&lower.as_str())
                && answered.headers.all(&lower).next().is_none()
            {
                found.push(Breach {
                    weight: Weight::Breaks,
                    change: Change::Header,
                    place: format!("header {lower}"),
                    pointer: None,
                    rule: breach::rule(&self.files, &place),
                    detail: lower,
                    wanted: "required".to_owned(),
                    got: "missing".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn body(
        &self,
        response: &Place,
        answered: &Answered<'_>,
        is_recorded: bool,
        found: &mut Vec<Breach>,
    ) -> Result<(), Box<Breach>> {
        let written = answered.headers.text("content-type").unwrap_or_default();
        let content = response.member("content");
        let rule = || breach::rule(&self.files, &content);
        let json = self.files.json(content.file);
        let all = json.pointer(&content.pointer).and_then(Value::as_object);
        let known: Vec<&str> =
            all.into_iter().flat_map(serde_json::Map::keys).map(String::as_str).collect();
        if known.is_empty() {
            if !answered.body.is_empty() {
                let wanted = "no body".to_owned();
                found.push(Breach::undocumented("body", rule(), wanted, "one".to_owned()));
            }
            return Ok(());
        }
        if answered.body.is_empty() && known.iter().all(|one| is_json(&essence(one))) {
            found.push(Breach {
                weight: Weight::Breaks,
                change: Change::BodyGone,
                place: "body".to_owned(),
                pointer: None,
                rule: rule(),
                detail: String::new(),
                wanted: format!("a body of {}", known.join(" or ")),
                got: "none".to_owned(),
            });
            return Ok(());
        }
        if answered.body.is_empty() && written.is_empty() {
            return Ok(());
        }
        let Some(name) = media_type(&known, written) else {
            let got = if written.is_empty() { "not named".to_owned() } else { essence(written) };
            let undocumented =
                Breach::undocumented("header content-type", rule(), known.join(", "), got.clone());
            found.push(Breach { detail: got, ..undocumented });
            return Ok(());
        };
        let schema = content.member(name).member("schema");
        if self.files.json(schema.file).pointer(&schema.pointer).is_none() {
            return Ok(());
        }
        self.content(&schema, &essence(written), answered.body, is_recorded, found)
    }

    /// A body against its schema.
    fn content(
        &self,
        schema: &Place,
        essence: &str,
        body: &[u8],
        is_recorded: bool,
        found: &mut Vec<Breach>,
    ) -> Result<(), Box<Breach>> {
        let rule = breach::rule(&self.files, schema);
        let unknown = |why: String| breach::unknown("body", &rule, why);
        let value = if is_json(essence) {
            match serde_json::from_slice::<Value>(body) {
                Ok(value) => value,
                Err(error) if error.to_string().contains("recursion limit") => {
                    return Err(unknown("it is nested too deeply".to_owned()));
                }
                Err(_) => {
                    found.push(Breach {
                        weight: Weight::Breaks,
                        change: Change::Malformed,
                        place: "body".to_owned(),
                        pointer: None,
                        rule,
                        detail: String::new(),
                        wanted: "JSON".to_owned(),
                        got: "no JSON".to_owned(),
                    });
                    return Ok(());
                }
            }
        } else {
            match self.other(schema, essence, body).map_err(unknown)? {
                Some(text) => text,
                None => return Ok(()),
            }
        };
        let schema = self.schemas.at(schema, &self.files, self.version).map_err(unknown)?;
        let is_large = body.iter().filter(|b| matches!(b, b',' | b'[' | b'{')).count() > MOST;
        if is_large && on_large_stack(|| schema.validator.is_valid(&value)).map_err(unknown)? {
            return Ok(());
        }
        if is_large {
            return Err(unknown(
                "it breaks the document, and is too large to say where".to_owned(),
            ));
        }
        let all = on_large_stack(|| {
            let errors = schema.validator.iter_errors(&value);
            breach::distinct(errors.filter_map(|error| {
                breach::of(&error, &value, is_recorded, |path| schema.place(path, &self.files))
            }))
        });
        found.extend(all.map_err(unknown)?);
        Ok(())
    }

    /// What is no JSON as a value: a text, where the schema wants one; nothing, where it wants
    /// nothing but bytes.
    fn other(&self, schema: &Place, essence: &str, body: &[u8]) -> Result<Option<Value>, String> {
        let place = self.files.follow(schema.clone())?;
        let json = self.files.json(place.file);
        let there = json.pointer(&place.pointer).unwrap_or(&Value::Null);
        let says = |name: &str| !there[name].is_null();
        let is_open = ["type", "allOf", "anyOf", "oneOf", "not", "properties", "enum", "const"]
            .iter()
            .all(|name| !says(name));
        if there["type"] != "string" && !is_open {
            let text = "its content cannot be held against its schema";
            return Err(format!("{essence}: {text}"));
        }
        if is_open || there["format"] == "binary" || !essence.starts_with("text/") {
            return Ok(None);
        }
        Ok(std::str::from_utf8(body).ok().map(|text| Value::String(text.to_owned())))
    }
}

/// The media type of a document that an answer is of: the same in all its parts, the same without
/// its parameters, or a range.
fn media_type<'n>(known: &[&'n str], written: &str) -> Option<&'n str> {
    let found = essence(written);
    if found.is_empty() {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace(' ', "");
    let range = format!("{}/*", found.split('/').next().unwrap_or_default());
    let known = |is: &dyn Fn(&str) -> bool| known.iter().copied().find(|one| is(one));
    known(&|one| plain(one) == plain(written))
        .or_else(|| known(&|one| essence(one) == found))
        .or_else(|| known(&|one| essence(one) == range))
        .or_else(|| known(&|one| essence(one) == "*/*"))
}

fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json") || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_found() {
        let check = |known: &[&str], written: &str, expect: Option<&str>| {
            assert_eq!(media_type(known, written), expect, "{known:?} {written}");
        };
        check(&["application/json"], "application/json; charset=utf-8", Some("application/json"));
        check(&["application/*", "application/json"], "Application/JSON", Some("application/json"));
        check(&["*/*", "application/*"], "application/xml", Some("application/*"));
        check(&["*/*"], "text/csv", Some("*/*"));
        check(&["application/json"], "text/html", None);
        check(&["*/*"], "", None);
        let versions = ["application/json;v=1", "application/json;v=2"];
        check(&versions, "application/json; v=2", Some("application/json;v=2"));
    }
}
