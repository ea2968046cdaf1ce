//! The `gate` binary as a list of kinds, so that tests can look at what it is made of.

use gate_harness::Cli;

/// The command line with every built-in kind.
pub fn cli() -> Cli {
    Cli::new()
        .with(gate_command::kind())
        .with(gate_visual::kind())
        .command(gate_review::review())
        .command(demo_site::command())
}
