//! `gate experiment analyze`, `report` and `sql`: what real visitors' data say.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dataset::sql::{self, Dialect};
use gate_core::{Context, Error, ExitCode, SpecChoice, SpecGate, Specs};

use crate::judge;
use crate::measure;
use crate::question;
use crate::report::{Report, page};
use crate::settings::{Settings, WarehouseKind};

/// Which experiment.
#[derive(Debug, Args)]
pub(super) struct Chosen {
    /// The spec.
    #[arg(value_name = "SPEC")]
    pub(super) spec: PathBuf,
    /// Which of the spec's experiments, when it has several.
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The environment, where several are known and the spec needs one.
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
}

/// Can the data be trusted, and what has come of the experiment?
///
/// Reads the data that the spec names, and says first whether they can be trusted: the split, the
/// tracking, who is counted how often. Only then it says what has come of it. It ends as `gate run`
/// does: 0 ship it, 1 do not, 3 nobody can tell yet, 2 the spec or the command is wrong, 4 there is no
/// experiment with data.
///
/// Example: gate experiment analyze specs/spring-hero.yaml
#[derive(Debug, Args)]
pub(super) struct Analyze {
    #[command(flatten)]
    chosen: Chosen,
}

/// The same as one page that opens from a disk and can be printed.
///
/// It ends as `analyze` does.
///
/// Example: gate experiment report specs/spring-hero.yaml --out spring-hero.html
#[derive(Debug, Args)]
pub(super) struct Page {
    #[command(flatten)]
    chosen: Chosen,
    /// The file; one of before is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What would a warehouse be asked?
///
/// Prints the queries that give the sums of each arm, day and segment, and how many persons there are
/// where a column knows them. Their answer does not grow with the rows.
///
/// Example: gate experiment sql specs/spring-hero.yaml --dialect bigquery
#[derive(Debug, Args)]
pub(super) struct Sql {
    #[command(flatten)]
    chosen: Chosen,
    /// In whose words; those of the spec's warehouse when nothing is said, and PostgreSQL's when there
    /// is none.
    #[arg(long, value_enum)]
    dialect: Option<Words>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Words {
    Postgres,
    Clickhouse,
    Trino,
    Bigquery,
}

impl Words {
    fn dialect(self) -> Dialect {
        match self {
            Words::Postgres => Dialect::Postgres,
            Words::Clickhouse => Dialect::ClickHouse,
            Words::Trino => Dialect::Trino,
            Words::Bigquery => Dialect::BigQuery,
        }
    }
}

impl Chosen {
    /// Which specs are read.
    pub(super) fn choice(&self) -> SpecChoice {
        SpecChoice { paths: vec![self.spec.clone()], env: self.env.clone() }
    }
}

/// What is asked of specs.
pub(super) enum Asked<'a> {
    Analyze(&'a Analyze),
    Page(&'a Page),
    Sql(&'a Sql),
}

impl Asked<'_> {
    fn chosen(&self) -> &Chosen {
        match self {
            Asked::Analyze(asked) => &asked.chosen,
            Asked::Page(asked) => &asked.chosen,
            Asked::Sql(asked) => &asked.chosen,
        }
    }

    /// Answers it.
    pub fn answer(&self, is_json: bool, cx: &Context, specs: &dyn Specs) -> ExitCode {
        let chosen = self.chosen();
        let choice = chosen.choice();
        let read = match specs.read("experiment", &choice) {
            Ok(read) => read,
            Err(code) => return code,
        };
        let hint = "add data: { exposures: exposures.parquet, conversions: conversions.parquet }";
        let has_data = |spec: &Settings| spec.data.is_some();
        let gate = match picked(&read.gates, chosen.name.as_deref(), has_data, ("data", hint)) {
            Ok(gate) => gate,
            Err((error, code)) => return complained(cx, &error, code),
        };
        let answered = match self {
            Asked::Sql(asked) => asked.print(gate, is_json, cx),
            Asked::Analyze(_) => analyzed(gate, &choice, None, is_json, cx, specs),
            Asked::Page(asked) => {
                // A path is relative to where the command was given.
                if let Err(error) = page::may_be_written(&asked.out) {
                    return complained(cx, &error, ExitCode::USAGE);
                }
                analyzed(gate, &choice, Some(asked), is_json, cx, specs)
            }
        };
        answered.unwrap_or_else(|error| complained(cx, &error, ExitCode::INCONCLUSIVE))
    }
}

/// Tells what is wrong, and ends with that.
pub(super) fn complained(cx: &Context, error: &Error, code: ExitCode) -> ExitCode {
    cx.complain(&format!("gate: {error}\n"));
    if let Some(hint) = error.advice() {
        cx.complain(&format!("  hint: {hint}\n"));
    }
    code
}

/// The experiment that is meant: the one that has what is needed, which is named with a hint.
pub(super) fn picked<'g>(
    gates: &'g [SpecGate],
    name: Option<&str>,
    fits: impl Fn(&Settings) -> bool,
    (needed, hint): (&str, &str),
) -> Result<&'g SpecGate, (Error, ExitCode)> {
    let all: Vec<&SpecGate> =
        gates.iter().filter(|gate| name.is_none_or(|name| gate.name == name)).collect();
    let names = |gates: &[&SpecGate]| {
        gates.iter().map(|gate| gate.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let fit: Vec<&SpecGate> =
        all.iter().copied().filter(|gate| fits(gate.settings.get::<Settings>())).collect();
    match (&fit[..], all.len()) {
        (&[gate], _) => Ok(gate),
        ([], 0) => {
            let known: Vec<&SpecGate> = gates.iter().collect();
            let error = Error::new("there is no such experiment in the spec");
            let hint = match &known[..] {
                [] => "a spec of an experiment begins with gate: experiment".to_owned(),
                known => format!("there are: {}", names(known)),
            };
            Err((error.hint(hint), ExitCode::NOTHING_SELECTED))
        }
        ([], _) => {
            let error = Error::new(format!("{} has no {needed}", names(&all))).hint(hint);
            Err((error, ExitCode::NOTHING_SELECTED))
        }
        (_, _) => {
            let error = Error::new("the spec has several experiments")
                .hint(format!("say which: --name, one of {}", names(&all)));
            Err((error, ExitCode::USAGE))
        }
    }
}

/// Measures and judges the data.
fn analyzed(
    gate: &SpecGate,
    choice: &SpecChoice,
    page: Option<&Page>,
    is_json: bool,
    cx: &Context,
    specs: &dyn Specs,
) -> Result<ExitCode, Error> {
    let spec: &Settings = gate.settings.get();
    let asks_somebody = spec.data.as_ref().is_some_and(|data| data.warehouse.is_some());
    let own = specs.context(gate, asks_somebody.then_some(choice))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seen = runtime.block_on(measure::data::measure(spec, &own))?;
    let Some(seen) = seen else {
        let file = spec.data.as_ref().map_or("", |data| data.exposures.from.as_str());
        return Err(Error::new(format!("there are no data yet: {file} is not there"))
            .hint("`gate run` tries the experiment before real visitors come"));
    };
    let judged = judge::data::judge(spec, &seen)?;
    let report = Report {
        name: &gate.name,
        spec,
        seen: &seen,
        judged: &judged,
        seed: own.seed(),
        at: own.clock().now(),
    };
    let verdict = judged.verdict();
    if let Some(page) = page {
        report.write(&page.out, &own)?;
    }
    if is_json {
        cx.print(&format!("{:#}\n", report.json()));
    } else if let Some(page) = page {
        cx.print(&format!("{}\n\nwritten to {}\n", judged.headline, page.out.display()));
    } else {
        cx.print(&report.text());
    }
    Ok(ExitCode::of(verdict))
}

impl Sql {
    fn print(&self, gate: &SpecGate, is_json: bool, cx: &Context) -> Result<ExitCode, Error> {
        let spec: &Settings = gate.settings.get();
        let Some(data) = &spec.data else { return Ok(ExitCode::NOTHING_SELECTED) };
        let of_spec = data.warehouse.as_ref().map(|warehouse| match warehouse.kind {
            WarehouseKind::Postgres => Words::Postgres,
            WarehouseKind::Clickhouse => Words::Clickhouse,
            WarehouseKind::Trino => Words::Trino,
            WarehouseKind::Bigquery => Words::Bigquery,
        });
        let dialect = self.dialect.or(of_spec).unwrap_or(Words::Postgres).dialect();
        let asked = question::of_tables(spec, data);
        let person = data.exposures.person.as_deref();
        let persons = person.map(|person| question::of_persons(&asked, person));
        let wrong = |error: dataset::Error| Error::new(error.to_string());
        let mut look = sql::look(&asked.question, dialect).map_err(wrong)?;
        let sums = sql::sums(&asked.question, dialect, None).map_err(wrong)?;
        let persons = match &persons {
            None => None,
            Some(persons) => {
                look.extend(sql::look(persons, dialect).map_err(wrong)?);
                Some(sql::sums(persons, dialect, None).map_err(wrong)?)
            }
        };
        if is_json {
            let all = serde_json::json!({
                "dialect": dialect.name(), "problems": look, "sums": sums, "persons": persons,
            });
            cx.print(&format!("{all:#}\n"));
            return Ok(ExitCode::PROMOTE);
        }
        for one in &look {
            cx.print(&format!(
                "-- What is wrong with the rows of a table: nothing may be.\n{one};\n\n"
            ));
        }
        cx.print(&format!("-- The sums of each arm, day and segment.\n{sums};\n"));
        if let (Some(person), Some(persons)) = (person, persons) {
            // A name of the spec's author; a line of it is the whole of a comment.
            let person = person.replace(['\n', '\r'], " ");
            cx.print(&format!(
                "\n-- The same exposures by `{person}`: is one person counted several times?\n{persons};\n"
            ));
        }
        Ok(ExitCode::PROMOTE)
    }
}
