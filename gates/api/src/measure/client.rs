//! The client of a flow of requests: one jar of cookies, and where answers come from.

use std::sync::Arc;

use base64::Engine;
use gate_core::Error;
use reqwest::cookie::Jar;
use reqwest::redirect::Policy;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How often an answer may send somewhere else.
const REDIRECTS: usize = 10;

/// The clients of a flow, which share a jar of cookies.
pub(super) struct Clients {
    /// Takes every answer as it is.
    pub(super) plain: reqwest::Client,
    /// Follows redirects.
    pub(super) following: reqwest::Client,
}

/// The proxy that answers come from, and the authority that signs for them.
pub(super) struct Through {
    pub(super) url: String,
    pub(super) authority: String,
}

impl Clients {
    /// Trusts the system's authorities and these in PEM; through a recording, its authority.
    pub(super) fn new(
        through: Option<&Through>,
        authorities: Option<&str>,
        is_tls: bool,
    ) -> Result<Clients, Error> {
        let mut roots = RootCertStore::empty();
        if is_tls && through.is_none() {
            // A system that has none may still reach what the spec's own authorities sign.
            for certificate in rustls_native_certs::load_native_certs().certs {
                let _ = roots.add(certificate);
            }
        }
        let own = through.map(|through| through.authority.as_str());
        for pem in own.into_iter().chain(authorities) {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let wrong = |error: &dyn std::fmt::Display| {
                    Error::new(format!("the authorities cannot be read: {error}"))
                        .hint("give certificates in PEM")
                };
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
        let jar = Arc::new(Jar::default());
        let client = |policy: Policy| -> Result<reqwest::Client, Error> {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let failed = |error: &dyn std::fmt::Display| {
                Error::new(format!("the client cannot be made: {error}"))
            };
            let tls = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| failed(&error))?
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            let mut builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .redirect(policy)
                .cookie_provider(Arc::clone(&jar))
                .user_agent(concat!("gate/", env!("CARGO_PKG_VERSION")));
            builder = match through {
                Some(through) => {
                    let proxy = reqwest::Proxy::all(&through.url).map_err(|e| failed(&e))?;
                    builder.proxy(proxy)
                }
                None => builder.no_proxy(),
            };
            builder.build().map_err(|error| failed(&error))
        };
        Ok(Clients {
            plain: client(Policy::none())?,
            following: client(Policy::limited(REDIRECTS))?,
        })
    }
}

/// The header value of basic authentication.
pub(super) fn basic(credentials: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

/// The cause at the bottom: what stands above it repeats the address.
pub(super) fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "it takes too long".to_owned() } else { cause.to_string() }
}
