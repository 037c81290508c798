//! The log: one line for each thing worth knowing, readable alone and queryable by field.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Log lines go to standard error from here on.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let filter = filter(&config.log)?;
    let to_terminal = std::io::stderr().is_terminal();
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !to_terminal,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(to_terminal);
    let result = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
    result.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))?;
    install_panic_hook();
    Ok(())
}

/// The filter that `text` describes.
pub(crate) fn filter(text: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(text).map_err(|error| anyhow::anyhow!("log: {text:?} is not a filter: {error}"))
}

/// A panic is logged by its place alone: its message could hold what must not be logged.
fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "a task panicked; its request failed");
    }));
}
