//! Bars, for a person at a terminal.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gate_core::{Event, Happening, Level, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::watch::{Turn, Watch, outcome, progress};
use crate::reporters::{Paint, clean_line, cut};

/// How many columns a gate's name may take.
const NAME: usize = 24;
/// How many columns a line above the bars may take, so that a gate cannot flood the screen.
const LINE: usize = 400;
/// How often a bar moves that nothing is heard of, so that nobody thinks it is dead.
const TICK: Duration = Duration::from_millis(120);

/// Draws a bar for each gate that runs; a gate that is over becomes a line above the bars.
pub struct Bars {
    screen: MultiProgress,
    paint: Paint,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watch: Watch,
    bars: BTreeMap<String, ProgressBar>,
}

impl Bars {
    /// Bars on standard error, which has to be a terminal: elsewhere nothing is shown.
    pub fn new(colour: bool) -> Bars {
        Bars::on(MultiProgress::new(), colour)
    }

    /// Bars on a screen of the caller's.
    pub fn on(screen: MultiProgress, colour: bool) -> Bars {
        Bars { screen, paint: Paint { on: colour }, state: Mutex::default() }
    }

    /// Shows an event.
    pub fn follow(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { watch, bars } = &mut *state;
        match watch.note(event) {
            Some(Turn::Started { gate, kind }) => {
                bars.insert(gate.to_owned(), self.bar(gate, kind));
            }
            Some(Turn::Again { gate, attempt, before }) => {
                let text = format!("attempt {attempt}, the one before was {before}");
                if let Some(bar) = bars.get(gate) {
                    bar.set_message(text);
                }
            }
            Some(Turn::Ended { gate, counts_as, took_ms, what }) => {
                if let Some(bar) = bars.remove(gate) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                let name = clean_line(gate);
                let outcome = outcome(counts_as, took_ms, &what, self.paint);
                self.line(&format!("{} {outcome}", self.paint.bold(&cut(&name, NAME))));
            }
            None => {}
        }
        self.other(bars, event);
    }

    fn other(&self, bars: &mut BTreeMap<String, ProgressBar>, event: &Event) {
        let gate = event.gate.as_deref().unwrap_or("gate");
        match &event.event {
            Happening::Progress(step) => {
                if let Some(bar) = bars.get(gate) {
                    show(bar, step);
                }
            }
            Happening::Log { level: Level::Warn, text } => {
                let name = clean_line(gate);
                self.line(&format!("{} warning: {}", cut(&name, NAME), clean_line(text)));
            }
            // Nothing of ours may stand where the summary will be written.
            Happening::RunEnded { .. } => {
                for (_, bar) in std::mem::take(bars) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                let _ = self.screen.clear();
            }
            _ => {}
        }
    }

    fn bar(&self, gate: &str, kind: &str) -> ProgressBar {
        let bar = self.screen.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix} {wide_msg}"));
        bar.set_prefix(cut(&clean_line(gate), NAME).into_owned());
        bar.set_message(clean_line(kind).into_owned());
        bar.enable_steady_tick(TICK);
        bar
    }

    fn line(&self, text: &str) {
        // A screen that cannot be written to is no reason to end a run.
        let _ = self.screen.println(&*cut(text, LINE));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for bar in state.bars.values() {
            bar.finish_and_clear();
        }
    }
}

fn show(bar: &ProgressBar, step: &Progress) {
    if let Some(total) = step.total.filter(|total| bar.length() != Some(*total)) {
        bar.set_style(style("{spinner} {prefix} [{bar:16}] {wide_msg}"));
        bar.set_length(total);
    }
    bar.set_position(step.done);
    bar.set_message(progress(step));
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is ours");
    style.progress_chars("=> ").tick_chars("|/-\\ ")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;
    use crate::live::story;

    /// A screen that remembers everything that was ever written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn push(&self, text: &str) {
            self.0.lock().unwrap().push_str(text);
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.push(&format!("{text}\n"));
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.push(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.push("\n");
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(events: &[Event]) -> String {
        let screen = Screen::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let bars = Bars::on(MultiProgress::with_draw_target(target), false);
        for event in events {
            bars.follow(event);
        }
        drop(bars);
        std::mem::take(&mut *screen.0.lock().unwrap())
    }

    #[test]
    fn a_finished_gate_becomes_a_line() {
        let drawn = drawn(&story::events());
        for line in [
            "pages warning: a font could not be loaded",
            "lint ! warn in 6.0 s: an earlier attempt was inconclusive",
            "speed ! warn in 972 ms: not required (fail): the score is 61",
            "api ✓ pass in 999 ms: 1 check",
            "pages ✗ fail in 12.3 s: 1 of 3: the button changed its colour",
        ] {
            let shown = drawn.lines().any(|found| {
                found
                    .strip_prefix(line)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("  "))
            });
            assert!(shown, "{line}\n{drawn}");
        }
        assert!(drawn.contains("pages [====>           ] 3 of 12 pages: /page-3"), "{drawn}");
        assert!(drawn.contains("api 7 requests"), "{drawn}");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let drawn = drawn(&story::hostile());
        assert!(drawn.contains(r"\u{1b}]0;owned"), "{drawn}");
        // Resets and the like are indicatif's own; the texts' colours and titles are not there.
        for bad in ["\x1b]", "\x1b[31m", "\u{202e}", "\u{9b}", "\u{7}", "\0"] {
            assert!(!drawn.contains(bad), "{bad:?}");
        }
    }
}
