//! What a pasted key looks like, to help its owner. A hint only: never a reason to refuse a key, and no part of the key.

use freehold_domain::provider::ProviderKind;

use crate::secret::Secret;

/// How far a hint may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The prefix belongs to one provider.
    Likely,
    /// Others use the same shape: suggest it, decide nothing by it.
    Ambiguous,
}

/// What its owner should know about a key of this look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNote {
    /// Manages an account and cannot run inference.
    AdminKey,
    /// Comes from signing in to a subscription and is no API key.
    OauthToken,
    /// A form its provider is switching off.
    RetiringForm,
    /// Belongs to the service named here, which is used as an OpenAI-compatible endpoint.
    CompatibleService(&'static str),
    /// Belongs to the service named here, which is not supported.
    UnsupportedService(&'static str),
    /// One of our own virtual keys or operator tokens, pasted where a provider's key belongs.
    OurOwn,
}

impl KeyNote {
    /// The note as a sentence for the key's owner.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::AdminKey => {
                "This looks like an admin key: it manages an account and cannot run inference. Create an API key instead.".to_owned()
            }
            Self::OauthToken => {
                "This looks like a sign-in token of a subscription, not an API key. Create an API key in the provider's console."
                    .to_owned()
            }
            Self::RetiringForm => {
                "This looks like an older form of key that its provider is switching off. Create a new one soon.".to_owned()
            }
            Self::CompatibleService(service) => {
                format!("This looks like a key of {service}. Store it as `openai-compatible` with the service's base URL.")
            }
            Self::UnsupportedService(service) => format!("This looks like a key of {service}, which is not supported yet."),
            Self::OurOwn => {
                "This looks like a key issued by this gateway. Paste the key that the provider gave you.".to_owned()
            }
        }
    }
}

/// What a key looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHint {
    /// Which kind of provider it seems to belong to; nothing where that is none of ours.
    pub provider: Option<ProviderKind>,
    /// How far that may be trusted.
    pub certainty: Certainty,
    /// What its owner should know.
    pub note: Option<KeyNote>,
}

/// A prefix, the provider it speaks for, and what comes with it.
type Pattern = (&'static str, Option<ProviderKind>, Option<KeyNote>);

/// Prefixes that belong to one provider, as seen in autumn 2026. Where one begins with another, the longer stands first.
const PREFIXES: [Pattern; 22] = [
    (
        "sk-ant-admin01-",
        Some(ProviderKind::Anthropic),
        Some(KeyNote::AdminKey),
    ),
    (
        "sk-ant-oat01-",
        Some(ProviderKind::Anthropic),
        Some(KeyNote::OauthToken),
    ),
    ("sk-ant-", Some(ProviderKind::Anthropic), None),
    ("sk-or-v1-", Some(ProviderKind::Openrouter), None),
    ("sk-svcacct-", Some(ProviderKind::Openai), None),
    ("sk-service-", Some(ProviderKind::Openai), None),
    ("sk-admin-", Some(ProviderKind::Openai), Some(KeyNote::AdminKey)),
    ("sk-proj-", Some(ProviderKind::Openai), None),
    ("gsk_", Some(ProviderKind::Groq), None),
    ("nvapi-", Some(ProviderKind::Nvidia), None),
    ("AIza", Some(ProviderKind::Google), Some(KeyNote::RetiringForm)),
    ("AQ.", Some(ProviderKind::Google), None),
    ("xai-", Some(ProviderKind::Xai), None),
    (
        "pplx-",
        Some(ProviderKind::OpenaiCompatible),
        Some(KeyNote::CompatibleService("Perplexity")),
    ),
    (
        "hf_",
        Some(ProviderKind::OpenaiCompatible),
        Some(KeyNote::CompatibleService("Hugging Face")),
    ),
    (
        "csk-",
        Some(ProviderKind::OpenaiCompatible),
        Some(KeyNote::CompatibleService("Cerebras")),
    ),
    (
        "fw_",
        Some(ProviderKind::OpenaiCompatible),
        Some(KeyNote::CompatibleService("Fireworks")),
    ),
    (
        "tgp_v1_",
        Some(ProviderKind::OpenaiCompatible),
        Some(KeyNote::CompatibleService("Together")),
    ),
    (
        "bedrock-api-key-",
        None,
        Some(KeyNote::UnsupportedService("AWS Bedrock")),
    ),
    ("ABSK", None, Some(KeyNote::UnsupportedService("AWS Bedrock"))),
    (crate::operator_token::PREFIX, None, Some(KeyNote::OurOwn)),
    (crate::virtual_key::PREFIX, None, Some(KeyNote::OurOwn)),
];

/// Every older key of OpenAI has this in its middle.
const OPENAI_MARKER: &[u8] = b"T3BlbkFJ";

/// What `key` looks like; nothing where it looks like nothing in particular.
#[must_use]
pub fn guess_provider(key: &Secret) -> Option<KeyHint> {
    guess(key.expose())
}

fn guess(key: &[u8]) -> Option<KeyHint> {
    let known = PREFIXES
        .iter()
        .find(|(prefix, ..)| key.starts_with(prefix.as_bytes()));
    if let Some((_, provider, note)) = known {
        return Some(KeyHint {
            provider: *provider,
            certainty: Certainty::Likely,
            note: *note,
        });
    }
    if let Some(rest) = key.strip_prefix(b"sk-") {
        if rest
            .windows(OPENAI_MARKER.len())
            .any(|window| window == OPENAI_MARKER)
        {
            return Some(KeyHint {
                provider: Some(ProviderKind::Openai),
                certainty: Certainty::Likely,
                note: None,
            });
        }
        let plain = rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        return (rest.len() == 32 && plain).then_some(ambiguous(Some(ProviderKind::Deepseek), None));
    }
    let parts = key
        .iter()
        .position(|byte| *byte == b'.')
        .and_then(|point| key.split_at_checked(point));
    if let Some((front, back)) = parts {
        let cloud = front.len() == 32 && front.iter().all(u8::is_ascii_hexdigit) && back.len() > 24;
        return cloud.then_some(ambiguous(Some(ProviderKind::Ollama), None));
    }
    if !key.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    match key.len() {
        // Azure's keys of 32 hexadecimal digits look the same.
        32 => Some(ambiguous(Some(ProviderKind::Mistral), None)),
        84 => Some(ambiguous(None, Some(KeyNote::UnsupportedService("Azure OpenAI")))),
        _ => None,
    }
}

const fn ambiguous(provider: Option<ProviderKind>, note: Option<KeyNote>) -> KeyHint {
    KeyHint {
        provider,
        certainty: Certainty::Ambiguous,
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(key: &str) -> Option<ProviderKind> {
        guess(key.as_bytes()).and_then(|hint| hint.provider)
    }

    #[test]
    fn keys_are_recognised_by_how_their_providers_write_them() {
        use ProviderKind as Kind;
        let many = "0aB1cD2eF3".repeat(12);
        for (key, expected) in [
            (format!("sk-ant-api03-{}AA", &many[..93]), Some(Kind::Anthropic)),
            (format!("sk-or-v1-{}", "a1".repeat(32)), Some(Kind::Openrouter)),
            (
                format!("sk-proj-{}T3BlbkFJ{}", &many[..20], &many[..20]),
                Some(Kind::Openai),
            ),
            (format!("sk-svcacct-{many}"), Some(Kind::Openai)),
            (
                format!("sk-{}T3BlbkFJ{}", &many[..20], &many[..20]),
                Some(Kind::Openai),
            ),
            (format!("sk-{}", "0a1b".repeat(8)), Some(Kind::Deepseek)),
            (format!("gsk_{}", &many[..52]), Some(Kind::Groq)),
            (format!("nvapi-{}", &many[..64]), Some(Kind::Nvidia)),
            (format!("AIzaSy{}", &many[..33]), Some(Kind::Google)),
            (format!("AQ.{}", &many[..40]), Some(Kind::Google)),
            (format!("xai-{}", &many[..80]), Some(Kind::Xai)),
            (format!("pplx-{}", &many[..48]), Some(Kind::OpenaiCompatible)),
            (many[..32].to_owned(), Some(Kind::Mistral)),
            (
                format!("{}.{}", "0a1b".repeat(8), &many[..24]),
                Some(Kind::Ollama),
            ),
            (format!("ABSK{many}"), None),
            (many[..84].to_owned(), None),
            (format!("sk-{}", "0A1B".repeat(8)), None),
            (format!("{}.{}", "0a1b".repeat(8), &many[..23]), None),
            ("hunter2".to_owned(), None),
            (String::new(), None),
            ("sk-short".to_owned(), None),
        ] {
            assert_eq!(provider(&key), expected, "{key}");
        }
    }

    #[test]
    fn shapes_that_several_providers_use_are_suggested_not_decided() {
        for key in [
            format!("sk-{}", "0a1b".repeat(8)),
            "0a1b".repeat(8),
            "0a1b".repeat(21),
        ] {
            assert_eq!(
                guess(key.as_bytes()).unwrap().certainty,
                Certainty::Ambiguous,
                "{key}"
            );
        }
        assert_eq!(guess(b"gsk_0").unwrap().certainty, Certainty::Likely);
    }

    #[test]
    fn keys_that_cannot_run_inference_are_told_apart() {
        let note = |key: &str| guess(key.as_bytes()).and_then(|hint| hint.note);
        assert_eq!(note("sk-ant-admin01-abc"), Some(KeyNote::AdminKey));
        assert_eq!(note("sk-admin-abcT3BlbkFJ"), Some(KeyNote::AdminKey));
        assert_eq!(note("sk-ant-oat01-abc"), Some(KeyNote::OauthToken));
        assert_eq!(note("sk-ant-api03-abc"), None);
        assert_eq!(
            note("bedrock-api-key-abc"),
            Some(KeyNote::UnsupportedService("AWS Bedrock"))
        );
        assert_eq!(note("tgp_v1_abc"), Some(KeyNote::CompatibleService("Together")));
        assert_eq!(note("fh_0000000000_"), Some(KeyNote::OurOwn));
        assert_eq!(note("fho_0000000000_"), Some(KeyNote::OurOwn));
    }

    #[test]
    fn no_prefix_is_hidden_behind_a_shorter_one() {
        for (index, (longer, ..)) in PREFIXES.iter().enumerate() {
            for (shorter, ..) in &PREFIXES[..index] {
                assert!(
                    !longer.starts_with(shorter),
                    "{longer} is never reached behind {shorter}"
                );
            }
        }
    }

    #[test]
    fn every_note_is_a_sentence_with_a_way_on() {
        for (.., note) in PREFIXES {
            if let Some(note) = note {
                assert!(note.sentence().ends_with('.') && note.sentence().starts_with("This looks like"));
            }
        }
    }
}
