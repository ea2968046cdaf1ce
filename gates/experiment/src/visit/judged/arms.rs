//! Is the arm that is shown the predicted one, and does it stay?

use std::collections::BTreeMap;

use gate_core::{Check, Verdict};
use stats::goodness;

use super::{All, Found, examples, is_first, named, visitors};
use crate::visit::seen::{Look, Visitor, Way, When};

/// Below this a split is no chance; the usual threshold of a sample ratio.
const SKEWED: f64 = 0.001;

impl All<'_> {
    /// What should be shown to this visitor, and whether it is.
    fn is_right(&self, visitor: &Visitor, look: &Look) -> bool {
        let shown = look.shown.first().map(String::as_str);
        match visitor.predicted.as_deref() {
            Some(arm) => shown == Some(arm),
            // Who takes no part sees what everybody saw before.
            None => shown.is_none() || shown == self.usual(),
        }
    }

    /// By the configuration there are visitors in each arm, and as many as was meant.
    pub(super) fn belongs(&self) -> Option<Check> {
        let drawn: Vec<&Visitor> = self.of(Way::Request).collect();
        let all = &self.seen.visitors;
        let check =
            |verdict, message: String| Check::new("visit-belongs", "Arms in use", verdict, message);
        let name = self.spec.provider.as_ref().map_or("the service", |one| one.kind.as_str());
        if !all.is_empty() && all.iter().all(|one| one.predicted.is_none()) {
            let message = format!(
                "by the configuration of {name} none of {} takes part: the experiment is off, is covered by \
                 nobody, or is targeted at somebody else",
                visitors(all.len())
            );
            let advice = "is it the configuration that will be live, and does its targeting let these visitors in? \
                          What it is told of them besides their ids stands in known_by: { attributes: ... }.";
            return Some(check(Verdict::Fail, message).advice(advice));
        }
        let (arms, shares) = (self.spec.arms(), self.spec.shares());
        let of = |arm: &str| {
            drawn.iter().filter(|one| one.predicted.as_deref() == Some(arm)).count() as f64
        };
        let counts: Vec<f64> = arms.iter().map(|arm| of(arm)).collect();
        let stray =
            drawn.iter().filter_map(|one| one.predicted.as_deref()).find(|arm| !arms.contains(arm));
        if let Some(stray) = stray {
            let message =
                format!("the configuration of {name} has an arm that the spec does not: {stray}");
            let advice =
                "name it in split, or say in provider what the service calls each arm: arms";
            return Some(check(Verdict::Fail, message).advice(advice));
        }
        let fit = goodness::chi_squared(&counts, &shares).ok()?;
        let told: Vec<String> =
            arms.iter().zip(&counts).map(|(arm, count)| format!("{arm} {count}")).collect();
        let message = format!("the configuration of {name} deals {}", told.join(", "));
        if fit.p_value < SKEWED {
            let message = format!("{message}, which is not the split that was meant");
            let advice = "compare the weights there with split";
            return Some(check(Verdict::Fail, message).advice(advice));
        }
        Some(check(Verdict::Pass, message))
    }

    /// The predicted arm is the one that is shown.
    pub(super) fn arms(&self) -> Option<Check> {
        let looks: Vec<_> = self
            .looks()
            .filter(|(_, look)| is_first(look) && look.shown.len() < 2)
            // That nothing is shown is told elsewhere.
            .filter(|(one, look)| !look.shown.is_empty() || one.predicted.is_none())
            .collect();
        if self.shows_nothing() {
            return None;
        }
        let found = Found {
            id: "visit-arm",
            title: "Predicted arm",
            of: looks.len(),
            right: format!(
                "all {} saw the variant of the arm that they belong in",
                visitors(looks.len())
            ),
        };
        if looks.is_empty() {
            let message = "no visitor saw a variant that could be held against the prediction";
            let advice = "do the selectors in shows match what the page has?";
            return Some(found.check(Verdict::Inconclusive, message).advice(advice));
        }
        let wrong: Vec<_> =
            looks.iter().copied().filter(|(one, look)| !self.is_right(one, look)).collect();
        let Some((first, look)) = wrong.first() else { return Some(found.passed()) };
        let (cause, advice) = self.why_wrong(&looks, &wrong);
        let message = format!(
            "{} of {} saw the variant of another arm than the one that they belong in: {} belongs in {} \
             and saw {}. {cause}",
            wrong.len(),
            visitors(looks.len()),
            first.id,
            named(first.predicted.as_deref()),
            named(look.shown.first().map(String::as_str)),
        );
        Some(found.check(Verdict::Fail, message).advice(advice))
    }

    /// What it is, from who is wrong and how.
    fn why_wrong(
        &self,
        looks: &[(&Visitor, &Look)],
        wrong: &[(&Visitor, &Look)],
    ) -> (String, &'static str) {
        let changes = |one: &Visitor| {
            one.looks.windows(2).any(|two| two[0].shown != two[1].shown && !two[1].shown.is_empty())
        };
        if wrong.iter().filter(|(one, _)| changes(one)).count() * 3 > wrong.len() {
            let text = "Cause: stickiness is lost: the same visitors see another variant when they come again";
            return (text.to_owned(), "see what is said of staying in an arm");
        }
        // Past the cache it is right: then it was the cache.
        let mended = wrong.iter().filter(|(one, look)| {
            let past = look.uncached.as_ref();
            past.is_some_and(|past| past.first() == one.predicted.as_ref())
        });
        let mended = mended.count();
        let asked = wrong.iter().filter(|(_, look)| look.uncached.is_some()).count();
        if mended * 10 >= asked * 9 && mended > 0 {
            let said = wrong.iter().find_map(|(_, look)| look.cache.as_ref());
            let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
            let text = format!(
                "Cause: a cache gives one visitor's variant to others{said}; where it could not answer, \
                 {mended} of {asked} were right"
            );
            return (
                text,
                "let the page vary by the visitor's cookie, or keep it out of the cache",
            );
        }
        let mut encodings: BTreeMap<&str, usize> = BTreeMap::new();
        for (one, look) in wrong {
            for (name, arm) in &one.otherwise {
                if arm.as_ref() == look.shown.first() {
                    *encodings.entry(name).or_default() += 1;
                }
            }
        }
        let fits = encodings.iter().filter(|(_, count)| **count == wrong.len());
        let fits: Vec<&str> = fits.map(|(name, _)| *name).collect();
        if !fits.is_empty() {
            let name = fits.join(" or ");
            let text = format!(
                "Cause: the site hashes another encoding of the id ({name}): only ids that are not all \
                 ASCII are concerned, and by that encoding all of them would be right"
            );
            return (text, "let all SDKs hash the same bytes of an id, or use ids of ASCII only");
        }
        let (arms, shares) = (self.spec.arms(), self.spec.shares());
        // Those in browsers were dealt to arms, and whoever takes no part says nothing of a split.
        let drawn = looks
            .iter()
            .filter(|(one, _)| one.way == Way::Request && one.predicted.is_some())
            .filter_map(|(_, look)| look.shown.first());
        let count = |arm: &str| drawn.clone().filter(|one| *one == arm).count() as f64;
        let counts: Vec<f64> = arms.iter().map(|arm| count(arm)).collect();
        let skew =
            goodness::chi_squared(&counts, &shares).ok().filter(|test| test.p_value < SKEWED);
        if skew.is_some() {
            let split = |of: &dyn Fn(usize) -> String| {
                let parts: Vec<String> =
                    arms.iter().enumerate().map(|(at, arm)| format!("{arm} {}", of(at))).collect();
                parts.join(", ")
            };
            let meant: f64 = counts.iter().sum();
            let text = format!(
                "Cause: the allocation is skewed: {} where {} were meant",
                split(&|at| counts[at].to_string()),
                split(&|at| format!("{:.0}", shares[at] * meant)),
            );
            return (
                text,
                "compare the weights, the coverage and the targeting on the site with the spec's",
            );
        }
        let text = "Cause: the site puts visitors into arms by another seed, attribute or version of the hash \
                    than the configuration says"
            .to_owned();
        (
            text,
            "compare the experiment's key, seed, hash version and unit on the site with the export",
        )
    }

    /// One variant is shown, and one only.
    pub(super) fn shown(&self) -> Option<Check> {
        if self.shows_nothing() {
            return None;
        }
        let looks: Vec<_> =
            self.looks().filter(|(one, look)| is_first(look) && one.predicted.is_some()).collect();
        let found = Found {
            id: "visit-variant",
            title: "Variant shown",
            of: looks.len(),
            right: format!("all {} saw one variant", visitors(looks.len())),
        };
        if looks.is_empty() {
            return None;
        }
        let none: Vec<_> = looks.iter().filter(|(_, look)| look.shown.is_empty()).collect();
        let both = looks.iter().filter(|(_, look)| look.shown.len() > 1);
        let wrong: Vec<_> = none.iter().copied().chain(both).collect();
        let Some((first, look)) = wrong.first() else { return Some(found.passed()) };
        let what = if look.shown.is_empty() {
            format!(
                "{} belongs in {} and saw no variant",
                first.id,
                named(first.predicted.as_deref())
            )
        } else {
            format!("{} saw those of {} at once", first.id, look.shown.join(" and "))
        };
        let message = format!(
            "{} of {} did not see one variant: {what}. Cause: exposure without rendering, or a selector in \
             shows that does not tell one variant from another",
            wrong.len(),
            visitors(looks.len())
        );
        let advice = "open the page as this visitor: is the variant there, and does its selector match it alone?";
        Some(found.check(Verdict::Fail, message).advice(advice))
    }

    /// What the site keeps is what it shows.
    pub(super) fn kept(&self) -> Option<Check> {
        self.before.arm_cookie.as_ref()?;
        let looks: Vec<_> = self
            .looks()
            .filter(|(one, look)| look.shown.len() == 1 && one.predicted.is_some())
            .collect();
        let found = Found {
            id: "visit-assignment",
            title: "Assigned arm",
            of: looks.len(),
            right: format!(
                "the arm that the site keeps is the one that it shows, {} times",
                looks.len()
            ),
        };
        if looks.is_empty() {
            return None;
        }
        let wrong: Vec<_> =
            looks.iter().filter(|(_, look)| look.assigned.as_ref() != look.shown.first()).collect();
        let Some((first, look)) = wrong.first() else { return Some(found.passed()) };
        let message = format!(
            "{} times of {} the arm that the site keeps is not the one that it shows: {} saw {} and its \
             cookie says {}",
            wrong.len(),
            looks.len(),
            first.id,
            named(look.shown.first().map(String::as_str)),
            named(look.assigned.as_deref()),
        );
        let advice =
            "let whatever renders the page read the arm from where it is kept, and nowhere else";
        Some(found.check(Verdict::Fail, message).advice(advice))
    }

    /// Whoever comes back sees what they saw before.
    pub(super) fn stays(&self) -> Option<Check> {
        let mut moved: BTreeMap<When, Vec<&Visitor>> = BTreeMap::new();
        let mut looked: BTreeMap<When, usize> = BTreeMap::new();
        let mut who: Vec<&str> = Vec::new();
        for (one, look) in
            self.looks().filter(|(one, look)| !is_first(look) && one.predicted.is_some())
        {
            let Some(before) = one.looks.iter().find(|look| is_first(look)) else { continue };
            if before.shown.len() != 1 {
                continue;
            }
            *looked.entry(look.when).or_default() += 1;
            who.push(&one.id);
            if look.shown != before.shown {
                moved.entry(look.when).or_default().push(one);
            }
        }
        let of: usize = looked.values().sum();
        who.sort_unstable();
        who.dedup();
        let times = |when: &When| format!("{} ({} times)", when.words(), looked[when]);
        let whens: Vec<String> = looked.keys().map(times).collect();
        let found = Found {
            id: "visit-stays",
            title: "Arm stays",
            of: who.len(),
            right: format!("everybody stayed in their arm {}", whens.join(", ")),
        };
        // That nothing says how to log in is told by itself.
        let can_log_in = !self.before.login.is_empty();
        let asked = self.before.stays_after.iter().map(|stays| When::from(*stays));
        let asked = asked.filter(|when| can_log_in || *when != When::Login);
        let never: Vec<&str> =
            asked.filter(|when| !looked.contains_key(when)).map(When::words).collect();
        let Some((when, first)) = moved.iter().max_by_key(|(_, all)| all.len()) else {
            if !never.is_empty() {
                let message = format!("nobody's variant was seen {}", never.join(" or "));
                let advice = "only a visitor in a browser does that: let some come (browsers), and see \
                              whether they came through";
                return Some(found.check(Verdict::Inconclusive, message).advice(advice));
            }
            return (of > 0).then(|| found.passed());
        };
        let parts: Vec<String> = moved
            .iter()
            .map(|(when, all)| format!("{} of {} {}", all.len(), looked[when], when.words()))
            .collect();
        let cause = match when {
            When::Login => "the arm is drawn by another id before the login than after it",
            When::Subdomain => {
                "the cookie with the id or the arm is not sent to the other subdomain"
            }
            When::NewSession => "the arm is kept only as long as the browser is open",
            When::CookieLoss => "without cookies a visitor is dealt a new arm",
            _ => "the arm is drawn anew each time instead of by the visitor's id, or is not kept",
        };
        let message = format!(
            "visitors changed their arm: {} (such as {}). Cause: stickiness is lost: {cause}",
            parts.join(", "),
            examples(first.iter().copied()),
        );
        let advice =
            "draw the arm by an id that stays, or keep it where every page of the site can read it";
        Some(found.check(Verdict::Fail, message).advice(advice))
    }
}
