//! What is asked, and where that is.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use gate_core::Error;
use load::{Origin, Protocol, Request, Stage, Tls};
use percent_encoding::percent_decode_str;
use redact::{Cleaner, Redactor};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::exchanges::fresh_key;
use crate::script::{Log, Reasons, Replayed, Shared, Visitors};

/// One version that is asked.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Its address.
    pub(crate) url: Url,
    /// Its servers. What their names stand for is looked up once.
    pub(crate) origins: Vec<Origin>,
    /// What is asked before all else, and the number of the server that it goes to.
    pub(crate) first: (Request, usize),
    /// What is sent.
    pub(crate) asks: load::Asks,
    /// When it is sent, where a log says that.
    pub(crate) shape: Option<Vec<Stage>>,
    /// Why answers were not as expected.
    pub(crate) reasons: Arc<Reasons>,
}

/// What a request has besides its address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asks {
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Authorities besides the system's, in PEM.
    pub(crate) authorities: Option<Vec<u8>>,
    pub(crate) protocol: Protocol,
}

/// An address of a service: absolute, in HTTP.
pub(crate) fn parse(text: &str) -> Result<Url, Error> {
    let hint = "write it with its scheme: https://shop.example.com/offers";
    // What stands before an @ may be a password.
    let shown = text.rsplit('@').next().unwrap_or(text);
    let url = Url::parse(text)
        .map_err(|error| Error::new(format!("`{shown}` is no address: {error}")).hint(hint))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(Error::new(format!("`{shown}` is no address of a web server")).hint(hint));
    }
    Ok(url)
}

impl Target {
    /// Looks its host up and makes the request.
    pub(crate) fn new(url: Url, asks: &Asks) -> Result<Target, Error> {
        let mut target = Target::elsewhere(url, asks)?;
        target.origins = vec![origin(&target.url, asks)?];
        Ok(target)
    }

    /// One that others ask: its host need not be known here.
    pub(crate) fn elsewhere(url: Url, asks: &Asks) -> Result<Target, Error> {
        let host = url.host_str().unwrap_or_default();
        let named = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let mut headers = asks.headers.clone();
        if !url.username().is_empty() && !has(&headers, "authorization") {
            let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let password = plain(url.password().unwrap_or_default());
            let pair = format!("{}:{password}", plain(url.username()));
            headers.push(("authorization".to_owned(), basic(&pair)));
        }
        let request = Request::new(&asks.method, &path, &named, &headers, &asks.body)
            .map_err(|error| Error::new(error.to_string()))?;
        if asks.protocol != Protocol::Http1 && !request.fits_http2() {
            return Err(Error::new(format!("HTTP/2 has no way to ask for `{path}` of `{named}`"))
                .hint("write what is no plain ASCII with percent signs"));
        }
        Ok(Target {
            origins: Vec::new(),
            url,
            first: (request.clone(), 0),
            asks: load::Asks::One(request),
            shape: None,
            reasons: Arc::default(),
        })
    }

    /// Looks all hosts up that visitors ask.
    pub(crate) fn visited(url: Url, visitors: Visitors, asks: &Asks) -> Result<Target, Error> {
        let (first, number) = visitors.first()?;
        let origins = visitors.origins.iter().map(|url| origin(url, asks));
        let origins = origins.collect::<Result<_, _>>()?;
        let reasons = Arc::clone(&visitors.reasons);
        let first = ((*first).clone(), number);
        let asks = load::Asks::Script(Arc::new(Shared(Arc::new(visitors))));
        Ok(Target { url, origins, first, asks, shape: None, reasons })
    }

    /// What a log has asked for.
    pub(crate) fn replayed(url: Url, log: Log, asks: &Asks) -> Result<Target, Error> {
        Ok(Target {
            origins: vec![origin(&url, asks)?],
            url,
            first: (log.first(), 0),
            shape: Some(log.stages()),
            asks: load::Asks::Script(Arc::new(Replayed(Arc::new(log)))),
            reasons: Arc::default(),
        })
    }

    /// Its address for people.
    pub(crate) fn shown(&self) -> String {
        shown(&self.url)
    }
}

/// An address for people: without who asks, and without what looks like a secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Either of them may be a token; an address with a host can be without them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    match fresh_key() {
        Ok(key) => {
            let cleaner = Cleaner::new(Redactor::default(), &[], key);
            cleaner.url(url.as_str()).into_owned()
        }
        Err(_) => {
            url.set_query(None);
            url.to_string()
        }
    }
}

/// Where a server is, and how it is spoken to.
fn origin(url: &Url, asks: &Asks) -> Result<Origin, Error> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = (bare, port)
        .to_socket_addrs()
        .map_err(|error| {
            Error::new(format!("the host `{host}` is not found: {error}"))
                .hint("is its name right, and does this machine reach the network?")
        })?
        .collect();
    let tls = match url.scheme() {
        "https" => Some(private(bare, asks)?),
        _ => None,
    };
    Ok(Origin { addresses, tls, protocol: asks.protocol })
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// The header for `name:password`.
pub(crate) fn basic(pair: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

fn private(host: &str, asks: &Asks) -> Result<Tls, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in
        CertificateDer::pem_slice_iter(asks.authorities.as_deref().unwrap_or_default())
    {
        let certificate = certificate.map_err(|error| bad_authority(&error))?;
        roots.add(certificate).map_err(|error| bad_authority(&error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let spoken: &[u8] = match asks.protocol {
        Protocol::Http1 => b"http/1.1",
        Protocol::Http2 { .. } => b"h2",
    };
    config.alpn_protocols = vec![spoken.to_vec()];
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new(format!("no certificate can name `{host}`")))?;
    Ok(Tls { config: Arc::new(config), name })
}

fn bad_authority(error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("reading an authority: {error}")).hint("authorities are PEM files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_request() {
        let check = |text: &str, expect: Result<(&str, &str), &str>| {
            let asks = Asks { method: "GET".to_owned(), ..Asks::default() };
            let made = parse(text).and_then(|url| Target::new(url, &asks));
            match (made, expect) {
                (Ok(target), Ok((begins, shown))) => {
                    let sent = String::from_utf8(target.first.0.bytes().to_vec()).unwrap();
                    assert!(sent.starts_with(begins), "{sent}");
                    assert_eq!(target.shown(), shown);
                    assert!(!target.origins[0].addresses.is_empty());
                }
                (Err(error), Err(why)) => assert_eq!(error.to_string(), why),
                (made, _) => panic!("{text}: {made:?}"),
            }
        };
        check(
            "http://127.0.0.1:81/a?b=c d#e",
            Ok((
                "GET /a?b=c%20d HTTP/1.1\r\nhost: 127.0.0.1:81\r\n",
                "http://127.0.0.1:81/a?b=c%20d#e",
            )),
        );
        check("http://[::1]", Ok(("GET / HTTP/1.1\r\nhost: [::1]\r\n", "http://[::1]/")));
        check(
            "https://127.0.0.1/",
            Ok(("GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n", "https://127.0.0.1/")),
        );
        check("http://kim:pass-word@127.0.0.1/", Ok(("GET / HTTP/1.1\r\n", "http://127.0.0.1/")));
        check("127.0.0.1:80", Err("`127.0.0.1:80` is no address: relative URL without a base"));
        check("ftp://host/", Err("`ftp://host/` is no address of a web server"));
        check("localhost:80", Err("`localhost:80` is no address of a web server"));
    }

    #[test]
    fn who_is_named_in_an_address_is_sent() {
        let asks = Asks { method: "GET".to_owned(), ..Asks::default() };
        let target = Target::new(parse("http://kim:p%40w@127.0.0.1/").unwrap(), &asks).unwrap();
        let sent = String::from_utf8(target.first.0.bytes().to_vec()).unwrap();
        assert!(sent.contains("authorization: Basic a2ltOnBAdw==\r\n"), "{sent}");
    }
}
