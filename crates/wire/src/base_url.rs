//! Bringing the base URLs that people paste into the one form to which an adapter appends its paths.

use freehold_domain::provider::ProviderKind;
use url::Url;

/// The text cannot be a provider's base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlFault {
    /// It is no URL.
    #[error("base_url is not a URL: {0}")]
    Malformed(#[from] url::ParseError),
    /// It is neither `http` nor `https`, or names no host.
    #[error("base_url must begin with https:// or http:// and name a host")]
    Scheme,
    /// It carries a user name, a password, a query or a fragment.
    #[error("base_url must hold no user name, password, query or fragment")]
    Extra,
}

/// The base URL without a trailing slash, endpoint or version that the adapter appends itself.
///
/// `https://api.openai.com` of kind `openai` gets `/v1`; `https://api.anthropic.com/v1/` of kind `anthropic` loses it.
/// `openai-compatible` is otherwise taken as it was given: whether `/v1` belongs there only the server knows.
///
/// # Errors
/// When the text is no URL that a request could go to. Which origins are allowed is not decided here.
pub fn normalize_base_url(kind: ProviderKind, text: &str) -> Result<String, BaseUrlFault> {
    if kind == ProviderKind::Sandbox {
        return Ok("sandbox://built-in".to_owned());
    }
    let url = Url::parse(text.trim())?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(BaseUrlFault::Scheme);
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(BaseUrlFault::Extra);
    }
    let origin = url.origin().ascii_serialization();
    let mut path = url.path().trim_end_matches('/');
    for endpoint in endpoints(kind) {
        path = path.strip_suffix(endpoint).unwrap_or(path).trim_end_matches('/');
    }
    if kind == ProviderKind::Openai && path.is_empty() {
        path = "/v1";
    }
    Ok(format!("{origin}{path}"))
}

/// Ends of a path that the adapter appends itself, in the order in which they are taken off.
const fn endpoints(kind: ProviderKind) -> &'static [&'static str] {
    match kind {
        ProviderKind::Anthropic | ProviderKind::AnthropicCompatible => &["/messages", "/v1"],
        ProviderKind::Ollama => &["/chat/completions", "/v1", "/chat", "/api"],
        _ => &["/chat/completions"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_base_url_comes_to_one_form() {
        use ProviderKind::{Anthropic, AnthropicCompatible, Ollama, Openai, OpenaiCompatible};
        for (kind, text, expected) in [
            (Openai, "https://api.openai.com", "https://api.openai.com/v1"),
            (Openai, "https://api.openai.com/v1/", "https://api.openai.com/v1"),
            (
                Openai,
                "https://API.openai.com:443/v1/chat/completions",
                "https://api.openai.com/v1",
            ),
            (
                OpenaiCompatible,
                "http://localhost:8000/",
                "http://localhost:8000",
            ),
            (
                OpenaiCompatible,
                "https://h/x/v1/chat/completions/",
                "https://h/x/v1",
            ),
            (
                Anthropic,
                "https://api.anthropic.com/v1/messages",
                "https://api.anthropic.com",
            ),
            (
                AnthropicCompatible,
                " https://h/anthropic/v1 ",
                "https://h/anthropic",
            ),
            (Ollama, "http://localhost:11434/v1", "http://localhost:11434"),
            (
                Ollama,
                "http://localhost:11434/api/chat",
                "http://localhost:11434",
            ),
        ] {
            assert_eq!(normalize_base_url(kind, text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_base_url_carries_no_credentials_and_nothing_after_the_path() {
        for text in ["https://u:p@h/v1", "https://h/v1?key=1", "https://h/v1#a"] {
            assert_eq!(
                normalize_base_url(ProviderKind::Openai, text),
                Err(BaseUrlFault::Extra),
                "{text}"
            );
        }
        for text in ["ftp://h", "file:///etc/passwd", "data:text/plain,x"] {
            assert_eq!(
                normalize_base_url(ProviderKind::Openai, text),
                Err(BaseUrlFault::Scheme),
                "{text}"
            );
        }
        assert!(normalize_base_url(ProviderKind::Openai, "api.openai.com/v1").is_err());
    }
}
