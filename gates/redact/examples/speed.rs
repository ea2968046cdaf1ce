//! How fast messages are cleaned: `cargo run --release -p redact --example speed`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::hint::black_box;
use std::time::Instant;

use redact::placeholder::Key;
use redact::{Cleaner, Redactor};

const LINE: &str = r#"{"id":"151","createdAt":"2026-11-21T08:30:00.123Z","archived":false,"properties":{"firstname":"Kim","company":"Example Ltd","lifecyclestage":"lead","hs_object_id":"151","city":"Zürich","note":"asked for a call\nnext week","score":42.5,"url":"https://www.example.com/a/b?page=2"}}"#;

fn cleaner(learnt: usize) -> Cleaner {
    let cleaner = Cleaner::new(Redactor::default(), &[], Key([9; 32]));
    for number in 0..learnt {
        cleaner.header("a", "x-api-key", format!("learnt-value-{number:05}").as_bytes());
    }
    cleaner
}

fn seconds(times: usize, mut work: impl FnMut()) -> f64 {
    work();
    let started = Instant::now();
    for _ in 0..times {
        work();
    }
    started.elapsed().as_secs_f64() / times as f64
}

fn main() {
    let body = format!("[{}]", vec![LINE; 4000].join(","));
    let escapeless = body.replace("\\n", " ");
    let text = "An ordinary sentence of a page, neither short nor long. ".repeat(20_000);
    for learnt in [0, 1000] {
        let cleaner = cleaner(learnt);
        println!("{learnt} values learnt");
        for (name, media_type, body) in [
            ("JSON", "application/json", &body),
            ("JSON without escapes", "application/json", &escapeless),
            ("text", "text/plain", &text),
        ] {
            let clean = cleaner.body("api.example", media_type, body.as_bytes());
            assert!(matches!(clean, std::borrow::Cow::Borrowed(_)), "{name} was changed");
            let took = seconds(10, || {
                black_box(cleaner.body("api.example", media_type, black_box(body.as_bytes())));
            });
            println!("  body(), {name}: {:.0} MB/s", body.len() as f64 / took / 1e6);
        }
        let small = LINE.as_bytes();
        let took = seconds(100_000, || {
            black_box(cleaner.body("api.example", "application/json", black_box(small)));
        });
        println!("  body() of {} bytes: {:.2} us", small.len(), took * 1e6);
        let url = "https://api.example/v3/contacts/151?properties=email,firstname&limit=100";
        let took = seconds(100_000, || {
            black_box(cleaner.url(black_box(url)));
        });
        println!("  url(): {:.2} us", took * 1e6);
        for (name, value) in [
            ("accept", "application/json, text/plain, */*"),
            ("x-request-id", "5d8c72a5edda8d6a5b0c1d2e3f4a5b6c"),
            ("user-agent", "python-requests/2.32.3"),
            ("authorization", "Bearer redacted-secret-0123456789ab"),
            ("authorization", "Bearer q8Zt3LmV0pXw7Rk2Yd9Bn4Hs"),
        ] {
            let took = seconds(100_000, || {
                black_box(cleaner.header("api.example", black_box(name), value.as_bytes()));
            });
            println!("  header() {name}: {:.2} us", took * 1e6);
        }
    }
}
