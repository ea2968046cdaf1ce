//! Whom to believe on the way to the real service.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::{Error, Result};

/// What is said of a service that nobody vouches for.
pub const UNVOUCHED: &str = "nobody whom this machine trusts has signed its certificate";

/// Whether a service was not spoken to because nobody who is trusted has signed its certificate.
pub fn is_unvouched(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) =
            cause.downcast_ref()
        {
            return true;
        }
        // What an input or output error is about is not its source.
        next = match cause.downcast_ref::<std::io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        };
    }
    false
}

/// Believes the authorities of the system and those that were named, and a certificate that was
/// named itself: what `openssl req -x509` makes for a test server is an authority and a server in
/// one, which no chain can end with.
#[derive(Debug)]
pub(super) struct Trust {
    named: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    /// Made for the first certificate that is looked at: to read the system's authorities takes
    /// longer than all else that a replay does before its first answer, and it needs none.
    chains: OnceLock<Result<Arc<WebPkiServerVerifier>, TlsError>>,
}

impl Trust {
    /// With these authorities, in PEM, besides the system's.
    pub(super) fn new(more: Option<&str>, provider: Arc<CryptoProvider>) -> Result<Trust> {
        let wrong = |error: &dyn std::fmt::Display| {
            Error::new(format!("reading a certificate: {error}")).hint("certificates are PEM files")
        };
        let mut named = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(more.unwrap_or_default().as_bytes()) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            RootCertStore::empty().add(certificate.clone()).map_err(|error| wrong(&error))?;
            named.push(certificate);
        }
        Ok(Trust { named, provider, chains: OnceLock::new() })
    }

    fn chains(&self) -> Result<&WebPkiServerVerifier, TlsError> {
        let chains = self.chains.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots.add_parsable_certificates(self.named.iter().cloned());
            let provider = Arc::clone(&self.provider);
            // It is refused to be made of no authority at all.
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|_| TlsError::InvalidCertificate(CertificateError::UnknownIssuer))
        });
        chains.as_deref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if self.named.contains(end_entity) {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            rustls::client::verify_server_name(&certificate, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.chains()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
