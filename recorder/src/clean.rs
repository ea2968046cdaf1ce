//! Taking the secrets out of recordings that others made.

use redact::Cleaner;

use crate::cassette::Recorded;
use crate::message::{Content, Headers, Interaction, Response};
use crate::wire::{headers_without_secrets, host_of, without_secrets as request_without_secrets};

/// How often recordings are gone through: what is learnt in one of them may stand in those before
/// it, and what stands there instead teaches nothing more than once.
const PASSES: usize = 3;

/// The recordings without their secrets, and how many of them had one. Bodies that are not in
/// memory stay as they are.
pub fn cleaned(recorded: &[Recorded], cleaner: &Cleaner) -> (Vec<Recorded>, usize) {
    let clean = settled(recorded, cleaner, |one| without_secrets(one, cleaner));
    let changed = recorded.iter().zip(&clean).filter(|(before, after)| before != after).count();
    (clean, changed)
}

/// The recordings with requests that are looked up as a proxy with this cleaner looks up those
/// that come in. Answers stay as they are.
pub fn with_clean_requests(recorded: &[Recorded], cleaner: &Cleaner) -> Vec<Recorded> {
    settled(recorded, cleaner, |one| {
        // What an answer teaches, a token that is sent back later, belongs to it.
        let Interaction { request, .. } = without_secrets(one, cleaner);
        Interaction { request, response: one.response.clone() }
    })
}

fn settled(
    recorded: &[Recorded],
    cleaner: &Cleaner,
    clean: impl Fn(&Interaction) -> Interaction,
) -> Vec<Recorded> {
    let mut all = Vec::new();
    for _ in 0..PASSES {
        let before = cleaner.generation();
        let one =
            |one: &Recorded| Recorded { order: one.order, interaction: clean(&one.interaction) };
        all = recorded.iter().map(one).collect();
        if cleaner.generation() == before {
            break;
        }
    }
    all
}

/// An interaction without its secrets. A body that is not in memory stays as it is.
pub fn without_secrets(interaction: &Interaction, cleaner: &Cleaner) -> Interaction {
    let before = cleaner.generation();
    let clean = without_secrets_once(interaction, cleaner);
    // What a body has taught may stand in the headers before it.
    if cleaner.generation() == before { clean } else { without_secrets_once(interaction, cleaner) }
}

fn without_secrets_once(interaction: &Interaction, cleaner: &Cleaner) -> Interaction {
    let Interaction { request, response } = interaction;
    let host = host_of(&request.url);
    let headers = |headers: &Headers| headers_without_secrets(cleaner, &host, headers);
    let mut clean = Response {
        headers: headers(&response.headers),
        trailers: headers(&response.trailers),
        ..response.clone()
    };
    let media_type = response.headers.text("content-type").unwrap_or_default();
    if let Content::Bytes(bytes) = &response.body
        && let std::borrow::Cow::Owned(body) = cleaner.body(&host, media_type, bytes)
    {
        clean.body = body.into();
        // They say what the body said, and how long its bits were.
        clean.encoded = None;
        if let Some(timing) = &mut clean.timing {
            timing.chunks.clear();
        }
    }
    let request = request_without_secrets(cleaner, request.clone());
    Interaction { request, response: clean }
}

#[cfg(test)]
mod tests {
    use redact::Redactor;
    use redact::placeholder::Key;

    use super::*;
    use crate::message::Request;

    fn recorded(url: &str, token: &str, body: &str) -> Recorded {
        let mut headers = Headers::new();
        if !token.is_empty() {
            headers.add("authorization", format!("Bearer {token}"));
        }
        let request =
            Request { method: "GET".into(), url: url.into(), headers, body: Content::default() };
        let json = [("content-type", "application/json")].into_iter().collect();
        let response = Response {
            status: 200,
            headers: json,
            body: body.to_owned().into(),
            encoded: Some("coded".into()),
            ..Response::default()
        };
        Recorded { order: 0, interaction: Interaction { request, response } }
    }

    fn cleaner() -> Cleaner {
        Cleaner::new(Redactor::default(), &[], Key([7; 32]))
    }

    #[test]
    fn a_token_goes_wherever_it_stands() {
        let all = [
            recorded("https://a/by/kP3-zQ9x-secret", "", "{}"),
            recorded("https://a/login", "", r#"{"access_token":"kP3-zQ9x-secret"}"#),
            recorded("https://a/me", "kP3-zQ9x-secret", "{}"),
        ];
        let (clean, changed) = cleaned(&all, &cleaner());
        assert_eq!(changed, 3);
        let text = format!("{clean:?}");
        assert!(!text.contains("kP3-zQ9x-secret"), "{text}");
        assert_eq!(clean[1].interaction.response.encoded, None);
        assert_eq!(clean[2].interaction.response, all[2].interaction.response);
        let (again, changed) = cleaned(&clean, &cleaner());
        assert_eq!((again, changed), (clean, 0));
    }

    #[test]
    fn answers_stay_as_they_are_where_only_requests_are_looked_up() {
        let all = [
            recorded("https://a/by/kP3-zQ9x-secret", "", "{}"),
            recorded("https://a/login", "", r#"{"access_token":"kP3-zQ9x-secret"}"#),
        ];
        let cleaner = cleaner();
        let looked_up = with_clean_requests(&all, &cleaner);
        let url = &looked_up[0].interaction.request.url;
        assert!(url.starts_with("https://a/by/redacted-secret-"), "{url}");
        assert_eq!(looked_up[1].interaction.response, all[1].interaction.response);
        let asked = &all[0].interaction.request;
        assert_eq!(
            request_without_secrets(&cleaner, asked.clone()),
            looked_up[0].interaction.request
        );
    }
}
