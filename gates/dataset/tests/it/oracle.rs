//! ClickHouse's own engine, and Trino's SQL in an engine that is there, say of their tables what files
//! say. They come from a package registry of another language, so these tests are run by hand
//! (`tests/oracle/warehouse`); what was said then is kept, and the tests beside this one answer with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dataset::sql::{Dialect, Login, Table, clickhouse, trino};
use dataset::{Answer, Error, Question, answer};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::all_same;
use crate::plain::{self, ARMS, Format, Rows};
use crate::pushed_down::{block_on, many, tables};
use crate::recorded;

/// A program of Python's that answers as a server, until it is dropped.
pub(crate) struct Oracle {
    child: Child,
    /// What answers.
    pub(crate) version: String,
    pub(crate) dialect: Dialect,
    port: u16,
}

impl Oracle {
    pub(crate) fn start(dialect: Dialect) -> Oracle {
        let python = std::env::var("GATE_ORACLE").expect("GATE_ORACLE names a python");
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/oracle/warehouse")
            .join(format!("{}.py", dialect.name()));
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (port, version) = line.trim().split_once(' ').expect("a port and a version");
        let version = version.to_owned();
        Oracle { child, version, dialect, port: port.parse().unwrap() }
    }

    pub(crate) fn asked(&self, question: &Question<Table>) -> Result<Answer, Error> {
        asked(self.dialect, question, self.port)
    }

    /// Runs a statement of the test's own.
    pub(crate) fn run(&self, sql: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = sql.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: oracle\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(sql.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}: {}", &sql[..sql.len().min(2000)]);
    }

    /// What a column of this sort is called.
    fn types(&self) -> [&'static str; 4] {
        match self.dialect {
            Dialect::ClickHouse => [
                "String",
                "LowCardinality(Nullable(String))",
                "DateTime64(6, 'Asia/Tokyo')",
                "Nullable(Float64)",
            ],
            _ => ["varchar", "varchar", "timestamptz", "double"],
        }
    }

    fn name(&self, name: &str) -> String {
        match self.dialect {
            Dialect::ClickHouse => format!("`{name}`"),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn create(&self) {
        let [text, few, time, amount] = self.types();
        let (schema, user, made) = match self.dialect {
            Dialect::ClickHouse => ("database", "`user`", " engine = MergeTree order by tuple()"),
            _ => ("schema", "\"user\"", ""),
        };
        for name in ["an \"odd\" schema.", "facts"] {
            self.run(&format!("create {schema} {}", self.name(name)));
        }
        let (exposures, events) = (self.exposures(), self.events());
        let at = self.name("at");
        self.run(&format!(
            "create table {exposures} ({user} {text}, {at} {time}, country {few}, variant {text}){made}"
        ));
        self.run(&format!(
            "create table {events} ({user} {text}, {at} {time}, event {text}, amount {amount}){made}"
        ));
    }

    fn exposures(&self) -> String {
        format!("{}.exposures", self.name("an \"odd\" schema."))
    }

    fn events(&self) -> String {
        format!("facts.{}", self.name("Events"))
    }

    fn fill(&self, rows: &Rows) {
        for table in [self.exposures(), self.events()] {
            self.run(&format!("truncate table {table}"));
        }
        let text = |text: &str| match self.dialect {
            Dialect::ClickHouse => {
                format!(
                    "'{}'",
                    text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")
                )
            }
            _ => format!("'{}'", text.replace('\'', "''")),
        };
        let time = |at: i64| match self.dialect {
            Dialect::ClickHouse => format!("fromUnixTimestamp64Micro({at}000000)"),
            _ => format!("to_timestamp({at})"),
        };
        let exposed = rows.exposed.iter().map(|row| {
            let country = row.segment.as_deref().map_or("null".to_owned(), text);
            format!("({}, {}, {country}, {})", text(&row.unit), time(row.at), text(ARMS[row.arm]))
        });
        self.insert(&self.exposures(), exposed.collect());
        let happened = rows.happened.iter().map(|row| {
            let amount = row.amount.map_or("null".to_owned(), |amount| format!("{amount:e}"));
            format!("({}, {}, {}, {amount})", text(&row.unit), time(row.at), text(&row.event))
        });
        self.insert(&self.events(), happened.collect());
    }

    fn insert(&self, table: &str, rows: Vec<String>) {
        for some in rows.chunks(20_000) {
            self.run(&format!("insert into {table} values {}", some.join(", ")));
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks whoever listens there, as the tests of what is kept do.
pub(crate) fn asked(
    dialect: Dialect,
    question: &Question<Table>,
    port: u16,
) -> Result<Answer, Error> {
    let user = Some("reader".to_owned());
    block_on(async {
        if dialect == Dialect::ClickHouse {
            let login = Login { user, password: Some("hunter2 & co".to_owned()) };
            clickhouse(question, &format!("http://127.0.0.1:{port}/facts"), &login).await
        } else {
            let login = Login { user, password: None };
            trino(question, &format!("http://127.0.0.1:{port}/memory/facts"), &login).await
        }
    })
}

/// What oracles are asked about when their answers are kept.
pub(crate) fn kept() -> Rows {
    many(300)
}

fn says_what_files_say(oracle: &Oracle) -> [usize; 2] {
    let folder = tempfile::tempdir().unwrap();
    oracle.create();
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(60)
    });
    let checked = runner.run(&plain::rows(), |rows| {
        let question = rows.write(folder.path(), Format::Csv);
        let expect = answer(&question, 2).unwrap();
        oracle.fill(&rows);
        let got = oracle.asked(&tables(&question)).unwrap();
        prop_assert!(all_same(&got, &expect, &question), "{got:#?}\n{expect:#?}");
        Ok(())
    });
    checked.unwrap();
    let fetched = [1_000, 100_000].map(|count| {
        let rows = many(count);
        let question = rows.write(folder.path(), Format::Csv);
        let expect = answer(&question, 2).unwrap();
        oracle.fill(&rows);
        let (server, all) = recorded::keeping(oracle.port);
        let got = asked(oracle.dialect, &tables(&question), server.port).unwrap();
        assert!(all_same(&got, &expect, &question), "{got:#?}\n{expect:#?}");
        let all = all.lock().unwrap();
        all.iter().map(|one| one["said"].as_str().unwrap().len()).sum::<usize>()
    });
    // Numbers have a few more digits.
    assert!(fetched[1] < fetched[0] * 5 / 4, "{fetched:?} bytes for 1,000 and 100,000 rows");
    // What goes over the line then is kept, where that is asked for.
    if std::env::var_os("GATE_GENERATE").is_some() {
        let rows = kept();
        oracle.fill(&rows);
        let (server, all) = recorded::keeping(oracle.port);
        let question = tables(&rows.write(folder.path(), Format::Csv));
        asked(oracle.dialect, &question, server.port).unwrap();
        recorded::write(oracle.dialect.name(), &all.lock().unwrap());
    }
    fetched
}

#[test]
#[ignore = "its server comes from PyPI: see tests/oracle/warehouse/clickhouse.py"]
fn clickhouse_says_what_files_say() {
    let oracle = Oracle::start(Dialect::ClickHouse);
    println!("{}", oracle.version);
    println!("{:?} bytes for 1,000 and for 100,000 rows", says_what_files_say(&oracle));
}

#[test]
#[ignore = "its server comes from PyPI: see tests/oracle/warehouse/trino.py"]
fn trino_says_what_files_say() {
    let oracle = Oracle::start(Dialect::Trino);
    println!("{}", oracle.version);
    println!("{:?} bytes for 1,000 and for 100,000 rows", says_what_files_say(&oracle));
}
