//! What is around the experiment: others among the same visitors, what it was before, and SDKs.

use gate_core::{Check, Limit, Metric, Verdict};

use super::Tested;
use crate::judge::causes::Symptom;
use crate::seen::allocation::{Other, SeenAllocation, Step};
use crate::words::{count, list, percent, times};

/// From which part of ids with the same bucket on two hashes are one.
const ONE_HASH: f64 = 0.99;
/// How many ids in both it takes to tell.
const ENOUGH: u64 = 20;

/// Other experiments: what is certain, and what is tested.
pub(super) fn others(seen: &SeenAllocation) -> Result<(Vec<Check>, Vec<Tested>), stats::Error> {
    let (mut certain, mut tested) = (Vec::new(), Vec::new());
    for other in &seen.others {
        let id = format!("together-{}", other.experiment);
        if let Some(broken) = &other.broken {
            let title = format!("{} can be looked at, too", other.experiment);
            let message = format!("{}: {}", broken.place, broken.message);
            certain.push(
                Check::new(id, title, Verdict::Inconclusive, message)
                    .advice(Symptom::Configuration.advice()),
            );
            continue;
        }
        let has_one_hash =
            other.both >= ENOUGH && other.same as f64 >= ONE_HASH * other.both as f64;
        let own = other.table.len() - 1;
        let both: u64 = other.table[..own].iter().flat_map(|row| &row[..other.arms.len()]).sum();
        certain.extend(other.overlap.as_ref().map(|name| overlap(other, name, both)));
        if has_one_hash {
            let message = format!(
                "{} of {} have the same bucket in both: they use the same hash with the same seed",
                percent(other.same as f64 / other.both as f64),
                times(other.both as f64, "id"),
            );
            certain.push(
                Check::new(id, title(other), Verdict::Fail, message)
                    .advice(Symptom::Together.advice()),
            );
        } else {
            match together(other, id, both)? {
                Ok(one) => tested.push(one),
                Err(check) => certain.push(check),
            }
        }
    }
    Ok((certain, tested))
}

fn title(other: &Other) -> String {
    format!("The arms do not go together with those of {}", other.experiment)
}

fn overlap(other: &Other, namespace: &str, both: u64) -> Check {
    let message = format!(
        "both are confined to the namespace `{namespace}` to exclude each other, and their parts of it \
         overlap: {} are in both",
        times(both as f64, "id")
    );
    let title = format!("Nobody is in {}, too", other.experiment);
    Check::new(format!("namespace-{}", other.experiment), title, Verdict::Fail, message)
        .metric(Metric::new("ids in both", both as f64, "1").limit(Limit::AtMost(0.0)))
        .advice(Symptom::Overlap.advice())
}

/// Whether arms here, and being in the other one and in which arm there, are independent: Pearson's
/// chi-squared of the table. Arms there with too few for it count together with those of none.
fn together(other: &Other, id: String, both: u64) -> Result<Result<Tested, Check>, stats::Error> {
    let own = other.table.len() - 1;
    let sum = |row: &[u64]| row.iter().sum::<u64>() as f64;
    let rows: Vec<&Vec<u64>> = other.table[..own].iter().filter(|row| sum(row) > 0.0).collect();
    let all: f64 = rows.iter().map(|row| sum(row)).sum();
    let least = rows.iter().map(|row| sum(row)).fold(f64::INFINITY, f64::min);
    let of_column = |at: usize| rows.iter().map(|row| row[at] as f64).sum::<f64>();
    // The approximation wants some in each cell.
    let is_enough = |ids: f64| ids * least / all >= 5.0;
    let (large, small): (Vec<usize>, Vec<usize>) =
        (0..other.arms.len()).partition(|at| is_enough(of_column(*at)));
    let mut columns: Vec<Vec<f64>> =
        large.iter().map(|at| rows.iter().map(|row| row[*at] as f64).collect()).collect();
    let rest = |row: &&Vec<u64>| {
        (row[other.arms.len()] + small.iter().map(|at| row[*at]).sum::<u64>()) as f64
    };
    let rest: Vec<f64> = rows.iter().map(rest).collect();
    if is_enough(rest.iter().sum()) {
        columns.push(rest);
    }
    if rows.len() < 2 || columns.len() < 2 {
        let message = match both {
            0 => format!("nobody of {} is in both", times(all, "id")),
            _ if rows.len() < 2 => {
                "there is one arm alone that it could go together with".to_owned()
            }
            _ if large.len() == 1 => {
                format!("all but a few of {} are in one arm there", times(all, "id"))
            }
            _ => format!(
                "{} of {} are in both, too few to tell",
                count(both as f64),
                times(all, "id")
            ),
        };
        // Where most are in both and all of them in one arm, there is nothing to go together with.
        let is_told = both < ENOUGH || rows.len() > 1 && large.len() == 1;
        let verdict = if is_told { Verdict::Pass } else { Verdict::Inconclusive };
        return Ok(Err(Check::new(id, title(other), verdict, message)));
    }
    let of_row = |row: usize| columns.iter().map(|column| column[row]).sum::<f64>();
    let all: f64 = (0..rows.len()).map(of_row).sum();
    let pairs = || (0..rows.len()).flat_map(|row| (0..columns.len()).map(move |at| (row, at)));
    let expected = |row: usize, at: usize| of_row(row) * columns[at].iter().sum::<f64>() / all;
    let square = |(row, column): (usize, usize)| {
        let expected = expected(row, column);
        (columns[column][row] - expected).powi(2) / expected
    };
    let statistic: f64 = pairs().map(square).sum();
    let freedom = ((rows.len() - 1) * (columns.len() - 1)) as f64;
    let p_value = stats::chi_squared::sf(statistic, freedom)?;
    let smaller = (rows.len().min(columns.len()) - 1) as f64;
    let strength = (statistic / all / smaller).sqrt();
    let (title, name) = (title(other), other.experiment.clone());
    Ok(Ok(Tested {
        p_value,
        told: Box::new(move |held, is_wrong| {
            let message = if is_wrong {
                format!(
                    "who is in which arm here and there goes together (Cramér's V {strength:.2} of 1), \
                     among {}, of which {} are in {name}, too",
                    times(all, "id"),
                    count(both as f64)
                )
            } else {
                let both = times(both as f64, "id");
                format!("{both} are in both, and their arms are independent")
            };
            let verdict = if is_wrong { Verdict::Fail } else { Verdict::Pass };
            let check = Check::new(id, title, verdict, message)
                .metric(Metric::new("Cramér's V", strength, "1"))
                .metric(Metric::new("p value", held, "1"));
            if is_wrong { check.advice(Symptom::Together.advice()) } else { check }
        }),
    }))
}

/// Whether visitors stay in their arms.
pub(super) fn steps(seen: &SeenAllocation) -> Vec<Check> {
    let title = "Visitors stay in their arms when more of them take part";
    let mut checks: Vec<Check> =
        seen.steps.iter().enumerate().map(|(at, step)| stays(at, step)).collect();
    if let Some(why) = &seen.no_steps {
        let advice =
            "Export the configuration of each step, and name the one before in provider.before.";
        let check = Check::new("ramp-up", title, Verdict::Inconclusive, why.as_str());
        checks.push(check.advice(advice));
    }
    checks
}

fn stays(at: usize, step: &Step) -> Check {
    let Step { from, to, before, after, moved, left } = step;
    let (id, title) =
        (format!("ramp-up-{}", at + 1), format!("From {from} to {to} nobody changes arm"));
    let grown =
        format!("{} before and {} after", times(*before as f64, "id"), count(*after as f64));
    let metric =
        |name: &str, ids: u64| Metric::new(name, ids as f64, "1").limit(Limit::AtMost(0.0));
    let check = |verdict, message: String| {
        Check::new(&id, &title, verdict, message)
            .metric(metric("ids in another arm", *moved))
            .metric(metric("ids in no arm any more", *left))
    };
    if *moved == 0 && *left == 0 {
        return check(Verdict::Pass, format!("nobody does: {grown}"));
    }
    let part = |ids: u64| percent(ids as f64 / (*before as f64).max(1.0));
    let mut told = Vec::new();
    if *moved > 0 {
        told.push(format!(
            "{} ({}) are put into another arm",
            times(*moved as f64, "id"),
            part(*moved)
        ));
    }
    if *left > 0 {
        told.push(format!("{} ({}) are in none any more", times(*left as f64, "id"), part(*left)));
    }
    check(Verdict::Fail, format!("{}: {grown}", list(&told))).advice(Symptom::RampUp.advice())
}

/// Whether SDKs agree.
pub(super) fn sdks(seen: &SeenAllocation) -> Option<Check> {
    let sdks = seen.sdks.as_ref()?;
    let (id, title) = ("sdks", "All SDKs put an id into the same arm");
    let ways = || {
        let way = |(name, encoding): &(String, String)| {
            if name == encoding { name.clone() } else { format!("{name} ({encoding})") }
        };
        list(&sdks.ways.iter().map(way).collect::<Vec<_>>())
    };
    if sdks.ways.len() < 2 {
        return Some(Check::new(id, title, Verdict::Pass, "those in use read ids in the same way"));
    }
    let example = sdks.example.as_ref().map_or_else(String::new, |(id, arms)| {
        let arms = sdks.ways.iter().zip(arms).map(|((name, _), arm)| format!("{arm} by {name}"));
        format!("; `{id}` is in {}", list(&arms.collect::<Vec<_>>()))
    });
    if sdks.differ > 0 {
        let message = format!(
            "{} of {} that are not ASCII would be in another arm, as SDKs read them differently: {}{example}",
            count(sdks.differ as f64),
            times(sdks.tried as f64, "id"),
            ways()
        );
        // Nobody has said that more than one of them is in use.
        let verdict = if sdks.is_said { Verdict::Fail } else { Verdict::Warn };
        return Some(Check::new(id, title, verdict, message).advice(Symptom::Sdks.advice()));
    }
    if !sdks.is_said {
        return None;
    }
    if seen.is_own {
        let message = format!("they read ids differently ({}), but none of these", ways());
        return Some(Check::new(id, title, Verdict::Pass, message));
    }
    let message = format!(
        "they read letters that are not ASCII differently ({}): of {} with such letters that were made up \
         {} would be in another arm",
        ways(),
        times(sdks.made_up as f64, "id"),
        count(sdks.made_up_differ as f64)
    );
    let verdict = if sdks.made_up_differ > 0 { Verdict::Warn } else { Verdict::Pass };
    Some(Check::new(id, title, verdict, message).advice(Symptom::Sdks.advice()))
}
