//! A request and its answer, with what differs from the answer that was expected.

use std::collections::BTreeMap;

use gate_core::evidence::{ExchangeEvidence, Response};
use gate_runs::clean;
use maud::{Markup, html};

use super::table::text;

/// A request with its answer.
pub fn exchange(exchange: &ExchangeEvidence) -> Markup {
    let request = &exchange.request;
    html! {
        @if !exchange.differences.is_empty() {
            table.differences {
                caption { "What differs" }
                thead { tr { th scope="col" { "Where" } th scope="col" { "How" } th scope="col" { "Before" } th scope="col" { "Now" } } }
                tbody {
                    @for difference in &exchange.differences {
                        tr {
                            th scope="row" { code { (clean::line(&difference.path)) } }
                            td { (clean::line(&difference.kind)) }
                            td { del { (text(&difference.before)) } }
                            td { ins { (text(&difference.after)) } }
                        }
                    }
                }
            }
        }
        div.exchange {
            section {
                h3 { "Request" }
                p { code { (clean::line(&request.method)) " " (clean::line(&request.url)) } }
                (headers(&request.headers))
                (body(request.body.as_deref()))
            }
            @if let Some(expected) = &exchange.expected { (response("Expected", expected)) }
            @match &exchange.response {
                Some(found) => (response("Answer", found)),
                None => section { h3 { "Answer" } p { "None came." } },
            }
        }
    }
}

fn response(title: &str, response: &Response) -> Markup {
    html! {
        section {
            h3 { (title) }
            p { "status " (response.status) }
            (headers(&response.headers))
            (body(response.body.as_deref()))
        }
    }
}

fn headers(headers: &BTreeMap<String, Vec<String>>) -> Markup {
    html! {
        @if !headers.is_empty() {
            dl.headers {
                @for (name, values) in headers {
                    dt { (clean::line(name)) }
                    @for value in values { dd { (clean::line(value)) } }
                }
            }
        }
    }
}

fn body(body: Option<&str>) -> Markup {
    html! {
        @if let Some(body) = body.filter(|body| !body.is_empty()) {
            pre tabindex="0" aria-label="Body" { (clean::lines(body)) }
        }
    }
}
