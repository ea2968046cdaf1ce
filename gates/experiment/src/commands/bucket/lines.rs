//! A line for each line of a file, however many there are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;

use serde::Serialize;

use super::Mistake;

/// How much is handed over at once.
const CHUNK: usize = 64 << 10;

/// Hands over what `each` writes of each line of a file, or of standard input for `-`. When nobody
/// reads it any more, the rest need not be worked out.
pub(super) fn each(
    file: &Path,
    to: &dyn Fn(&[u8]) -> io::Result<()>,
    each: impl FnMut(&str, &mut Vec<u8>) -> Result<(), Mistake>,
) -> Result<(), Mistake> {
    let name = file.display().to_string();
    if name == "-" {
        return from(io::stdin().lock(), "standard input", to, each);
    }
    let open = File::open(file)
        .map_err(|error| Mistake::new(format!("{name} cannot be read: {error}")))?;
    from(BufReader::with_capacity(CHUNK, open), &name, to, each)
}

fn from(
    mut lines: impl BufRead,
    name: &str,
    to: &dyn Fn(&[u8]) -> io::Result<()>,
    mut each: impl FnMut(&str, &mut Vec<u8>) -> Result<(), Mistake>,
) -> Result<(), Mistake> {
    let (mut line, mut text, mut number) = (Vec::new(), Vec::with_capacity(2 * CHUNK), 0_u64);
    loop {
        line.clear();
        number += 1;
        let read = lines
            .read_until(b'\n', &mut line)
            .map_err(|error| Mistake::new(format!("{name} cannot be read: {error}")))?;
        if read > 0 {
            let id = id(&line, number).ok_or_else(|| {
                Mistake::new(format!("{name}, line {number}: the id is no text in UTF-8"))
                    .hint("write the file in UTF-8: in another encoding ids have other buckets")
            })?;
            each(id, &mut text)?;
        }
        if text.len() >= CHUNK || read == 0 {
            match to(&text) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(Mistake::new(format!("nothing can be written: {error}"))),
                Ok(()) => text.clear(),
            }
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// The id of a line: without its end, and in the first one without a byte order mark.
fn id(line: &[u8], number: u64) -> Option<&str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let id = std::str::from_utf8(line).ok()?;
    Some(if number == 1 { id.strip_prefix('\u{feff}').unwrap_or(id) } else { id })
}

/// One line of JSON.
pub(super) fn write(figures: &impl Serialize, line: &mut Vec<u8>) -> Result<(), Mistake> {
    serde_json::to_writer(&mut *line, figures).map_err(|error| Mistake::new(error.to_string()))?;
    line.push(b'\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn check(text: &[u8], expect: Result<&[&str], &str>) {
        let (mut ids, out) = (Vec::new(), Mutex::new(Vec::new()));
        let to = |bytes: &[u8]| {
            out.lock().unwrap().extend_from_slice(bytes);
            Ok(())
        };
        let got = from(text, "ids.txt", &to, |id, line| {
            ids.push(id.to_owned());
            line.extend_from_slice(format!("<{id}>").as_bytes());
            Ok(())
        });
        match expect {
            Ok(expect) => {
                assert_eq!((got, ids), (Ok(()), expect.iter().map(ToString::to_string).collect()));
                let text: String = expect.iter().map(|id| format!("<{id}>")).collect();
                assert_eq!(out.into_inner().unwrap(), text.into_bytes());
            }
            Err(why) => assert_eq!(got.unwrap_err().error, why),
        }
    }

    #[test]
    fn each_line_is_an_id() {
        check(b"", Ok(&[]));
        check(b"a\nb", Ok(&["a", "b"]));
        check(b"\xef\xbb\xbfa\r\n\r\n b \n", Ok(&["a", "", " b "]));
        check("用户1\n".as_bytes(), Ok(&["用户1"]));
        check(b"a\n\xff\n", Err("ids.txt, line 2: the id is no text in UTF-8"));
        // More than is handed over at once.
        let many: Vec<String> = (0..100_000).map(|at| format!("user-{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(many.join("\n").as_bytes(), Ok(&many));
    }

    #[test]
    fn nobody_reads_any_more() {
        let calls = Mutex::new(0);
        let to = |_: &[u8]| {
            *calls.lock().unwrap() += 1;
            Err(ErrorKind::BrokenPipe.into())
        };
        let text = "x\n".repeat(1 << 20);
        let got = from(text.as_bytes(), "ids.txt", &to, |_, line| {
            line.extend_from_slice(b"0123456789");
            Ok(())
        });
        assert_eq!((got, calls.into_inner().unwrap()), (Ok(()), 1));
    }
}
