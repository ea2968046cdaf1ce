//! The query, piece by piece.

use super::known::Known;
use super::rows::order;
use super::uses::values;
use super::{Dialect, Kind, Table};
use crate::error::Error;
use crate::question::{Question, Source, Total, When};

/// One more than a segment may have values.
const TOO_MANY: usize = 1001;

/// The first exposure of each unit.
const UNITS: &str = "units as (\n  select *\n  from ranked\n  where place = 1\n)";

/// Queries of one row that count the rows of a table and what is wrong with them: for exposures, then
/// for each table of events. Columns: rows; rows without a unit; rows without a time, where there are
/// times; for exposures those with an unknown arm, such an arm, and for each segment how many values
/// it has, up to 1001; then for each column that is added up, rows with no finite number.
pub fn look(question: &Question<Table>, dialect: Dialect) -> Result<Vec<String>, Error> {
    let sql = Sql::new(question, dialect)?;
    let events = (0..question.events.len()).map(|at| sql.look(Source::Events(at)));
    Ok([sql.look(Source::Exposures)].into_iter().chain(events).collect())
}

/// A query of one row: units; for each table of events its rows of units that were exposed, and how
/// many of those are from before; for each total its sum; and where the dialect adds floats one by
/// one, the largest magnitude of each total.
pub fn means(question: &Question<Table>, dialect: Dialect) -> Result<String, Error> {
    let sql = Sql::new(question, dialect)?;
    let mut columns = vec!["count(*) as units".to_owned()];
    for at in 0..question.events.len() {
        for what in ["matched", "earlier"] {
            let sum = dialect.whole(&format!("coalesce(sum({what}_{at}), 0)"));
            columns.push(format!("{sum} as all_{what}_{at}"));
        }
    }
    columns.extend((0..question.totals.len()).map(|at| {
        let sum = dialect.sum(&format!("total_{at}"));
        format!("{} as sum_{at}", dialect.real(&format!("coalesce({sum}, 0)")))
    }));
    columns.extend((0..dialect.split(question.totals.len())).map(|at| {
        let most = dialect.real(&format!("coalesce(max(abs(total_{at})), 0)"));
        format!("{most} as most_{at}")
    }));
    Ok(format!("{}\nselect\n  {}\nfrom valued", sql.with(false), columns.join(",\n  ")))
}

/// A query of a row for each arm, for each day and arm, and for each value of a segment and arm.
/// Columns: for the day and for each segment 0 where the row is of one, and 1 otherwise; the arm's
/// place in the order of bytes, the day, segments; units, units with several arms; for each total
/// of how many units it is not 0, the sum, what is left of it without the centre, and the squares of
/// that; products; and the centres, where these are not given and so the averages.
pub fn sums(
    question: &Question<Table>,
    dialect: Dialect,
    centres: Option<&[f64]>,
) -> Result<String, Error> {
    sums_of(question, dialect, centres, None)
}

/// The same, of totals that are known to be no larger than this.
pub(super) fn sums_of(
    question: &Question<Table>,
    dialect: Dialect,
    centres: Option<&[f64]>,
    known: Option<&Known>,
) -> Result<String, Error> {
    let sql = Sql::new(question, dialect)?;
    let totals = question.totals.len();
    if centres.is_some_and(|centres| centres.len() != totals) {
        return Err(Error::new("there is not one centre for each total"));
    }
    let keys = sql.keys();
    let left: Vec<String> = (0..totals)
        .map(|at| match centres {
            // With an exponent a number is a float where that makes a difference.
            Some(centres) => format!("(v.total_{at} - ({:e}))", centres[at]),
            None => format!("(v.total_{at} - c.centre_{at})"),
        })
        .collect();
    let mut columns: Vec<String> =
        keys.iter().map(|key| format!("grouping(v.{key}) as not_by_{key}")).collect();
    columns.push("v.arm as arm".to_owned());
    columns.extend(keys.iter().map(|key| format!("v.{key} as {key}")));
    columns.push("count(*) as units".to_owned());
    columns.push("count(case when v.multiple = 1 then 1 end) as multiple_units".to_owned());
    // With how large it may be: no larger than the most of each, and what is left of that.
    let sum = |value: &str, most: &dyn Fn(&Known) -> f64| match known {
        Some(known) => dialect.real(&known.sum(value, most(known))),
        None => dialect.real(&dialect.sum(value)),
    };
    let most = |known: &Known, at: usize| known.most[at] + centres.map_or(0.0, |all| all[at].abs());
    for (at, left) in left.iter().enumerate() {
        let all = format!("v.total_{at}");
        columns.push(format!("count(case when {all} <> 0 then 1 end) as some_{at}"));
        columns.push(format!("{} as sum_{at}", sum(&all, &|known| known.most[at])));
        columns.push(format!("{} as centred_{at}", sum(left, &|known| most(known, at))));
        let squares = sum(&format!("{left} * {left}"), &|known| most(known, at).powi(2));
        columns.push(format!("{squares} as squares_{at}"));
    }
    for (at, &(one, other)) in question.products.iter().enumerate() {
        let product = format!("{} * {}", left[one], left[other]);
        let product = sum(&product, &|known| most(known, one) * most(known, other));
        columns.push(format!("{product} as product_{at}"));
    }
    let is_asked = centres.is_none() && totals > 0;
    if is_asked {
        let centre =
            |at| format!("{} as centre_{at}", dialect.real(&format!("min(c.centre_{at})")));
        columns.extend((0..totals).map(centre));
    }
    let sets = keys.iter().map(|key| format!("(v.arm, v.{key})"));
    let sets: Vec<String> = ["(v.arm)".to_owned()].into_iter().chain(sets).collect();
    Ok(format!(
        "{}\nselect\n  {}\nfrom valued as v{}\ngroup by grouping sets ({})",
        sql.with(is_asked),
        columns.join(",\n  "),
        if is_asked { "\ncross join centres as c" } else { "" },
        sets.join(", ")
    ))
}

/// A question that makes sense, and in which dialect it is put.
pub(super) struct Sql<'q> {
    question: &'q Question<Table>,
    dialect: Dialect,
    zone: &'q str,
}

impl<'q> Sql<'q> {
    pub(super) fn new(question: &'q Question<Table>, dialect: Dialect) -> Result<Sql<'q>, Error> {
        question.check()?;
        let tables = question.events.iter().map(|one| &one.from);
        for table in [&question.exposures.from].into_iter().chain(tables) {
            if table.path.is_empty() || table.path.iter().any(String::is_empty) {
                return Err(
                    Error::new("a table, or what it lies in, has no name").table(table.to_string())
                );
            }
        }
        let events = question.totals.iter().filter_map(|total| total.event.as_ref());
        if question.arms.iter().chain(events).any(|text| text.contains('\0')) {
            return Err(Error::new("no arm or event has a NUL in it"));
        }
        Ok(Sql { question, dialect, zone: question.zone.name() })
    }

    fn table(&self, source: Source) -> &'q Table {
        match source {
            Source::Exposures => &self.question.exposures.from,
            Source::Events(at) => &self.question.events[at].from,
        }
    }

    /// The table as `t`.
    pub(super) fn from(&self, source: Source) -> String {
        let path = &self.table(source).path;
        let parts: Vec<String> = path.iter().map(|part| self.dialect.identifier(part)).collect();
        format!("{} as t", parts.join("."))
    }

    pub(super) fn column(&self, name: &str) -> String {
        format!("t.{}", self.dialect.identifier(name))
    }

    fn text(&self, name: &str) -> String {
        self.dialect.text(&self.column(name))
    }

    fn instant(&self, source: Source, name: &str) -> String {
        let kind = self.table(source).kind(name);
        self.dialect.instant(&self.column(name), kind, self.zone)
    }

    fn double(&self, source: Source, name: &str) -> String {
        self.dialect.double(&self.column(name), self.table(source).kind(name))
    }

    /// The place of the arm, and nothing for one that is not known.
    fn arm(&self) -> String {
        let arm = self.text(&self.question.exposures.arm);
        let whens: String = (order(&self.question.arms).into_iter().enumerate())
            .map(|(place, at)| {
                format!(" when {} then {place}", self.dialect.literal(&self.question.arms[at]))
            })
            .collect();
        format!("case {arm}{whens} end")
    }

    fn segment(&self, name: &str) -> String {
        format!("nullif({}, '')", self.text(name))
    }

    /// What units are grouped by besides their arm.
    fn keys(&self) -> Vec<String> {
        let exposures = &self.question.exposures;
        let day = exposures.time.iter().map(|_| "day".to_owned());
        day.chain((0..exposures.segments.len()).map(|at| format!("segment_{at}"))).collect()
    }

    fn totals(&self, source: Source) -> impl Iterator<Item = (usize, &'q Total)> {
        let all = self.question.totals.iter().enumerate();
        all.filter(move |(_, total)| total.source == source)
    }

    fn look(&self, source: Source) -> String {
        let Question { exposures, events, .. } = self.question;
        let (unit, time) = match source {
            Source::Exposures => (&exposures.unit, &exposures.time),
            Source::Events(at) => (&events[at].unit, &events[at].time),
        };
        let count = |what: &str| format!("count(case when {what} then 1 end)");
        let mut columns = vec![
            "count(*) as row_count".to_owned(),
            format!("{} as nobody", count(&format!("coalesce({}, '') = ''", self.text(unit)))),
        ];
        if let Some(time) = time {
            let is_timeless = match self.table(source).kind(time) {
                Kind::Count => self.dialect.is_uncounted(&self.column(time)),
                _ => self.dialect.is_timeless(&self.instant(source, time)),
            };
            columns.push(format!("{} as timeless", count(&is_timeless)));
        }
        if source == Source::Exposures {
            let is_unknown = format!("{} is null", self.arm());
            columns.push(format!("{} as unknown_arms", count(&is_unknown)));
            let arm = self.text(&exposures.arm);
            columns.push(format!("min(case when {is_unknown} then {arm} end) as unknown_arm"));
            for (at, segment) in exposures.segments.iter().enumerate() {
                let segment = self.segment(segment);
                columns.push(format!(
                    "(select count(*) from (select distinct {segment} as segment from {} where \
                     {segment} is not null limit {TOO_MANY}) as s) as segment_{at}",
                    self.from(source)
                ));
            }
        }
        for (at, column) in values(self.question, source).into_iter().enumerate() {
            let is_endless = self.dialect.is_endless(&self.double(source, column));
            columns.push(format!("{} as endless_{at}", count(&is_endless)));
        }
        format!("select\n  {}\nfrom {}", columns.join(",\n  "), self.from(source))
    }

    /// All up to `valued`, which has a row for each unit with its totals.
    fn with(&self, asks_centres: bool) -> String {
        let mut parts = vec![self.exposed(), self.ranked(), UNITS.to_owned()];
        parts.extend((0..self.question.events.len()).map(|at| self.done(at)));
        parts.push(self.valued());
        if asks_centres {
            let centre = |at| format!("avg(total_{at}) as centre_{at}");
            let all: Vec<String> = (0..self.question.totals.len()).map(centre).collect();
            parts.push(format!("centres as (\n  select {}\n  from valued\n)", all.join(", ")));
        }
        format!("with {}", parts.join(",\n"))
    }

    /// Rows of exposures, under names of ours.
    fn exposed(&self) -> String {
        let exposures = &self.question.exposures;
        let mut columns = vec![
            format!("{} as unit", self.text(&exposures.unit)),
            format!("{} as arm", self.arm()),
        ];
        if let Some(time) = &exposures.time {
            columns.push(format!("{} as instant", self.instant(Source::Exposures, time)));
        }
        for (at, segment) in exposures.segments.iter().enumerate() {
            columns.push(format!("{} as segment_{at}", self.segment(segment)));
        }
        columns.extend(self.values(Source::Exposures));
        select("exposed", &columns, &format!("from {}", self.from(Source::Exposures)))
    }

    /// Columns that are added up, each for its total.
    fn values(&self, source: Source) -> Vec<String> {
        let value = |(at, total): (usize, &Total)| {
            let double = self.double(source, total.column.as_ref()?);
            Some(format!("{} as value_{at}", self.dialect.addend(&double)))
        };
        self.totals(source).filter_map(value).collect()
    }

    /// The same with their places in the order in which a unit was exposed.
    fn ranked(&self) -> String {
        let exposures = &self.question.exposures;
        let mut order: Vec<String> = exposures.time.iter().map(|_| "instant".to_owned()).collect();
        order.push("arm".to_owned());
        let segments: Vec<String> =
            (0..exposures.segments.len()).map(|at| format!("segment_{at}")).collect();
        order.extend(segments.iter().map(|segment| format!("{segment} nulls first")));
        let mut columns = vec!["unit".to_owned(), "arm".to_owned()];
        columns.extend(exposures.time.iter().map(|_| "instant".to_owned()));
        columns.extend(segments);
        let by = "over (partition by unit)";
        columns
            .push(format!("case when min(arm) {by} < max(arm) {by} then 1 else 0 end as multiple"));
        for (at, total) in self.totals(Source::Exposures) {
            columns.push(match total.column {
                Some(_) => {
                    format!("{} {by} as total_{at}", self.dialect.sum(&format!("value_{at}")))
                }
                None => format!("count(*) {by} as total_{at}"),
            });
        }
        columns.push(format!(
            "row_number() over (partition by unit order by {}) as place",
            order.join(", ")
        ));
        select("ranked", &columns, "from exposed")
    }

    /// What exposed units did, of one table.
    fn done(&self, table: usize) -> String {
        let source = Source::Events(table);
        let events = &self.question.events[table];
        let mut rows = vec![format!("{} as unit", self.text(&events.unit))];
        let has_times = self.question.exposures.time.is_some() && events.time.is_some();
        if let (Some(time), true) = (&events.time, has_times) {
            rows.push(format!("{} as instant", self.instant(source, time)));
        }
        if let Some(event) = &events.event {
            rows.push(format!("{} as event", self.text(event)));
        }
        rows.extend(self.values(source));
        let earlier = "h.instant < u.instant";
        let mut columns = vec!["u.unit as unit".to_owned(), "count(*) as matched".to_owned()];
        columns.push(if has_times {
            format!("count(case when {earlier} then 1 end) as earlier")
        } else {
            "0 as earlier".to_owned()
        });
        for (at, total) in self.totals(source) {
            let mut conditions = Vec::new();
            match (total.when, has_times) {
                (When::After, true) => conditions.push("h.instant >= u.instant".to_owned()),
                (When::Before, true) => conditions.push(earlier.to_owned()),
                (When::After, false) => {}
                (When::Before, false) => conditions.push("1 = 0".to_owned()),
            }
            let event = total.event.as_ref();
            conditions
                .extend(event.map(|event| format!("h.event = {}", self.dialect.literal(event))));
            let value = match total.column {
                Some(_) => format!("h.value_{at}"),
                None => "1".to_owned(),
            };
            let value = match &conditions[..] {
                [] => value,
                all => format!("case when {} then {value} end", all.join(" and ")),
            };
            columns.push(match total.column {
                Some(_) => format!("{} as total_{at}", self.dialect.sum(&value)),
                None => format!("count({value}) as total_{at}"),
            });
        }
        let from = format!(
            "from units as u\n  join (\n    select\n      {}\n    from {}\n  ) as h on h.unit = u.unit\
             \n  group by u.unit",
            rows.join(",\n      "),
            self.from(source)
        );
        select(&format!("done_{table}"), &columns, &from)
    }

    /// Units with all their totals; what a unit never did is 0.
    fn valued(&self) -> String {
        let exposures = &self.question.exposures;
        let mut columns = vec!["u.arm as arm".to_owned(), "u.multiple as multiple".to_owned()];
        if exposures.time.is_some() {
            columns.push(format!("{} as day", self.dialect.day("u.instant", self.zone)));
        }
        columns.extend(
            (0..exposures.segments.len()).map(|at| format!("u.segment_{at} as segment_{at}")),
        );
        for table in 0..self.question.events.len() {
            for what in ["matched", "earlier"] {
                columns.push(format!("coalesce(d{table}.{what}, 0) as {what}_{table}"));
            }
        }
        for (at, total) in self.question.totals.iter().enumerate() {
            let from = match total.source {
                Source::Exposures => "u".to_owned(),
                Source::Events(table) => format!("d{table}"),
            };
            let total = self.dialect.amount(&format!("coalesce({from}.total_{at}, 0)"));
            columns.push(format!("{total} as total_{at}"));
        }
        let joins: String = (0..self.question.events.len())
            .map(|at| format!("\n  left join done_{at} as d{at} on d{at}.unit = u.unit"))
            .collect();
        select("valued", &columns, &format!("from units as u{joins}"))
    }
}

fn select(name: &str, columns: &[String], from: &str) -> String {
    format!("{name} as (\n  select\n    {}\n  {from}\n)", columns.join(",\n    "))
}
