//! Measures how long a suite of page views takes: `suite SESSIONS ROUNDS [grid=URL] [header=NAME:VALUE]... URL...`, each
//! address at five viewports, with the sessions started in the measured time. With a Grid, as many
//! sessions as it offers, and what it loses is tried again. Says which views did not give the same
//! picture in each round.
#![expect(clippy::print_stdout, reason = "an example for people to run by hand")]

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use visual_browser::{Capture, DriverAt, Launch, Session, Shot, Viewport, find, slots};

const VIEWPORTS: [(u32, u32); 5] = [(320, 568), (390, 844), (768, 1024), (1280, 800), (1920, 1080)];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut sessions: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(3);
    let rounds: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut urls: Vec<String> = arguments.collect();
    let grid = urls.first().and_then(|first| first.strip_prefix("grid=")).map(str::to_owned);
    let found = find(OsStr::new("/usr/local/bin:/usr/bin:/bin")).await;
    let Some(browser) = found.chromium else {
        println!("a browser is needed");
        return;
    };
    let scratch = PathBuf::from("/var/tmp").join(format!("suite-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a folder for the browsers");
    let mut launch = Launch::new(DriverAt::Chromium { chromium: browser.path }, scratch.clone());
    if let Some(url) = grid {
        urls.remove(0);
        let offered = slots(&url, Duration::from_secs(10)).await.expect("a Grid");
        println!("the Grid offers {offered:?}");
        sessions = offered.map_or(sessions, |slots| slots.total);
        launch.driver = DriverAt::Remote { url };
        launch.arguments.push("--no-sandbox".to_owned());
    }
    let (headers, urls): (Vec<String>, Vec<String>) =
        urls.into_iter().partition(|word| word.starts_with("header="));
    let header = |word: &String| {
        let (name, value) = word.trim_start_matches("header=").split_once(':')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let headers: Vec<(String, String)> = headers.iter().filter_map(header).collect();
    let mut pictures: BTreeMap<usize, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for _ in 0..rounds {
        let started = Instant::now();
        let captures = run(&launch, sessions, &urls, &headers).await;
        report(sessions, started.elapsed(), &captures);
        for (view, capture) in captures {
            pictures.entry(view).or_default().insert(capture.png);
        }
    }
    let restless = pictures.iter().filter(|(_, pictures)| pictures.len() > 1);
    for (view, pictures) in restless {
        let (url, viewport) = (&urls[view % urls.len()], VIEWPORTS[view / urls.len()]);
        println!("{url} at {viewport:?}: {} different pictures", pictures.len());
    }
    std::fs::remove_dir_all(&scratch).expect("the folder is ours");
}

async fn run(
    launch: &Launch,
    sessions: usize,
    urls: &[String],
    headers: &[(String, String)],
) -> Vec<(usize, Capture)> {
    let shots = VIEWPORTS.iter().flat_map(|&(width, height)| {
        urls.iter().map(move |url| Shot {
            viewport: Viewport { width, height, ..Viewport::default() },
            headers: headers.to_vec(),
            ..Shot::of(url)
        })
    });
    let mut shots: Vec<(usize, Shot)> = shots.enumerate().collect();
    shots.reverse();
    let shots = Arc::new(Mutex::new(shots));
    let mut workers = Vec::new();
    for _ in 0..sessions {
        let (shots, launch) = (Arc::clone(&shots), launch.clone());
        workers.push(tokio::spawn(async move {
            let mut session = Session::open(&launch, &|_| {}).await.expect("a session");
            let mut done = Vec::new();
            loop {
                let next = shots.lock().expect("no panic before").pop();
                let Some((view, shot)) = next else { break };
                match session.capture_again(&shot, 2, &|_| {}).await {
                    Ok(capture) => done.push((view, capture)),
                    Err(error) => println!("no picture of {}: {error}", shot.url),
                }
            }
            session.close().await;
            done
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.expect("no panic"));
    }
    all
}

fn report(sessions: usize, took: Duration, captures: &[(usize, Capture)]) {
    let all = || captures.iter().map(|(_, capture)| capture);
    let sum = |of: fn(&Capture) -> Duration| all().map(of).sum::<Duration>().as_millis();
    let bytes: usize = all().map(|capture| capture.png.len()).sum();
    let frames: u32 = all().map(|capture| capture.timings.frame_count).sum();
    println!(
        "{sessions} sessions: {:.2} s for {} views, {:.1} MB, {frames} frames; \
         prepare {} load {} settle {} frames {} ms in all",
        took.as_secs_f64(),
        captures.len(),
        bytes as f64 / 1e6,
        sum(|c| c.timings.prepare),
        sum(|c| c.timings.load),
        sum(|c| c.timings.settle),
        sum(|c| c.timings.frames),
    );
}
