//! The line that a request begins with.

use std::fmt;
use std::str::FromStr;

/// A method and where it goes: `POST /api/signup`, `GET https://api.example.com/v1/me`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In upper case.
    pub method: String,
    /// A path of the service, or a whole address. It may hold `{{variables}}`.
    pub to: String,
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Line, String> {
        let wrong =
            || format!("`{text}` is no request: write the method and the path, GET /health");
        let (method, to) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
        let to = to.trim();
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let leads = to.starts_with('/') || to.starts_with("{{") || to.contains("://");
        if !is_method || !leads || to.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Line { method: method.to_owned(), to: to.to_owned() })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.to)
    }
}

crate::as_text!(Line, ["GET /health", "POST /api/signup"]);
