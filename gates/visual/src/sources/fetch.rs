//! Fetching a list from a running version of the site.

use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use gate_core::{Context, Environment, Error};
use hyper_rustls::ConfigBuilderExt;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use std::io::Read;
use url::Url;

use crate::settings::Settings;

/// What a sitemap may weigh, unpacked: the limit of its own standard.
const LARGEST: usize = 50 << 20;
/// How often a site may send somewhere else.
const REDIRECTS: usize = 5;
/// How long a site may take to answer that it is there.
const CONNECT: Duration = Duration::from_secs(8);

/// A running version of the site, as an entry's pages are asked for.
pub(super) struct Site<'a> {
    pub(super) environment: &'a Environment,
    client: reqwest::Client,
    headers: HeaderMap,
}

impl<'a> Site<'a> {
    /// With the environment's headers, cookies and credentials, and those of the entry.
    pub(super) fn new(
        environment: &'a Environment,
        settings: &Settings,
        entry: usize,
        cx: &Context,
    ) -> Result<Site<'a>, Error> {
        let look = settings.look_of(entry);
        let mut headers = HeaderMap::new();
        let mut add = |name: &str, value: &str| -> Result<(), Error> {
            let wrong = || Error::new(format!("the header {name} cannot be sent"));
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
            Ok(())
        };
        for (name, value) in environment.headers.iter().chain(&look.headers) {
            add(name, &cx.reveal(value)?)?;
        }
        let mut cookies = environment.cookies.clone();
        cookies.extend(look.cookies);
        let pairs = cookies
            .iter()
            .map(|(name, value)| Ok(format!("{name}={}", cx.reveal(value)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        if !pairs.is_empty() {
            add("cookie", &pairs.join("; "))?;
        }
        if let Some(auth) = look.basic_auth.as_ref().or(environment.basic_auth.as_ref()) {
            use base64::Engine;
            let encoded = base64::engine::general_purpose::STANDARD.encode(cx.reveal(auth)?);
            add("authorization", &format!("Basic {encoded}"))?;
        }
        let client = client(environment.url.scheme() == "https", settings.page_timeout.0)?;
        Ok(Site { environment, client, headers })
    }

    /// The address of a path.
    pub(super) fn at(&self, path: &str) -> Result<Url, Error> {
        let base = self.environment.url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}"))
            .map_err(|error| Error::new(format!("`{path}` makes no address: {error}")))
    }

    /// What a path answers, unpacked; none when the site says that there is no such thing.
    ///
    /// A redirect is followed on the same site only: headers with secrets go nowhere else.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let name = &self.environment.name;
        let mut url = self.at(path)?;
        for _ in 0..=REDIRECTS {
            let failed = |error: &dyn std::fmt::Display| {
                Error::new(format!("{path} of {name} cannot be read: {error}"))
            };
            let request = self.client.get(url.clone()).headers(self.headers.clone());
            let mut answer = request.send().await.map_err(|error| {
                let said = failed(&root(&error));
                if error.is_connect() {
                    return said.hint("is the site running, and is that its address?");
                }
                said
            })?;
            let status = answer.status();
            if status.is_redirection()
                && let Some(to) = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok())
            {
                let to = url.join(to).map_err(|error| failed(&error))?;
                if to.origin() != url.origin() {
                    let other = to.origin().ascii_serialization();
                    return Err(failed(&format_args!("it is sent on to {other}"))
                        .hint("is the address of the environment the final one?"));
                }
                url = to;
                continue;
            }
            if matches!(status.as_u16(), 404 | 410) {
                return Ok(None);
            }
            if !status.is_success() {
                return Err(failed(&format_args!(
                    "the site answers with status {}",
                    status.as_u16()
                )));
            }
            let mut bytes = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(|error| failed(&root(&error)))? {
                bytes.extend_from_slice(&part);
                if bytes.len() > LARGEST {
                    return Err(failed(&"it is larger than 50 MiB"));
                }
            }
            return unpacked(bytes).map(Some).map_err(|error| failed(&error));
        }
        Err(Error::new(format!("{path} of {name} is sent on more than {REDIRECTS} times")))
    }
}

/// The cause at the bottom: what stands above it repeats the address.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "it takes too long".to_owned() } else { cause.to_string() }
}

/// The bytes, unpacked when they are a gzip file, whatever the site says of them.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let mut decoder = GzDecoder::new(bytes.as_slice()).take(LARGEST as u64 + 1);
    decoder.read_to_end(&mut plain).map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if plain.len() > LARGEST {
        return Err("it is larger than 50 MiB when unpacked".to_owned());
    }
    Ok(plain)
}

/// A client that trusts what the machine trusts. The certificates are looked for only when they
/// are needed: a small machine may have none, and a site on loopback needs none.
fn client(tls: bool, timeout: Duration) -> Result<reqwest::Client, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(format!("the client for fetching lists cannot be made: {error}"))
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    let config = if tls {
        config.with_native_roots().map_err(|error| {
            failed(&error).hint("install the certificates of this system: ca-certificates")
        })?
    } else {
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(config.with_no_client_auth())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("gate")
        .connect_timeout(CONNECT)
        .timeout(timeout)
        .build()
        .map_err(|error| failed(&error))
}
