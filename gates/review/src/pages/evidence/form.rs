//! The questions of a tool as a form. What it answers is put below it by a script.

use gate_core::evidence::FormField;
use gate_runs::clean;
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::pages::Frame;
use crate::tools::{Control, Field, Form, Range, shown};

/// A form within a page that somebody wrote: filled in as they say, or, where nothing answers,
/// with what to start instead.
pub(super) fn asked(frame: &Frame<'_>, id: &str, questions: &[FormField]) -> Markup {
    let named = clean::line(id);
    let Some(tools) = frame.tools() else { return elsewhere(frame, id, questions) };
    let Some(offered) = tools.get(id) else {
        return html! { p.note { "It asks the tool “" (named) "”, which this gate does not have." } };
    };
    let (form, unknown) = filled(Form::of(&(offered.tool.input)()), questions);
    html! {
        p.asks {
            "Ask the tool “" a href=(crate::pages::tool_page(offered.tool.id)) { (clean::line(offered.tool.title)) } "”"
        }
        @if !unknown.is_empty() {
            p.note { "The tool does not ask for " (unknown.join(", ")) " any more." }
        }
        (drawn(offered.tool.id, &form))
    }
}

/// The questions in their order with what stands there at first, then those that have to be
/// answered besides; and the names of those that the tool does not have.
fn filled(form: Form, questions: &[FormField]) -> (Form, Vec<String>) {
    let mut left = form.fields;
    let mut fields = Vec::new();
    let mut unknown = Vec::new();
    for question in questions {
        let Some(at) = left.iter().position(|field| field.name == question.name) else {
            unknown.push(clean::line(&question.name).into_owned());
            continue;
        };
        let mut field = left.remove(at);
        field.label.clone_from(&question.label);
        if question.value.is_some() {
            field.value.clone_from(&question.value);
        }
        fields.push(field);
    }
    fields.extend(left.into_iter().filter(|field| field.is_needed));
    (Form { fields }, unknown)
}

fn elsewhere(frame: &Frame<'_>, id: &str, questions: &[FormField]) -> Markup {
    let given = |question: &FormField| Some((question.name.clone(), question.value.clone()?));
    let input: Map<String, Value> = questions.iter().filter_map(given).collect();
    let input = Value::Object(input).to_string();
    let words = [id, &input].map(|word| clean::line(word).into_owned());
    let [id, input] = words.each_ref().map(|word| clean::shell_word(word));
    html! {
        p.note {
            "Nothing answers in a page that lies in a file. Start " code { "gate review " (clean::shell_word(&clean::line(&frame.report.run))) }
            " and ask there, or in a terminal:"
        }
        pre tabindex="0" aria-label="Command" { "gate tool " (id) " --input " (input) }
    }
}

/// The form of a tool, ready to be filled in.
pub(crate) fn drawn(id: &str, form: &Form) -> Markup {
    html! {
        form.ask data-tool=(id) novalidate autocomplete="off" {
            @for field in &form.fields { (self::field(field)) }
            p.wrong role="alert" data-of="whole" hidden {}
            button.primary type="submit" { "Answer" }
        }
        section.answer tabindex="-1" aria-label="Answer" hidden {}
        noscript { p.note { "A form needs scripts; " code { "gate tool " (id) } " does without." } }
    }
}

fn field(field: &Field) -> Markup {
    let label = html! {
        span.label { (clean::line(&field.label)) @if field.is_needed { span.needed { " needed" } } }
    };
    // A box that is neither ticked nor not cannot be told from one that is not.
    let is_box = field.control == Control::Truth && (field.is_needed || field.value.is_some());
    html! {
        div.field data-name=(field.name) data-reads=(reads(&field.control)) data-each=[each(&field.control)] {
            @if is_box {
                label.check { input type="checkbox" checked[field.value == Some(Value::Bool(true))]; " " (label) }
            } @else {
                label { (label) (control(field)) }
            }
            p.note.about { (about(field)) }
            p.wrong hidden {}
        }
    }
}

/// How the script reads what was filled in.
fn reads(control: &Control) -> &'static str {
    match control {
        Control::Text => "text",
        Control::Number(_) | Control::Whole(_) => "number",
        Control::Truth | Control::Choice(_) => "choice",
        Control::Lines(_) => "lines",
        Control::Json(_) => "json",
    }
}

fn each(control: &Control) -> Option<&'static str> {
    match control {
        Control::Lines(each) => Some(match **each {
            Control::Number(_) | Control::Whole(_) => "number",
            _ => "text",
        }),
        _ => None,
    }
}

fn control(field: &Field) -> Markup {
    let value = field.value.as_ref();
    let text = value.map(shown).unwrap_or_default();
    let needed = field.is_needed.then_some("true");
    match &field.control {
        Control::Text => html! { input type="text" value=(text) aria-required=[needed]; },
        Control::Number(_) => {
            html! { input type="text" inputmode="decimal" value=(text) aria-required=[needed]; }
        }
        Control::Whole(_) => {
            html! { input type="text" inputmode="numeric" value=(text) aria-required=[needed]; }
        }
        Control::Choice(choices) => options(choices, value, needed),
        Control::Truth => {
            let both = [(true, "yes"), (false, "no")];
            let both = both.map(|(value, word)| (Value::Bool(value), word.to_owned()));
            options(&both, value, needed)
        }
        Control::Lines(_) => {
            let lines: Vec<String> =
                value.and_then(Value::as_array).into_iter().flatten().map(shown).collect();
            html! { textarea rows="4" spellcheck="false" aria-required=[needed] { (lines.join("\n")) } }
        }
        Control::Json(_) => {
            let text = value.and_then(|value| serde_json::to_string_pretty(value).ok());
            html! { textarea.json rows="6" spellcheck="false" aria-required=[needed] { (text.unwrap_or_default()) } }
        }
    }
}

fn options(
    choices: &[(Value, String)],
    chosen: Option<&Value>,
    needed: Option<&'static str>,
) -> Markup {
    html! {
        select aria-required=[needed] {
            @if chosen.is_none() { option value="" { "–" } }
            @for (value, name) in choices {
                option value=(value.to_string()) selected[chosen == Some(value)] { (clean::line(name)) }
            }
        }
    }
}

/// What the schema says of a question, and how it is answered where that is not plain to see.
fn about(field: &Field) -> String {
    let how = match &field.control {
        Control::Number(range) | Control::Whole(range) if *range != Range::default() => {
            format!("It is {}.", field.control.wanted())
        }
        Control::Lines(each) => format!("One on each line: {}.", each.wanted()),
        Control::Json(what) => format!("A form cannot ask for it: write {what} in JSON."),
        _ => String::new(),
    };
    let about = field.about.as_deref().map(clean::lines).unwrap_or_default();
    [about.trim(), &how].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}
