//! End-to-end tests of the `gate` binary.

mod architecture;
mod browsers;
mod decisions;
mod diff;
mod environment;
mod exit_codes;
mod generated;
mod guard;
mod import;
mod interrupts;
mod lost_browsers;
mod new_pages;
mod noise;
mod pages;
mod panics;
mod plugins;
mod prune;
mod repeats;
mod report;
mod reviewing;
mod secrets;
mod shards;
mod shifts;
mod site;
mod story;
mod unloaded;
