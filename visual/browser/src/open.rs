//! Getting a session from a driver.

use std::{fmt::Display, path::Path};

use tokio::time::Instant;
use url::Url;

use crate::{
    Error, Launch,
    capabilities::{Machine, capabilities},
    driver::{Driver, hint_for},
    remote::{normalise, shown},
    wire::{Fault, Wire},
};

/// Less than this in `/dev/shm` and a browser crashes on a large page.
const ENOUGH_SHARED_MEMORY: u64 = 512 << 20;

/// A browser started by our own driver. The driver is ended when there is none.
pub(crate) async fn local(
    mut driver: Driver,
    launch: &Launch,
    chromium: Option<&Path>,
    until: Instant,
) -> Result<(Driver, Wire), Error> {
    let machine = Machine {
        local: Some((driver.folder(), chromium)),
        is_root: rustix::process::geteuid().is_root(),
        little_shared_memory: little_shared_memory(),
    };
    let asked = capabilities(launch, &machine);
    let fault = match Url::parse(&driver.address()) {
        Ok(endpoint) => match Wire::open(endpoint, &asked, until).await {
            Ok(wire) => return Ok((driver, wire)),
            Err(fault) => fault,
        },
        Err(error) => Fault::Lost(error.to_string()),
    };
    let reason = match fault {
        Fault::Deadline(_) => format!("no browser within {:?}", launch.start_deadline),
        Fault::Lost(reason) if driver.has_ended() => format!("it ended ({reason})"),
        fault => fault.to_string(),
    };
    let output = driver.output();
    driver.end().await;
    let hint = hint_for(&format!("{reason} {output}"));
    Err(Error::DriverStart { reason, output, hint })
}

/// A browser at an endpoint that is already there.
pub(crate) async fn remote(address: &str, launch: &Launch, until: Instant) -> Result<Wire, Error> {
    let endpoint = normalise(address)?;
    let machine = Machine { local: None, is_root: false, little_shared_memory: true };
    let asked = capabilities(launch, &machine);
    let at = shown(address);
    let failed = |reason: &dyn Display, hint: &str| Error::Remote {
        reason: format!("{at}: {reason}"),
        hint: hint.to_owned(),
    };
    Wire::open(endpoint, &asked, until).await.map_err(|fault| match fault {
        Fault::Deadline(_) | Fault::PageTimeout => failed(
            &format!("no browser became free within {:?}", launch.start_deadline),
            "use fewer sessions at a time, or allow more time",
        ),
        Fault::Lost(reason) => failed(&reason, "is a WebDriver endpoint listening there?"),
        Fault::Answer(code, message) => failed(
            &format!("{code}: {message}"),
            "does it offer the browser and version that were asked for?",
        ),
    })
}

#[cfg(target_os = "linux")]
fn little_shared_memory() -> bool {
    rustix::fs::statvfs("/dev/shm")
        .map_or(true, |stat| stat.f_bavail.saturating_mul(stat.f_frsize) < ENOUGH_SHARED_MEMORY)
}

#[cfg(not(target_os = "linux"))]
fn little_shared_memory() -> bool {
    // Only there is a file system in the way.
    let _ = ENOUGH_SHARED_MEMORY;
    false
}
