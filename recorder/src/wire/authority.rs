//! The certificate authority of one run: made when it starts, held in memory, gone when it ends. It
//! never enters a system's store; clients are told of it by a variable or a file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use crate::{Error, Result};

/// How long its certificates last: longer than any run, shorter than anything worth stealing.
const LASTS: Duration = Duration::days(2);
/// How many hosts have a certificate ready.
const MOST_HOSTS: usize = 1000;

/// Signs certificates for the hosts that clients ask for. All of these have one key, which is as secret as
/// that of the authority.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    key: KeyPair,
    now: OffsetDateTime,
    configs: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::new(format!("making a certificate: {error}"))
}

impl Authority {
    /// A new one; `now` is in seconds since the Unix epoch.
    pub fn new(now: i64) -> Result<Authority> {
        let now = OffsetDateTime::from_unix_timestamp(now).map_err(wrong)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(wrong)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "gate, for this run only");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (now - Duration::DAY, now + LASTS);
        let key = KeyPair::generate().map_err(wrong)?;
        let pem = params.self_signed(&key).map_err(wrong)?.pem();
        let (issuer, key) = (Issuer::new(params, key), KeyPair::generate().map_err(wrong)?);
        Ok(Authority { pem, issuer, key, now, configs: Mutex::default() })
    }

    /// Its own certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The SHA-256 of the public key that all its certificates have (of its SubjectPublicKeyInfo) in Base64,
    /// as browsers take keys that are to be trusted.
    pub fn fingerprint(&self) -> String {
        use base64::Engine as _;
        use rcgen::PublicKeyData as _;
        let digest =
            ring::digest::digest(&ring::digest::SHA256, &self.key.subject_public_key_info());
        base64::engine::general_purpose::STANDARD.encode(digest)
    }

    /// How to speak as a host, which may be an IP address; without a port.
    pub(super) fn config(&self, host: &str) -> Result<Arc<ServerConfig>> {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let mut configs = self.configs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(config) = configs.get(&host) {
            return Ok(Arc::clone(config));
        }
        if configs.len() >= MOST_HOSTS {
            configs.clear();
        }
        let config = Arc::new(self.signed(&host)?);
        configs.insert(host, Arc::clone(&config));
        Ok(config)
    }

    fn signed(&self, host: &str) -> Result<ServerConfig> {
        // An address becomes an address in the certificate, as clients want it.
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(wrong)?;
        params.distinguished_name.push(DnType::CommonName, host);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = (self.now - Duration::DAY, self.now + LASTS);
        let certificate = params.signed_by(&self.key, &self.issuer).map_err(wrong)?;
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(wrong)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The authorities that this system trusts, in PEM, for clients that take one file for all.
pub fn system_authorities() -> String {
    use base64::Engine as _;
    let mut pem = String::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let coded = base64::engine::general_purpose::STANDARD.encode(&certificate);
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in coded.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}
