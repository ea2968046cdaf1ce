//! The golden table of exit codes: every row of what a user can get wrong, and what can go wrong.

use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::site::{Answer, Site, page, restless};

/// One row: what is there, what is asked, and what has to come of it.
struct Case {
    name: &'static str,
    files: Vec<(&'static str, String)>,
    arguments: Vec<String>,
    variables: Vec<(&'static str, &'static str)>,
    code: i32,
    /// What standard error or standard output has to say.
    says: Vec<&'static str>,
}

fn case(name: &'static str, code: i32) -> Case {
    let (files, arguments) = (Vec::new(), vec!["run".to_owned()]);
    Case { name, files, arguments, variables: Vec::new(), code, says: Vec::new() }
}

impl Case {
    fn file(mut self, path: &'static str, text: impl Into<String>) -> Case {
        self.files.push((path, text.into()));
        self
    }
    fn spec(self, text: impl Into<String>) -> Case {
        self.file("specs/a.yaml", text)
    }
    fn config(self, text: impl Into<String>) -> Case {
        self.file("gate.yaml", text)
    }
    fn args(mut self, arguments: &str) -> Case {
        self.arguments = arguments.split_whitespace().map(str::to_owned).collect();
        self
    }
    fn var(mut self, name: &'static str, value: &'static str) -> Case {
        self.variables.push((name, value));
        self
    }
    fn says(mut self, text: &'static str) -> Case {
        self.says.push(text);
        self
    }

    fn check(&self) -> Result<(), String> {
        let mut environment = Environment::new(&[]);
        for (path, text) in &self.files {
            environment.write(path, text);
        }
        for (name, value) in &self.variables {
            environment = environment.with(name, value);
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let ended = environment.gate(&arguments);
        let said = format!("{}{}", ended.stderr, ended.stdout);
        if ended.code != self.code {
            return Err(format!("{}: {} instead of {}\n{said}", self.name, ended.code, self.code));
        }
        if let Some(missing) = self.says.iter().find(|text| !said.contains(**text)) {
            return Err(format!("{}: does not say `{missing}`\n{said}", self.name));
        }
        // What is wrong with the command line or a spec is found before anything is written.
        if self.code == 2 && environment.path().join(".gate/runs").exists() {
            return Err(format!("{}: something ran", self.name));
        }
        Ok(())
    }
}

fn check(cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.check().err()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n---\n")
    );
}

fn command(name: &str, script: &str) -> String {
    format!("gate: command\nname: {name}\nwith:\n  run: [sh, -c, '{script}']\n")
}

#[test]
fn verdicts_of_commands() {
    check(&[
        case("passes", 0).spec(command("a", "true")),
        case("two pass", 0).spec(format!("{}---\n{}", command("a", "true"), command("b", "true"))),
        case("fails", 1).spec(command("a", "exit 1")).says("exit code 1"),
        case("one of two fails", 1).spec(format!(
            "{}---\n{}",
            command("a", "true"),
            command("b", "exit 1")
        )),
        case("another code is inconclusive", 3).spec(command("a", "exit 9")).says("exit code 9"),
        case("a signal is inconclusive", 3).spec(command("a", "kill -9 $$")).says("signal 9"),
        case("fail beats inconclusive", 1).spec(format!(
            "{}---\n{}",
            command("a", "exit 9"),
            command("b", "exit 1")
        )),
        case("not required never blocks", 0)
            .spec(format!("{}required: false\n", command("a", "exit 1"))),
        case("a program that is not there", 3)
            .spec("gate: command\nname: a\nwith: { run: [no-such-program] }\n")
            .says("cannot be started"),
        case("a time-out", 3)
            .spec(format!("{}timeout: 200ms\n", command("a", "sleep 60")))
            .says("time-out of 200ms"),
        case("a retry that turns green warns", 0)
            .spec(format!(
                "{}retries: 1\n",
                command("a", "test -e mark || { touch mark; exit 1; }")
            ))
            .says("2 attempts"),
        case("a JUnit file that is not written", 3)
            .spec("gate: command\nname: a\nwith: { run: [\"true\"], junit: out.xml }\n")
            .says("was not written"),
        case("a JUnit file from before", 3)
            .spec("gate: command\nname: a\nwith: { run: [\"true\"], junit: out.xml }\n")
            .file("out.xml", "<testsuite><testcase name='x'/></testsuite>")
            .says("from before"),
        case("failures in a JUnit file", 1)
            .spec("gate: command\nname: a\nwith: { run: [cp, in.xml, out.xml], junit: out.xml }\n")
            .file("in.xml", "<testsuite><testcase name='x'><failure/></testcase></testsuite>")
            .says("1 of 1 tests failed"),
    ]);
}

#[test]
fn mistakes_in_specs() {
    let good = command("a", "true");
    check(&[
        case("unknown kind", 2).spec("gate: comand\nname: a\n").says("did you mean `command`?"),
        case("unknown field of the header", 2)
            .spec(format!("{good}retrys: 1\n"))
            .says("did you mean `retries`?"),
        case("unknown field of the settings", 2)
            .spec("gate: command\nname: a\nwith: { rum: [x] }\n")
            .says("did you mean `run`?"),
        case("duplicate key", 2).spec("gate: command\nname: a\nname: b\n").says("twice"),
        case("duplicate key, deep", 2)
            .spec("gate: visual\nname: a\nwith:\n  pages:\n    - { path: /, path: /b }\n")
            .says("twice"),
        case("wrong type", 2)
            .spec("gate: command\nname: a\nwith: { run: 3 }\n")
            .says("expected a list, found the number `3`"),
        case("out of range", 2).spec(format!("{good}retries: 99\n")).says("more than 10"),
        case("out of range in the settings", 2)
            .spec("gate: visual\nname: a\nwith: { pages: [/], threshold: 7 }\n")
            .says("between 0 and 1"),
        case("missing variable", 2)
            .spec("gate: command\nname: a\nwith: { run: [\"${NO_SUCH}\"] }\n")
            .says("NO_SUCH is not set"),
        case("a variable that is set", 0)
            .spec("gate: command\nname: a\nwith: { run: [\"${PROGRAM}\"] }\n")
            .var("PROGRAM", "true"),
        case("a variable of another type", 2)
            .spec(format!("{good}retries: ${{N}}\n"))
            .var("N", "many")
            .says("expected a whole number"),
        case("empty file", 2).spec("").says("holds no spec"),
        case("only comments", 2).spec("# nothing\n").says("holds no spec"),
        case("no gate", 2).spec("name: a\n").says("no `gate:`"),
        case("syntax", 2).spec("gate: [command\nname: a\n").says("specs/a.yaml"),
        case("over 1 MiB", 2).spec(" ".repeat((1 << 20) + 1)).says("larger than 1 MiB"),
        case("binary", 2).spec("gate: \0command\n").says("not text"),
        case("alias bomb", 2).spec(bomb()).says("aliases"),
        case("two of one name", 2)
            .spec(good.clone())
            .file("specs/b.yaml", good.clone())
            .says("a second gate is called `a`"),
        case("a secret where none may stand", 2)
            .spec("gate: command\nname: a\nwith: { run: [\"${secret:X}\"] }\n")
            .says("cannot stand here"),
        case("every problem at once", 2)
            .spec("gate: comand\nname: a\n---\ngate: command\nname: b\nwith: { rum: [x] }\n")
            .says("2 problems"),
        case("another gate's mistake stops the chosen one, too", 2)
            .spec(format!("{good}---\ngate: command\nname: b\nwith: {{ rum: [x] }}\n"))
            .args("run --name a")
            .says("unknown field `rum`"),
    ]);
}

fn bomb() -> String {
    let mut text =
        "gate: command\nname: a\nwith:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("  a{level}: &a{level} [{items}]\n"));
    }
    text
}

#[test]
fn mistakes_on_the_command_line_and_in_gate_yaml() {
    let good = command("a", "true");
    let two =
        "environments:\n  test: { url: http://127.0.0.1:1 }\n  live: { url: http://127.0.0.1:2 }\n";
    let visual = "gate: visual\nname: v\nwith: { pages: [/] }\n";
    check(&[
        case("a path that is not there", 2).spec(good.clone()).args("run nowhere").says("nowhere"),
        case("a path without a spec", 2)
            .spec(good.clone())
            .file("docs/a.md", "x")
            .args("run docs")
            .says("holds no spec"),
        case("unknown environment", 2).config(two).spec(good.clone()).args("run --env tset")
            .says("did you mean `test`?"),
        case("unknown promotion", 2).config(two).spec(good.clone()).args("run --promotion x")
            .says("no promotion `x`"),
        case("a promotion of an unknown environment", 2)
            .config(format!("{two}promotions:\n  p: {{ candidate: test, baseline: liev }}\n"))
            .spec(good.clone())
            .says("did you mean `live`?"),
        case("several environments and none chosen", 2).config(two).spec(visual).says("--env"),
        case("no environment at all", 2).spec(visual).says("--url"),
        case("against an unknown environment", 2)
            .config(two)
            .spec("gate: visual\nname: v\nwith: { pages: [/], against: liev }\n")
            .args("run --env test")
            .says("did you mean `live`?"),
        case("unknown flag", 2).spec(good.clone()).args("run --fast").says("--fast"),
        case("unknown kind to filter by", 2).spec(good.clone()).args("run --kind x").says("no kind"),
        case("an address without a scheme", 2).spec(good.clone()).args("run --url example.com"),
        case("a part that is none", 2).spec(good.clone()).args("run --shard 5/4").says("2/4"),
        case("two reports on standard output", 2)
            .spec(good.clone())
            .args("run --json --report junit=-")
            .says("share standard output"),
        case("a secret that is not there", 2)
            .config("environments:\n  test: { url: http://127.0.0.1:1, basic_auth: \"${secret:A}\" }\nsecrets:\n  A: { env: NO_SUCH }\n")
            .spec(visual)
            .says("NO_SUCH is not set"),
        case("a secret that is too short", 2)
            .config("environments:\n  test: { url: http://127.0.0.1:1, basic_auth: \"${secret:A}\" }\nsecrets:\n  A: { env: SHORT }\n")
            .spec(visual)
            .var("SHORT", "1234")
            .says("fewer than 8 bytes"),
        case("an address that is none", 2)
            .config("environments:\n  test: { url: \"ftp://x\" }\n")
            .spec(visual)
            .says("not on the web"),
        case("a mistake in gate.yaml", 2).config("enviroments: {}\n").spec(good.clone())
            .says("did you mean `environments`?"),
        case("a run that is not there", 2).spec(good).args("judge 20200101T000000Z-abcdef")
            .says("no run"),
        case("decisions in a pipeline", 2).args("approve --all --reason x").var("CI", "true")
            .says("--in-ci"),
    ]);
}

#[test]
fn nothing_selected() {
    let good = command("a", "true");
    let promotion = "gate: visual\nname: v\nwith: { pages: [/], against: promotion }\n";
    check(&[
        case("no spec at all", 4).says("no spec matches"),
        case("the globs match nothing", 4).config("specs: [other/*.yaml]\n").spec(good.clone()),
        case("the name matches nothing", 4)
            .spec(good.clone())
            .args("run --name b*")
            .says("--name b*"),
        case("the tag matches nothing", 4).spec(good.clone()).args("run --tag x"),
        case("only gates that need a promotion", 4)
            .config("environments:\n  test: { url: http://127.0.0.1:1 }\n")
            .spec(promotion)
            .says("--promotion"),
        case("an empty part of a suite that is not", 0)
            .spec(good)
            .args("run --shard 2/3")
            .says("empty"),
    ]);
}

#[test]
fn plugins_that_misbehave() {
    let with = |script: &str| {
        let config = "plugins:\n  - { kind: odd, command: [./odd] }\n";
        case("", 3)
            .config(config)
            // Room for a slow machine to read 100 MB; only the one that hangs is to run out of it.
            .spec(format!(
                "gate: odd\nname: a\ntimeout: {}\n",
                if script.contains("sleep") { "2s" } else { "2m" }
            ))
            .file("odd", format!("#!/bin/sh\n{script}\n"))
    };
    let hello = r#"echo '{"hello":{"protocol":1,"kind":"odd","requests":["describe","measure"]}}'"#;
    let describe = format!(
        "read line\n{hello}\ncase \"$line\" in *'\"describe\"'*) echo '{{\"result\":{{\"schema\":{{}}}}}}'; exit;; esac"
    );
    let cases = [
        ("crashes", "exit 7".to_owned(), "without a word"),
        ("hangs", format!("{describe}\nsleep 60"), "time-out of 2s"),
        ("prints garbage", "echo garbage".to_owned(), "not of the protocol"),
        ("prints 100 MB", format!("{describe}\nhead -c 100000000 /dev/zero | tr '\\0' 'x'"), "8 MiB"),
        ("prints 100 MB of lines", format!("{describe}\nyes \"$(printf '%4000s')\" | head -c 100000000"), "64 MiB"),
        ("ends without a result", describe.clone(), "without a result"),
        ("speaks another protocol", r#"echo '{"hello":{"protocol":9,"kind":"odd","requests":["measure"]}}'"#.to_owned(), "protocol 9"),
        ("says that it is another", r#"echo '{"hello":{"protocol":1,"kind":"even","requests":["measure"]}}'; echo '{"result":{"schema":{}}}'"#.to_owned(), "`even`"),
        ("reports an error", format!("{describe}\necho '{{\"error\":{{\"message\":\"no battery\"}}}}'"), "no battery"),
    ];
    for (name, script, says) in cases {
        let case = with(&script).says(says);
        let environment = Environment::new(&[]);
        for (path, text) in &case.files {
            environment.write(path, text);
        }
        make_executable(&environment.path().join("odd"));
        let ended = environment.gate(&["run"]);
        let said = format!("{}{}", ended.stderr, ended.stdout);
        assert_eq!(ended.code, 3, "{name}: {said}");
        assert!(said.contains(says), "{name} does not say `{says}`: {said}");
    }
}

pub(crate) fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn two_sites() -> (Site, Site) {
    let pages = [("/", page("#0a7", "A fine shop")), ("/about", page("#0a7", "About us"))];
    (Site::serve(&pages), Site::serve(&pages))
}

fn promotion(live: &Site, test: &Site) -> Environment {
    let config = format!(
        "environments:\n  live: {{ url: \"{}\" }}\n  test: {{ url: \"{}\" }}\n\
         promotions:\n  up: {{ candidate: test, baseline: live }}\n",
        live.url, test.url
    );
    let spec = "gate: visual\nname: shop\nwith: { pages: [/, /about], against: promotion }\n";
    Environment::new(&[("gate.yaml", &config), ("specs/shop.yaml", spec)])
}

#[test]
fn two_real_sites() {
    let (live, test) = two_sites();
    let environment = promotion(&live, &test);
    let ended = environment.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stderr, ended.stdout);

    test.set("/about", page("#c22", "About us"));
    let ended = environment.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stderr, ended.stdout);
    assert!(ended.stdout.contains("recoloured"), "{}", ended.stdout);

    // A preview stands in for the candidate.
    let url = live.url.clone();
    let ended = environment.gate(&["run", "--promotion", "up", "--url", &url]);
    assert_eq!(ended.code, 0, "{}{}", ended.stderr, ended.stdout);

    test.set("/about", Answer::Status(500, "broken".to_owned()));
    let ended = environment.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stderr, ended.stdout);
    assert!(ended.stdout.contains("status 500"), "{}", ended.stdout);

    live.set("/about", Answer::Status(404, "gone".to_owned()));
    let ended = environment.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
}

#[test]
fn sites_and_browsers_that_are_not_there() {
    let (live, test) = two_sites();
    let environment = promotion(&live, &test);
    for (url, says) in [
        ("http://127.0.0.1:1", "refused the connection"),
        ("http://no-such-host.invalid", "does not resolve"),
    ] {
        let started = Instant::now();
        let ended = environment.gate(&["run", "--promotion", "up", "--url", url]);
        assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
        assert!(ended.stdout.contains(says), "{}", ended.stdout);
        assert!(started.elapsed() < Duration::from_secs(10), "{url}: {:?}", started.elapsed());
    }
    let no_driver = environment.with("PATH", "/nowhere");
    let ended = no_driver.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
    assert!(ended.stdout.contains("no Chromium on the PATH"), "{}", ended.stdout);
    let explained = no_driver.gate(&["explain", "shop"]);
    assert!(explained.stdout.contains("gate browser install"), "{}", explained.stdout);
}

#[test]
fn a_driver_that_cannot_start_and_a_page_that_never_settles() {
    let (live, test) = two_sites();
    let environment = promotion(&live, &test);
    environment.write("bin/chromedriver", "#!/bin/sh\necho broken >&2\nexit 1\n");
    environment.write("bin/chromium", "#!/bin/sh\nexit 1\n");
    for program in ["bin/chromedriver", "bin/chromium"] {
        make_executable(&environment.path().join(program));
    }
    let path = environment.path().join("bin").display().to_string();
    let mut command = environment.command(&["run", "--promotion", "up"]);
    let ended = crate::environment::ended(command.env("PATH", path).output().unwrap());
    assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);

    let spec = "gate: visual\nname: shop\nwith: { pages: [/], against: promotion, settle: 1s }\n";
    environment.write("specs/shop.yaml", spec);
    test.set("/", restless());
    let ended = environment.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
    assert!(ended.stdout.contains("there is no picture"), "{}", ended.stdout);

    test.set("/", Answer::Hang);
    let spec =
        "gate: visual\nname: shop\nwith: { pages: [/], against: promotion, page_timeout: 1s }\n";
    environment.write("specs/shop.yaml", spec);
    let ended = environment.gate(&["run", "--promotion", "up"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
}

#[test]
fn a_full_disk() {
    let environment =
        Environment::new(&[("specs/a.yaml", &command("a", "head -c 3000000 /dev/urandom"))]);
    let full = environment.path().join(".gate");
    std::fs::create_dir(&full).unwrap();
    let mount = |arguments: &[&str]| {
        std::process::Command::new(arguments[0])
            .args(&arguments[1..])
            .status()
            .is_ok_and(|s| s.success())
    };
    let target = full.to_str().unwrap();
    // A small file system of its own where that may be made; else a limit on the size of files,
    // which fails in the same place with another error.
    let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", target]);
    let ended = if mounted {
        let ended = environment.gate(&["run"]);
        assert!(mount(&["umount", target]));
        ended
    } else {
        let gate = crate::environment::GATE;
        let mut limited = std::process::Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f 512; exec {gate} run");
        limited
            .args(["-c", &script])
            .current_dir(environment.path())
            .env("TMPDIR", environment.temporary());
        crate::environment::ended(limited.output().unwrap())
    };
    assert_eq!(ended.code, 3, "{}{}", ended.stderr, ended.stdout);
    let said = format!("{}{}", ended.stderr, ended.stdout);
    assert!(said.contains("space") || said.contains("large"), "{said}");
}

#[test]
fn interruptions() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let spec = command("a", "touch started; sleep 60");
        let environment = Environment::new(&[("specs/a.yaml", &spec)]);
        let child = environment.command(&["run"]).spawn().unwrap();
        while !environment.path().join("started").exists() {
            std::thread::yield_now();
        }
        let killed = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        let ended = crate::environment::ended(child.wait_with_output().unwrap());
        assert_eq!(ended.code, code, "{}{}", ended.stderr, ended.stdout);
        let report =
            environment.path().join(".gate/runs").join(environment.last_run()).join("report.json");
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        assert_eq!(report["complete"], false);
        assert_eq!(report["exit_code"], code);
    }
}
