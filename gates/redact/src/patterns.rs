//! The shapes that vendors give their secrets, written after what they document.
//!
//! One automaton looks for what every shape begins with; an expression then looks at that place
//! alone, so that an ordinary text costs one pass.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use crate::entropy;

/// How far a shape may reach, in bytes; private keys are the longest.
pub(crate) const REACH: usize = 16 << 10;

/// The shape of a secret.
pub(crate) struct Pattern {
    /// What a finding names it by.
    pub(crate) rule: &'static str,
    /// What it holds, in lower case; one of several.
    keywords: &'static str,
    /// Matched from where the keyword stands on, or from `before` bytes earlier at the most. The
    /// first group is the secret, or else all of it.
    pub(crate) expression: &'static str,
    before: usize,
    /// Whether it has to look drawn at random, too: words come in this shape as well.
    drawn: bool,
}

const fn shape(rule: &'static str, keywords: &'static str, expression: &'static str) -> Pattern {
    Pattern { rule, keywords, expression, before: 0, drawn: false }
}

impl Pattern {
    const fn from(self, before: usize) -> Pattern {
        Pattern { before, ..self }
    }

    const fn drawn(self) -> Pattern {
        Pattern { drawn: true, ..self }
    }
}

/// All of them.
pub(crate) static PATTERNS: &[Pattern] = &[
    // Clouds.
    shape("aws-access-key", "akia", r"AKIA[A-Z2-7]{16}\b"),
    shape("aws-access-key", "asia", r"ASIA[A-Z2-7]{16}\b"),
    shape("aws-access-key", "abia", r"ABIA[A-Z2-7]{16}\b"),
    shape("aws-access-key", "acca", r"ACCA[A-Z2-7]{16}\b"),
    shape("gcp-api-key", "aiza", r"AIza[0-9A-Za-z_-]{35}"),
    shape("gcp-access-token", "ya29.", r"ya29\.[0-9A-Za-z_-]{20,2048}"),
    shape("gcp-client-secret", "gocspx-", r"GOCSPX-[0-9A-Za-z_-]{28}"),
    shape("gcp-refresh-token", "1//0", r"1//0[0-9A-Za-z_-]{35,256}").drawn(),
    shape("azure-account-key", "accountkey=", r"AccountKey=([0-9A-Za-z+/]{86}==)"),
    shape("azure-shared-access", "sharedaccesskey=", r"SharedAccessKey=([0-9A-Za-z+/]{43}=)"),
    shape("azure-sas", "sig=", r"sig=([0-9A-Za-z%+/]{43,80}=?)"),
    shape("azure-client-secret", "8q~", r"[0-9A-Za-z_~.-]{3}8Q~[0-9A-Za-z_~.-]{31,34}").from(3),
    shape("alibaba-access-key", "ltai", r"LTAI[0-9A-Za-z]{17,21}\b").drawn(),
    shape("digitalocean-token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}").from(3),
    shape("heroku-key", "hrku-", r"HRKU-[0-9A-Za-z_-]{36,80}"),
    shape("cloudflare-origin-key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    shape("planetscale-secret", "pscale_", r"pscale_(?:tkn|pw|oauth)_[0-9A-Za-z_.=-]{32,64}"),
    shape("supabase-token", "sbp_", r"sbp_[0-9a-f]{40}"),
    shape("databricks-token", "dapi", r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    shape("terraform-token", ".atlasv1.", r"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{60,70}")
        .from(14),
    shape("vault-token", "hvs.|hvb.|hvr.", r"hv[bsr]\.[0-9A-Za-z_-]{24,256}"),
    shape(
        "doppler-token",
        "dp.",
        r"dp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z]+\.)?[0-9A-Za-z]{40,44}",
    ),
    shape("pulumi-token", "pul-", r"pul-[0-9a-f]{40}"),
    shape("1password-token", "ops_eyj", r"ops_eyJ[0-9A-Za-z+/_-]{50,2048}={0,3}"),
    // Code and packages.
    shape("github-token", "ghp_|gho_|ghu_|ghs_|ghr_", r"gh[oprsu]_[0-9A-Za-z]{36,251}"),
    shape("github-fine-token", "github_pat_", r"github_pat_[0-9A-Za-z_]{40,255}"),
    shape(
        "gitlab-token",
        "glpat-|gldt-|glrt-|glcbt-|glptt-|glft-|glsoat-|glimt-|glagent-|gloas-|glffct-",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|oas|ffct)-[0-9A-Za-z_-]{20,256}",
    ),
    shape("gitlab-runner-token", "gr1348941", r"GR1348941[0-9A-Za-z_-]{20}"),
    shape("bitbucket-token", "atbb", r"ATBB[0-9A-Za-z]{28,32}\b").drawn(),
    shape("atlassian-token", "atatt3", r"ATATT3[0-9A-Za-z_=-]{50,512}"),
    shape("npm-token", "npm_", r"npm_[0-9A-Za-z]{36}"),
    shape("pypi-token", "pypi-age", r"pypi-AgE[0-9A-Za-z_-]{50,1024}"),
    shape("rubygems-key", "rubygems_", r"rubygems_[0-9a-f]{48}"),
    shape("crates-token", "cio", r"cio[0-9A-Za-z]{32}\b").drawn(),
    shape("nuget-key", "oy2", r"oy2[0-9a-z]{43}\b"),
    shape("docker-token", "dckr_", r"dckr_[op]at_[0-9A-Za-z_-]{27,64}"),
    shape("clojars-token", "clojars_", r"CLOJARS_[0-9a-z]{60}"),
    shape("linear-key", "lin_", r"lin_(?:api|oauth)_[0-9A-Za-z]{32,64}"),
    shape("sentry-token", "sntry", r"sntry(?:s|u)_[0-9A-Za-z+/=_-]{40,512}"),
    shape("newrelic-key", "nrak-|nrjs-|nrii-|nrbr-", r"NR(?:AK|JS|II|BR)-[0-9A-Za-z-]{19,32}")
        .drawn(),
    shape(
        "grafana-token",
        "glc_|glsa_",
        r"gl(?:c_[0-9A-Za-z+/]{32,400}={0,2}|sa_[0-9A-Za-z]{32}_[0-9a-f]{8})",
    ),
    shape("postman-key", "pmak-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    shape(
        "launchdarkly-key",
        "sdk-|mob-",
        r"(?:sdk|mob)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ),
    shape("figma-token", "figd_", r"figd_[0-9A-Za-z_-]{40}"),
    shape("contentful-token", "cfpat-", r"CFPAT-[0-9A-Za-z_-]{43}"),
    shape("prefect-key", "pnu_", r"pnu_[0-9A-Za-z]{36}"),
    shape("age-key", "age-secret-key-1", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    // Talk and mail.
    shape("slack-token", "xox", r"xox[abeoprs](?:\.xox[bp])?-[0-9A-Za-z-]{10,256}"),
    shape("slack-app-token", "xapp-", r"xapp-[0-9]-[0-9A-Z]+-[0-9]+-[0-9a-f]{32,128}"),
    shape("slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/[a-z]+/([0-9A-Za-z+/]{20,128})"),
    shape(
        "discord-webhook",
        "/api/webhooks/",
        r"/api/webhooks/[0-9]{17,20}/([0-9A-Za-z_-]{60,72})",
    ),
    shape("telegram-token", ":aa", r"(?:bot)?[0-9]{8,10}:AA[0-9A-Za-z_-]{32,34}").from(13),
    shape("teams-webhook", "/incomingwebhook/", r"/IncomingWebhook/([0-9a-f]{32}/[0-9a-f-]{36})"),
    shape("twilio-key", "sk", r"SK[0-9a-f]{32}\b"),
    shape("sendgrid-key", "sg.", r"SG\.[0-9A-Za-z_-]{20,24}\.[0-9A-Za-z_-]{39,50}"),
    shape("mailgun-key", "key-", r"key-[0-9a-f]{32}\b"),
    shape("mailchimp-key", "-us", r"[0-9a-f]{32}-us[0-9]{1,2}\b").from(32),
    shape("brevo-key", "xkeysib-", r"xkeysib-[0-9a-f]{64}-[0-9A-Za-z]{16}"),
    shape("brevo-smtp-key", "xsmtpsib-", r"xsmtpsib-[0-9a-f]{64}-[0-9A-Za-z]{16}"),
    shape("resend-key", "re_", r"re_[0-9A-Za-z]{8}_[0-9A-Za-z]{24}"),
    shape(
        "hubspot-token",
        "pat-",
        r"pat-(?:na|eu|ap)[0-9]-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ),
    shape("klaviyo-key", "pk_", r"pk_[0-9a-f]{34}\b"),
    shape("meta-token", "eaa", r"EAA[0-9A-Za-z]{30,512}").drawn(),
    shape("typeform-token", "tfp_", r"tfp_[0-9A-Za-z_.=-]{40,80}"),
    shape("airtable-token", "pat", r"pat[0-9A-Za-z]{14}\.[0-9a-f]{64}"),
    shape("notion-token", "ntn_", r"ntn_[0-9A-Za-z]{40,60}"),
    shape("notion-secret", "secret_", r"secret_[0-9A-Za-z]{43}\b"),
    // Money and shops.
    shape("stripe-key", "k_live_|k_test_|k_prod_", r"[rs]k_(?:live|test|prod)_[0-9A-Za-z]{10,256}")
        .from(1),
    shape("stripe-webhook-secret", "whsec_", r"whsec_[0-9A-Za-z+/=]{24,128}"),
    shape("shopify-token", "shp", r"shp(?:at|ca|pa|ss|ua)_[0-9A-Fa-f]{32}"),
    shape("square-token", "sq0", r"sq0(?:atp|csp|idp)-[0-9A-Za-z_-]{22,43}"),
    shape("braintree-token", "access_token$", r"access_token\$[a-z]+\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    shape("razorpay-key", "rzp_", r"rzp_(?:live|test)_[0-9A-Za-z]{14,24}"),
    shape("flutterwave-key", "flwseck", r"FLWSECK(?:_TEST)?-[0-9A-Za-z]{12,64}-X"),
    shape("easypost-key", "ezak|eztk", r"EZ[AT]K[0-9A-Za-z]{54}"),
    // Models.
    shape("anthropic-key", "sk-ant-", r"sk-ant-[0-9A-Za-z_-]{20,256}"),
    shape("openai-key", "sk-", r"sk-(?:proj-|svcacct-|admin-)?[0-9A-Za-z_-]{32,256}").drawn(),
    shape("huggingface-token", "hf_", r"hf_[0-9A-Za-z]{34,40}\b"),
    shape("replicate-token", "r8_", r"r8_[0-9A-Za-z]{37}"),
    shape("groq-key", "gsk_", r"gsk_[0-9A-Za-z]{52}"),
    shape("perplexity-key", "pplx-", r"pplx-[0-9A-Za-z]{48}"),
    // Whatever the vendor.
    shape("jwt", "eyj", r"eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{8,8192}\.[0-9A-Za-z_-]{8,2048}"),
    shape(
        "private-key",
        "-----begin",
        r"-----BEGIN [0-9A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----([^-]{16,16000})",
    ),
    shape("password-in-url", "://", r#"://[^\s/?#@:"'<>]{0,128}:([^\s/?#@"'<>]{1,256})@"#),
    shape("bearer", "bearer ", r"(?i)bearer +([0-9A-Za-z._~+/-]{16,4096}=*)").drawn(),
    shape("basic", "basic ", r"(?i)basic +([0-9A-Za-z+/]{16,1024}={0,2})").drawn(),
];

struct Keywords {
    finder: AhoCorasick,
    /// Which pattern each keyword is of.
    patterns: Vec<usize>,
}

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(|| {
    let words = PATTERNS.iter().enumerate();
    let (patterns, words): (Vec<usize>, Vec<&str>) = words
        .flat_map(|(at, pattern)| pattern.keywords.split('|').map(move |word| (at, word)))
        .unzip();
    let finder = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build(words)
        .expect("short keywords fit an automaton");
    Keywords { finder, patterns }
});
/// Compiled when the first text asks for them.
static EXPRESSIONS: [OnceLock<Regex>; 128] = [const { OnceLock::new() }; 128];

fn expression(at: usize) -> &'static Regex {
    EXPRESSIONS[at].get_or_init(|| {
        let pattern = &PATTERNS[at];
        let anchor = if pattern.before == 0 { "^" } else { "" };
        RegexBuilder::new(&format!("{anchor}(?:{})", pattern.expression))
            .unicode(false)
            .size_limit(32 << 20)
            .build()
            .expect("the expressions of all patterns are tried in a test")
    })
}

/// Calls `found` with each secret that has the shape of one.
pub(crate) fn find(text: &[u8], mut found: impl FnMut(&'static str, Range<usize>)) {
    let keywords = &*KEYWORDS;
    for hit in keywords.finder.find_overlapping_iter(text) {
        let at = keywords.patterns[hit.pattern().as_usize()];
        let pattern = &PATTERNS[at];
        let starts_in_word = |start: usize| {
            start > 0
                && text[start].is_ascii_alphanumeric()
                && text[start - 1].is_ascii_alphanumeric()
        };
        if pattern.before == 0 && starts_in_word(hit.start()) {
            continue;
        }
        let from = hit.start().saturating_sub(pattern.before);
        let part = &text[from..text.len().min(hit.start() + REACH)];
        if !expression(at).is_match(part) {
            continue;
        }
        let Some(groups) = expression(at).captures(part) else { continue };
        let whole = groups.get(0).expect("the first group is all of it");
        if from + whole.start() > hit.start() || starts_in_word(from + whole.start()) {
            continue;
        }
        let secret = groups.get(1).unwrap_or(whole);
        if pattern.drawn && !entropy::is_likely(secret.as_bytes()) {
            continue;
        }
        found(pattern.rule, from + secret.start()..from + secret.end());
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::*;
    use crate::look;

    fn found(text: &str) -> Vec<(&'static str, &str)> {
        let mut all = Vec::new();
        find(text.as_bytes(), |rule, at| all.push((rule, &text[at])));
        all
    }

    #[test]
    fn every_pattern_finds_what_has_its_shape() {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        assert!(PATTERNS.len() >= 80 && PATTERNS.len() <= EXPRESSIONS.len());
        for pattern in PATTERNS {
            let plain = pattern.expression.replace(r"\b", "").replace("(?i)", "");
            let shapes = proptest::string::string_regex(&plain).unwrap();
            let mut missed = 0;
            for _ in 0..20 {
                let text = shapes.new_tree(&mut runner).unwrap().current();
                let text: String = text.chars().filter(char::is_ascii).collect();
                assert!(!look::is_too_short(text.as_bytes()), "{}: {text}", pattern.rule);
                let text = format!("({text})");
                missed += usize::from(!found(&text).iter().any(|(rule, _)| *rule == pattern.rule));
            }
            // What has to look drawn at random does not always.
            assert!(missed <= if pattern.drawn { 4 } else { 0 }, "{}: {missed}", pattern.rule);
        }
    }

    #[test]
    fn words_that_look_alike_are_left_alone() {
        for text in [
            "class=\"sk-fading-circle sk-spinner-wrapper-for-all-the-pages\"",
            "the task_live_stream and disk_test_results",
            "https://example.com:8080/a@b",
            "basic authentication-and-authorisation",
            "bearer authentication_is_required",
            "glass-half-full github_pages npm_package",
            "eyJust.a.joke",
            "2026-11-21T10:00:00-us1",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn only_the_secret_is_found() {
        let check = |text: &str, expect: &[(&'static str, &str)]| assert_eq!(found(text), expect);
        check("postgres://kim:hunter2@db/x", &[("password-in-url", "hunter2")]);
        let body = "MIIEvQIBADANBgkqhkiG9w0B\nAQEFAASC";
        let key = format!("-----BEGIN {0}-----\n{body}\n-----END {0}-----", "PRIVATE KEY");
        check(&key, &[("private-key", &format!("\n{body}\n"))]);
        let (id, path) = ("T0A1B2C3D4", "B0A1B2C3D4/x7Yq2LmZp9Rt4Kv8Wn1Bc5Df");
        let url = format!("https://hooks.slack.com/services/{id}/{path}");
        check(&url, &[("slack-webhook", &format!("{id}/{path}"))]);
    }
}
