//! Path segments: ids and names in the address of a resource.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::error::ApiError;

/// The variable segments of the path that was called, in order.
pub(crate) struct Segments(Vec<String>);

impl Segments {
    /// The segment at `index` as an id of the `noun` it names. What is no such id names nothing that could be there.
    pub(crate) fn id<T: FromStr>(&self, index: usize, noun: &'static str) -> Result<T, ApiError> {
        self.text(index).parse().map_err(|_| ApiError::not_found(noun))
    }

    /// The segment at `index` as it was sent, percent signs decoded.
    pub(crate) fn text(&self, index: usize) -> &str {
        self.0.get(index).map_or("", String::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let segments = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found("resource"))?;
        Ok(Self(segments.iter().map(|(_, value)| value.to_owned()).collect()))
    }
}
