//! How the same is said in each dialect.

use super::Kind;

/// Whose SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL, from version 12 on.
    Postgres,
    /// ClickHouse, from version 23 on.
    ClickHouse,
    /// Trino.
    Trino,
    /// BigQuery.
    BigQuery,
}

use Dialect::{BigQuery, ClickHouse, Postgres, Trino};

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 4] = [Postgres, ClickHouse, Trino, BigQuery];

    /// Its name, as in `--dialect`.
    pub fn name(self) -> &'static str {
        match self {
            Postgres => "postgres",
            ClickHouse => "clickhouse",
            Trino => "trino",
            BigQuery => "bigquery",
        }
    }

    /// A name between quotes.
    pub(super) fn identifier(self, name: &str) -> String {
        match self {
            Postgres | Trino => format!("\"{}\"", name.replace('"', "\"\"")),
            ClickHouse | BigQuery => format!("`{}`", escaped(name, '`')),
        }
    }

    /// A text between quotes.
    pub(super) fn literal(self, text: &str) -> String {
        match self {
            // Backslashes mean themselves or not, by a setting; behind an E they never do.
            Postgres if text.contains('\\') => {
                format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
            }
            Postgres | Trino => format!("'{}'", text.replace('\'', "''")),
            ClickHouse | BigQuery => format!("'{}'", escaped(text, '\'')),
        }
    }

    /// A column as text that is compared byte by byte.
    pub(super) fn text(self, column: &str) -> String {
        match self {
            Postgres => format!("cast({column} as text) collate \"C\""),
            ClickHouse => format!("toString({column})"),
            Trino => format!("cast({column} as varchar)"),
            BigQuery => format!("cast({column} as string)"),
        }
    }

    /// A column as a number of 64 bits.
    pub(super) fn double(self, column: &str, kind: Kind) -> String {
        let whole = match self {
            Postgres => "integer",
            BigQuery => "int64",
            ClickHouse | Trino => "double",
        };
        let column = match kind {
            Kind::Truth if whole != "double" => format!("cast({column} as {whole})"),
            _ => column.to_owned(),
        };
        self.real(&column)
    }

    /// What is summed up, as a number of 64 bits.
    pub(super) fn real(self, value: &str) -> String {
        match self {
            Postgres => format!("cast({value} as double precision)"),
            // A conversion to Float64 keeps what is NULL.
            ClickHouse => format!("toFloat64({value})"),
            Trino => format!("cast({value} as double)"),
            BigQuery => format!("cast({value} as float64)"),
        }
    }

    /// A number of 64 bits in the form that is added up. PostgreSQL adds floats one by one, and what
    /// each step rounds away adds up, too; decimals are added exactly. The way by text keeps 17
    /// digits, where a cast alone would keep 15.
    pub(super) fn addend(self, double: &str) -> String {
        match self {
            Postgres => format!("cast(cast({double} as text) as numeric)"),
            ClickHouse | Trino | BigQuery => double.to_owned(),
        }
    }

    /// A sum or a count in that form.
    pub(super) fn amount(self, value: &str) -> String {
        match self {
            Postgres => format!("cast({value} as numeric)"),
            ClickHouse | Trino | BigQuery => self.real(value),
        }
    }

    /// A sum of such numbers; ClickHouse has one that keeps what is rounded away.
    pub(super) fn sum(self, value: &str) -> String {
        match self {
            ClickHouse => format!("sumKahan({value})"),
            Postgres | Trino | BigQuery => format!("sum({value})"),
        }
    }

    /// Of how many totals, of these, it has to be known how large they are. BigQuery is not asked from
    /// here, and one query cannot know it.
    pub(super) fn split(self, totals: usize) -> usize {
        match self {
            Trino => totals,
            Postgres | ClickHouse | BigQuery => 0,
        }
    }

    /// A whole number of 64 bits.
    pub(super) fn whole(self, value: &str) -> String {
        match self {
            Postgres | Trino => format!("cast({value} as bigint)"),
            ClickHouse => format!("toInt64({value})"),
            BigQuery => format!("cast({value} as int64)"),
        }
    }

    /// Whether a number of 64 bits is none that can be added up.
    pub(super) fn is_endless(self, double: &str) -> String {
        match self {
            Postgres => format!("{double} in ('NaN', 'Infinity', '-Infinity')"),
            ClickHouse => format!("not isFinite({double})"),
            Trino => format!("not is_finite({double})"),
            BigQuery => format!("(is_nan({double}) or is_inf({double}))"),
        }
    }

    /// A column as an instant. Clocks on the wall are those of the zone.
    pub(super) fn instant(self, column: &str, kind: Kind, zone: &str) -> String {
        let zone = self.literal(zone);
        match (self, kind) {
            (_, Kind::Count) => self.since_1970(column),
            (Postgres, Kind::Wall) => {
                format!("cast({column} as timestamp) at time zone {zone}")
            }
            (Postgres, _) => format!("cast({column} as timestamptz)"),
            (ClickHouse, _) => format!("toDateTime64({column}, 6, {zone})"),
            (Trino, Kind::Wall) => {
                let clock = format!("cast({column} as timestamp(6))");
                let first = format!("with_timezone({clock}, {zone})");
                let later = format!("{first} + interval '1' hour");
                // What a clock shows twice it shows the second time.
                format!(
                    "case when cast(({later}) at time zone {zone} as timestamp(6)) = {clock} \
                     then {later} else {first} end"
                )
            }
            (Trino, _) => format!("cast({column} as timestamp(6) with time zone)"),
            (BigQuery, Kind::Wall) => format!("timestamp(cast({column} as datetime), {zone})"),
            (BigQuery, _) => column.to_owned(),
        }
    }

    /// Numbers that count from 1970, in the unit that their size tells.
    fn since_1970(self, column: &str) -> String {
        let column = self.whole(column);
        let thousandth = match self {
            ClickHouse => format!("intDiv({column}, 1000)"),
            BigQuery => format!("div({column}, 1000)"),
            Postgres | Trino => format!("{column} / 1000"),
        };
        let micros = format!(
            "case when abs({column}) < 100000000000 then {column} * 1000000 \
             when abs({column}) < 100000000000000 then {column} * 1000 \
             when abs({column}) < 100000000000000000 then {column} else {thousandth} end"
        );
        match self {
            Postgres => format!("timestamptz 'epoch' + ({micros}) * interval '1 microsecond'"),
            ClickHouse => format!("fromUnixTimestamp64Micro({micros})"),
            Trino => format!("from_unixtime_nanos(1000 * ({micros}))"),
            BigQuery => format!("timestamp_micros({micros})"),
        }
    }

    /// Whether there is no instant.
    pub(super) fn is_timeless(self, instant: &str) -> String {
        match self {
            Postgres => format!("not coalesce(isfinite({instant}), false)"),
            ClickHouse | Trino | BigQuery => format!("{instant} is null"),
        }
    }

    /// Whether a number does not count from 1970: those that do have 10, 13, 16 or 19 digits.
    pub(super) fn is_uncounted(self, column: &str) -> String {
        let column = self.whole(column);
        let counts = [
            "1000000000 and 9999999999",
            "1000000000000 and 9999999999999",
            "1000000000000000 and 9999999999999999",
            "1000000000000000000 and 9223372036854775806",
        ];
        let counts = counts.map(|range| format!("{column} between {range}"));
        format!("not coalesce({}, false)", counts.join(" or "))
    }

    /// The day of an instant, such as `2026-11-22`.
    pub(super) fn day(self, instant: &str, zone: &str) -> String {
        let zone = self.literal(zone);
        match self {
            Postgres => format!("to_char({instant} at time zone {zone}, 'YYYY-MM-DD')"),
            ClickHouse => format!("toString(toDate32({instant}, {zone}))"),
            Trino => format!("cast(cast({instant} at time zone {zone} as date) as varchar)"),
            BigQuery => format!("format_timestamp('%Y-%m-%d', {instant}, {zone})"),
        }
    }
}

/// Escaped with backslashes.
fn escaped(text: &str, quote: char) -> String {
    let mut made = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            c if c == quote || c == '\\' => made.extend(['\\', c]),
            c => made.push(c),
        }
    }
    made
}
