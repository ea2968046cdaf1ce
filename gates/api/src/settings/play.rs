//! How a recording is played: the words of `gate record` and `gate replay`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use gate_core::values::DurationValue;
use recorder::{Fault, Latency, Mode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How a program's requests come to the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// As a proxy that the program is told of.
    #[default]
    Proxy,
    /// At an address that stands for the service.
    Target,
}

/// What becomes of requests that were not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeSetting {
    /// They are refused, and the gate fails.
    #[default]
    None,
    /// They are recorded while there is no recording at all, and refused after that.
    Once,
    /// They are recorded.
    NewEpisodes,
    /// All are recorded, whether they were before or not.
    All,
}

impl ModeSetting {
    pub(crate) fn mode(self) -> Mode {
        match self {
            ModeSetting::None => Mode::None,
            ModeSetting::Once => Mode::Once,
            ModeSetting::NewEpisodes => Mode::NewEpisodes,
            ModeSetting::All => Mode::All,
        }
    }
}

/// How long recorded answers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LatencySetting {
    /// As short as can be.
    #[default]
    None,
    /// As long as they did, bit by bit.
    Recorded,
    /// So long.
    Fixed(Duration),
}

impl LatencySetting {
    pub(crate) fn latency(self) -> Latency {
        match self {
            LatencySetting::None => Latency::None,
            LatencySetting::Recorded => Latency::Recorded,
            LatencySetting::Fixed(time) => Latency::Fixed(time),
        }
    }
}

impl fmt::Display for LatencySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LatencySetting::None => f.write_str("none"),
            LatencySetting::Recorded => f.write_str("recorded"),
            LatencySetting::Fixed(time) => write!(f, "{}ms", time.as_millis()),
        }
    }
}

impl Serialize for LatencySetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LatencySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LatencySetting, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "none" => Ok(LatencySetting::None),
            "recorded" => Ok(LatencySetting::Recorded),
            time => time
                .parse::<DurationValue>()
                .map(|time| LatencySetting::Fixed(time.0))
                .map_err(|_| {
                    de::Error::custom(format!(
                        "`{time}` is none of none, recorded, or a time such as 250ms"
                    ))
                }),
        }
    }
}

impl JsonSchema for LatencySetting {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Latency".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["none", "recorded", "250ms"] })
    }
}

/// Something that goes wrong on purpose, as `gate replay --fault` has it.
#[derive(Debug, Clone)]
pub struct FaultSetting {
    text: String,
    fault: Fault,
}

impl PartialEq for FaultSetting {
    fn eq(&self, other: &FaultSetting) -> bool {
        self.text == other.text
    }
}

impl FaultSetting {
    pub(crate) fn fault(&self) -> Fault {
        self.fault.clone()
    }
}

impl Serialize for FaultSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for FaultSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FaultSetting, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fault = text.parse().map_err(de::Error::custom)?;
        Ok(FaultSetting { text, fault })
    }
}

impl JsonSchema for FaultSetting {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "examples": ["status=503 first=1", "rate-limit=2 path=/v1/*", "reset every=3", "truncate", "drip=50"],
        })
    }
}
