//! Columns of the types that Parquet has: what they hold is what comes out, or an error.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use dataset::{Answer, Error, Events, Exposures, Question, Source, Total, When, Zone, answer};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// A column: its declaration, and what writes it.
pub(crate) struct Column {
    schema: &'static str,
    write: Box<dyn Fn(&mut SerializedColumnWriter<'_>)>,
}

/// A column of values, some of which may not be there: levels say which.
fn column<T: DataType>(schema: &'static str, values: Vec<T::T>, levels: &[i16]) -> Column {
    let levels = (!levels.is_empty()).then(|| levels.to_vec());
    let write = move |column: &mut SerializedColumnWriter<'_>| {
        let writer = column.typed::<T>();
        writer.write_batch(&values, levels.as_deref(), None).unwrap();
    };
    Column { schema, write: Box::new(write) }
}

fn texts(schema: &'static str, values: &[&str]) -> Column {
    let values = values.iter().map(|value| ByteArray::from(value.as_bytes().to_vec())).collect();
    column::<ByteArrayType>(schema, values, &[])
}

const ARMS: [&str; 3] = ["a", "b", "c"];

/// Three units, each in an arm of its own.
fn users() -> Column {
    texts("required binary user (utf8)", &["u1", "u2", "u3"])
}

/// All at 2026-11-01.
fn times() -> Column {
    let at = vec![1_793_491_200_000_000; 3];
    column::<Int64Type>("required int64 at (timestamp(micros,true))", at, &[])
}

fn arms() -> Column {
    texts("required binary variant (utf8)", &ARMS)
}

fn amounts() -> Column {
    column::<DoubleType>("required double amount", vec![1.0, 2.0, 4.0], &[])
}

fn write(file: &Path, columns: &[Column]) {
    let end = |one: &Column| if one.schema.ends_with('}') { " " } else { "; " };
    let schema: String = columns.iter().map(|one| [one.schema, end(one)].concat()).collect();
    let schema = format!("message rows {{ {schema} }}");
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::default());
    let mut writer =
        SerializedFileWriter::new(File::create(file).unwrap(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for one in columns {
        let mut column = group.next_column().unwrap().unwrap();
        (one.write)(&mut column);
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

pub(crate) fn question(file: &Path, amount: &str) -> Question {
    Question {
        exposures: Exposures {
            from: file.to_owned(),
            unit: "user".to_owned(),
            arm: "variant".to_owned(),
            time: Some("at".to_owned()),
            segments: Vec::new(),
        },
        events: Vec::new(),
        arms: ARMS.map(str::to_owned).to_vec(),
        totals: vec![Total {
            source: Source::Exposures,
            event: None,
            column: Some(amount.to_owned()),
            when: When::After,
        }],
        products: Vec::new(),
        zone: Zone::default(),
    }
}

/// The answer for a file of these columns.
fn asked(columns: &[Column], amount: &str) -> Result<Answer, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    write(&file, columns);
    answer(&question(&file, amount), 2)
}

/// What each arm's unit has.
fn sums(answer: &Answer) -> Vec<f64> {
    answer.arms.iter().map(|arm| arm.totals[0].sum).collect()
}

#[test]
fn numbers_of_many_types_are_added_up() {
    let check = |name: &str, amounts: Column, expect: [f64; 3]| {
        let what = amounts.schema;
        let got = asked(&[users(), times(), arms(), amounts], name).unwrap();
        assert_eq!(sums(&got), expect, "{what}");
    };
    // A level says how far down something is there; only the deepest one is a value.
    check(
        "props.amount",
        column::<DoubleType>(
            "optional group props { optional double amount; }",
            vec![5.0, 7.0],
            &[1, 2, 2],
        ),
        [0.0, 5.0, 7.0],
    );
    check(
        "props.amount",
        column::<Int32Type>(
            "optional group props { optional int32 amount; }",
            vec![5, 7],
            &[2, 0, 2],
        ),
        [5.0, 0.0, 7.0],
    );
    check(
        "props.amount",
        column::<DoubleType>(
            "optional group props { required double amount; }",
            vec![5.0],
            &[0, 1, 0],
        ),
        [0.0, 5.0, 0.0],
    );
    // Without a sign the highest bit counts.
    let highest = i64::MIN + 2048;
    check(
        "amount",
        column::<Int64Type>("required int64 amount (integer(64,false))", vec![highest, 0, 7], &[]),
        [9_223_372_036_854_777_856.0, 0.0, 7.0],
    );
    check(
        "amount",
        column::<Int32Type>("optional int32 amount (uint_32)", vec![-1, 7], &[1, 0, 1]),
        [4_294_967_295.0, 0.0, 7.0],
    );
}

#[test]
fn decimals_are_as_long_as_they_like() {
    let bytes = |number: i128, length: usize| {
        let mut bytes = vec![if number < 0 { 0xff } else { 0 }; length.saturating_sub(16)];
        let number = number.to_be_bytes();
        bytes.extend(&number[16_usize.saturating_sub(length)..]);
        ByteArray::from(bytes)
    };
    let check = |values: [ByteArray; 3], expect: [f64; 3]| {
        let schema = "required binary amount (decimal(60,2))";
        let amounts = column::<ByteArrayType>(schema, values.to_vec(), &[]);
        let got = asked(&[users(), times(), arms(), amounts], "amount").unwrap();
        assert_eq!(sums(&got), expect);
    };
    check([bytes(-250, 2), bytes(250, 16), bytes(0, 1)], [-2.5, 2.5, 0.0]);
    check(
        [bytes(-250, 17), bytes(250, 24), bytes(i128::from(i64::MIN), 32)],
        [-2.5, 2.5, -92_233_720_368_547_758.08],
    );
    // Sixteen bytes are not enough for these.
    let mut large = vec![0; 20];
    large[1] = 1;
    let mut small = vec![0xff; 20];
    small[1] = 0xfe;
    let power = 2_f64.powi(8 * 18) / 100.0;
    let below = -(2_f64.powi(8 * 18) * 1.0 + 1.0) / 100.0;
    check([large.into(), small.into(), bytes(100, 20)], [power, below, 1.0]);
    // And one more bit than they have: the sign stands in front.
    let mut edge = vec![0; 17];
    edge[1] = 0x80;
    check(
        [edge.into(), bytes(i128::MIN, 16), bytes(i128::MAX, 17)],
        [2_f64.powi(127) / 100.0, -(2_f64.powi(127)) / 100.0, 2_f64.powi(127) / 100.0],
    );
}

#[test]
fn ids_of_many_types_are_the_same_as_in_text() {
    let folder = tempfile::tempdir().unwrap();
    // What these units bought stands in a text file.
    let check = |users: Column, ids: [&str; 3]| {
        let (file, events) = (folder.path().join("x.parquet"), folder.path().join("x.csv"));
        let what = users.schema;
        write(&file, &[users, times(), arms()]);
        let lines = ids.iter().zip([1, 2, 4]).map(|(id, amount)| format!("{id},{amount}\n"));
        std::fs::write(&events, format!("user,amount\n{}", lines.collect::<String>())).unwrap();
        let mut question = question(&file, "amount");
        let (unit, time, event) = ("user".to_owned(), None, None);
        question.events.push(Events { from: events, unit, time, event });
        question.totals[0].source = Source::Events(0);
        let got = answer(&question, 2).unwrap();
        assert_eq!(sums(&got), [1.0, 2.0, 4.0], "{what}");
        assert_eq!(got.left.unexposed, 0, "{what}");
    };
    check(
        column::<Int64Type>("required int64 user (integer(64,false))", vec![-1, i64::MIN, 7], &[]),
        ["18446744073709551615", "9223372036854775808", "7"],
    );
    check(
        column::<Int32Type>("required int32 user (uint_32)", vec![-1, i32::MIN, 7], &[]),
        ["4294967295", "2147483648", "7"],
    );
    check(
        column::<Int64Type>("required int64 user", vec![-1, i64::MIN, 7], &[]),
        ["-1", "-9223372036854775808", "7"],
    );
    check(column::<Int32Type>("required int32 user", vec![-1, 0, 7], &[]), ["-1", "0", "7"]);
}

#[test]
fn times_of_many_types_are_read() {
    let check = |times: Column, expect: [&str; 2]| {
        let what = times.schema;
        let got = asked(&[users(), times, arms(), amounts()], "amount").unwrap();
        assert_eq!(got.days.keys().collect::<Vec<_>>(), expect, "{what}");
    };
    let days = ["2026-11-01", "2026-11-02"];
    let at = |per_second: i64| {
        [0, 86_399, 86_400].map(|more| (1_793_491_200 + more) * per_second).to_vec()
    };
    let whole = |schema, per_second| column::<Int64Type>(schema, at(per_second), &[]);
    check(whole("required int64 at (timestamp(millis,true))", 1_000), days);
    check(whole("required int64 at (timestamp(micros,false))", 1_000_000), days);
    check(whole("required int64 at (timestamp(nanos,true))", 1_000_000_000), days);
    check(whole("required int64 at (timestamp_millis)", 1_000), days);
    check(whole("required int64 at", 1), days);
    check(whole("required int64 at (integer(64,false))", 1_000), days);
    check(column::<Int32Type>("required int32 at (date)", vec![20_758, 20_758, 20_759], &[]), days);
}

/// What Spark wrote for years are instants: 22:59:59 and 23:00 in UTC.
#[test]
fn the_oldest_times_are_instants() {
    let moments = [(2_461_346, 82_799_u64), (2_461_346, 82_800), (2_461_347, 0)];
    let moments = moments.map(|(day, second)| {
        let nanos = second * 1_000_000_000;
        Int96::from(vec![nanos as u32, (nanos >> 32) as u32, day])
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.parquet");
    let moments = column::<Int96Type>("required int96 at", moments.to_vec(), &[]);
    write(&file, &[users(), moments, arms(), amounts()]);
    let mut question = question(&file, "amount");
    question.zone = Zone::named("Europe/Berlin").unwrap();
    let got = answer(&question, 1).unwrap();
    let sums = |day: &str| got.days[day].iter().map(|arm| arm.totals[0].sum).collect::<Vec<_>>();
    assert_eq!(got.days.keys().collect::<Vec<_>>(), ["2026-11-01", "2026-11-02"]);
    assert_eq!(sums("2026-11-01"), [1.0, 0.0, 0.0]);
    assert_eq!(sums("2026-11-02"), [0.0, 2.0, 4.0]);
}

#[test]
fn what_does_not_fit_is_told() {
    let check = |columns: [Column; 4], expect: &str| {
        let what = columns.iter().map(|one| one.schema).collect::<Vec<_>>();
        let error = asked(&columns, "amount").unwrap_err().to_string();
        let said = error.split_once("x.parquet: ").map(|(_, said)| said);
        assert_eq!(said, Some(expect), "{what:?}");
    };
    // A time of a day is none.
    let noon = 12 * 3_600 * 1_000_000;
    let fault = "row 1: column `at`: its values are no times";
    for schema in ["required int64 at (time(micros,true))", "required int64 at (time_micros)"] {
        let at = column::<Int64Type>(schema, vec![noon; 3], &[]);
        check([users(), at, arms(), amounts()], fault);
    }
    let at = column::<Int32Type>("required int32 at (time_millis)", vec![1; 3], &[]);
    check([users(), at, arms(), amounts()], fault);
    let clocks = column::<Int64Type>("required int64 amount (time_micros)", vec![noon; 3], &[]);
    check([users(), times(), arms(), clocks], "row 1: column `amount`: its values are no numbers");
    let clocks = column::<Int64Type>("required int64 user (time_micros)", vec![noon; 3], &[]);
    check([clocks, times(), arms(), amounts()], "row 1: column `user`: its values are no ids");
    // What no calendar has, in every unit; the least number stands for no time.
    let fault = "row 2: column `at`: this is no time: it lies outside of the years 1 to 9999";
    let beyond = |schema, at: i64| {
        let at = column::<Int64Type>(schema, vec![0, at, 0], &[]);
        check([users(), at, arms(), amounts()], fault);
    };
    for zone in ["true", "false"] {
        let millis = format!("required int64 at (timestamp(millis,{zone}))").leak();
        let micros = format!("required int64 at (timestamp(micros,{zone}))").leak();
        let nanos = format!("required int64 at (timestamp(nanos,{zone}))").leak();
        for at in [i64::MIN, i64::MAX, 253_402_300_800_000, -62_135_596_800_001] {
            beyond(millis, at);
        }
        for at in [i64::MIN, i64::MAX, 253_402_300_800_000_000, -62_135_596_800_000_001] {
            beyond(micros, at);
        }
        for at in [i64::MIN, i64::MAX] {
            beyond(nanos, at);
        }
    }
    // Without a unit a number has to look like a count from 1970.
    let uncounted = [0, -1, 20_261_101, 20_261_101_093_000, i64::MIN, i64::MAX];
    for at in uncounted {
        let fault = format!("row 2: column `at`: `{at}` is no time");
        let at = vec![1_793_491_200, at, 0];
        check(
            [users(), column::<Int64Type>("required int64 at", at, &[]), arms(), amounts()],
            &fault,
        );
    }
    let at = vec![1_793_491_200, -1, 0];
    let at = column::<Int64Type>("required int64 at (integer(64,false))", at, &[]);
    let uncounted = "row 2: column `at`: `18446744073709551615` is no time";
    check([users(), at, arms(), amounts()], uncounted);
    for day in [i32::MIN, i32::MAX, 2_932_897] {
        let days = column::<Int32Type>("required int32 at (date)", vec![0, day, 0], &[]);
        check([users(), days, arms(), amounts()], fault);
    }
    for day in [0, u32::MAX, 2_440_588 + 2_932_897] {
        let moments = [2_440_588, day, 2_440_588].map(|day| Int96::from(vec![0, 0, day]));
        let moments = column::<Int96Type>("required int96 at", moments.to_vec(), &[]);
        check([users(), moments, arms(), amounts()], fault);
    }
}
