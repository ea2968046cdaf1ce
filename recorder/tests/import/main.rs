//! Importers held against files that the tools themselves wrote (`prepare/prepare.py`), and against
//! the shapes of those that cannot be run here.

mod broken;
mod recorded;
mod shapes;
mod stubs;

use std::fmt::Write as _;
use std::path::Path;

use recorder::Recorded;
use recorder::import::Imported;
use serde::Deserialize;

/// What a cassette has to hold.
#[derive(Debug, Deserialize)]
struct Expected {
    format: String,
    interactions: Vec<Wanted>,
}

/// An interaction, its bodies as SHA-256 of what they are without their codings.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Wanted {
    method: String,
    url: String,
    status: u16,
    request: String,
    response: String,
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn found(one: &Recorded) -> Wanted {
    let (request, response) = (&one.interaction.request, &one.interaction.response);
    Wanted {
        method: request.method.clone(),
        url: request.url.clone(),
        status: response.status,
        request: sha256(request.body.bytes().unwrap()),
        response: sha256(response.body.bytes().unwrap()),
    }
}

/// Holds what was imported against what it has to be.
fn check(name: &str, imported: &Imported, expect: &Expected) {
    assert_eq!(imported.format.name(), expect.format, "{name}");
    let found: Vec<Wanted> = imported.recorded.iter().map(found).collect();
    let both = found.iter().zip(&expect.interactions);
    for (place, (found, wanted)) in both.enumerate() {
        assert_eq!(found, wanted, "{name}, interaction {}", place + 1);
    }
    assert_eq!(found.len(), expect.interactions.len(), "{name}");
    let orders: Vec<u64> = imported.recorded.iter().map(|one| one.order).collect();
    assert!(orders.is_sorted(), "{name}: {orders:?}");
}

/// The folder of what the tools wrote.
fn recordings() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/recorded"))
}
