//! Trino's protocol, spoken by a server that can also say what none should.

use std::sync::{Arc, Mutex};

use dataset::sql::{Dialect, Login, Table, trino};
use dataset::{Answer, Error, Question, Zone, answer};
use serde_json::{Value, json};

use crate::all_same;
use crate::faked::{Faked, Noted, Reply, Request};
use crate::oracle::{asked, kept};
use crate::plain::Format;
use crate::pushed_down::{block_on, question, tables};
use crate::recorded;

fn plain() -> Question<Table> {
    question(Table::named("exposures"), Zone::named("Europe/Berlin").unwrap())
}

fn reader() -> Login {
    Login { user: Some("reader".to_owned()), password: None }
}

fn ask(server: &Faked) -> Result<Answer, Error> {
    let address = format!("{}/hive/shop", server.address());
    block_on(trino(&plain(), &address, &reader()))
}

/// What a good server says to a query: types, and rows in pages.
fn good(sql: &str) -> (Vec<&'static str>, Vec<Value>) {
    if sql.ends_with("limit 0") {
        let types = vec!["varchar", "timestamp(3)", "varchar(1)", "char(2)", "decimal(9,2)"];
        (types, Vec::new())
    } else if sql.contains("row_count") {
        (vec!["bigint"; 7], vec![json!([[3, 0, 0, 0, null, 1, 0]])])
    } else if sql.contains("grouping(") {
        let pages = vec![
            json!([[1, 1, 0, null, null, 2, 1, 2, 3.5, 0.0, 0.125]]),
            json!([
                [0, 1, 0, "2026-11-02", null, 2, 1, 2, 3.5, 0.0, 0.125],
                [1, 0, 0, null, "x", 2, 1, 2, 3.5, 0.0, 0.125]
            ]),
        ];
        (vec!["bigint"; 11], pages)
    } else {
        (vec!["bigint", "double", "double"], vec![json!([[2, 3.5, 2.0]])])
    }
}

/// A server whose queries are answered page by page; `change` may say something else instead of an
/// answer to a request of the query of sums, by the number of its page.
fn server(
    change: impl Fn(usize, &Request, &str) -> Option<Reply> + Send + Sync + 'static,
) -> Faked {
    let (queries, here) = (Mutex::new(Vec::<String>::new()), Arc::new(Mutex::new(String::new())));
    let own = Arc::clone(&here);
    let server = Faked::start(move |_, request| {
        let here = own.lock().unwrap().clone();
        let mut queries = queries.lock().unwrap();
        let (query, page) = match request.target.strip_prefix("/v1/statement/executing/") {
            None => {
                queries.push(request.body.clone());
                (queries.len() - 1, 0)
            }
            Some(place) => {
                let (query, page) = place.split_once('/').unwrap();
                (query.parse().unwrap(), page.parse::<usize>().unwrap())
            }
        };
        let next = format!("{here}/v1/statement/executing/{query}/{}", page + 1);
        if queries[query].contains("grouping(")
            && let Some(reply) = change(page, request, &next)
        {
            return reply;
        }
        let (types, pages) = good(&queries[query]);
        let mut said = json!({"id": query.to_string(), "stats": {"state": "RUNNING"}});
        if page > 0 {
            let columns: Vec<Value> =
                types.iter().map(|of| json!({"name": "x", "type": of})).collect();
            said["columns"] = columns.into();
            if let Some(data) = pages.get(page - 1) {
                said["data"] = data.clone();
            }
        }
        if page < pages.len().max(1) {
            said["nextUri"] = next.into();
        }
        Reply::of(200, said.to_string())
    });
    *here.lock().unwrap() = server.address();
    server
}

#[test]
fn what_trinos_sql_said_is_what_files_say() {
    let (server, folder) = (recorded::server("trino"), tempfile::tempdir().unwrap());
    let question = kept().write(folder.path(), Format::Csv);
    let expect = answer(&question, 2).unwrap();
    let got = asked(Dialect::Trino, &tables(&question), server.port).unwrap();
    assert!(all_same(&got, &expect, &question), "{got:#?}\n{expect:#?}");
}

#[test]
fn a_query_is_followed_to_its_end() {
    let server = server(|_, _, _| None);
    let got = ask(&server).unwrap();
    assert_eq!((got.arms[1].units, got.arms[1].multiple, got.arms[1].totals[0].sum), (2, 1, 3.5));
    assert_eq!((got.arms[0].units, got.centres[0], got.left.exposures), (0, 1.75, 3));
    assert_eq!(got.segments[0].keys().collect::<Vec<_>>(), [&Some("x".to_owned())]);
    let requests = server.requests();
    let asked: Vec<String> =
        requests.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
    let page = |query, page| format!("GET /v1/statement/executing/{query}/{page}");
    let post = || "POST /v1/statement".to_owned();
    let expect = [
        post(),
        page(0, 1),
        post(),
        page(1, 1),
        post(),
        page(2, 1),
        post(),
        page(3, 1),
        page(3, 2),
    ];
    assert_eq!(asked, expect);
    for Request { headers, .. } in &requests {
        assert_eq!(headers["x-trino-user"], "reader");
        assert_eq!(headers["x-trino-source"], "gate");
        assert_eq!(headers["x-trino-catalog"], "hive");
        assert_eq!(headers["x-trino-schema"], "shop");
        assert_eq!(headers["x-trino-time-zone"], "Europe/Berlin");
        assert!(!headers.contains_key("authorization"));
    }
    assert_eq!(
        requests[0].body,
        r#"select t."who", t."at", t."arm", t."kind", t."amount" from "exposures" as t limit 0"#
    );
    let sums = &requests[6].body;
    // Two units of at most 2, and what is left of that without 1.75, squared.
    let sum = "cast(sum(((v.total_0 + 8e0) - 8e0)) + sum(v.total_0 - ((v.total_0 + 8e0) - 8e0)) as double)";
    assert!(sums.contains(sum), "{sums}");
    let left = "(v.total_0 - (1.75e0))";
    assert!(sums.contains(&format!("{left} * {left} + 6.4e1) - 6.4e1")), "{sums}");
}

/// As the protocol has it, and as those do that stand before a server.
#[test]
fn a_busy_server_is_asked_again() {
    let busy = Arc::new(Mutex::new(vec![(429, "0"), (504, ""), (503, "0"), (502, "soon")]));
    let left = Arc::clone(&busy);
    let server = server(move |_, _, _| {
        let (status, after) = left.lock().unwrap().pop()?;
        Some(Reply::of(status, "busy").with("Retry-After", after))
    });
    assert_eq!(ask(&server).unwrap().arms[1].units, 2);
    assert_eq!(*busy.lock().unwrap(), []);
    let posts = server.requests().iter().filter(|one| one.method == "POST").count();
    assert_eq!(posts, 4 + 4);
}

#[test]
fn what_goes_wrong_is_told_and_the_query_is_called_off() {
    // On the page with this number; whether something is left to be called off.
    let check = |at: usize, reply: fn(&str) -> Reply, expect: &str, is_called_off: bool| {
        let server = server(move |page, _, next| (page == at).then(|| reply(next)));
        let error = ask(&server).unwrap_err();
        assert_eq!(error.to_string(), expect);
        let deleted: Vec<String> = (server.requests().into_iter())
            .filter(|one| one.method == "DELETE")
            .map(|one| one.target)
            .collect();
        let expect = if is_called_off {
            vec![format!("/v1/statement/executing/3/{at}")]
        } else {
            Vec::new()
        };
        assert_eq!(deleted, expect, "{error}");
    };
    let failed = |_: &str| {
        let error = json!({"message": "line 1:1: Table 'hive.shop.exposures' does not exist",
            "errorCode": 46, "errorName": "TABLE_NOT_FOUND", "errorType": "USER_ERROR"});
        Reply::of(200, json!({"id": "3", "error": error, "stats": {"state": "FAILED"}}).to_string())
    };
    let refuses = "Trino refuses: line 1:1: Table 'hive.shop.exposures' does not exist";
    check(0, failed, refuses, false);
    check(1, failed, refuses, false);
    // Rows that came before do not count.
    check(2, failed, refuses, false);
    check(
        1,
        |_| Reply::of(429, "").with("Retry-After", "3600"),
        "the server is busy and answers with status 429",
        true,
    );
    check(
        1,
        |_| Reply::of(500, "out of memory\n").with("Content-Type", "text/plain;charset=utf-8"),
        "Trino refuses: out of memory",
        true,
    );
    check(0, |_| Reply::of(404, "<html></html>"), "the server answers with status 404", false);
    check(0, |_| Reply::of(401, ""), "the server answers with status 401", false);
    check(
        2,
        |_| Reply::of(200, "{\"id\":\"3\",\"data\":[["),
        "the server answered otherwise: it is no whole JSON document: EOF while parsing a list at \
         line 1 column 19",
        true,
    );
    check(
        2,
        |_| Reply::Breaks(b"{}".to_vec()),
        "the answer broke off: end of file before message length reached",
        true,
    );
    check(2, |_| Reply::Endless, "the answer is larger than 64 MiB", true);
    check(
        1,
        |next| {
            Reply::of(200, json!({"nextUri": next.replace("127.0.0.1", "127.0.0.2")}).to_string())
        },
        "the server answered otherwise: the rest is at another address",
        true,
    );
    check(
        0,
        |next| Reply::of(200, json!({"nextUri": next.replace("http:", "https:")}).to_string()),
        "the server answered otherwise: the rest is at another address",
        false,
    );
    check(
        1,
        |_| Reply::of(302, "").with("Location", "http://127.0.0.1:1/"),
        "the server sends on to another address",
        true,
    );
    check(
        1,
        |next| Reply::of(200, json!({"nextUri": next, "data": [["NaN"]]}).to_string()),
        "the server answered otherwise: what should be a count is none",
        false,
    );
}

#[test]
fn columns_are_of_the_types_that_can_be_used() {
    let check = |time: &'static str, amount: &'static str, expect: Result<&str, &str>| {
        let server = Faked::start(move |number, request| {
            if number > 0 {
                let (types, pages) = good(&request.body);
                let columns: Vec<Value> = types.iter().map(|of| json!({"type": of})).collect();
                let rows: Vec<Value> =
                    pages.iter().flat_map(|page| page.as_array().unwrap().clone()).collect();
                return Reply::of(200, json!({"columns": columns, "data": rows}).to_string());
            }
            let types = ["uuid", time, "varchar", "boolean", amount];
            let columns = types.map(|of| json!({"name": "x", "type": of}));
            Reply::of(200, json!({"columns": columns}).to_string())
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
    let instant = "cast(t.\"at\" as timestamp(6) with time zone) as instant";
    let wall = "+ interval '1' hour else with_timezone(cast(t.\"at\" as timestamp(6)), 'Europe/Berlin') end as instant";
    check("timestamp(3) with time zone", "double", Ok(instant));
    check("timestamp with time zone", "real", Ok(instant));
    check("timestamp", "decimal(38,10)", Ok(wall));
    check("timestamp(9)", "tinyint", Ok(wall));
    check("date", "boolean", Ok(wall));
    check(
        "bigint",
        "bigint",
        Ok("from_unixtime_nanos(1000 * (case when abs(cast(t.\"at\" as bigint))"),
    );
    let no = |what: &str, of: &str, is: &str| {
        format!("table `exposures`: column `{what}`: `{of}` is no type of a {is}")
    };
    check("varchar(20)", "double", Err(&no("at", "varchar(20)", "time")));
    check("time(3) with time zone", "double", Err(&no("at", "time(3) with time zone", "time")));
    check("date", "varchar", Err(&no("amount", "varchar", "number")));
    check("date", "array(bigint)", Err(&no("amount", "array(bigint)", "number")));
}

#[test]
fn a_query_that_nobody_waits_for_is_called_off() {
    let mut server =
        server(|page, request, _| (page == 2 && request.method == "GET").then_some(Reply::Waits));
    let address = server.address();
    block_on(async {
        let (question, login) = (plain(), reader());
        tokio::select! {
            got = trino(&question, &address, &login) => panic!("{got:?}"),
            noted = server.noted.recv() => assert_eq!(noted, Some(Noted::Waits)),
        }
        let mut noted = [server.noted.recv().await, server.noted.recv().await];
        noted.sort_by_key(|one| *one == Some(Noted::Deleted));
        assert_eq!(noted, [Some(Noted::Gone), Some(Noted::Deleted)]);
    });
    let last = server.requests().pop().unwrap();
    assert_eq!(last.target, "/v1/statement/executing/3/2");
    assert_eq!(last.headers["x-trino-user"], "reader");
}

#[test]
fn addresses_are_read() {
    let check = |connection: &str, expect: &str| {
        let error = block_on(trino(&plain(), connection, &Login::default())).unwrap_err();
        let told = format!("{error}{error:?}");
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(error.to_string(), expect);
        assert!(error.hint.is_some(), "{error}");
    };
    check("trino://reader@127.0.0.1", "the connection to Trino is no address of http or https");
    check("https://127.0.0.1:1/hive", "nothing says who asks Trino");
    let plain = "a password is not sent to Trino over http";
    check("http://reader:hunter2@127.0.0.1:1/hive/shop", plain);
    let path = "the address has more than a catalogue and a schema as its path";
    check("https://reader:hunter2@127.0.0.1:1/a/b/c", path);
    let gone =
        "table `exposures`: the server cannot be connected to: Connection refused (os error 111)";
    check("https://reader:hunter2@127.0.0.1:1/hive", gone);
}
