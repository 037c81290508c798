//! The page at `/`: what this is, whether it is well, and a first request to copy.

/// The page, self-contained: no script, nothing from elsewhere.
pub(crate) const PAGE: &str = include_str!("page.html");

/// What browsers may do with it.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
