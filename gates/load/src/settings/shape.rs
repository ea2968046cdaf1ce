//! How many come when: a campaign, or an access log.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gate_core::Problem;
use gate_core::values::{DurationValue, Percent};
use gate_request::as_text;
use load::Stage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// No campaign is looked at for longer.
const LONGEST: Duration = Duration::from_hours(24);
/// After so many half-lives hardly anybody comes any more: one in sixteen of those at the peak.
const HALF_LIVES: u32 = 4;
/// Into how many straight pieces a curve is cut at the most.
const PIECES: f64 = 240.0;

/// Mails that are sent, and who visits the site because of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// What is sent when.
    pub sends: Vec<Send>,
    /// When the part that is replayed begins; with the first mail unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TimeOfDay>,
    /// When it ends; four half-lives after the last mail unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TimeOfDay>,
    /// Replays it in so many times less time. The rates are those of the campaign, each for a
    /// shorter time: `12` makes ten minutes of two hours, with the same peak.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub shorten: f64,
}

/// Mails to one list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// When the first of them goes out: `09:00`.
    pub at: TimeOfDay,
    /// How many there are.
    pub count: u64,
    /// How long it takes until the last one is out.
    #[serde(default = "sending")]
    pub takes: DurationValue,
    /// The share of people who open one.
    pub open_rate: Percent,
    /// The share of those who open one that visit the site.
    pub click_rate: Percent,
    /// After this time half of those have come who will come.
    #[serde(default = "half_life")]
    pub half_life: DurationValue,
}

/// An access log that is replayed in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The log, in the common or combined format, relative to the spec. What was asked with GET or
    /// HEAD and answered well is asked for again, at its time.
    pub log: String,
    /// How long after its first line it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DurationValue>,
    /// How many times faster it is replayed, which makes the rate as many times higher.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub speed: f64,
}

/// A time of a day, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(Duration);

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<TimeOfDay, String> {
        let wrong = || format!("`{text}` is no time of a day: write it like 09:00 or 17:30:15");
        let parts: Vec<&str> = text.trim().split(':').collect();
        let number = |at: usize, most: u64| {
            let text = parts.get(at).copied().unwrap_or("0");
            let good = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u64>().ok().filter(|number| good && *number <= most).ok_or_else(wrong)
        };
        if !(2..=3).contains(&parts.len()) {
            return Err(wrong());
        }
        let seconds = number(0, 23)? * 3600 + number(1, 59)? * 60 + number(2, 59)?;
        Ok(TimeOfDay(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        write!(f, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60)?;
        match seconds % 60 {
            0 => Ok(()),
            rest => write!(f, ":{rest:02}"),
        }
    }
}

as_text!(TimeOfDay, ["09:00", "17:30"]);

fn once() -> f64 {
    1.0
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::float_cmp,
    reason = "serde's hand-over; 1 is 1"
)]
fn is_once(times: &f64) -> bool {
    *times == 1.0
}

fn sending() -> DurationValue {
    DurationValue(Duration::from_mins(10))
}

fn half_life() -> DurationValue {
    DurationValue(Duration::from_hours(1))
}

impl Send {
    /// Visitors in a second, so many seconds after the first mail. Mails go out evenly, and of those
    /// who will come as many come in each half-life as in all that follow: the one spread over the
    /// other is this.
    fn rate(&self, after: f64) -> f64 {
        let visitors = self.count as f64 * self.open_rate.fraction() * self.click_rate.fraction();
        let (takes, half) = (self.takes.0.as_secs_f64().max(1.0), self.half_life.0.as_secs_f64());
        let left = |seconds: f64| (-seconds / half).exp2();
        match after {
            after if after < 0.0 => 0.0,
            after if after < takes => visitors / takes * (1.0 - left(after)),
            after => visitors / takes * (left(after - takes) - left(after)),
        }
    }
}

impl Campaign {
    fn begins(&self) -> Duration {
        let first = self.sends.iter().map(|send| send.at.0).min().unwrap_or_default();
        self.from.map_or(first, |from| from.0)
    }

    fn ends(&self) -> Duration {
        let end = |send: &Send| send.at.0 + send.takes.0 + send.half_life.0 * HALF_LIVES;
        let last = self.sends.iter().map(end).max().unwrap_or_default();
        self.to.map_or(last, |to| to.0).min(self.begins() + LONGEST)
    }

    /// How long it takes to replay it, in whole seconds.
    pub(crate) fn takes(&self) -> Duration {
        let all = self.ends().saturating_sub(self.begins()).as_secs_f64() / self.shorten.max(1e-3);
        Duration::from_secs(all.round().max(1.0) as u64)
    }

    /// Its curve in straight pieces.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let (begins, takes) = (self.begins().as_secs_f64(), self.takes().as_secs_f64());
        let rate = |at: f64| {
            let time = begins + at * self.shorten;
            self.sends.iter().map(|send| send.rate(time - send.at.0.as_secs_f64())).sum()
        };
        let step = (takes / PIECES).ceil().max(1.0);
        let mut stages = vec![Stage { duration: Duration::ZERO, rate: rate(0.0) }];
        let mut at = 0.0;
        while at < takes {
            let length = step.min(takes - at);
            at += length;
            stages.push(Stage { duration: Duration::from_secs_f64(length), rate: rate(at) });
        }
        stages
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut wrong = |name: &str, message: &str, hint: &str| {
            found.push(Problem::at(["campaign", name], message).hint(hint));
        };
        if self.sends.is_empty() {
            wrong("sends", "nothing is sent", "give it what is sent when");
        }
        if !(self.shorten > 0.0 && self.shorten.is_finite()) {
            wrong("shorten", "this is no number of times", "such as 12");
        } else if self.ends() <= self.begins() {
            wrong("to", "this ends before it begins", "give it a later time of the same day");
        } else if self.sends.iter().any(|send| send.half_life.0.is_zero()) {
            wrong("sends", "nobody comes at once", "give it a half_life such as 30m");
        } else if self.stages().iter().all(|stage| stage.rate < 0.01) {
            wrong("sends", "hardly anybody would come", "are the rates right?");
        }
        found
    }
}

impl Replay {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let is_number = self.speed > 0.0 && self.speed.is_finite();
        let problem = Problem::at(["replay", "speed"], "this is no number of times");
        if is_number { Vec::new() } else { vec![problem.hint("such as 2")] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_day_are_read() {
        let check = |text: &str, shown: Option<&str>| {
            let read: Result<TimeOfDay, String> = text.parse();
            assert_eq!(read.ok().map(|time| time.to_string()).as_deref(), shown, "{text}");
        };
        check("09:00", Some("09:00"));
        check("9:05", Some("09:05"));
        check("23:59:01", Some("23:59:01"));
        for wrong in ["24:00", "09", "09:60", "9:5:61", "a:b", "09:00:00:00", "+9:00", ""] {
            check(wrong, None);
        }
    }

    fn campaign(text: &str) -> Campaign {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn all_who_will_come_come() {
        let all = campaign(
            r#"{"sends": [
                {"at": "09:00", "count": 200000, "open_rate": "30%", "click_rate": "5%", "half_life": "20m"},
                {"at": "09:30", "count": 50000, "open_rate": "20%", "click_rate": "10%", "takes": "1m"}
            ], "to": "23:00"}"#,
        );
        assert_eq!(all.problems(), []);
        let (mut before, mut visitors, mut peak) = (0.0, 0.0, 0.0_f64);
        for stage in all.stages() {
            visitors += f64::midpoint(before, stage.rate) * stage.duration.as_secs_f64();
            (before, peak) = (stage.rate, peak.max(stage.rate));
        }
        // 3,000 of the one and 1,000 of the other.
        assert!((visitors - 4000.0).abs() < 40.0, "{visitors}");
        // No more than all at once while mails go out, and as many as come then at the least.
        assert!((1.0..3000.0 / 600.0 + 1000.0 / 60.0).contains(&peak), "{peak}");
        // Shortened it has the same peak, and fewer visitors.
        let short = Campaign { shorten: 12.0, ..all.clone() };
        assert_eq!(short.takes().as_secs(), 14 * 300);
        let same = short.stages().iter().map(|stage| stage.rate).fold(0.0, f64::max);
        assert!((same / peak - 1.0).abs() < 0.05, "{same} and {peak}");
    }

    #[test]
    fn what_comes_to_nothing_is_told() {
        let check = |text: &str, why: &str| {
            let problems = campaign(text).problems();
            assert!(problems.iter().any(|one| one.message.contains(why)), "{text}: {problems:?}");
        };
        check(r#"{"sends": []}"#, "nothing is sent");
        let one = r#"{"at": "09:00", "count": 9000, "open_rate": "30%", "click_rate": "5%"}"#;
        check(&format!(r#"{{"sends": [{one}], "to": "08:00"}}"#), "ends before it begins");
        check(&format!(r#"{{"sends": [{one}], "shorten": 0}}"#), "no number of times");
        check(
            &format!(r#"{{"sends": [{one}], "from": "20:00", "to": "22:00"}}"#),
            "hardly anybody",
        );
    }
}
