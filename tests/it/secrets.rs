//! No secret reaches disk, log or report.

use std::path::Path;

use crate::environment::Environment;

const SECRET: &str = "kim:p4ss/w0rd+tail";

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn a_program_that_prints_a_secret_is_kept_without_it() {
    let config = "environments:\n  test: { url: http://127.0.0.1:1, basic_auth: \"${secret:PREVIEW}\" }\n\
        secrets:\n  PREVIEW: { env: PREVIEW_AUTH }\n";
    let script = "echo plain $PREVIEW_AUTH; printf %s \"$PREVIEW_AUTH\" | base64; \
        printf %s \"x$PREVIEW_AUTH\" | base64 >&2; printf %s \"$PREVIEW_AUTH\" | od -An -tx1 | tr -d ' \\n'; exit 1";
    let spec = format!(
        "gate: command\nname: a\nwith:\n  run:\n    - sh\n    - -c\n    - |\n      {script}\n"
    );
    let environment = Environment::new(&[("gate.yaml", config), ("specs/a.yaml", &spec)])
        .with("PREVIEW_AUTH", SECRET);
    let ended =
        environment.gate(&["run", "-v", "--report", "bundle=out", "--report", "junit=out.xml"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stderr, ended.stdout);

    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let forms = [SECRET, "a2ltOnA0c3Mvdz", "eGtpbTpwNHNzL3", hex.as_str()];
    let mut found = vec![
        ("standard output".to_owned(), ended.stdout.into_bytes()),
        ("standard error".to_owned(), ended.stderr.into_bytes()),
    ];
    files(environment.path(), &mut found);
    let mut kept = false;
    for (name, bytes) in &found {
        let text = String::from_utf8_lossy(bytes);
        for form in forms {
            // The first characters of `eGtpbTpwNHNz...` hold the `x` before the secret.
            assert!(!text.contains(form), "{name} holds {form}");
        }
        kept |= text.contains("plain ${secret:PREVIEW}");
    }
    assert!(kept, "the output was not kept at all");
}
