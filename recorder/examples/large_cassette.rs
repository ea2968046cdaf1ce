//! Writes a cassette with many interactions, for the benchmark of the replay.
//!
//! `large_cassette FOLDER COUNT BYTES`: bodies of BYTES bytes of JSON under 100 endpoints.

use std::path::Path;

use recorder::{Cassette, Interaction, Policy, Recorded, Request, Response};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, count, bytes] = &arguments[..] else {
        panic!("large_cassette FOLDER COUNT BYTES");
    };
    let count: u64 = count.parse().expect("COUNT is a number");
    let bytes: usize = bytes.parse().expect("BYTES is a number");
    let recorded: Vec<Recorded> = (0..count)
        .map(|order| Recorded { order, interaction: interaction(order, bytes) })
        .collect();
    let cassette = Cassette::open_or_new(Path::new(folder), Policy::default).unwrap();
    let key = redact::placeholder::Key([0; 32]);
    let cleaner = cassette.policy().redact.cleaner(redact::Redactor::default(), key).unwrap();
    cassette.write(&recorded, &cleaner).unwrap();
}

fn interaction(order: u64, bytes: usize) -> Interaction {
    let kind = order % 100;
    let url = format!(
        "https://api.example.com/v3/objects/kind-{}{}/{order}?limit=10",
        kind / 10,
        kind % 10
    );
    let request = Request {
        method: "GET".to_owned(),
        url,
        headers: [("accept", "application/json")].into_iter().collect(),
        ..Request::default()
    };
    let start = format!(r#"{{"id":{order},"name":"Object {order}","archived":false,"notes":""#);
    let notes = "Nothing of note has happened on this day. ";
    let notes: String = notes.chars().cycle().take(bytes - start.len() - 2).collect();
    let body = format!("{start}{notes}\"}}");
    let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
    let response = Response {
        status: 200,
        headers: headers.into_iter().collect(),
        body: body.into(),
        ..Response::default()
    };
    Interaction { request, response }
}
