//! The past in a small space: a line of values, a row of verdicts.

use std::fmt::Write as _;

use gate_core::Verdict;
use gate_runs::words::symbol;
use maud::{Markup, html};

const WIDTH: f64 = 90.0;
const HEIGHT: f64 = 18.0;

/// How a number went; nothing where there is no past.
pub(super) fn sparkline(values: &[f64]) -> Markup {
    if values.len() < 2 {
        return html! {};
    }
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let spread = if high > low { high - low } else { 1.0 };
    let place = |(at, value): (usize, &f64)| {
        let x = 2.0 + (WIDTH - 4.0) * at as f64 / (values.len() - 1) as f64;
        let y = HEIGHT - 3.0 - (HEIGHT - 6.0) * (value - low) / spread;
        (x, y)
    };
    let path = values.iter().enumerate().map(place).fold(String::new(), |mut path, (x, y)| {
        let verb = if path.is_empty() { 'M' } else { 'L' };
        let _ = write!(path, "{verb}{x:.1} {y:.1}");
        path
    });
    let last = values.len() - 1;
    let (x, y) = place((last, &values[last]));
    let said = format!(
        "{} runs: {} to {}, last {}",
        values.len(),
        short(low),
        short(high),
        short(values[last])
    );
    html! {
        svg.sparkline viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(said) {
            title { (said) }
            path d=(path) {}
            circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2" {}
        }
    }
}

fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What became of a gate, run by run.
pub(super) fn verdicts(verdicts: &[Verdict]) -> Markup {
    if verdicts.len() < 2 {
        return html! {};
    }
    let said: Vec<&str> = verdicts.iter().map(|verdict| verdict.word()).collect();
    html! {
        span.past role="img" aria-label={ "the oldest first: " (said.join(", ")) } {
            @for verdict in verdicts {
                span class=(verdict.word()) title=(verdict.word()) aria-hidden="true" { (symbol(Some(*verdict))) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_a_line() {
        assert_eq!(sparkline(&[1.0]).into_string(), "");
        let drawn = sparkline(&[0.0, 10.0, 5.0]).into_string();
        assert!(drawn.contains("M2.0 15.0L45.0 3.0L88.0 9.0"), "{drawn}");
        assert!(drawn.contains("3 runs: 0 to 10, last 5"), "{drawn}");
        assert!(sparkline(&[7.0, 7.0]).into_string().contains("M2.0 15.0L88.0 15.0"));
    }
}
