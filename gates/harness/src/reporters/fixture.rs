//! The report that every format is shown with: each verdict, each role of evidence, both sorts of
//! proposals, and texts from somebody who means harm.

use gate_core::{
    AcceptedChange, Attempt, Change, Check, Digest, Evidence, ExitCode, Failure, Filters,
    GateReport, Host, Limit, Location, Metric, Proposal, Report, ReportSchema, Role, Selection,
    Skipped, SpecRef, Store, Timestamp, Verdict,
};

use super::Around;

/// Every trick at once.
pub(crate) const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[31m\n::error::forged\r\n  ::warning::too\n\
     <script>alert(1)</script> ]]> & \u{202e}gnp.exe\u{2066} | cell | `code` ```fence``` \
     \u{0}\u{9b}2J ##[error]x ##vso[task.complete]\u{fffe} ![x](data:image/png;base64,AAAA) \
     @everyone http://evil.example/ www.evil.example #1 $x$ <!-- --> [[ATTACHMENT|/etc/passwd]] \u{f8db}\u{f8d8}\u{f8d7} 🚢👩‍🔧 漢字";

/// A file of the store with a label.
pub(crate) fn evidence(role: Role, label: &str, media_type: &str) -> Evidence {
    let refs = match role {
        Role::Diff => ["baseline", "candidate", "picture"].map(|of| digest(label, of)).to_vec(),
        _ => Vec::new(),
    };
    let (label, media_type) = (label.to_owned(), media_type.to_owned());
    Evidence { role, digest: Digest::of(label.as_bytes()), label, media_type, bytes: 2_345, refs }
}

fn digest(label: &str, of: &str) -> Digest {
    Digest::of(format!("{label} {of}").as_bytes())
}

/// A store and a run folder that need not be there.
pub(crate) fn around() -> Around {
    Around {
        store: Store::new("/site/.gate/store".into(), "/site/.gate/tmp".into()),
        width: 80,
        colour: false,
        run_dir: "/site/.gate/runs/20261121T083000Z-0a1b2c".into(),
    }
}

/// A gate of these checks, measured once in 1.2 s.
pub(crate) fn gate(name: &str, required: bool, checks: Vec<Check>) -> GateReport {
    let verdict = Verdict::over(checks.iter().map(|check| check.verdict));
    GateReport {
        name: name.to_owned(),
        kind: "visual".to_owned(),
        spec: SpecRef {
            path: "specs/shop.yaml".to_owned(),
            line: 3,
            digest: Digest::of(name.as_bytes()),
        },
        required,
        verdict,
        counts_as: verdict.counted(required),
        attempts: vec![Attempt::Measured { measured: Digest::of(name.as_bytes()) }],
        checks,
        proposals: Vec::new(),
        evidence: Vec::new(),
        duration_ms: 1_234,
    }
}

/// A report of these gates, with the verdict and exit code that follow from them.
pub(crate) fn report_of(gates: Vec<GateReport>) -> Report {
    let verdict = Verdict::over(gates.iter().map(|gate| gate.counts_as));
    let started = Timestamp::from_millis(1_795_249_800_000);
    Report {
        schema: ReportSchema::V1,
        run: "20261121T083000Z-0a1b2c".to_owned(),
        started,
        finished: Timestamp::from_millis(started.millis() + 48_200),
        host: Host { os: "linux".to_owned(), arch: "x86_64".to_owned(), cpus: 2 },
        gate_version: "0.1.0".to_owned(),
        selection: Selection { env: Some("test".to_owned()), ..Selection::default() },
        verdict: Some(verdict),
        exit_code: ExitCode::of(verdict),
        complete: true,
        notes: Vec::new(),
        gates,
        skipped: Vec::new(),
    }
}

/// The same report as a part of a suite.
pub(crate) fn as_shard(mut report: Report, shard: &str) -> Report {
    report.complete = false;
    report.selection.shard = Some(shard.to_owned());
    if report.gates.is_empty() {
        report.verdict = None;
        report.exit_code = ExitCode::PROMOTE;
    }
    report
}

/// The shared report.
pub(crate) fn report() -> Report {
    let gates = vec![
        api(),
        flaky(),
        hostile(),
        landing(),
        not_required(),
        passing(),
        signup(),
        timed_out(),
        gate("z-without-checks", false, Vec::new()),
    ];
    Report {
        selection: Selection {
            env: Some("test".to_owned()),
            promotion: Some("test-to-live".to_owned()),
            url: Some("https://preview.example.com/".to_owned()),
            filters: Filters { tags: vec!["smoke".to_owned()], ..Filters::default() },
            shard: None,
        },
        notes: vec!["the machine has 2 processors; 3 gates wanted one each".to_owned()],
        skipped: vec![Skipped {
            gate: "banner".to_owned(),
            reason: "compares with the promotion's baseline, and no promotion was named".to_owned(),
        }],
        ..report_of(gates)
    }
}

/// Fails, with a difference, numbers beyond their limits and a change that could be accepted.
fn landing() -> GateReport {
    let hero = Check::new(
        "home-desktop",
        "Home page at 1280 × 720",
        Verdict::Fail,
        "The button \"Start free trial\" changed its colour from green to red.",
    )
    .advice("If the change is wanted, accept it; else look at the rule `.cta` in site.css.")
    .metric(Metric::new("changed pixels", 4_321.0, "px").limit(Limit::AtMost(0.0)))
    .metric(Metric::new("changed share", 0.468_912_345, "%").limit(Limit::AtMost(0.1)))
    .metric(Metric::new("regions", 1.0, "1"))
    .evidence([
        evidence(Role::Image, "home, live", "image/png"),
        evidence(Role::Image, "home, test", "image/png"),
        evidence(Role::Diff, "home, compared", "application/json"),
    ]);
    let hero = Check {
        location: Some(Location { file: "specs/shop.yaml".to_owned(), line: 9, column: Some(5) }),
        ..hero
    };
    let pricing = Check::new(
        "pricing-desktop",
        "Pricing page at 1280 × 720",
        Verdict::Pass,
        "No pixel differs from live.",
    )
    .metric(Metric::new("changed pixels", 0.0, "px").limit(Limit::AtMost(0.0)));
    let accepts = AcceptedChange {
        gate: "landing-pages".to_owned(),
        page: "home".to_owned(),
        viewport: "desktop".to_owned(),
        browser: "chromium".to_owned(),
        baseline: digest("home", "baseline"),
        candidate: digest("home", "candidate"),
        fingerprints: vec!["5f3a".to_owned()],
    };
    GateReport {
        proposals: vec![
            Proposal::accept("home-desktop", "Accept the new home page at 1280 × 720", accepts)
                .because("one region differs from live"),
        ],
        evidence: vec![evidence(Role::Log, "the browser's console", "text/plain")],
        duration_ms: 12_345,
        ..gate("landing-pages", true, vec![hero, pricing])
    }
}

/// Cannot tell yet: there is no baseline.
fn signup() -> GateReport {
    let check = Check::new(
        "signup-phone",
        "Sign-up page on a phone",
        Verdict::Inconclusive,
        "There is no approved picture of this page yet, so nobody can say whether it changed.",
    )
    .advice("Look at the picture; if it is right, approve it as the baseline.")
    .evidence([evidence(Role::Image, "signup, test", "image/png")]);
    let changes = vec![Change {
        path: "specs/shop.baselines/signup/signup-phone-chromium.png".to_owned(),
        expected: None,
        candidate: Some(digest("signup", "candidate")),
    }];
    GateReport {
        proposals: vec![
            Proposal::files(
                "signup",
                "signup-phone",
                "First baseline of the sign-up page",
                changes,
            )
            .because("the page has no baseline"),
        ],
        ..gate("signup", true, vec![check])
    }
}

/// Warns, and has evidence of the roles that are not pictures.
fn api() -> GateReport {
    let check = Check::new(
        "latency",
        "Time to answer",
        Verdict::Warn,
        "95 of 100 answers came within 180 ms; the limit is 200 ms and it was 120 ms last time.",
    )
    .metric(Metric::new("p95", 180.0, "ms").limit(Limit::AtMost(200.0)))
    .metric(Metric::new("requests", 100.0, "1").limit(Limit::AtLeast(50.0)))
    .evidence([
        evidence(Role::Table, "answers by route", "application/json"),
        evidence(Role::Series, "answers over time", "application/json"),
        evidence(Role::Exchange, "the slowest request", "application/json"),
        evidence(Role::Page, "summary", "application/json"),
    ]);
    GateReport { kind: "api".to_owned(), ..gate("api", true, vec![check]) }
}

/// Went from red to green.
fn flaky() -> GateReport {
    let lint =
        Check::new("exit", "stylelint", Verdict::Pass, "`stylelint` found nothing to object to.");
    let flaky = Check::new(
        "gate.flaky",
        "Same answer at every attempt",
        Verdict::Warn,
        "Attempt 1 was inconclusive and attempt 2 passed.",
    );
    let failed = Attempt::Failed {
        failed: Failure::Error,
        reason: "stylelint did not start: no such file".to_owned(),
        advice: Some("run `npm ci` first".to_owned()),
    };
    let base = gate("flaky-lint", true, vec![lint, flaky]);
    GateReport {
        kind: "command".to_owned(),
        attempts: vec![failed, base.attempts[0].clone()],
        ..base
    }
}

/// Fails but does not block.
fn not_required() -> GateReport {
    let check = Check::new(
        "lighthouse",
        "Page speed",
        Verdict::Fail,
        "The score is 61; at least 80 is wanted.",
    )
    .metric(Metric::new("score", 61.0, "1").limit(Limit::AtLeast(80.0)));
    GateReport { kind: "lighthouse".to_owned(), ..gate("nice-to-have", false, vec![check]) }
}

/// Passes.
fn passing() -> GateReport {
    let check = |id: &str| Check::new(id, format!("Page {id}"), Verdict::Pass, "As approved.");
    gate("pages", true, vec![check("about"), check("contact"), check("imprint")])
}

/// Never answered.
fn timed_out() -> GateReport {
    let check = Check::new(
        "gate.timeout",
        "Measured in time",
        Verdict::Inconclusive,
        "The gate took longer than its time-out of 2m.",
    )
    .advice("raise `timeout` in the spec, or find out what it waits for");
    let attempt = Attempt::Failed {
        failed: Failure::Timeout,
        reason: "not finished after 2m".to_owned(),
        advice: None,
    };
    GateReport {
        attempts: vec![attempt],
        duration_ms: 120_003,
        ..gate("slow-site", true, vec![check])
    }
}

/// Everything that can carry a text carries a bad one.
fn hostile() -> GateReport {
    let label = || evidence(Role::Log, HOSTILE, HOSTILE);
    let check = Check::new(HOSTILE, HOSTILE, Verdict::Fail, HOSTILE)
        .advice(HOSTILE)
        .metric(Metric::new(HOSTILE, 7.0, HOSTILE).limit(Limit::AtMost(6.0)))
        .evidence([label()]);
    let check = Check {
        location: Some(Location { file: HOSTILE.to_owned(), line: 1, column: None }),
        ..check
    };
    let long = Check::new("long", "A very long answer", Verdict::Fail, "very ".repeat(1_000));
    let path = HOSTILE.to_owned();
    let changes = vec![Change { path, expected: None, candidate: Some(Digest::of(b"new")) }];
    let name = format!("hostile {HOSTILE}");
    GateReport {
        kind: HOSTILE.to_owned(),
        spec: SpecRef { path: HOSTILE.to_owned(), line: 1, digest: Digest::of(b"hostile") },
        attempts: vec![Attempt::Failed {
            failed: Failure::Panic,
            reason: HOSTILE.to_owned(),
            advice: Some(HOSTILE.to_owned()),
        }],
        proposals: vec![Proposal::files(&name, HOSTILE, HOSTILE, changes).because(HOSTILE)],
        evidence: vec![label()],
        ..gate(&name, true, vec![check, long])
    }
}
