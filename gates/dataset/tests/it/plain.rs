//! Rows, how they are written, and what they come to the slow way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use dataset::{
    Answer, Cell, Events, Exposures, Left, Moments, Question, Source, Total, When, Zone,
};
use parquet::basic::{Compression, Encoding};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Format {
    Csv,
    Json,
    Parquet(Written),
}

/// How a Parquet file is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written {
    /// With dictionaries, and nothing packed.
    Usual,
    /// As they are, packed by Snappy, a few values in each page.
    Plain,
    /// With dictionaries and packed, pages of the newer kind.
    Packed,
    /// Newer pages of values as they are, where some are there and some are not.
    NewerPlain,
    /// By what each has more than the one before it.
    Deltas,
}

impl Format {
    pub(crate) const ALL: [Format; 7] = [
        Format::Csv,
        Format::Json,
        Format::Parquet(Written::Usual),
        Format::Parquet(Written::Plain),
        Format::Parquet(Written::Packed),
        Format::Parquet(Written::NewerPlain),
        Format::Parquet(Written::Deltas),
    ];
}

impl Written {
    fn properties(self) -> WriterProperties {
        let all =
            WriterProperties::builder().set_data_page_row_count_limit(5).set_write_batch_size(3);
        let newer = WriterVersion::PARQUET_2_0;
        match self {
            Written::Usual => WriterProperties::builder(),
            Written::Plain => {
                all.set_dictionary_enabled(false).set_compression(Compression::SNAPPY)
            }
            Written::Packed => all.set_compression(Compression::SNAPPY).set_writer_version(newer),
            Written::NewerPlain => all
                .set_dictionary_enabled(false)
                .set_encoding(Encoding::PLAIN)
                .set_compression(Compression::SNAPPY)
                .set_writer_version(newer),
            Written::Deltas => all.set_dictionary_enabled(false).set_writer_version(newer),
        }
        .build()
    }
}

/// Who, when in seconds, and to which arm; and what sort of one this is.
#[derive(Debug, Clone)]
pub(crate) struct Exposed {
    pub(crate) unit: String,
    pub(crate) at: i64,
    pub(crate) arm: usize,
    pub(crate) segment: Option<String>,
}

/// Who, when in seconds, what, and how much.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    pub(crate) unit: String,
    pub(crate) at: i64,
    pub(crate) event: String,
    pub(crate) amount: Option<f64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) exposed: Vec<Exposed>,
    pub(crate) happened: Vec<Happened>,
}

pub(crate) const ARMS: [&str; 3] = ["control", "new \"hero\"", "b,c"];
/// 2026-11-01.
pub(crate) const START: i64 = 1_793_491_200;

fn unit() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..12_u8).prop_map(|number| format!("user-{number}")),
        1 => prop::sample::select(vec!["josé", "用户1", "a,b", "say \"hi\"", "two\nlines", " x "])
            .prop_map(str::to_owned),
    ]
}

pub(crate) fn rows() -> impl Strategy<Value = Rows> {
    let at = || START..START + 4 * 86_400;
    let few = || prop_oneof![2 => at(), 1 => Just(START + 100)];
    let segment = prop::option::of(prop::sample::select(vec!["de", "fr", "pt-BR", "Zürich"]));
    let exposed = (unit(), few(), 0..ARMS.len(), segment).prop_map(|(unit, at, arm, segment)| {
        Exposed { unit, at, arm, segment: segment.map(str::to_owned) }
    });
    let event = prop::sample::select(vec!["signup", "buy", "other"]);
    let amount = prop::option::of(-1000.0..1e6_f64);
    let happened = (unit(), few(), event, amount).prop_map(|(unit, at, event, amount)| Happened {
        unit,
        at,
        event: event.to_owned(),
        amount,
    });
    (prop::collection::vec(exposed, 1..60), prop::collection::vec(happened, 1..80))
        .prop_map(|(exposed, happened)| Rows { exposed, happened })
}

impl Rows {
    /// Units that are numbers.
    pub(crate) fn numbered(count: i64) -> Rows {
        let exposed = |unit: i64| Exposed {
            unit: (unit - 7).to_string(),
            at: START + unit,
            arm: unit as usize % 2,
            segment: None,
        };
        let happened = |unit: i64| Happened {
            unit: (unit - 7).to_string(),
            at: START + unit + unit % 5,
            event: "buy".to_owned(),
            amount: Some(unit as f64 / 4.0),
        };
        Rows {
            exposed: (0..count).map(exposed).collect(),
            happened: (0..count).map(happened).collect(),
        }
    }

    pub(crate) fn write(&self, folder: &Path, format: Format) -> Question {
        let end = match format {
            Format::Csv => "csv",
            Format::Json => "jsonl",
            Format::Parquet(_) => "parquet",
        };
        let (exposures, events) = (format!("exposures.{end}"), format!("events.{end}"));
        let (exposures, events) = (folder.join(exposures), folder.join(events));
        match format {
            Format::Csv => self.csv(&exposures, &events),
            Format::Json => self.json(&exposures, &events),
            Format::Parquet(how) => self.parquet(&exposures, &events, how),
        }
        let total = |event: &str, column: Option<&str>, when| Total {
            source: Source::Events(0),
            event: (!event.is_empty()).then(|| event.to_owned()),
            column: column.map(str::to_owned),
            when,
        };
        Question {
            exposures: Exposures {
                from: exposures,
                unit: "user".to_owned(),
                arm: "variant".to_owned(),
                time: Some("at".to_owned()),
                segments: vec!["country".to_owned()],
            },
            events: vec![Events {
                from: events,
                unit: "user".to_owned(),
                time: Some("at".to_owned()),
                event: Some("event".to_owned()),
            }],
            arms: ARMS.map(str::to_owned).to_vec(),
            totals: vec![
                total("signup", None, When::After),
                total("buy", Some("amount"), When::After),
                total("", Some("amount"), When::Before),
                Total { source: Source::Exposures, ..total("", None, When::After) },
            ],
            products: vec![(1, 2), (0, 3)],
            zone: Zone::default(),
        }
    }

    fn csv(&self, exposures: &Path, events: &Path) {
        let field = |text: &str| {
            if text.contains(['"', ',', '\n']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            }
        };
        let mut text = String::from("at,country,user,variant\r\n");
        for row in &self.exposed {
            let segment = row.segment.clone().unwrap_or_default();
            let time = jiff::Timestamp::from_second(row.at).unwrap();
            let (unit, arm) = (field(&row.unit), field(ARMS[row.arm]));
            let _ = write!(text, "{time},{segment},{unit},{arm}\r\n");
        }
        std::fs::write(exposures, text).unwrap();
        let mut text = String::from("\u{feff}event,user,amount,at\n");
        for row in &self.happened {
            let amount = row.amount.map(|amount| amount.to_string()).unwrap_or_default();
            let _ = writeln!(text, "{},{},{amount},{}", row.event, field(&row.unit), row.at);
        }
        std::fs::write(events, text).unwrap();
    }

    fn json(&self, exposures: &Path, events: &Path) {
        let mut text = String::new();
        for row in &self.exposed {
            let line = serde_json::json!({"user": row.unit, "variant": ARMS[row.arm],
                "at": row.at * 1000, "country": row.segment, "more": [1, 2]});
            let _ = writeln!(text, "{line}\n");
        }
        std::fs::write(exposures, text).unwrap();
        let lines = self.happened.iter().map(|row| {
            serde_json::json!({"user": row.unit, "event": row.event, "at": row.at,
                "amount": row.amount})
            .to_string()
        });
        std::fs::write(events, lines.collect::<Vec<_>>().join("\n")).unwrap();
    }

    /// In row groups of a few rows, with ids as numbers where all of them are.
    fn parquet(&self, exposures: &Path, events: &Path, how: Written) {
        let numbers = |units: Vec<&String>| -> Option<Vec<i64>> {
            units.into_iter().map(|unit| unit.parse().ok()).collect()
        };
        let text = |text: &str| ByteArray::from(text.as_bytes().to_vec());
        let ids = numbers(self.exposed.iter().map(|row| &row.unit).collect());
        let kind = if ids.is_some() { "int64 user" } else { "binary user (utf8)" };
        let schema = format!(
            "message exposures {{ required {kind}; required int64 at (timestamp(micros,true)); \
             optional binary country (utf8); required binary variant (utf8); }}"
        );
        write_parquet(exposures, how, &schema, self.exposed.len(), &|column, rows| {
            let part = &self.exposed[rows.clone()];
            match column {
                0 => match &ids {
                    Some(ids) => Data::Whole(ids[rows].to_vec()),
                    None => Data::Text(part.iter().map(|row| Some(text(&row.unit))).collect()),
                },
                1 => Data::Whole(part.iter().map(|row| row.at * 1_000_000).collect()),
                2 => Data::Some(part.iter().map(|row| row.segment.as_deref().map(text)).collect()),
                _ => Data::Text(part.iter().map(|row| Some(text(ARMS[row.arm]))).collect()),
            }
        });
        let schema = "message events { required binary user (utf8); required int64 at; \
                      required binary event (utf8); optional double amount; }";
        write_parquet(events, how, schema, self.happened.len(), &|column, rows| {
            let part = &self.happened[rows];
            match column {
                0 => Data::Text(part.iter().map(|row| Some(text(&row.unit))).collect()),
                1 => Data::Whole(part.iter().map(|row| row.at).collect()),
                2 => Data::Text(part.iter().map(|row| Some(text(&row.event))).collect()),
                _ => Data::Number(part.iter().map(|row| row.amount).collect()),
            }
        });
    }
}

enum Data {
    Whole(Vec<i64>),
    Text(Vec<Option<ByteArray>>),
    Some(Vec<Option<ByteArray>>),
    Number(Vec<Option<f64>>),
}

fn write_parquet(
    file: &Path,
    how: Written,
    schema: &str,
    rows: usize,
    data: &dyn Fn(usize, std::ops::Range<usize>) -> Data,
) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(how.properties());
    let mut writer =
        SerializedFileWriter::new(File::create(file).unwrap(), schema, properties).unwrap();
    let mut from = 0;
    while from < rows {
        let to = rows.min(from + 17);
        let mut group = writer.next_row_group().unwrap();
        let mut at = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let levels = |are: Vec<bool>| are.into_iter().map(i16::from).collect::<Vec<_>>();
            match data(at, from..to) {
                Data::Whole(all) => {
                    column.typed::<Int64Type>().write_batch(&all, None, None).unwrap();
                }
                Data::Text(all) => {
                    let all: Vec<ByteArray> = all.into_iter().flatten().collect();
                    column.typed::<ByteArrayType>().write_batch(&all, None, None).unwrap();
                }
                Data::Some(all) => {
                    let there = levels(all.iter().map(Option::is_some).collect());
                    let all: Vec<ByteArray> = all.into_iter().flatten().collect();
                    let typed = column.typed::<ByteArrayType>();
                    typed.write_batch(&all, Some(&there), None).unwrap();
                }
                Data::Number(all) => {
                    let there = levels(all.iter().map(Option::is_some).collect());
                    let all: Vec<f64> = all.into_iter().flatten().collect();
                    let typed = column.typed::<DoubleType>();
                    typed.write_batch(&all, Some(&there), None).unwrap();
                }
            }
            column.close().unwrap();
            at += 1;
        }
        group.close().unwrap();
        from = to;
    }
    writer.close().unwrap();
}

/// What the rows come to, unit by unit.
pub(crate) fn answer(rows: &Rows, question: &Question, centres: &[f64]) -> Answer {
    let mut units: BTreeMap<&str, Vec<&Exposed>> = BTreeMap::new();
    for row in &rows.exposed {
        units.entry(&row.unit).or_default().push(row);
    }
    let mut left = Left {
        exposures: rows.exposed.len() as u64,
        events: rows.happened.len() as u64,
        ..Left::default()
    };
    left.unexposed =
        rows.happened.iter().filter(|row| !units.contains_key(row.unit.as_str())).count() as u64;
    let empty = || vec![Vec::<([f64; 4], bool)>::new(); ARMS.len()];
    let (mut arms, mut days, mut segments) = (empty(), BTreeMap::new(), BTreeMap::new());
    for (unit, exposed) in &units {
        let first =
            exposed.iter().min_by_key(|row| (row.at, ARMS[row.arm], row.segment.clone())).unwrap();
        let is_multiple = exposed.iter().map(|row| row.arm).collect::<BTreeSet<_>>().len() > 1;
        let own = || rows.happened.iter().filter(|row| row.unit == *unit);
        let amount = |row: &Happened| row.amount.unwrap_or(0.0);
        left.before += own().filter(|row| row.at < first.at).count() as u64;
        let after = || own().filter(|row| row.at >= first.at);
        let values = [
            after().filter(|row| row.event == "signup").count() as f64,
            after().filter(|row| row.event == "buy").map(amount).sum(),
            own().filter(|row| row.at < first.at).map(amount).sum(),
            exposed.len() as f64,
        ];
        arms[first.arm].push((values, is_multiple));
        let day = jiff::Timestamp::from_second(first.at).unwrap().strftime("%Y-%m-%d").to_string();
        days.entry(day).or_insert_with(empty)[first.arm].push((values, is_multiple));
        segments.entry(first.segment.clone()).or_insert_with(empty)[first.arm]
            .push((values, is_multiple));
    }
    let cells = |arms: &Vec<Vec<([f64; 4], bool)>>| -> Vec<Cell> {
        arms.iter().map(|units| cell(units, question, centres)).collect()
    };
    Answer {
        arms: cells(&arms),
        days: days.iter().map(|(day, arms)| (day.clone(), cells(arms))).collect(),
        segments: vec![segments.iter().map(|(name, arms)| (name.clone(), cells(arms))).collect()],
        centres: centres.to_vec(),
        left,
    }
}

fn cell(units: &[([f64; 4], bool)], question: &Question, centres: &[f64]) -> Cell {
    let column = |at: usize| units.iter().map(move |(values, _)| values[at]);
    let centred = |at: usize| column(at).map(move |value| value - centres[at]);
    let moments = |at: usize| Moments {
        some: column(at).filter(|value| *value != 0.0).count() as u64,
        sum: column(at).sum(),
        centred: centred(at).sum(),
        squares: centred(at).map(|value| value * value).sum(),
    };
    let product = |(one, other): &(usize, usize)| {
        centred(*one).zip(centred(*other)).map(|(one, other)| one * other).sum()
    };
    Cell {
        units: units.len() as u64,
        multiple: units.iter().filter(|(_, is_multiple)| *is_multiple).count() as u64,
        totals: (0..4).map(moments).collect(),
        products: question.products.iter().map(product).collect(),
    }
}
