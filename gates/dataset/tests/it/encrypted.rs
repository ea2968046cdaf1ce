//! Connections are encrypted, and only with a server whose certificate this machine trusts.

use std::net::TcpListener;
use std::process::Command;

use dataset::Zone;
use dataset::sql::{Table, postgres};

use crate::pushed_down::{block_on, question};
use crate::server::Server;

/// Says to the test's own executable where to connect to: what is trusted is read from variables,
/// which only another process can have.
const CONNECTION: &str = "TEST_CONNECTION";

#[test]
fn certificates_are_checked() {
    if let Ok(connection) = std::env::var(CONNECTION) {
        let question = question(Table::named("none"), Zone::default());
        let error = block_on(postgres(&question, &connection)).unwrap_err();
        panic!("told: {error}");
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::with_files(
        &[("tls.pem", &certificate), ("tls.key", &key)],
        &[
            "listen_addresses=127.0.0.1",
            &format!("port={port}"),
            "ssl=on",
            "ssl_cert_file=../tls.pem",
            "ssl_key_file=../tls.key",
        ],
    );
    let check = |trusted: &str, host: &str, mode: &str, expect: &str| {
        let connection = format!(
            "host={host} hostaddr=127.0.0.1 port={port} user=tester dbname=postgres sslmode={mode}"
        );
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "encrypted::certificates_are_checked"])
            .env(CONNECTION, connection)
            .env("SSL_CERT_FILE", server.file(trusted))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let told = said.lines().find_map(|line| line.strip_prefix("told: "));
        assert!(told.is_some_and(|told| told.starts_with(expect)), "{mode}: {said}");
    };
    let there = "table `none`: PostgreSQL refuses: relation \"none\" does not exist";
    check("tls.pem", "localhost", "require", there);
    check("none.pem", "localhost", "disable", there);
    let refused = "the server cannot be connected to: ";
    for mode in ["require", "prefer"] {
        check("none.pem", "localhost", mode, &format!("{refused}error performing TLS handshake"));
        check("tls.pem", "elsewhere", mode, &format!("{refused}error performing TLS handshake"));
    }
}
