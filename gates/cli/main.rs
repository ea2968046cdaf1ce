//! May this version be promoted?
//!
//! This file lists the kinds, and little else.

use std::process::ExitCode;

fn main() -> ExitCode {
    gate::cli().run()
}
