//! The whole server: the real executable on a fresh data directory, with simulated providers on loopback.
//!
//! Modules stand where the routes they test stand. Most tests share one server and work in a workspace of their own;
//! those that stop, kill or configure a server start one for themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "tests may be blunt"
)]

mod admin;
mod canary;
mod hostile;
mod nodes;
mod pages;
mod process;
mod support;
mod v1;
