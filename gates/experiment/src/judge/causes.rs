//! What usually is behind data that cannot be trusted, and what to look at next.
//!
//! The order and the stages follow A. Fabijan, J. Gupchup, S. Gupta, J. Omhover, W. Qin, L. Vermeer and
//! P. Dmitriev, "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments: A Taxonomy and Rules
//! of Thumb for Practitioners" (KDD 2019): where in an experiment's life a cause lies, and which symptom
//! points to it.

/// Where in an experiment's life a cause lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Visitors are put into arms.
    Assignment,
    /// Variants are shown and events are sent.
    Execution,
    /// Events are collected, cleaned and joined.
    Processing,
    /// Numbers are worked out of them.
    Analysis,
    /// Somebody or something else acts upon the experiment.
    Interference,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Assignment => "assignment",
            Stage::Execution => "execution",
            Stage::Processing => "log processing",
            Stage::Analysis => "analysis",
            Stage::Interference => "interference",
        }
    }
}

/// Something that makes data wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Where it lies.
    pub(crate) stage: Stage,
    /// What it is, as a fragment.
    pub(crate) what: &'static str,
}

const fn cause(stage: Stage, what: &'static str) -> Cause {
    Cause { stage, what }
}

const BUCKETING: Cause =
    cause(Stage::Assignment, "the service puts visitors into arms with other weights than these");
const IDS: Cause = cause(Stage::Assignment, "ids are missing, cut short or made anew");
const CARRY_OVER: Cause =
    cause(Stage::Assignment, "visitors carry over what an earlier experiment did to them");
const HASH_REUSE: Cause = cause(
    Stage::Assignment,
    "another experiment uses the same hash seed, so that its arms and these go together",
);
const STICKINESS: Cause = cause(
    Stage::Assignment,
    "a visitor is put into an arm again after a login or without a cookie",
);
const SEVERAL_IDS: Cause =
    cause(Stage::Assignment, "one person has several ids, such as a new one after each redirect");
const REDIRECT: Cause =
    cause(Stage::Execution, "one arm redirects, and leaves before its exposure is sent");
const STARTS: Cause = cause(Stage::Execution, "the arms did not start, stop or ramp up together");
const RENDERING: Cause =
    cause(Stage::Execution, "one variant is slow or broken somewhere, so that visitors leave it");
const TELEMETRY: Cause =
    cause(Stage::Execution, "one variant changes or breaks what sends the events");
const TWICE: Cause =
    cause(Stage::Execution, "an event is sent by two places, or again when a page is loaded again");
const BOTS: Cause =
    cause(Stage::Processing, "bots are filtered out of one arm more than of the other");
const LATE_LOGS: Cause =
    cause(Stage::Processing, "late logs: a part of the newest events has not arrived yet");
const JOIN: Cause = cause(
    Stage::Processing,
    "exposures and conversions are joined by ids that are not the same, such as before and after a login",
);
const DOUBLED: Cause = cause(Stage::Processing, "a join or an import has doubled rows");
const LOST: Cause =
    cause(Stage::Processing, "a part of the events is lost on the way to the table");
const TRIGGERING: Cause =
    cause(Stage::Analysis, "who counts as exposed depends on what the variant does");
const FILTER: Cause =
    cause(Stage::Analysis, "a filter of the analysis looks at something that the variant changes");
const RAMP: Cause =
    cause(Stage::Analysis, "the weights were changed on the way, and all days are put together");
const EXPORT: Cause = cause(
    Stage::Assignment,
    "the export is of another environment or time, or was changed by hand",
);
const COVERAGE: Cause =
    cause(Stage::Assignment, "the experiment is off or a draft, or its coverage is 0");
const TARGETING: Cause =
    cause(Stage::Assignment, "the targeting leaves some visitors out, or out of one arm");
const RULE: Cause =
    cause(Stage::Assignment, "a rule before the experiment gives some visitors a fixed arm");
const LOTS: Cause =
    cause(Stage::Assignment, "without an id the service draws an arm anew each time");
const UNIT: Cause =
    cause(Stage::Assignment, "visitors are put into arms by another id than they are counted by");
const NAMESPACE: Cause = cause(
    Stage::Assignment,
    "two experiments that are to exclude each other overlap in their namespace",
);
const RESHUFFLE: Cause = cause(
    Stage::Assignment,
    "weights, seed, hash version or the order of arms change together with the share of visitors",
);
const ENCODING: Cause = cause(
    Stage::Assignment,
    "SDKs in several languages hash letters that are not ASCII in different ways",
);
const OTHERS: Cause = cause(
    Stage::Interference,
    "somebody paused, forced or tests an arm, or a campaign links to one",
);

/// What is seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symptom {
    /// The split of all is not what was meant.
    Split,
    /// That of some days is not.
    SplitOfDays,
    /// That of the newest days alone is not.
    SplitOfLastDays,
    /// That of some segments is not.
    SplitOfSegments,
    /// It goes with the arm of another experiment.
    SplitOfOther,
    /// Somebody is in an arm that is closed.
    ClosedArm,
    /// Visitors have seen several arms.
    SeveralArms,
    /// Nothing is known of what visitors did.
    NoConversions,
    /// Conversions belong to nobody who was exposed.
    Unjoined,
    /// One arm has no conversions, or none of some days.
    LostConversions,
    /// Arms differed before anybody was exposed.
    Before,
    /// Exposures of one arm, or of all, are recorded too often.
    Exposures,
    /// Conversions are counted several times.
    Conversions,
    /// Persons are counted several times.
    Persons,
    /// All segments say one thing, and together they say another.
    Simpson,
    /// The service's configuration cannot be used.
    Configuration,
    /// It does not have the arms, or the weights, of the spec.
    Weights,
    /// Nobody would be in the experiment.
    Nobody,
    /// A rule, and not chance, puts visitors into an arm.
    ByRule,
    /// A replica puts ids into arms in other shares.
    Allocation,
    /// A segment is not split like all others.
    Targeting,
    /// Lots are drawn anew.
    Lots,
    /// Another attribute is hashed.
    Unit,
    /// Ids are not those of single visitors.
    OddIds,
    /// The arms go together with another experiment's.
    Together,
    /// Experiments that are to exclude each other do not.
    Overlap,
    /// Visitors change arm when more of them take part.
    RampUp,
    /// SDKs put the same id into different arms.
    Sdks,
}

impl Symptom {
    /// The likely causes, the likeliest first.
    pub(crate) fn causes(self) -> &'static [Cause] {
        match self {
            Symptom::Split => &[REDIRECT, BUCKETING, BOTS, TRIGGERING],
            Symptom::SplitOfDays => &[STARTS, OTHERS, LOST],
            Symptom::SplitOfLastDays => &[LATE_LOGS, STARTS, LOST],
            Symptom::SplitOfSegments => &[RENDERING, BOTS, TRIGGERING, FILTER],
            Symptom::SplitOfOther => &[HASH_REUSE, CARRY_OVER],
            Symptom::ClosedArm => &[BUCKETING, OTHERS, STARTS],
            Symptom::SeveralArms => &[STICKINESS, IDS, STARTS],
            Symptom::NoConversions => &[TELEMETRY, LOST, JOIN],
            Symptom::Unjoined => &[JOIN, IDS, FILTER],
            Symptom::LostConversions => &[TELEMETRY, LOST, REDIRECT],
            Symptom::Before => &[CARRY_OVER, HASH_REUSE, TRIGGERING, LATE_LOGS],
            Symptom::Exposures => &[TWICE, REDIRECT, DOUBLED],
            Symptom::Conversions => &[TWICE, DOUBLED],
            Symptom::Persons => &[SEVERAL_IDS, STICKINESS, IDS],
            Symptom::Simpson => &[RAMP, STARTS, FILTER],
            Symptom::Configuration => &[EXPORT],
            Symptom::Weights | Symptom::Allocation => &[BUCKETING],
            Symptom::Nobody => &[COVERAGE, TARGETING],
            Symptom::ByRule => &[RULE, OTHERS],
            Symptom::Targeting => &[TARGETING, RULE],
            Symptom::Lots => &[LOTS],
            Symptom::Unit => &[UNIT, STICKINESS],
            Symptom::OddIds => &[IDS, SEVERAL_IDS],
            Symptom::Together => &[HASH_REUSE],
            Symptom::Overlap => &[NAMESPACE],
            Symptom::RampUp => &[RESHUFFLE],
            Symptom::Sdks => &[ENCODING],
        }
    }

    /// What to do next.
    pub(crate) fn next(self) -> &'static str {
        match self {
            Symptom::Split => {
                "Send this page to your developer, and count exposures of each arm before and after \
                 any redirect and any filter."
            }
            Symptom::SplitOfDays => {
                "Look at what was changed on those days, at the service and on the site. If they are \
                 the first ones, begin anew from the day on which all arms ran."
            }
            Symptom::SplitOfLastDays => "Wait until the logs are in, and look again tomorrow.",
            Symptom::SplitOfSegments => {
                "Open the variant as somebody of that segment: the same browser, device or country."
            }
            Symptom::SplitOfOther => {
                "Give this experiment a seed of its own and begin anew; `gate experiment simulate` \
                 shows whether the arms still go together."
            }
            Symptom::ClosedArm => {
                "Find out since when, and which weights the service has. Leave these visitors out."
            }
            Symptom::SeveralArms => {
                "See whether assignments outlive a login, another page and a new session: \
                 `gate experiment visit` tries that."
            }
            Symptom::NoConversions => {
                "Convert yourself in each arm, and follow the event from the browser to the table."
            }
            Symptom::Unjoined => "Take one converted visitor and look for their id in both tables.",
            Symptom::LostConversions => {
                "Convert yourself in that arm, and follow the event from the browser to the table."
            }
            Symptom::Before => {
                "Draw new seeds so that arms are mixed anew, and look when exposures are recorded."
            }
            Symptom::Exposures => {
                "Count what is sent for one visitor of each arm, from the first request on."
            }
            Symptom::Conversions => {
                "Take one visitor with several rows and see what differs between them."
            }
            Symptom::Persons => {
                "Count persons instead of ids, or let ids outlive redirects, logins and lost cookies."
            }
            Symptom::Configuration => {
                "Export the configuration again, and see whether this is the key of the experiment."
            }
            Symptom::Weights => {
                "Make the weights of the service and those of `split` the same, whichever are meant."
            }
            Symptom::Nobody => {
                "Open the experiment at the service: its state, coverage and targeting."
            }
            Symptom::ByRule => {
                "Move the rule behind the experiment or take it out, or leave these visitors out of the data."
            }
            Symptom::Allocation => {
                "Look whether a filter, a namespace or a condition takes more out of one arm."
            }
            Symptom::Targeting => {
                "Let the targeting be the same for all arms, or leave the segment out of all of them."
            }
            Symptom::Lots => "Choose an id that the service puts into arms by.",
            Symptom::Unit => "Make the service's hash attribute and `unit` the same.",
            Symptom::OddIds => {
                "Find where the ids are made: a visitor without one has to take no part, and nobody may \
                 share one."
            }
            Symptom::Together => "Give one of the two a seed of its own before it starts.",
            Symptom::Overlap => "Give each a part of the namespace that no other has.",
            Symptom::RampUp => {
                "Ramp up by the coverage and leave weights, seed and the order of arms as they are, or \
                 begin anew with a new seed."
            }
            Symptom::Sdks => {
                "Make ids of plain letters and digits, or let one SDK alone put visitors into arms."
            }
            Symptom::Simpson => {
                "Compare within each of them, or begin anew with weights that stay."
            }
        }
    }

    /// Causes and what to do next, for a check's advice.
    pub(crate) fn advice(self) -> String {
        let causes = self.causes().iter().map(|one| format!("{} ({})", one.what, one.stage.name()));
        format!("Usual causes: {}. {}", causes.collect::<Vec<_>>().join("; "), self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symptom_has_causes_and_a_next_step() {
        let all = [
            Symptom::Split,
            Symptom::SplitOfDays,
            Symptom::SplitOfLastDays,
            Symptom::SplitOfSegments,
            Symptom::SplitOfOther,
            Symptom::ClosedArm,
            Symptom::SeveralArms,
            Symptom::NoConversions,
            Symptom::Unjoined,
            Symptom::LostConversions,
            Symptom::Before,
            Symptom::Exposures,
            Symptom::Conversions,
            Symptom::Persons,
            Symptom::Simpson,
            Symptom::Configuration,
            Symptom::Weights,
            Symptom::Nobody,
            Symptom::ByRule,
            Symptom::Allocation,
            Symptom::Targeting,
            Symptom::Lots,
            Symptom::Unit,
            Symptom::OddIds,
            Symptom::Together,
            Symptom::Overlap,
            Symptom::RampUp,
            Symptom::Sdks,
        ];
        let text: String = all.iter().map(|one| format!("{one:?}\n  {}\n", one.advice())).collect();
        insta::assert_snapshot!("causes", text);
    }
}
