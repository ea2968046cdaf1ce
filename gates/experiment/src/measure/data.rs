//! Sums of what was recorded of real visitors, from files or from a warehouse.

use std::path::Path;

use dataset::Answer;
use dataset::sql::{self, Login, Table};
use gate_core::values::Template;
use gate_core::{Context, Error};

use crate::question::{self, Asked};
use crate::seen::{Cell, Counted, Persons, Rows, SeenData, Segment};
use crate::settings::{Data, Settings, Warehouse, WarehouseKind};

/// Reads the data that the spec names. None before launch, when there are none yet and a spec has other
/// things to look at.
pub(crate) async fn measure(spec: &Settings, cx: &Context) -> Result<Option<SeenData>, Error> {
    let Some(data) = &spec.data else { return Ok(None) };
    let (answer, persons, totals, source) = match &data.warehouse {
        Some(warehouse) => {
            let asked = question::of_tables(spec, data);
            let all = pushed_down(&asked, data, warehouse, cx).await?;
            (all.0, all.1, asked.totals, format!("{} ({})", named(warehouse.kind), tables(data)))
        }
        None => {
            let exposures = cx.spec_folder().join(&data.exposures.from);
            if spec.before_launch.is_some() && !exposures.exists() {
                return match spec.started.as_ref().filter(|day| **day <= today(data, cx)) {
                    None => Ok(None),
                    Some(day) => Err(missing(day, data)),
                };
            }
            let asked = question::of_files(spec, data, cx.spec_folder());
            let all = folded(&asked, data, cx).await?;
            (all.0, all.1, asked.totals, tables(data))
        }
    };
    let seen = summed(spec, data, (answer, persons), totals, source);
    Ok(Some(SeenData { today: Some(today(data, cx)), ..seen }))
}

/// The day that it is where days are counted.
fn today(data: &Data, cx: &Context) -> String {
    let now = cx.clock().now();
    let there =
        jiff::Timestamp::from_millisecond(now.millis()).map(|now| now.in_tz(&data.time_zone));
    match there {
        Ok(Ok(now)) => now.date().to_string(),
        _ => now.date(),
    }
}

/// What is said of data that should be there by now: it would be a mistake to take the experiment for one
/// that nobody has seen.
fn missing(started: &str, data: &Data) -> Error {
    let file = &data.exposures.from;
    Error::new(format!("{file} is not there, though it has started on {started}"))
        .hint("export the exposures, or correct data.exposures or `started`")
}

/// Sums, with what they are of.
pub(crate) fn summed(
    spec: &Settings,
    data: &Data,
    (answer, persons): Answers,
    totals: Vec<Counted>,
    source: String,
) -> SeenData {
    let products = question::of_tables(spec, data).question.products;
    let columns = question::segments(spec, data);
    let segments = columns.into_iter().zip(answer.segments).map(|(column, values)| Segment {
        column,
        values: values.into_iter().map(|(value, cells)| (value, kept(&cells))).collect(),
    });
    let persons = persons.zip(data.exposures.person.clone()).map(|(answer, column)| Persons {
        column,
        all: answer.arms.iter().map(|cell| cell.units).sum(),
        several: answer.arms.iter().map(|cell| cell.multiple).sum(),
    });
    let has_days = data.exposures.time.is_some();
    let days = answer.days.into_iter().filter(|_| has_days);
    SeenData {
        source,
        arms: spec.arms().into_iter().map(str::to_owned).collect(),
        totals,
        products,
        centres: answer.centres,
        all: kept(&answer.arms),
        days: days.map(|(day, cells)| (day, kept(&cells))).collect(),
        today: None,
        segments: segments.collect(),
        rows: Rows {
            exposures: answer.left.exposures,
            events: answer.left.events,
            unexposed: answer.left.unexposed,
            before: answer.left.before,
        },
        persons,
    }
}

/// Where the data come from, for people.
fn tables(data: &Data) -> String {
    let events = data.event_tables();
    let events = events.iter().map(|(_, table)| table.from.clone());
    let all: Vec<String> = [data.exposures.from.clone()].into_iter().chain(events).collect();
    crate::words::list(&all)
}

fn named(kind: WarehouseKind) -> &'static str {
    match kind {
        WarehouseKind::Postgres => "PostgreSQL",
        WarehouseKind::Clickhouse => "ClickHouse",
        WarehouseKind::Trino => "Trino",
        WarehouseKind::Bigquery => "BigQuery",
    }
}

fn kept(cells: &[dataset::Cell]) -> Vec<Cell> {
    let moments = |one: &dataset::Moments| (one.some, one.sum, one.centred, one.squares);
    let cell = |cell: &dataset::Cell| Cell {
        units: cell.units,
        multiple: cell.multiple,
        totals: cell.totals.iter().map(moments).collect(),
        products: cell.products.clone(),
    };
    cells.iter().map(cell).collect()
}

/// The answer about units, and that about persons.
pub(crate) type Answers = (Answer, Option<Answer>);

/// Folds files, on threads that wait for nobody.
async fn folded(
    asked: &Asked<std::path::PathBuf>,
    data: &Data,
    cx: &Context,
) -> Result<Answers, Error> {
    let own = asked.question.clone();
    let persons = data.exposures.person.as_deref();
    let persons = persons.map(|person| question::of_persons(asked, person));
    let (threads, folder) = (cx.jobs().max(1), cx.spec_folder().to_owned());
    let work = tokio::task::spawn_blocking(move || {
        let answer = |question| dataset::answer(question, threads);
        let own = answer(&own).map_err(|error| said(error, &folder))?;
        let persons = persons.as_ref().map(answer).transpose();
        Ok((own, persons.map_err(|error| said(error, &folder))?))
    });
    work.await.map_err(|error| Error::new(format!("reading the data has ended: {error}")))?
}

/// What is wrong with data, with files as the spec names them.
fn said(mut error: dataset::Error, folder: &Path) -> Error {
    if let Ok(short) = error.place.file.strip_prefix(folder) {
        error.place.file = short.to_path_buf();
    }
    let told = Error::new(error.to_string());
    error.hint.iter().fold(told, Error::hint_ref)
}

/// Asks a warehouse for the sums.
async fn pushed_down(
    asked: &Asked<Table>,
    data: &Data,
    warehouse: &Warehouse,
    cx: &Context,
) -> Result<Answers, Error> {
    let told = |one: &Option<Template>| one.as_ref().map(|one| cx.reveal(one)).transpose();
    let connection = told(&warehouse.connection)?.unwrap_or_default();
    let login = Login { user: told(&warehouse.user)?, password: told(&warehouse.password)? };
    let ask = async |question| {
        let answer = match warehouse.kind {
            WarehouseKind::Postgres => sql::postgres(question, &connection).await,
            WarehouseKind::Clickhouse => sql::clickhouse(question, &connection, &login).await,
            WarehouseKind::Trino => sql::trino(question, &connection, &login).await,
            WarehouseKind::Bigquery => {
                return Err(Error::new("BigQuery is not asked from here")
                    .hint("`gate experiment sql` prints what to ask it"));
            }
        };
        answer.map_err(|error| said(error, Path::new("")))
    };
    let own = ask(&asked.question).await?;
    let persons = match data.exposures.person.as_deref() {
        None => None,
        Some(person) => Some(ask(&question::of_persons(asked, person)).await?),
    };
    Ok((own, persons))
}
