//! Rows that a server answers with, and what they say.

use std::collections::BTreeMap;

use super::Table;
use crate::answer::{Answer, Cell, Left, Moments};
use crate::error::Error;
use crate::question::Question;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// None.
    Null,
    /// A whole number, or a float that was written as one.
    Whole(i64),
    /// Any other number.
    Real(f64),
    /// A text.
    Text(String),
}

/// A row whose values are taken one by one.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Row {
        Row(values.into_iter())
    }

    fn next(&mut self) -> Result<Value, Error> {
        self.0.next().ok_or_else(|| otherwise("a row is too short"))
    }

    /// A count. Some servers write what may be too large for a number of JavaScript as text.
    pub(super) fn count(&mut self) -> Result<u64, Error> {
        let count = match self.next()? {
            Value::Whole(number) => u64::try_from(number).ok(),
            Value::Text(text) => text.parse().ok(),
            Value::Null | Value::Real(_) => None,
        };
        count.ok_or_else(|| otherwise("what should be a count is none"))
    }

    /// A number of 64 bits.
    pub(super) fn real(&mut self) -> Result<f64, Error> {
        match self.next()? {
            Value::Whole(number) => Ok(number as f64),
            Value::Real(number) if number.is_finite() => Ok(number),
            Value::Real(_) | Value::Null | Value::Text(_) => {
                Err(otherwise("what should be a sum is no finite number"))
            }
        }
    }

    /// A text, or none.
    pub(super) fn text(&mut self) -> Result<Option<String>, Error> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Whole(_) | Value::Real(_) => Err(otherwise("what should be a text is a number")),
        }
    }

    /// That nothing else has come.
    pub(super) fn end(mut self) -> Result<(), Error> {
        self.0.next().map_or(Ok(()), |_| Err(otherwise("a row is too long")))
    }
}

/// The places of arms in the order of their bytes, which is the order in which the first of several
/// at the same time counts.
pub(super) fn order(arms: &[String]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..arms.len()).collect();
    order.sort_by_key(|at| &arms[*at]);
    order
}

/// What a server must not say.
pub(super) fn otherwise(what: &str) -> Error {
    Error::new(format!("the server answered otherwise: {what}"))
}

/// The answer, of rows that are each of an arm, and perhaps of a day or of a value of a segment.
pub(super) fn collected(
    question: &Question<Table>,
    rows: Vec<Row>,
    centres: Vec<f64>,
    left: Left,
) -> Result<Answer, Error> {
    let (totals, products) = (question.totals.len(), question.products.len());
    let empty = || vec![None; question.arms.len()];
    let segments = question.exposures.segments.len();
    let has_days = question.exposures.time.is_some();
    let keys = usize::from(has_days) + segments;
    let order = order(&question.arms);
    let mut all: Vec<Option<Cell>> = empty();
    let mut days = BTreeMap::new();
    let mut by_segment = vec![BTreeMap::new(); segments];
    for mut row in rows {
        let mut by = None;
        for key in 0..keys {
            if row.count()? == 0 && by.replace(key).is_some() {
                return Err(otherwise("a row is of two groups"));
            }
        }
        let arm = row.count().ok().and_then(|arm| order.get(usize::try_from(arm).ok()?));
        let arm = *arm.ok_or_else(|| otherwise("an arm came that is none"))?;
        let mut names = Vec::new();
        for _ in 0..keys {
            names.push(row.text()?);
        }
        let cell = cell(&mut row, totals, products)?;
        row.end()?;
        let arms = match by {
            None => &mut all,
            Some(0) if has_days => {
                let day = names[0].take().ok_or_else(|| otherwise("a day has no name"))?;
                days.entry(day).or_insert_with(empty)
            }
            Some(key) => {
                let by = &mut by_segment[key - usize::from(has_days)];
                by.entry(names[key].take()).or_insert_with(empty)
            }
        };
        // Two names that look the same once they are texts, perhaps: their sums are not one's.
        if arms[arm].replace(cell).is_some() {
            return Err(otherwise("a row came twice"));
        }
    }
    let whole = |cells: Vec<Option<Cell>>| -> Vec<Cell> {
        let none = || Cell {
            totals: vec![Moments::default(); totals],
            products: vec![0.0; products],
            ..Cell::default()
        };
        cells.into_iter().map(|cell| cell.unwrap_or_else(none)).collect()
    };
    let segments = by_segment.into_iter().map(|values: BTreeMap<_, _>| {
        values.into_iter().map(|(value, cells)| (value, whole(cells))).collect()
    });
    let answer = Answer {
        arms: whole(all),
        days: days.into_iter().map(|(day, cells)| (day, whole(cells))).collect(),
        segments: segments.collect(),
        centres,
        left,
    };
    if !adds_up(&answer, has_days) {
        return Err(otherwise("rows are missing: the parts are not as many as the whole"));
    }
    Ok(answer)
}

/// Whether each arm has as many units in all days, and in all values of a segment, as it has. All of them
/// come from one query, so an answer that has lost a row does not.
fn adds_up(answer: &Answer, has_days: bool) -> bool {
    (0..answer.arms.len()).all(|arm| {
        let own = |cells: &Vec<Cell>| cells[arm].units;
        let is_whole = |units: u64| units == answer.arms[arm].units;
        let days: u64 = answer.days.values().map(own).sum();
        (!has_days || is_whole(days))
            && answer.segments.iter().all(|values| is_whole(values.values().map(own).sum()))
    })
}

fn cell(row: &mut Row, totals: usize, products: usize) -> Result<Cell, Error> {
    let mut cell = Cell { units: row.count()?, multiple: row.count()?, ..Cell::default() };
    for _ in 0..totals {
        cell.totals.push(Moments {
            some: row.count()?,
            sum: row.real()?,
            centred: row.real()?,
            squares: row.real()?,
        });
    }
    for _ in 0..products {
        cell.products.push(row.real()?);
    }
    Ok(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Zone;
    use crate::question::Exposures;

    #[test]
    fn an_answer_that_has_lost_a_row_is_none() {
        let question = Question {
            exposures: Exposures {
                from: Table::named("exposures"),
                unit: "user".to_owned(),
                arm: "arm".to_owned(),
                time: Some("at".to_owned()),
                segments: vec!["country".to_owned()],
            },
            events: Vec::new(),
            arms: vec!["a".to_owned()],
            totals: Vec::new(),
            products: Vec::new(),
            zone: Zone::default(),
        };
        // Whether it is of a day, and of a country: 0 says that it is.
        let row = |of: [i64; 2], names: [Option<&str>; 2], units: i64| {
            let name =
                |name: Option<&str>| name.map_or(Value::Null, |it| Value::Text(it.to_owned()));
            let counts = |all: &[i64]| all.iter().copied().map(Value::Whole).collect::<Vec<_>>();
            let names: Vec<Value> = names.into_iter().map(name).collect();
            Row::new([counts(&[of[0], of[1], 0]), names, counts(&[units, 0])].concat())
        };
        let all = || {
            vec![
                row([1, 1], [None, None], 5),
                row([0, 1], [Some("2026-11-01"), None], 2),
                row([0, 1], [Some("2026-11-02"), None], 3),
                row([1, 0], [None, Some("de")], 4),
                row([1, 0], [None, None], 1),
            ]
        };
        let collected = |rows| collected(&question, rows, Vec::new(), Left::default());
        assert_eq!(collected(all()).unwrap().arms[0].units, 5);
        for lost in 0..all().len() {
            let mut rows = all();
            rows.remove(lost);
            let error = collected(rows).unwrap_err().to_string();
            assert!(error.contains("rows are missing"), "{lost}: {error}");
        }
    }
}
