//! A WebSocket through every front: it works while it is recorded, and is told to be no part of the
//! recording.

use futures_util::{SinkExt, StreamExt};
use recorder::{Front, Latency, Mode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{proxy, replaying};

/// A service that says everything twice.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if let Message::Text(text) = message {
                        let twice = format!("{text}{text}");
                        let _ = socket.send(Message::text(twice)).await;
                    }
                }
            });
        }
    });
    address
}

async fn said(stream: TcpStream, url: &str) -> Result<String, Error> {
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
    let mut all = String::new();
    for text in ["a", "bc"] {
        socket.send(Message::text(text)).await?;
        all.push_str(socket.next().await.unwrap()?.to_text()?);
    }
    socket.close(None).await?;
    Ok(all)
}

#[tokio::test]
async fn a_websocket_is_passed_through_and_told_to_be_missing() {
    let service = echo().await;
    let url = format!("ws://{service}/chat?token=abcdefgh12345678");
    for is_tunnel in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let target = Some(format!("http://{service}"));
        let front = if is_tunnel { Front::Forward } else { Front::Reverse { target } };
        let recording = proxy(folder.path(), front, Mode::Once, Latency::None).await;
        let mut stream = TcpStream::connect(recording.address()).await.unwrap();
        if is_tunnel {
            let connect = format!("CONNECT {service} HTTP/1.1\r\nhost: {service}\r\n\r\n");
            stream.write_all(connect.as_bytes()).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
        }
        assert_eq!(said(stream, &url).await.unwrap(), "aabcbc");
        let outcome = recording.finish().await;
        assert_eq!((outcome.seen, outcome.recorded.len()), (1, 0));
        assert_eq!(outcome.failed, [] as [&str; 0]);
        assert!(outcome.notes[0].contains("/chat?token=redacted-"), "{:?}", outcome.notes);
        assert!(outcome.notes[0].contains("passed through, and not recorded"));
    }
}

#[tokio::test]
async fn what_refuses_to_become_one_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let service = super::service::Service::start().await;
    let front = Front::Reverse { target: Some(service.url("")) };
    let recording = proxy(folder.path(), front, Mode::Once, Latency::None).await;
    let stream = TcpStream::connect(recording.address()).await.unwrap();
    let error = said(stream, &format!("ws://{}/json", service.address)).await.unwrap_err();
    assert!(matches!(&error, Error::Http(answer) if answer.status() == 200), "{error}");
    let outcome = recording.finish().await;
    assert!(outcome.failed[0].contains("became no WebSocket"), "{:?}", outcome.failed);
}

#[tokio::test]
async fn nothing_answers_for_one_in_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let service = super::service::Service::start().await;
    let recording = super::recording(folder.path(), &service).await;
    super::get(&recording, "/json").await;
    super::kept(recording, folder.path()).await;
    let replay = replaying(folder.path()).await;
    let stream = TcpStream::connect(replay.address()).await.unwrap();
    let error = said(stream, "ws://127.0.0.1/chat").await.unwrap_err();
    assert!(matches!(&error, Error::Http(answer) if answer.status() == 501), "{error}");
    let outcome = replay.finish().await;
    assert!(outcome.failed[0].contains("not recorded"), "{:?}", outcome.failed);
}
