//! Stage 4: what exactly this caller may do with this request.

use std::sync::Arc;

use freehold_domain::denial::{Denial, DenialCode};
use freehold_domain::key::model_is_allowed;
use freehold_wire::openai::chat::ChatRequest;

use crate::case::Case;
use crate::model::{self, Resolved};

/// A request that may run.
pub(crate) struct Grant {
    pub(crate) asked: ChatRequest,
    pub(crate) resolved: Resolved,
}

/// The request may run on the model it names.
///
/// # Errors
/// `ModelNotFound`, `ModelNotAllowed`.
pub(crate) fn authorize(case: &mut Case, asked: ChatRequest) -> Result<Grant, Denial> {
    case.model_requested = Arc::from(asked.model());
    case.stream = asked.stream();
    let caller = &case.caller;
    let resolved = model::resolve(&case.gateway.catalogue, caller, asked.model())?;
    let full_name = resolved.full_name();
    let plan = &caller.workspace.plan;
    for (patterns, whose) in [
        (&caller.key.allowed_models, "this virtual key"),
        (&plan.allowed_models, "the workspace's plan"),
    ] {
        if !model_is_allowed(patterns, &full_name) {
            return Err(Denial::new(
                DenialCode::ModelNotAllowed,
                format!(
                    "The model {full_name:?} is not among those {whose} allows: {}.",
                    patterns.join(", ")
                ),
            )
            .with_param("model"));
        }
    }
    Ok(Grant { asked, resolved })
}
