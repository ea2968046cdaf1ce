//! The specs of a workspace, for commands that kinds bring.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use gate_core::spec::{Diagnosis, SpecDocument};
use gate_core::{
    Attempting, Context, Error, ExitCode, Redactor, SpecChoice, SpecGate, Specs, SpecsRead,
};

use super::Session;
use crate::discover::{self, Project};
use crate::runner;
use crate::suite::{self, Wanted};
use crate::usage::Stop;

/// The specs that a command may ask for.
pub(super) struct SpecsOf<'a> {
    pub(super) session: &'a Session,
    pub(super) project: &'a Project,
}

impl Specs for SpecsOf<'_> {
    fn read(&self, kind: &str, choice: &SpecChoice) -> Result<SpecsRead, ExitCode> {
        self.found(kind, choice).map_err(|stop| self.session.stopped(&stop))
    }

    fn context(&self, gate: &SpecGate, site: Option<&SpecChoice>) -> Result<Context, Error> {
        let Some(choice) = site else {
            let run = self.session.outside(self.project, Redactor::default(), BTreeMap::new())?;
            let (gate, spec) = (gate.name.clone(), gate.spec.clone());
            let attempting = Attempting { gate, attempt: 1, spec, ..Attempting::default() };
            return Ok(Context::new(Arc::new(run), attempting));
        };
        self.context_of(gate, choice).map_err(|stop| match stop {
            Stop::Usage(error) | Stop::Nothing(error) | Stop::Failed(error) => error,
            Stop::Diagnoses(found) => {
                let first = found.first().map_or_else(String::new, |first| first.message.clone());
                Error::new(format!("the spec has changed meanwhile: {first}"))
            }
        })
    }
}

impl SpecsOf<'_> {
    fn documents(&self, wanted: &Wanted) -> Result<(Vec<SpecDocument>, Vec<Diagnosis>), Stop> {
        let ambient = &self.session.ambient;
        suite::documents(self.project, &ambient.folder, wanted, &ambient.variables)
    }

    fn found(&self, kind: &str, choice: &SpecChoice) -> Result<SpecsRead, Stop> {
        let (session, wanted) = (self.session, wanted(choice));
        suite::check_words(self.project, &session.registry, &wanted)?;
        let folder = &session.ambient.folder;
        let (files, _) = discover::spec_files(self.project, folder, &choice.paths)?;
        let (documents, mut diagnoses) = self.documents(&wanted)?;
        let vars = |name: &str| session.ambient.get(name).map(ToOwned::to_owned);
        let mut gates = Vec::new();
        for document in documents {
            let of = document.header.gate.clone();
            // Nothing is known of the settings of a plug-in without starting it.
            let plugin = self.project.config.plugins.iter().any(|plugin| plugin.kind == of);
            if plugin && of != kind {
                continue;
            }
            match suite::ready(document, &session.registry, &vars) {
                Ok((ready, _)) if of == kind => gates.push(SpecGate {
                    name: ready.document.header.name,
                    spec: ready.document.file.path,
                    settings: ready.settings,
                }),
                Ok(_) => {}
                Err(unready) if unready.missing_variable && of != kind => {}
                Err(unready) => diagnoses.extend(unready.diagnoses),
            }
        }
        if !diagnoses.is_empty() {
            return Err(Stop::Diagnoses(diagnoses));
        }
        let files: Vec<PathBuf> = files.into_iter().map(|file| file.path).collect();
        Ok(SpecsRead { gates, files, folders: self.folders(choice)? })
    }

    fn folders(&self, choice: &SpecChoice) -> Result<Vec<PathBuf>, Stop> {
        if choice.paths.is_empty() {
            return Ok(vec![self.project.workspace.root().to_owned()]);
        }
        let folder = &self.session.ambient.folder;
        let paths = choice.paths.iter().map(|path| std::fs::canonicalize(folder.join(path)));
        let mut paths: Vec<PathBuf> =
            paths.collect::<Result<_, _>>().map_err(|error| Stop::Failed(error.into()))?;
        paths.retain(|path| path.is_dir());
        Ok(paths)
    }

    fn context_of(&self, gate: &SpecGate, choice: &SpecChoice) -> Result<Context, Stop> {
        let (session, wanted) = (self.session, wanted(choice));
        let (mut documents, diagnoses) = self.documents(&wanted)?;
        documents.retain(|document| document.header.name == gate.name);
        let suite = suite::prepare(
            self.project.clone(),
            (documents, diagnoses),
            &session.registry,
            &wanted,
            &session.ambient.variables,
        )?;
        let run = session.outside(self.project, suite.redactor.clone(), suite.secrets.clone())?;
        Ok(runner::context(&suite, &Arc::new(run), 0, 1)?)
    }
}

fn wanted(choice: &SpecChoice) -> Wanted {
    let SpecChoice { paths, env } = choice.clone();
    Wanted { paths, env, ..Wanted::default() }
}
