//! Experiments: is the split what was meant, what has come of it, and how long it takes.

mod commands;
mod settings;
mod values;
mod visit;
mod words;

pub use commands::command;
pub use settings::{
    Act, AlsoRunning, Analysis, Beacons, BeforeLaunch, Better, ByName, Conversion, Data,
    EventsTable, ExposuresTable, Holds, Ids, KnownBy, Level, Method, MetricKind, MetricSpec, Over,
    Profile, ProviderSpec, Records, Sdk, Settings, Spends, StaysAfter, Success, Times, Warehouse,
    WarehouseKind, Written,
};
