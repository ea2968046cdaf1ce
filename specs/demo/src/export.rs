//! What two weeks of the hero experiment left behind, as a warehouse would export it.
//!
//! The visitors are made up from their numbers alone, so that the files are the same each time.

use std::fmt::Write as _;
use std::path::Path;

use gate_core::{Error, files};

use crate::experiment::{Arm, bucket};

/// How many visitors there were, and on how many days.
const VISITORS: u32 = 12_000;
const DAYS: u32 = 14;

/// Writes the experiment's files below the folder of `gate.yaml`. With `is_double` most visitors get a
/// second id, in the same arm, after the redirect of a log-in.
pub(crate) fn write(folder: &Path, is_double: bool) -> Result<(), Error> {
    let folder = folder.join("specs/hero-results");
    files::make_folder(&folder)?;
    let (exposures, conversions) = texts(is_double);
    for (name, text) in [("exposures.csv", exposures), ("conversions.csv", conversions)] {
        files::write_atomically(&folder.join(name), text.as_bytes(), &folder)?;
    }
    Ok(())
}

fn texts(is_double: bool) -> (String, String) {
    let mut exposures = "user_id,arm,timestamp,device\n".to_owned();
    let mut conversions = "user_id,event,timestamp\n".to_owned();
    for number in 0..VISITORS {
        let id = format!("visitor-{number}");
        let share = |of: &str| bucket(of, &id);
        let arm = Arm::of(&id);
        let day = 1 + (share("day") * f64::from(DAYS)) as u32;
        let hour = 6 + (share("hour") * 16.0) as u32;
        let device = if share("device") < 0.6 { "phone" } else { "desktop" };
        let at = |minute: u32| format!("2026-05-{day:02}T{hour:02}:{minute:02}:00Z");
        let mut exposed = |id: &str, minute: u32| {
            let _ = writeln!(exposures, "{id},{},{},{device}", arm.name(), at(minute));
        };
        exposed(&id, 10);
        if is_double && share("again") < 0.9 {
            exposed(&format!("{id}-again"), 12);
        }
        let _ = writeln!(conversions, "{id},page_view,{}", at(11));
        let signs_up = if arm == Arm::NewHero { 0.25 } else { 0.2 };
        if share("sign-up") < signs_up {
            let _ = writeln!(conversions, "{id},signup,{}", at(20));
        }
        if share("asks-for-help") < 0.05 {
            let _ = writeln!(conversions, "{id},support,{}", at(40));
        }
    }
    (exposures, conversions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_id_leaves_the_split_alone() {
        let count = |text: &str, what: &str| text.matches(what).count();
        let (plain, conversions) = texts(false);
        let (double, same) = texts(true);
        assert_eq!(conversions, same);
        assert_eq!(count(&plain, "\n"), 1 + VISITORS as usize);
        let share = |text: &str| count(text, ",new_hero,") as f64 / (count(text, "\n") - 1) as f64;
        assert!((share(&plain) - 0.5).abs() < 0.01 && (share(&double) - 0.5).abs() < 0.01);
        let times = count(&double, "\n") as f64 / count(&plain, "\n") as f64;
        assert!((times - 1.9).abs() < 0.02, "{times}");
    }
}
