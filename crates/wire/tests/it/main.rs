//! The crate as the gateway sees it: adapters fed with recorded requests, replies and streams.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests may"
)]

mod chaos;
mod errors;
mod fixtures;
mod pass_through;
mod refusals;
mod replies;
mod requests;
mod streams;
mod usage;
