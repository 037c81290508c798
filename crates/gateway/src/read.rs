//! Stage 3: the body, bounded in size and patience, as a view of the fields we need.
//!
//! It is read only after the caller is known: strangers cannot make us hold ten megabytes.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use freehold_domain::denial::{Denial, DenialCode};
use freehold_wire::openai::chat::ChatRequest;
use http_body_util::BodyExt;

use crate::Gateway;

/// The whole body.
///
/// # Errors
/// `RequestTooLarge`, `RequestTimeout` if nothing comes for too long, `InvalidRequest` if the client breaks off.
pub(crate) async fn read<B>(gateway: &Gateway, body: B) -> Result<Bytes, Denial>
where
    B: http_body::Body<Data = Bytes>,
{
    let bytes_max = gateway.settings.body_bytes_max;
    let too_large = || {
        Denial::new(
            DenialCode::RequestTooLarge,
            format!(
                "The request body is larger than the {bytes_max} bytes this gateway takes. Send less, or send files by URL."
            ),
        )
    };
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let mut body = std::pin::pin!(body);
    let patience = Duration::from_millis(gateway.settings.body_idle_ms);
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(patience, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err(Denial::new(
                    DenialCode::InvalidRequest,
                    "The request body ended before it was complete.",
                ));
            }
            Err(_) => {
                return Err(Denial::new(
                    DenialCode::RequestTimeout,
                    format!(
                        "No part of the request body came for {} seconds.",
                        patience.as_secs()
                    ),
                ));
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        // Most bodies come in one piece; that piece is used as it is.
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&data);
        }
        if first.len().max(whole.len()) > bytes_max {
            return Err(too_large());
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// The body as a chat request.
///
/// # Errors
/// `InvalidRequest`, naming the field.
pub(crate) fn parse(body: Bytes) -> Result<ChatRequest, Denial> {
    ChatRequest::parse(body).map_err(|fault| crate::error::request_fault(fault, DenialCode::InvalidRequest))
}
