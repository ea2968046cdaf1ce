use serde::Deserialize;
use serde_yaml::Value;

use super::*;

fn manifest(words: &[&str]) -> Result<String, String> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let all = std::iter::once(OsString::from("manifest")).chain(words.iter().cloned());
    let asked = Manifest::try_parse_from(all).map_err(|error| error.to_string())?;
    let text = asked.checked().and_then(|spec| Ok(asked.text(&spec, &given(&words)?)));
    text.map_err(|error| error.to_string())
}

const USUAL: &[&str] =
    &["https://shop.example/offers", "--workers", "4", "--image", "registry.example/gate:1"];
const MORE: &[&str] = &[
    "--rate=2000/s",
    "--threshold",
    "p(95)<500ms",
    "--threshold",
    "rate<1%",
    "--poisson",
    "--header",
    "x-price: $5 $(HOME)",
    "--compare=https://live.example/offers",
    "--json",
    "--threads",
    "2",
    "--duration",
    "5m",
    "--namespace=speed",
    "--name",
    "offers",
    "--secret",
    "offers-token",
];

#[test]
fn what_kubernetes_is_given() {
    insta::assert_snapshot!("manifest", manifest(USUAL).unwrap());
    insta::assert_snapshot!("manifest_with_more", manifest(&[USUAL, MORE].concat()).unwrap());
}

#[test]
fn what_cannot_be_a_manifest_is_told() {
    let check = |more: &[&str], said: &str| {
        let error = manifest(&[USUAL, more].concat()).unwrap_err();
        assert!(error.contains(said), "{error}");
    };
    check(&["--name", "Offers"], "a name has up to 50 small letters");
    check(&["--name", "-x"], "unexpected argument '-x'");
    check(&["--secret", "a/b"], "a name has up to 50 small letters");
    check(&["--max-connections", "3"], "cannot be shared out to 4 workers");
    let none = manifest(&["http://h/", "--workers", "0", "--image", "i"]).unwrap_err();
    assert!(none.contains("0 is not in 1..=400"), "{none}");
    let bare = manifest(&["shop.example", "--workers", "2", "--image", "i"]).unwrap_err();
    assert!(bare.contains("`shop.example` is no address"), "{bare}");
}

/// The fields of `batch/v1` Job and `v1` Service that there are (the reference of the Kubernetes API,
/// 1.29 and later), as far as they are used here, with their types. `[]` are items of a list and
/// `*` is any key.
const FIELDS: &[(&str, &str)] = &[
    ("Job.apiVersion", "string"),
    ("Job.kind", "string"),
    ("Job.metadata.labels.*", "string"),
    ("Job.metadata.name", "string"),
    ("Job.metadata.namespace", "string"),
    ("Job.spec.activeDeadlineSeconds", "integer"),
    ("Job.spec.backoffLimitPerIndex", "integer"),
    ("Job.spec.completionMode", "string"),
    ("Job.spec.completions", "integer"),
    ("Job.spec.parallelism", "integer"),
    ("Job.spec.template.metadata.labels.*", "string"),
    ("Job.spec.template.spec.automountServiceAccountToken", "boolean"),
    ("Job.spec.template.spec.containers[].command[]", "string"),
    ("Job.spec.template.spec.containers[].env[].name", "string"),
    ("Job.spec.template.spec.containers[].env[].valueFrom.secretKeyRef.key", "string"),
    ("Job.spec.template.spec.containers[].env[].valueFrom.secretKeyRef.name", "string"),
    ("Job.spec.template.spec.containers[].image", "string"),
    ("Job.spec.template.spec.containers[].name", "string"),
    ("Job.spec.template.spec.containers[].ports[].containerPort", "integer"),
    ("Job.spec.template.spec.containers[].ports[].name", "string"),
    ("Job.spec.template.spec.containers[].ports[].protocol", "string"),
    ("Job.spec.template.spec.containers[].resources.limits.*", "string"),
    ("Job.spec.template.spec.containers[].resources.requests.*", "string"),
    ("Job.spec.template.spec.containers[].securityContext.allowPrivilegeEscalation", "boolean"),
    ("Job.spec.template.spec.containers[].securityContext.capabilities.drop[]", "string"),
    ("Job.spec.template.spec.enableServiceLinks", "boolean"),
    ("Job.spec.template.spec.restartPolicy", "string"),
    ("Job.spec.template.spec.subdomain", "string"),
    ("Job.spec.template.spec.terminationGracePeriodSeconds", "integer"),
    ("Job.spec.template.spec.topologySpreadConstraints[].labelSelector.matchLabels.*", "string"),
    ("Job.spec.template.spec.topologySpreadConstraints[].maxSkew", "integer"),
    ("Job.spec.template.spec.topologySpreadConstraints[].topologyKey", "string"),
    ("Job.spec.template.spec.topologySpreadConstraints[].whenUnsatisfiable", "string"),
    ("Service.apiVersion", "string"),
    ("Service.kind", "string"),
    ("Service.metadata.labels.*", "string"),
    ("Service.metadata.name", "string"),
    ("Service.metadata.namespace", "string"),
    ("Service.spec.clusterIP", "string"),
    ("Service.spec.ports[].name", "string"),
    ("Service.spec.ports[].port", "integer"),
    ("Service.spec.ports[].protocol", "string"),
    ("Service.spec.publishNotReadyAddresses", "boolean"),
    ("Service.spec.selector.*", "string"),
];

/// Maps whose keys are whatever somebody likes.
const MAPS: &[&str] = &["labels", "matchLabels", "selector", "limits", "requests"];

fn fields(path: &str, value: &Value, found: &mut Vec<(String, &'static str)>) {
    match value {
        Value::Mapping(map) => {
            let last = path.rsplit('.').next().unwrap();
            for (key, value) in map {
                let key = if MAPS.contains(&last) { "*" } else { key.as_str().unwrap() };
                fields(&format!("{path}.{key}"), value, found);
            }
        }
        Value::Sequence(all) => {
            for value in all {
                fields(&format!("{path}[]"), value, found);
            }
        }
        Value::String(_) => found.push((path.to_owned(), "string")),
        Value::Bool(_) => found.push((path.to_owned(), "boolean")),
        Value::Number(number) if number.is_u64() => found.push((path.to_owned(), "integer")),
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn it_is_what_the_api_takes() {
    for words in [USUAL.to_vec(), [USUAL, MORE].concat()] {
        let text = manifest(&words).unwrap();
        let documents: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
            .map(|one| Value::deserialize(one).unwrap())
            .collect();
        let [service, job] = &documents[..] else { panic!("{text}") };
        let mut found = Vec::new();
        for one in [service, job] {
            fields(one["kind"].as_str().unwrap(), one, &mut found);
        }
        for (path, kind) in &found {
            assert!(FIELDS.contains(&(path.as_str(), kind)), "{path} is no {kind} there");
        }
        assert_eq!(job["apiVersion"], "batch/v1");
        let (spec, pod) = (&job["spec"], &job["spec"]["template"]["spec"]);
        // As many pods as parts, at the same time; none of them is started again.
        assert_eq!((&spec["completions"], &spec["parallelism"]), (&4.into(), &4.into()));
        assert_eq!(spec["completionMode"], "Indexed");
        assert_eq!(
            (&spec["backoffLimitPerIndex"], &spec["backoffLimit"]),
            (&0.into(), &Value::Null)
        );
        assert_eq!(pod["restartPolicy"], "Never");
        // The pod with index 0 is called NAME-0.SERVICE, ready or not.
        let name = service["metadata"]["name"].clone();
        assert_eq!((&pod["subdomain"], &job["metadata"]["name"]), (&name, &name));
        assert_eq!(service["metadata"]["namespace"], job["metadata"]["namespace"]);
        assert_eq!(service["spec"]["clusterIP"], "None");
        assert_eq!(service["spec"]["publishNotReadyAddresses"], true);
        assert_eq!(service["spec"]["selector"], spec["template"]["metadata"]["labels"]);
        let container = &pod["containers"][0];
        assert_eq!(container["resources"]["requests"], container["resources"]["limits"]);
        let env = &container["env"][0];
        assert_eq!(env["name"], VARIABLE);
        assert!(env["valueFrom"]["secretKeyRef"]["name"].is_string() && env["value"].is_null());
        assert!(text.contains("create secret generic") && !text.contains("value:"));
        let listening = &container["ports"][0]["containerPort"];
        assert_eq!((listening, &service["spec"]["ports"][0]["port"]), (&PORT.into(), &PORT.into()));
    }
}

#[test]
fn a_search_is_given_its_time_and_files_are_told() {
    let deadline = |more: &[&str]| {
        let text = manifest(&[USUAL, more].concat()).unwrap();
        let line = text.lines().find_map(|line| line.split_once("activeDeadlineSeconds: "));
        line.unwrap().1.parse::<u64>().unwrap()
    };
    assert!((600..1800).contains(&deadline(&[])));
    assert!(deadline(&["--capacity", "--duration", "1h"]) > 3600 + 600);
    assert!(deadline(&["--duration", "1h", "--max-duration", "2h"]) > 7200 + 600);
    let given = ["--save=a", "--saved", "--authorities=b"].map(str::to_owned);
    assert_eq!(files(&given), ["--authorities", "--save"]);
}

/// What stands in the manifest is what was asked for: read as Kubernetes and `gate` read it.
#[test]
fn its_command_says_what_was_asked_for() {
    let text = manifest(&[USUAL, MORE].concat()).unwrap();
    let job =
        Value::deserialize(serde_yaml::Deserializer::from_str(&text).nth(1).unwrap()).unwrap();
    let command =
        job["spec"]["template"]["spec"]["containers"][0]["command"].as_sequence().unwrap();
    let words: Vec<String> =
        command.iter().map(|word| word.as_str().unwrap().replace("$$", "$")).collect();
    assert_eq!(words[..3], ["gate", "load", "coordinate"]);
    let there = super::super::coordinate::Coordinate::try_parse_from(&words[2..]).unwrap();
    let here = [&["manifest"][..], USUAL, MORE].concat();
    let here = Manifest::try_parse_from(here).unwrap();
    assert_eq!(format!("{:?}", there.load), format!("{:?}", here.load));
    assert_eq!(format!("{:?}", there.fleet), format!("{:?}", here.fleet));
    assert!(words.contains(&"--job=offers".to_owned()), "{words:?}");
    assert!(words.contains(&"--header=x-price: $5 $(HOME)".to_owned()), "{words:?}");
}
