//! Getting a session from a driver.

use std::{fmt::Display, path::Path, time::Duration};

use tokio::time::{Instant, sleep};
use url::Url;

use crate::{
    Error, Launch,
    capabilities::{Machine, capabilities},
    driver::{Driver, Program, announced_by_chromedriver, hint_for},
    remote::{normalise, shown},
    wire::{FORWARDING, Fault, Wire},
};

/// Between two requests for a session.
const AGAIN: Duration = Duration::from_millis(500);

/// A ChromeDriver, as a program to start.
pub(crate) fn chromedriver(path: &Path) -> Program<'_> {
    Program {
        path,
        arguments: &|_| vec!["--port=0".to_owned()],
        announced: announced_by_chromedriver,
        port: None,
        missing: "install ChromeDriver, or say where it is",
    }
}

/// A browser started by our own driver. The driver is ended when there is none.
pub(crate) async fn local(
    mut driver: Driver,
    launch: &Launch,
    chromium: Option<&Path>,
    until: Instant,
) -> Result<(Driver, Wire), Error> {
    let machine = Machine::here(driver.folder(), chromium);
    let asked = capabilities(launch, &machine);
    let fault = match Url::parse(driver.address()) {
        Ok(endpoint) => match Wire::open(endpoint, &asked, until).await {
            Ok(wire) => return Ok((driver, wire)),
            Err(fault) => fault,
        },
        Err(error) => Fault::Lost(error.to_string()),
    };
    let reason = match fault {
        Fault::Deadline(_) => format!("no browser within {:?}", launch.start_deadline),
        // It may only be about to: its connection goes first.
        Fault::Lost(reason) if driver.ends_within(Duration::from_millis(300)).await => {
            format!("it ended ({reason})")
        }
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
    loop {
        let fault = match Wire::open(endpoint.clone(), &asked, until).await {
            Ok(wire) => return Ok(wire),
            Err(fault) => fault,
        };
        match fault {
            // A Grid takes some seconds to notice that a node has gone.
            Fault::Lost(reason) if reason.contains(FORWARDING) && Instant::now() < until => {
                sleep(AGAIN).await;
            }
            Fault::Deadline(_) | Fault::PageTimeout => {
                return Err(failed(
                    &format!("no browser became free within {:?}", launch.start_deadline),
                    "use fewer sessions at a time, or allow more time",
                ));
            }
            Fault::Lost(reason) => {
                return Err(failed(&reason, "is a WebDriver endpoint listening there?"));
            }
            Fault::Answer(code, message) => {
                return Err(failed(
                    &format!("{code}: {message}"),
                    "does it offer the browser and version that were asked for?",
                ));
            }
        }
    }
}
