//! Load over HTTP. An open loop sends at instants that were decided before, and latency counts from
//! them; a closed loop sends when an answer has come.
//!
//! An engine: it knows no verdict, prints nothing, ends nothing and reads no environment variable.

mod cached;
mod clock;
mod exchange;
mod first;
mod health;
mod histogram;
mod request;
mod response;
mod run;
mod schedule;
mod tally;
mod visit;
mod worker;

pub use clock::{Clock, Nanos};
pub use exchange::{Exchange, Exchanges, Parts};
pub use first::{First, Unanswered, ask_once};
pub use health::{Health, throttled};
pub use histogram::{HIGHEST, Histogram, LOWEST};
pub use request::{NoRequest, Request};
pub use response::{Malformed, Response, fields};
pub use run::{Joined, Outcome, Plan, run};
pub use schedule::{Schedule, Spacing, Stage};
pub use tally::{Failure, Tally};
pub use visit::{Answer, Ask, Asks, Keeps, Origin, Protocol, Script, Turn, Visits};
pub use worker::{Done, Drive, Job, Tls, work};
