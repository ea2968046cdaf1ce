//! Over https a server's certificate is checked before anything is said, and passwords go nowhere else.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use dataset::Zone;
use dataset::sql::{Login, Table, clickhouse, trino};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::faked::{self, Request};
use crate::pushed_down::{block_on, question};

/// Says to the test's own executable where to connect to: what is trusted is read from variables,
/// which only another process can have.
const CONNECTION: &str = "TEST_HTTPS_CONNECTION";

/// A server that refuses everything in words of both, and keeps what it was told.
fn server(certificate: &str, key: &str) -> (u16, Arc<Mutex<Vec<Request>>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (config, told) = (Arc::new(config), Arc::new(Mutex::new(Vec::new())));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let keeps = Arc::clone(&told);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // Whoever does not trust it says nothing.
            let Some(request) = faked::read(&mut stream) else { continue };
            keeps.lock().unwrap().push(request);
            let body = r#"{"id": "1", "error": {"message": "DB::Exception: heard"}, "exception": "DB::Exception: heard"}"#;
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}");
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    (port, told)
}

#[test]
fn certificates_are_checked_over_https() {
    if let Ok(connection) = std::env::var(CONNECTION) {
        let question = question(Table::named("none"), Zone::default());
        let login = Login { user: Some("reader".to_owned()), password: Some("hunter2".to_owned()) };
        let told = block_on(async {
            let one = clickhouse(&question, &connection, &login).await.unwrap_err();
            let other = trino(&question, &connection, &login).await.unwrap_err();
            format!("{one} / {other}")
        });
        panic!("told: {told}");
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let (port, requests) = server(&certificate, &made.signing_key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tls.pem"), &certificate).unwrap();
    let check = |trusted: &str, host: &str, expect: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "encrypted_http::certificates_are_checked_over_https"])
            .env(CONNECTION, format!("https://{host}:{port}"))
            .env("SSL_CERT_FILE", folder.path().join(trusted))
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let told = said.lines().find_map(|line| line.strip_prefix("told: ")).expect("an error");
        assert_eq!(told.matches(expect).count(), 2, "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    };
    check("none.pem", "localhost", "the server cannot be connected to: ");
    check("tls.pem", "127.0.0.1", "the server cannot be connected to: ");
    assert_eq!(*requests.lock().unwrap(), []);
    check("tls.pem", "localhost", "heard");
    let requests = requests.lock().unwrap();
    assert_eq!(requests[0].headers["x-clickhouse-key"], "hunter2");
    // `reader:hunter2` in base64.
    assert_eq!(requests[1].headers["authorization"], "Basic cmVhZGVyOmh1bnRlcjI=");
    assert_eq!(requests[1].headers["x-trino-user"], "reader");
}
