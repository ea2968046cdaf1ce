//! The crate against a real Chromium and its driver.

mod capture;
mod firefox;
mod grid;
mod hostile;
mod layout;
mod rest;
mod shared;
mod site;
mod stays;
mod trouble;
mod views;
mod visits;
mod webkit;

use std::{
    ffi::OsStr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use visual_browser::{Capture, DriverAt, Error, Launch, Session, Shot, find, processes};

/// A scratch folder, and the promise that nothing is left in it.
pub(crate) struct Bench {
    pub(crate) scratch: TempDir,
    pub(crate) launch: Launch,
    running: Arc<AtomicUsize>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let found = find(OsStr::new("/usr/local/bin:/usr/bin:/bin:/snap/bin")).await;
        if let Some(problem) = found.problem() {
            panic!("{problem}: these tests need a real browser, see `gate browser install`");
        }
        Self::with(DriverAt::Chromium { chromium: found.chromium.expect("checked above").path })
    }

    /// With a ChromeDriver in between.
    pub(crate) async fn driven() -> Self {
        let found = find(OsStr::new("/usr/local/bin:/usr/bin:/bin:/snap/bin")).await;
        let chromedriver = found.chromedriver.expect("a ChromeDriver").path;
        let chromium = found.chromium.map(|tool| tool.path);
        Self::with(DriverAt::Local { chromedriver, chromium })
    }

    pub(crate) fn with(driver: DriverAt) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut launch = Launch::new(driver, scratch.path().to_owned());
        let running = Arc::new(AtomicUsize::new(0));
        let (up, down) = (Arc::clone(&running), Arc::clone(&running));
        launch.on_spawn = Arc::new(move |_| {
            up.fetch_add(1, Ordering::SeqCst);
        });
        launch.on_reaped = Arc::new(move |_| {
            down.fetch_sub(1, Ordering::SeqCst);
        });
        Self { scratch, launch, running }
    }

    pub(crate) async fn open(&self) -> Session {
        Session::open(&self.launch, &|_| {}).await.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Asserts that no process and no file is left.
    pub(crate) fn assert_clean(&self) {
        let left = processes::survivors(&self.scratch.path().canonicalize().unwrap());
        assert_eq!(left, Vec::<u32>::new(), "processes are left");
        let files: Vec<_> =
            std::fs::read_dir(&self.scratch).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files, Vec::<std::path::PathBuf>::new(), "files are left");
        assert_eq!(self.running.load(Ordering::SeqCst), 0, "a driver was not reported as gone");
    }

    /// Captures each shot in one session, closes it, and asserts that nothing is left.
    pub(crate) async fn capture_all(&self, shots: &[Shot]) -> Vec<Result<Capture, Error>> {
        let mut session = self.open().await;
        let mut results = Vec::new();
        for shot in shots {
            results.push(session.capture(shot, &|_| {}).await);
        }
        session.close().await;
        self.assert_clean();
        results
    }
}

/// A picture as rows of RGB.
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    data: Vec<u8>,
    channels: usize,
}

impl Pixels {
    pub(crate) fn of(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        let channels = info.color_type.samples();
        Self { width: info.width, height: info.height, data, channels }
    }

    pub(crate) fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.width as usize + x as usize) * self.channels;
        self.data[start..start + 3].try_into().unwrap()
    }
}

/// Waits until something holds, and fails when it does not within ten seconds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Writes an executable script.
pub(crate) fn script(folder: &Path, name: &str, body: &str) -> std::path::PathBuf {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let path = folder.join(name);
    let mut file =
        std::fs::OpenOptions::new().create_new(true).write(true).mode(0o755).open(&path).unwrap();
    writeln!(file, "#!/bin/sh\n{body}").unwrap();
    path
}
