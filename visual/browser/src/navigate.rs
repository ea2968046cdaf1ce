//! From an address to a loaded page, or to the reason why there is none.

use std::time::Duration;

use tokio::{net::lookup_host, time::sleep};
use url::{Host, Url};

use crate::{Error, Launch, channel::Channel, remote::host_of, wire::Fault};

/// When it is said that a name does not resolve, even if the browser still tries.
const NAME_DEADLINE: Duration = Duration::from_secs(8);
/// The address of a shot, if it is one that may be captured.
pub(crate) fn admissible(address: &str, allow_file: bool) -> Result<Url, Error> {
    let wrong = |reason: String| Error::BadUrl { reason };
    let url = Url::parse(address.trim()).map_err(|error| wrong(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "file" if allow_file => Ok(url),
        "file" => Err(wrong("local files have to be allowed explicitly".to_owned())),
        scheme => Err(wrong(format!("`{scheme}:` is not http or https"))),
    }
}

/// Loads the page, waiting for its load event for at most `deadline`.
pub(crate) async fn load(
    channel: &Channel,
    url: &Url,
    deadline: Duration,
    resolves_here: bool,
) -> Result<(), Error> {
    let host = host_of(url);
    let loaded = channel.go(url.as_str(), deadline);
    let answer = tokio::select! {
        answer = loaded => answer,
        // Only a name that is still unknown then ends the race.
        () = name_is_missing(url), if resolves_here && deadline > NAME_DEADLINE => {
            return Err(Error::NameNotResolved { host: name_of(url) });
        }
    };
    answer.map_err(|fault| match fault {
        Fault::PageTimeout => Error::NavigationTimeout { host, after: deadline },
        Fault::Deadline(_) => Error::SessionLost {
            reason: format!("the browser did not come back from loading a page of {host}"),
        },
        Fault::Lost(reason) => Error::SessionLost { reason },
        Fault::Answer(code, message) => match net_error(&message) {
            Some(reason) => from_net_error(url, reason),
            None if code == "insecure certificate" => Error::Tls { host, reason: message },
            None => Error::Navigation { host, reason: message },
        },
    })
}

/// The error behind one of the browser's names for what went wrong on the network.
pub(crate) fn from_net_error(url: &Url, name: &str) -> Error {
    let host = host_of(url);
    let reason = name.to_owned();
    match name {
        "ERR_CONNECTION_REFUSED" => Error::Refused { host },
        "ERR_NAME_NOT_RESOLVED" | "ERR_NAME_RESOLUTION_FAILED" | "ERR_DNS_TIMED_OUT" => {
            Error::NameNotResolved { host: name_of(url) }
        }
        name if name.starts_with("ERR_CERT_") || name.starts_with("ERR_SSL_") => {
            Error::Tls { host, reason }
        }
        _ => Error::Navigation { host, reason },
    }
}

/// The first `ERR_SOMETHING` in a text.
pub(crate) fn net_error(text: &str) -> Option<&str> {
    let rest = &text[text.find("ERR_")?..];
    let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// Whether the browser leaves the resolving of names to a proxy.
pub(crate) fn uses_proxy(launch: &Launch) -> bool {
    let by_variable = launch
        .env
        .iter()
        .any(|(name, _)| name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy"));
    let by_argument = launch.arguments.iter().any(|argument| argument.contains("proxy"));
    launch.proxy.is_some()
        || by_variable
        || by_argument
        || launch.capabilities.contains_key("proxy")
}

fn name_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// Returns when the name of the host has not resolved by [`NAME_DEADLINE`]; else never.
/// A browser may go on trying for longer than anybody wants to wait to hear it.
async fn name_is_missing(url: &Url) {
    if let Some(Host::Domain(name)) = url.host()
        && name != "localhost"
        && !name.ends_with(".localhost")
    {
        let look = lookup_host((name, url.port_or_known_default().unwrap_or(80)));
        let (found, ()) = tokio::join!(
            async { matches!(tokio::time::timeout(NAME_DEADLINE, look).await, Ok(Ok(_))) },
            sleep(NAME_DEADLINE)
        );
        if !found {
            return;
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_address(address: &str, allow_file: bool, expect: Result<&str, &str>) {
        match (admissible(address, allow_file), expect) {
            (Ok(url), Ok(want)) => assert_eq!(url.as_str(), want),
            (Err(error), Err(want)) => {
                assert!(error.to_string().contains(want), "{address}: {error}");
            }
            (got, want) => panic!("{address}: {got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn addresses_that_may_be_captured() {
        check_address("http://a.test/x?y#z", false, Ok("http://a.test/x?y#z"));
        check_address(" https://a.test ", false, Ok("https://a.test/"));
        check_address("file:///etc/passwd", false, Err("allowed explicitly"));
        check_address("file:///srv/mail.html", true, Ok("file:///srv/mail.html"));
        check_address("javascript:alert(1)", true, Err("`javascript:`"));
        check_address("data:text/html,x", true, Err("`data:`"));
        check_address("chrome://settings", true, Err("`chrome:`"));
        check_address("/pricing", false, Err("relative URL"));
        check_address("http://", false, Err("empty host"));
    }

    fn check_net(message: &str, expect: &str) {
        let url = Url::parse("https://a.test:8443/x").unwrap();
        let error = from_net_error(&url, net_error(message).unwrap());
        assert_eq!(error.to_string(), expect, "{message}");
    }

    #[test]
    fn names_of_network_errors() {
        check_net(
            "unknown error: net::ERR_CONNECTION_REFUSED",
            "a.test:8443 refused the connection",
        );
        check_net("net::ERR_NAME_NOT_RESOLVED\n (x)", "the name a.test does not resolve");
        let tls = "no trusted connection to a.test:8443: ERR_CERT_DATE_INVALID";
        check_net("net::ERR_CERT_DATE_INVALID", tls);
        check_net("x ERR_EMPTY_RESPONSE.", "no page from a.test:8443: ERR_EMPTY_RESPONSE");
        assert_eq!(net_error("all is well"), None);
    }
}
