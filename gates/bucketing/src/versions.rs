//! Semantic versions, as conditions compare them. Source: semver.org 2.0.0.

use std::cmp::Ordering;

/// A version; what is built into it does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// Parts of what leads to it; empty for a release.
    before: Vec<String>,
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text.len() == 1 || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

impl Version {
    /// Reads `1.2.3-rc.1+build`; `short` lets the second and third number be left out.
    pub fn read(text: &str, short: bool) -> Option<Version> {
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        let part = |part: &str| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !part.is_empty() && part.bytes().all(letters)
        };
        if build.is_some_and(|build| !build.split('.').all(part)) {
            return None;
        }
        let (core, before) = match text.split_once('-') {
            Some((core, before)) => (core, before.split('.').map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        let leading_zero = |part: &String| {
            part.bytes().all(|byte| byte.is_ascii_digit())
                && part.len() > 1
                && part.starts_with('0')
        };
        if !before.iter().all(|one: &String| part(one)) || before.iter().any(leading_zero) {
            return None;
        }
        let numbers: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
        match numbers.as_slice() {
            [major, minor, patch] => Some(Version { numbers: [*major, *minor, *patch], before }),
            [major, minor] if short => Some(Version { numbers: [*major, *minor, 0], before }),
            [major] if short => Some(Version { numbers: [*major, 0, 0], before }),
            _ => None,
        }
    }
}

fn compare_parts(a: &str, b: &str) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        let release = self.before.is_empty().cmp(&other.before.is_empty());
        let parts = || {
            let pairs = self.before.iter().zip(&other.before);
            let first = pairs.map(|(a, b)| compare_parts(a, b)).find(|order| order.is_ne());
            first.unwrap_or_else(|| self.before.len().cmp(&other.before.len()))
        };
        numbers.then(release).then_with(parts)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order that semver.org gives as its example, item 11.
    #[test]
    fn versions_have_an_order() {
        let ordered = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "2.0.0",
            "2.1.0",
            "2.1.1",
        ];
        let read: Vec<Version> =
            ordered.iter().map(|text| Version::read(text, false).unwrap()).collect();
        assert!(read.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Version::read("1.0.0+a", false), Version::read("1.0.0+b.c", false));
        for wrong in ["", "1", "1.2", "01.2.3", "1.2.3-01", "1.2.3-", "1.2.3+", "v1.2.3", "1.2.3 "]
        {
            assert_eq!(Version::read(wrong, false), None, "{wrong}");
        }
        assert_eq!(Version::read("2", true), Version::read("2.0.0", false));
    }
}
