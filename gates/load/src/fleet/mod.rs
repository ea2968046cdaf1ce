//! Load from several machines as one: a coordinator gives each worker its part of the requests, has
//! all begin at the same instant, and judges what they counted together.

mod clock;
mod coordinator;
mod door;
mod line;
mod link;
mod message;
mod roll;
mod running;
mod token;
mod worker;

pub(crate) use coordinator::Fleet;
pub(crate) use door::Door;
pub(crate) use token::Token;
pub(crate) use worker::{Ended, Worker};

#[cfg(test)]
mod tests;
