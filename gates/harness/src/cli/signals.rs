//! SIGINT and SIGTERM: the first asks, the second insists.

use std::sync::{Arc, Mutex, PoisonError};

use gate_core::Interruption;
use gate_core::ledger::Ledger;
use tokio::signal::unix::{SignalKind, signal};

use crate::runner::Interrupt;

/// The ledger of the run under way, for a signal that insists.
pub type Held = Arc<Mutex<Option<Arc<Ledger>>>>;

/// Watches for signals for as long as the runtime lives; called within it.
pub fn watch(interrupt: Interrupt, held: Held) -> std::io::Result<()> {
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            let by = tokio::select! {
                _ = int.recv() => Interruption::Interrupt,
                _ = term.recv() => Interruption::Terminate,
            };
            if asked {
                insist(by, &held);
            }
            asked = true;
            tracing::warn!(
                "interrupted: ending what runs and writing the report; once more ends at once"
            );
            interrupt.by(by);
        }
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the second signal ends the process wherever it is")]
fn insist(by: Interruption, held: &Held) -> ! {
    if let Some(ledger) = held.lock().unwrap_or_else(PoisonError::into_inner).take() {
        ledger.close();
    }
    std::process::exit(by.exit_code().0.into())
}
