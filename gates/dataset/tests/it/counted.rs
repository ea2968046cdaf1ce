//! Numbers that count from 1970 are told by their digits, by files and by PostgreSQL alike.

use dataset::sql::{Table, postgres};
use dataset::{Error, Exposures, Question, Zone, answer};

use crate::pushed_down::{block_on, question};
use crate::server::Server;

#[test]
fn numbers_count_from_1970_alike_everywhere() {
    let (server, folder) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let day = |answer: Result<dataset::Answer, Error>| -> Result<String, bool> {
        match answer {
            Ok(answer) => Ok(answer.days.keys().cloned().collect()),
            Err(error) => Err(error.place.column.as_deref() == Some("at")),
        }
    };
    let check = |at: &str, expect: Result<&str, bool>| {
        let file = folder.path().join("x.csv");
        std::fs::write(&file, format!("who,at,arm,kind,amount\nu,{at},a,x,1\n")).unwrap();
        let asked = question(Table::named("exposures"), Zone::default());
        let Exposures { unit, arm, time, segments, .. } = asked.exposures.clone();
        let of_file = Question {
            exposures: Exposures { from: file, unit, arm, time, segments },
            events: Vec::new(),
            arms: asked.arms.clone(),
            totals: asked.totals.clone(),
            products: Vec::new(),
            zone: Zone::default(),
        };
        let expect = expect.map(str::to_owned);
        assert_eq!(day(answer(&of_file, 1)), expect, "{at} in a file");
        let got = block_on(async {
            let sql = format!(
                "drop table if exists exposures;
                 create table exposures (who text, at bigint, arm text, kind text, amount float8);
                 insert into exposures values ('u', {at}, 'a', 'x', 1)"
            );
            server.client().await.batch_execute(&sql).await.unwrap();
            postgres(&asked, &server.connection()).await
        });
        assert_eq!(day(got), expect, "{at} in a table");
    };
    // The first and the last of each unit.
    check("1000000000", Ok("2001-09-09"));
    check("9999999999", Ok("2286-11-20"));
    check("1000000000000", Ok("2001-09-09"));
    check("9999999999999", Ok("2286-11-20"));
    check("1000000000000000", Ok("2001-09-09"));
    check("9999999999999999", Ok("2286-11-20"));
    check("1000000000000000000", Ok("2001-09-09"));
    check("9223372036854775806", Ok("2262-04-11"));
    for at in ["0", "-1", "20261122", "202611220930", "20261122093000", "20261122093000123"] {
        check(at, Err(true));
    }
    for at in ["999999999", "10000000000", "-1793491200", "9223372036854775807"] {
        check(at, Err(true));
    }
    check("-9223372036854775808", Err(true));
}
