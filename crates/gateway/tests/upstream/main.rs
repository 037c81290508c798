//! The way out against small providers on loopback: what it refuses, what it sends, what it lets through, when it gives up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    missing_docs,
    reason = "tests may be blunt"
)]

mod addresses;
mod connections;
mod deadlines;
mod encrypted;
mod encrypted_provider;
mod headers;
mod malformed;
mod provider;
mod proxies;
mod redirects;
mod repeated_keys;
mod resets;
