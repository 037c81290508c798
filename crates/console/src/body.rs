//! Request bodies: read within bounds of size and time, wiped afterwards, and taken apart field by field.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::error::{ApiError, Code};
use crate::fields::Fields;

/// The most a body may hold.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;
/// By when a body must have arrived.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// A request body that can be read from the members of a JSON object. Its schema is what is documented.
pub(crate) trait Input: Sized + ToSchema {
    /// Every member there may be. A test holds this against the schema.
    const FIELDS: &'static [&'static str];

    /// The body, with every member judged.
    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError>;
}

/// A request's body, read and judged.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: Input, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        must_be_json(request.headers())?;
        let received = tokio::time::timeout(BODY_DEADLINE, receive(request.into_body())).await;
        let bytes = received.map_err(|_| {
            let seconds = BODY_DEADLINE.as_secs();
            ApiError::new(
                Code::RequestTimeout,
                format!("The body did not arrive within {seconds} seconds."),
            )
        })??;
        let mut fields = Fields::of_body(&bytes, T::FIELDS)?;
        Ok(Self(T::read(&mut fields)?))
    }
}

/// The whole body, in memory that is wiped when dropped: there may be a key in it.
async fn receive(mut body: axum::body::Body) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| ApiError::new(Code::InvalidRequest, "The body broke off before its end."))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > BODY_BYTES_MAX {
            return Err(ApiError::new(
                Code::RequestTooLarge,
                format!("The body is larger than {BODY_BYTES_MAX} bytes, which is the most taken here."),
            ));
        }
        append(&mut bytes, data);
    }
    Ok(bytes)
}

/// Appends without leaving a copy behind: a vector that grows by itself does not wipe what it moves away from.
fn append(bytes: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    if bytes.capacity() - bytes.len() < data.len() {
        let mut larger = Vec::with_capacity(2 * (bytes.len() + data.len()));
        larger.extend_from_slice(bytes);
        *bytes = Zeroizing::new(larger);
    }
    bytes.extend_from_slice(data);
}

/// A body that says that it is something else is refused: a form on a foreign page can send those without asking.
fn must_be_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5 && essence.to_ascii_lowercase().ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        Code::UnsupportedMediaType,
        "The body must be JSON; send it with `Content-Type: application/json`.",
    )
    .about("content-type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_arrive_in_pieces_are_whole_afterwards() {
        let mut bytes = Zeroizing::new(Vec::new());
        let sent: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        for piece in sent.chunks(7) {
            append(&mut bytes, piece);
        }
        assert_eq!(*bytes, sent);
    }
}
