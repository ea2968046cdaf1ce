//! A replica of the service, run over ids: where it puts them before anybody comes.

mod config;
mod ids;
mod ramp;
mod sdks;

use std::path::{Path, PathBuf};

use bucketing::{Assign, Assignment, Subject, Why};
use gate_core::{Context, Error};

use crate::seen::allocation::{Arm, Broken, InSegment, Other, SeenAllocation, Segment, Step};
use crate::settings::{AlsoRunning, ProviderSpec, Settings};
use config::{Service, Unusable};
use ids::Listed;

/// Runs it, where the spec names a service. `before` is a configuration that is live until this one is.
pub(crate) async fn measure(
    spec: &Settings,
    before: Option<PathBuf>,
    cx: &Context,
) -> Result<Option<SeenAllocation>, Error> {
    let Some(provider) = spec.provider.clone() else { return Ok(None) };
    let (spec, folder, seed) = (spec.clone(), cx.spec_folder().to_owned(), cx.seed());
    let work = tokio::task::spawn_blocking(move || {
        allocate(&spec, &provider, &folder, before.as_deref(), seed)
    });
    let seen = work.await.map_err(|error| Error::new(format!("the replica has ended: {error}")));
    seen?.map(Some)
}

/// The same, without waiting.
pub(crate) fn allocate(
    spec: &Settings,
    provider: &ProviderSpec,
    folder: &Path,
    before: Option<&Path>,
    seed: u64,
) -> Result<SeenAllocation, Error> {
    let ids = ids::listed(spec, folder, seed)?;
    let mut seen = SeenAllocation {
        source: ids.source.clone(),
        is_own: ids.is_own,
        ids: ids.ids.len() as u64,
        odd: ids.odd.clone(),
        ..SeenAllocation::default()
    };
    let own = Service::of(spec, provider, folder).and_then(|service| {
        let experiment = service.prepare(&provider.experiment)?;
        Ok((service, experiment))
    });
    let (service, experiment) = match own {
        Ok(own) => own,
        Err(Unusable::Config(broken)) => {
            seen.broken = Some(broken);
            return Ok(seen);
        }
        Err(Unusable::File(error)) => return Err(error),
    };
    let names = Names::of(spec, provider);
    experiment.unit().clone_into(&mut seen.unit);
    seen.arms = arms(&names, &*experiment);
    let places = assign(&mut seen, &names, &ids, &service, &*experiment);
    for other in &spec.also_running {
        seen.others.extend(along(other, &places, &service, &ids, (spec, provider), folder)?);
    }
    (seen.steps, seen.no_steps) = steps(spec, provider, &service, &ids, folder, before)?;
    seen.sdks = sdks::compared(provider, &service, &ids, seed);
    Ok(seen)
}

/// What the service calls the arms of the spec, in the spec's order.
struct Names {
    arms: Vec<(String, String)>,
}

impl Names {
    fn of(spec: &Settings, provider: &ProviderSpec) -> Names {
        let name = |arm: &str| provider.arms.get(arm).map_or(arm, String::as_str).to_owned();
        Names { arms: spec.arms().into_iter().map(|arm| (arm.to_owned(), name(arm))).collect() }
    }

    fn place(&self, service: &str) -> Option<usize> {
        self.arms.iter().position(|(_, name)| name == service)
    }
}

fn arms(names: &Names, experiment: &dyn Assign) -> Vec<Arm> {
    let known = experiment.arms();
    let arm = |(name, service): &(String, String)| {
        let found = known.iter().find(|arm| arm.name == *service);
        Arm {
            name: name.clone(),
            service: (found.is_some() || known.is_empty()).then(|| service.clone()),
            share: found.and_then(|arm| arm.share),
            ..Arm::default()
        }
    };
    names.arms.iter().map(arm).collect()
}

/// Where an id is: in an arm of the spec, and its bucket.
struct Placed {
    arm: Option<usize>,
    bucket: Option<f64>,
}

/// An assignment of an id, under the attribute that is hashed.
fn asked<'p>(
    experiment: &'p dyn Assign,
    service: &Service,
    ids: &Listed,
    at: usize,
) -> Assignment<'p> {
    let attributes = ids.attributes(at, service.provider.name);
    let subject = Subject { attributes: attributes.as_ref(), ..Subject::of(&ids.ids[at]) };
    experiment.assign(&subject.known_as(experiment.unit()))
}

/// Whether it takes part by chance, and not because somebody or a rule said so.
fn is_drawn(seen: &Assignment<'_>) -> bool {
    match seen.why {
        Why::Bucket | Why::Stored => true,
        // A flag without variants: who is not in its share is in its other arm.
        Why::Default => seen.bucket.is_some(),
        _ => false,
    }
}

/// Puts all ids into arms.
fn assign(
    seen: &mut SeenAllocation,
    names: &Names,
    ids: &Listed,
    service: &Service,
    experiment: &dyn Assign,
) -> Vec<Placed> {
    let share = |name: &str| experiment.arms().iter().find(|arm| arm.name == name)?.share;
    for arm in experiment.arms().iter().filter(|arm| names.place(&arm.name).is_none()) {
        seen.strangers.insert(arm.name.clone(), (0, arm.share));
    }
    let none = |value: &String| InSegment {
        value: value.clone(),
        arms: vec![0; names.arms.len()],
        out: 0,
    };
    let segment = |(column, values): (&String, &Vec<String>)| Segment {
        column: column.clone(),
        values: values.iter().map(none).collect(),
    };
    seen.segments = ids.columns.iter().zip(&ids.values).map(segment).collect();
    let mut places = Vec::with_capacity(ids.ids.len());
    for at in 0..ids.ids.len() {
        let assigned = asked(experiment, service, ids, at);
        let is_drawn = is_drawn(&assigned);
        let is_in = is_drawn || matches!(assigned.why, Why::Rule | Why::Forced);
        let arm = assigned.arm.filter(|_| is_in);
        let place = arm.and_then(|arm| names.place(arm));
        match (arm, place) {
            (_, Some(place)) if is_drawn => seen.arms[place].drawn += 1,
            (_, Some(place)) => seen.arms[place].ruled += 1,
            (Some(arm), None) => {
                seen.strangers.entry(arm.to_owned()).or_insert((0, share(arm))).0 += 1;
            }
            (None, None) => {
                let list = match assigned.why {
                    Why::Unpredictable(_) => &mut seen.lots,
                    _ => &mut seen.out,
                };
                *list.entry(assigned.why.to_string()).or_default() += 1;
            }
        }
        let own = ids.places.get(at).into_iter().flatten();
        for (segment, value) in seen.segments.iter_mut().zip(own) {
            let value = &mut segment.values[*value as usize];
            match place {
                Some(place) => value.arms[place] += 1,
                None => value.out += 1,
            }
        }
        let bucket = assigned.bucket.map(bucketing::Bucket::number);
        places.push(Placed { arm: place, bucket });
    }
    places
}

/// Another experiment among the same ids; none when only data can tell.
fn along(
    other: &AlsoRunning,
    places: &[Placed],
    own: &Service,
    ids: &Listed,
    (spec, provider): (&Settings, &ProviderSpec),
    folder: &Path,
) -> Result<Option<Other>, Error> {
    let is_unnamed = other.kind.is_none() && other.config.is_none();
    let mut seen = Other { experiment: other.experiment.clone(), ..Other::default() };
    let service = match Service::of_other(other, own, provider, folder) {
        Ok(service) => service,
        Err(Unusable::File(error)) => return Err(error),
        Err(Unusable::Config(broken)) => {
            seen.broken = Some(broken);
            return Ok(Some(seen));
        }
    };
    let experiment = match service.prepare(&other.experiment) {
        Ok(experiment) => experiment,
        Err(Unusable::File(error)) => return Err(error),
        // Where a column of the data says who is in it, nothing else has to.
        Err(Unusable::Config(_)) if other.column.is_some() && is_unnamed => return Ok(None),
        Err(Unusable::Config(broken)) => {
            seen.broken = Some(broken);
            return Ok(Some(seen));
        }
    };
    seen.arms = experiment.arms().iter().map(|arm| arm.name.clone()).collect();
    let own_arms = spec.arms().len();
    seen.table = vec![vec![0; seen.arms.len() + 1]; own_arms + 1];
    for (at, place) in places.iter().enumerate() {
        let assigned = asked(&*experiment, &service, ids, at);
        let arm = assigned.arm.filter(|_| is_drawn(&assigned));
        let arm = arm.and_then(|arm| seen.arms.iter().position(|one| one == arm));
        let (row, column) = (place.arm.unwrap_or(own_arms), arm.unwrap_or(seen.arms.len()));
        seen.table[row][column] += 1;
        let bucket = assigned.bucket.map(bucketing::Bucket::number);
        if let (Some(one), Some(other)) = (place.bucket, bucket) {
            seen.both += 1;
            seen.same += u64::from(one.total_cmp(&other).is_eq());
        }
    }
    seen.overlap =
        config::overlap((&own.config, &provider.experiment), (&service.config, &other.experiment));
    Ok(Some(seen))
}

type Steps = (Vec<Step>, Option<String>);

/// What changes between two configurations after one another.
fn steps(
    spec: &Settings,
    provider: &ProviderSpec,
    service: &Service,
    ids: &Listed,
    folder: &Path,
    before: Option<&Path>,
) -> Result<Steps, Error> {
    let shares = spec.before_launch.as_ref().map_or(&[][..], |before| &before.ramp_up);
    let mut all: Vec<(String, Box<dyn Assign>)> = Vec::new();
    let own = |service: &Service| service.prepare(&provider.experiment);
    let file = before.map(Path::to_owned).or_else(|| Some(folder.join(provider.before.as_ref()?)));
    let mut steps: Vec<Step> = Vec::new();
    if let Some(file) = file {
        let old = service.with_file(&file).and_then(|old| own(&old)).map_err(Unusable::error)?;
        let new = own(service).map_err(Unusable::error)?;
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let ends =
            (("the live configuration (".to_owned() + &name + ")"), "the new one".to_owned());
        steps.push(step(ends, &*old, &*new, service, ids));
    }
    for share in shares {
        let told = crate::words::percent(share.fraction());
        let config = ramp::at_share(service, &provider.experiment, share.fraction());
        let Some(config) = config else {
            let name = service.provider.name;
            return Ok((steps, Some(format!("how {name} ramps up is not known here"))));
        };
        all.push((told, own(&service.with(config)).map_err(Unusable::error)?));
    }
    for pair in all.windows(2) {
        let ends = (pair[0].0.clone(), pair[1].0.clone());
        steps.push(step(ends, &*pair[0].1, &*pair[1].1, service, ids));
    }
    Ok((steps, None))
}

fn step(
    (from, to): (String, String),
    old: &dyn Assign,
    new: &dyn Assign,
    service: &Service,
    ids: &Listed,
) -> Step {
    let mut step = Step { from, to, ..Step::default() };
    for at in 0..ids.ids.len() {
        let arm = |experiment| {
            let seen = asked(experiment, service, ids, at);
            let is_in = is_drawn(&seen) || matches!(seen.why, Why::Rule | Why::Forced);
            seen.arm.filter(|_| is_in)
        };
        let (before, after) = (arm(old), arm(new));
        step.before += u64::from(before.is_some());
        step.after += u64::from(after.is_some());
        match (before, after) {
            (Some(_), None) => step.left += 1,
            (Some(before), Some(after)) if before != after => step.moved += 1,
            _ => {}
        }
    }
    step
}

impl Unusable {
    fn error(self) -> Error {
        match self {
            Unusable::File(error) => error,
            Unusable::Config(Broken { place, message, hint }) => {
                let error = Error::new(format!("{place}: {message}"));
                hint.iter().fold(error, Error::hint_ref)
            }
        }
    }
}
