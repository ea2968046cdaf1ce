//! The short way of a flag that is one share of all users, with variants or without: what most are.

use super::strategy::{Kind, Stickiness, Strategy, Variants};
use super::{Flag, Group};
use crate::{Arm, Assignment, Bucket, Subject, Why};

/// What decides, when nothing else does.
#[derive(Debug)]
pub(super) struct Direct {
    field: String,
    group: Group,
    /// The last bucket that is in.
    last: u32,
    variants: Option<Choice>,
}

#[derive(Debug)]
struct Choice {
    field: String,
    group: Group,
    total: u32,
    /// The last bucket of each.
    ends: Vec<u32>,
}

const USER: &str = "userId";

impl Direct {
    /// None for a flag that needs the long way.
    pub(super) fn of(flags: &[Flag]) -> Option<Direct> {
        let [Flag { enabled: true, parents, strategies, variants }] = flags else { return None };
        let [
            Strategy { constraints, kind: Kind::Rollout { group, percentage, by }, variants: own },
        ] = strategies.as_slice()
        else {
            return None;
        };
        let field = match by {
            // The user comes first, and then the session.
            Stickiness::Default => USER.to_owned(),
            Stickiness::Field(field) => field.clone(),
            Stickiness::Random => return None,
        };
        let variants = match (own, variants) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(Choice::of(one)?),
            (Some(_), Some(_)) => return None,
        };
        let last = if *percentage > 0.0 { percentage.floor().min(100.0) as u32 } else { 0 };
        let is_plain = parents.is_empty() && constraints.is_empty();
        is_plain.then_some(Direct { field, group: *group, last, variants })
    }

    /// None for a subject that needs the long way. Arms are the flag's.
    #[inline]
    pub(super) fn assign<'p>(
        &'p self,
        flag: &'p Flag,
        arms: &'p [Arm],
        subject: &Subject<'_>,
    ) -> Option<Assignment<'p>> {
        let id = |field: &str| subject.id_as(field, USER).filter(|id| !id.is_empty());
        let number = self.group.bucket(id(&self.field)?, 100);
        let is_in = number <= self.last;
        let Some(choice) = &self.variants else {
            // In the order that they are listed in: enabled, disabled.
            let why = if is_in { Why::Bucket } else { Why::Default };
            let arm = Assignment::arm(&arms[usize::from(!is_in)].name, why);
            return Some(arm.bucket(Bucket::Whole(number.into())));
        };
        let target = choice.group.bucket(id(&choice.field)?, choice.total);
        if !is_in {
            let none = Assignment::none(Why::Default);
            return Some(none.bucket(Bucket::Whole(number.into())));
        }
        // Ends go up, so that as many lie below it as variants come before its own.
        let at = choice.ends.iter().filter(|end| **end < target).count();
        let list = flag.strategies[0].variants.as_ref().or(flag.variants.as_ref());
        let variant = list?.list.get(at)?;
        let arm = Assignment::arm(&variant.name, Why::Bucket).value(variant.payload.as_ref());
        Some(arm.bucket(Bucket::Whole(target.into())))
    }
}

impl Choice {
    fn of(variants: &Variants) -> Option<Choice> {
        let Variants { group, by, list, total } = variants;
        let mut up_to = 0;
        let end = |weight: u32| {
            up_to += weight;
            up_to
        };
        let ends = list.iter().map(|variant| variant.weight).map(end).collect();
        let has_overrides = list.iter().any(|variant| !variant.overrides.is_empty());
        let field = by.clone().unwrap_or_else(|| USER.to_owned());
        (*total > 0 && !has_overrides).then_some(Choice {
            field,
            group: *group,
            total: *total,
            ends,
        })
    }
}
