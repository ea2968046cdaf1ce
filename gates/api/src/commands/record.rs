//! `gate record`: keeps what is asked and answered.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use gate_core::values::DurationValue;
use gate_core::{Command, Context, Error, ExitCode, Runs};
use recorder::{Cassette, Front, Latency, Library, Mode, Outcome, Policy, Proxy, Recorded, Setup};
use redact::Cleaner;

use super::run::{self, Ended, Interruption};
use super::words::{count, plain, troubles};
use crate::age::{self, Aged};
use crate::{recording, traffic};

/// Record what a program asks of a service, without its secrets, into a cassette.
///
/// Either stand in for the service (--target: the program sends its requests to the address in
/// GATE_TARGET) or be the proxy of a program (--proxy: the variables that curl, Python, Node, Go
/// and others read are set, the authority for HTTPS included). With a command, it is run and its
/// exit code kept; without, requests are recorded until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "gate record", max_term_width = 100)]
struct Record {
    /// The cassette, a folder; it is made when it is not there.
    #[arg(long, value_name = "DIR")]
    cassette: PathBuf,
    /// The service to stand in for, such as https://api.example.com.
    #[arg(long, value_name = "URL", required_unless_present = "proxy", conflicts_with = "proxy")]
    target: Option<String>,
    /// Be the proxy of the command.
    #[arg(long)]
    proxy: bool,
    /// Where requests come to.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
    /// When it is recorded.
    #[arg(long, value_enum, default_value_t = When::Once)]
    mode: When,
    /// Record everything anew when that was last done so long ago, such as 30d; with the mode once
    /// or new_episodes. When a service cannot be reached at the start, the old recording is used;
    /// when not all goes well, it stays. A cassette holds no times: how old it is is known from a
    /// file beside it that git ignores, or else from git's newest commit of it.
    #[arg(long, value_name = "TIME")]
    re_record_after: Option<DurationValue>,
    /// A file of authorities to trust besides the system's, in PEM.
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// The program to run, with its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum When {
    /// Into a new cassette; one that has recordings is replayed, and nothing else is asked.
    Once,
    /// What has no recording; the rest is replayed.
    NewEpisodes,
    /// Never: only replay.
    None,
    /// Everything anew; what has not changed keeps its recording.
    All,
}

pub(crate) fn command() -> Command {
    Command {
        name: "record",
        about: "Record what a program asks of a service, without its secrets",
        help: || gate_arguments::help::<Record>(&[]),
        run: Runs::InContext(run),
    }
}

fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let parsed = gate_arguments::parse_in(words, cx);
    let record: Record = match parsed {
        Ok(record) => record,
        Err(code) => return code,
    };
    recorded(&record, cx).unwrap_or_else(|error| super::complain(&error, cx))
}

fn recorded(record: &Record, cx: &Context) -> Result<ExitCode, Error> {
    let folder = &record.cassette;
    let wrong = super::engine_error;
    let cassette = Cassette::open_or_new(folder, Policy::default).map_err(wrong)?;
    let library = if Cassette::is_at(folder) {
        Library::of_cassette(cassette.clone()).map_err(wrong)?
    } else {
        let matching = cassette.policy().matching().map_err(wrong)?;
        Library::of_recorded(&[], matching, false)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let is_anew = runtime.block_on(is_to_be_anew(record, &cassette, &library, cx))?;
    let mode = match record.mode {
        _ if is_anew => Mode::All,
        When::Once => Mode::Once,
        When::NewEpisodes => Mode::NewEpisodes,
        When::None => Mode::None,
        When::All => Mode::All,
    };
    let is_kept = mode == Mode::Once && !library.answers_nothing();
    let is_full = mode == Mode::All || library.is_empty();
    let front = match &record.target {
        Some(target) => Front::Reverse { target: Some(target.clone()) },
        None => Front::Forward,
    };
    let authorities = record.authorities.as_ref();
    let authorities = authorities
        .map(|path| gate_core::files::read(path))
        .transpose()?
        .map(|pem| String::from_utf8_lossy(&pem).into_owned());
    let cleaner = cleaner(&cassette, cx)?;
    let setup = Setup {
        front,
        mode,
        library: Arc::new(library),
        cassette: Some(cassette.clone()),
        cleaner: cleaner.clone(),
        latency: Latency::None,
        faults: Vec::new(),
        authorities,
        now: cx.clock().now().millis() / 1000,
        watch: None,
    };
    let ended = runtime.block_on(async {
        let interruption = Interruption::watched()?;
        let listener = run::listen(&record.listen, cx).await?;
        let proxy = Proxy::start(listener, setup).map_err(wrong)?;
        announce(record, &proxy, cx);
        run::run(proxy, &record.command, interruption, cx).await
    })?;
    let went_well = went_well(&ended);
    let stays = || {
        cassette.tidy().map_err(wrong)?;
        let to = folder.display();
        cx.complain(&format!("gate: not all went well: the old recording in {to} stays\n"));
        Ok::<(), Error>(())
    };
    if is_anew && !went_well {
        // A part of it would be new, and what was not asked for gone.
        stays()?;
        let outcome = Outcome { recorded: Vec::new(), ..ended.outcome };
        return Ok(summed_up(&Ended { outcome, ..ended }, "", false, record, cx));
    }
    let new = ended.outcome.recorded.clone();
    let tried = if is_anew { try_out(&cassette, &new, &cleaner, cx) } else { Ok(()) };
    match tried.and_then(|()| keep(&cassette, mode, new, &cleaner)) {
        Ok(kept) => {
            if is_full && went_well {
                // Where it cannot be written, git knows the time.
                let _ = cassette.mark_recorded(cx.clock().now().millis() / 1000);
            }
            Ok(summed_up(&ended, &kept, is_kept, record, cx))
        }
        // The command ran, and nothing of it was kept: that is no mistake of the command line.
        Err(error) => {
            super::complain(&error, cx);
            if is_anew {
                stays()?;
            }
            let code = ended.code.filter(|code| *code != ExitCode::PROMOTE);
            Ok(code.unwrap_or(ExitCode::INCONCLUSIVE))
        }
    }
}

/// Writes a recording that is made anew beside the old one, to see whether it can be: what is
/// refused half way would leave a half of each.
fn try_out(
    cassette: &Cassette,
    new: &[Recorded],
    cleaner: &Cleaner,
    cx: &Context,
) -> Result<(), Error> {
    let folder = cx.scratch()?.join("anew.cassette");
    let beside = cassette.copied(&folder).map_err(super::engine_error)?;
    keep(&beside, Mode::All, new.to_vec(), cleaner).map(|_| ()).map_err(|error| {
        // Nobody knows it by that name.
        let (shown, own) = (folder.display().to_string(), cassette.folder().display().to_string());
        let named = Error::new(error.to_string().replace(&shown, &own));
        match error.advice() {
            Some(hint) => named.hint(hint.to_owned()),
            None => named,
        }
    })
}

/// Whether all went well, so that what was not asked for was not meant to be.
fn went_well(ended: &Ended) -> bool {
    let Ended { outcome, code } = ended;
    outcome.failed.is_empty()
        && outcome.missed.is_empty()
        && !outcome.recorded.is_empty()
        && code.is_none_or(|code| code == ExitCode::PROMOTE)
}

/// Whether the recording is so old that all of it is to be recorded again.
async fn is_to_be_anew(
    record: &Record,
    cassette: &Cassette,
    library: &Library,
    cx: &Context,
) -> Result<bool, Error> {
    let Some(after) = record.re_record_after else { return Ok(false) };
    let hint = match record.mode {
        When::Once | When::NewEpisodes => None,
        When::None => Some("with the mode none nothing is recorded: leave one of the two out"),
        When::All => Some("the mode all records everything each time: leave one of the two out"),
    };
    if let Some(hint) = hint {
        return Err(
            Error::new("--re-record-after goes with the mode once or new_episodes").hint(hint)
        );
    }
    if library.is_empty() {
        return Ok(false);
    }
    let services = match &record.target {
        Some(target) => [target.clone()].into(),
        None => age::recorded_services(cassette)?,
    };
    let shown = record.cassette.display().to_string();
    Ok(match age::looked_at(cassette, &shown, after, &services, cx).await? {
        Aged::Young => false,
        Aged::Anew(why) => {
            cx.complain(&format!("{}: it is recorded anew\n", plain(&why)));
            true
        }
        Aged::Unreachable(why) => {
            cx.complain(&format!("gate: {}: the old recording is used\n", plain(&why)));
            false
        }
    })
}

/// What takes the secrets out of recordings of this cassette.
pub(crate) fn cleaner(cassette: &Cassette, cx: &Context) -> Result<Cleaner, Error> {
    recording::cleaner(cassette.policy(), cx)
}

fn announce(record: &Record, proxy: &Proxy, cx: &Context) {
    if record.command.is_empty() {
        let line = serde_json::json!({ "listening": format!("http://{}", proxy.address()) });
        cx.print(&format!("{line}\n"));
        cx.complain("recording until Ctrl-C\n");
    }
}

/// Writes what was recorded, and says what that is.
pub(crate) fn keep(
    cassette: &Cassette,
    mode: Mode,
    new: Vec<Recorded>,
    cleaner: &Cleaner,
) -> Result<String, Error> {
    let wrong = super::engine_error;
    if new.is_empty() {
        return Ok(String::new());
    }
    let old = cassette.read().map_err(wrong)?;
    if mode != Mode::All || old.is_empty() {
        cassette.write(&[old, new].concat(), cleaner).map_err(wrong)?;
        return Ok(String::new());
    }
    let all = recorder::rerecorded(cassette, old.clone(), new).map_err(wrong)?;
    cassette.write(&all, cleaner).map_err(wrong)?;
    let same = all.iter().filter(|one| old.contains(one)).count();
    Ok(format!(", {same} of them unchanged"))
}

fn summed_up(ended: &Ended, kept: &str, is_kept: bool, record: &Record, cx: &Context) -> ExitCode {
    let Ended { outcome, code } = ended;
    cx.complain(&troubles(outcome));
    let to = record.cassette.display();
    if !outcome.recorded.is_empty() {
        let recorded = count(outcome.recorded.len(), "interaction");
        cx.complain(&format!("recorded {recorded} into {to}{kept}\n"));
    }
    if outcome.replayed > 0 {
        let replayed = count(outcome.replayed as usize, "request");
        cx.complain(&format!("answered {replayed} from {to}\n"));
        if is_kept {
            cx.complain("  it has recordings already: --mode all records anew, --mode new_episodes what is missing\n");
        }
    }
    if outcome.seen == 0 {
        cx.complain(&format!("gate: no request came\n  hint: {}\n", traffic::UNUSED_HINT));
    }
    match code {
        Some(code) if *code != ExitCode::PROMOTE => *code,
        _ if !outcome.missed.is_empty() => ExitCode::FAILED,
        _ if !outcome.failed.is_empty() || outcome.seen == 0 => ExitCode::INCONCLUSIVE,
        _ => ExitCode::PROMOTE,
    }
}
