//! What a page is given before it is asked for: who is looking, and what it would remember.

use std::fmt;

/// A cookie to set before the page is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Name.
    pub name: String,
    /// Value; not shown by `Debug`.
    pub value: String,
    /// Domain, where it is not the host of the page alone.
    pub domain: Option<String>,
    /// Path, where it is not `/`.
    pub path: Option<String>,
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// User and password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicAuth")
    }
}

/// An entry of the storage of the page's origin. It is there before the first script of the page
/// runs; what the page itself has put under that key meanwhile is left alone.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredItem {
    /// Key.
    pub key: String,
    /// Value; not shown by `Debug`.
    pub value: String,
    /// Whether it is in `sessionStorage` instead of `localStorage`.
    pub session: bool,
}

impl fmt::Debug for StoredItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredItem")
            .field("key", &self.key)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
