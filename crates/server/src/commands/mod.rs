//! One file for each thing the executable can do.

use std::io::Write;

mod config;
mod doctor;
mod serve;

pub(crate) use config::{check, dump, print_openapi, print_reference};
pub(crate) use doctor::doctor;
pub(crate) use serve::serve;

/// Writes to standard output what the user asked for. Whoever closes the pipe has read enough.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// A runtime for a command.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
