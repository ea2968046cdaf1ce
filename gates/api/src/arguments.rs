//! The arguments of the commands that this kind brings.

use std::ffi::OsString;

use clap::Parser;
use clap::error::Error;
use gate_core::ExitCode;

/// Parses what stands after `gate VERB`; else prints what there is to say and gives the code to end
/// with. Help goes to standard output and is no mistake.
pub(crate) fn parse<T: Parser>(
    arguments: &[OsString],
    out: impl Fn(&str),
    err: impl Fn(&str),
) -> Result<T, ExitCode> {
    let name = T::command().get_name().to_owned();
    let words = std::iter::once(OsString::from(name)).chain(arguments.iter().cloned());
    T::try_parse_from(words).map_err(|error: Error| {
        let text = error.render().to_string();
        if error.use_stderr() {
            err(&text);
            return ExitCode::USAGE;
        }
        out(&text);
        ExitCode::PROMOTE
    })
}

/// The whole help of a command and of those that stand below it.
pub(crate) fn help_with<T: Parser>(below: &[&str]) -> String {
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
