//! What goes wrong at a provider or on the way to it, in one shape, and what may be done about it.

use freehold_wire::{FaultClass, ReplyFault, StreamFault, UpstreamFault};

use crate::upstream::UpstreamError;

/// A provider's fault, or one on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) class: FaultClass,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after_ms: Option<u64>,
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) message: Option<String>,
    /// Whether the provider may be at work on the request: then nobody else may be asked.
    may_have_run: bool,
    /// Whether any byte was sent.
    sent: bool,
}

impl Fault {
    fn of(class: FaultClass, message: &str) -> Self {
        Self {
            class,
            status: None,
            retry_after_ms: None,
            kind: None,
            code: None,
            param: None,
            message: Some(message.to_owned()),
            may_have_run: false,
            sent: true,
        }
    }

    /// Something came that is no answer.
    pub(crate) fn broken(message: &str) -> Self {
        Self {
            may_have_run: true,
            ..Self::of(FaultClass::UpstreamError, message)
        }
    }

    /// The request lived too long.
    pub(crate) fn timed_out() -> Self {
        Self {
            may_have_run: true,
            ..Self::of(FaultClass::Timeout, "the request took too long")
        }
    }

    /// The stored key does not open. Nothing was sent.
    pub(crate) fn unusable_key() -> Self {
        Self {
            sent: false,
            ..Self::of(
                FaultClass::AuthForbidden,
                "the stored key cannot be opened; store it again",
            )
        }
    }

    /// The class's name in attempts.
    pub(crate) fn class_name(&self) -> &'static str {
        self.class.as_str()
    }

    /// Whether any byte was sent to the provider.
    pub(crate) fn was_sent(&self) -> bool {
        self.sent
    }

    /// Whether asking another candidate would be wrong: the request itself is at fault, or it may have run.
    pub(crate) fn is_final(&self) -> bool {
        self.may_have_run
            || matches!(
                self.class,
                FaultClass::BadRequest | FaultClass::ContextLength | FaultClass::ContentFilter
            )
    }

    /// Whether the same candidate may answer a moment later, and has certainly not run the request.
    pub(crate) fn is_worth_retrying(&self) -> bool {
        !self.may_have_run
            && (self.class == FaultClass::Overloaded
                || (self.status.is_none() && self.class == FaultClass::UpstreamError))
    }

    /// What the key's owner is told beside its status; nothing where the fault says nothing of the key.
    pub(crate) fn owner_note(&self) -> Option<&'static str> {
        match self.class {
            FaultClass::AuthInvalid => Some("The provider refused the key."),
            FaultClass::AuthForbidden => Some("The provider does not allow this key what was asked of it."),
            FaultClass::Billing => Some("The provider account is out of money."),
            FaultClass::QuotaDaily => Some("The provider account has used up its quota for now."),
            _ => None,
        }
    }
}

impl From<UpstreamFault> for Fault {
    fn from(fault: UpstreamFault) -> Self {
        Self {
            class: fault.class,
            status: Some(fault.status),
            retry_after_ms: fault.retry_after_ms,
            kind: fault.kind,
            code: fault.code,
            param: fault.param,
            message: fault.message,
            // A provider that answered with an error has ended its work.
            may_have_run: false,
            sent: true,
        }
    }
}

impl From<ReplyFault> for Fault {
    fn from(fault: ReplyFault) -> Self {
        Self {
            may_have_run: true,
            ..Self::from(fault.into_upstream())
        }
    }
}

impl From<StreamFault> for Fault {
    fn from(fault: StreamFault) -> Self {
        Self {
            may_have_run: true,
            ..Self::from(fault.into_upstream())
        }
    }
}

impl From<UpstreamError> for Fault {
    fn from(error: UpstreamError) -> Self {
        let class = if error.is_timeout() {
            FaultClass::Timeout
        } else {
            FaultClass::UpstreamError
        };
        let may_have_run = error.may_have_run();
        // Who redirects has answered: asking the same again would be answered the same.
        let status = match error {
            UpstreamError::Redirect { status } => Some(status),
            _ => None,
        };
        Self {
            status,
            may_have_run,
            sent: may_have_run || status.is_some(),
            ..Self::of(class, &error.to_string())
        }
    }
}
