//! The one place that knows the outside: command line, environment, files, the clock, chance, sockets and signals.
//!
//! `compose` builds the whole from its parts; `commands` has one file for each thing the executable can do.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::allow_attributes,
        reason = "tests may be blunt"
    )
)]

mod cli;
mod commands;
mod compose;
pub mod config;
mod exit;
mod first_start;
mod linger;
mod listen;
mod node;
mod openapi;
mod page;
mod platform_keys;
mod root_key;
mod routes;
mod system;
mod telemetry;
mod worker;

pub use cli::run;
