//! One file for each thing the executable can do.

mod config;
mod doctor;
mod serve;

pub(crate) use config::{check, dump, print_openapi, print_reference};
pub(crate) use doctor::doctor;
pub(crate) use serve::serve;

/// Writes to standard output what the user asked for.
#[expect(clippy::print_stdout, reason = "this is what commands are for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// A runtime for a command.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
