//! A static site on loopback, as small as a web server can be.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a path answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A page.
    Page(String),
    /// A picture that can be drawn.
    Svg(String),
    /// Another status, with a page.
    Status(u16, String),
    /// A page in which `REQUEST` stands for the request as it came.
    Echo(String),
    /// A page, and with every request the next one; then again the first.
    Turns(Vec<String>, Arc<AtomicUsize>),
    /// Nothing, ever: the connection stays open.
    Hang,
}

/// A site that is served until the test ends.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) url: String,
    pages: Arc<Mutex<BTreeMap<String, Answer>>>,
}

impl Site {
    /// Serves these pages; every other path answers 404.
    pub(crate) fn serve(pages: &[(&str, Answer)]) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pages: BTreeMap<_, _> =
            pages.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
        let site = Site { url, pages: Arc::new(Mutex::new(pages)) };
        let served = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let site = served.clone();
                std::thread::spawn(move || site.answer(stream));
            }
        });
        site
    }

    /// Changes what a path answers.
    pub(crate) fn set(&self, path: &str, answer: Answer) {
        self.pages.lock().unwrap().insert(path.to_owned(), answer);
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request).unwrap_or(0) == 0 {
                return;
            }
            while reader.read_line(&mut request).unwrap_or(0) > 2 {}
            let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
            let answer = self.pages.lock().unwrap().get(&path).cloned();
            let kind = match answer {
                Some(Answer::Svg(_)) => "image/svg+xml",
                _ => "text/html; charset=utf-8",
            };
            let (status, body) = match answer {
                Some(Answer::Page(body) | Answer::Svg(body)) => (200, body),
                Some(Answer::Status(status, body)) => (status, body),
                Some(Answer::Echo(body)) => (200, body.replace("REQUEST", &request)),
                Some(Answer::Turns(pages, turn)) => {
                    (200, pages[turn.fetch_add(1, Ordering::SeqCst) % pages.len()].clone())
                }
                Some(Answer::Hang) => loop {
                    std::thread::park();
                },
                None => (404, "not here".to_owned()),
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            if stream.write_all(head.as_bytes()).is_err()
                || stream.write_all(body.as_bytes()).is_err()
            {
                return;
            }
        }
    }
}

/// A page with a button of this colour and some text.
pub(crate) fn page(colour: &str, text: &str) -> Answer {
    Answer::Page(format!(
        "<!doctype html><title>Shop</title><style>body {{ font: 16px sans-serif; margin: 40px }} \
         a {{ background: {colour}; color: white; padding: 12px 24px; display: inline-block }}\
         </style><h1>Shop</h1><p>{text}</p><a class=cta href=/buy>Buy now</a>"
    ))
}

/// A page whose picture changes with every frame.
pub(crate) fn restless() -> Answer {
    Answer::Page(
        "<!doctype html><title>Restless</title><div id=box style='width:100px;height:100px'></div>\
         <script>let n = 0; (function turn() { n += 1; document.getElementById('box')\
         .style.background = 'rgb(' + (n * 37 % 256) + ',0,0)'; requestAnimationFrame(turn); })();\
         </script>"
            .to_owned(),
    )
}
