//! The management API from outside: requests in, replies out, against a store in memory.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may be blunt"
)]

mod access;
mod app;
mod canary;
mod conformance;
mod credits;
mod fake_data_plane;
mod fake_store;
mod http_manners;
mod plans;
mod provider_keys;
mod rotation;
mod usage_records;
mod virtual_keys;
mod workspaces;
