//! What is believed of two arms after the data: the chance that the treatment is better, an interval,
//! and what choosing the wrong one would cost on average. All by quadrature or in closed form, so that
//! the same data give the same answer.

mod means;
mod proportions;

pub use means::{Prior, means};
pub use proportions::{Beta, proportions};

/// What is believed of the treatment against the control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// The probability that the treatment's value is above the control's.
    pub chance_to_win: f64,
    /// The mean of the difference.
    pub difference: f64,
    /// The interval that holds the difference with probability 1 − α, with α/2 on either side of it.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// What is lost on average by choosing the treatment: the mean of how much the control is better,
    /// 0 where it is not.
    pub risk_of_treatment: f64,
    /// What is lost on average by staying with the control.
    pub risk_of_control: f64,
}
