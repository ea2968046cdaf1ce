//! Rows are folded into units, and units into sums.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::answer::{Answer, Left, Open};
use crate::error::Error;
use crate::exact::Sum;
use crate::names::Names;
use crate::question::{Events, Exposures, Question, Source, When};
use crate::read::{self, Batch, Named, Reader, Table, Wanted, Which};
use crate::time::{Clock, day_name};
use crate::units::{Exposure, NOTHING, Order, Stripe, Unit, Units};

/// Reads what a question is about, with so many threads, and answers it. The error is the first one
/// in the order of the files; values whose squares come to no number are one, too.
pub fn answer(question: &Question, threads: usize) -> Result<Answer, Error> {
    question.check()?;
    let arms = Names::of(&question.arms);
    let segments: Vec<Names> =
        question.exposures.segments.iter().map(|_| Names::default()).collect();
    let units = Units::new(segments.len(), question.totals.len());
    let exposures = expose(question, &arms, &segments, &units, threads)?;
    let mut left = Left { exposures, ..Left::default() };
    for at in 0..question.events.len() {
        happen(question, at, &units, threads, &mut left)?;
    }
    summed(question, &segments, units, left, threads).finite(question)
}

/// A total, as it is read from a table.
struct Taken {
    total: usize,
    /// The event that rows have to be of.
    event: Option<u16>,
    /// Which of the values; none to count rows.
    value: Option<usize>,
    when: When,
}

/// The columns of values and the events that totals of a table want.
fn taken(question: &Question, source: Source) -> (Vec<Taken>, Vec<&str>, Vec<String>) {
    let (mut all, mut columns, mut events) = (Vec::new(), Vec::<&str>::new(), Vec::<String>::new());
    for (total, one) in question.totals.iter().enumerate() {
        if one.source != source {
            continue;
        }
        let value = one.column.as_deref().map(|column| {
            columns.iter().position(|other| *other == column).unwrap_or_else(|| {
                columns.push(column);
                columns.len() - 1
            })
        });
        let event = one.event.as_ref().map(|event| {
            events.iter().position(|other| other == event).unwrap_or_else(|| {
                events.push(event.clone());
                events.len() - 1
            }) as u16
        });
        all.push(Taken { total, event, value, when: one.when });
    }
    (all, columns, events)
}

/// Reads exposures; gives how many rows there were.
fn expose(
    question: &Question,
    arms: &Names,
    segments: &[Names],
    units: &Units,
    threads: usize,
) -> Result<u64, Error> {
    let Exposures { from: file, unit, arm, time, segments: columns } = &question.exposures;
    let (totals, values, _) = taken(question, Source::Exposures);
    let mut names = vec![Named { column: arm, names: arms, which: Which::Known }];
    names.extend(columns.iter().zip(segments).map(|(column, names)| Named {
        column,
        names,
        which: Which::Any,
    }));
    let wanted = Wanted { unit, time: time.as_deref(), names, values, zone: &question.zone };
    let table = read::open(file, &wanted)?;
    let rows = AtomicU64::new(0);
    each_part(&*table, threads, file, || {
        let (mut order, mut own) = (Order::default(), vec![NOTHING; segments.len()]);
        let (rows, totals) = (&rows, &totals);
        move |batch: &Batch| {
            rows.fetch_add(batch.keys.len() as u64, Ordering::Relaxed);
            units.each(&batch.keys, &mut order, |stripe, likely, row| {
                for (at, segment) in own.iter_mut().enumerate() {
                    *segment = batch.names[at + 1][row];
                }
                let arm = batch.names[0][row];
                let exposure = Exposure { time: batch.times[row], arm, segments: &own };
                let key = (batch.keys[row], likely);
                let at = stripe
                    .expose(key, exposure, |one, other| is_before(question, segments, one, other));
                for taken in totals {
                    let value = taken.value.map_or(1.0, |value| batch.values[value][row]);
                    stripe.add(at, taken.total, value);
                }
            });
        }
    })?;
    Ok(rows.into_inner())
}

/// Which of two exposures at the same time counts: names say so, whatever order they came in.
#[cold]
fn is_before(
    question: &Question,
    segments: &[Names],
    one: Exposure<'_>,
    other: Exposure<'_>,
) -> bool {
    let arm = |exposure: Exposure<'_>| &question.arms[usize::from(exposure.arm)];
    if one.arm != other.arm {
        return arm(one) < arm(other);
    }
    for (at, names) in segments.iter().enumerate() {
        if one.segments[at] != other.segments[at] {
            // No value comes before any.
            return names.is_before(one.segments[at], other.segments[at]);
        }
    }
    false
}

/// Reads what units did.
fn happen(
    question: &Question,
    table: usize,
    units: &Units,
    threads: usize,
    left: &mut Left,
) -> Result<(), Error> {
    let Events { from: file, unit, time, event } = &question.events[table];
    let (totals, values, events) = taken(question, Source::Events(table));
    let chosen = Names::of(&events);
    let names = event.iter().map(|column| Named { column, names: &chosen, which: Which::Chosen });
    let wanted = Wanted {
        unit,
        time: time.as_deref(),
        names: names.collect(),
        values,
        zone: &question.zone,
    };
    let has_times = time.is_some() && question.exposures.time.is_some();
    let opened = read::open(file, &wanted)?;
    let counts = [(); 3].map(|()| AtomicU64::new(0));
    each_part(&*opened, threads, file, || {
        let mut order = Order::default();
        let (counts, totals) = (&counts, &totals);
        move |batch: &Batch| {
            let (mut unexposed, mut before) = (0, 0);
            units.each(&batch.keys, &mut order, |stripe, likely, row| {
                let Some((at, first)) = stripe.exposed(batch.keys[row], likely) else {
                    unexposed += 1;
                    return;
                };
                let is_before = has_times && batch.times[row] < first;
                before += u64::from(is_before);
                let when = if is_before { When::Before } else { When::After };
                for taken in totals {
                    let is_its = taken.event.is_none_or(|event| batch.names[0][row] == event);
                    if is_its && taken.when == when {
                        let value = taken.value.map_or(1.0, |value| batch.values[value][row]);
                        stripe.add(at, taken.total, value);
                    }
                }
            });
            let rows = batch.keys.len() as u64;
            for (count, more) in counts.iter().zip([rows, unexposed, before]) {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }
    })?;
    let [rows, unexposed, before] = counts.map(AtomicU64::into_inner);
    left.events += rows;
    left.unexposed += unexposed;
    left.before += before;
    Ok(())
}

/// Reads all parts of a table, each by whoever is free. Parts are begun with in their order, so the
/// first mistake of a file is found, whoever finds one behind it before.
fn each_part<F>(
    table: &dyn Table,
    threads: usize,
    file: &Path,
    sink: impl Fn() -> F + Sync,
) -> Result<(), Error>
where
    F: FnMut(&Batch),
{
    let is_over = AtomicBool::new(false);
    let read = |reader: &mut dyn Reader, sink: &mut F| {
        let mut zones: Vec<bool> = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            match reader.next(sink) {
                (_, Ok(None)) => break,
                (_, Ok(Some(times))) => {
                    zones.extend(times.filter(|has| zones.last() != Some(has)));
                }
                (part, Err(error)) => {
                    is_over.store(true, Ordering::Relaxed);
                    return Err((part, error));
                }
            }
        }
        Ok(zones)
    };
    let mut read: Vec<Result<Vec<bool>, (usize, Error)>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads.max(1))
            .map(|_| scope.spawn(|| read(&mut *table.reader(), &mut sink())))
            .collect();
        let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|one| one.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let failed = read.iter_mut().filter_map(|one| one.as_mut().err());
    if let Some((_, error)) = failed.min_by_key(|(part, _)| *part) {
        return Err(error.clone().file(file));
    }
    let zones: Vec<bool> = read.into_iter().flatten().flatten().collect();
    if zones.iter().any(|has| *has != zones[0]) {
        return Err(read::mixed().file(file));
    }
    Ok(())
}

/// A cell of each arm.
type Arms = Vec<Open>;

/// What is summed up of some stripes.
#[derive(Default)]
struct Sums {
    arms: Arms,
    days: BTreeMap<i32, Arms>,
    segments: Vec<BTreeMap<u16, Arms>>,
}

/// Sums units up: once for their means, and then without them, so that squares of what they have in
/// common do not hide what they differ by.
fn summed(
    question: &Question,
    names: &[Names],
    units: Units,
    left: Left,
    threads: usize,
) -> Answer {
    let (totals, segments) = (units.totals(), units.segments());
    let stripes: Vec<Stripe> = units.stripes().collect();
    let size = stripes.len().div_ceil(threads.max(1)).max(1);
    let means = in_parallel(&stripes, size, |stripes| {
        let (mut count, mut sums) = (0_u64, vec![Sum::default(); totals]);
        for unit in stripes.iter().flat_map(Stripe::units) {
            count += 1;
            (0..totals).for_each(|at| sums[at].add(unit.total(at)));
        }
        (count, sums)
    });
    let count: u64 = means.iter().map(|one| one.0).sum();
    let centres: Vec<f64> = (0..totals)
        .map(|at| {
            let mut sum = Sum::default();
            for one in &means {
                sum.add_sum(one.1[at]);
            }
            // Whole numbers and short ones stay exact when it is taken off.
            short(sum.value() / count.max(1) as f64)
        })
        .collect();
    let parts = in_parallel(&stripes, size, |stripes| {
        let open = || vec![Open::new(totals, question.products.len()); question.arms.len()];
        let mut sums =
            Sums { arms: open(), segments: vec![BTreeMap::new(); segments], ..Sums::default() };
        let (mut clock, mut values) = (Clock::new(&question.zone), vec![0.0; totals]);
        let has_days = question.exposures.time.is_some();
        for unit in stripes.iter().flat_map(Stripe::units) {
            (0..totals).for_each(|at| values[at] = unit.total(at));
            let arm = usize::from(unit.arm());
            let add = |arms: &mut Arms, unit: Unit<'_>| {
                arms[arm].add(unit.is_multiple(), &values, &centres, &question.products);
            };
            // Each unit has one day, so that the days come to all.
            if has_days {
                add(sums.days.entry(clock.day(unit.time())).or_insert_with(open), unit);
            } else {
                add(&mut sums.arms, unit);
            }
            for (at, by) in sums.segments.iter_mut().enumerate() {
                add(by.entry(unit.segment(at)).or_insert_with(open), unit);
            }
        }
        sums
    });
    let mut all = parts.into_iter();
    let mut whole = all.next().unwrap_or_default();
    for part in all {
        merge(&mut whole.arms, &part.arms);
        merge_all(&mut whole.days, part.days);
        for (own, more) in whole.segments.iter_mut().zip(part.segments) {
            merge_all(own, more);
        }
    }
    whole.days.values().for_each(|day| merge(&mut whole.arms, day));
    let close = |arms: &Arms| arms.iter().map(Open::close).collect::<Vec<_>>();
    let by_name = |(by, names): (&BTreeMap<u16, Arms>, &Names)| {
        let names = names.all();
        let named =
            |(number, arms): (&u16, &Arms)| (names.get(usize::from(*number)).cloned(), close(arms));
        by.iter().map(named).collect()
    };
    Answer {
        arms: close(&whole.arms),
        days: whole.days.iter().map(|(day, arms)| (day_name(*day), close(arms))).collect(),
        segments: whole.segments.iter().zip(names).map(by_name).collect(),
        centres,
        left,
    }
}

/// A number near this one that has few digits in base two; itself where no short one is near.
pub(crate) fn short(value: f64) -> f64 {
    let short = f64::from(value as f32);
    if short.is_finite() { short } else { value }
}

fn merge(own: &mut Arms, more: &Arms) {
    own.iter_mut().zip(more).for_each(|(own, more)| own.merge(more));
}

fn merge_all<K: Ord>(own: &mut BTreeMap<K, Arms>, more: BTreeMap<K, Arms>) {
    for (key, arms) in more {
        match own.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(arms);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                merge(place.get_mut(), &arms);
            }
        }
    }
}

fn in_parallel<T: Send>(
    stripes: &[Stripe],
    size: usize,
    each: impl Fn(&[Stripe]) -> T + Sync,
) -> Vec<T> {
    thread::scope(|scope| {
        let each = &each;
        let running: Vec<_> =
            stripes.chunks(size).map(|part| scope.spawn(move || each(part))).collect();
        let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|one| one.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
