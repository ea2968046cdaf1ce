//! The same round trip through every front, straight from the service and from its recording:
//! what comes through has to be what the service says, and what is replayed what came through.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use recorder::{Cassette, Front, Latency, Library, Matching, Mode, Outcome, Policy, Proxy, Setup};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::service::Service;
use super::{CODINGS, Got, ROUND_TRIP, cleaner};

/// How a client comes to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// At an address that stands for it.
    Reverse,
    /// Through a proxy, in the clear.
    Forward,
    /// Through a tunnel of a proxy, in the clear.
    Tunnel,
    /// Through a tunnel, over TLS.
    Private,
    /// The same, in HTTP/2.
    PrivateTwo,
}

const WAYS: [Way; 5] = [Way::Reverse, Way::Forward, Way::Tunnel, Way::Private, Way::PrivateTwo];

impl Way {
    fn is_private(self) -> bool {
        matches!(self, Way::Private | Way::PrivateTwo)
    }
}

/// A connection that requests go out on.
enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    async fn plain(stream: TcpStream) -> Sender {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Sender::One(sender)
    }

    async fn private(stream: TcpStream, authority: &str, is_two: bool) -> Sender {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![if is_two { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let name = ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TokioIo::new(connector.connect(name, stream).await.unwrap());
        if is_two {
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            return Sender::Two(sender);
        }
        let (sender, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Sender::One(sender)
    }

    async fn send(&mut self, request: http::Request<Full<Bytes>>) -> Got {
        let response = match self {
            Sender::One(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Sender::Two(sender) => sender.send_request(request).await.unwrap(),
        };
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        Got { status: head.status, headers: head.headers, body: collected.to_bytes(), trailers }
    }
}

/// A connection to the service, or to the proxy in front of it.
async fn sender(way: Way, host: &str, proxy: Option<&Proxy>, authority: &str) -> Sender {
    let Some(proxy) = proxy else {
        let stream = TcpStream::connect(host).await.unwrap();
        if !way.is_private() {
            return Sender::plain(stream).await;
        }
        return Sender::private(stream, authority, way == Way::PrivateTwo).await;
    };
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    if matches!(way, Way::Reverse | Way::Forward) {
        return Sender::plain(stream).await;
    }
    let connect = format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n");
    stream.write_all(connect.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    if way == Way::Tunnel {
        return Sender::plain(stream).await;
    }
    Sender::private(stream, proxy.authority().unwrap(), way == Way::PrivateTwo).await
}

async fn round_trip(way: Way, host: &str, proxy: Option<&Proxy>, authority: &str) -> Vec<Got> {
    let mut sender = sender(way, host, proxy, authority).await;
    let scheme = if way.is_private() { "https" } else { "http" };
    let is_whole = way == Way::PrivateTwo || (way == Way::Forward && proxy.is_some());
    let mut all = Vec::new();
    for (method, path, body) in ROUND_TRIP {
        let uri = if is_whole { format!("{scheme}://{host}{path}") } else { (*path).to_owned() };
        let mut request = http::Request::builder()
            .method(*method)
            .uri(uri)
            .header(CODINGS.0, CODINGS.1)
            .header("te", "trailers");
        if way != Way::PrivateTwo {
            request = request.header("host", host);
        }
        let body = Full::new(Bytes::from(*body));
        all.push(sender.send(request.body(body).unwrap()).await);
    }
    all
}

async fn started(way: Way, folder: &Path, mode: Mode, service: &Service) -> Proxy {
    let cassette = Cassette::open_or_new(folder, Policy::default).unwrap();
    let library = if Cassette::is_at(folder) {
        Library::of_cassette(cassette.clone()).unwrap()
    } else {
        Library::of_recorded(&[], Matching::default(), false)
    };
    let front = match way {
        Way::Reverse if mode == Mode::None => Front::Reverse { target: None },
        Way::Reverse => Front::Reverse { target: Some(service.url("")) },
        _ => Front::Forward,
    };
    let setup = Setup {
        front,
        mode,
        library: Arc::new(library),
        cassette: Some(cassette),
        cleaner: cleaner(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities: service.authority.clone(),
        // A client of TLS looks at its own clock.
        now: UnixTime::now().as_secs() as i64,
        watch: None,
    };
    Proxy::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), setup).unwrap()
}

async fn ended(proxy: Proxy, folder: &Path) -> Outcome {
    let outcome = proxy.finish().await;
    if !outcome.recorded.is_empty() {
        let cassette = Cassette::open_or_new(folder, Policy::default).unwrap();
        cassette.write(&outcome.recorded, &cleaner()).unwrap();
    }
    outcome
}

/// What an answer says, without what belongs to a connection or to the moment.
fn said(got: &Got, is_head: bool) -> Got {
    let mut got = got.clone();
    let gone: &[&str] = if is_head { &[] } else { &["content-length"] };
    for name in ["transfer-encoding", "date", "connection", "x-count"].iter().chain(gone) {
        got.headers.remove(*name);
    }
    got
}

#[tokio::test]
async fn every_front_gives_what_the_service_says_and_replays_it() {
    for way in WAYS {
        let service =
            if way.is_private() { Service::private().await } else { Service::start().await };
        let authority = service.authority.clone().unwrap_or_default();
        let port = service.address.port();
        let host = if way.is_private() {
            format!("localhost:{port}")
        } else {
            service.address.to_string()
        };
        let folder = tempfile::tempdir().unwrap();
        let truth = round_trip(way, &host, None, &authority).await;

        let proxy = started(way, folder.path(), Mode::Once, &service).await;
        let through = round_trip(way, &host, Some(&proxy), &authority).await;
        let outcome = ended(proxy, folder.path()).await;
        assert_eq!(outcome.failed, [] as [&str; 0], "{way:?}");
        assert_eq!(outcome.recorded.len(), ROUND_TRIP.len(), "{way:?}");

        let count = service.count();
        let proxy = started(way, folder.path(), Mode::None, &service).await;
        let replayed = round_trip(way, &host, Some(&proxy), &authority).await;
        let outcome = ended(proxy, folder.path()).await;
        assert_eq!(service.count(), count, "{way:?}: nothing was asked of the service");
        assert_eq!((outcome.replayed, outcome.missed.len()), (ROUND_TRIP.len() as u64, 0));

        for (at, asked) in ROUND_TRIP.iter().enumerate() {
            let is_head = asked.0 == "HEAD";
            let [truth, through, replayed] =
                [&truth, &through, &replayed].map(|all| said(&all[at], is_head));
            if asked.1 != "/count" {
                assert_eq!(through, truth, "{way:?} {asked:?}: on its way through");
            }
            assert_eq!(replayed, through, "{way:?} {asked:?}: from the recording");
        }
    }
}
