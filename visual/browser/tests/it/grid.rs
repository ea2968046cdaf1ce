//! What a Grid offers, and a node that goes.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use visual_browser::{Error, Shot, Slots, Stage, slots};

use crate::{
    Bench,
    site::{Answer, Site, file, html},
};

const SOON: Duration = Duration::from_secs(5);

fn json(text: &str) -> Answer {
    file("application/json; charset=utf-8", text.as_bytes().to_vec())
}

async fn check(pages: &[(&'static str, Answer)], path: &str, expect: Option<(usize, usize)>) {
    let site = Site::serve(pages).await;
    let got = slots(&site.at(path), SOON).await.unwrap_or_else(|e| panic!("{path}: {e}"));
    assert_eq!(got, expect.map(|(total, free)| Slots { total, free }), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_grid_offers() {
    let four = json(
        r#"{"value":{"ready":true,"message":"Selenium Grid ready.","nodes":[{"id":"1",
        "maxSessions":2,"availability":"UP","slots":[
        {"stereotype":{"browserName":"chrome"},"session":null},
        {"stereotype":{"browserName":"chrome"},"session":{"sessionId":"x"}}]}]}}"#,
    );
    check(&[("/status", four.clone())], "", Some((2, 1))).await;
    check(&[("/wd/hub/status", four)], "/wd/hub", Some((2, 1))).await;
    let ready = json(r#"{"value":{"ready":true,"message":"Hub has capacity"}}"#);
    let hub =
        json(r#"{"success":true,"newSessionRequestCount":0,"slotCounts":{"free":4,"total":4}}"#);
    let three = [("/wd/hub/status", ready.clone()), ("/grid/api/hub", hub)];
    check(&three, "/wd/hub", Some((4, 4))).await;
    check(&[("/status", ready)], "", None).await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = slots(&format!("http://me:sesame@{free}/wd/hub"), SOON).await.unwrap_err();
    assert!(matches!(error, Error::Remote { .. }) && !error.to_string().contains("sesame"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_browser_is_tried_again() {
    let bench = Bench::driven().await;
    let site = Site::serve(&[("/", html("<p>x"))]).await;
    let mut session = bench.open().await;
    let first = session.driver_pid().unwrap();
    let kill = |stage: Stage| {
        if stage == Stage::Settling {
            // Only the first is there to be killed.
            let _ = kill_process(Pid::from_raw(first.cast_signed()).unwrap(), Signal::KILL);
        }
    };
    let shot = Shot::of(site.at("/"));
    let capture = session.capture_again(&shot, 1, &kill).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(capture.status, Some(200));
    let second = session.driver_pid().unwrap();
    assert_ne!(first, second);
    let kill = |stage: Stage| {
        if stage == Stage::Settling {
            let _ = kill_process(Pid::from_raw(second.cast_signed()).unwrap(), Signal::KILL);
        }
    };
    let error = session.capture_again(&shot, 0, &kill).await.expect_err("it was not to try again");
    assert!(error.ends_session(), "{error}");
    session.close().await;
    bench.assert_clean();
}
