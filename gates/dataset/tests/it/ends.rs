//! Sums at the ends of what doubles hold.

use dataset::sql::{Table, postgres};
use dataset::{Answer, Error, Zone, answer};

use crate::pushed_down::{block_on, question};
use crate::server::Server;

/// The answer for units of the arm `a` that have these values, row by row.
fn asked(values: &[(&str, &str)]) -> Result<Answer, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    let row = |(who, amount): &(&str, &str)| format!("{who},a,2026-11-01Z,x,{amount}\n");
    let rows: String = values.iter().map(row).collect();
    std::fs::write(&file, format!("who,arm,at,kind,amount\n{rows}")).unwrap();
    let of = question(Table::default(), Zone::default());
    let exposures = dataset::Exposures {
        from: file,
        unit: of.exposures.unit,
        arm: of.exposures.arm,
        time: None,
        segments: of.exposures.segments,
    };
    let dataset::Question { arms, totals, zone, .. } = of;
    let products = vec![(0, 0)];
    answer(&dataset::Question { exposures, events: Vec::new(), arms, totals, products, zone }, 2)
}

#[test]
fn what_is_too_large_is_refused() {
    let check = |values: &[(&str, &str)]| {
        let error = asked(values).unwrap_err();
        let said = error.to_string();
        let fault = "x.csv: column `amount`: its values are too large to be squared and added up";
        assert!(said.ends_with(fault), "{said}");
        assert_eq!(error.hint.as_deref(), Some("give them in a larger unit"));
    };
    check(&[("u", "1e308"), ("u", "1e308")]);
    check(&[("u", "1e308"), ("v", "1e308")]);
    check(&[("u", "1e160"), ("v", "-1e160")]);
    check(&[("u", "1e308"), ("u", "1e308"), ("u", "-1e308"), ("v", "1")]);
}

/// What is larger than a short float holds has a mean all the same.
#[test]
fn large_means_are_taken_off() {
    let got = asked(&[("u", "1e40"), ("v", "3e40"), ("w", "2e40")]).unwrap();
    assert_eq!(got.centres, [2e40]);
    let total = &got.arms[1].totals[0];
    let close = |one: f64, other: f64| (one - other).abs() <= 1e-15 * other;
    assert!(close(total.sum, 6e40) && close(total.squares, 2e80), "{total:?}");
    assert!(total.centred.abs() <= 6e25, "{total:?}");
    assert!(close(got.arms[1].products[0], 2e80), "{:?}", got.arms[1].products);
}

/// The one number that files and PostgreSQL may differ in: a total whose decimals cancel out is 0 to
/// decimals and not to doubles.
#[test]
fn what_cancels_out_is_some_to_files_alone() {
    let values =
        [("u", "0.1"), ("u", "0.2"), ("u", "-0.3"), ("v", "0.5"), ("v", "-0.5"), ("w", "1")];
    let got = asked(&values).unwrap();
    assert_eq!(got.arms[1].totals[0].some, 2);
    assert!((got.arms[1].totals[0].sum - 1.0).abs() < 1e-15);
    let server = Server::start(&[]);
    let rows: Vec<String> = (values.iter())
        .map(|(who, amount)| format!("('{who}', '2026-11-01Z', 'a', 'x', {amount})"))
        .collect();
    let got = block_on(async {
        let sql = format!(
            "create table exposures (who text, at timestamptz, arm text, kind text, \
             amount double precision); insert into exposures values {}",
            rows.join(",")
        );
        server.client().await.batch_execute(&sql).await.unwrap();
        let question = question(Table::named("exposures"), Zone::default());
        postgres(&question, &server.connection()).await.unwrap()
    });
    assert_eq!(got.arms[1].totals[0].some, 1);
}
