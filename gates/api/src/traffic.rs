//! A program whose requests go through a proxy of ours: the variables that tell it so.

use std::collections::BTreeMap;
use std::path::Path;

use gate_core::{Error, files};
use recorder::Proxy;

/// Variables that name a proxy; some programs read one spelling only, curl `http_proxy` in small
/// letters alone.
const PROXIES: &[&str] =
    &["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
/// Variables that name a file of trusted authorities.
const AUTHORITIES: &[&str] =
    &["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// The environment of a program that is to use the proxy. The authorities lie in `folder`.
pub(crate) fn environment(
    proxy: &Proxy,
    own: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<BTreeMap<String, String>, Error> {
    let mut environment = own.clone();
    let url = format!("http://{}", proxy.address());
    let Some(authority) = proxy.authority() else {
        environment.insert("GATE_TARGET".to_owned(), url);
        return Ok(environment);
    };
    for name in PROXIES {
        environment.insert((*name).to_owned(), url.clone());
    }
    for name in ["no_proxy", "NO_PROXY"] {
        environment.insert(name.to_owned(), String::new());
    }
    environment.insert("NODE_USE_ENV_PROXY".to_owned(), "1".to_owned());
    let path = folder.join("authorities.pem");
    let pem = format!("{}{authority}", recorder::system_authorities());
    files::write_atomically(&path, pem.as_bytes(), folder)?;
    for name in AUTHORITIES {
        environment.insert((*name).to_owned(), path.display().to_string());
    }
    Ok(environment)
}

/// What to do when a program's requests did not come.
pub(crate) const UNUSED_HINT: &str = "\
the command did not use the proxy. curl, Python's requests and httpx, Go and Ruby read the \
variables that were set; Node does from 24 on (NODE_USE_ENV_PROXY), before that record with \
--target URL and let the program send its requests to GATE_TARGET; Java wants \
-Dhttps.proxyHost and -Dhttps.proxyPort";
