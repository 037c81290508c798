//! `freehold.toml`: what may stand in it, and nothing else.

use std::path::{Path, PathBuf};

use freehold_domain::money::Nanodollars;
use freehold_domain::plan::Plan;
use freehold_gateway::GatewaySettings;
use serde::Deserialize;

use super::ConfigError;

/// The name it is looked for by where nobody names it.
const DEFAULT_NAME: &str = "freehold.toml";

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    pub(super) listen: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) database_url: Option<super::PrivateUrl>,
    pub(super) database_url_file: Option<PathBuf>,
    pub(super) redis_url: Option<super::PrivateUrl>,
    pub(super) redis_url_file: Option<PathBuf>,
    pub(super) root_key: Option<freehold_vault::Secret>,
    pub(super) root_key_file: Option<PathBuf>,
    pub(super) admin_token: Option<freehold_vault::Secret>,
    pub(super) admin_token_file: Option<PathBuf>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<String>,
    pub(super) egress: Egress,
    pub(super) limits: Limits,
    pub(super) credits: CreditSettings,
    pub(super) platform_keys: Vec<PlatformKeyEntry>,
    pub(super) plans: Vec<Plan>,
}

/// `[egress]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Egress {
    pub(super) private_targets: Vec<String>,
    pub(super) allowed_hosts: Vec<String>,
    pub(super) denied_ranges: Vec<String>,
}

/// `[credits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CreditSettings {
    pub(super) credit_price_usd: Option<Nanodollars>,
}

/// `[[platform_keys]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlatformKeyEntry {
    pub(super) provider: String,
    pub(super) name: Option<String>,
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) priority: i32,
    pub(super) base_url: Option<String>,
    pub(super) key: Option<freehold_vault::Secret>,
    pub(super) key_file: Option<PathBuf>,
}

/// `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    body_bytes_max: Option<u64>,
    reply_bytes_max: Option<u64>,
    request_deadline_seconds: Option<u64>,
    heartbeat_seconds: Option<u64>,
    attempts_max: Option<u64>,
    drain_seconds: Option<u64>,
}

impl Limits {
    /// What is set here is in force.
    pub(super) fn apply(self, gateway: &mut GatewaySettings, drain_ms: &mut u64) -> Result<(), ConfigError> {
        let within = |name: &str, value: Option<u64>, low: u64, high: u64| match value {
            Some(value) if !(low..=high).contains(&value) => Err(ConfigError::value(
                format!("limits.{name}"),
                format!("{value} is not within {low} and {high}"),
            )),
            value => Ok(value),
        };
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        if let Some(bytes) = within("body_bytes_max", self.body_bytes_max, 1_024, 1 << 30)? {
            gateway.body_bytes_max = size(bytes);
        }
        if let Some(bytes) = within("reply_bytes_max", self.reply_bytes_max, 1_024, 1 << 32)? {
            gateway.reply_bytes_max = size(bytes);
        }
        if let Some(seconds) = within(
            "request_deadline_seconds",
            self.request_deadline_seconds,
            1,
            24 * 3_600,
        )? {
            gateway.request_deadline_ms = seconds * 1_000;
            // A hold must outlive its request, or a live request could lose it.
            gateway.reservation_ms = i64::try_from(seconds * 1_000 + 300_000).unwrap_or(i64::MAX);
        }
        if let Some(seconds) = within("heartbeat_seconds", self.heartbeat_seconds, 1, 3_600)? {
            gateway.heartbeat_ms = seconds * 1_000;
        }
        if let Some(attempts) = within("attempts_max", self.attempts_max, 1, 64)? {
            gateway.attempts_max = size(attempts);
        }
        if let Some(seconds) = within("drain_seconds", self.drain_seconds, 0, 24 * 3_600)? {
            *drain_ms = seconds * 1_000;
        }
        Ok(())
    }
}

impl ConfigFile {
    /// The file that is named, or the one of the default name if it is there, and its path.
    ///
    /// # Errors
    /// When a named file is not there, or the file cannot be understood.
    pub(super) fn read(named: Option<PathBuf>) -> Result<(Option<PathBuf>, Self), ConfigError> {
        let (path, must_exist) = match named {
            Some(path) => (path, true),
            None => (PathBuf::from(DEFAULT_NAME), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path).map(|file| (Some(path), file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                Ok((None, Self::default()))
            }
            Err(source) => Err(ConfigError::Unreadable {
                path: path.display().to_string(),
                source,
            }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            // The library's own rendering quotes the line, and the line may hold a secret.
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            ConfigError::File {
                path: path.display().to_string(),
                message: format!("line {line}: {}", error.message()),
            }
        })
    }
}
