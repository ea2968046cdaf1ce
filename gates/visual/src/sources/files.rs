//! HTML files beside a spec, such as e-mails.

use std::path::Path;

use gate_core::Error;
use globset::GlobBuilder;

use crate::settings::is_pattern;

/// More files than this are no set of pages but somebody's disk.
const MOST: usize = 20_000;

/// The files that a pattern means, as paths relative to `folder`, sorted.
pub(super) fn matching(pattern: &str, folder: &Path) -> Result<Vec<String>, Error> {
    if !is_pattern(pattern) {
        if folder.join(pattern).is_file() {
            return Ok(vec![pattern.to_owned()]);
        }
        return Err(Error::new(format!("there is no file {pattern}"))
            .hint("the path is relative to the spec"));
    }
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| Error::new(error.to_string()))?
        .compile_matcher();
    let parts: Vec<&str> = pattern.split('/').collect();
    let literal = parts.iter().take_while(|part| !is_pattern(part)).count();
    let mut walk = Walk { folder, found: Vec::new(), seen: 0 };
    // Two stars reach down as far as there is something.
    let depth = if pattern.contains("**") { usize::MAX } else { parts.len() - literal };
    walk.collect(&parts[..literal].join("/"), depth)?;
    let mut found = walk.found;
    found.retain(|path| glob.is_match(path));
    found.sort();
    Ok(found)
}

struct Walk<'a> {
    folder: &'a Path,
    found: Vec<String>,
    seen: usize,
}

impl Walk<'_> {
    /// Collects the files below `path`; links to folders are not followed, they may go round.
    fn collect(&mut self, path: &str, depth: usize) -> Result<(), Error> {
        let failed =
            |error: std::io::Error| Error::new(format!("reading the folder {path}: {error}"));
        for entry in std::fs::read_dir(self.folder.join(path)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A name that is no text cannot be written in a spec.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            self.seen += 1;
            if self.seen > MOST {
                return Err(Error::new(format!("more than {MOST} files lie there"))
                    .hint("use a pattern that begins with a folder"));
            }
            let below = if path.is_empty() { name } else { format!("{path}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                if depth > 1 {
                    self.collect(&below, depth - 1)?;
                }
            } else if entry.path().is_file() {
                self.found.push(below);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expect: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for path in ["specs/a.html", "mail/b.html", "mail/c.htm", "mail/de/d.html", "mail/.x.html"]
        {
            let path = folder.path().join(path);
            gate_core::files::make_folder(path.parent().unwrap()).unwrap();
            gate_core::files::write_atomically(&path, b"<p>", folder.path()).unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("mail/round")).unwrap();
        let found = matching(pattern, &folder.path().join("specs"));
        assert_eq!(found.map_err(|error| error.to_string()).unwrap_or_else(|e| vec![e]), expect);
    }

    #[test]
    fn patterns() {
        check("a.html", &["a.html"]);
        check("*.html", &["a.html"]);
        check("../mail/*.html", &["../mail/b.html"]);
        check("../mail/*.{html,htm}", &["../mail/b.html", "../mail/c.htm"]);
        check("../mail/**/*.html", &["../mail/b.html", "../mail/de/d.html"]);
        check("../mail/*/*.html", &["../mail/de/d.html"]);
        check("../mail/*.pdf", &[]);
        check("none.html", &["there is no file none.html"]);
    }
}
