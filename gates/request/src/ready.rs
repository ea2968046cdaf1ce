//! A request as it is sent: its secrets and variables filled in.

use std::collections::BTreeMap;

use base64::Engine as _;
use gate_core::values::{Part, Template};
use gate_core::{Error, Json};

use crate::{Line, Variables, filled};

/// A text whose secrets are filled in and whose variables are not yet. Nothing is looked for in a
/// secret.
#[derive(Debug, Clone, Default)]
struct Pattern(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    /// It may hold `{{variables}}`.
    Open(String),
    /// It stands as it is.
    Fixed(String),
}

/// What a spec says of a request.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'s> {
    /// The method, and where it goes.
    pub request: &'s Line,
    /// Its own headers.
    pub headers: &'s BTreeMap<String, Template>,
    /// Parameters of the query.
    pub query: &'s BTreeMap<String, Template>,
    /// `user:password`.
    pub basic_auth: Option<&'s Template>,
    /// The fields of a form, as the body.
    pub form: &'s BTreeMap<String, Template>,
    /// JSON, as the body.
    pub json: Option<&'s Json>,
    /// Any text, as the body.
    pub body: Option<&'s Template>,
}

/// A request with its secrets, to be sent as often as wanted.
#[derive(Debug, Clone)]
pub struct Draft {
    to: String,
    headers: Vec<(String, Pattern)>,
    query: Vec<(String, Pattern)>,
    basic_auth: Option<Pattern>,
    form: Vec<(String, Pattern)>,
    json: Option<Json>,
    body: Option<Pattern>,
}

/// Where requests go that name no host, and what every one of them is told.
#[derive(Debug, Clone)]
pub struct Base {
    /// Its path, without the slash at its end, stands before the paths of requests.
    pub url: url::Url,
    /// In lower case. What belongs to the service is told to nobody else.
    pub headers: Vec<(String, String)>,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Where to.
    pub url: url::Url,
    /// In lower case.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
}

impl Pattern {
    fn of(
        template: &Template,
        reveal: &dyn Fn(&Template) -> Result<String, Error>,
    ) -> Result<Pattern, Error> {
        let pieces = template.parts().iter().map(|part| match part {
            Part::Secret(_) => {
                let one = Template::parse(&part.to_string()).map_err(Error::new)?;
                Ok(Piece::Fixed(reveal(&one)?))
            }
            other => Ok(Piece::Open(other.to_string())),
        });
        Ok(Pattern(pieces.collect::<Result<_, Error>>()?))
    }

    fn filled(&self, variables: &Variables) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Open(open) => text.push_str(&filled(open, variables)?),
                Piece::Fixed(fixed) => text.push_str(fixed),
            }
        }
        Ok(text)
    }

    fn is_open(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Open(text) if text.contains("{{")))
    }
}

impl Draft {
    /// Fills secrets in; `reveal` knows them.
    pub fn of(
        parts: Parts<'_>,
        reveal: &dyn Fn(&Template) -> Result<String, Error>,
    ) -> Result<Draft, Error> {
        let pattern = |template: &Template| Pattern::of(template, reveal);
        let patterns = |all: &BTreeMap<String, Template>| {
            let each = all.iter().map(|(name, one)| Ok((name.clone(), pattern(one)?)));
            each.collect::<Result<Vec<_>, Error>>()
        };
        Ok(Draft {
            to: parts.request.to.clone(),
            headers: patterns(parts.headers)?,
            query: patterns(parts.query)?,
            basic_auth: parts.basic_auth.map(pattern).transpose()?,
            form: patterns(parts.form)?,
            json: parts.json.cloned(),
            body: parts.body.map(pattern).transpose()?,
        })
    }

    /// Whether it is another one each time.
    pub fn is_open(&self) -> bool {
        let lists = [&self.headers, &self.query, &self.form];
        let mut patterns = lists.into_iter().flatten().map(|(_, pattern)| pattern);
        let is_json_open = self.json.as_ref().is_some_and(|json| json.to_string().contains("{{"));
        self.to.contains("{{")
            || is_json_open
            || patterns.any(Pattern::is_open)
            || self.basic_auth.iter().chain(&self.body).any(Pattern::is_open)
    }

    /// The request; the error says what stands in its way.
    pub fn ready(&self, base: &Base, variables: &Variables) -> Result<Ready, String> {
        let texts = |all: &[(String, Pattern)]| {
            let each = all.iter().map(|(name, one)| Ok((name.clone(), one.filled(variables)?)));
            each.collect::<Result<Vec<_>, String>>()
        };
        let mut url = base.to(&filled(&self.to, variables)?, &self.to)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(texts(&self.query)?);
        }
        let is_own = url.origin() == base.url.origin();
        let mut headers = if is_own { base.headers.clone() } else { Vec::new() };
        let mut set = |name: &str, value: String| {
            let name = name.to_ascii_lowercase();
            headers.retain(|(other, _)| *other != name);
            headers.push((name, value));
        };
        if let Some(auth) = &self.basic_auth {
            set("authorization", basic(&auth.filled(variables)?));
        }
        let mut body = None;
        if !self.form.is_empty() {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            body = Some(form.extend_pairs(texts(&self.form)?).finish().into_bytes());
            set("content-type", "application/x-www-form-urlencoded".to_owned());
        } else if let Some(json) = &self.json {
            body = Some(filled_json(json, variables)?.to_string().into_bytes());
            set("content-type", "application/json".to_owned());
        } else if let Some(text) = &self.body {
            body = Some(text.filled(variables)?.into_bytes());
        }
        for (name, value) in texts(&self.headers)? {
            set(&name, value);
        }
        Ok(Ready { url, headers, body })
    }
}

impl Base {
    /// What stands before the paths of requests.
    fn origin(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The address; an error names it as it was written, since anything may have been filled in.
    fn to(&self, to: &str, written: &str) -> Result<url::Url, String> {
        let text =
            if to.starts_with('/') { format!("{}{to}", self.origin()) } else { to.to_owned() };
        let url = url::Url::parse(&text)
            .map_err(|error| format!("`{written}` is no address: {error}"))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(format!("`{written}` is no address of HTTP: {other}")),
        }
    }
}

/// The header value of basic authentication.
pub fn basic(credentials: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
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
