//! `freehold config check`, `config dump`, and the generators behind the documents.

use std::process::ExitCode;

use crate::commands::say;
use crate::config::{Config, Database, LogFormat};
use crate::exit::Exit;

/// What stands in place of a secret.
const MASK: &str = "********";

/// The configuration was read without complaint, or this is never reached.
pub(crate) fn check(config: &Config) -> Result<ExitCode, Exit> {
    for name in &config.unknown_variables {
        say(&format!("warning: {name} is not a setting; is it misspelt?"));
    }
    let origin = config
        .file
        .as_ref()
        .map_or("built-in defaults".to_owned(), |path| path.display().to_string());
    say(&format!("The configuration is sound ({origin})."));
    Ok(ExitCode::SUCCESS)
}

/// The effective configuration, as a file that would give the same, secrets masked.
pub(crate) fn dump(config: &Config) -> Result<ExitCode, Exit> {
    say(&text(config).map_err(Exit::Failure)?);
    Ok(ExitCode::SUCCESS)
}

fn text(config: &Config) -> anyhow::Result<String> {
    let mut table = toml::Table::new();
    let mut set = |name: &str, value: String| {
        table.insert(name.to_owned(), toml::Value::String(value));
    };
    set("listen", config.listen.to_string());
    set("data_dir", config.data_dir.display().to_string());
    if let Database::Postgres(_) = config.database {
        set("database_url", MASK.to_owned());
    }
    for (name, is_set) in [
        ("redis_url", config.redis_url.is_some()),
        ("root_key", config.root_key.is_some()),
        ("admin_token", config.admin_token.is_some()),
    ] {
        if is_set {
            set(name, MASK.to_owned());
        }
    }
    set("log", config.log.clone());
    match config.log_format {
        LogFormat::Auto => {}
        LogFormat::Text => set("log_format", "text".to_owned()),
        LogFormat::Json => set("log_format", "json".to_owned()),
    }
    let mut egress = toml::Table::new();
    egress.insert(
        "private_targets".to_owned(),
        config.private_targets.clone().into(),
    );
    table.insert("egress".to_owned(), egress.into());
    let number = |value: u64| toml::Value::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    let mut limits = toml::Table::new();
    limits.insert(
        "body_bytes_max".to_owned(),
        number(config.gateway.body_bytes_max as u64),
    );
    limits.insert(
        "reply_bytes_max".to_owned(),
        number(config.gateway.reply_bytes_max as u64),
    );
    limits.insert(
        "request_deadline_seconds".to_owned(),
        number(config.gateway.request_deadline_ms / 1_000),
    );
    limits.insert(
        "heartbeat_seconds".to_owned(),
        number(config.gateway.heartbeat_ms / 1_000),
    );
    limits.insert(
        "attempts_max".to_owned(),
        number(config.gateway.attempts_max as u64),
    );
    limits.insert("drain_seconds".to_owned(), number(config.drain_ms / 1_000));
    table.insert("limits".to_owned(), limits.into());
    let mut keys = Vec::new();
    for key in &config.platform_keys {
        let mut entry = toml::Table::new();
        entry.insert("provider".to_owned(), key.provider.as_str().into());
        entry.insert("name".to_owned(), key.name.as_str().into());
        entry.insert("base_url".to_owned(), key.base_url.as_str().into());
        entry.insert("priority".to_owned(), i64::from(key.priority).into());
        if let Some(label) = &key.label {
            entry.insert("label".to_owned(), label.as_str().into());
        }
        if key.key.is_some() {
            entry.insert("key".to_owned(), MASK.into());
        }
        keys.push(toml::Value::Table(entry));
    }
    if !keys.is_empty() {
        table.insert("platform_keys".to_owned(), keys.into());
    }
    let plans = config
        .plans
        .iter()
        .map(toml::Value::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    if !plans.is_empty() {
        table.insert("plans".to_owned(), plans.into());
    }
    Ok(toml::to_string_pretty(&table)?)
}

/// The description of the API.
pub(crate) fn print_openapi() -> Result<ExitCode, Exit> {
    say(&crate::openapi::document()?);
    Ok(ExitCode::SUCCESS)
}

/// The reference of all settings.
pub(crate) fn print_reference() -> Result<ExitCode, Exit> {
    say(crate::config::reference().trim_end());
    Ok(ExitCode::SUCCESS)
}
