//! The numbers behind verdicts.
//!
//! Pure: no clock, no randomness of its own, no input or output. What is asked outside of a
//! function's domain gives none, never NaN.

pub mod beta;
pub mod binomial;
pub mod blocks;
pub mod bootstrap;
pub mod difference;
pub mod looks;
pub mod normal;
pub mod random;
mod ranked;
pub mod share;
pub mod slope;
mod stirling;
pub mod student;
