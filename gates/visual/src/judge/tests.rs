use super::*;
use crate::unloaded::Unloaded;
use gate_core::evidence::{DiffRegion, DiffShift};
use gate_core::{AcceptedChange, Digest, Error, Inputs, Role, Timestamp};

fn picture(name: &str, status: Option<u16>) -> Side {
    let digest = Digest::of(name.as_bytes());
    let picture = Evidence {
        role: Role::Image,
        label: name.to_owned(),
        media_type: "image/png".to_owned(),
        digest,
        bytes: 1,
        refs: Vec::new(),
    };
    Side::Picture { picture, status }
}

fn compared(pixels: u64, fingerprints: &[&str]) -> Compared {
    let region = |fingerprint: &&str| DiffRegion {
        x: 80,
        y: 505,
        width: 191,
        height: 52,
        pixels,
        kind: "recoloured".to_owned(),
        fingerprint: (*fingerprint).to_owned(),
        cause: None,
    };
    Compared {
        changed_pixels: pixels,
        changed_ratio: pixels as f64 / 1_000_000.0,
        plain_changed_pixels: Some(pixels),
        noise_pixels: 0,
        noise_share: 0.0,
        aligned: DiffAligned { changed_pixels: pixels, ..DiffAligned::default() },
        sizes: [[1000, 1000], [1000, 1000]],
        regions: fingerprints.iter().map(region).collect(),
        regions_omitted: 0,
        masks: Vec::new(),
        diff: None,
    }
}

fn view(now: Option<u16>, before: Option<u16>, compared: Compared) -> View {
    View {
        gate: "shop".to_owned(),
        page: "home".to_owned(),
        path: "/".to_owned(),
        viewport: "desktop".to_owned(),
        width: 1000,
        height: 1000,
        browser: "chromium".to_owned(),
        place: [0, 0],
        candidate: picture("new", now),
        baseline: Some(picture("old", before)),
        compared: Some(compared),
        files: None,
        unmatched: Vec::new(),
        unloaded: Vec::new(),
        unloaded_before: Some(Vec::new()),
    }
}

fn accepted(fingerprints: &[&str], page: &str, candidate: &str) -> Accepted {
    Accepted {
        change: AcceptedChange {
            gate: "shop".to_owned(),
            page: page.to_owned(),
            viewport: "desktop".to_owned(),
            browser: "chromium".to_owned(),
            baseline: Digest::of(b"old"),
            candidate: Digest::of(candidate.as_bytes()),
            fingerprints: fingerprints.iter().map(|&f| f.to_owned()).collect(),
        },
        by: "Kim".to_owned(),
        at: Timestamp::from_millis(0),
        reason: "redesign".to_owned(),
    }
}

fn judged(view: View, accepted: Vec<Accepted>, limit: &str) -> (Verdict, String, usize) {
    judged_with(view, accepted, limit, 0)
}

fn judged_with(
    view: View,
    accepted: Vec<Accepted>,
    limit: &str,
    max_shift: u32,
) -> (Verdict, String, usize) {
    let settings = format!(
        "{{\"pages\": [\"/\"], \"against\": \"promotion\", \"max_changed\": \"{limit}\", \
         \"max_shift\": {max_shift}}}"
    );
    let settings: Settings = serde_json::from_str(&settings).unwrap();
    let inputs = Inputs { seed: 0, clock: Timestamp::from_millis(0), accepted };
    let read = |_: &Digest| Err(Error::new("judging reads no pictures"));
    let outcome = judge(&settings, &Observation { views: vec![view] }, &Given::new(&read, &inputs));
    let check = &outcome.checks[0];
    (check.verdict, check.message.clone(), outcome.proposals.len())
}

fn check(view: View, accepted: Vec<Accepted>, expect: (Verdict, &str, usize)) {
    let (verdict, message, proposals) = judged(view, accepted, "0%");
    assert!(message.contains(expect.1), "{message}");
    assert_eq!((verdict, proposals), (expect.0, expect.2), "{message}");
}

const OK: Option<u16> = Some(200);

#[test]
fn differences() {
    use Verdict::{Fail, Pass};
    check(view(OK, OK, compared(0, &[])), vec![], (Pass, "looks the same as live", 0));
    let differs = "1 area differs from live: 191x52 px at 80,505 recoloured (9,000 pixels, 0.9%)";
    check(view(OK, OK, compared(9000, &["a"])), vec![], (Fail, differs, 1));
    let mut taller = compared(0, &[]);
    taller.sizes[1][1] = 1042;
    check(view(OK, OK, taller), vec![], (Fail, "is now 1000x1042 instead of 1000x1000", 1));
    assert_eq!(judged(view(OK, OK, compared(9000, &["a"])), vec![], "1%").0, Pass);
}

fn shifted(height: u32, mut compared: Compared) -> Compared {
    let shift = DiffShift {
        x: 0,
        y: 96,
        width: 1000,
        height,
        from: None,
        fingerprint: format!("shift{height}"),
        cause: None,
    };
    compared.aligned.inserted.push(shift);
    compared.aligned.shifted_rows = height.into();
    compared.sizes[1][1] += height;
    compared
}

#[test]
fn shifts() {
    use Verdict::{Fail, Pass};
    let banner = || view(OK, OK, shifted(42, compared(0, &[])));
    let says = "the page has shifted from live: 1000x42 px inserted at 0,96; \
                the page is now 1000x1042 instead of 1000x1000";
    check(banner(), vec![], (Fail, says, 1));
    // Changed pixels and shifted rows have a limit each.
    assert_eq!(judged_with(banner(), vec![], "5%", 41).0, Fail);
    assert_eq!(judged_with(banner(), vec![], "0%", 42).0, Pass);
    let two = || view(OK, OK, shifted(2, compared(9000, &["a"])));
    let both = "1000x2 px inserted at 0,96; 1 area differs from live";
    check(two(), vec![], (Fail, both, 1));
    assert_eq!(judged_with(two(), vec![], "0%", 2).0, Fail);
    assert_eq!(judged_with(two(), vec![], "1%", 1).0, Fail);
    assert_eq!(judged_with(two(), vec![], "1%", 2).0, Pass);
    // To have accepted the one is not to have accepted the other.
    check(two(), vec![accepted(&["a"], "home", "older")], (Fail, both, 1));
    check(two(), vec![accepted(&["shift2"], "home", "older")], (Fail, both, 1));
    let all = vec![accepted(&["a", "shift2"], "home", "older")];
    check(two(), all, (Pass, "as accepted by Kim", 0));
}

#[test]
fn noise() {
    use Verdict::{Pass, Warn};
    let noisy = |share: f64| {
        let mut compared = compared(0, &[]);
        (compared.noise_share, compared.noise_pixels) = (share, 1_200);
        view(OK, OK, compared)
    };
    check(noisy(0.05), vec![], (Pass, "1,200 pixels of what moves by itself left out", 0));
    check(noisy(0.06), vec![], (Warn, "6% of the page moves by itself", 0));
}

#[test]
fn statuses() {
    use Verdict::{Fail, Inconclusive};
    let same = || compared(0, &[]);
    check(view(Some(500), OK, same()), vec![], (Fail, "/ answers with status 500", 0));
    check(view(Some(404), Some(404), same()), vec![], (Inconclusive, "status 404", 0));
    check(view(OK, Some(503), same()), vec![], (Inconclusive, "status 503 on live", 0));
    check(view(None, None, same()), vec![], (Inconclusive, "does not say", 0));
}

#[test]
fn what_was_accepted_covers_itself_and_nothing_else() {
    use Verdict::{Fail, Pass};
    let two = || view(OK, OK, compared(9000, &["a", "b"]));
    let by = "as accepted by Kim on 1970-01-01 because \"redesign\"";
    // Both pictures, or every region.
    check(two(), vec![accepted(&[], "home", "new")], (Pass, by, 0));
    check(two(), vec![accepted(&["a", "b"], "home", "older")], (Pass, by, 0));
    let in_two_steps = vec![accepted(&["a"], "home", "x"), accepted(&["b"], "home", "y")];
    check(two(), in_two_steps, (Pass, by, 0));
    // One region more, or another page.
    check(two(), vec![accepted(&["a"], "home", "older")], (Fail, "2 areas differ", 1));
    check(two(), vec![accepted(&["a", "b"], "about", "new")], (Fail, "2 areas differ", 1));
    // Regions that nobody could see are not covered by those that somebody saw.
    let mut many = two();
    many.compared.as_mut().unwrap().regions_omitted = 5;
    check(many, vec![accepted(&["a", "b"], "home", "older")], (Fail, "areas differ", 1));
}

#[test]
fn a_page_that_the_other_version_does_not_have_is_for_somebody_to_accept() {
    use Verdict::{Inconclusive, Pass};
    let new = |status: u16, candidate: &str| {
        let mut view = view(OK, Some(status), compared(9000, &["a"]));
        view.candidate = picture(candidate, OK);
        view
    };
    let absent = "there is no / on live to compare with, which answers with 404: it is new";
    check(new(404, "new"), vec![], (Inconclusive, absent, 1));
    check(new(410, "new"), vec![], (Inconclusive, "which answers with 410: it is new", 1));
    let fingerprint = format!("new-{}", &Digest::of(b"new").to_string()[..16]);
    let said = || vec![accepted(&[&fingerprint], "home", "new")];
    check(new(404, "new"), said(), (Pass, "/ is new, and accepted as it is by Kim", 0));
    // The very picture, and this page; and once live has the page, the two are compared.
    check(new(404, "newer"), said(), (Inconclusive, "it is new", 1));
    let elsewhere = vec![accepted(&[&fingerprint], "about", "new")];
    check(new(404, "new"), elsewhere, (Inconclusive, "it is new", 1));
    // What was accepted of a difference says nothing of a new page.
    let area = vec![accepted(&["a"], "home", "older")];
    check(new(404, "new"), area, (Inconclusive, "it is new", 1));
}

#[test]
fn what_did_not_load_is_named_where_it_matters() {
    use Verdict::{Fail, Pass, Warn};
    let lost = |pixels: u64, own: bool, before: Option<&[&str]>| {
        let areas: &[&str] = if pixels > 0 { &["a"] } else { &[] };
        let mut view = view(OK, OK, compared(pixels, areas));
        let address = "/img/hero.jpg".to_owned();
        view.unloaded = vec![Unloaded { address, status: Some(404), own }];
        view.unloaded_before = before.map(|all| all.iter().map(|&one| one.to_owned()).collect());
        view
    };
    let there: Option<&[&str]> = Some(&[]);
    let gone: Option<&[&str]> = Some(&["/img/hero.jpg"]);
    let unlike = "0.9%); unlike before, /img/hero.jpg answered 404";
    check(lost(9000, true, there), vec![], (Fail, unlike, 1));
    check(lost(9000, false, there), vec![], (Fail, unlike, 1));
    check(lost(9000, true, None), vec![], (Fail, "0.9%); /img/hero.jpg answered 404", 1));
    check(lost(9000, true, gone), vec![], (Fail, "(9,000 pixels, 0.9%)", 1));
    // What cannot be seen is worth a word when it is the page's own and was there before.
    let same = "looks the same as live; but unlike before, /img/hero.jpg answered 404";
    check(lost(0, true, there), vec![], (Warn, same, 0));
    for unsaid in [lost(0, false, there), lost(0, true, gone), lost(0, true, None)] {
        let (verdict, message, _) = judged(unsaid, vec![], "0%");
        assert_eq!((verdict, message.as_str()), (Pass, "looks the same as live"));
    }
    // Both pages lack it: that is not what has changed.
    let (_, message, _) = judged(lost(9000, true, gone), vec![], "0%");
    assert!(!message.contains("hero"), "{message}");
}
