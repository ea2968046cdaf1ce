//! Windows: their sizes, the devices that they stand for, and the browsers.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use gate_core::spec::did_you_mean;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use visual_browser::{Device, Viewport};

use super::page::is_name;
use super::scalars::{Pixels, Scale, parsed};

/// A window as a page sees it, under the name that checks and files have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    /// Names its checks and files.
    pub(crate) name: String,
    /// Its size.
    pub(crate) viewport: Viewport,
    /// What the browser calls itself, when it is to pass for another.
    pub(crate) user_agent: Option<String>,
}

impl Window {
    /// 1280 by 800, when the settings name none.
    pub(crate) fn desktop() -> Window {
        let viewport =
            Viewport { width: 1280, height: 800, scale: 1.0, mobile: false, touch: false };
        Window { name: "desktop".to_owned(), viewport, user_agent: None }
    }
}

/// A device, by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeviceName(&'static Device);

const DEVICE: &str = "a device such as `iphone-15`";

impl DeviceName {
    pub(crate) fn window(self) -> Window {
        Window {
            name: slug(self.0.name),
            viewport: self.0.viewport(),
            user_agent: self.0.user_agent.map(str::to_owned),
        }
    }
}

/// `iPhone 15` becomes `iphone-15`: the form in which specs and file names have it.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.trim().chars().map(plain).collect()
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<DeviceName, String> {
        let wanted = slug(text);
        let found = Device::all().iter().find(|device| slug(device.name) == wanted);
        found.map(DeviceName).ok_or_else(|| {
            let names: Vec<String> = Device::all().iter().map(|d| slug(d.name)).collect();
            let near = did_you_mean(&wanted, names.iter().map(String::as_str));
            let help = near.unwrap_or_else(|| format!("there are {}", names.join(", ")));
            format!("no device is called `{text}`: {help}")
        })
    }
}

impl Serialize for DeviceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&slug(self.0.name))
    }
}

impl<'de> Deserialize<'de> for DeviceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DeviceName, D::Error> {
        parsed(deserializer, DEVICE)
    }
}

impl JsonSchema for DeviceName {
    fn schema_name() -> Cow<'static, str> {
        "Device".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> = Device::all().iter().map(|device| slug(device.name)).collect();
        json_schema!({ "type": "string", "description": DEVICE, "examples": names })
    }
}

/// A window size, or a device.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewportSpec {
    written: Written,
    pub(crate) window: Window,
}

#[derive(Debug, Clone, PartialEq)]
enum Written {
    Device(DeviceName),
    Fields(ViewportFields),
}

/// The mapping that a viewport may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ViewportFields {
    /// Names its checks and files. A device is called by its own name when this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// A device, instead of a size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<DeviceName>,
    /// Width in CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<Pixels>,
    /// Height in CSS pixels; pictures are as high as the page, and at least this high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<Pixels>,
    /// Pixels of the screen for each CSS pixel: 1, or what the device has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scale: Option<Scale>,
    /// Turns a device on its side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    landscape: bool,
}

impl ViewportFields {
    fn window(&self) -> Result<Window, String> {
        let mut window = match (self.device, self.width, self.height) {
            (Some(device), None, None) => device.window(),
            (Some(_), ..) => return Err("a device has its own width and height".to_owned()),
            (None, ..) if self.landscape => {
                return Err("only a device is turned: swap width and height".to_owned());
            }
            (None, Some(width), Some(height)) => {
                let mut window = Window::desktop();
                (window.viewport.width, window.viewport.height) = (width.0, height.0);
                window.name.clear();
                window
            }
            (None, None, _) => return Err("the field `width` is missing".to_owned()),
            (None, _, None) => return Err("the field `height` is missing".to_owned()),
        };
        if self.landscape {
            let Viewport { width, height, .. } = window.viewport;
            (window.viewport.width, window.viewport.height) = (height, width);
            window.name.push_str("-landscape");
        }
        if let Some(scale) = self.scale {
            window.viewport.scale = scale.0;
        }
        if let Some(name) = &self.name {
            window.name.clone_from(name);
        }
        let name = &window.name;
        if name.is_empty() {
            return Err("the field `name` is missing".to_owned());
        }
        if !is_name(name) || name.contains('.') {
            return Err(format!(
                "`{name}` cannot name a viewport: use up to 80 letters, digits, `-` and `_`"
            ));
        }
        Ok(window)
    }
}

const VIEWPORT: &str =
    "a device such as `iphone-15`, or a mapping with `name`, `width` and `height`";

impl<'de> Deserialize<'de> for ViewportSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ViewportSpec, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ViewportSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(VIEWPORT)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ViewportSpec, E> {
                let device: DeviceName = text.parse().map_err(E::custom)?;
                Ok(ViewportSpec { window: device.window(), written: Written::Device(device) })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ViewportSpec, A::Error> {
                let fields = ViewportFields::deserialize(MapAccessDeserializer::new(map))?;
                let window = fields.window().map_err(de::Error::custom)?;
                Ok(ViewportSpec { window, written: Written::Fields(fields) })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for ViewportSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.written {
            Written::Device(device) => device.serialize(serializer),
            Written::Fields(fields) => fields.serialize(serializer),
        }
    }
}

impl JsonSchema for ViewportSpec {
    fn schema_name() -> Cow<'static, str> {
        "Viewport".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let device = generator.subschema_for::<DeviceName>();
        let mut fields = ViewportFields::json_schema(generator);
        fields.insert(
            "anyOf".into(),
            serde_json::json!([{ "required": ["device"] }, { "required": ["name", "width", "height"] }]),
        );
        json_schema!({ "description": VIEWPORT, "anyOf": [device, fields] })
    }
}

/// A browser.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Browser")]
pub enum BrowserSpec {
    /// Chromium.
    Chromium,
    /// Firefox.
    Firefox,
    /// WebKitGTK, the engine of Safari.
    Webkit,
}

impl BrowserSpec {
    /// The name of the browser in checks and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            BrowserSpec::Chromium => "chromium",
            BrowserSpec::Firefox => "firefox",
            BrowserSpec::Webkit => "webkit",
        }
    }
}

/// Which colours a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ColorScheme")]
pub enum ColorSchemeSpec {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}
