//! A proxy with a command behind it, or until somebody has had enough.

use gate_core::process::{Group, Program};
use gate_core::{Context, Error, ExitCode};
use recorder::{Outcome, Proxy};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::traffic;

/// What came of it.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// What the command ended with; none when there was none.
    pub(super) code: Option<ExitCode>,
}

/// SIGINT and SIGTERM. Watched from before anybody is told that this process is ready: whoever
/// ends it at once ends it in order.
pub(super) struct Interruption {
    int: Signal,
    term: Signal,
}

impl Interruption {
    pub(super) fn watched() -> Result<Interruption, Error> {
        let (int, term) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Interruption { int: signal(int)?, term: signal(term)? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
        }
    }
}

/// Opens the socket that clients come to.
pub(super) async fn listen(address: &str, cx: &Context) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::new(format!("listening on {address}: {error}"))
            .hint("write an address of this machine and a port: 127.0.0.1:0 takes a free one")
    })?;
    if listener.local_addr().is_ok_and(|address| !address.ip().is_loopback()) {
        cx.complain("gate: other machines are let in, too\n");
    }
    Ok(listener)
}

/// Runs the command through the proxy, or waits until this process is told to end.
pub(super) async fn run(
    proxy: Proxy,
    command: &[String],
    mut interruption: Interruption,
    cx: &Context,
) -> Result<Ended, Error> {
    let code = if command.is_empty() {
        interruption.wait().await;
        None
    } else {
        Some(commanded(&proxy, command, interruption, cx).await?)
    };
    Ok(Ended { outcome: proxy.finish().await, code })
}

async fn commanded(
    proxy: &Proxy,
    command: &[String],
    mut interruption: Interruption,
    cx: &Context,
) -> Result<ExitCode, Error> {
    let folder = cx.scratch()?;
    let program = Program {
        argv: command.to_vec(),
        folder: ".".into(),
        env: traffic::environment(proxy, cx.ambient_all(), &folder)?,
        stdin: Vec::new(),
        keep: 0,
    };
    let mut group = Group::start_attached(&program, cx.ledger())?;
    let status = tokio::select! {
        status = group.child.wait() => status?,
        () = interruption.wait() => return Ok(ExitCode::INTERRUPTED),
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode(u8::try_from(code).unwrap_or(1)))
}
