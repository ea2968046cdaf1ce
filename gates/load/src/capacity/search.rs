//! Which rate is tried next, from nothing but what came of those before.
//!
//! The rate is doubled until something does not hold; then the gap between the largest rate that
//! held for sure and the smallest that did not is halved, in the logarithm. Rates that could be
//! either stay between the two, and the gaps on both sides of them are halved.

use super::Held;

/// What is searched, in requests a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// How large the gap may be at the end, as a share.
    pub(crate) within: f64,
    /// A rate that somebody wants to know about.
    pub(crate) at_least: Option<f64>,
}

/// A rate that is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probe {
    pub(crate) rate: f64,
    /// Whether it has to be told for sure; on the way up it is enough that nothing speaks against
    /// a rate.
    pub(crate) is_sure: bool,
}

/// What is known of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tried {
    pub(crate) probe: Probe,
    pub(crate) held: Held,
}

/// What is known of the capacity, in requests a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Bounds {
    /// The largest rate that held.
    pub(crate) low: Option<f64>,
    /// The smallest rate that did not hold.
    pub(crate) high: Option<f64>,
    /// The smallest rate that the generator was not fit for.
    pub(crate) unfit: Option<f64>,
}

impl Bounds {
    pub(crate) fn of(tried: &[Tried]) -> Bounds {
        let least = |held: Held| {
            let rates = tried.iter().filter(|one| one.held == held).map(|one| one.probe.rate);
            rates.min_by(f64::total_cmp)
        };
        let (high, unfit) = (least(Held::No), least(Held::Unfit));
        let limit = high.unwrap_or(f64::INFINITY).min(unfit.unwrap_or(f64::INFINITY));
        let held = tried.iter().filter(|one| one.held == Held::Yes && one.probe.rate < limit);
        Bounds { low: held.map(|one| one.probe.rate).max_by(f64::total_cmp), high, unfit }
    }

    /// The smallest rate above which nothing is to be learnt.
    fn limit(&self) -> Option<f64> {
        self.high.into_iter().chain(self.unfit).min_by(f64::total_cmp)
    }
}

/// The next rate; none when all is known that is wanted.
pub(crate) fn next(range: &Range, tried: &[Tried]) -> Option<Probe> {
    let bounds = Bounds::of(tried);
    let is_open =
        |one: &Tried| one.probe.is_sure && one.probe.rate >= range.to && one.held == Held::Open;
    // The highest rate that is tried may be open, too: what holds for sure lies below it.
    match bounds.limit().or(tried.iter().any(is_open).then_some(range.to)) {
        None => higher(range, tried),
        Some(limit) => between(range, tried, bounds, limit),
    }
}

/// On the way up.
fn higher(range: &Range, tried: &[Tried]) -> Option<Probe> {
    let sure = tried.iter().any(|one| one.probe.is_sure && one.probe.rate >= range.to);
    let last = tried.iter().map(|one| one.probe.rate).max_by(f64::total_cmp);
    match last {
        None => Some(Probe { rate: range.from, is_sure: false }),
        Some(last) if last < range.to => {
            Some(Probe { rate: (2.0 * last).min(range.to), is_sure: false })
        }
        Some(_) => (!sure).then_some(Probe { rate: range.to, is_sure: true }),
    }
}

fn between(range: &Range, tried: &[Tried], bounds: Bounds, limit: f64) -> Option<Probe> {
    let of = |is_sure: bool| {
        let open = tried.iter().filter(move |one| {
            one.held == Held::Open && one.probe.is_sure == is_sure && one.probe.rate < limit
        });
        open.map(|one| one.probe.rate)
    };
    let is_known = |rate: f64| {
        tried.iter().any(|one| one.probe.is_sure && (one.probe.rate / rate - 1.0).abs() < 1e-9)
    };
    // What has held on the way up stands in for a rate that is sure, as long as there is none.
    let anchor =
        bounds.low.or_else(|| of(false).filter(|rate| !is_known(*rate)).max_by(f64::total_cmp))?;
    let sure = |rate| Some(Probe { rate, is_sure: true });
    let mut points: Vec<f64> = of(true).filter(|rate| *rate > anchor).collect();
    points.extend([anchor, limit]);
    points.sort_by(f64::total_cmp);
    if let Some(wanted) = range.at_least
        && wanted > anchor
        && wanted < limit
        && !is_known(wanted)
    {
        return sure(wanted);
    }
    // What this machine cannot send needs no such precision.
    let is_own = bounds.unfit == Some(limit);
    let near = 1.0 + range.within * if is_own { 4.0 } else { 1.0 };
    let gaps = [(points[0], points[1]), (points[points.len() - 2], limit)];
    let widest =
        gaps.into_iter().max_by(|one, other| (one.1 / one.0).total_cmp(&(other.1 / other.0)));
    let (low, high) = widest?;
    if high / low <= near {
        return if bounds.low.is_none() { sure(anchor) } else { None };
    }
    let middle = (low * high).sqrt();
    let short = round(middle);
    sure(if short > low && short < high { short } else { middle })
}

/// A rate with four digits.
fn round(rate: f64) -> f64 {
    let factor = 10_f64.powf(3.0 - rate.log10().floor());
    (rate * factor).round() / factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGE: Range = Range { from: 10.0, to: 5000.0, within: 0.05, at_least: None };

    /// Searches; what comes of a probe is said by a function.
    fn searched(range: Range, mut held: impl FnMut(Probe) -> Held) -> Vec<Tried> {
        let mut tried = Vec::new();
        while let Some(probe) = next(&range, &tried) {
            assert!(tried.len() < 60, "{tried:?}");
            tried.push(Tried { probe, held: held(probe) });
        }
        tried
    }

    /// Of a service that holds so much, for sure up to the first and for sure not from the second.
    fn service(sure: f64, not: f64) -> impl FnMut(Probe) -> Held {
        move |probe| match probe.rate {
            rate if rate >= not => Held::No,
            rate if rate <= sure && probe.is_sure => Held::Yes,
            _ => Held::Open,
        }
    }

    #[test]
    fn searches_end_where_the_service_does() {
        let check = |range: Range, sure: f64, not: f64, expect: (Option<f64>, Option<f64>)| {
            let tried = searched(range, service(sure, not));
            let bounds = Bounds::of(&tried);
            assert_eq!((bounds.low, bounds.high), expect, "{tried:?}");
        };
        check(RANGE, 400.0, 400.1, (Some(397.3), Some(414.9)));
        check(RANGE, 9999.0, 9999.0, (Some(5000.0), None));
        check(RANGE, 5.0, 5.0, (None, Some(10.0)));
        check(RANGE, 12.0, 12.0, (Some(11.89), Some(12.42)));
        // What lies between is told from both sides.
        check(RANGE, 380.0, 420.0, (Some(364.4), Some(433.3)));
        // The rate that is wanted is tried itself.
        let wanted = Range { at_least: Some(390.0), ..RANGE };
        check(wanted, 400.0, 400.1, (Some(390.0), Some(402.3)));
        let wanted = Range { at_least: Some(405.0), ..RANGE };
        check(wanted, 400.0, 400.1, (Some(393.2), Some(405.0)));
    }

    #[test]
    fn what_this_machine_cannot_send_is_no_capacity() {
        let tried = searched(RANGE, |probe| match probe.rate {
            rate if rate > 1000.0 => Held::Unfit,
            _ if probe.is_sure => Held::Yes,
            _ => Held::Open,
        });
        let bounds = Bounds::of(&tried);
        assert_eq!((bounds.high, bounds.low), (None, Some(905.1)), "{tried:?}");
        assert!(bounds.unfit.unwrap() > 1000.0);
    }

    proptest! {
        #[test]
        fn every_search_ends_and_lies_around_the_service(
            capacity in 0.1..10_000.0_f64,
            unclear in 1.0..1.3_f64,
            within in 0.01..0.5_f64,
            wanted in prop::option::of(1.0..5000.0_f64),
        ) {
            let range = Range { within, at_least: wanted, ..RANGE };
            let tried = searched(range, service(capacity, capacity * unclear));
            let bounds = Bounds::of(&tried);
            prop_assert!(bounds.low.is_none_or(|low| low <= capacity));
            prop_assert!(bounds.high.is_none_or(|high| high >= capacity * unclear));
            prop_assert_eq!(bounds.low.is_some(), capacity >= 10.0, "{:?}", tried);
            if let (Some(low), Some(high)) = (bounds.low, bounds.high) {
                prop_assert!(high / low <= unclear * (1.0 + within).powi(2) + 1e-3, "{:?}", tried);
            }
        }

        #[test]
        fn whatever_is_answered_it_ends(answers in prop::collection::vec(0..4_u8, 60)) {
            let mut answers = answers.into_iter();
            searched(RANGE, |_| match answers.next() {
                Some(0) => Held::Yes,
                Some(1) => Held::Open,
                Some(2) => Held::Unfit,
                _ => Held::No,
            });
        }
    }
}
