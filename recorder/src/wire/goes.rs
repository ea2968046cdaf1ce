//! Where a request goes.

use http::header;
use http::request;

use super::{Front, State};
use crate::canonical::{Address, Origin};

/// How a request has come here.
#[derive(Debug, Default)]
pub(super) struct Via {
    /// Inside a tunnel.
    pub(super) scheme: &'static str,
    /// Where the tunnel goes; none outside of one.
    pub(super) authority: Option<String>,
    /// Who opened the tunnel.
    pub(super) user: String,
}

/// Where a request goes.
pub(super) struct Goes {
    /// For the recording and for upstream: absolute, or only a path when nobody says where to.
    pub(super) url: String,
    pub(super) origin: Origin,
}

/// Where a request goes, from its address, the tunnel it came through or the service that this
/// stands for.
pub(super) fn goes(state: &State, via: &Via, head: &request::Parts) -> Result<Goes, &'static str> {
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let absolute = |scheme: &str, host: &str| {
        let url = format!("{scheme}://{host}{path}");
        let origin = Address::of(&url).origin();
        Goes { url, origin }
    };
    if let Some(authority) = &via.authority {
        // The Host that is asked for inside a tunnel may differ from where the tunnel goes.
        let default = if via.scheme == "https" { ":443" } else { ":80" };
        let host = authority.strip_suffix(default).unwrap_or(authority);
        return Ok(absolute(via.scheme, host));
    }
    let named = head.uri.authority().map(http::uri::Authority::as_str);
    let host = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    match &state.front {
        Front::Forward => match (head.uri.scheme_str(), named) {
            (Some(scheme), Some(host)) => Ok(absolute(scheme, host)),
            _ => Err("this is a proxy: set it as http_proxy, and ask for whole addresses"),
        },
        Front::Reverse { target: Some(target) } => {
            let target = target.trim_end_matches('/');
            let url = format!("{target}{path}");
            let origin = Address::of(&url).origin();
            Ok(Goes { url, origin })
        }
        Front::Reverse { target: None } => match named.or(host) {
            Some(host) if !is_own(state, host) => {
                let mut goes = absolute("http", host);
                // A reverse proxy cannot tell what scheme is meant.
                goes.origin.scheme = None;
                goes.origin.host = Some(host.to_ascii_lowercase());
                Ok(goes)
            }
            _ => Ok(Goes { url: path.to_owned(), origin: Origin::default() }),
        },
    }
}

/// Whether a host is the listener itself.
fn is_own(state: &State, host: &str) -> bool {
    if host == state.own_host {
        return true;
    }
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    port.parse() == Ok(state.address.port())
        && (name == "localhost"
            || name.trim_matches(['[', ']']).parse() == Ok(state.address.ip())
            || state.address.ip().is_unspecified())
}
