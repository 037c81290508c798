//! The environment, read once.

use std::collections::BTreeMap;

use freehold_domain::provider::ProviderKind;

use super::ConfigError;

const PREFIX: &str = "FREEHOLD_";

/// Every variable that is a setting. Those of secrets also exist with `_FILE` behind.
const KNOWN: [&str; 5] = [
    "FREEHOLD_CONFIG",
    "FREEHOLD_LISTEN",
    "FREEHOLD_DATA_DIR",
    "FREEHOLD_LOG",
    "FREEHOLD_LOG_FORMAT",
];
const KNOWN_SECRETS: [&str; 4] = [
    "FREEHOLD_DATABASE_URL",
    "FREEHOLD_REDIS_URL",
    "FREEHOLD_ROOT_KEY",
    "FREEHOLD_ADMIN_TOKEN",
];

/// The variables that begin with `FREEHOLD_`. An empty one counts as not set.
#[derive(Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environment {
    /// The environment of this process.
    ///
    /// # Errors
    /// When a variable is not text.
    pub fn of_process() -> Result<Self, ConfigError> {
        let mut variables = BTreeMap::new();
        #[expect(
            clippy::disallowed_methods,
            reason = "the executable is where the environment comes in"
        )]
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let Some(value) = value.to_str() else {
                return Err(ConfigError::value(name, "is not valid text"));
            };
            variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(Self::of(variables))
    }

    /// An environment of these variables.
    #[must_use]
    pub fn of(variables: BTreeMap<String, String>) -> Self {
        Self {
            variables: variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        }
    }

    /// The variable's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Variables that begin like settings and are none: most likely misspelt.
    pub(super) fn unknown(&self) -> Vec<String> {
        self.variables
            .keys()
            .filter(|name| !is_known(name))
            .cloned()
            .collect()
    }
}

fn is_known(name: &str) -> bool {
    let bare = name.strip_suffix("_FILE").unwrap_or(name);
    KNOWN.contains(&name)
        || KNOWN_SECRETS.contains(&bare)
        || ProviderKind::ALL
            .into_iter()
            .any(|kind| platform_key_variable(kind) == bare)
}

/// The variable that holds the platform's key for a provider.
pub(super) fn platform_key_variable(kind: ProviderKind) -> String {
    format!(
        "{PREFIX}PLATFORM_{}_KEY",
        kind.as_str().to_uppercase().replace('-', "_")
    )
}
