use super::*;
use crate::{AcceptedChange, store::Store};

struct Site {
    folder: tempfile::TempDir,
    workspace: Workspace,
    file: PathBuf,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        workspace.prepare().unwrap();
        let file = folder.path().join(DECISIONS_FILE);
        Site { folder, workspace, file }
    }

    fn store(&self) -> Store {
        self.workspace.store()
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(path)).ok()
    }

    fn decide(&self, said: Said, proposal: &Proposal) -> Result<(), Refused> {
        let changes = match said {
            Said::Approved => proposal.changes.clone(),
            Said::Rejected => Vec::new(),
            Said::Undone => reversed(&proposal.changes),
        };
        let count = load(&self.file).unwrap().len() as i64;
        let decision = Decision {
            schema: DecisionSchema::V1,
            proposal: proposal.clone(),
            decision: said,
            by: "kim".into(),
            at: Timestamp::from_millis(count * 1000),
            reason: "redesign".into(),
            run: "r".into(),
        };
        carry_out(&self.workspace, &self.file, changes, decision)
    }
}

fn new_files(site: &Site) -> Proposal {
    let change = |path: &str, text: &[u8]| Change {
        path: path.into(),
        expected: None,
        candidate: Some(site.store().put(text).unwrap()),
    };
    let changes =
        vec![change("b.baselines/home.png", b"picture"), change("b.baselines/home.json", b"{}")];
    Proposal::files("shop", "home", "new baseline", changes)
}

#[test]
fn an_approval_lands_whole_and_can_be_undone() {
    let site = Site::new();
    let proposal = new_files(&site);
    site.decide(Said::Approved, &proposal).unwrap();
    assert_eq!(site.read("b.baselines/home.png").as_deref(), Some("picture"));
    assert_eq!(site.read("b.baselines/home.json").as_deref(), Some("{}"));
    site.decide(Said::Undone, &proposal).unwrap();
    assert_eq!(site.read("b.baselines/home.png"), None);
    let said: Vec<_> = load(&site.file).unwrap().iter().map(|d| d.decision).collect();
    assert_eq!(said, [Said::Approved, Said::Undone]);
}

#[test]
fn several_decisions_are_each_for_themselves() {
    let site = Site::new();
    let proposal = |name: &str, expected: Option<Digest>| {
        let candidate = Some(site.store().put(name.as_bytes()).unwrap());
        let path = format!("b.baselines/{name}.png");
        Proposal::files("shop", name, "", vec![Change { path, expected, candidate }])
    };
    let stale = proposal("about", Some(Digest::of(b"else")));
    let all = [proposal("home", None), stale, proposal("home", None), proposal("team", None)];
    let deciding = |(at, proposal): (i64, &Proposal)| Deciding {
        file: site.file.clone(),
        changes: proposal.changes.clone(),
        decision: Decision {
            schema: DecisionSchema::V1,
            proposal: proposal.clone(),
            decision: Said::Approved,
            by: "kim".into(),
            at: Timestamp::from_millis(at),
            reason: "redesign".into(),
            run: "r".into(),
        },
    };
    let carry = |agrees: &dyn Fn(Option<&Decision>) -> bool| {
        let decisions = (0..).zip(&all).map(deciding).collect();
        let results = carry_out_all(&site.workspace, decisions, |_, last| {
            if agrees(last) { Ok(()) } else { Err(Error::new("somebody else has decided"))? }
        });
        results.unwrap().iter().map(Result::is_ok).collect::<Vec<_>>()
    };
    assert_eq!(carry(&|last| last.is_none()), [true, false, false, true]);
    assert_eq!(site.read("b.baselines/home.png").as_deref(), Some("home"));
    assert_eq!(load(&site.file).unwrap().len(), 2);
    assert_eq!(carry(&|last| last.is_none()), [false; 4]);
    assert_eq!(load(&site.file).unwrap().len(), 2);
}

#[test]
fn a_stale_proposal_changes_nothing() {
    let site = Site::new();
    let proposal = new_files(&site);
    std::fs::create_dir(site.folder.path().join("b.baselines")).unwrap();
    write_atomically(&site.folder.path().join("b.baselines/home.json"), b"x", site.folder.path())
        .unwrap();
    let refused = site.decide(Said::Approved, &proposal).unwrap_err();
    assert_eq!(refused, Refused::Stale { path: "b.baselines/home.json".into() });
    assert_eq!(site.read("b.baselines/home.png"), None);
    assert!(load(&site.file).unwrap().is_empty());
}

#[test]
fn a_crash_in_the_middle_is_finished() {
    let site = Site::new();
    let proposal = new_files(&site);
    site.decide(Said::Approved, &proposal).unwrap();
    let decision = load(&site.file).unwrap().remove(0);
    // As if it had crashed after the first of the two files.
    std::fs::remove_file(site.folder.path().join("b.baselines/home.json")).unwrap();
    std::fs::remove_file(&site.file).unwrap();
    let changes = proposal.changes.clone();
    let journal = vec![Deciding { file: site.file.clone(), changes, decision }];
    let bytes = serde_json::to_vec(&journal).unwrap();
    write_atomically(&journal_path(&site.workspace), &bytes, site.folder.path()).unwrap();
    recover(&site.workspace).unwrap();
    assert_eq!(site.read("b.baselines/home.json").as_deref(), Some("{}"));
    assert_eq!(load(&site.file).unwrap().len(), 1);
    assert!(!journal_path(&site.workspace).exists());
}

#[test]
fn nothing_outside_the_workspace_is_touched() {
    let site = Site::new();
    std::os::unix::fs::symlink("/tmp", site.folder.path().join("link")).unwrap();
    let refused = [
        "../x.baselines/a",
        "/etc/x.baselines/a",
        ".gate/x.baselines/a",
        ".git/config",
        "",
        "a.baselines/../../x",
        "link/x.baselines/a",
        "gate.yaml",
        "specs/shop.yaml",
        "Makefile",
        "a.baselines/.git/hooks/pre-commit",
        "shop.baselines",
        ".baselines/x",
    ];
    for path in refused {
        let change = Change { path: path.into(), expected: None, candidate: None };
        let proposal = Proposal::files("shop", "home", "", vec![change]);
        assert!(
            matches!(site.decide(Said::Approved, &proposal), Err(Refused::Failed(_))),
            "{path}"
        );
    }
}

#[test]
fn only_the_last_word_counts() {
    let site = Site::new();
    let change = AcceptedChange {
        gate: "shop".into(),
        page: "home".into(),
        viewport: "desktop".into(),
        browser: "chromium".into(),
        baseline: Digest::of(b"a"),
        candidate: Digest::of(b"b"),
        fingerprints: vec!["f".into()],
    };
    let proposal = Proposal::accept("home", "accept", change.clone());
    let in_force = || accepted(&load(&site.file).unwrap(), "shop");
    site.decide(Said::Approved, &proposal).unwrap();
    assert_eq!(in_force()[0].change, change);
    assert_eq!(in_force()[0].by, "kim");
    site.decide(Said::Undone, &proposal).unwrap();
    assert_eq!(in_force(), []);
    site.decide(Said::Approved, &proposal).unwrap();
    assert_eq!(in_force().len(), 1);
    assert_eq!(accepted(&load(&site.file).unwrap(), "other"), []);
}
