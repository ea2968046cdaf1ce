//! The demo site: the small marketing site of an invented harbour-software company, served from
//! the binary itself, with faults that can be switched on to see which gate catches them.
//!
//! It has what the gates look at: pages that are photographed, a hero experiment with a user id
//! and beacons, a form, an endpoint that calls a third party's API (served by the site itself
//! unless another address is given) and an endpoint that renders an e-mail. Nothing on a page
//! depends on the clock or on chance, and no page asks anything of another host.
//!
//! ```no_run
//! # async fn example() -> Result<(), demo_site::Error> {
//! use demo_site::{Fault, Options, serve};
//!
//! let site = serve(Options::default()).await?;
//! let broken = Fault::find("missing-image").expect("the name is in `faults()`");
//! site.faults.on(broken);
//! println!("look at {}signup", site.url());
//! site.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod beacon;
mod command;
mod crm;
mod experiment;
mod export;
mod fault;
mod page;
mod route;
mod server;
mod signup;
mod story;
mod workspace;

pub use beacon::Beacon;
pub use command::command;
pub use crm::{Contact, CrmAccess, DEMO_TOKEN};
pub use experiment::{Arm, EXPERIMENT, bucket};
pub use fault::{Fault, Faults, faults};
pub use server::{Error, Options, Running, serve};
