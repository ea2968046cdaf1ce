//! The numbers behind verdicts.
//!
//! Pure: no clock, no randomness of its own, no input or output. What is asked outside of a
//! function's domain is an [`Error`] or none, never NaN.

pub mod always_valid;
pub mod bayes;
pub mod beta;
pub mod binomial;
pub mod blocks;
pub mod bootstrap;
pub mod boundaries;
pub mod chi_squared;
pub mod cuped;
pub mod difference;
mod double;
mod error;
pub mod estimate;
pub mod fisher;
pub mod gamma;
pub mod goodness;
pub mod looks;
pub mod means;
pub mod multiple;
pub mod normal;
pub mod poisson;
pub mod power;
pub mod proportions;
mod quadrature;
pub mod quantiles;
pub mod random;
mod ranked;
pub mod ranks;
pub mod ratios;
mod root;
pub mod sample_ratio;
pub mod share;
pub mod slope;
mod stirling;
pub mod student;
mod uniform;

pub use error::Error;
