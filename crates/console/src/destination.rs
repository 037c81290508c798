//! Where a provider key's requests will go, judged before the key is sealed for that place.

use freehold_domain::egress::{BaseUrl, EgressPolicy};
use freehold_domain::provider::ProviderKind;

use crate::error::{ApiError, Code};

/// The base URL of a key of `kind`: what its owner gave, or the kind's own.
///
/// # Errors
/// If the kind needs one and none was given, if it is no base URL, or if nothing may be sent there.
pub(crate) fn destination(
    egress: &EgressPolicy,
    kind: ProviderKind,
    given: Option<&str>,
) -> Result<BaseUrl, ApiError> {
    let text = given.or(kind.default_base_url()).ok_or_else(|| {
        ApiError::invalid(
            "base_url",
            format!("`base_url` is missing; {kind} has no address of its own. Give the one your endpoint has, such as https://host/v1."),
        )
    })?;
    let base = BaseUrl::parse(kind, text)
        .map_err(|error| ApiError::new(Code::InvalidBaseUrl, format!("{error}.")).about("base_url"))?;
    egress.check_url(&base).map_err(|denial| {
        let message = format!(
            "{denial}. Private targets are listed by the operator in the configuration file, never here."
        );
        ApiError::new(Code::EgressDenied, message).about("base_url")
    })?;
    Ok(base)
}
