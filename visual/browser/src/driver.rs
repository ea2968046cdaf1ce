//! A program of our own that listens, a driver or a browser: its process, its folder, its address.

use std::{
    fs, io,
    net::Ipv4Addr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::TcpStream,
    process::{ChildStderr, ChildStdout},
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{Error, Launch, Seen, Stage, processes, processor};

/// How long processes may take to end when asked to.
const GRACE: Duration = Duration::from_millis(400);
/// How much of what the driver writes is kept, from the end.
const TAIL: usize = 2048;
/// A socket's path holds at most 108 bytes, of which the browser appends up to 46.
const LONGEST_TMPDIR: usize = 60;

/// A program to start.
pub(crate) struct Program<'a> {
    pub(crate) path: &'a Path,
    /// Its arguments, given the folder that is made for it.
    pub(crate) arguments: &'a (dyn Fn(&Path) -> Vec<String> + Sync),
    /// Reads from a line that it writes where it listens.
    pub(crate) announced: fn(&[u8]) -> Option<String>,
    /// The port that it was told to listen on, when it does not write where it listens.
    pub(crate) port: Option<u16>,
    /// What to do where it is not installed.
    pub(crate) missing: &'static str,
}

/// A running driver. When it goes, its processes and its folder go with it.
pub(crate) struct Driver {
    // The order matters: processes end before their folder is removed.
    process: DriverProcess,
    folder: Folder,
    address: String,
    tail: Arc<Mutex<Tail>>,
}

impl Driver {
    /// Starts the driver and waits until it listens.
    pub(crate) async fn start(
        program: &Program<'_>,
        launch: &Launch,
        until: Instant,
        on: &(dyn Fn(Stage) + Sync),
    ) -> Result<Self, Error> {
        on(Stage::DriverStarting);
        let folder = Folder::make_in(&launch.scratch)?;
        let mut process = DriverProcess::spawn(program, launch, &folder)?;
        (launch.on_spawn)(process.group);
        let tail = Arc::new(Mutex::new(Tail::default()));
        let named = process.listen(&tail, program.announced);
        let address = async {
            let Some(port) = program.port else { return named.await.ok() };
            tokio::select! {
                () = accepts(port) => Some(format!("http://127.0.0.1:{port}/")),
                // Its output has ended.
                _ = named => None,
            }
        };
        let what = match timeout_at(until, address).await {
            Ok(Some(address)) => {
                on(Stage::DriverStarted { pid: process.group });
                return Ok(Self { process, folder, address, tail });
            }
            // Its output has ended, so it is about to be gone.
            Ok(None) => match process.exit_status(Duration::from_millis(200)).await {
                Some(status) => format!("it ended at once ({status})"),
                None => "it closed its output without naming a port".to_owned(),
            },
            Err(_) => format!("it named no port within {:?}", launch.start_deadline),
        };
        let output = text_of(&tail);
        let hint = hint_for(&output);
        let reason = format!("{}: {what}", program.path.display());
        Err(Error::DriverStart { reason, output, hint })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The session's own folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// The process, which also names its group.
    pub(crate) fn pid(&self) -> u32 {
        self.process.group
    }

    /// The end of what it wrote.
    pub(crate) fn output(&self) -> String {
        text_of(&self.tail)
    }

    /// Ends the processes and removes the folder, without blocking the calling task.
    pub(crate) async fn end(self) {
        // Also when the task is abandoned half-way the closure runs to its end.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    /// Whether the process ends within this time.
    pub(crate) async fn ends_within(&mut self, time: Duration) -> bool {
        self.process.exit_status(time).await.is_some()
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

/// Returns once somebody listens there.
async fn accepts(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What the text that a driver wrote suggests to do.
pub(crate) fn hint_for(output: &str) -> String {
    let known = [
        ("error while loading shared libraries", "a system library is missing: reinstall it"),
        ("only supports Chrome version", "install the driver and the browser of one version"),
        ("no chrome binary", "install Chromium, or say where it is"),
        ("cannot find Chrome binary", "install Chromium, or say where it is"),
        ("no-sandbox", "the browser's sandbox does not work here: run as root or allow it"),
        ("No space left", "the disk is full"),
        ("Exec format error", "it is built for another kind of machine"),
    ];
    let found = known.iter().find(|(sign, _)| output.contains(sign));
    found
        .map_or("does it work, and do browser and driver have the same version?", |(_, hint)| hint)
        .into()
}

struct DriverProcess {
    child: Child,
    group: u32,
    folder: PathBuf,
    on_reaped: Seen,
}

impl DriverProcess {
    fn spawn(program: &Program<'_>, launch: &Launch, folder: &Folder) -> Result<Self, Error> {
        let mut command = Command::new(program.path);
        command
            .args((program.arguments)(&folder.path))
            .env_clear()
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .env("TMPDIR", folder.as_tmpdir())
            .env("HOME", &folder.path)
            .current_dir(&folder.path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let child = processor::spawn(&mut command, launch).map_err(|error| Error::DriverStart {
            reason: format!("{}: {error}", program.path.display()),
            output: String::new(),
            hint: match error.kind() {
                io::ErrorKind::NotFound => program.missing.to_owned(),
                io::ErrorKind::PermissionDenied => "it has to be executable".to_owned(),
                _ => hint_for(&error.to_string()),
            },
        })?;
        let group = child.id();
        let on_reaped = Arc::clone(&launch.on_reaped);
        Ok(Self { child, group, folder: folder.path.clone(), on_reaped })
    }

    /// Keeps reading what the driver writes, so that it never blocks on a full pipe. The receiver
    /// gets the address, or is closed when all output has ended without one.
    fn listen(
        &mut self,
        tail: &Arc<Mutex<Tail>>,
        announced: fn(&[u8]) -> Option<String>,
    ) -> oneshot::Receiver<String> {
        let (found, address) = oneshot::channel();
        let stdout = self.child.stdout.take().and_then(|out| ChildStdout::from_std(out).ok());
        let stderr = self.child.stderr.take().and_then(|err| ChildStderr::from_std(err).ok());
        let tail = Arc::clone(tail);
        tokio::spawn(async move {
            // Kept until both have ended: by then all that was written is in the tail.
            let found = Mutex::new(Some(found));
            let on_line = |line: &[u8]| {
                if let Some(address) = announced(line)
                    && let Ok(mut found) = found.lock()
                    && let Some(found) = found.take()
                {
                    // Nobody waits any more after the deadline.
                    let _ = found.send(address);
                }
            };
            tokio::join!(drain(stdout, &tail, on_line), drain(stderr, &tail, on_line));
        });
        address
    }

    async fn exit_status(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for DriverProcess {
    fn drop(&mut self) {
        let child = &mut self.child;
        // With an error there is nobody to wait for.
        let reap = || !matches!(child.try_wait(), Ok(None));
        processes::end(self.group, &self.folder, GRACE, reap);
        (self.on_reaped)(self.group);
    }
}

/// The folder of one session, removed with everything in it.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn make_in(scratch: &Path) -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let doing = || format!("cannot make a folder in {}", scratch.display());
        let failed = |source| Error::Io { doing: doing(), source };
        // A path that is absolute and free of links is the one that the kernel will show.
        let scratch = fs::canonicalize(scratch).map_err(failed)?;
        loop {
            // Short, because the path of a socket below it is limited.
            let path = scratch.join(format!("s{}", NEXT.fetch_add(1, Ordering::Relaxed)));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(failed(source)),
            }
        }
    }

    /// The folder as temporary folder for the browser, which puts a socket into it. Where the
    /// path is too long for that, a short name for the working directory stands in for it.
    fn as_tmpdir(&self) -> &Path {
        if cfg!(target_os = "linux") && self.path.as_os_str().len() > LONGEST_TMPDIR {
            return Path::new("/proc/self/cwd");
        }
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The processes are gone by now; a second try is for what the kernel had yet to close.
        for _ in 0..3 {
            match fs::remove_dir_all(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {}
                _ => return,
            }
        }
    }
}

/// The end of what the driver wrote.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > TAIL {
            self.0.drain(..self.0.len() - TAIL);
        }
    }

    /// As one line of printable text.
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.collect::<Vec<_>>().join(" | ");
        line.chars().filter(|c| !c.is_control()).collect()
    }
}

fn text_of(tail: &Mutex<Tail>) -> String {
    tail.lock().map(|tail| tail.text()).unwrap_or_default()
}

async fn drain(
    from: Option<impl AsyncRead + Unpin>,
    tail: &Mutex<Tail>,
    mut on_line: impl FnMut(&[u8]),
) {
    let Some(mut from) = from else { return };
    let mut buffer = [0; 4096];
    let mut line = Vec::new();
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        if let Ok(mut tail) = tail.lock() {
            tail.add(&buffer[..n]);
        }
        for byte in &buffer[..n] {
            match byte {
                b'\n' => {
                    on_line(&line);
                    line.clear();
                }
                // No line of interest is longer; one without an end must not fill the memory.
                _ if line.len() < 1024 => line.push(*byte),
                _ => {}
            }
        }
    }
}

/// The address in `ChromeDriver was started successfully on port 40123.`
pub(crate) fn announced_by_chromedriver(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let (before, after) = line.rsplit_once("on port ")?;
    let digits = after.trim_end().trim_end_matches('.');
    let port: u16 = digits.parse().ok().filter(|port| *port > 0)?;
    before.contains("started successfully").then(|| format!("http://127.0.0.1:{port}/"))
}

/// The display in the `99` that Xvfb writes when it is told to.
pub(crate) fn announced_by_xvfb(line: &[u8]) -> Option<String> {
    let number: u32 = std::str::from_utf8(line).ok()?.trim().parse().ok()?;
    Some(format!(":{number}"))
}

/// The address in `geckodriver INFO Listening on 127.0.0.1:40123`.
pub(crate) fn announced_by_geckodriver(line: &[u8]) -> Option<String> {
    let (_, address) = std::str::from_utf8(line).ok()?.split_once("Listening on 127.0.0.1:")?;
    let port: u16 = address.trim().parse().ok().filter(|port| *port > 0)?;
    Some(format!("http://127.0.0.1:{port}/"))
}

/// The address in `DevTools listening on ws://127.0.0.1:40123/devtools/browser/...`.
pub(crate) fn announced_by_chromium(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let address = line.strip_prefix("DevTools listening on ")?.trim();
    address.starts_with("ws://127.0.0.1:").then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, port: Option<u16>) {
        let expect = port.map(|port| format!("http://127.0.0.1:{port}/"));
        assert_eq!(announced_by_chromedriver(line.as_bytes()), expect, "{line:?}");
    }

    #[test]
    fn the_address_that_a_browser_names() {
        let address = "ws://127.0.0.1:9/devtools/browser/a-b";
        let line = format!("DevTools listening on {address}\r");
        assert_eq!(announced_by_chromium(line.as_bytes()).as_deref(), Some(address));
        assert_eq!(announced_by_chromium(b"DevTools listening on ws://evil.test/"), None);
        assert_eq!(announced_by_chromium(b"x DevTools listening"), None);
        let line = b"1763	geckodriver	INFO	Listening on 127.0.0.1:4012";
        assert_eq!(announced_by_geckodriver(line).as_deref(), Some("http://127.0.0.1:4012/"));
        assert_eq!(announced_by_geckodriver(b"Listening on 127.0.0.1:0"), None);
        assert_eq!(announced_by_xvfb(b"99").as_deref(), Some(":99"));
        assert_eq!(announced_by_xvfb(b"(EE) no screens found"), None);
    }

    #[test]
    fn the_port_that_a_driver_names() {
        check("ChromeDriver was started successfully on port 40123.", Some(40123));
        check("ChromeDriver was started successfully on port 40123.\r", Some(40123));
        check("Starting ChromeDriver 156.0 (abc) on port 0", None);
        check("ChromeDriver was started successfully on port 0.", None);
        check("ChromeDriver was started successfully on port 70000.", None);
        check("ChromeDriver was started successfully.", None);
        check("", None);
    }

    #[test]
    fn only_the_end_of_long_output_is_kept() {
        let mut tail = Tail::default();
        for _ in 0..1000 {
            tail.add(b"a long line of nonsense\n");
        }
        tail.add(b"\x1b[31mthe reason\r\n");
        assert!(tail.0.len() <= TAIL);
        assert!(tail.text().ends_with("| [31mthe reason"), "{}", tail.text());
    }
}
