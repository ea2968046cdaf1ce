//! The ids that are put into arms: the team's own, or ones that are made up.

use std::collections::HashMap;
use std::path::Path;

use gate_core::Error;
use serde_json::{Map, Number, Value};
use stats::random::Random;

use crate::seen::allocation::OddIds;
use crate::settings::{Ids, Settings};

/// An id, and what else the file says of it: the place of each segment's value in [`Listed::values`].
pub(super) struct Listed {
    pub ids: Vec<String>,
    /// For each id, for each column.
    pub places: Vec<Vec<u32>>,
    /// For each column its values.
    pub values: Vec<Vec<String>>,
    pub columns: Vec<String>,
    pub odd: OddIds,
    pub source: String,
    pub is_own: bool,
}

/// Words that stand for no id, as programs write them.
const PLACEHOLDERS: [&str; 11] = [
    "null",
    "undefined",
    "nan",
    "none",
    "nil",
    "n/a",
    "(not set)",
    "not set",
    "[object object]",
    "[object promise]",
    "00000000-0000-0000-0000-000000000000",
];
/// Words that do when they come more than once.
const DOUBTFUL: [&str; 8] = ["0", "-1", "na", "unknown", "anonymous", "guest", "true", "false"];
/// How many values a column may have to be one of segments.
const MOST_VALUES: usize = 1000;
/// Whole numbers from here on are not all told apart by a double.
const ROUNDED_FROM: u64 = 1 << 53;

/// Reads or makes them up.
pub(super) fn listed(spec: &Settings, folder: &Path, seed: u64) -> Result<Listed, Error> {
    let ids = spec.before_launch.as_ref().and_then(|before| before.ids.clone()).unwrap_or_default();
    match &ids.file {
        Some(file) => read(&ids, &spec.unit, file, &folder.join(file)),
        None => Ok(made_up(ids.generated, seed)),
    }
}

/// UUIDs of the fourth kind.
fn made_up(count: u64, seed: u64) -> Listed {
    let mut random = Random::new(seed);
    let id = |_| {
        let (a, b) = (random.bits(), random.bits());
        let (a, b) = (a & !0xf000 | 0x4000, b & !(3 << 62) | 1 << 63);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xffff,
            b >> 48,
            b & 0xffff_ffff_ffff
        )
    };
    Listed {
        ids: (0..count).map(id).collect(),
        places: Vec::new(),
        values: Vec::new(),
        columns: Vec::new(),
        odd: OddIds::default(),
        source: format!("{} that were made up", crate::words::times(count as f64, "id")),
        is_own: false,
    }
}

fn read(ids: &Ids, unit: &str, name: &str, path: &Path) -> Result<Listed, Error> {
    let bytes = std::fs::read(path)
        .map_err(|error| Error::new(format!("the ids in {name} cannot be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|b| *b == b'\n');
        Error::new(format!("{name}, line {}: this is no text in UTF-8", line.count()))
            .hint("write the file in UTF-8: in another encoding ids have other buckets")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut taken = Taken::new(&ids.segments);
    let by = match path.extension().and_then(|end| end.to_str()) {
        Some("csv") => b',',
        Some("tsv") => b'\t',
        _ if ids.segments.is_empty() && ids.column.is_none() => {
            text.lines().for_each(|line| taken.add(line, std::iter::empty()));
            return taken.listed(name);
        }
        _ => b',',
    };
    let mut rows = csv::ReaderBuilder::new().delimiter(by).from_reader(text.as_bytes());
    let wrong = |error: csv::Error| Error::new(format!("the ids in {name}: {error}"));
    let header = rows.headers().map_err(wrong)?.clone();
    let place = |column: &str| {
        header.iter().position(|one| one.trim() == column).ok_or_else(|| {
            let there: Vec<&str> = header.iter().collect();
            Error::new(format!("{name} has no column `{column}`"))
                .hint(format!("it has {}", there.join(", ")))
        })
    };
    let id = place(ids.column.as_deref().unwrap_or(unit))?;
    let segments: Vec<usize> =
        ids.segments.iter().map(|one| place(one)).collect::<Result<_, Error>>()?;
    for row in rows.records() {
        let row = row.map_err(wrong)?;
        let field = |at: usize| row.get(at).unwrap_or_default();
        taken.add(field(id), segments.iter().map(|at| field(*at)));
    }
    taken.listed(name)
}

/// Ids as far as they have been read.
struct Taken {
    listed: Listed,
    /// How often each comes, and where its first one stands.
    known: HashMap<String, u64>,
    numbers: Vec<HashMap<String, u32>>,
    /// Whole UUIDs, and what may be the start of one.
    uuids: u64,
    starts: Vec<String>,
    rounded: Vec<String>,
    large: u64,
}

impl Taken {
    fn new(columns: &[String]) -> Taken {
        let listed = Listed {
            ids: Vec::new(),
            places: Vec::new(),
            values: vec![Vec::new(); columns.len()],
            columns: columns.to_vec(),
            odd: OddIds::default(),
            source: String::new(),
            is_own: true,
        };
        Taken {
            listed,
            known: HashMap::new(),
            numbers: vec![HashMap::new(); columns.len()],
            uuids: 0,
            starts: Vec::new(),
            rounded: Vec::new(),
            large: 0,
        }
    }

    fn add<'v>(&mut self, id: &str, values: impl Iterator<Item = &'v str>) {
        let odd = &mut self.listed.odd;
        if id.trim().is_empty() {
            odd.empty += 1;
            return;
        }
        let low = id.trim().to_lowercase();
        if PLACEHOLDERS.contains(&low.as_str()) {
            *odd.placeholders.entry(id.to_owned()).or_default() += 1;
            return;
        }
        let times = self.known.entry(id.to_owned()).or_default();
        *times += 1;
        if *times > 1 {
            odd.again += 1;
            return;
        }
        odd.wide += u64::from(!id.is_ascii());
        if id.trim() != id || id.starts_with(['"', '\'']) {
            odd.padded += 1;
            odd.padded_example.get_or_insert_with(|| id.to_owned());
        }
        self.looked_at(id);
        let mut places = Vec::with_capacity(self.listed.columns.len());
        for (at, value) in values.enumerate() {
            let (names, numbers) = (&mut self.listed.values[at], &mut self.numbers[at]);
            let place = *numbers.entry(value.to_owned()).or_insert_with(|| {
                names.push(value.to_owned());
                names.len() as u32 - 1
            });
            places.push(place);
        }
        self.listed.ids.push(id.to_owned());
        self.listed.places.push(places);
    }

    /// Whether it was cut short or rounded.
    fn looked_at(&mut self, id: &str) {
        if is_uuid_start(id) {
            if id.len() == 36 {
                self.uuids += 1;
            } else {
                self.starts.push(id.to_owned());
            }
        }
        if id.ends_with("...") || id.ends_with('…') || is_of_a_spreadsheet(id) {
            self.cut(id);
        }
        let number = id.parse::<u64>().ok().filter(|number| *number >= ROUNDED_FROM);
        if let Some(number) = number {
            self.large += 1;
            if number.is_multiple_of(100) {
                self.rounded.push(id.to_owned());
            }
        }
    }

    fn cut(&mut self, id: &str) {
        self.listed.odd.cut += 1;
        self.listed.odd.cut_example.get_or_insert_with(|| id.to_owned());
    }

    fn listed(mut self, name: &str) -> Result<Listed, Error> {
        // A few that look like it may be a kind of their own, when no id is whole.
        if self.uuids > 0 || self.starts.len() > 10 {
            for id in std::mem::take(&mut self.starts) {
                self.cut(&id);
            }
        }
        // One in a hundred ends like that by itself.
        if self.rounded.len() > 3 && self.rounded.len() as u64 * 5 > self.large {
            for id in std::mem::take(&mut self.rounded) {
                self.cut(&id);
            }
        }
        let Taken { mut known, mut listed, .. } = self;
        known.retain(|id, times| {
            let is_none = *times > 1 && DOUBTFUL.contains(&id.to_lowercase().as_str());
            if is_none {
                listed.odd.again -= *times - 1;
                listed.odd.placeholders.insert(id.clone(), *times);
            }
            !is_none
        });
        let most = known.into_iter().filter(|(_, times)| *times > 1);
        listed.odd.most = most.max_by(|one, other| (one.1, &other.0).cmp(&(other.1, &one.0)));
        for (column, values) in listed.columns.iter().zip(&listed.values) {
            if values.len() > MOST_VALUES {
                return Err(Error::new(format!(
                    "the column `{column}` of {name} has over {MOST_VALUES} different values"
                ))
                .hint("a segment has few values: group them first"));
            }
        }
        if listed.ids.is_empty() && listed.odd == OddIds::default() {
            return Err(Error::new(format!("there are no ids in {name}")));
        }
        let count = crate::words::times(listed.ids.len() as f64, "id");
        listed.source = format!("{count} of {name}");
        Ok(listed)
    }
}

/// Whether it is a UUID, or the first eight digits of one and more.
fn is_uuid_start(id: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (9..=36).contains(&id.len()) && id.bytes().enumerate().all(fits)
}

/// Whether it is a long number as spreadsheets write them: `1.23457E+11`.
fn is_of_a_spreadsheet(id: &str) -> bool {
    let Some((digits, power)) = id.split_once("E+") else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(power)
        && digits.split_once('.').is_some_and(|(a, b)| a.len() == 1 && is_number(a) && is_number(b))
}

impl Listed {
    /// What else is known of an id, in the shape that the service takes it.
    pub(super) fn attributes(&self, at: usize, service: &str) -> Option<Map<String, Value>> {
        let places = self.places.get(at).filter(|places| !places.is_empty())?;
        let of = |(column, place): (usize, &u32)| {
            (self.columns[column].clone(), typed(&self.values[column][*place as usize]))
        };
        let all: Map<String, Value> = places.iter().enumerate().map(of).collect();
        Some(match service {
            "statsig" => [("custom".to_owned(), Value::Object(all))].into_iter().collect(),
            "launchdarkly" => {
                [("kind".to_owned(), Value::from("user"))].into_iter().chain(all).collect()
            }
            _ => all,
        })
    }
}

/// What a field of a table means: a number or a truth value when it reads like one.
fn typed(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    // 007 is a name.
    let is_plain = !(text.len() > 1 && text.starts_with('0') && !text.starts_with("0."));
    let number = text.parse::<i64>().ok().map(Number::from);
    let number = number.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
    number.filter(|_| is_plain).map_or_else(|| Value::from(text), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ids: &[&str]) -> Listed {
        let mut taken = Taken::new(&[]);
        for id in ids {
            taken.add(id, std::iter::empty());
        }
        taken.listed("ids.txt").unwrap()
    }

    #[test]
    fn odd_ids_are_told_apart() {
        let whole = "9f1c0b5e-2a4d-4c7e-8b1a-0123456789ab";
        let odd = taken(&["a", "a", "a", "b", "", " ", "null", "NULL", "用户", " c"]).odd;
        assert_eq!((odd.empty, odd.again, odd.wide, odd.padded), (2, 2, 1, 1));
        assert_eq!(odd.most, Some(("a".to_owned(), 3)));
        assert_eq!(odd.placeholders.values().sum::<u64>(), 2);
        assert_eq!(taken(&["0", "1", "2"]).odd, OddIds::default());
        let odd = taken(&["0", "1", "0", "0"]).odd;
        assert_eq!((odd.again, odd.placeholders["0"]), (0, 3));
        let check = |ids: &[&str], cut: u64| assert_eq!(taken(ids).odd.cut, cut, "{ids:?}");
        check(&[whole, &whole[..20]], 1);
        check(&[whole], 0);
        check(&["deadbeef-1"], 0);
        check(&["1.23457E+11", "2.5E+10", "E+1", "1.E+5"], 2);
        check(&["user-12...", "user-1"], 1);
        check(
            &[
                "10000000000000000100",
                "12345678901234567800",
                "12345678901234567000",
                "12345678901234560000",
            ],
            4,
        );
        check(&["12345678901234567800", "12345678901234567812", "12345678901234567815"], 0);
    }

    #[test]
    fn fields_have_types() {
        let check = |text: &str, expect: Value| assert_eq!(typed(text), expect, "{text}");
        check("12", Value::from(12));
        check("0.5", Value::from(0.5));
        check("007", Value::from("007"));
        check("true", Value::from(true));
        check("DE", Value::from("DE"));
        check("NaN", Value::from("NaN"));
        check("", Value::from(""));
    }

    #[test]
    fn made_up_ids_are_the_same_for_a_seed() {
        let (one, same, other) = (made_up(100, 1).ids, made_up(100, 1).ids, made_up(100, 2).ids);
        assert!(one == same && one != other);
        assert!(one.iter().all(|id| is_uuid_start(id) && id.len() == 36 && &id[14..15] == "4"));
    }
}
