//! A request as it is sent: its secrets and variables filled in.

use std::collections::BTreeMap;

use gate_core::values::{Part, Template};
use gate_core::{Error, Json};

use super::super::client::basic;
use super::{Flow, Ready};
use crate::claim::{Variables, filled};
use crate::settings::RequestSpec;

impl Flow<'_> {
    /// The text with its secrets and variables filled in. Nothing is looked for in a secret.
    fn text(&self, template: &Template) -> Result<Result<String, String>, Error> {
        let mut text = String::new();
        for part in template.parts() {
            match part {
                Part::Secret(_) => {
                    let one = Template::parse(&part.to_string()).map_err(Error::new)?;
                    text.push_str(&self.cx.reveal(&one)?);
                }
                other => match filled(&other.to_string(), &self.variables) {
                    Ok(part) => text.push_str(&part),
                    Err(why) => return Ok(Err(why)),
                },
            }
        }
        Ok(Ok(text))
    }

    fn texts(
        &self,
        all: &BTreeMap<String, Template>,
    ) -> Result<Result<Vec<(String, String)>, String>, Error> {
        let mut texts = Vec::new();
        for (name, template) in all {
            match self.text(template)? {
                Ok(text) => texts.push((name.clone(), text)),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(texts))
    }

    /// The request; the inner error says what stands in its way.
    pub(super) fn ready(&self, spec: &RequestSpec) -> Result<Result<Ready, String>, Error> {
        macro_rules! given {
            ($given:expr) => {
                match $given {
                    Ok(value) => value,
                    Err(why) => return Ok(Err(why)),
                }
            };
        }
        let to = given!(filled(&spec.request.to, &self.variables));
        let mut url = given!(self.url(&to, &spec.request.to));
        let query = given!(self.texts(&spec.query)?);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        // What belongs to the service is told to nobody else.
        let is_service = url.origin() == self.service.url.origin();
        let mut headers = if is_service { self.service.headers.clone() } else { Vec::new() };
        let mut set = |name: &str, value: String| {
            let name = name.to_ascii_lowercase();
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        };
        if let Some(auth) = &spec.basic_auth {
            set("authorization", basic(&given!(self.text(auth)?)));
        }
        let mut body = None;
        if !spec.form.is_empty() {
            let fields = given!(self.texts(&spec.form)?);
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            body = Some(form.extend_pairs(fields).finish().into_bytes());
            set("content-type", "application/x-www-form-urlencoded".to_owned());
        } else if let Some(json) = &spec.json {
            let json = given!(filled_json(json, &self.variables));
            body = Some(serde_json::to_vec(&json)?);
            set("content-type", "application/json".to_owned());
        } else if let Some(text) = &spec.body {
            body = Some(given!(self.text(text)?).into_bytes());
        }
        for (name, value) in given!(self.texts(&spec.headers)?) {
            set(&name, value);
        }
        Ok(Ok(Ready { url, headers, body }))
    }

    /// The address; an error names it as it was written, since anything may have been filled in.
    fn url(&self, to: &str, written: &str) -> Result<url::Url, String> {
        let text = if to.starts_with('/') {
            format!("{}{to}", self.service.origin())
        } else {
            to.to_owned()
        };
        let url = url::Url::parse(&text)
            .map_err(|error| format!("`{written}` is no address: {error}"))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(format!("`{written}` is no address of HTTP: {other}")),
        }
    }
}

/// The same with its variables filled in; a text that is nothing but a variable becomes its value.
fn filled_json(json: &Json, variables: &Variables) -> Result<Json, String> {
    Ok(match json {
        Json::String(text) => {
            let name = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            match name.filter(|name| !name.contains("{{")) {
                Some(name) => variables.wanted(name.trim())?,
                None => filled(text, variables)?.into(),
            }
        }
        Json::Array(all) => Json::Array(
            all.iter().map(|one| filled_json(one, variables)).collect::<Result<_, _>>()?,
        ),
        Json::Object(all) => Json::Object(
            all.iter()
                .map(|(name, one)| Ok((name.clone(), filled_json(one, variables)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}
