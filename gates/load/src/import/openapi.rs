//! From OpenAPI 3.0 and 3.1 documents: a visit for each path that can be asked for with GET.

use std::collections::{BTreeMap, BTreeSet};

use gate_core::values::Template;
use gate_core::{Error, Imported, Json};
use gate_request::Line;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{document, imported, name_of};
use crate::settings::{Scenario, Settings, Step};

/// More than this many paths are no load that somebody would look at.
const MOST: usize = 200;

pub(super) fn recognises(bytes: &[u8]) -> bool {
    read(bytes).is_some_and(|json| {
        json["openapi"].as_str().is_some_and(|version| version.starts_with("3."))
            && json["paths"].is_object()
    })
}

fn read(bytes: &[u8]) -> Option<Json> {
    // YAML has all of JSON in it, and is slower to read.
    serde_json::from_slice(bytes).ok().or_else(|| serde_yaml::from_slice(bytes).ok())
}

pub(super) fn import(bytes: &[u8]) -> Result<Imported, Error> {
    let json = read(bytes).ok_or_else(|| Error::new("it is neither JSON nor YAML"))?;
    let paths = json["paths"].as_object().ok_or_else(|| Error::new("it has no paths"))?;
    let mut import = Import { document: &json, left_out: Vec::new() };
    let below = import.below();
    let (mut scenarios, mut titles, mut others) = (Vec::new(), BTreeSet::new(), 0_usize);
    for (path, item) in paths {
        let item = import.followed(item);
        let methods = ["post", "put", "patch", "delete", "options", "trace"];
        others += methods.iter().filter(|method| item.get(method).is_some()).count();
        let Some(operation) = item.get("get") else { continue };
        let Some((to, query)) = import.filled(path, item, operation) else { continue };
        let id = operation["operationId"].as_str().unwrap_or(path);
        let name = if titles.insert(id.to_owned()) { id.to_owned() } else { path.clone() };
        let step = Step {
            name: Some(name.clone()),
            query,
            ..Step::of(Line { method: "GET".to_owned(), to: format!("{below}{to}") })
        };
        scenarios.push(Scenario { cookies: false, ..Scenario::of(name, vec![step]) });
    }
    if scenarios.len() > MOST {
        import.left_out.push(format!("{} more paths: {MOST} are enough", scenarios.len() - MOST));
        scenarios.truncate(MOST);
    }
    if scenarios.is_empty() {
        return Err(Error::new("it has no path that can be asked for with GET and no more")
            .hint("give examples to the parameters of its paths"));
    }
    if others > 0 {
        let many = crate::words::count(others as u64, "operation");
        import
            .left_out
            .push(format!("{many} with another method than GET, which change something"));
    }
    if !json["security"].is_null() || !json["components"]["securitySchemes"].is_null() {
        import.left_out.push(
            "how somebody is let in: give it to the environment, or as headers of the gate"
                .to_owned(),
        );
    }
    let title = json["info"]["title"].as_str().unwrap_or("api");
    let name = Some(name_of(title)).filter(|name| !name.is_empty());
    let settings = Settings { scenarios, ..Settings::default() };
    let spec = format!(
        "# Every path of {} is asked for equally often: give those that are asked for more a weight.\n{}",
        title.replace(char::is_control, " "),
        document(&name.unwrap_or_else(|| "api".to_owned()), &settings)?
    );
    Ok(imported(spec, import.left_out))
}

struct Import<'d> {
    document: &'d Json,
    left_out: Vec<String>,
}

impl<'d> Import<'d> {
    /// The path below which its first server has everything.
    fn below(&mut self) -> String {
        let Some(url) = self.document["servers"][0]["url"].as_str() else { return String::new() };
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => url,
        };
        let path = path.trim_end_matches('/');
        if path.contains('{') {
            self.left_out.push(format!("the path of the server, which has variables: {path}"));
            return String::new();
        }
        path.to_owned()
    }

    /// What a reference within the document leads to.
    fn followed(&self, value: &'d Json) -> &'d Json {
        let mut value = value;
        // References that lead to each other lead nowhere.
        for _ in 0..16 {
            let Some(to) = value["$ref"].as_str().and_then(|to| to.strip_prefix('#')) else {
                break;
            };
            match self.document.pointer(to) {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }

    /// The path with its parameters, and the query; none when there is no example of one.
    fn filled(
        &mut self,
        path: &str,
        item: &'d Json,
        operation: &'d Json,
    ) -> Option<(String, BTreeMap<String, Template>)> {
        let mut parameters: BTreeMap<(&str, &str), &Json> = BTreeMap::new();
        // Those of the operation stand above those of the path.
        for list in [&item["parameters"], &operation["parameters"]] {
            for one in list.as_array().into_iter().flatten() {
                let one = self.followed(one);
                let place = one["in"].as_str().unwrap_or_default();
                parameters.insert((place, one["name"].as_str().unwrap_or_default()), one);
            }
        }
        let (mut to, mut query) = (path.to_owned(), BTreeMap::new());
        for ((place, name), one) in parameters {
            let is_needed = place == "path" || one["required"].as_bool().unwrap_or(false);
            let value = self.example(one);
            match (place, value) {
                ("path", Some(value)) => {
                    let coded = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
                    to = to.replace(&format!("{{{name}}}"), &coded);
                }
                ("query", Some(value)) if is_needed => {
                    query.insert(name.to_owned(), Template::literal(value));
                }
                (_, _) if !is_needed => {}
                (place, _) => {
                    let why = format!("the {place} parameter `{name}` has no example");
                    self.left_out.push(format!("GET {path}: {why}"));
                    return None;
                }
            }
        }
        if to.contains(['{', '}']) {
            self.left_out.push(format!("GET {path}: a parameter of it is not described"));
            return None;
        }
        Some((to, query))
    }

    /// A value that a parameter may have.
    fn example(&self, parameter: &'d Json) -> Option<String> {
        let schema = self.followed(&parameter["schema"]);
        let examples = parameter["examples"].as_object();
        let named = examples.and_then(|all| all.values().next()).map(|one| self.followed(one));
        let found = [
            Some(&parameter["example"]),
            named.map(|one| &one["value"]),
            Some(&schema["example"]),
            Some(&schema["examples"][0]),
            Some(&schema["default"]),
            Some(&schema["enum"][0]),
            Some(&schema["const"]),
        ];
        found.into_iter().flatten().find_map(|value| match value {
            Json::String(text) if !text.is_empty() => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(said) => Some(said.to_string()),
            _ => None,
        })
    }
}
