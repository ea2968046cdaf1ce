//! What headers say of whether an answer comes from a cache.

/// What was said so far; the most exact header counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cached {
    /// `Cache-Status`, RFC 9211.
    status: Option<bool>,
    /// `X-Cache`, as proxies and content networks write it: `HIT`, `Miss from cloudfront`,
    /// `TCP_HIT`; one word for each cache on the way.
    x_cache: Option<bool>,
    /// `Age`, RFC 9111: some caches say 0 of what they had to ask for.
    age: Option<bool>,
}

impl Cached {
    #[inline]
    pub(crate) fn take(&mut self, name: &str, value: &[u8]) {
        match name.len() {
            3 if name.eq_ignore_ascii_case("age") => {
                let is_some = value.iter().any(|byte| matches!(byte, b'1'..=b'9'));
                self.age = Some(is_some);
            }
            7 if name.eq_ignore_ascii_case("x-cache") => {
                let is_hit = value.windows(3).any(|part| part.eq_ignore_ascii_case(b"hit"));
                self.x_cache = Some(self.x_cache == Some(true) || is_hit);
            }
            12 if name.eq_ignore_ascii_case("cache-status") => {
                let mut parts = value.split(|byte| matches!(byte, b',' | b';'));
                let is_hit = parts.any(|part| part.trim_ascii() == b"hit");
                self.status = Some(self.status == Some(true) || is_hit);
            }
            _ => {}
        }
    }

    /// Whether it comes from a cache; none when nothing was said.
    pub(crate) fn is_hit(self) -> Option<bool> {
        self.status.or(self.x_cache).or(self.age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], expect: Option<bool>) {
        let mut cached = Cached::default();
        for (name, value) in headers {
            cached.take(name, value.as_bytes());
        }
        assert_eq!(cached.is_hit(), expect, "{headers:?}");
    }

    #[test]
    fn caches_are_believed() {
        check(&[("content-type", "text/html")], None);
        check(&[("Age", "0")], Some(false));
        check(&[("age", "17")], Some(true));
        check(&[("X-Cache", "Hit from cloudfront")], Some(true));
        check(&[("X-Cache", "MISS, TCP_HIT")], Some(true));
        check(&[("X-Cache", "MISS"), ("Age", "3")], Some(false));
        check(&[("Cache-Status", "Origin; fwd=miss, \"Edge\"; hit; ttl=30")], Some(true));
        check(&[("Cache-Status", "Edge; fwd=uri-miss; stored"), ("x-cache", "HIT")], Some(false));
        check(&[("Cache-Status", "hitter; fwd=miss")], Some(false));
    }
}
