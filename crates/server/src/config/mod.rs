//! The configuration: built-in default, then the file, then the environment, then the command line.
//!
//! Everything is read and checked here, before any port is bound. Unknown keys are errors.

mod environment;
mod file;
mod reference;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;

use freehold_domain::egress::EgressPolicy;
use freehold_domain::money::{CreditRate, Nanodollars};
use freehold_domain::plan::Plan;
use freehold_domain::provider::ProviderKind;
use freehold_gateway::GatewaySettings;
use freehold_vault::Secret;

pub use environment::Environment;
pub use file::ConfigFile;
pub(crate) use reference::reference;

/// What the command line says about settings.
#[derive(Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--log`.
    pub log: Option<String>,
    /// `--log-format`.
    pub log_format: Option<String>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Text.
    Text,
    /// JSON.
    Json,
}

/// A URL that may hold a password: read by whoever connects, shown to nobody.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct PrivateUrl(String);

impl PrivateUrl {
    /// The URL, password and all.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PrivateUrl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PrivateUrl(…)")
    }
}

/// Where state is kept.
#[derive(Debug)]
pub enum Database {
    /// SQLite in the data directory.
    Embedded,
    /// PostgreSQL; the URL may hold a password.
    Postgres(PrivateUrl),
}

/// A platform key of the configuration.
#[derive(Debug)]
pub struct PlatformKey {
    /// Its provider.
    pub provider: ProviderKind,
    /// What its models are called by.
    pub name: String,
    /// What the operator calls it.
    pub label: Option<String>,
    /// Smaller is tried first.
    pub priority: i32,
    /// Where requests go.
    pub base_url: String,
    /// The secret; nothing for providers that ask for none.
    pub key: Option<Secret>,
}

/// The effective configuration.
#[derive(Debug)]
pub struct Config {
    /// The file it was read from, if there was one.
    pub file: Option<PathBuf>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the database and the root key are.
    pub data_dir: PathBuf,
    /// Where state is kept.
    pub database: Database,
    /// Redis, which may hold a password in its URL.
    pub redis_url: Option<PrivateUrl>,
    /// The root key, if it is given rather than kept in the data directory.
    pub root_key: Option<Secret>,
    /// The operator token, if it is given rather than made on the first start.
    pub admin_token: Option<Secret>,
    /// What to log.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Where requests may go.
    pub egress: EgressPolicy,
    /// The private targets as they were listed.
    pub private_targets: Vec<String>,
    /// Plans that replace or add to the built-in ones.
    pub plans: Vec<Plan>,
    /// The platform's own provider keys.
    pub platform_keys: Vec<PlatformKey>,
    /// Limits and deadlines of the gateway.
    pub gateway: GatewaySettings,
    /// How long running requests may take to finish when the process is asked to stop.
    pub drain_ms: u64,
    /// Environment variables that look like settings and are none.
    pub unknown_variables: Vec<String>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be. The text names the line and the key.
    #[error("{path}: {message}")]
    File {
        /// Which.
        path: String,
        /// What is wrong, where, and what is allowed.
        message: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{setting}: {message}")]
    Value {
        /// The setting, as it was given.
        setting: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}

impl ConfigError {
    fn value(setting: impl Into<String>, message: impl ToString) -> Self {
        Self::Value {
            setting: setting.into(),
            message: message.to_string(),
        }
    }
}

impl Config {
    /// The effective configuration of this process.
    ///
    /// # Errors
    /// Names the setting, its value unless it is secret, and what is allowed.
    pub fn load(flags: Flags) -> Result<Self, ConfigError> {
        Self::from_layers(flags, Environment::of_process()?)
    }

    /// The effective configuration of these layers.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_layers(flags: Flags, environment: Environment) -> Result<Self, ConfigError> {
        let named = flags
            .config
            .or_else(|| environment.get("FREEHOLD_CONFIG").map(PathBuf::from));
        let (path, file) = ConfigFile::read(named)?;
        let text = |flag: Option<String>, variable: &str, in_file: Option<String>| {
            flag.or_else(|| environment.get(variable).map(str::to_owned))
                .or(in_file)
        };
        let listen =
            text(flags.listen, "FREEHOLD_LISTEN", file.listen).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let listen = parse_listen(&listen)?;
        let data_dir = flags
            .data_dir
            .or_else(|| environment.get("FREEHOLD_DATA_DIR").map(PathBuf::from))
            .or(file.data_dir)
            .unwrap_or_else(|| PathBuf::from("./freehold-data"));
        let log = text(flags.log, "FREEHOLD_LOG", file.log).unwrap_or_else(|| "info".to_owned());
        crate::telemetry::filter(&log).map_err(|error| ConfigError::value("log", error))?;
        let log_format = match text(flags.log_format, "FREEHOLD_LOG_FORMAT", file.log_format).as_deref() {
            None => LogFormat::Auto,
            Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                return Err(ConfigError::value(
                    "log_format",
                    format!("{other:?} is neither `text` nor `json`"),
                ));
            }
        };
        let database_url = match flags.database_url {
            Some(url) => Some(PrivateUrl(url)),
            None => secret::find(
                "database_url",
                &environment,
                file.database_url,
                file.database_url_file,
            )?,
        };
        let database = match database_url {
            None => Database::Embedded,
            Some(url)
                if ["postgres://", "postgresql://"]
                    .iter()
                    .any(|start| url.0.starts_with(start)) =>
            {
                Database::Postgres(url)
            }
            Some(_) => {
                return Err(ConfigError::value(
                    "database_url",
                    "must begin with postgres://; leave it out for SQLite",
                ));
            }
        };
        let redis_url = secret::find("redis_url", &environment, file.redis_url, file.redis_url_file)?;
        let root_key = secret::find("root_key", &environment, file.root_key, file.root_key_file)?;
        let admin_token = secret::find(
            "admin_token",
            &environment,
            file.admin_token,
            file.admin_token_file,
        )?;
        let private_targets = file.egress.private_targets;
        let egress = EgressPolicy::new(&private_targets)
            .map_err(|error| ConfigError::value("egress.private_targets", error))?
            .with_allowed_hosts(&file.egress.allowed_hosts)
            .map_err(|error| ConfigError::value("egress.allowed_hosts", error))?
            .with_denied_ranges(&file.egress.denied_ranges)
            .map_err(|error| ConfigError::value("egress.denied_ranges", error))?;
        let platform_keys = secret::platform_keys(file.platform_keys, &environment)?;
        let plans = check_plans(file.plans)?;
        let mut gateway = GatewaySettings::default();
        let mut drain_ms = 120_000;
        file.limits.apply(&mut gateway, &mut drain_ms)?;
        if let Some(price) = file.credits.credit_price_usd {
            gateway.credit_rate = credit_rate(price)?;
        }
        Ok(Self {
            file: path,
            listen,
            data_dir,
            database,
            redis_url,
            root_key,
            admin_token,
            log,
            log_format,
            egress,
            private_targets,
            plans,
            platform_keys,
            gateway,
            drain_ms,
            unknown_variables: environment.unknown(),
        })
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, ConfigError> {
    let full = if let Some(port) = text.strip_prefix("localhost:") {
        format!("127.0.0.1:{port}")
    } else if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    full.parse().map_err(|_| {
        ConfigError::value(
            "listen",
            format!("{text:?} is not an address with a port, such as 127.0.0.1:8080 or [::]:8080"),
        )
    })
}

fn credit_rate(price: Nanodollars) -> Result<CreditRate, ConfigError> {
    CreditRate::new(price).ok_or_else(|| ConfigError::value("credits.credit_price_usd", "must be above zero"))
}

/// Plans with a name each, that lead only to plans that exist.
fn check_plans(plans: Vec<Plan>) -> Result<Vec<Plan>, ConfigError> {
    let built_in = freehold_domain::plan::built_in();
    for plan in &plans {
        if plan.name.is_empty() {
            return Err(ConfigError::value("plans.name", "every plan needs a name"));
        }
        if plans.iter().filter(|other| other.name == plan.name).count() > 1 {
            return Err(ConfigError::value(
                "plans.name",
                format!("{:?} stands twice", plan.name),
            ));
        }
        if let Some(next) = &plan.upgrade_to
            && !plans.iter().chain(&built_in).any(|other| &other.name == next)
        {
            return Err(ConfigError::value(
                "plans.upgrade_to",
                format!("there is no plan {next:?}"),
            ));
        }
    }
    Ok(plans)
}

#[cfg(test)]
mod tests;
