//! What waits for what while a page loads, from when each request began and ended.

/// A request of a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loaded {
    /// Where it stands in a spec.
    pub(super) get: String,
    /// What it was asked for by, as far as the browser says.
    pub(super) initiator: Option<String>,
    /// In milliseconds since the page was asked for.
    pub(super) begun: f64,
    pub(super) ended: f64,
}

/// What each of them waits for (none for the page itself), and for how many milliseconds after that
/// has come.
///
/// A browser asks for what a document names while that still comes in; replayed, it is asked for
/// once it has come. What the browser says to be the initiator counts; without that, what ended
/// last before it began.
pub(super) fn parents(page_ended: f64, all: &[Loaded]) -> Vec<(Option<usize>, f64)> {
    let parent = |at: usize| {
        let own = &all[at];
        let named = own
            .initiator
            .as_ref()
            .and_then(|initiator| all[..at].iter().position(|other| other.get == *initiator));
        // The page, or what is not known: then what ended last before this began.
        let before = (0..at)
            .filter(|other| all[*other].ended <= own.begun && all[*other].ended > page_ended)
            .max_by(|one, other| all[*one].ended.total_cmp(&all[*other].ended));
        let parent = if own.initiator.is_some() { named } else { before };
        let ended = parent.map_or(page_ended, |parent| all[parent].ended);
        (parent, (own.begun - ended).max(0.0))
    };
    (0..all.len()).map(parent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_wait_for_what_led_to_them() {
        let loaded = |get: &str, initiator: Option<&str>, begun: f64, ended: f64| Loaded {
            get: get.to_owned(),
            initiator: initiator.map(str::to_owned),
            begun,
            ended,
        };
        let check = |all: &[Loaded], expect: &[(Option<usize>, f64)]| {
            assert_eq!(parents(100.0, all), expect);
        };
        check(
            &[
                // Asked for while the page still came.
                loaded("/app.css", Some("/"), 60.0, 130.0),
                loaded("/font", Some("/app.css"), 135.0, 180.0),
                loaded("/late.js", Some("/"), 150.0, 160.0),
                // Nobody says by whom.
                loaded("/beacon", None, 170.0, 190.0),
                loaded("/first.png", None, 90.0, 95.0),
            ],
            &[(None, 0.0), (Some(0), 5.0), (None, 50.0), (Some(2), 10.0), (None, 0.0)],
        );
        check(&[], &[]);
    }
}
