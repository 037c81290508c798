//! How a call to a provider can fail, by the phase it was in, and whether the provider may be at work on it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use freehold_domain::egress::EgressDenial;
use hyper_util::client::legacy;

use super::connector::ConnectFailure;

/// What lies under a failure; hyper's errors and those of the system.
type Cause = Box<dyn StdError + Send + Sync>;

/// Which step of making a connection ran out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectPhase {
    /// Resolving the name.
    Resolve,
    /// The TCP handshake.
    Tcp,
    /// The TLS handshake.
    Tls,
}

/// Why a call gave no reply, or no whole one. The texts name neither addresses nor anything the provider sent.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The rules of the way out forbid it. No connection was made.
    #[error("refused by the rules of the way out: {0}")]
    Refused(#[from] EgressDenial),
    /// The path or a header of the call cannot be sent; a fault of an adapter or of what it was given.
    #[error("the {0} of the request cannot be sent")]
    Malformed(&'static str),
    /// As many destinations are in use as the gateway keeps.
    #[error("{0} destinations are in use, which is the most this gateway keeps")]
    TooManyOrigins(usize),
    /// The name does not resolve.
    #[error("the provider's name does not resolve")]
    Resolve(#[source] io::Error),
    /// No address accepted a connection.
    #[error("the provider does not accept connections")]
    Connect(#[source] io::Error),
    /// The certificate is not the host's, or the two have no cipher in common.
    #[error("the encrypted connection to the provider could not be made")]
    Tls(#[source] io::Error),
    /// No connection in time.
    #[error("no connection to the provider within {limit:?}")]
    ConnectTimeout {
        /// The step it was in.
        phase: ConnectPhase,
        /// The deadline.
        limit: Duration,
    },
    /// The connection was lost before the request was begun.
    #[error("the connection to the provider was lost before the request was begun")]
    NotSent(#[source] Cause),
    /// The connection was lost while the request was written or before a reply began.
    #[error("the connection to the provider was lost while the request was sent or answered")]
    Lost(#[source] Cause),
    /// No reply began in time.
    #[error("the provider did not begin to answer within {limit:?}")]
    HeadersTimeout {
        /// Whether any byte of the request's body may have been written.
        sent: bool,
        /// The deadline.
        limit: Duration,
    },
    /// The provider sent us elsewhere; nobody is followed with a key in hand.
    #[error("the provider answered with a redirect ({status}), which is never followed; check the base_url")]
    Redirect {
        /// 300 to 399.
        status: u16,
    },
    /// The reply is compressed although that was not asked for.
    #[error("the provider's reply is compressed, which was not asked for")]
    Encoded,
    /// The reply is not HTTP as we know it.
    #[error("the provider's reply is not valid HTTP")]
    Protocol(#[source] Cause),
    /// The body broke off.
    #[error("the provider's reply broke off")]
    Broken(#[source] Cause),
    /// The body paused for too long.
    #[error("the provider's reply paused for more than {limit:?}")]
    IdleTimeout {
        /// The deadline.
        limit: Duration,
    },
    /// Reply and all, it took too long.
    #[error("the provider's reply was not complete within {limit:?}")]
    TotalTimeout {
        /// The deadline.
        limit: Duration,
    },
    /// The body is larger than what is taken.
    #[error("the provider's reply is larger than {bytes_max} bytes")]
    TooLarge {
        /// The most that is taken.
        bytes_max: usize,
    },
}

impl UpstreamError {
    /// Whether the provider may have begun to work on the request, so that sending it again may pay for it twice.
    #[must_use]
    pub fn may_have_run(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::Malformed(_)
            | Self::TooManyOrigins(_)
            | Self::Resolve(_)
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::ConnectTimeout { .. }
            | Self::NotSent(_) => false,
            // "See other" is said of what was done; the other redirects are said instead of doing it.
            Self::Redirect { status } => *status == 303,
            Self::HeadersTimeout { sent, .. } => *sent,
            Self::Lost(_)
            | Self::Encoded
            | Self::Protocol(_)
            | Self::Broken(_)
            | Self::IdleTimeout { .. }
            | Self::TotalTimeout { .. }
            | Self::TooLarge { .. } => true,
        }
    }

    /// Whether time ran out.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::ConnectTimeout { .. }
                | Self::HeadersTimeout { .. }
                | Self::IdleTimeout { .. }
                | Self::TotalTimeout { .. }
        )
    }

    /// The failure's stable name, for attempts, metrics and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "upstream_refused_by_policy",
            Self::Malformed(_) => "upstream_request_malformed",
            Self::TooManyOrigins(_) => "upstream_too_many_origins",
            Self::Resolve(_) => "upstream_name_unresolved",
            Self::Connect(_) => "upstream_unreachable",
            Self::Tls(_) => "upstream_tls",
            Self::ConnectTimeout { .. } => "upstream_connect_timeout",
            Self::NotSent(_) => "upstream_not_sent",
            Self::Lost(_) => "upstream_lost",
            Self::HeadersTimeout { .. } => "upstream_headers_timeout",
            Self::Redirect { .. } => "upstream_redirect",
            Self::Encoded => "upstream_encoded",
            Self::Protocol(_) => "upstream_protocol",
            Self::Broken(_) => "upstream_broken",
            Self::IdleTimeout { .. } => "upstream_idle_timeout",
            Self::TotalTimeout { .. } => "upstream_total_timeout",
            Self::TooLarge { .. } => "upstream_reply_too_large",
        }
    }

    /// The failure in the one word that the check of a key answers: it tells whoever asks nothing about our network.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused_by_policy",
            Self::Tls(_) => "tls_error",
            Self::Resolve(_) | Self::Connect(_) | Self::NotSent(_) | Self::Lost(_) => "unreachable",
            Self::ConnectTimeout { .. }
            | Self::HeadersTimeout { .. }
            | Self::IdleTimeout { .. }
            | Self::TotalTimeout { .. } => "timeout",
            Self::Malformed(_)
            | Self::TooManyOrigins(_)
            | Self::Redirect { .. }
            | Self::Encoded
            | Self::Protocol(_)
            | Self::Broken(_)
            | Self::TooLarge { .. } => "bad_reply",
        }
    }

    /// What hyper's client met, where `sent` tells whether any byte of the request's body was handed over.
    pub(super) fn from_client(error: legacy::Error, sent: bool) -> Self {
        let mut failure = None;
        let mut unprocessed = false;
        let mut unreadable = false;
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<ConnectFailure>() {
                failure = Some(found.to_error());
                break;
            }
            if let Some(error) = error.downcast_ref::<hyper::Error>() {
                unprocessed |= error.is_canceled();
                unreadable |= error.is_parse();
            }
            if let Some(error) = error.downcast_ref::<h2::Error>() {
                unprocessed |= was_never_processed(error);
            }
            cause = error.source();
        }
        match failure {
            Some(failure) => failure,
            None if unprocessed || !sent => Self::NotSent(Box::new(error)),
            None if unreadable => Self::Protocol(Box::new(error)),
            None => Self::Lost(Box::new(error)),
        }
    }
}

/// Whether the other side of an HTTP/2 connection promised not to have looked at the request: it refused the stream, or
/// it is closing the connection in an orderly way and the stream came after the last one it takes.
fn was_never_processed(error: &h2::Error) -> bool {
    let reason = error.reason();
    error.is_remote()
        && (reason == Some(h2::Reason::REFUSED_STREAM)
            || (error.is_go_away() && reason == Some(h2::Reason::NO_ERROR)))
}
