use std::ffi::OsString;
use std::sync::{Arc, Mutex};

use super::*;

/// What a command line prints, and what it ends with.
fn says(line: &str) -> (String, String, ExitCode) {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    says_words(&words)
}

/// The same of words that may be empty.
pub(super) fn says_words(words: &[String]) -> (String, String, ExitCode) {
    let said = Arc::new(Mutex::new([String::new(), String::new()]));
    let to = |at: usize| {
        let said = Arc::clone(&said);
        Box::new(move |text: &str| said.lock().unwrap()[at].push_str(text))
    };
    let bytes = to(0);
    let bytes = Box::new(move |text: &[u8]| {
        bytes(std::str::from_utf8(text).unwrap());
        Ok(())
    });
    let output = Output { out: to(0), err: to(1), bytes };
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let code = alone(&words, &output).expect("no spec is needed");
    let [out, err] = said.lock().unwrap().clone();
    (out, err, code)
}

/// The figures are these to twelve digits, and there are no others.
fn check(line: &str, expect: &str) {
    let (out, err, code) = says(&format!("{line} --json"));
    assert_eq!((err.as_str(), code), ("", ExitCode::PROMOTE), "{line}");
    let (got, expect): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&out).unwrap(), serde_json::from_str(expect).unwrap());
    assert!(is_same(&got, &expect), "{line}: {got}, not {expect}");
}

fn is_same(got: &serde_json::Value, expect: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (got, expect) {
        (Number(got), Number(expect)) => {
            let (got, expect) = (got.as_f64().unwrap(), expect.as_f64().unwrap());
            (got - expect).abs() <= 1e-11 * expect.abs()
        }
        (Array(got), Array(expect)) => {
            got.len() == expect.len() && got.iter().zip(expect).all(|(a, b)| is_same(a, b))
        }
        (Object(got), Object(expect)) => {
            got.keys().eq(expect.keys())
                && got.iter().all(|(key, value)| is_same(value, &expect[key]))
        }
        _ => got == expect,
    }
}

fn refuses(line: &str, why: &str) {
    let (out, err, code) = says(line);
    assert_eq!((out.as_str(), code), ("", ExitCode::USAGE), "{line}");
    assert!(err.contains(why), "{line}: {err}");
}

#[test]
fn splits() {
    // Fabijan et al. (KDD 2019); the digits from mpmath.
    check(
        "srm --observed 821588,815482 --expected 50,50",
        r#"{"chi_squared": 22.77436884189436, "degrees_of_freedom": 1,
            "p_value": 1.82179287261918719e-6, "sequential_p_value": 1.559504401695017e-4}"#,
    );
    // An arm without a weight takes no degree of freedom.
    check(
        "srm --observed 530,470,0 --expected 50,50,0",
        r#"{"chi_squared": 3.6, "degrees_of_freedom": 1,
            "p_value": 0.0577795711235972437, "sequential_p_value": 0.890479952096293947}"#,
    );
    // Anybody in it is a failure.
    check(
        "srm --observed 500,500,1 --expected 50,50,0",
        r#"{"chi_squared": null, "degrees_of_freedom": 1, "p_value": 0, "sequential_p_value": 0}"#,
    );
    // The smallest of all looks stays; and nothing is rounded to 0.
    let (out, _, _) =
        says("srm --observed 100,100 --observed 9000,5000 --observed 90000,90000 --json");
    let seen: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(
        seen["p_value"] == 1.0 && seen["sequential_p_value"].as_f64().unwrap() < 1e-30,
        "{out}"
    );
    refuses("srm --observed 5,a", "no list of numbers");
    refuses("srm --observed 5,-1", "whole number of at least 0");
    refuses("srm --observed 5.5,1", "whole number of at least 0");
    refuses("srm --observed 5,5 --expected 50", "the number of weights has to be that of the arms");
    refuses("srm --observed 0,0", "a split is not known without any unit");
    refuses("srm --observed 5,5 --observed 4,9", "each look has to be of counts");
    refuses("srm --observed 5,5 --observed 9,9,9", "the looks differ");
    refuses("srm", "--observed");
}

#[test]
fn comparisons() {
    // From scipy 1.17's normal and t distributions and the formulas by hand.
    check(
        "compare --metric proportion --arm 4100/100000 --arm 4300/100000",
        r#"{"absolute": {"effect": 0.002, "low": 0.00024181289021544075,
                "high": 0.003758187109784549, "p_value": 0.025778772564312453},
            "relative": {"effect": 0.04878048780487787, "low": 0.004863319681315252,
                "high": 0.09269765592844048, "p_value": 0.02948001658479231}}"#,
    );
    check(
        "compare --metric mean --arm 100,500,3000 --arm 120,640,4000",
        r#"{"absolute": {"effect": 0.33333333333333304, "low": -0.263259559020939,
                "high": 0.9299262256876051, "p_value": 0.2719680685917068},
            "relative": {"effect": 0.06666666666666665, "low": -0.05710159799994352,
                "high": 0.19043493133327682, "p_value": 0.2895293933170517}}"#,
    );
    check(
        "compare --metric ratio --arm 1000,300,420,5000,31000,1900 --arm 1000,340,500,5100,32000,2100",
        r#"{"absolute": {"effect": 0.006666666666666682, "low": -0.0033457310394345973,
                "high": 0.016679064372767963, "p_value": 0.19188442873511236},
            "relative": {"effect": 0.11111111111111138, "low": -0.064642672372241,
                "high": 0.28686489459446374, "p_value": 0.21531423365714386}}"#,
    );
    // As gbstats 0.8 has it.
    check(
        "compare --metric proportion --arm 4100/100000 --arm 4300/100000 --method sequential --planned 200000",
        r#"{"absolute": {"effect": 0.002, "low": -0.0007227364198909188,
                "high": 0.0047227364198909084, "p_value": 0.328829067612315},
            "relative": {"effect": 0.04878048780487787, "low": -0.0192298351255119,
                "high": 0.11679081073526773, "p_value": 0.364419760349653}}"#,
    );
    // Far out nothing is rounded to 0; from mpmath at 40 digits.
    let (out, _, _) =
        says("compare --metric proportion --arm 4000/100000 --arm 4800/100000 --json");
    let seen: serde_json::Value = serde_json::from_str(&out).unwrap();
    for (effect, p_value) in
        [("absolute", 2.691_796_533_829_549_5e-18), ("relative", 1.711_893_105_322_418_9e-15)]
    {
        let got = seen[effect]["p_value"].as_f64().unwrap();
        assert!((got / p_value - 1.0).abs() < 1e-11, "{out}");
    }
    // A control of nobody has no relative effect.
    let (out, _, _) = says("compare --metric proportion --arm 0/90 --arm 9/90 --json");
    assert!(out.contains(r#""relative":null"#), "{out}");
    refuses("compare --metric proportion --arm 1/2", "two arms are compared, not 1");
    refuses(
        "compare --metric proportion --arm 3/2 --arm 1/2",
        "in the arm `3/2` the number of successes",
    );
    refuses("compare --metric proportion --arm 0/9 --arm 0/9", "an error is not known");
    refuses("compare --metric mean --arm 10,5 --arm 10,5,9", "`10,5` is no arm of the shape n,sum");
    refuses("compare --metric mean --arm 10,50,5 --arm 10,5,9", "the sum of squares has to be");
    refuses("compare --metric mean --arm 10,nan,5 --arm 10,5,9", "is no arm");
    let sequential = "compare --metric proportion --arm 4/10 --arm 5/10 --method sequential";
    refuses(sequential, "--method sequential needs --planned");
    let group = "compare --metric proportion --arm 4/10 --arm 5/10 --method group-sequential";
    refuses(group, "needs --look");
    refuses(&format!("{group} --look 6/5"), "no look such as");
}

#[test]
fn plans() {
    // R's `power.prop.test(p1 = .50, p2 = .75, power = .90)`: 76.7, and with n = 50 a power of 0.740.
    check(
        "plan --baseline 50% --detect 50% --power 90%",
        r#"{"visitors_per_arm": 77, "days": null}"#,
    );
    check(
        "plan --baseline 50% --detect-absolute 25pp --power 90% --visitors-per-day 10 --arms 3",
        r#"{"visitors_per_arm": 77, "days": 24}"#,
    );
    check(
        "power --baseline 50% --detect-absolute 25pp --visitors-per-arm 50",
        r#"{"power": 0.7401659013313878}"#,
    );
    refuses("plan --baseline 50%", "--detect");
    refuses("plan --baseline 0% --detect 5%", "the baseline has to be between");
    refuses("plan --baseline 60% --detect 90%", "the change leads to 114%");
    refuses("plan --baseline 60% --detect 0%", "the difference has to be other than 0");
    refuses("plan --baseline 5% --detect 5% --arms 1", "two arms or more");
    refuses("plan --baseline 5% --detect 5% --power 100%", "the power has to be");
    refuses(
        "power --baseline 5% --detect 5% --visitors-per-arm 0",
        "the number of units has to be",
    );
}

#[test]
fn bounds_and_adjustments() {
    let (out, _, _) = says("boundaries --looks 5 --spending obrien-fleming --alpha 0.05 --json");
    assert!(out.starts_with(r#"{"z":[4.8768849487907"#), "{out}");
    // statsmodels 0.15.
    check(
        "adjust --p 0.02,0.001,0.03,0.8,0.008 --method hommel",
        r#"{"adjusted": [0.045, 0.005, 0.06, 0.8, 0.032]}"#,
    );
    refuses("boundaries --looks 0", "the number of looks has to be");
    refuses("boundaries --looks 5 --spending power:-1", "is not `obrien-fleming`");
    refuses("adjust --p 0.1,2", "each p value has to be within 0 and 1");
}

#[test]
fn what_people_read() {
    let mut text = String::new();
    for line in [
        "srm --observed 821588,815482 --expected 50,50",
        "srm --observed 530,470,0 --expected 50,50,0",
        "srm --observed 500,500,1 --expected 50,50,0",
        "compare --metric proportion --arm 4100/100000 --arm 4300/100000",
        "compare --metric mean --arm 100,500,3000 --arm 100,530,3300 --method sequential --planned 1000",
        "compare --metric proportion --arm 41/1000 --arm 60/1000 --method group-sequential --look 2/5",
        "compare --metric proportion --arm 41/1000 --arm 60/1000 --method bayesian",
        "plan --baseline 4.1% --detect 5% --visitors-per-day 8000",
        "power --baseline 50% --detect-absolute 25pp --visitors-per-arm 50",
        "boundaries --looks 5 --spending obrien-fleming",
        "adjust --p 0.01,0.02,0.04 --method holm",
        "compare --metric proportion --arm 4/10 --arm 5/10 --method sequential",
    ] {
        let (out, err, code) = says(line);
        text.push_str(&format!("$ gate experiment {line}\n{out}{err}(exit {})\n\n", code.0));
    }
    insta::assert_snapshot!("what_people_read", text);
}

#[test]
fn every_question_has_an_example_that_works() {
    let help = help();
    let examples: Vec<&str> = help
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Example: gate experiment "))
        .collect();
    assert_eq!(examples.len(), 12, "{help}");
    let needs_spec = |example: &&str| example.contains(".yaml");
    for example in examples.into_iter().filter(|example| !needs_spec(example)) {
        let (out, err, code) = says(example);
        assert_eq!((err.as_str(), code), ("", ExitCode::PROMOTE), "{example}: {out}");
    }
    println!("{help}");
}
