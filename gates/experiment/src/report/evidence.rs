//! As a page of a run, which the review shows beside the verdict.

use gate_core::evidence::{
    Align, Block, Column, FormField, Page, PageSchema, TableEvidence, TableSchema,
};
use gate_core::{Check, Json, Verdict};
use serde_json::json;

use super::{COME, GLOSSARY, HARM, MORE, NEXT, Report, TIME, TRUST};
use crate::judge::data::charts;
use crate::run_time;
use crate::settings::MetricKind;

impl Report<'_> {
    /// The page.
    pub(crate) fn evidence(&self) -> Page {
        let (judged, spec) = (self.judged, self.spec);
        let mut blocks = vec![
            Block::Text(judged.headline.clone()),
            Block::Text(format!("{} Next: {}", self.about(), judged.next)),
        ];
        list(&mut blocks, TRUST, &judged.trust);
        list(&mut blocks, TIME, &judged.time);
        if judged.is_trusted {
            let intervals = charts::primary(spec, judged);
            if !intervals.is_empty() {
                blocks.push(Block::Heading(COME.to_owned()));
                blocks.push(Block::Table(self.table()));
                blocks.push(Block::Intervals { unit: "%".to_owned(), intervals });
            }
            blocks.extend(charts::over_time(spec, self.seen, judged).map(Block::Series));
        }
        list(&mut blocks, HARM, &judged.guards);
        let intervals = charts::guardrails(spec, judged);
        if judged.is_trusted && !intervals.is_empty() {
            blocks.push(Block::Intervals { unit: "%".to_owned(), intervals });
        }
        list(&mut blocks, MORE, &judged.more);
        blocks.push(Block::Heading(NEXT.to_owned()));
        blocks.push(Block::Text(judged.next.clone()));
        blocks.push(Block::Heading("How long must it run?".to_owned()));
        blocks.push(self.form());
        blocks.push(Block::Heading("Words".to_owned()));
        let words = GLOSSARY.iter().map(|(word, means)| format!("{word}: {means}."));
        blocks.push(Block::List(words.collect()));
        blocks.push(Block::Text(self.method()));
        Page { schema: PageSchema::V1, title: self.name.to_owned(), blocks }
    }

    /// Hypothesis, owner and arms in a line.
    pub(super) fn about(&self) -> String {
        let hypothesis = self.spec.hypothesis.trim_end_matches('.');
        format!("Hypothesis: {hypothesis}. Owner: {}. Arms: {}.", self.spec.owner, self.split())
    }

    /// The metric of the success in each arm.
    pub(super) fn table(&self) -> TableEvidence {
        let column = |name: &str, align| Column { name: name.to_owned(), unit: None, align };
        let metric = self.spec.success.as_ref().map(|success| success.metric.as_str());
        let metric = metric.and_then(|name| Some((name, self.spec.metrics.get(name)?)));
        let title = metric.map_or("", |(name, one)| one.title.as_deref().unwrap_or(name));
        let is_share = metric.is_some_and(|(_, one)| one.kind == MetricKind::Proportion);
        let unit = metric.and_then(|(_, one)| one.unit.as_deref());
        let told = |value: Option<f64>| {
            value.map_or(Json::Null, |value| json!(crate::words::level(value, is_share, unit)))
        };
        let visitors = |arm: &str| {
            let at = self.seen.arms.iter().position(|one| one == arm).unwrap_or(0);
            json!(crate::words::count(self.seen.all[at].units as f64))
        };
        let first = self.judged.primary.first();
        let control = first.map(|lift| {
            let name = &self.seen.arms[0];
            vec![json!(name), visitors(name), told(lift.control), Json::Null]
        });
        let arms = self.judged.primary.iter().map(|lift| {
            let change = lift.relative.map(|told| {
                let rough = crate::words::rough;
                format!("{} ({} to {})", rough(told.effect), rough(told.low), rough(told.high))
            });
            vec![
                json!(lift.arm),
                visitors(&lift.arm),
                told(lift.value),
                change.map_or(Json::Null, Json::from),
            ]
        });
        TableEvidence {
            schema: TableSchema::V1,
            columns: vec![
                column("Arm", Align::Left),
                column("Visitors", Align::Right),
                column(title, Align::Right),
                column("Change", Align::Right),
            ],
            rows: control.into_iter().chain(arms).collect(),
            note: None,
        }
    }

    /// The question how long it must run, filled in with what is known.
    fn form(&self) -> Block {
        let field = |name: &str, label: &str, value: Option<Json>| FormField {
            name: name.to_owned(),
            label: label.to_owned(),
            value,
        };
        let lift = self.judged.primary.first().filter(|lift| {
            let metric = self.spec.metrics.get(&lift.metric);
            metric.is_some_and(|metric| metric.kind == MetricKind::Proportion)
        });
        let baseline = lift.and_then(|lift| lift.control);
        let baseline = baseline.map(|share| json!(crate::words::level(share, true, None)));
        let detect = self.spec.success.as_ref().map(|success| json!(success.detect.to_string()));
        let per_day = self.judged.progress.per_day.map(|per_day| json!(per_day.round()));
        Block::Form {
            tool: run_time::ID.to_owned(),
            fields: vec![
                field("baseline", "Share of visitors who do it today", baseline),
                field("detect", "Smallest change that matters", detect),
                field("visitors_per_day", "Visitors a day, all arms together", per_day),
                field("arms", "Arms, the control included", Some(json!(self.spec.split.len()))),
            ],
        }
    }
}

fn list(blocks: &mut Vec<Block>, title: &str, checks: &[Check]) {
    if checks.is_empty() {
        return;
    }
    blocks.push(Block::Heading(title.to_owned()));
    let lines = checks.iter().map(|check| {
        let advice = check.advice.as_ref().filter(|_| check.verdict != Verdict::Pass);
        let advice = advice.map_or_else(String::new, |advice| format!(" {advice}"));
        format!("{}: {} – {}{advice}", check.verdict.word(), check.title, check.message)
    });
    blocks.push(Block::List(lines.collect()));
}
