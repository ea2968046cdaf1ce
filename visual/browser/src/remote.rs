//! The address of a remote driver.

use url::Url;

use crate::Error;

/// The address in the form that the client library needs: with a slash at its end, since it joins
/// command paths to it and would otherwise lose the last segment of `/wd/hub`.
pub(crate) fn normalise(address: &str) -> Result<Url, Error> {
    let wrong = |reason: &str| Error::Remote {
        reason: format!("`{}` is not its address: {reason}", shown(address)),
        hint: "an address looks like http://grid.example.com:4444/wd/hub".to_owned(),
    };
    let mut url = Url::parse(address.trim()).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("only http and https will do"));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// The address as it may be shown: without user, password, query and fragment. What does not
/// parse is not shown at all, since there is no telling where a password stands in it.
pub(crate) fn shown(address: &str) -> String {
    let Ok(mut url) = Url::parse(address.trim()) else { return "(not an address)".to_owned() };
    if url.cannot_be_a_base() {
        return "(not an address)".to_owned();
    }
    // Both fail only for addresses without a host, which hold no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// Host and port of a page's address, as shown in messages.
pub(crate) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, normal: Result<&str, &str>, display: &str) {
        let got = normalise(address).map(String::from).map_err(|error| error.to_string());
        match (got, normal) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{address}"),
            (Err(got), Err(want)) => assert!(got.contains(want), "{address}: {got}"),
            (got, want) => panic!("{address}: {got:?} instead of {want:?}"),
        }
        assert_eq!(shown(address), display, "{address}");
    }

    #[test]
    fn addresses_of_remote_drivers() {
        let hub = "http://grid:4444/wd/hub/";
        check("http://grid:4444/wd/hub", Ok(hub), "http://grid:4444/wd/hub");
        check(hub, Ok(hub), hub);
        check("http://grid:4444", Ok("http://grid:4444/"), "http://grid:4444/");
        check(" https://h/wd?x=1#y ", Ok("https://h/wd/"), "https://h/wd");
        check("http://me:pw@grid/wd", Ok("http://me:pw@grid/wd/"), "http://grid/wd");
        check("ftp://me:pw@grid/", Err("only http"), "ftp://grid/");
        check("me:pw@grid", Err("only http"), "(not an address)");
        check("//me:pw@grid", Err("(not an address)"), "(not an address)");
    }

    #[test]
    fn no_password_in_debug_output() {
        let driver = crate::DriverAt::Remote { url: "https://me:sesame@grid/wd/hub".to_owned() };
        let text = format!("{driver:?}");
        assert!(text.contains("https://grid/wd/hub") && !text.contains("sesame"), "{text}");
    }
}
