//! The parts of a multipart body, RFC 2046 and RFC 7578.

use std::ops::Range;

use memchr::memmem;

/// A part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) head: Range<usize>,
    pub(crate) body: Range<usize>,
}

/// The boundary that a media type names.
pub(crate) fn boundary(media_type: &str) -> Option<&str> {
    let value = parameter(media_type, "boundary")?;
    (!value.is_empty()).then_some(value)
}

/// A parameter of a header's value, such as `name` in `form-data; name="file"`.
pub(crate) fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    value.split(';').skip(1).find_map(|parameter| {
        let (own, value) = parameter.split_once('=')?;
        own.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// The parts between the boundaries.
pub(crate) fn parts(body: &[u8], boundary: &str) -> Vec<Part> {
    let line = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut starts = memmem::find_iter(body, line.as_bytes())
        .filter(|at| *at == 0 || body[at - 1] == b'\n')
        .peekable();
    while let Some(start) = starts.next() {
        let start = start + line.len();
        if body[start..].starts_with(b"--") {
            break;
        }
        let Some(head) = memchr::memchr(b'\n', &body[start..]).map(|at| start + at + 1) else {
            break;
        };
        let end = starts.peek().copied().unwrap_or(body.len());
        let part = &body[head..end];
        let blank = [&b"\r\n\r\n"[..], b"\n\n"];
        let cut = blank
            .iter()
            .filter_map(|blank| memmem::find(part, blank).map(|at| (at, at + blank.len())));
        // Without a blank line all of it is content, which is looked at more closely.
        let (head_end, from) = cut.min().unwrap_or((0, 0));
        let content = part[from..].strip_suffix(b"\n").unwrap_or(&part[from..]);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        parts.push(Part {
            head: head..head + head_end,
            body: head + from..head + from + content.len(),
        });
    }
    parts
}

/// A header of a part.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_boundaries() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b\r\n\
                    Content-Disposition: form-data; name=f; filename=\"x.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\r\n--b--x\r\n--b--\r\n";
        let parts =
            parts(body.as_bytes(), boundary("multipart/form-data; boundary=\"b\"").unwrap());
        let told: Vec<_> = parts
            .iter()
            .map(|part| {
                let head = &body[part.head.clone()];
                let disposition = header(head, "content-disposition").unwrap();
                (parameter(disposition, "name").unwrap(), &body[part.body.clone()])
            })
            .collect();
        assert_eq!(told[0], ("a", "one"));
        assert_eq!(told[1].0, "f");
        assert_eq!(header(&body[parts[1].head.clone()], "CONTENT-TYPE"), Some("image/png"));
        assert_eq!(boundary("multipart/form-data"), None);
        assert_eq!(super::parts(b"--b", "b"), []);
        assert_eq!(super::parts(b"--b\r\nno head", "b").len(), 1);
    }
}
