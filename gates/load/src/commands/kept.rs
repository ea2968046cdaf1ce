//! `gate load URL --save FILE`, and `--compare-with FILE`.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use gate_core::{Context, Error, Verdict};

use crate::earlier::{self, Earlier};
use crate::judge::Judged;
use crate::measure::Measured;
use crate::settings::STORED;

/// Runs that are kept in files.
#[derive(Debug, Args)]
pub(crate) struct Kept {
    /// A run of before that --save has kept, as the one to compare with. Time and machine may be
    /// others, so being worse warns and does not fail.
    #[arg(long, value_name = "FILE", conflicts_with = "connections", group = "other")]
    compare_with: Option<PathBuf>,
    /// Let being worse than a run of before fail.
    #[arg(long, requires = "compare_with")]
    pub(super) blocks: bool,
    /// Keep what was counted in a file, for --compare-with.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["capacity", "connections"])]
    save: Option<PathBuf>,
}

impl Kept {
    pub(super) fn against(&self) -> Option<String> {
        self.compare_with.as_ref().map(|_| STORED.to_owned())
    }

    pub(super) fn file(&self) -> Option<String> {
        self.compare_with.as_ref().map(|path| path.display().to_string())
    }

    /// The run to compare with.
    pub(super) fn earlier(&self, folder: &Path) -> Result<Option<Earlier>, Error> {
        self.compare_with.as_ref().map(|path| earlier::open(path, folder)).transpose()
    }

    /// Whether it would be written there.
    pub(super) fn is_saved_to(&self, path: &Path) -> bool {
        let plain = |path: &Path| -> PathBuf {
            path.components().filter(|part| *part != Component::CurDir).collect()
        };
        self.save.as_deref().map(plain) == Some(plain(path))
    }

    /// Keeps a run, unless the generator was not fit: what it says of a version would be held
    /// against others.
    pub(super) fn save(
        &self,
        measured: &Measured,
        judged: &Judged,
        cx: &Context,
    ) -> Result<(), Error> {
        let (Some(path), Some(own)) = (&self.save, measured.versions.first()) else {
            return Ok(());
        };
        let generator = judged.checks.iter().find(|check| check.id == "generator");
        match generator {
            Some(check) if check.verdict == Verdict::Pass => earlier::save(own, path),
            Some(check) => {
                cx.complain(&format!("{} was not written: {}\n", path.display(), check.message));
                Ok(())
            }
            None => {
                cx.complain(&format!("{} was not written: nothing was measured\n", path.display()));
                Ok(())
            }
        }
    }
}
