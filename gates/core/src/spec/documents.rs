//! Cutting a file into its documents.

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    /// The line of the file on which it begins, counted from 1.
    pub(crate) first_line: usize,
}

/// Cuts at lines that are `---`. A line inside a block scalar is indented, so it never is.
///
/// serde_yaml has a document iterator, but it repeats a syntax error for ever.
pub(crate) fn split(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut first_line) = (0, 1);
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_separator(line) {
            documents.push(Document { text: &text[start..offset], first_line });
            (start, first_line) = (offset + line.len(), index + 2);
        }
        offset += line.len();
    }
    documents.push(Document { text: &text[start..], first_line });
    documents.retain(|document| document.text.lines().any(|line| !is_blank(line)));
    documents
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        let rest = rest.trim();
        rest.is_empty() || rest.starts_with('#')
    })
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with("%YAML") || line == "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(usize, &str)]) {
        let found: Vec<_> = split(text).iter().map(|d| (d.first_line, d.text)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn at_lines_of_three_dashes() {
        check("", &[]);
        check("# only a comment\n", &[]);
        check("a: 1\n", &[(1, "a: 1\n")]);
        check("---\na: 1\n--- # next\nb: 2", &[(2, "a: 1\n"), (4, "b: 2")]);
        check("a: |\n  ---\n  x\n---\nb: 1\n", &[(1, "a: |\n  ---\n  x\n"), (5, "b: 1\n")]);
        check("a: 1\n---\n---\n# nothing\n---\nb: 2\n", &[(1, "a: 1\n"), (6, "b: 2\n")]);
        check("----\n", &[(1, "----\n")]);
    }
}
