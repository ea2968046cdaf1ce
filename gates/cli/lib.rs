//! The `gate` binary as a list of kinds, so that tests can look at what it is made of.

use gate_harness::Cli;

/// The command line with every built-in kind.
pub fn cli() -> Cli {
    let cli = Cli::new()
        .with(gate_command::kind())
        .with(gate_visual::kind())
        .with(gate_api::kind())
        .with(gate_load::kind())
        .with(gate_experiment::kind());
    let commands = gate_review::commands().into_iter();
    commands.fold(cli, Cli::command).command(demo_site::command())
}
