//! The index of a Storybook: `index.json` of versions 7 and later (its format 4 or 5), and
//! `stories.json` of version 6 (format 3).

use std::collections::BTreeMap;

use gate_core::Error;
use serde::Deserialize;
use url::form_urlencoded;

use super::fetch::Site;

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    v: u32,
    /// Format 4 and later.
    #[serde(default)]
    entries: Option<BTreeMap<String, Entry>>,
    /// Format 3.
    #[serde(default)]
    stories: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    title: String,
    /// Format 3 may have this instead.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    type_: Option<String>,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default, rename = "docsOnly")]
    docs_only: bool,
}

/// A story.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Story {
    id: String,
    full: String,
}

impl Story {
    /// Such as `components-button--primary`.
    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    /// Such as `Components/Button/Primary`.
    pub(super) fn full(&self) -> String {
        self.full.clone()
    }

    /// The page that shows the story and nothing around it.
    pub(super) fn path(&self, folder: &str) -> String {
        let id: String = form_urlencoded::byte_serialize(self.id.as_bytes()).collect();
        format!("{folder}iframe.html?id={id}&viewMode=story")
    }
}

/// The folder of the Storybook, and its stories; none when there is no index.
pub(super) async fn list(
    site: &Site<'_>,
    path: &str,
) -> Result<Option<(String, Vec<Story>)>, Error> {
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| &path[..=folder.len()]).to_owned();
    // A folder stands for the index in it, whichever version has written it.
    let places = if path.ends_with('/') {
        vec![format!("{path}index.json"), format!("{path}stories.json")]
    } else {
        vec![path.to_owned()]
    };
    for place in places {
        if let Some(bytes) = site.get(&place).await? {
            let stories = read(&bytes).map_err(|error| Error::new(format!("{place} {error}")))?;
            return Ok(Some((folder, stories)));
        }
    }
    Ok(None)
}

fn read(bytes: &[u8]) -> Result<Vec<Story>, String> {
    let index: Index = serde_json::from_slice(bytes)
        .map_err(|error| format!("is no index of a Storybook: {error}"))?;
    let entries = match (index.entries, index.stories) {
        (Some(entries), _) => entries,
        (None, Some(stories)) => stories,
        (None, None) => return Err("is no index of a Storybook".to_owned()),
    };
    if !(3..=5).contains(&index.v) {
        return Err(format!("has the format {}, and those from 3 to 5 are known", index.v));
    }
    let is_story = |entry: &Entry| match entry.type_.as_deref() {
        Some(kind) => kind == "story",
        None => !entry.parameters.docs_only,
    };
    Ok(entries
        .into_values()
        .filter(is_story)
        .map(|entry| {
            let title = if entry.title.is_empty() { &entry.kind } else { &entry.title };
            Story { full: format!("{title}/{}", entry.name), id: entry.id }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expect: Result<&[(&str, &str)], &str>) {
        match (read(json.as_bytes()), expect) {
            (Ok(got), Ok(expect)) => {
                let got: Vec<(String, String)> =
                    got.iter().map(|story| (story.path("/sb/"), story.full())).collect();
                let got: Vec<(&str, &str)> =
                    got.iter().map(|(path, full)| (path.as_str(), full.as_str())).collect();
                assert_eq!(got, expect);
            }
            (Err(got), Err(expect)) => assert!(got.contains(expect), "{got}"),
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn indexes() {
        let primary: &[_] =
            &[("/sb/iframe.html?id=button--primary&viewMode=story", "Forms/Button/Primary")];
        check(
            r#"{"v": 5, "entries": {
                "button--docs": {"id": "button--docs", "title": "Forms/Button", "name": "Docs", "type": "docs"},
                "button--primary": {"id": "button--primary", "title": "Forms/Button",
                    "name": "Primary", "importPath": "./b.ts", "type": "story", "tags": ["test"]}}}"#,
            Ok(primary),
        );
        check(
            r#"{"v": 3, "stories": {
                "intro--page": {"id": "intro--page", "kind": "Intro", "name": "Page", "parameters": {"docsOnly": true}},
                "button--primary": {"id": "button--primary", "kind": "Forms/Button", "name": "Primary"}}}"#,
            Ok(primary),
        );
        check(r#"{"v": 9, "entries": {}}"#, Err("has the format 9"));
        check(r#"{"v": 5}"#, Err("is no index of a Storybook"));
        check("<html>", Err("is no index of a Storybook"));
    }

    #[test]
    fn odd_ids_stay_one_parameter() {
        let story = Story { id: "a b&c".to_owned(), full: String::new() };
        assert_eq!(story.path("/"), "/iframe.html?id=a+b%26c&viewMode=story");
    }
}
