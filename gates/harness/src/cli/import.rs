//! `gate import`: a file of another tool becomes a spec of ours.

use std::ffi::OsStr;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use gate_core::spec::{Diagnosis, Reading, SpecFile, With};
use gate_core::{Error, ExitCode, Imported, Importer, Registry, files};

use super::args::Import;
use super::{Session, print};
use crate::reporters::clean_line;
use crate::usage::Stop;

/// Larger than any recording that somebody would want as a spec, in bytes.
const LARGEST_INPUT: u64 = 256 << 20;

pub(super) fn import(session: &Session, args: &Import) -> Result<ExitCode, Stop> {
    let folder = &session.ambient.folder;
    if let Some(out) = &args.out {
        refuse_to_overwrite(&folder.join(out))?;
    }
    let format = args.format.as_deref();
    let address = args.file.to_str().filter(|file| is_address(file));
    let (importer, bytes, name) = if let Some(address) = address {
        let importer = choose_fetching(&session.registry, format)?;
        let cx = session.context(&session.project()?)?;
        let bytes = importer.fetch.map(|fetch| fetch(address, &cx)).transpose();
        let bytes = bytes.map_err(|error| Stop::Usage(error.while_doing("opening the page")))?;
        (importer, bytes.unwrap_or_default(), without_secrets(address).into())
    } else {
        if let Some(format) = format.filter(|format| fetches(&session.registry, format)) {
            let said = format!("`{}` is no address, and a {format} has one", args.file.display());
            return Err(Stop::usage_hint(
                said,
                "write it with its scheme: https://www.example.com/",
            ));
        }
        let bytes = read(&folder.join(&args.file))?;
        let importer = choose(&session.registry, format, &bytes)?;
        let name = args.file.file_name().unwrap_or(OsStr::new("a file")).to_string_lossy();
        (importer, bytes, name)
    };
    let imported = (importer.import)(&bytes).map_err(|error| {
        let what = format!("{name} cannot be imported as {}", importer.format);
        Stop::Usage(error.while_doing(what))
    })?;
    let spec = headed(&imported, &name, importer.format);
    let shown = args.out.as_ref().map_or_else(|| name.to_string(), |out| out.display().to_string());
    hold(&session.registry, &spec, &shown)?;
    for line in &imported.left_out {
        print::err(&format!("not carried over: {}\n", clean_line(line)));
    }
    match &args.out {
        None => print::out(&spec),
        Some(out) => {
            write(&folder.join(out), &spec)?;
            print::err(&format!("wrote {}\n", clean_line(&shown)));
        }
    }
    Ok(ExitCode::PROMOTE)
}

fn refuse_to_overwrite(out: &Path) -> Result<(), Stop> {
    if out.symlink_metadata().is_ok() {
        let message = format!("{} is there already, and an import replaces nothing", out.display());
        return Err(Stop::usage_hint(message, "name another file with --out, or move that one"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let wrong = |error: std::io::Error| Stop::usage(format!("reading {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(wrong)?;
    file.take(LARGEST_INPUT + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > LARGEST_INPUT {
        return Err(Stop::usage(format!("{} is larger than 256 MiB", path.display())));
    }
    Ok(bytes)
}

fn is_address(file: &str) -> bool {
    file.starts_with("http://") || file.starts_with("https://")
}

/// An address without who asks and without its query, in which tokens are.
fn without_secrets(address: &str) -> String {
    let plain = address.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = plain.split_once("://").unwrap_or_default();
    let (host, path) = rest
        .split_once('/')
        .map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or_default())
}

fn fetches(registry: &Registry, format: &str) -> bool {
    registry.importers().any(|importer| importer.format == format && importer.fetch.is_some())
}

/// The importer for an address: the one that was named, or the only one that there is.
fn choose_fetching<'a>(registry: &'a Registry, format: Option<&str>) -> Result<&'a Importer, Stop> {
    let all: Vec<&Importer> =
        registry.importers().filter(|importer| importer.fetch.is_some()).collect();
    let names = all.iter().map(|importer| importer.format).collect::<Vec<_>>().join(", ");
    let found = match (format, &all[..]) {
        (None, [only]) => Some(*only),
        (None, _) => None,
        (Some(format), all) => all.iter().copied().find(|importer| importer.format == format),
    };
    found.ok_or_else(|| {
        let said = match format {
            Some(format) => format!("`{format}` is read from a file, and this is an address"),
            None => "this is an address, and it is not said of what".to_owned(),
        };
        Stop::usage_hint(said, format!("formats that have addresses: {names}"))
    })
}

/// The importer that was named, or the only one that knows the file.
fn choose<'a>(
    registry: &'a Registry,
    format: Option<&str>,
    bytes: &[u8],
) -> Result<&'a Importer, Stop> {
    let all: Vec<&Importer> = registry.importers().collect();
    let formats = |of: &[&Importer]| of.iter().map(|i| i.format).collect::<Vec<_>>().join(", ");
    let Some(format) = format else {
        let knows: Vec<&Importer> =
            all.iter().copied().filter(|importer| (importer.recognises)(bytes)).collect();
        return match knows[..] {
            [only] => Ok(only),
            [] => Err(Stop::usage_hint(
                "this is no file of a format that is known here",
                format!("the formats are: {}", formats(&all)),
            )),
            _ => Err(Stop::usage_hint(
                format!("this may be any of: {}", formats(&knows)),
                "name the format: gate import FORMAT FILE",
            )),
        };
    };
    all.iter().copied().find(|importer| importer.format == format).ok_or_else(|| {
        let near = gate_core::spec::did_you_mean(format, all.iter().map(|i| i.format));
        let hint = near.unwrap_or_else(|| format!("the formats are: {}", formats(&all)));
        Stop::usage_hint(format!("there is no format `{format}` to import"), hint)
    })
}

/// The spec with a head that says where it comes from and what is missing.
fn headed(imported: &Imported, file: &str, format: &str) -> String {
    let mut text = format!("# Imported from {} ({format}).\n", clean_line(file));
    if !imported.left_out.is_empty() {
        text.push_str("#\n# Not carried over:\n");
        for line in &imported.left_out {
            let _ = writeln!(text, "#   - {}", clean_line(line));
        }
    }
    text.push_str(&imported.spec);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Reads the spec back as a run would: nobody is handed a spec that does not load.
fn hold(registry: &Registry, spec: &str, shown: &str) -> Result<(), Stop> {
    let broken = |diagnosis: Diagnosis| {
        Stop::Failed(
            Error::new(format!("the imported spec does not load: {diagnosis}"))
                .hint("this is a bug in the importer; report it with the file"),
        )
    };
    let file = SpecFile::new(PathBuf::from(shown), shown.to_owned(), spec.as_bytes());
    // Whether a variable is set is a matter of the run, not of the import.
    let vars = |_: &str| Some(String::from("1"));
    for document in file.map_err(broken)?.documents(&vars) {
        let document = document.map_err(broken)?;
        let reading = Reading::expanding(&vars);
        let Some(kind) = registry.get(&document.header.gate) else {
            return Err(Stop::Failed(Error::new(format!(
                "the imported spec is of the kind `{}`, which is not there",
                document.header.gate
            ))));
        };
        let with = With { node: &document.with, reading: &reading };
        let settings = kind.gate().read(with).map_err(|error| broken(document.diagnose(&error)))?;
        if let Some(problem) = kind.gate().validate(&settings).first() {
            return Err(broken(document.locate(problem)));
        }
    }
    Ok(())
}

fn write(out: &Path, text: &str) -> Result<(), Error> {
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    files::make_folder(folder)?;
    files::write_atomically(out, text.as_bytes(), folder)
}

/// What `gate import --help` says of the formats.
pub(super) fn formats(registry: &Registry) -> String {
    let width = registry.importers().map(|importer| importer.format.len()).max().unwrap_or(0);
    let mut text = String::from("Formats:\n");
    for importer in registry.importers() {
        let _ = writeln!(text, "  {:width$}  {}", importer.format, importer.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate_core::{Context, Gate, Given, Kind, Outcome, UnitId};

    /// A kind whose settings are one number, with two formats.
    struct Count;

    #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        count: u8,
    }

    impl Gate for Count {
        const KIND: &'static str = "count";
        type Spec = Settings;
        type Observation = u8;
        async fn measure(&self, spec: &Settings, _: &[UnitId], _: &Context) -> Result<u8, Error> {
            Ok(spec.count)
        }
        fn judge(&self, _: &Settings, _: &u8, _: &Given<'_>) -> Result<Outcome, Error> {
            Ok(Outcome::default())
        }
    }

    fn registry() -> Registry {
        let importer = |format, recognises: fn(&[u8]) -> bool| Importer {
            format,
            about: "a number",
            recognises,
            import: |bytes| {
                let count = String::from_utf8_lossy(bytes);
                let spec = format!("gate: count\nname: n\nwith: {{ count: {count} }}\n");
                Ok(Imported { spec, left_out: vec!["a\nname: b".to_owned()] })
            },
            fetch: None,
        };
        let kind = Kind::of(Count, "counts")
            .importer(importer("digits", |bytes| bytes.iter().all(u8::is_ascii_digit)))
            .importer(importer("hex", |bytes| bytes.iter().all(u8::is_ascii_hexdigit)));
        let mut registry = Registry::default();
        registry.add(kind).unwrap();
        registry
    }

    #[test]
    fn addresses_are_for_those_who_open_them() {
        let says = |format: Option<&str>, said: &str| match choose_fetching(&registry(), format) {
            Err(Stop::Usage(error)) => assert_eq!(error.to_string(), said),
            _ => panic!("{format:?} opens no page"),
        };
        says(Some("digits"), "`digits` is read from a file, and this is an address");
        says(None, "this is an address, and it is not said of what");
        let shown = |address: &str, expect: &str| assert_eq!(without_secrets(address), expect);
        shown("https://kim:pw@a.test/x/y?token=1#z", "https://a.test/x/y");
        shown("https://a.test?token=1", "https://a.test");
        shown("http://kim@a.test", "http://a.test");
        assert!(is_address("https://a.test") && !is_address("page.har") && !is_address("http.har"));
    }

    fn check(format: Option<&str>, bytes: &str, expect: Result<&str, &str>) {
        let registry = registry();
        let chosen = choose(&registry, format, bytes.as_bytes()).map(|importer| importer.format);
        match (chosen, expect) {
            (Ok(chosen), Ok(expect)) => assert_eq!(chosen, expect),
            (Err(Stop::Usage(error)), Err(expect)) => {
                let said = format!("{error}; {}", error.advice().unwrap_or_default());
                assert!(said.contains(expect), "{said}");
            }
            (chosen, expect) => panic!("{chosen:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn the_format_is_named_or_recognised() {
        check(Some("hex"), "12", Ok("hex"));
        check(None, "1f", Ok("hex"));
        check(None, "12", Err("this may be any of: digits, hex; name the format"));
        check(None, "xyz", Err("the formats are: digits, hex"));
        check(Some("dijits"), "12", Err("no format `dijits` to import; did you mean `digits`?"));
    }

    #[test]
    fn what_was_left_out_stands_at_the_head_and_stays_a_comment() {
        let importer = registry().importers().next().cloned().unwrap();
        let spec = headed(&(importer.import)(b"7").unwrap(), "n\n.txt", "digits");
        let head = "# Imported from n .txt (digits).\n#\n# Not carried over:\n#   - a name: b\n";
        assert_eq!(spec, format!("{head}gate: count\nname: n\nwith: {{ count: 7 }}\n"));
        hold(&registry(), &spec, "n.yaml").unwrap();
    }

    #[test]
    fn a_spec_that_does_not_load_is_not_handed_out() {
        let spec = "gate: count\nname: n\nwith: { count: 700 }\n";
        let Err(Stop::Failed(error)) = hold(&registry(), spec, "n.yaml") else { panic!() };
        assert!(error.message().contains("n.yaml:3:16: expected u8"), "{error}");
    }
}
