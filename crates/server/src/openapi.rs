//! The description of the API, generated from the code of both planes.

/// The description as JSON.
///
/// # Errors
/// When it cannot be written, which would be a mistake in the program.
pub(crate) fn document() -> anyhow::Result<String> {
    let mut document = freehold_console::openapi();
    document.merge(freehold_gateway::openapi());
    Ok(document.to_pretty_json()?)
}
