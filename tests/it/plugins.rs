//! One gate, both ways: built in, and as an executable that speaks the protocol.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::environment::Environment;

/// The `command` gate as a plug-in: this test's own binary, asked by a variable.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test is its own plug-in")]
fn the_same_gate_gives_the_same_checks_both_ways() {
    if std::env::var_os("GATE_AS_PLUGIN").is_some() {
        std::process::exit(i32::from(
            gate_core::protocol::main(gate_command::kind()) != std::process::ExitCode::SUCCESS,
        ));
    }
    let me = std::env::current_exe().unwrap();
    // The harness of the tests prints before the gate does, which the protocol does not allow.
    let script = format!(
        "#!/bin/sh\nGATE_AS_PLUGIN=1 exec \"{}\" --exact --quiet --nocapture \
         plugins::the_same_gate_gives_the_same_checks_both_ways | sed -n '/^{{/p'\n",
        me.display()
    );
    for (script_of_gate, code) in [("echo fine", 0), ("echo bad; exit 1", 1), ("exit 7", 3)] {
        let with = format!("with: {{ run: [sh, -c, \"{script_of_gate}\"] }}\n");
        let built_in =
            Environment::new(&[("specs/a.yaml", &format!("gate: command\nname: a\n{with}"))]);
        let plugged = Environment::new(&[
            ("specs/a.yaml", &format!("gate: outside\nname: a\n{with}")),
            ("gate.yaml", "plugins:\n  - { kind: outside, command: [./outside] }\n"),
            ("outside", &script.replace("outside", "command")),
        ]);
        crate::exit_codes::make_executable(&plugged.path().join("outside"));
        // The gate says that it is `command`; the workspace calls it so, too.
        plugged.write("specs/a.yaml", &format!("gate: outside\nname: a\n{with}"));
        let rename = script.replace(
            "sed -n '/^{/p'",
            "sed -n '/^{/p' | sed 's/\"kind\":\"command\"/\"kind\":\"outside\"/'",
        );
        plugged.write("outside", &rename);
        crate::exit_codes::make_executable(&plugged.path().join("outside"));
        let (one, other) = (built_in.gate(&["run", "--json"]), plugged.gate(&["run", "--json"]));
        assert_eq!(one.code, code, "{}", one.stderr);
        assert_eq!(other.code, code, "{}{}", other.stderr, other.stdout);
        assert_eq!(one.json()["gates"][0]["checks"], other.json()["gates"][0]["checks"]);
        let again = plugged.gate(&["judge", "--json"]);
        assert_eq!(again.stdout, other.stdout, "{}", again.stderr);
    }
}

/// The example in Python, asked by hand.
#[test]
fn the_example_describes_itself() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/plugins/gate-links");
    let mut child = Command::new("python3")
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let request = "{\"protocol\":1,\"request\":\"describe\"}\n";
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<gate_core::protocol::Line> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [gate_core::protocol::Line::Hello(hello), gate_core::protocol::Line::Result(result)] =
        &lines[..]
    else {
        panic!("{lines:?}");
    };
    assert_eq!(hello.kind, "links");
    assert_eq!(result["schema"]["required"][0], "start");
}
