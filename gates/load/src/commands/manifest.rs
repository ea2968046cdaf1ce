//! `gate load manifest URL`.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use gate_core::{Context, Error, ExitCode, Json};
use serde_json::json;

use super::coordinate::{PORT, Together, shared};
use super::worker::VARIABLE;
use super::{Load, complained};
use crate::settings::Settings;
use crate::target;

const ABOUT: &str = "Print what has Kubernetes send load from several pods as one";
const LONG: &str = "\
Print what has Kubernetes send load from several pods as one.

It is an Indexed Job with one command for all pods: the pod with index 0 coordinates, sends a part,
too, and tells the verdict; the others are its workers. A headless Service gives it a name. The
token that they share comes from a Secret; how to make that stands in the first lines, and no token
is ever printed. All other options are those of `gate load URL`, and stand in the manifest as they
were given: a secret in a header or in the address does, too. Files that they name are files of the
image.

The pod with index 0 ends with the exit code of the run, and so its Job is complete or has failed.
No pod is started again: load that is sent twice says nothing. It wants Kubernetes 1.29 or newer.";

#[derive(Debug, Parser)]
#[command(
    name = "gate load manifest",
    max_term_width = 100,
    about = ABOUT,
    long_about = LONG,
    after_help = "",
)]
struct Manifest {
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    fleet: Together,
    /// The image that the pods run; `gate` has to be on its path.
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// What the Job and its Service are called.
    #[arg(long, value_name = "NAME", default_value = "gate-load", value_parser = name)]
    name: String,
    /// The namespace; that of whoever applies it when nothing is said.
    #[arg(long, value_name = "NAME", value_parser = name)]
    namespace: Option<String>,
    /// The Secret that holds the token under the key `token`: named as the Job is when nothing is
    /// said.
    #[arg(long, value_name = "NAME", value_parser = name)]
    secret: Option<String>,
    /// How much of a processor each pod has to itself: one for each thread that sends and one more
    /// when nothing is said.
    #[arg(long, value_name = "QUANTITY")]
    cpu: Option<String>,
    /// How much memory each pod has to itself.
    #[arg(long, value_name = "QUANTITY", default_value = "512Mi")]
    memory: String,
}

/// A name that may be part of a host's (RFC 1123), with room for the index of a pod behind it.
fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_good = !text.is_empty()
        && text.len() <= 50
        && text.chars().all(is_plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    let said = "a name has up to 50 small letters, digits and hyphens, and begins with a letter";
    if is_good { Ok(text.to_owned()) } else { Err(said.to_owned()) }
}

pub(super) fn help() -> String {
    gate_arguments::help::<Manifest>(&[])
}

pub(super) fn run(words: &[OsString], cx: &Context) -> ExitCode {
    let asked: Manifest = match gate_arguments::parse_in(words, cx) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    let made = asked.checked().and_then(|spec| {
        let given = given(words)?;
        Ok((asked.text(&spec, &given), files(&given)))
    });
    match made {
        Ok((text, files)) => {
            cx.print(&text);
            if !files.is_empty() {
                let said = format!("gate: {} name files of the pods\n", files.join(" and "));
                cx.complain(&said);
            }
            if asked.may_hold_a_secret() {
                cx.complain(
                    "gate: headers and addresses stand in the manifest as they were given: \
                     whoever reads the Job reads them\n",
                );
            }
            ExitCode::PROMOTE
        }
        Err(error) => complained(cx, &error, ExitCode::USAGE),
    }
}

/// The options of `gate load URL` as they were given, whichever there are.
fn given(words: &[OsString]) -> Result<Vec<String>, Error> {
    let words = std::iter::once(OsString::from("gate load manifest")).chain(words.iter().cloned());
    let matches = Manifest::command().try_get_matches_from(words);
    let matches = matches.map_err(|error| Error::new(error.to_string()))?;
    let (load, mut given) = (Load::command(), Vec::new());
    for argument in load.get_arguments() {
        let id = argument.get_id().as_str();
        if matches.value_source(id) != Some(clap::parser::ValueSource::CommandLine) {
            continue;
        }
        let Some(long) = argument.get_long() else { continue };
        if !argument.get_action().takes_values() {
            given.push(format!("--{long}"));
            continue;
        }
        for value in matches.get_raw(id).into_iter().flatten() {
            let value = value.to_str().ok_or_else(|| {
                Error::new(format!("the value of --{long} is no text"))
                    .hint("a manifest can only hold what is written in UTF-8")
            })?;
            given.push(format!("--{long}={value}"));
        }
    }
    Ok(given)
}

/// Those of the options that name files.
fn files(given: &[String]) -> Vec<&'static str> {
    let names = ["--authorities", "--compare-with", "--out", "--save"];
    let is_given = |name: &&str| {
        given.iter().any(|word| word.strip_prefix(*name).is_some_and(|rest| rest.starts_with('=')))
    };
    names.into_iter().filter(is_given).collect()
}

impl Manifest {
    fn checked(&self) -> Result<Settings, Error> {
        for url in [&self.load.url].into_iter().chain(&self.load.compare) {
            target::parse(url)?;
        }
        shared(&self.load, self.fleet.workers)
    }

    fn may_hold_a_secret(&self) -> bool {
        let names = |url: &String| target::parse(url).is_ok_and(|url| !url.username().is_empty());
        let urls = [&self.load.url].into_iter().chain(&self.load.compare);
        !self.load.headers.is_empty() || urls.into_iter().any(names)
    }

    fn secret(&self) -> &str {
        self.secret.as_deref().unwrap_or(&self.name)
    }

    /// How long it may take at the most, in seconds, with room for pods to be started.
    fn deadline(&self, spec: &Settings) -> u64 {
        let looks = spec.looks();
        let measured = spec.duration().as_secs_f64() * 2_f64.powi(looks as i32 - 1);
        // A search has a time of its own, and ends the step that it is at.
        let search = spec.capacity.as_ref().map_or(0.0, |one| 2.0 * one.duration.0.as_secs_f64());
        let measured = measured.max(search);
        let around = (spec.warm_up.0 + spec.timeout.0).as_secs_f64() * f64::from(looks);
        (self.fleet.wait.0.as_secs_f64() + measured + around + 600.0).ceil() as u64
    }

    fn text(&self, spec: &Settings, given: &[String]) -> String {
        let name = &self.name;
        let at =
            self.namespace.as_ref().map_or(String::new(), |name| format!(" --namespace {name}"));
        let index = format!(
            "batch.kubernetes.io/job-name={name},batch.kubernetes.io/job-completion-index=0"
        );
        let secret = self.secret();
        let comments = format!(
            "# Load from {} pods as one. First the token that they share:\n\
             #   kubectl{at} create secret generic {secret} \
             --from-literal=token=\"$(openssl rand -hex 32)\"\n\
             # Then this file (kubectl{at} apply -f FILE). What came out, and the exit code:\n\
             #   kubectl{at} logs --follow --selector {index}\n\
             #   kubectl{at} get pods --selector {index} --output \\\n\
             #     jsonpath='{{.items[0].status.containerStatuses[0].state.terminated.exitCode}}'\n\
             # Before the next run: kubectl{at} delete job {name}\n",
            self.fleet.workers
        );
        let written = |one: &Json| serde_yaml::to_string(one).unwrap_or_default();
        let (service, job) = (written(&self.service()), written(&self.job(spec, given)));
        format!("{comments}---\n{service}---\n{job}")
    }

    fn metadata(&self) -> Json {
        let mut metadata = json!({ "labels": { "gate-load": self.name }, "name": self.name });
        if let (Some(namespace), Some(fields)) = (&self.namespace, metadata.as_object_mut()) {
            fields.insert("namespace".to_owned(), json!(namespace));
        }
        metadata
    }

    fn service(&self) -> Json {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(),
            "spec": {
                "clusterIP": "None",
                "ports": [{ "name": "coordinator", "port": PORT, "protocol": "TCP" }],
                // Workers have to find the coordinator before it is ready, which it never says.
                "publishNotReadyAddresses": true,
                "selector": { "gate-load": self.name },
            },
        })
    }

    fn job(&self, spec: &Settings, given: &[String]) -> Json {
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self.metadata(),
            "spec": {
                "activeDeadlineSeconds": self.deadline(spec),
                // A pod that has failed is not started again, and ends no other: the one with
                // index 0 has to tell what came out.
                "backoffLimitPerIndex": 0,
                "completionMode": "Indexed",
                "completions": self.fleet.workers,
                "parallelism": self.fleet.workers,
                "template": {
                    "metadata": { "labels": { "gate-load": self.name } },
                    "spec": {
                        "automountServiceAccountToken": false,
                        "containers": [self.container(spec, given)],
                        "enableServiceLinks": false,
                        "restartPolicy": "Never",
                        "subdomain": self.name,
                        "terminationGracePeriodSeconds": 10,
                        "topologySpreadConstraints": [{
                            "labelSelector": { "matchLabels": { "gate-load": self.name } },
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                        }],
                    },
                },
            },
        })
    }

    fn container(&self, spec: &Settings, given: &[String]) -> Json {
        let versions = 1 + usize::from(spec.compare.is_some());
        let cpu = self.cpu.clone().unwrap_or_else(|| (spec.threads * versions + 1).to_string());
        let resources = json!({ "cpu": cpu, "memory": self.memory });
        let own = [
            "gate".to_owned(),
            "load".to_owned(),
            "coordinate".to_owned(),
            self.load.url.clone(),
            format!("--workers={}", self.fleet.workers),
            format!("--wait={}", self.fleet.wait),
            format!("--job={}", self.name),
        ];
        // Kubernetes takes `$(NAME)` for a variable, and `$$` for a dollar.
        let command: Vec<String> =
            own.iter().chain(given).map(|word| word.replace('$', "$$")).collect();
        json!({
            "command": command,
            "env": [{
                "name": VARIABLE,
                "valueFrom": { "secretKeyRef": { "key": "token", "name": self.secret() } },
            }],
            "image": self.image,
            "name": "gate",
            "ports": [{ "containerPort": PORT, "name": "coordinator", "protocol": "TCP" }],
            "resources": { "limits": resources, "requests": resources },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
            },
        })
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
