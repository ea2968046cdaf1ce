//! Recorded API integration tests: an application's own tests run against a recording of the
//! services that they use, in any language.

mod arguments;
mod commands;
mod traffic;

use gate_core::Command;

/// `gate record`, `gate replay` and `gate drift`.
pub fn commands() -> Vec<Command> {
    vec![commands::record::command(), commands::replay::command(), commands::drift::command()]
}
