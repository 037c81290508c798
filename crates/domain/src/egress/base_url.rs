//! A provider's base URL, parsed once by the rules of browsers and kept in parts.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::provider::ProviderKind;

const TEXT_BYTES_MAX: usize = 2048;
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
const SANDBOX: &str = "sandbox://built-in";

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Encrypted and authenticated.
    Https,
    /// In the clear, for private targets the operator listed.
    Http,
    /// Not at all: the provider is built in.
    Sandbox,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Sandbox => "sandbox",
        }
    }
}

/// Why a text is no base URL. The texts repeat nothing of it, since people paste keys into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Longer than any base URL.
    #[error("base_url is longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// Browsers drop or rewrite such characters, so two readers may see two destinations.
    #[error("base_url has a space, a control character or a backslash; write it as https://host/path")]
    Character,
    /// No URL at all.
    #[error("base_url is not an absolute URL; write it as https://host/path")]
    Malformed,
    /// Neither https nor http.
    #[error("base_url must begin with https:// (or http:// for a private target the operator listed)")]
    Scheme,
    /// A user name or password, or an `@` where one would stand.
    #[error("base_url must not have a user name or password; the key goes into api_key")]
    UserInfo,
    /// A `?`.
    #[error("base_url must not have a query; leave out everything from the question mark on")]
    Query,
    /// A `#`.
    #[error("base_url must not have a fragment; leave out everything from the # on")]
    Fragment,
    /// Empty, too long, ends in a dot, or has a label that cannot be one.
    #[error(
        "the host of base_url is not one: at most {HOST_BYTES_MAX} letters, digits, hyphens and single dots, \
         no dot at its end"
    )]
    Host,
    /// Port 0.
    #[error("base_url must not have port 0")]
    Port,
    /// The sandbox has one address, and no other provider has it.
    #[error("the sandbox provider has the base_url {SANDBOX}, and no other provider may have it")]
    Sandbox,
}

/// A provider's base URL in normal form: no trailing slash, no user, query or fragment, and a host that is one.
///
/// Whether anything may be sent there is for [`EgressPolicy`](super::EgressPolicy) to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    text: String,
    origin: String,
    scheme: Scheme,
    host: String,
    address: Option<IpAddr>,
    port: u16,
    path: String,
}

impl BaseUrl {
    /// The base URL that `text` means for a provider of `kind`.
    ///
    /// # Errors
    /// If it is no URL, or one with parts that a base URL must not have.
    pub fn parse(kind: ProviderKind, text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            return Err(BaseUrlError::TooLong);
        }
        let is_sandbox = text.strip_suffix('/').unwrap_or(text) == SANDBOX;
        match (kind == ProviderKind::Sandbox, is_sandbox) {
            (true, true) => return Ok(Self::sandbox()),
            (true, false) | (false, true) => return Err(BaseUrlError::Sandbox),
            (false, false) => {}
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return Err(BaseUrlError::Character);
        }
        Self::from_url(&Url::parse(text).map_err(malformed)?, text)
    }

    fn from_url(url: &Url, text: &str) -> Result<Self, BaseUrlError> {
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(BaseUrlError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() || has_at_sign_in_authority(text) {
            return Err(BaseUrlError::UserInfo);
        }
        if url.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        if url.fragment().is_some() {
            return Err(BaseUrlError::Fragment);
        }
        let (host, address) = match url.host().ok_or(BaseUrlError::Host)? {
            Host::Domain(name) if is_name(name) => (name.to_owned(), None),
            Host::Domain(_) => return Err(BaseUrlError::Host),
            Host::Ipv4(address) => (address.to_string(), Some(IpAddr::V4(address))),
            Host::Ipv6(address) => (format!("[{address}]"), Some(IpAddr::V6(address))),
        };
        let port = match url.port_or_known_default() {
            None | Some(0) => return Err(BaseUrlError::Port),
            Some(port) => port,
        };
        let path = url.path().trim_end_matches('/').to_owned();
        let shown_port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let scheme_text = scheme.as_str();
        Ok(Self {
            text: format!("{scheme_text}://{host}{shown_port}{path}"),
            origin: format!("{scheme_text}://{host}:{port}"),
            scheme,
            host,
            address,
            port,
            path,
        })
    }

    /// The address of the built-in provider.
    #[must_use]
    pub fn sandbox() -> Self {
        Self {
            text: SANDBOX.to_owned(),
            origin: SANDBOX.to_owned(),
            scheme: Scheme::Sandbox,
            host: "built-in".to_owned(),
            address: None,
            port: 0,
            path: String::new(),
        }
    }

    /// The normal form, without a trailing slash; parsing it again gives the same base URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `scheme://host:port`, the port always written out: what a stored key is bound to.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How it is spoken to.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Lower-case ASCII name, dotted IPv4, or IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address, if the host is one.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The port, 1 to 65535; 0 for the sandbox, which has none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path that every request's path is appended to: empty, or `/…` without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is the built-in provider, to which nothing is sent.
    #[must_use]
    pub const fn is_sandbox(&self) -> bool {
        matches!(self.scheme, Scheme::Sandbox)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn malformed(error: url::ParseError) -> BaseUrlError {
    use url::ParseError as E;
    match error {
        E::EmptyHost
        | E::IdnaError
        | E::InvalidIpv4Address
        | E::InvalidIpv6Address
        | E::InvalidDomainCharacter => BaseUrlError::Host,
        E::InvalidPort => BaseUrlError::Port,
        _ => BaseUrlError::Malformed,
    }
}

/// Whether an `@` stands before the first slash of the path. An empty user name is dropped by the parser without a trace.
fn has_at_sign_in_authority(text: &str) -> bool {
    let Some((_, rest)) = text.split_once(':') else {
        return false;
    };
    let authority = rest.trim_start_matches('/');
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    authority
        .get(..end)
        .is_some_and(|authority| authority.contains('@'))
}

/// Whether `host` can be looked up as it stands. A dot at the end would name the same host a second way.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<BaseUrl, BaseUrlError> {
        BaseUrl::parse(ProviderKind::OpenaiCompatible, text)
    }

    #[test]
    fn a_base_url_is_kept_in_one_normal_form() {
        for (text, normal, origin, path) in [
            (
                "https://api.openai.com/v1",
                "https://api.openai.com/v1",
                "https://api.openai.com:443",
                "/v1",
            ),
            (
                " HTTPS://API.OpenAI.com:443/v1// \n",
                "https://api.openai.com/v1",
                "https://api.openai.com:443",
                "/v1",
            ),
            (
                "https://api.deepseek.com",
                "https://api.deepseek.com",
                "https://api.deepseek.com:443",
                "",
            ),
            (
                "http://ollama:11434/",
                "http://ollama:11434",
                "http://ollama:11434",
                "",
            ),
            (
                "http://[::1]:11434/v1/",
                "http://[::1]:11434/v1",
                "http://[::1]:11434",
                "/v1",
            ),
            ("https://h/a/../v1/./", "https://h/v1", "https://h:443", "/v1"),
            (
                "https://bücher.example",
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example:443",
                "",
            ),
        ] {
            let base = parsed(text).unwrap();
            assert_eq!(
                (base.as_str(), base.origin(), base.path()),
                (normal, origin, path),
                "{text:?}"
            );
            assert_eq!(parsed(base.as_str()), Ok(base), "{text:?}");
        }
    }

    #[test]
    fn every_built_in_base_url_is_already_in_normal_form() {
        for kind in ProviderKind::ALL {
            if let Some(text) = kind.default_base_url() {
                assert_eq!(BaseUrl::parse(kind, text).unwrap().as_str(), text);
            }
        }
    }

    #[test]
    fn a_text_with_parts_that_a_base_url_must_not_have_is_refused_by_name() {
        for (text, error) in [
            ("", BaseUrlError::Malformed),
            ("api.openai.com/v1", BaseUrlError::Malformed),
            ("//api.openai.com", BaseUrlError::Malformed),
            ("ftp://h", BaseUrlError::Scheme),
            ("file:///etc/passwd", BaseUrlError::Scheme),
            ("gopher://h:70", BaseUrlError::Scheme),
            ("unix:/run/docker.sock", BaseUrlError::Scheme),
            ("https://user@h", BaseUrlError::UserInfo),
            ("https://user:word@h", BaseUrlError::UserInfo),
            ("https://:word@h", BaseUrlError::UserInfo),
            ("https://@h", BaseUrlError::UserInfo),
            ("https://:@h", BaseUrlError::UserInfo),
            ("https:/@h", BaseUrlError::UserInfo),
            ("https:@h", BaseUrlError::UserInfo),
            ("https://api.openai.com@evil.example/", BaseUrlError::UserInfo),
            ("https://api.openai.com\\@evil.example/", BaseUrlError::Character),
            ("https://api.open\nai.com", BaseUrlError::Character),
            ("https://api.open\tai.com", BaseUrlError::Character),
            ("https://a b", BaseUrlError::Character),
            ("https://h?", BaseUrlError::Query),
            ("https://h/v1?api-version=1", BaseUrlError::Query),
            ("https://h/v1#", BaseUrlError::Fragment),
            ("https://h:0", BaseUrlError::Port),
            ("https://h:65536", BaseUrlError::Port),
            ("https://h:443x", BaseUrlError::Port),
            ("https://", BaseUrlError::Host),
            ("https://h.", BaseUrlError::Host),
            ("https://.h", BaseUrlError::Host),
            ("https://a..h", BaseUrlError::Host),
            ("https://a%00b", BaseUrlError::Host),
            ("https://a*b", BaseUrlError::Host),
            ("https://[::1", BaseUrlError::Host),
            ("https://1.2.3.4.5", BaseUrlError::Host),
            ("https://256.1.1.1", BaseUrlError::Host),
            ("sandbox://built-in", BaseUrlError::Sandbox),
        ] {
            assert_eq!(parsed(text), Err(error), "{text:?}");
        }
        assert_eq!(
            parsed(&format!("https://{}.h", "a".repeat(64))),
            Err(BaseUrlError::Host)
        );
        assert_eq!(
            parsed(&format!("https://{}h", "a.".repeat(127))),
            Err(BaseUrlError::Host)
        );
        assert!(parsed(&format!("https://{}h", "a.".repeat(126))).is_ok());
        assert_eq!(
            parsed(&format!("https://h/{}", "a".repeat(TEXT_BYTES_MAX))),
            Err(BaseUrlError::TooLong)
        );
    }

    #[test]
    fn the_sandbox_has_one_address_and_keeps_it_for_itself() {
        assert_eq!(
            BaseUrl::parse(ProviderKind::Sandbox, "sandbox://built-in"),
            Ok(BaseUrl::sandbox())
        );
        assert!(BaseUrl::sandbox().is_sandbox());
        for text in [
            "https://api.openai.com",
            "sandbox://built-out",
            "sandbox:built-in",
            "",
        ] {
            assert_eq!(
                BaseUrl::parse(ProviderKind::Sandbox, text),
                Err(BaseUrlError::Sandbox),
                "{text:?}"
            );
        }
        for text in ["sandbox://built-in/v1", "sandbox://other"] {
            assert_eq!(parsed(text), Err(BaseUrlError::Scheme), "{text:?}");
        }
    }
}
