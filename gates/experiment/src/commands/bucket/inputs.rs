//! The inputs of all providers' hashes and their settings, as options. They come from the providers'
//! own lists, so that a new provider needs no line here.

use std::collections::BTreeMap;

use bucketing::Input;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

/// Those that were given, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs {
    pub given: BTreeMap<String, String>,
}

impl Inputs {
    /// The id that was given.
    pub fn id(&self) -> Option<&str> {
        self.given.get("id").map(String::as_str)
    }
}

/// Every name, with what it is for whom; names in the order in which providers have them.
fn known() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    let mut all: Vec<(&'static str, Vec<(&'static str, &'static str)>)> = Vec::new();
    for provider in bucketing::all() {
        for Input { name, about } in provider.inputs.iter().chain(provider.settings) {
            let at = all.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                all.push((name, Vec::new()));
                all.len() - 1
            });
            let uses = &mut all[at].1;
            if !uses.contains(&(provider.name, about)) {
                uses.push((provider.name, about));
            }
        }
    }
    all
}

/// What an input is: once where all mean the same, and else for each.
fn help(uses: &[(&str, &str)]) -> String {
    let (_, first) = uses[0];
    if uses.iter().all(|(_, about)| *about == first) {
        return match uses {
            [(provider, _)] => format!("{provider}: {first}"),
            _ if uses.len() == bucketing::all().len() => first.to_owned(),
            _ => {
                let names: Vec<&str> = uses.iter().map(|(provider, _)| *provider).collect();
                format!("{}: {first}", names.join(", "))
            }
        };
    }
    let each: Vec<String> =
        uses.iter().map(|(provider, about)| format!("{provider}: {about}")).collect();
    each.join("\n")
}

impl Args for Inputs {
    fn augment_args(command: Command) -> Command {
        known().into_iter().fold(command, |command, (name, uses)| {
            command.arg(
                Arg::new(name)
                    .long(name)
                    .value_name("TEXT")
                    .allow_hyphen_values(true)
                    .help(help(&uses))
                    .help_heading("Inputs of the hash"),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Inputs::augment_args(command)
    }
}

impl FromArgMatches for Inputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Inputs, Error> {
        let mut inputs = Inputs::default();
        inputs.update_from_arg_matches(matches)?;
        Ok(inputs)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (name, _) in known() {
            if let Some(value) = matches.get_one::<String>(name) {
                self.given.insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }
}
