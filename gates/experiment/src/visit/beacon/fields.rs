//! Values of beacons by name.

use std::io::Read;

use serde_json::Value;

/// The largest body that is looked into once it is unpacked, in bytes.
const LARGEST: u64 = 1 << 20;

/// Fields that settings name instead of those of a profile.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub(super) event: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) arm: Option<String>,
}

/// A body whose bytes are gzip although nothing says so, as some services' scripts send it.
pub(super) fn unzipped(body: &[u8]) -> Option<Vec<u8>> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut plain = Vec::new();
    let decoder = flate2::read::GzDecoder::new(body);
    decoder.take(LARGEST).read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// A value as an id or a name: texts and numbers are.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The first of these paths (`properties.variation_id`) that has a value. A name with a dot in it
/// is looked for as it is before it is taken for a path.
pub(super) fn find<'n>(object: &Value, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    names.into_iter().find_map(|name| {
        let whole = object.get(name).and_then(text);
        whole.or_else(|| {
            let mut at = object;
            for part in name.split('.') {
                at = at.get(part)?;
            }
            text(at)
        })
    })
}

/// The value of a name of a form, or of an address.
pub(super) fn value(pairs: &[(String, String)], name: &str) -> Option<String> {
    let found = pairs.iter().find(|(other, value)| other == name && !value.is_empty());
    found.map(|(_, value)| value.clone())
}

/// The names and values of a form.
pub(super) fn form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// The objects of a JSON body: itself, or those of the list that it is or has under this name.
pub(super) fn objects(body: &[u8], list: &str) -> Vec<Value> {
    let Ok(whole) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    match whole {
        Value::Array(all) => all,
        Value::Object(ref object) => match object.get(list) {
            Some(Value::Array(all)) => all.clone(),
            _ => vec![whole],
        },
        _ => Vec::new(),
    }
}
