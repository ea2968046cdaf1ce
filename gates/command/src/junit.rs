//! Counting what a JUnit file says. The tests themselves are counted, never the totals that the
//! file claims, because those have been seen to differ.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::measure::Tests;

/// How many names of failed tests are kept.
const NAMES: usize = 20;

pub(crate) fn read(bytes: &[u8]) -> Result<Tests, String> {
    let mut reader = Reader::from_reader(bytes);
    let mut tests = Tests::default();
    let mut current: Option<Case> = None;
    let (mut depth, mut suites) = (0_usize, 0);
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                depth += 1;
                element(&start, &mut current, &mut suites)?;
            }
            Event::Empty(start) => {
                element(&start, &mut current, &mut suites)?;
                if start.local_name().as_ref() == b"testcase" {
                    close(&mut current, &mut tests);
                }
            }
            Event::End(end) => {
                depth = depth.checked_sub(1).ok_or("an element ends that never began")?;
                if end.local_name().as_ref() == b"testcase" {
                    close(&mut current, &mut tests);
                }
            }
            Event::Eof if depth > 0 => return Err("it ends in the middle".to_owned()),
            Event::Eof if suites == 0 => return Err("it holds no test suite".to_owned()),
            Event::Eof => return Ok(tests),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Case {
    name: String,
    failed: bool,
    skipped: bool,
}

fn element(
    start: &BytesStart<'_>,
    case: &mut Option<Case>,
    suites: &mut u32,
) -> Result<(), String> {
    match start.local_name().as_ref() {
        b"testsuite" | b"testsuites" => *suites += 1,
        b"testcase" => {
            let attribute = |name: &str| -> Result<String, String> {
                let found = start.try_get_attribute(name).map_err(|error| error.to_string())?;
                Ok(found.map_or_else(String::new, |a| {
                    String::from_utf8_lossy(a.value.as_ref()).into_owned()
                }))
            };
            let (class, name) = (attribute("classname")?, attribute("name")?);
            let name = if class.is_empty() { name } else { format!("{class} {name}") };
            *case = Some(Case { name, ..Case::default() });
        }
        b"failure" | b"error" => {
            if let Some(case) = case {
                case.failed = true;
            }
        }
        b"skipped" => {
            if let Some(case) = case {
                case.skipped = true;
            }
        }
        _ => {}
    }
    Ok(())
}

fn close(case: &mut Option<Case>, tests: &mut Tests) {
    let Some(case) = case.take() else { return };
    tests.tests += 1;
    if case.failed {
        tests.failures += 1;
        if tests.failed.len() < NAMES {
            tests.failed.push(case.name.chars().take(120).collect());
        }
    } else if case.skipped {
        tests.skipped += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(xml: &str, expect: Result<(u64, u64, u64), &str>) {
        let found = read(xml.as_bytes()).map(|t| (t.tests, t.failures, t.skipped));
        assert_eq!(found, expect.map_err(str::to_owned), "{xml}");
    }

    #[test]
    fn the_shapes_in_the_wild() {
        // pytest
        check(
            r#"<?xml version="1.0"?><testsuites><testsuite tests="3" failures="1"><testcase classname="a" name="x"/><testcase name="y"><failure message="no">trace</failure></testcase><testcase name="z"><skipped/></testcase></testsuite></testsuites>"#,
            Ok((3, 1, 1)),
        );
        // surefire: a suite at the root, and totals that nobody should believe
        check(
            r#"<testsuite tests="9" failures="0"><properties/><testcase name="x"><error/></testcase></testsuite>"#,
            Ok((1, 1, 0)),
        );
        // nested suites, output with markup in it
        check(
            "<testsuites><testsuite><testsuite><testcase name='x'><system-out><![CDATA[<failure>]]></system-out></testcase></testsuite></testsuite></testsuites>",
            Ok((1, 0, 0)),
        );
        check("<testsuites/>", Ok((0, 0, 0)));
    }

    #[test]
    fn what_is_no_junit() {
        check("<html></html>", Err("it holds no test suite"));
        check("hello", Err("it holds no test suite"));
        check("<testsuite><testcase name='x'>", Err("it ends in the middle"));
        assert!(read(b"<testsuite></other>").is_err());
    }
}
