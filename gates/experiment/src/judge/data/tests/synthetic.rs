//! Experiments that never were, with defects put into them on purpose.

use std::fmt::Write as _;

use gate_core::Json;
use serde_json::json;
use stats::random::Random;

use crate::measure::data::summed;
use crate::question;
use crate::seen::SeenData;
use crate::settings::Settings;

/// What is wrong with an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    SkewedSplit,
    RedirectLoss,
    BotsInOneArm,
    SkewOfDay,
    LateLogs,
    SkewOfSegment,
    HashReuse,
    ClosedArm,
    SeveralArms,
    DoubleExposureInOneArm,
    ExposuresOverCounted,
    IdsDoubled,
    ConversionsDoubledInOneArm,
    ConversionsDoubled,
    ArmWithoutConversions,
    DayWithoutConversions,
    LostBeacons,
    BrokenJoin,
    NoConversions,
    CarryOver,
    LateExposures,
    Simpson,
    Novelty,
    HarmedRevenue,
    SlowVariant,
    HarmedSegment,
    TooGood,
    MissingDays,
}

/// An experiment.
#[derive(Debug, Clone, Copy)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) visitors: usize,
    pub(super) days: usize,
    /// The control's share of visitors who sign up.
    pub(super) rate: f64,
    /// By what part of that the other arm's is higher.
    pub(super) lift: f64,
    pub(super) defect: Option<Defect>,
}

impl Default for World {
    fn default() -> World {
        World { seed: 1, visitors: 8000, days: 14, rate: 0.1, lift: 0.0, defect: None }
    }
}

/// One visitor.
struct Visitor {
    number: usize,
    is_new: bool,
    day: usize,
    second: usize,
    country: &'static str,
    device: &'static str,
    other: &'static str,
}

/// A spec of it, with all that data can be held against.
pub(super) fn spec(with: &Json) -> Settings {
    let mut all = json!({
        "hypothesis": "A shorter hero brings more sign-ups",
        "owner": "growth@example.com",
        "provider": { "type": "generic", "experiment": "spring-hero" },
        "split": { "control": "50%", "new_hero": "50%" },
        "unit": "user_id",
        "before_launch": {
            "records": { "exposure": "once", "conversion": { "event": "signup", "times": 1 } }
        },
        "data": {
            "exposures": { "from": "exposures.csv", "segments": ["country", "device"] },
            "conversions": "conversions.csv",
            "heartbeat": "page_view",
        },
        "metrics": {
            "signup": { "type": "proportion", "event": "signup", "title": "Sign-ups" },
            "revenue": { "type": "mean", "column": "amount", "unit": "€", "title": "Revenue" },
            "page_load": {
                "type": "ratio", "column": "load_ms", "over": { "event": "page_view" },
                "better": "lower", "unit": "ms", "title": "Page load",
            },
            "visits": { "type": "mean", "event": "page_view", "title": "Visits" },
        },
        "success": { "metric": "signup", "detect": "10%", "within": "28 days" },
        "must_not_harm": { "revenue": "25%", "page_load": "5%" },
    });
    merge(&mut all, with);
    let spec: Settings = serde_json::from_value(all).unwrap();
    assert_eq!(spec.problems(), []);
    spec
}

fn merge(into: &mut Json, with: &Json) {
    match (into, with) {
        (Json::Object(into), Json::Object(with)) => {
            for (key, value) in with {
                merge(into.entry(key.clone()).or_insert(Json::Null), value);
            }
        }
        (into, with) => *into = with.clone(),
    }
}

impl World {
    pub(super) fn with(defect: Defect) -> World {
        World { defect: Some(defect), ..World::default() }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// The chance of being in the new arm.
    fn chance(&self, day: usize) -> f64 {
        match self.defect {
            Some(Defect::SkewedSplit) => 0.54,
            Some(Defect::SkewOfDay) if day == 4 => 0.68,
            Some(Defect::Simpson) if day < self.days / 2 => 0.25,
            Some(Defect::Simpson) => 0.75,
            _ => 0.5,
        }
    }

    /// The chance of signing up.
    fn converts(&self, visitor: &Visitor) -> f64 {
        let early = self.is(Defect::Simpson) && visitor.day < self.days / 2;
        let base = if early { self.rate * 3.0 } else { self.rate };
        let lift = match self.defect {
            Some(Defect::Novelty) => 0.9 - 1.6 * visitor.day as f64 / self.days as f64,
            Some(Defect::HarmedSegment) if visitor.device == "phone" => -0.4,
            Some(Defect::HarmedSegment) => 1.0,
            Some(Defect::TooGood) => 0.8,
            Some(Defect::Simpson) => 0.15,
            _ => self.lift,
        };
        if visitor.is_new { base * (1.0 + lift) } else { base }
    }

    /// Both files.
    pub(super) fn files(&self) -> (String, String) {
        let mut random = Random::new(self.seed);
        let mut exposures = "user_id,arm,timestamp,country,device,banner,person\n".to_owned();
        let mut events = "user_id,event,timestamp,amount,load_ms\n".to_owned();
        for number in 0..self.visitors {
            let mut visitor = Visitor {
                number,
                is_new: false,
                day: random.below(self.days),
                second: 3600 + random.below(70_000),
                country: ["de", "fr", "us"][random.below(3)],
                device: if random.unit() < 0.6 { "phone" } else { "desktop" },
                other: if random.unit() < 0.5 { "off" } else { "on" },
            };
            if self.is(Defect::MissingDays) && (5..7).contains(&visitor.day) {
                continue;
            }
            visitor.is_new = random.unit() < self.chance(visitor.day);
            if self.is(Defect::HashReuse) && random.unit() < 0.15 {
                visitor.other = if visitor.is_new { "on" } else { "off" };
            }
            self.write(&visitor, &mut random, &mut exposures, &mut events);
        }
        if self.is(Defect::BotsInOneArm) {
            for number in 0..self.visitors / 12 {
                let day = moment(number % self.days, 7200);
                let _ =
                    writeln!(exposures, "bot{number},new_hero,{day},us,desktop,off,bot{number}");
            }
        }
        if self.is(Defect::NoConversions) {
            events.truncate(events.find('\n').unwrap() + 1);
        }
        (exposures, events)
    }

    /// What is recorded of a visitor.
    fn write(
        &self,
        visitor: &Visitor,
        random: &mut Random,
        exposures: &mut String,
        events: &mut String,
    ) {
        let is_new = visitor.is_new;
        let last = self.days - 1;
        let is_lost = match self.defect {
            Some(Defect::RedirectLoss) => is_new && random.unit() < 0.93,
            Some(Defect::LateLogs) => is_new && visitor.day == last && random.unit() < 0.6,
            Some(Defect::SkewOfSegment) => {
                is_new
                    && visitor.device == "phone"
                    && visitor.country == "fr"
                    && random.unit() < 0.5
            }
            _ => false,
        };
        if is_lost {
            return;
        }
        let ids = if self.is(Defect::IdsDoubled) && random.unit() < 0.9 {
            vec![format!("u{}", visitor.number), format!("u{}-again", visitor.number)]
        } else {
            vec![format!("u{}", visitor.number)]
        };
        let arm = if is_new { "new_hero" } else { "control" };
        for id in &ids {
            let late = self.is(Defect::LateExposures) && is_new && random.unit() < 0.3;
            let at = moment(visitor.day, visitor.second + if late { 7200 } else { 0 });
            let row = |arm: &str, at: &str| {
                let Visitor { country, device, other, number, .. } = visitor;
                format!("{id},{arm},{at},{country},{device},{other},p{number}\n")
            };
            exposures.push_str(&row(arm, &at));
            let again = match self.defect {
                Some(Defect::DoubleExposureInOneArm) => is_new,
                Some(Defect::ExposuresOverCounted) => random.unit() < 0.9,
                _ => false,
            };
            if again {
                exposures.push_str(&row(arm, &moment(visitor.day, visitor.second + 1)));
            }
            if self.is(Defect::SeveralArms) && random.unit() < 0.05 {
                let other = if is_new { "control" } else { "new_hero" };
                exposures.push_str(&row(other, &moment(visitor.day, visitor.second + 900)));
            }
            if self.is(Defect::ClosedArm) && visitor.number % 2000 == 7 {
                exposures.push_str(&format!("closed{id},old,{at},de,phone,off,c{id}\n"));
            }
        }
        self.write_events(visitor, &ids[0], random, events);
    }

    fn write_events(&self, visitor: &Visitor, id: &str, random: &mut Random, events: &mut String) {
        let is_new = visitor.is_new;
        let id = if self.is(Defect::BrokenJoin) { format!("U-{id}") } else { id.to_owned() };
        let loses = match self.defect {
            Some(Defect::LostBeacons) => is_new && random.unit() < 0.15,
            _ => false,
        };
        let mut event = |name: &str, at: &str, amount: &str, load: &str| {
            let _ = writeln!(events, "{id},{name},{at},{amount},{load}");
        };
        let had_before = 0.2 + if self.is(Defect::CarryOver) && is_new { 0.08 } else { 0.0 };
        if random.unit() < had_before {
            event("page_view", "2026-10-20T10:00:00Z", "", "700");
        }
        let views = 1 + random.below(3);
        let slow = if self.is(Defect::SlowVariant) && is_new { 1.12 } else { 1.0 };
        for view in 0..views {
            let load = (600.0 + 400.0 * random.unit()) * slow;
            let at = moment(visitor.day, visitor.second + 5 + view * 60);
            if !loses {
                event("page_view", &at, "", &format!("{load:.0}"));
            }
        }
        let converts = random.unit() < self.converts(visitor);
        let broken = match self.defect {
            Some(Defect::ArmWithoutConversions) => is_new,
            Some(Defect::DayWithoutConversions) => is_new && visitor.day == 6,
            _ => loses,
        };
        let spends = 20.0 + 20.0 * random.unit();
        if !converts || broken {
            return;
        }
        let harm = if self.is(Defect::HarmedRevenue) && is_new { 0.35 } else { 1.0 };
        let amount = format!("{:.2}", spends * harm);
        let at = moment(visitor.day, visitor.second + 600);
        let again = match self.defect {
            Some(Defect::ConversionsDoubledInOneArm) => is_new,
            Some(Defect::ConversionsDoubled) => random.unit() < 0.9,
            _ => false,
        };
        event("signup", &at, &amount, "");
        if again {
            event("signup", &moment(visitor.day, visitor.second + 601), "", "");
        }
    }

    /// The sums of it.
    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    pub(super) fn seen(&self, spec: &Settings) -> SeenData {
        let folder = tempfile::tempdir().unwrap();
        let (exposures, events) = self.files();
        for (name, text) in [("exposures.csv", exposures), ("conversions.csv", events)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let data = spec.data.as_ref().unwrap();
        let asked = question::of_files(spec, data, folder.path());
        let answer = dataset::answer(&asked.question, 1).unwrap_or_else(|error| panic!("{error}"));
        let persons = data
            .exposures
            .person
            .as_deref()
            .map(|person| dataset::answer(&question::of_persons(&asked, person), 1).unwrap());
        let source = "exposures.csv and conversions.csv".to_owned();
        summed(spec, data, (answer, persons), asked.totals, source)
    }
}

/// A moment of a day of the experiment.
fn moment(day: usize, second: usize) -> String {
    let (day, second) = (day + second / 86_400, second % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("2026-11-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
}
