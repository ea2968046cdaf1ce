//! What coordinator and workers share, and nobody else has.

use std::fmt;
use std::path::Path;

use gate_core::Error;

/// Fewer bytes can be found by trying.
const LEAST: usize = 16;
const MAKE: &str = "make one with: openssl rand -hex 32";

/// A shared secret. It is never shown.
#[derive(Clone)]
pub(crate) struct Token(Vec<u8>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// What this text says, without the blanks around it.
    pub(crate) fn new(text: &[u8]) -> Result<Token, Error> {
        let bytes = text.trim_ascii();
        if bytes.len() < LEAST {
            let said = format!("the token has {} bytes: it can be guessed", bytes.len());
            return Err(Error::new(said).hint(MAKE));
        }
        Ok(Token(bytes.to_vec()))
    }

    /// From a file, or else from the variable of the environment.
    pub(crate) fn find(file: Option<&Path>, variable: Option<&str>) -> Result<Token, Error> {
        match (file, variable) {
            (Some(path), _) => Token::new(&gate_core::files::read(path)?),
            (None, Some(text)) => Token::new(text.as_bytes()),
            (None, None) => {
                let hint = format!("give --token-file or GATE_LOAD_TOKEN; {MAKE}");
                Err(Error::new("coordinator and workers share a token, and there is none")
                    .hint(hint))
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_be_guessed_and_is_not_shown() {
        let check = |file: Option<&str>, variable: Option<&str>, expect: Result<&str, &str>| {
            let folder = tempfile::tempdir().unwrap();
            let path = file.map(|text| {
                let path = folder.path().join("token");
                gate_core::files::write_atomically(&path, text.as_bytes(), folder.path()).unwrap();
                path
            });
            let found = Token::find(path.as_deref(), variable);
            match (found, expect) {
                (Ok(token), Ok(text)) => {
                    assert_eq!(token.bytes(), text.as_bytes());
                    assert_eq!(format!("{token:?}"), "Token");
                }
                (Err(error), Err(said)) => assert!(error.to_string().contains(said), "{error}"),
                (found, expect) => panic!("{found:?} {expect:?}"),
            }
        };
        check(Some("0123456789abcdef\n"), None, Ok("0123456789abcdef"));
        check(Some("0123456789abcdef\n"), Some("x"), Ok("0123456789abcdef"));
        check(None, Some(" 0123456789abcdef"), Ok("0123456789abcdef"));
        check(None, Some("short"), Err("the token has 5 bytes: it can be guessed"));
        check(None, None, Err("there is none"));
    }
}
