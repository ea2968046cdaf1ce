//! A PostgreSQL server of the test's own, which ends with it.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

pub(crate) struct Server {
    folder: tempfile::TempDir,
    child: Child,
}

/// Where Debian's package and others put its programs, which are not on the PATH.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .max_by_key(|folder| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok());
    newest.expect(
        "PostgreSQL is not installed in /usr/lib/postgresql: `make clients` does that, or \
         `apt-get install --no-install-recommends postgresql`",
    )
}

/// A command that ends with this thread. The server refuses to run as root.
fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if rustix::process::getuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg("--").arg(program).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
    command
}

impl Server {
    /// With these settings.
    pub(crate) fn start(settings: &[&str]) -> Server {
        Server::with_files(&[], settings)
    }

    /// With files beside its data that nobody else may read. Its texts are ordered as in a dictionary, to see that this does not show.
    pub(crate) fn with_files(files: &[(&str, &str)], settings: &[&str]) -> Server {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        }
        let programs = programs();
        if rustix::process::getuid().is_root() {
            let chown = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status();
            assert!(chown.unwrap().success());
        }
        let mut initdb = command(&programs.join("initdb"));
        initdb.args(["--username=tester", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
        initdb.args(["--locale=C", "--locale-provider=icu", "--icu-locale=en"]);
        let made = initdb.arg("--pgdata").arg(folder.path().join("data")).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = command(&programs.join("postgres"));
        postgres.arg("-D").arg(folder.path().join("data"));
        let sockets = format!("unix_socket_directories={}", folder.path().display());
        for setting in ["listen_addresses=", "fsync=off", &sockets].iter().chain(settings) {
            postgres.args(["-c", setting]);
        }
        let mut child = postgres.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        loop {
            match lines.next() {
                Some(Ok(line)) if line.contains("ready to accept connections") => break,
                Some(Ok(line)) => said = said + &line + "\n",
                _ => panic!("the server did not start:\n{said}"),
            }
        }
        // What else it says is read, or it would wait for that.
        thread::spawn(move || lines.for_each(drop));
        Server { folder, child }
    }

    fn socket(&self) -> PathBuf {
        self.file(".s.PGSQL.5432")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn connection(&self) -> String {
        format!("host={} user=tester dbname=postgres", self.folder.path().display())
    }

    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.connection(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// A way to the server on which the bytes that come from it are counted.
    pub(crate) async fn counted(&self) -> (String, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, socket) = (Arc::new(AtomicU64::new(0)), self.socket());
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut asks, mut told) = client.into_split();
                let (mut answers, mut asked) =
                    UnixStream::connect(&socket).await.unwrap().into_split();
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut asks, &mut asked).await;
                    let _ = asked.shutdown().await;
                });
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 << 10];
                    while let Ok(length @ 1..) = answers.read(&mut buffer).await {
                        counted.fetch_add(length as u64, Ordering::SeqCst);
                        if told.write_all(&buffer[..length]).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        (format!("host=127.0.0.1 port={port} user=tester dbname=postgres"), count)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            // Whoever is connected is sent away.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = self.child.wait();
    }
}
