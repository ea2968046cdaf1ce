//! How evidence and checks look as HTML. The review of a run shows them, and so do kinds that write
//! a page of their own; all of it is drawn here and nowhere else.

mod chart;
mod check;
mod document;
mod exchange;
mod table;
mod text;

pub use chart::{chart, intervals};
pub use check::{check, metrics};
pub use document::{POLICY, document, may_be_replaced};
pub use exchange::exchange;
pub use table::{table, text as cell};
pub use text::{moment, prose, verdict};

/// The style of all pages.
pub const STYLE: &str = include_str!("../assets/page.css");
