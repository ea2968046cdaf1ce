//! When a recording was made in full, so that it can be made anew after a while.
//!
//! What a cassette holds has no times: recording an unchanged API again changes nothing. The time
//! stands in a file beside the index, which is no part of the cassette either.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::canonical::Address;
use crate::cassette::{Cassette, IGNORED, stored_in, stored_of};
use crate::{Result, files};

/// The file, which holds seconds since the Unix epoch.
const NAME: &str = ".recorded";
/// How many services are tried at the most: who else is asked, a recording must not decide.
const MOST: usize = 64;
/// By how much another machine's clock may be ahead of ours, in seconds.
const AHEAD: i64 = 24 * 60 * 60;

impl Cassette {
    /// When all of it was last recorded here, in seconds since the Unix epoch, as far as is known.
    pub fn recorded_at(&self) -> Option<i64> {
        let text = fs::read_to_string(self.folder().join(NAME)).ok()?;
        text.trim().parse().ok()
    }

    /// Keeps in mind that all of it was recorded now, where git does not see it. Where it would, in
    /// a cassette that was written before there was such a file, nothing is written.
    pub fn mark_recorded(&self, now: i64) -> Result<()> {
        let ignored = self.folder().join(".gitignore");
        if !ignored.is_file() {
            files::write(&ignored, IGNORED.as_bytes())?;
        }
        if !fs::read_to_string(&ignored).unwrap_or_default().lines().any(|line| line == NAME) {
            return Ok(());
        }
        files::write(&self.folder().join(NAME), format!("{now}\n").as_bytes())
    }

    /// Forgets when it was recorded: something newer is on its way.
    pub fn forget_recorded(&self) {
        let _ = fs::remove_file(self.folder().join(NAME));
    }

    /// Removes what a recording has put away that is not kept.
    pub fn tidy(&self) -> Result<()> {
        let (recorded, rules) = (self.read()?, self.rules()?);
        let stored = recorded.iter().flat_map(|one| stored_in(&one.interaction));
        let of_rules = rules.iter().flat_map(|rule| stored_of(&rule.request, &rule.response));
        self.sweep(&stored.chain(of_rules).map(|stored| stored.digest.clone()).collect())
    }

    /// The services that it is a recording of, as schemes with hosts and ports.
    pub fn origins(&self) -> Result<BTreeSet<String>> {
        let recorded = self.read()?;
        let origin = |url: &str| {
            let origin = Address::of(url).origin();
            Some(format!("{}://{}", origin.scheme?, origin.host?))
        };
        Ok(recorded.iter().filter_map(|one| origin(&one.interaction.request.url)).collect())
    }
}

/// How old what was recorded then is now; none where that is not known, or cannot be.
pub fn age(recorded_at: Option<i64>, now: i64) -> Option<Duration> {
    let age = now.checked_sub(recorded_at?)?;
    (age >= -AHEAD).then(|| Duration::from_secs(u64::try_from(age).unwrap_or(0)))
}

/// The first service that cannot be connected to, and why. Nothing is sent to any of them.
pub async fn unreachable(origins: &BTreeSet<String>, patience: Duration) -> Option<String> {
    let mut trying = JoinSet::new();
    for origin in origins.iter().take(MOST) {
        let origin = origin.clone();
        trying.spawn(async move {
            let why = match tokio::time::timeout(patience, connected(&origin)).await {
                Ok(Ok(())) => return None,
                Ok(Err(why)) => why,
                Err(_) => format!("there was no answer within {} s", patience.as_secs()),
            };
            Some(format!("{origin} ({why})"))
        });
    }
    let tried = trying.join_all().await;
    tried.into_iter().flatten().min()
}

async fn connected(origin: &str) -> std::result::Result<(), String> {
    let wrong = || "it is no address".to_owned();
    let url: http::Uri = origin.parse().map_err(|_| wrong())?;
    let port = if url.scheme_str() == Some("https") { 443 } else { 80 };
    let host = url.host().ok_or_else(wrong)?.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(port))).await;
    stream.map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassette::Policy;

    #[test]
    fn ages_are_reckoned() {
        let check = |at: Option<i64>, expect: Option<u64>| {
            assert_eq!(age(at, 1_000_000), expect.map(Duration::from_secs), "{at:?}");
        };
        check(Some(999_000), Some(1000));
        check(Some(0), Some(1_000_000));
        // Clocks differ, but not by so much.
        check(Some(1_000_100), Some(0));
        check(Some(1_000_000 + AHEAD + 1), None);
        check(Some(i64::MIN), None);
        check(Some(i64::MAX), None);
        check(None, None);
    }

    #[test]
    fn the_time_stands_beside_the_cassette() {
        let folder = tempfile::tempdir().unwrap();
        let cassette = Cassette::open_or_new(folder.path(), Policy::default).unwrap();
        assert_eq!(cassette.recorded_at(), None);
        let ignored = folder.path().join(".gitignore");
        files::write(&ignored, b".index\n").unwrap();
        cassette.mark_recorded(1_763_755_200).unwrap();
        assert_eq!(cassette.recorded_at(), None, "git would see it");
        fs::remove_file(&ignored).unwrap();
        cassette.mark_recorded(1_763_755_200).unwrap();
        assert_eq!(cassette.recorded_at(), Some(1_763_755_200));
        let ignored = fs::read_to_string(ignored).unwrap();
        assert!(ignored.contains(NAME), "{ignored}");
        for text in ["", "soon", "1e9", "99999999999999999999"] {
            files::write(&folder.path().join(NAME), text.as_bytes()).unwrap();
            assert_eq!(cassette.recorded_at(), None, "{text}");
        }
        cassette.forget_recorded();
        assert!(!folder.path().join(NAME).exists());
    }

    #[tokio::test]
    async fn who_cannot_be_reached_is_named() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());
        let there = BTreeSet::from([here.clone()]);
        let patience = Duration::from_secs(5);
        assert_eq!(unreachable(&there, patience).await, None);
        assert_eq!(unreachable(&BTreeSet::new(), patience).await, None);
        let none = BTreeSet::from([here, "http://127.0.0.1:1".to_owned()]);
        let said = unreachable(&none, patience).await.unwrap();
        assert!(said.starts_with("http://127.0.0.1:1 ("), "{said}");
    }
}
