//! Query parameters: pages and filters. A parameter that is not known is refused, or a typo would widen the answer.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use freehold_domain::port::PageRequest;
use freehold_domain::time::Timestamp;
use http::request::Parts;
use url::form_urlencoded;
use uuid::Uuid;

use crate::error::ApiError;

const LIMIT_DEFAULT: u16 = 50;
const LIMIT_MAX: u16 = 200;

/// The query parameters of every list, for the documentation.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "read by the documentation only; the parameters are judged by `Query`"
)]
pub(crate) struct PageParams {
    /// How many items at most; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The `next_cursor` of an earlier reply: what comes after it.
    cursor: Option<String>,
}

/// The query parameters of a request, not yet judged.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ))
    }
}

impl Query {
    /// The page asked for by `limit` and `cursor`, which are the only parameters there may be.
    pub(crate) fn page_only(self) -> Result<PageRequest, ApiError> {
        let (page, _) = self.page_and(&[])?;
        Ok(page)
    }

    /// The page asked for, and the parameters called `others`; no others may be there.
    pub(crate) fn page_and(
        self,
        others: &'static [&'static str],
    ) -> Result<(PageRequest, Filters), ApiError> {
        let filters = self.only("limit, cursor", others)?;
        let limit = filters.one("limit", "a whole number from 1 to 200", |text| {
            text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit))
        })?;
        let before = filters.one("cursor", "the `next_cursor` of an earlier reply", cursor)?;
        let page = PageRequest {
            before,
            limit: limit.unwrap_or(LIMIT_DEFAULT),
        };
        Ok((page, filters))
    }

    fn only(self, page: &'static str, others: &'static [&'static str]) -> Result<Filters, ApiError> {
        let unknown = self
            .0
            .iter()
            .any(|(name, _)| name != "limit" && name != "cursor" && !others.contains(&name.as_str()));
        if unknown {
            let known = std::iter::once(page)
                .chain(others.iter().copied())
                .collect::<Vec<_>>()
                .join(", ");
            return Err(ApiError::new(
                crate::error::Code::InvalidRequest,
                format!("The query has a parameter that is not known here; known are {known}."),
            ));
        }
        Ok(Filters(self.0))
    }
}

/// Query parameters of known names.
pub(crate) struct Filters(Vec<(String, String)>);

impl Filters {
    /// The parameter `name`, read by `read`; nothing if it is not there or empty.
    pub(crate) fn one<T>(
        &self,
        name: &'static str,
        allowed: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let mut values = self.0.iter().filter(|(given, _)| given == name);
        let Some((_, text)) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(ApiError::invalid(
                name,
                format!("`{name}` is given more than once; give it once."),
            ));
        }
        match read(text) {
            Some(value) => Ok(Some(value)),
            None => Err(ApiError::invalid(name, format!("`{name}` must be {allowed}."))),
        }
    }
}

/// A moment as people write it in a query, where a `+` that was not escaped arrives as a space.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&text.replace(' ', "+")))
}

/// The cursor for what is older than `id`. Its form is nobody's business.
pub(crate) fn cursor_text(id: Uuid) -> String {
    format!("c{}", id.as_simple())
}

fn cursor(text: &str) -> Option<Uuid> {
    let hexadecimal = text.strip_prefix('c').filter(|rest| rest.len() == 32)?;
    Uuid::try_parse(hexadecimal).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn a_cursor_reads_back() {
        let id = Uuid::from_u128(0x0192_f0c1_e2a3_7b4c_8d5e_6f70_8192_0a1a);
        let page = query(&format!("limit=7&cursor={}", cursor_text(id)))
            .page_only()
            .unwrap();
        assert_eq!(
            page,
            PageRequest {
                before: Some(id),
                limit: 7
            }
        );
    }

    #[test]
    fn a_limit_outside_1_to_200_is_refused_and_not_bent() {
        for text in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=ten",
            "limit=",
            "limit=1&limit=2",
            "cursor=x",
            "limt=5",
        ] {
            assert!(query(text).page_only().is_err(), "{text}");
        }
        assert_eq!(query("").page_only().unwrap().limit, 50);
        assert_eq!(query("limit=200").page_only().unwrap().limit, 200);
    }

    #[test]
    fn a_time_zone_whose_plus_was_not_escaped_is_understood() {
        let expected = Timestamp::parse("2026-11-21T00:00:00Z");
        assert_eq!(moment("2026-11-21T02:00:00 02:00"), expected);
        assert_eq!(moment("2026-11-21T00:00:00Z"), expected);
        assert_eq!(moment("yesterday"), None);
    }
}
