//! Measuring: a part of what is seen has a module each.

pub(crate) mod allocation;
pub(crate) mod data;
