//! How commands that kinds bring read their arguments: with clap, of which the core knows nothing.

use std::ffi::OsString;

use clap::Parser;
use gate_core::{Context, ExitCode};

/// Parses what stands after `gate VERB`; else prints what there is to say and gives the code to end
/// with. Help goes to `out`, standard output, and is no mistake.
pub fn parse<T: Parser>(
    arguments: &[OsString],
    out: impl Fn(&str),
    err: impl Fn(&str),
) -> Result<T, ExitCode> {
    let name = T::command().get_name().to_owned();
    let words = std::iter::once(OsString::from(name)).chain(arguments.iter().cloned());
    T::try_parse_from(words).map_err(|error| {
        let text = error.render().to_string();
        if error.use_stderr() {
            err(&text);
            return ExitCode::USAGE;
        }
        out(&text);
        ExitCode::PROMOTE
    })
}

/// The same, printing through a context.
pub fn parse_in<T: Parser>(arguments: &[OsString], cx: &Context) -> Result<T, ExitCode> {
    parse(arguments, |text| cx.print(text), |text| cx.complain(text))
}

/// The whole help of a command and of those of its own commands that are named.
pub fn help<T: Parser>(below: &[&str]) -> String {
    let mut grammar = T::command();
    // So that usage lines name the whole command.
    grammar.build();
    let mut text = grammar.render_long_help().to_string();
    for name in below {
        if let Some(inner) = grammar.find_subcommand_mut(name) {
            let help = inner.render_long_help();
            text.push_str(&format!("\n\n$ {} {name} --help\n\n{help}", T::command().get_name()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Weighs something.
    #[derive(Debug, Parser, PartialEq)]
    #[command(name = "gate weigh")]
    struct Weigh {
        /// In grams.
        #[arg(long)]
        most: u32,
    }

    #[test]
    fn help_is_no_mistake() {
        let check = |words: &[&str], code: Result<Weigh, ExitCode>, said: [&str; 2]| {
            let (out, err) = (RefCell::new(String::new()), RefCell::new(String::new()));
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let parsed = parse::<Weigh>(
                &words,
                |text| out.borrow_mut().push_str(text),
                |text| err.borrow_mut().push_str(text),
            );
            assert_eq!(parsed, code);
            for (text, said) in [out, err].iter().zip(said) {
                assert!(text.borrow().contains(said), "{text:?}");
                assert_eq!(text.borrow().is_empty(), said.is_empty());
            }
        };
        check(&["--most", "3"], Ok(Weigh { most: 3 }), ["", ""]);
        check(&["--help"], Err(ExitCode::PROMOTE), ["Usage: gate weigh --most <MOST>", ""]);
        check(&["--more"], Err(ExitCode::USAGE), ["", "unexpected argument '--more'"]);
        assert!(help::<Weigh>(&[]).starts_with("Weighs something"));
    }
}
