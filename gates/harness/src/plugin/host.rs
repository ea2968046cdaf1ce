//! One request to a plug-in: a process, a line in, lines out, within bounds.

use std::path::Path;
use std::sync::Arc;

use gate_core::ledger::Ledger;
use gate_core::process::{Group, Program};
use gate_core::protocol::{Hello, Line, PROTOCOL, PluginEvent, Request};
use gate_core::{Context, Error, Happening, Level, While, Workspace};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::{Plugin, keep_file};

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 8 << 20;
/// The most that is read in all, in bytes.
const MOST: usize = 64 << 20;
/// How much of standard error is kept for a message, in bytes.
const STDERR: usize = 4 << 10;

/// What a plug-in answered.
#[derive(Debug)]
pub struct Talk {
    /// What it is.
    pub hello: Hello,
    /// Its answer.
    pub result: Value,
}

/// Puts a request to a plug-in. Dropping the future ends the process and all that it started.
pub(super) async fn talk(
    plugin: &Plugin,
    request: &Request,
    cx: Option<&Context>,
) -> Result<Talk, Error> {
    let ledger = match cx {
        Some(cx) => cx.ledger().clone(),
        // Outside a run, it gets a ledger of its own for as long as it talks.
        None => {
            let at = Workspace::at(&plugin.temporary);
            let id = format!("plugin-{:012x}", crate::ambient::random() >> 16);
            Arc::new(Ledger::open(&at, &id, &plugin.temporary)?)
        }
    };
    let program = Program {
        argv: plugin.argv.clone(),
        folder: plugin.folder.clone(),
        env: plugin.environment.clone(),
        stdin: Vec::new(),
        keep: STDERR,
    };
    let mut group = Group::start(&program, &ledger)?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut stdin = group.child.stdin.take().expect("stdin is a pipe");
    let stdout = group.child.stdout.take().expect("stdout is a pipe");
    let stderr = group.child.stderr.take().expect("stderr is a pipe");
    let feed = async {
        // One that answers without reading is no mistake.
        let _ = stdin.write_all(&line).await;
        drop(stdin);
    };
    let mut complaint = Vec::new();
    let evidence = request.evidence_dir.as_deref().map(Path::new);
    let answered = {
        let read = read_lines(stdout, cx, evidence);
        let complain = read_some(stderr, &mut complaint);
        // Whoever holds standard error open after the answer is not waited for.
        let both = async { tokio::join!(feed, complain) };
        tokio::pin!(read, both);
        tokio::select! {
            answered = &mut read => answered,
            _ = &mut both => read.await,
        }
    };
    let status = match &answered {
        Ok(_) => None,
        Err(_) => tokio::time::timeout(std::time::Duration::from_millis(200), group.child.wait())
            .await
            .ok()
            .and_then(Result::ok),
    };
    drop(group);
    answered.map_err(|error| {
        let how = status.map(|status| format!(" ({status})")).unwrap_or_default();
        let said = String::from_utf8_lossy(&complaint);
        match said.lines().last().filter(|line| !line.trim().is_empty()) {
            Some(last) => error.clone().hint(format!("it said on standard error{how}: {last}")),
            None if how.is_empty() => error,
            None => Error::new(format!("{}{how}", error.message())),
        }
    })
}

async fn read_some(mut pipe: impl AsyncRead + Unpin, into: &mut Vec<u8>) {
    let mut buffer = vec![0; 4096];
    while let Ok(count) = pipe.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        into.extend_from_slice(&buffer[..count]);
        let cut = into.len().saturating_sub(STDERR);
        into.drain(..cut);
    }
}

async fn read_lines(
    mut pipe: impl AsyncRead + Unpin,
    cx: Option<&Context>,
    evidence: Option<&Path>,
) -> Result<Talk, Error> {
    let (mut hello, mut result) = (None, None);
    let (mut pending, mut total) = (Vec::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = pipe.read(&mut buffer).await.while_doing(|| "reading what it says")?;
        if count == 0 {
            break;
        }
        total += count;
        if total > MOST {
            return Err(Error::new("it wrote more than 64 MiB, and was ended"));
        }
        let mut rest = &buffer[..count];
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            pending.extend_from_slice(&rest[..end]);
            take(&pending, &mut hello, &mut result, cx, evidence)?;
            pending.clear();
            rest = &rest[end + 1..];
        }
        pending.extend_from_slice(rest);
        if pending.len() > LONGEST_LINE {
            return Err(Error::new("it wrote a line longer than 8 MiB, and was ended"));
        }
    }
    if !pending.is_empty() {
        take(&pending, &mut hello, &mut result, cx, evidence)?;
    }
    match (hello, result) {
        (Some(hello), Some(result)) => Ok(Talk { hello, result }),
        (None, _) => Err(Error::new("it ended without a word")),
        (Some(_), None) => Err(Error::new("it ended without a result")),
    }
}

fn take(
    text: &[u8],
    hello: &mut Option<Hello>,
    result: &mut Option<Value>,
    cx: Option<&Context>,
    evidence: Option<&Path>,
) -> Result<(), Error> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let line: Line = serde_json::from_slice(text).map_err(|_| {
        let start: String = String::from_utf8_lossy(text).chars().take(60).collect();
        Error::new(format!(
            "it wrote a line that is not of the protocol: `{}`",
            start.escape_debug()
        ))
        .hint("anything that is not of gate-plugin/v1 belongs on standard error")
    })?;
    match line {
        Line::Hello(said) if hello.is_none() => {
            if said.protocol != PROTOCOL {
                let message = format!("it speaks protocol {}, not {PROTOCOL}", said.protocol);
                return Err(Error::new(message));
            }
            *hello = Some(said);
        }
        _ if hello.is_none() => return Err(Error::new("its first line is not a `hello`")),
        Line::Hello(_) => return Err(Error::new("it said `hello` twice")),
        _ if result.is_some() => return Err(Error::new("it went on after its result")),
        Line::Result(value) => *result = Some(value),
        Line::Error { message, hint } => {
            return Err(hint.iter().fold(Error::new(message), Error::hint_ref));
        }
        Line::Event(event) => return happened(event, cx, evidence),
    }
    Ok(())
}

fn happened(event: PluginEvent, cx: Option<&Context>, folder: Option<&Path>) -> Result<(), Error> {
    let Some(cx) = cx else { return Ok(()) };
    match event {
        PluginEvent::Progress(progress) => cx.emit(Happening::Progress(progress)),
        PluginEvent::Log { level, text } => cx.log(level, text),
        PluginEvent::Evidence(file) => match folder {
            Some(folder) => return keep_file(cx, folder, &file),
            None => cx.log(Level::Warn, "evidence is kept while measuring only"),
        },
    }
    Ok(())
}
