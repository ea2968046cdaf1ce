//! From files and filters to gates that are ready to run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use gate_core::spec::{
    Diagnosis, EnvironmentSpec, Header, ReadError, Reading, SecretSource, SpecDocument, With,
    secrets_in,
};
use gate_core::{
    AnyGate, Digest, Environment, Error, Filters, Needs, Redactor, Registry, Selection, Settings,
    Skipped, files,
};
use globset::Glob;
use url::Url;

use crate::discover::{self, Project};
use crate::usage::Stop;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Files or folders.
    pub paths: Vec<PathBuf>,
    /// An environment.
    pub env: Option<String>,
    /// A promotion.
    pub promotion: Option<String>,
    /// An address that stands in for the candidate's.
    pub url: Option<Url>,
    /// Kinds.
    pub kinds: Vec<String>,
    /// Globs of names.
    pub names: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Which part of how many.
    pub shard: Option<Shard>,
}

/// Part `index` of `count`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').and_then(|(index, count)| {
            Some(Shard { index: index.parse().ok()?, count: count.parse().ok()? })
        });
        match parts {
            Some(shard) if (1..=shard.count).contains(&shard.index) && shard.count <= 10_000 => {
                Ok(shard)
            }
            _ => Err(format!("`{text}` is not a part such as 2/4")),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// A gate that is ready to run.
pub struct Ready {
    /// Its document.
    pub document: SpecDocument,
    /// Its kind.
    pub gate: Arc<dyn AnyGate>,
    /// Its settings.
    pub settings: Settings,
    /// What it needs.
    pub needs: Needs,
}

impl Ready {
    /// The header of its spec.
    pub fn header(&self) -> &Header {
        &self.document.header
    }
}

/// Everything that a run needs to begin.
pub struct Suite {
    /// The workspace and its configuration.
    pub project: Project,
    /// The gates, in the order of their names.
    pub gates: Vec<Ready>,
    /// Gates that were chosen but have nothing to run against.
    pub skipped: Vec<Skipped>,
    /// What was chosen.
    pub selection: Selection,
    /// The environment under test.
    pub candidate: Option<Environment>,
    /// The environment that it would replace.
    pub baseline: Option<Environment>,
    /// All environments in use.
    pub environments: BTreeMap<String, Environment>,
    /// The plain variables that were used.
    pub variables: BTreeMap<String, String>,
    /// The secrets in use.
    pub secrets: BTreeMap<String, String>,
    /// Knows the secrets.
    pub redactor: Redactor,
    /// Over all that shards of one suite must agree in.
    pub digest: Digest,
}

/// Reads every document of the chosen files, and finds names that are there twice.
pub fn documents(
    project: &Project,
    folder: &std::path::Path,
    wanted: &Wanted,
    vars: &BTreeMap<String, String>,
) -> Result<(Vec<SpecDocument>, Vec<Diagnosis>), Stop> {
    let (files, mut diagnoses) = discover::spec_files(project, folder, &wanted.paths)?;
    let vars = |name: &str| vars.get(name).cloned();
    let mut found: Vec<SpecDocument> = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for document in files.iter().flat_map(|file| file.documents(&vars)) {
        match document {
            Ok(document) => {
                let place = format!("{}:{}", document.file.shown, document.first_line);
                let name = document.header.name.clone();
                if let Some(first) = names.insert(name.clone(), place) {
                    let mut error = at(&["name"], format!("a second gate is called `{name}`"));
                    error.hint = Some(format!("the first one is at {first}"));
                    diagnoses.push(document.diagnose(&error));
                }
                found.push(document);
            }
            Err(diagnosis) => diagnoses.push(diagnosis),
        }
    }
    found.sort_by(|one, other| one.header.name.cmp(&other.header.name));
    Ok((found, diagnoses))
}

fn at(path: &[&str], message: String) -> ReadError {
    ReadError {
        path: path.iter().map(|&part| part.to_owned()).collect(),
        spot: gate_core::spec::Spot::Value,
        message,
        hint: None,
        missing_variable: false,
    }
}

/// Whether a gate is chosen by the filters and by the promotion's tags.
pub struct Chooser {
    kinds: Vec<String>,
    names: Vec<globset::GlobMatcher>,
    tags: BTreeSet<String>,
}

impl Chooser {
    /// From the command line and, for a promotion, its tags.
    pub fn new(wanted: &Wanted, promotion_tags: &[String]) -> Result<Chooser, Stop> {
        let names = wanted
            .names
            .iter()
            .map(|name| Ok(Glob::new(name)?.compile_matcher()))
            .collect::<Result<_, globset::Error>>()
            .map_err(|error| Stop::usage(format!("--name: {error}")))?;
        let tags = wanted.tags.iter().chain(promotion_tags).cloned().collect();
        Ok(Chooser { kinds: wanted.kinds.clone(), names, tags })
    }

    /// Whether it is chosen.
    pub fn takes(&self, header: &Header) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&header.gate))
            && (self.names.is_empty() || self.names.iter().any(|glob| glob.is_match(&header.name)))
            && self.tags.iter().all(|tag| header.tags.contains(tag))
    }
}

/// Reads, chooses and resolves. Everything that is wrong is reported at once.
pub fn prepare(
    project: Project,
    (documents, mut diagnoses): (Vec<SpecDocument>, Vec<Diagnosis>),
    registry: &Registry,
    wanted: &Wanted,
    ambient: &BTreeMap<String, String>,
) -> Result<Suite, Stop> {
    check_words(&project, registry, wanted)?;
    let promotion = wanted.promotion.as_ref().map(|name| &project.config.promotions[name]);
    let chooser = Chooser::new(wanted, promotion.map_or(&[], |promotion| &promotion.tags))?;
    let vars = |name: &str| ambient.get(name).cloned();
    let (mut gates, mut used) = (Vec::new(), BTreeMap::new());
    let nothing_there = documents.is_empty() && diagnoses.is_empty();
    for document in documents {
        let chosen = chooser.takes(&document.header);
        match ready(document, registry, &vars) {
            Ok((ready, variables)) if chosen => {
                used.extend(variables);
                gates.push(ready);
            }
            Err(Unready { missing_variable: true, .. }) if !chosen => {}
            Ok(_) => {}
            Err(unready) => diagnoses.extend(unready.diagnoses),
        }
    }
    diagnoses.extend(gates.iter().flat_map(|gate| named_environments(&project, gate)));
    diagnoses.extend(gates.iter().flat_map(|gate| named_secrets(&project, gate)));
    diagnoses.extend(gates.iter().flat_map(named_files));
    if !diagnoses.is_empty() {
        return Err(Stop::Diagnoses(diagnoses));
    }
    let skipped = skip(&mut gates, wanted.promotion.is_some());
    if gates.is_empty() {
        return Err(Stop::Nothing(nothing(nothing_there, &skipped, wanted, &project)));
    }
    resolve(project, gates, skipped, wanted, ambient, used)
}

/// Names on the command line that nothing has.
pub(crate) fn check_words(
    project: &Project,
    registry: &Registry,
    wanted: &Wanted,
) -> Result<(), Stop> {
    let config = &project.config;
    if let Some(kind) = wanted.kinds.iter().find(|kind| registry.get(kind).is_none()) {
        return Err(Stop::usage_hint(format!("there is no kind `{kind}`"), registry.hint(kind)));
    }
    if let Some(name) = &wanted.env
        && !config.environments.contains_key(name)
    {
        let error = Error::new(format!("there is no environment `{name}`"));
        return Err(Stop::Usage(
            config.environment_hint(name).into_iter().fold(error, Error::hint),
        ));
    }
    if let Some(name) = &wanted.promotion
        && !config.promotions.contains_key(name)
    {
        let names = || config.promotions.keys().map(String::as_str);
        let all: Vec<_> = names().collect();
        let hint = gate_core::spec::did_you_mean(name, names()).unwrap_or_else(|| match &*all {
            [] => "gate.yaml has none; add one under `promotions`".to_owned(),
            all => format!("there are: {}", all.join(", ")),
        });
        return Err(Stop::usage_hint(format!("there is no promotion `{name}`"), hint));
    }
    Ok(())
}

/// A document that cannot be used.
pub(crate) struct Unready {
    /// Why.
    pub(crate) diagnoses: Vec<Diagnosis>,
    /// Whether only a variable is not set.
    pub(crate) missing_variable: bool,
}

type Used = BTreeMap<String, String>;

/// Reads the settings of a document.
pub(crate) fn ready(
    document: SpecDocument,
    registry: &Registry,
    vars: &dyn gate_core::values::Vars,
) -> Result<(Ready, Used), Unready> {
    let refused = |diagnoses, missing_variable| Unready { diagnoses, missing_variable };
    let Some(kind) = registry.get(&document.header.gate) else {
        let mut error = at(&["gate"], format!("there is no kind `{}`", document.header.gate));
        error.hint = Some(registry.hint(&document.header.gate));
        return Err(refused(vec![document.diagnose(&error)], false));
    };
    let reading = Reading::expanding(vars);
    let settings = kind
        .gate()
        .read(With { node: &document.with, reading: &reading })
        .map_err(|error| refused(vec![document.diagnose(&error)], error.missing_variable))?;
    let problems = kind.gate().validate(&settings);
    if !problems.is_empty() {
        let located = problems.iter().map(|problem| document.locate(problem)).collect();
        return Err(refused(located, false));
    }
    let needs = kind.gate().needs(&settings);
    let mut used = reading.used();
    used.extend(document.variables.clone());
    Ok((Ready { document, gate: kind.gate().clone(), settings, needs }, used))
}

fn named_environments(project: &Project, gate: &Ready) -> Vec<Diagnosis> {
    gate.needs
        .environments
        .iter()
        .filter(|(_, name)| !project.config.environments.contains_key(name))
        .map(|(path, name)| {
            let path: Vec<&str> =
                std::iter::once("with").chain(path.iter().map(String::as_str)).collect();
            let mut error = at(&path, format!("there is no environment `{name}`"));
            error.hint = project.config.environment_hint(name);
            gate.document.diagnose(&error)
        })
        .collect()
}

fn named_files(gate: &Ready) -> Vec<Diagnosis> {
    let file = &gate.document.file;
    let folder = file.path.parent().unwrap_or(std::path::Path::new("."));
    let shown = std::path::Path::new(&file.shown).parent().unwrap_or(std::path::Path::new(""));
    let missing = gate.needs.files.iter().filter(|(_, file)| !folder.join(file).is_file());
    missing
        .map(|(path, file)| {
            let path: Vec<&str> =
                std::iter::once("with").chain(path.iter().map(String::as_str)).collect();
            let mut error = at(&path, format!("there is no file `{file}`"));
            error.hint = Some(format!(
                "paths are relative to the spec: it would be {}",
                shown.join(file).display()
            ));
            gate.document.diagnose(&error)
        })
        .collect()
}

fn named_secrets(project: &Project, gate: &Ready) -> Vec<Diagnosis> {
    secrets_in(&gate.document.with)
        .into_iter()
        .filter(|(_, name)| !project.config.secrets.contains_key(name))
        .map(|(path, name)| {
            let path: Vec<&str> =
                std::iter::once("with").chain(path.iter().map(String::as_str)).collect();
            let mut error = at(&path, format!("there is no secret `{name}`"));
            error.hint =
                Some(format!("add it to gate.yaml: secrets: {{ {name}: {{ env: {name} }} }}"));
            gate.document.diagnose(&error)
        })
        .collect()
}

/// Takes out the gates that compare with a promotion's baseline, when there is no promotion.
fn skip(gates: &mut Vec<Ready>, promotion: bool) -> Vec<Skipped> {
    let mut skipped = Vec::new();
    gates.retain(|gate| {
        let keep = promotion || !gate.needs.promotion;
        if !keep {
            skipped.push(Skipped {
                gate: gate.header().name.clone(),
                reason: "it compares with a promotion's baseline; use --promotion NAME".to_owned(),
            });
        }
        keep
    });
    skipped
}

fn nothing(no_files: bool, skipped: &[Skipped], wanted: &Wanted, project: &Project) -> Error {
    if no_files {
        return Error::new(format!("no spec matches {}", project.config.specs.join(", "))).hint(
            "write a spec there, or name files: gate run PATHS; `gate kinds` lists the kinds",
        );
    }
    if !skipped.is_empty() {
        return Error::new("every gate that was chosen compares with a promotion's baseline")
            .hint("use --promotion NAME");
    }
    let mut filters = Vec::new();
    filters.extend(wanted.kinds.iter().map(|kind| format!("--kind {kind}")));
    filters.extend(wanted.names.iter().map(|name| format!("--name {name}")));
    filters.extend(wanted.tags.iter().map(|tag| format!("--tag {tag}")));
    filters.extend(wanted.promotion.iter().map(|name| format!("--promotion {name}")));
    Error::new(format!("no gate matches {}", filters.join(" ")))
        .hint("`gate list` shows every gate with its kind and tags")
}

/// Which environment is under test, by name.
fn candidate_name(
    project: &Project,
    wanted: &Wanted,
    needed: bool,
) -> Result<Option<String>, Stop> {
    let environments = &project.config.environments;
    if let Some(name) = &wanted.promotion {
        return Ok(Some(project.config.promotions[name].candidate.clone()));
    }
    if wanted.env.is_some() {
        return Ok(wanted.env.clone());
    }
    if wanted.url.is_some() && environments.is_empty() {
        return Ok(Some("url".to_owned()));
    }
    let only = if environments.len() == 1 { environments.keys().next() } else { None };
    let default = environments.iter().find(|(_, spec)| spec.default).map(|(name, _)| name);
    match only.or(default) {
        Some(name) => Ok(Some(name.clone())),
        None if wanted.url.is_some() => Ok(Some("url".to_owned())),
        None if !needed => Ok(None),
        None if environments.is_empty() => Err(Stop::usage_hint(
            "a gate needs a running site to look at, and gate.yaml has no environments",
            "use --url URL, or add one under `environments`",
        )),
        None => {
            let names: Vec<_> = environments.keys().map(String::as_str).collect();
            Err(Stop::usage_hint(
                "a gate needs a running site to look at, and several are there",
                format!("use --env with one of: {}", names.join(", ")),
            ))
        }
    }
}

fn resolve(
    mut project: Project,
    gates: Vec<Ready>,
    skipped: Vec<Skipped>,
    wanted: &Wanted,
    ambient: &BTreeMap<String, String>,
    used: Used,
) -> Result<Suite, Stop> {
    let needed = gates.iter().any(|gate| gate.needs.candidate);
    let candidate = candidate_name(&project, wanted, needed)?;
    let promotion = wanted.promotion.as_ref().map(|name| project.config.promotions[name].clone());
    if let (Some(url), Some(name)) = (&wanted.url, &candidate) {
        // A preview keeps the headers and cookies of the environment that it stands in for.
        let template = EnvironmentSpec::at(url);
        let spec = project.config.environments.entry(name.clone());
        spec.and_modify(|spec| spec.url = template.url.clone()).or_insert(template);
    }
    let mut names: BTreeSet<String> = candidate.iter().cloned().collect();
    names.extend(promotion.iter().map(|promotion| promotion.baseline.clone()));
    names.extend(gates.iter().flat_map(|gate| gate.needs.environments.iter().map(|e| e.1.clone())));

    let variables = RefCell::new(used);
    let vars = |name: &str| {
        let value = ambient.get(name).cloned()?;
        variables.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    };
    let mut specs = BTreeMap::new();
    let mut secret_names: BTreeSet<String> = gates
        .iter()
        .flat_map(|gate| secrets_in(&gate.document.with))
        .map(|(_, name)| name)
        .collect();
    for name in names {
        let spec = project.config.environments[&name].expand(&vars).map_err(|missing| {
            Stop::usage_hint(
                format!("the environment `{name}` needs the variable {missing}, which is not set"),
                format!("set {missing}, or write `${{{missing}:-default}}` in gate.yaml"),
            )
        })?;
        secret_names.extend(spec.secrets().map(str::to_owned));
        specs.insert(name, spec);
    }
    let secrets = secrets(&project, secret_names, ambient)?;
    let redactor =
        Redactor::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .map_err(|short| {
                Stop::usage_hint(
                    short.to_string(),
                    "a value this short cannot be kept out of reports",
                )
            })?;
    let environments = specs
        .iter()
        .map(|(name, spec)| Ok((name.clone(), environment(name, spec, &secrets)?)))
        .collect::<Result<BTreeMap<_, _>, Stop>>()?;
    let selection = Selection {
        env: candidate.clone().filter(|_| promotion.is_none()),
        promotion: wanted.promotion.clone(),
        url: wanted.url.as_ref().map(Url::to_string),
        filters: Filters {
            paths: wanted.paths.iter().map(|path| path.display().to_string()).collect(),
            kinds: wanted.kinds.clone(),
            names: wanted.names.clone(),
            tags: wanted.tags.clone(),
        },
        shard: wanted.shard.map(|shard| shard.to_string()),
    };
    let variables = variables.into_inner();
    let digest = digest(&gates, &variables, &specs, &selection);
    Ok(Suite {
        candidate: candidate.and_then(|name| environments.get(&name).cloned()),
        baseline: promotion.and_then(|promotion| environments.get(&promotion.baseline).cloned()),
        project,
        gates,
        skipped,
        selection,
        environments,
        variables,
        secrets,
        redactor,
        digest,
    })
}

fn secrets(
    project: &Project,
    names: BTreeSet<String>,
    ambient: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Stop> {
    let value = |name: &str| match &project.config.secrets[name] {
        SecretSource::Env(variable) => ambient.get(variable).cloned().ok_or_else(|| {
            Stop::usage_hint(
                format!("the secret {name} is not there: the variable {variable} is not set"),
                format!("set {variable}"),
            )
        }),
        SecretSource::File(path) => {
            let bytes = files::read(&project.workspace.root().join(path)).map_err(|error| {
                Stop::usage(format!("the secret {name} is not there: {}", error.message()))
            })?;
            let text = String::from_utf8(bytes)
                .map_err(|_| Stop::usage(format!("the secret {name} is not text")))?;
            Ok(text.trim_end_matches(['\n', '\r']).to_owned())
        }
    };
    names.into_iter().map(|name| Ok((name.clone(), value(&name)?))).collect()
}

fn environment(
    name: &str,
    spec: &EnvironmentSpec,
    secrets: &BTreeMap<String, String>,
) -> Result<Environment, Stop> {
    let filled = spec.url.fill(|secret| {
        secrets.get(secret).cloned().ok_or_else(|| {
            Stop::usage(format!("the environment `{name}` names the unknown secret {secret}"))
        })
    })?;
    let shown = &spec.url;
    let hint = "write it with `http://` or `https://`";
    let url = Url::parse(&filled).map_err(|error| {
        Stop::usage_hint(format!("the address of `{name}` ({shown}) is not one: {error}"), hint)
    })?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        let message = format!("the address of `{name}` ({shown}) is not on the web");
        return Err(Stop::usage_hint(message, hint));
    }
    Ok(Environment {
        name: name.to_owned(),
        url,
        basic_auth: spec.basic_auth.clone(),
        headers: spec.headers.clone(),
        cookies: spec.cookies.clone(),
    })
}

/// Over spec texts, plain variables, environments, filters and version.
fn digest(
    gates: &[Ready],
    variables: &BTreeMap<String, String>,
    environments: &BTreeMap<String, EnvironmentSpec>,
    selection: &Selection,
) -> Digest {
    let texts: Vec<_> =
        gates.iter().map(|gate| (&gate.header().name, gate.document.text.as_ref())).collect();
    let selection = Selection { shard: None, ..selection.clone() };
    let all = (texts, variables, environments, selection, env!("CARGO_PKG_VERSION"));
    Digest::of(&serde_json::to_vec(&all).expect("plain data serialises"))
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn parts_are_counted_from_one() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, count: 4 }));
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0", "1/99999999999"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
