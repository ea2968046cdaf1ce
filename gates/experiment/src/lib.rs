//! Experiments: is the split what was meant, what has come of it, and how long it takes.

mod commands;
mod values;
mod words;

pub use commands::command;
