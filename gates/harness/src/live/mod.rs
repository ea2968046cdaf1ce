//! Live.
use gate_core::Event;
/// Bars.
pub struct Bars;
impl Bars { /// New.
 pub fn new(_: bool) -> Bars { Bars } /// Follow.
 pub fn follow(&self, _: &Event) {} }
/// Plain.
pub struct Plain { w: Box<dyn Fn(&str) + Send + Sync> }
impl Plain { /// New.
 pub fn new(w: Box<dyn Fn(&str) + Send + Sync>) -> Plain { Plain { w } } /// Follow.
 pub fn follow(&self, e: &Event) { (self.w)(&serde_json::to_string(e).unwrap()); } }
