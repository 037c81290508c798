//! Checks a stored key with a call that costs nothing. What comes of it is one word, never a provider's text.

use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::KeyEvidence;
use freehold_domain::port::{ValidateError, Validation};
use freehold_domain::provider::ProviderKind;
use freehold_wire::adapter::Verdict;

use crate::Gateway;
use crate::snapshot::KeyView;
use crate::unlock::unlock;
use crate::upstream::OutboundCall;

/// How much of the provider's reply is read.
const REPLY_BYTES_MAX: usize = 1024 * 1024;

impl Gateway {
    /// The key was tried, and its health follows from the answer.
    pub(crate) async fn validate_key(
        &self,
        workspace: WorkspaceId,
        id: ProviderKeyId,
    ) -> Result<Validation, ValidateError> {
        let view = self
            .snapshot
            .load()
            .provider_key(id)
            .filter(|view| view.key.workspace == workspace)
            .cloned()
            .ok_or(ValidateError::Missing(id))?;
        let (evidence, result, reason) = self.try_key(&view).await;
        view.life
            .note(self.clock.now(), evidence, reason.as_deref(), false);
        self.flush_health().await;
        Ok(Validation {
            health: view.life.health(),
            decided: evidence != KeyEvidence::Undecided,
            result,
        })
    }

    async fn try_key(&self, view: &KeyView) -> (KeyEvidence, &'static str, Option<String>) {
        let undecided =
            |result: &'static str, reason: &str| (KeyEvidence::Undecided, result, Some(reason.to_owned()));
        if view.key.provider == ProviderKind::Sandbox {
            return (KeyEvidence::Accepted, "ok", None);
        }
        let (Some(adapter), Some(endpoint)) = (view.adapter, &view.endpoint) else {
            return undecided("bad_reply", "Freehold cannot check keys of this provider yet.");
        };
        let credential = match unlock(self, view, adapter.auth_scheme()) {
            Ok(credential) => credential,
            Err(error) => {
                tracing::error!(provider_key.id = %view.key.id, error = %error, "a provider key does not open");
                return undecided("bad_reply", "The stored key cannot be opened; store it again.");
            }
        };
        let call = OutboundCall::check(endpoint, adapter.validation(), credential);
        let mut reply = match self.upstream.send(call).await {
            Ok(reply) => reply,
            Err(error) => return undecided(error.word(), "The provider could not be reached."),
        };
        let status = reply.status();
        let body = reply.collect(REPLY_BYTES_MAX).await.unwrap_or_default();
        match adapter.read_validation(status, reply.provider_headers(), &body) {
            Verdict::Accepted => (KeyEvidence::Accepted, "ok", None),
            Verdict::Rejected { .. } => (
                KeyEvidence::Rejected,
                "unauthorised",
                Some("The provider refused the key.".to_owned()),
            ),
            Verdict::Undecided { reason } => {
                let result = match status {
                    429 => "rate_limited",
                    404 | 405 => "not_found",
                    _ => "bad_reply",
                };
                undecided(result, &reason)
            }
        }
    }
}
