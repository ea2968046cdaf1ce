//! As JSON.

use gate_core::Json;
use serde_json::json;

use super::{Report, named};
use crate::judge::data::lift::Lift;

impl Report<'_> {
    /// The whole of it. Where the numbers cannot be trusted there are no effects in it.
    pub(crate) fn json(&self) -> Json {
        let (judged, spec) = (self.judged, self.spec);
        let progress = judged.progress;
        let effects = |lifts: &[Lift]| judged.is_trusted.then(|| json!(lifts));
        let arms = self.seen.arms.iter().zip(&self.seen.all).zip(spec.shares());
        let arms = arms.map(|((arm, cell), share)| {
            json!({ "arm": arm, "share": share, "visitors": cell.units, "several_arms": cell.multiple })
        });
        json!({
            "schema": "gate-experiment/v1",
            "name": self.name,
            "verdict": self.verdict(),
            "is_trusted": judged.is_trusted,
            "headline": judged.headline,
            "next": judged.next,
            "hypothesis": spec.hypothesis,
            "owner": spec.owner,
            "arms": arms.collect::<Vec<_>>(),
            "trust": judged.trust,
            "time": judged.time,
            "progress": {
                "visitors": progress.visitors,
                "needed": progress.needed,
                "per_day": progress.per_day,
                "days": progress.days,
                "days_left": self.left(),
            },
            "success": judged.success,
            "effects": effects(&judged.primary),
            "guardrails": judged.guards,
            "guardrail_effects": effects(&judged.guardrails),
            "more": judged.more,
            "other_effects": effects(&judged.others),
            "method": { "name": named(&spec.analysis), "told": self.method() },
            "seed": self.seed,
        })
    }
}
