//! A reqwest client whose requests are recorded or replayed like those of any other program.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::wire::Proxy;
use crate::{Error, Result};

impl Proxy {
    /// A builder of a client that sends everything through this proxy, HTTPS included, as a session
    /// of its own: the same name has the same place in every queue of answers. It trusts the
    /// proxy's authority and nobody else, so that nothing can go past it. Redirects, cookies and
    /// time-outs are the caller's to set. The error is that this stands for a service, and is no
    /// proxy.
    pub fn client(&self, session: &str) -> Result<reqwest::ClientBuilder> {
        let failed =
            |error: &dyn std::fmt::Display| Error::new(format!("making a client: {error}"));
        let authority = self.authority().ok_or_else(|| {
            Error::new("this stands for a service, and is no proxy")
                .hint("send requests to its address, or start it as a forward proxy")
        })?;
        let mut roots = RootCertStore::empty();
        let certificate =
            CertificateDer::from_pem_slice(authority.as_bytes()).map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let url = format!("http://{}", self.address());
        let mut proxy = reqwest::Proxy::all(url).map_err(|error| failed(&error))?;
        if !session.is_empty() {
            proxy = proxy.basic_auth(session, "");
        }
        Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).proxy(proxy))
    }
}
