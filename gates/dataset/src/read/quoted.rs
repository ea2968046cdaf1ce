//! A record whose fields may stand between quotes (RFC 4180), read strictly: a quote that does not
//! belong where it stands would shift everything behind it.

/// What is wrong with a `\r` that ends no line.
pub(super) const ALONE: &str = "a carriage return stands alone, and lines end with \\n or \\r\\n";

/// How long the end of a line is that stands there: `\n`, `\r\n`, or `\r` at the end of the file.
pub(super) fn end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..)? {
        [b'\n', ..] | [b'\r'] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// A record.
#[derive(Default)]
pub(super) struct Record {
    start: usize,
    /// Where fields begin and end, in the file or, where quotes had to be taken out, in `held`.
    fields: Vec<(usize, usize, bool)>,
    held: Vec<u8>,
}

impl Record {
    /// Reads the record that begins there, or behind empty lines there; gives where the next one
    /// begins, and none at the end. The error says where it is.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        from: usize,
        by: u8,
    ) -> Result<Option<usize>, (usize, String)> {
        self.fields.clear();
        self.held.clear();
        let mut at = from;
        while let Some(length) = end(bytes, at) {
            at += length;
        }
        if at >= bytes.len() {
            return Ok(None);
        }
        self.start = at;
        loop {
            at = if bytes.get(at) == Some(&b'"') {
                self.quoted(bytes, at)?
            } else {
                self.plain(bytes, at, by)?
            };
            if let Some(length) = end(bytes, at) {
                return Ok(Some(at + length));
            }
            match bytes.get(at) {
                None => return Ok(Some(at)),
                Some(byte) if *byte == by => at += 1,
                Some(_) => {
                    let what = "a quote closes in the middle of a field";
                    return Err((self.start, what.to_owned()));
                }
            }
        }
    }

    /// A field without quotes; gives where it ends.
    fn plain(&mut self, bytes: &[u8], from: usize, by: u8) -> Result<usize, (usize, String)> {
        let mut end = from;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'\n' => break,
                b'\r' if self::end(bytes, end).is_some() => break,
                b'\r' => return Err((self.start, ALONE.to_owned())),
                b'"' => {
                    return Err((self.start, "a quote opens in the middle of a field".to_owned()));
                }
                byte if *byte == by => break,
                _ => end += 1,
            }
        }
        self.fields.push((from, end, false));
        Ok(end)
    }

    /// A field between quotes; gives where it ends.
    fn quoted(&mut self, bytes: &[u8], from: usize) -> Result<usize, (usize, String)> {
        let held = self.held.len();
        let (mut start, mut is_held) = (from + 1, false);
        loop {
            let found = memchr::memchr(b'"', bytes.get(start..).unwrap_or_default());
            let Some(found) = found else {
                return Err((self.start, "a quote is not closed".to_owned()));
            };
            let end = start + found;
            if bytes.get(end + 1) == Some(&b'"') {
                // Two of them stand for one.
                self.held.extend_from_slice(&bytes[start..=end]);
                (start, is_held) = (end + 2, true);
                continue;
            }
            if is_held {
                self.held.extend_from_slice(&bytes[start..end]);
                self.fields.push((held, self.held.len(), true));
            } else {
                self.fields.push((start, end, false));
            }
            return Ok(end + 1);
        }
    }

    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Where it begins.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// One of its fields, of the bytes that it was read from.
    pub(super) fn field<'b>(&'b self, bytes: &'b [u8], at: usize) -> &'b [u8] {
        let (from, to, is_held) = self.fields[at];
        if is_held { &self.held[from..to] } else { &bytes[from..to] }
    }
}
