//! Requests as specs write them, and what is held of an answer, in the words of Hurl
//! (<https://hurl.dev/docs/asserting-response.html>): a query into the answer, filters on what it
//! gives, and a predicate.
//!
//! ```text
//! jsonpath "$.items" count > 2
//! header "content-type" not startsWith "text/"
//! ```

mod answer;
mod claim;
mod filter;
mod line;
mod predicate;
mod query;
mod ready;
mod text;
mod variables;
mod words;

pub use answer::Answer;
pub use claim::{Assert, Expression, shown};
pub use line::Line;
pub use ready::{Base, Draft, Parts, Ready, basic};
pub use variables::{Variables, filled};

#[cfg(test)]
mod tests;
