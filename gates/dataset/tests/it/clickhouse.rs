//! ClickHouse's HTTP interface, said by a server that can also say what none should.

use dataset::sql::{Dialect, Login, Table, clickhouse};
use dataset::{Error, Question, Zone, answer};
use serde_json::{Value, json};

use crate::all_same;
use crate::faked::{Faked, Noted, Reply, Request};
use crate::oracle::{asked, kept};
use crate::plain::Format;
use crate::pushed_down::{block_on, question, tables};
use crate::recorded;

/// Asks about amounts in a table of exposures.
fn ask(server: &Faked) -> Result<dataset::Answer, Error> {
    let login = Login { user: Some("reader".to_owned()), password: Some("hunter2".to_owned()) };
    let address = format!("{}/shop", server.address());
    block_on(clickhouse(&plain(), &address, &login))
}

fn plain() -> Question<Table> {
    question(Table::named("exposures"), Zone::named("Europe/Berlin").unwrap())
}

/// A whole answer.
fn rows(types: &[&str], data: Value) -> Reply {
    let meta: Vec<Value> = types.iter().map(|of| json!({"name": "x", "type": of})).collect();
    let count = data.as_array().unwrap().len();
    Reply::of(200, json!({"meta": meta, "data": data, "rows": count}).to_string())
}

const TYPES: [&str; 5] = [
    "String",
    "DateTime64(3, 'UTC')",
    "LowCardinality(String)",
    "Nullable(String)",
    "Decimal(9, 2)",
];

/// What a good server says to that question, in its order.
fn good(number: usize) -> Reply {
    match number {
        0 => rows(&TYPES, json!([])),
        1 => rows(&[], json!([["3", "0", "0", "0", null, "1", "0"]])),
        2 => rows(&[], json!([["2", 3.5]])),
        _ => rows(
            &[],
            json!([
                ["1", "1", 0, "", null, "2", "1", "2", 3.5, 0, 0.125],
                ["0", "1", 0, "2026-11-02", null, "2", "1", "2", 3.5, 0, 0.125],
                ["1", "0", 0, "", "x", "2", "1", "2", 3.5, 0, 0.125]
            ]),
        ),
    }
}

#[test]
fn what_clickhouse_said_is_what_files_say() {
    let (server, folder) = (recorded::server("clickhouse"), tempfile::tempdir().unwrap());
    let question = kept().write(folder.path(), Format::Csv);
    let expect = answer(&question, 2).unwrap();
    let got = asked(Dialect::ClickHouse, &tables(&question), server.port).unwrap();
    assert!(all_same(&got, &expect, &question), "{got:#?}\n{expect:#?}");
}

#[test]
fn a_query_says_who_asks_and_changes_nothing() {
    let server = Faked::start(|number, _| good(number));
    let got = ask(&server).unwrap();
    assert_eq!((got.arms[1].units, got.arms[1].multiple, got.arms[1].totals[0].sum), (2, 1, 3.5));
    assert_eq!((got.arms[0].units, got.centres[0], got.left.exposures), (0, 1.75, 3));
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    for Request { method, target, headers, body } in &requests {
        assert_eq!(method, "POST");
        assert_eq!(
            target,
            "/?default_format=JSONCompact&wait_end_of_query=1&database=shop&readonly=2\
             &cancel_http_readonly_queries_on_client_close=1\
             &output_format_json_quote_64bit_integers=1&output_format_json_quote_denormals=1"
        );
        assert_eq!(headers["x-clickhouse-user"], "reader");
        assert_eq!(headers["x-clickhouse-key"], "hunter2");
        assert!(!headers.contains_key("authorization") && !body.contains("hunter2"));
    }
    assert_eq!(
        requests[0].body,
        "select t.`who`, t.`at`, t.`arm`, t.`kind`, t.`amount` from `exposures` as t limit 0"
    );
    assert!(requests[3].body.contains("toDateTime64(t.`at`, 6, 'Europe/Berlin') as instant"));
    assert!(requests[3].body.contains("v.total_0 - (1.75e0)"), "{}", requests[3].body);
}

#[test]
fn who_may_only_read_need_not_say_so() {
    let server = Faked::start(|number, request| {
        match (request.target.contains("readonly"), number) {
        (true, 0) => Reply::of(
            500,
            "Code: 164. DB::Exception: Cannot modify 'readonly' setting in readonly mode. (READONLY) \
             (version 25.8.1.5101 (official build))\n",
        )
        .with("X-ClickHouse-Exception-Code", "164"),
        (true, _) => panic!("asked for settings again"),
        (false, number) => good(number - 1),
    }
    });
    assert_eq!(ask(&server).unwrap().arms[1].units, 2);
    let targets: Vec<String> = server.requests().into_iter().map(|one| one.target).collect();
    let without = "/?default_format=JSONCompact&wait_end_of_query=1&database=shop";
    assert_eq!(targets[1..], [without; 4]);
}

/// The last query, that of sums.
const LAST: usize = 3;

/// The answer to the query with this number is otherwise: nothing is made of the rest.
fn check(at: usize, reply: impl Fn() -> Reply + Send + Sync + 'static, expect: &str) {
    let server = Faked::start(move |number, _| if number == at { reply() } else { good(number) });
    let error = ask(&server).unwrap_err();
    let told = format!("{error}\n{error:?}");
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(error.to_string(), expect);
    assert_eq!(server.requests().len(), at + 1);
}

#[test]
fn what_the_server_refuses_is_told_without_secrets() {
    check(
        0,
        || {
            Reply::of(
                404,
                "Code: 60. DB::Exception: Table shop.exposures does not exist. (UNKNOWN_TABLE) (version 25.8)",
            )
            .with("X-ClickHouse-Exception-Code", "60")
        },
        "table `exposures`: ClickHouse refuses: Table shop.exposures does not exist. (UNKNOWN_TABLE)",
    );
    check(
        0,
        || {
            let told =
                "Code: 516. DB::Exception: reader: no login with hunter2. (AUTHENTICATION_FAILED)";
            Reply::of(403, told).with("X-ClickHouse-Exception-Code", "516")
        },
        "table `exposures`: ClickHouse refuses: reader: no login with [password]. (AUTHENTICATION_FAILED)",
    );
    let memory = "ClickHouse refuses: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)";
    check(
        LAST,
        || {
            Reply::of(
                200,
                "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)",
            )
            .with("X-ClickHouse-Exception-Code", "241")
        },
        memory,
    );
    // In the middle of what had begun well.
    check(
        LAST,
        || {
            Reply::of(
                200,
                "{\"meta\":[],\"data\":[[\"1\",\"1\",0,\n__exception__\nCode: 241. DB::Exception: \
                 Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.8)\n",
            )
        },
        memory,
    );
    // A whole document with the error in it.
    check(
        LAST,
        || {
            let all = json!({"meta": [], "data": [], "rows": 0, "exception":
                "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.8)"});
            Reply::of(200, all.to_string())
        },
        memory,
    );
}

#[test]
fn an_answer_that_is_not_whole_is_none() {
    check(
        LAST,
        || Reply::of(200, "{\"meta\":[],\"data\":[[\"1\""),
        "the server answered otherwise: it is no whole JSON document: EOF while parsing a list at \
         line 1 column 23",
    );
    check(
        LAST,
        || Reply::Breaks(b"{\"meta\":[]".to_vec()),
        "the answer broke off: end of file before message length reached",
    );
    check(LAST, || Reply::Endless, "the answer is larger than 64 MiB");
    check(
        LAST,
        || Reply::of(302, "").with("Location", "http://127.0.0.1:1/"),
        "the server sends on to another address",
    );
    check(
        LAST,
        || Reply::of(404, "<html>no such page</html>"),
        "the server answers with status 404",
    );
    check(
        LAST,
        || Reply::of(200, "{\"meta\":[],\"data\":[],\"rows\":2}"),
        "the server answered otherwise: it has not as many rows as it says",
    );
    check(
        0,
        || rows(&TYPES[1..], json!([])),
        "the server answered otherwise: there are not as many columns as were asked for",
    );
    check(
        1,
        || rows(&[], json!([])),
        "the server answered otherwise: there is not the one row that was asked for",
    );
}

#[test]
fn rows_that_say_nothing_are_refused() {
    let otherwise = [
        (
            json!([["1", "1", 0, "", null, "2", "1", "2", "nan", 0, 0.125]]),
            "what should be a sum is no finite number",
        ),
        (
            json!([["1", "1", 0, "", null, "2", "1", "2", null, 0, 0.125]]),
            "what should be a sum is no finite number",
        ),
        (
            json!([["1", "1", 0, "", null, "-2", "1", "2", 3.5, 0, 0.125]]),
            "what should be a count is none",
        ),
        (
            json!([["1", "1", 0, "", null, 2.5, "1", "2", 3.5, 0, 0.125]]),
            "what should be a count is none",
        ),
        (
            json!([["1", "1", 0, 7, null, "2", "1", "2", 3.5, 0, 0.125]]),
            "what should be a text is a number",
        ),
        (
            json!([["1", "1", 0, true, null, "2", "1", "2", 3.5, 0, 0.125]]),
            "a value is neither a number nor a text",
        ),
        (
            json!([["1", "1", 2, "", null, "2", "1", "2", 3.5, 0, 0.125]]),
            "an arm came that is none",
        ),
        (
            json!([["1", "1", null, "", null, "2", "1", "2", 3.5, 0, 0.125]]),
            "an arm came that is none",
        ),
        (json!([["0", "0", 0, "", null, "2", "1", "2", 3.5, 0, 0.125]]), "a row is of two groups"),
        (json!([["1", "1", 0, "", null, "2", "1", "2", 3.5, 0]]), "a row is too short"),
        (json!([["1", "1", 0, "", null, "2", "1", "2", 3.5, 0, 0.125, 1]]), "a row is too long"),
        (
            json!([
                ["1", "1", 0, "", null, "2", "1", "2", 3.5, 0, 0.125],
                ["1", "1", 0, "", null, "2", "1", "2", 3.5, 0, 0.125]
            ]),
            "a row came twice",
        ),
        (json!([{"units": 2}]), "a row is no list"),
    ];
    for (data, expect) in otherwise {
        let expect = format!("the server answered otherwise: {expect}");
        check(LAST, move || rows(&[], data.clone()), &expect);
    }
}

#[test]
fn columns_are_of_the_types_that_can_be_used() {
    let check = |time: &'static str, amount: &'static str, expect: Result<&str, &str>| {
        let server = Faked::start(move |number, _| match number {
            0 => rows(&["UUID", time, "Enum8('a' = 1)", "FixedString(2)", amount], json!([])),
            _ => good(number),
        });
        let got = ask(&server);
        match expect {
            Ok(instant) => {
                got.unwrap();
                let body = &server.requests()[3].body;
                assert!(body.contains(instant), "{time}: {body}");
            }
            Err(expect) => assert_eq!(got.unwrap_err().to_string(), expect),
        }
    };
    let instant = "toDateTime64(t.`at`, 6, 'Europe/Berlin') as instant";
    let counts = "fromUnixTimestamp64Micro(case when abs(toInt64(t.`at`)) <";
    check("DateTime", "Float32", Ok(instant));
    check("DateTime('Asia/Tokyo')", "Nullable(Decimal(38, 10))", Ok(instant));
    check("Nullable(DateTime64(9))", "Bool", Ok(instant));
    check("Date32", "LowCardinality(Nullable(Int8))", Ok(instant));
    check("UInt32", "UInt256", Ok(counts));
    check("Nullable(Int64)", "BFloat16", Ok(counts));
    let no = |what: &str, of: &str, is: &str| {
        format!("table `exposures`: column `{what}`: `{of}` is no type of a {is}")
    };
    check("String", "Float64", Err(&no("at", "String", "time")));
    check("Float64", "Float64", Err(&no("at", "Float64", "time")));
    check("DateTime", "Nullable(String)", Err(&no("amount", "Nullable(String)", "number")));
    check("DateTime", "IntervalDay", Err(&no("amount", "IntervalDay", "number")));
    check("DateTime", "Array(Int8)", Err(&no("amount", "Array(Int8)", "number")));
}

/// The server ends a query that only reads when its connection is closed.
#[test]
fn a_query_that_nobody_waits_for_is_let_go() {
    let mut server = Faked::start(|number, _| match number {
        3 => Reply::Waits,
        _ => good(number),
    });
    let address = server.address();
    block_on(async {
        let (question, login) = (plain(), Login::default());
        tokio::select! {
            got = clickhouse(&question, &address, &login) => panic!("{got:?}"),
            noted = server.noted.recv() => assert_eq!(noted, Some(Noted::Waits)),
        }
        assert_eq!(server.noted.recv().await, Some(Noted::Gone));
    });
}

#[test]
fn addresses_are_read() {
    let check = |connection: &str, login: Login, expect: &str| {
        let error = block_on(clickhouse(&plain(), connection, &login)).unwrap_err();
        let told = format!("{error}{error:?}");
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(error.to_string(), expect);
        assert!(error.hint.is_some(), "{error}");
    };
    let nobody = Login::default;
    let who = |user: &str| Login { user: Some(user.to_owned()), password: None };
    check("hunter2", nobody(), "the connection to ClickHouse is no address");
    let none = "the connection to ClickHouse is no address of http or https";
    check("clickhouse.example.com:8123", nobody(), none);
    check("tcp://reader:hunter2@clickhouse.example.com:9000", nobody(), none);
    let more = "the connection to ClickHouse has more than an address behind its path";
    check("http://127.0.0.1:1/?user=reader&password=hunter2", nobody(), more);
    let twice = "the connection to ClickHouse says who asks, and so does something else";
    check("http://reader:hunter2@127.0.0.1:1/", who("other"), twice);
    let whose = "the connection to ClickHouse has a password, and nothing says whose";
    check("http://:hunter2@127.0.0.1:1/", nobody(), whose);
    let path = "the address has more than a database as its path";
    check("http://127.0.0.1:1/a/b", nobody(), path);
    let gone =
        "table `exposures`: the server cannot be connected to: Connection refused (os error 111)";
    check("http://reader:hunter2@127.0.0.1:1/shop", nobody(), gone);
    // What an address may not have as it is is written with signs of per cent.
    let server = Faked::start(|number, _| good(number));
    let address = format!("http://re%40der:hunter%202@127.0.0.1:{}/my%20shop", server.port);
    block_on(clickhouse(&plain(), &address, &nobody())).unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.headers["x-clickhouse-user"], "re@der");
    assert_eq!(request.headers["x-clickhouse-key"], "hunter 2");
    assert!(request.target.contains("&database=my+shop&"), "{}", request.target);
}
