use gate_core::{Json, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The settings of a `command` gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program and its arguments, a list; no shell looks at it. It runs in the folder of
    /// gate.yaml and finds the site's address in the variable GATE_URL.
    pub run: Vec<String>,
    /// Exit codes that mean "not good". 0 is good; any other code says that the program itself
    /// went wrong, so nobody knows.
    #[serde(default = "one")]
    pub fail_codes: Vec<i32>,
    /// A JUnit file that the program writes, relative to the folder of gate.yaml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
}

fn one() -> Vec<i32> {
    vec![1]
}

impl Settings {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if self.run.first().is_none_or(|program| program.trim().is_empty()) {
            found.push(
                Problem::at(["run"], "there is no program to run")
                    .hint("write the program and its arguments: [npm, test]"),
            );
        }
        for (index, code) in self.fail_codes.iter().enumerate() {
            if !(1..=255).contains(code) {
                found.push(
                    Problem::at(
                        ["fail_codes", &index.to_string()],
                        format!("{code} is no code that fails"),
                    )
                    .hint("exit codes that fail are between 1 and 255"),
                );
            }
        }
        found
    }

    /// Which codes fail is a limit; the rest shaped what was measured.
    pub(crate) fn measured_by(&self) -> Json {
        gate_core::json!({ "run": self.run, "junit": self.junit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(run: &[&str], codes: &[i32], expect: &[&str]) {
        let run = run.iter().map(|&word| word.to_owned()).collect();
        let settings = Settings { run, fail_codes: codes.to_vec(), junit: None };
        let found: Vec<_> = settings.problems().iter().map(|p| p.path.join(".")).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        check(&["true"], &[1], &[]);
        check(&[], &[1], &["with.run"]);
        check(&[" "], &[1], &["with.run"]);
        check(&["true"], &[1, 0, 256], &["with.fail_codes.1", "with.fail_codes.2"]);
    }
}
