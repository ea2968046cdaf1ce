//! The client of a flow of requests, and where its answers come from.

use std::sync::Arc;

use gate_core::Error;
use recorder::Proxy;
use reqwest::cookie::Jar;
use reqwest::redirect::Policy;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A client whose answers come from a recording.
pub(super) fn through(proxy: &Proxy, jar: &Arc<Jar>) -> Result<reqwest::Client, Error> {
    built(proxy.client("").map_err(crate::commands::engine_error)?, jar)
}

/// A client that asks the service itself: the system's authorities are trusted, and these in PEM.
pub(super) fn direct(authorities: Option<&str>, jar: &Arc<Jar>) -> Result<reqwest::Client, Error> {
    let mut roots = RootCertStore::empty();
    // A system that has none may still reach what the spec's own authorities sign.
    for certificate in rustls_native_certs::load_native_certs().certs {
        let _ = roots.add(certificate);
    }
    let own = authorities.unwrap_or_default();
    for certificate in CertificateDer::pem_slice_iter(own.as_bytes()) {
        let wrong = |error: &dyn std::fmt::Display| {
            Error::new(format!("the authorities cannot be read: {error}"))
                .hint("give certificates in PEM")
        };
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    built(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy(), jar)
}

/// Redirects are followed by whoever knows which headers may go along.
fn built(builder: reqwest::ClientBuilder, jar: &Arc<Jar>) -> Result<reqwest::Client, Error> {
    let builder = builder.redirect(Policy::none()).cookie_provider(Arc::clone(jar));
    let builder = builder.user_agent(concat!("gate/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("the client cannot be made: {error}"))
}

/// The cause at the bottom: what stands above it repeats the address.
pub(super) fn root(error: &reqwest::Error) -> String {
    if recorder::is_unvouched(error) {
        return recorder::UNVOUCHED.to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "it takes too long".to_owned() } else { cause.to_string() }
}
