//! The web application in which people look at a run and decide. It knows no kinds of gates: it
//! shows reports, evidence and proposals.

mod api;
mod apply;
mod assets;
mod command;
mod export;
mod files;
mod guard;
mod history;
mod item;
mod pages;
mod server;
mod single;
mod site;
mod thumbnail;
mod tools;

pub use command::commands;
