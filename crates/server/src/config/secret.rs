//! Secret settings: given in place, or by the file that holds them. Their values appear in no message.

use std::path::PathBuf;

use freehold_domain::provider::ProviderKind;
use freehold_vault::Secret;

use super::environment::platform_key_variable;
use super::file::PlatformKeyEntry;
use super::{ConfigError, Environment, PlatformKey, PrivateUrl};

/// Something secret that is made of text.
pub(super) trait FromText: Sized {
    fn from_text(text: String) -> Self;
}

impl FromText for Secret {
    fn from_text(text: String) -> Self {
        Self::from_text(text)
    }
}

impl FromText for PrivateUrl {
    fn from_text(text: String) -> Self {
        Self(text)
    }
}

/// The secret setting `name`: from its variable, from the file its `_FILE` variable names, or the same from the file.
pub(super) fn find<T: FromText>(
    name: &str,
    environment: &Environment,
    in_file: Option<T>,
    file_in_file: Option<PathBuf>,
) -> Result<Option<T>, ConfigError> {
    let variable = format!("FREEHOLD_{}", name.to_uppercase());
    if let Some(secret) = from_environment(&variable, environment)? {
        return Ok(Some(secret));
    }
    either(name, in_file, file_in_file)
}

fn from_environment<T: FromText>(
    variable: &str,
    environment: &Environment,
) -> Result<Option<T>, ConfigError> {
    let in_place = environment
        .get(variable)
        .map(|text| T::from_text(text.to_owned()));
    let file = environment.get(&format!("{variable}_FILE")).map(PathBuf::from);
    either(variable, in_place, file)
}

fn either<T: FromText>(
    name: &str,
    in_place: Option<T>,
    file: Option<PathBuf>,
) -> Result<Option<T>, ConfigError> {
    match (in_place, file) {
        (Some(_), Some(_)) => Err(ConfigError::value(name, "is given twice: in place and by file")),
        (Some(secret), None) => Ok(Some(secret)),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
                path: path.display().to_string(),
                source,
            })?;
            Ok(Some(T::from_text(text.trim_end_matches(['\n', '\r']).to_owned())))
        }
        (None, None) => Ok(None),
    }
}

/// The platform's keys: those of the file, then those of the environment.
pub(super) fn platform_keys(
    entries: Vec<PlatformKeyEntry>,
    environment: &Environment,
) -> Result<Vec<PlatformKey>, ConfigError> {
    let mut keys = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let setting = |field: &str| format!("platform_keys[{index}].{field}");
        let provider: ProviderKind = entry
            .provider
            .parse()
            .map_err(|error| ConfigError::value(setting("provider"), error))?;
        let key = match either(&setting("key"), entry.key, entry.key_file)? {
            Some(key) => Some(key),
            None => from_environment(&platform_key_variable(provider), environment)?,
        };
        keys.push(platform_key(
            &setting,
            provider,
            entry.name,
            entry.label,
            entry.priority,
            entry.base_url,
            key,
        )?);
    }
    for provider in ProviderKind::ALL {
        if keys.iter().any(|key| key.provider == provider) {
            continue;
        }
        let variable = platform_key_variable(provider);
        if let Some(key) = from_environment(&variable, environment)? {
            let setting = |_: &str| variable.clone();
            keys.push(platform_key(&setting, provider, None, None, 0, None, Some(key))?);
        }
    }
    Ok(keys)
}

fn platform_key(
    setting: &dyn Fn(&str) -> String,
    provider: ProviderKind,
    name: Option<String>,
    label: Option<String>,
    priority: i32,
    base_url: Option<String>,
    key: Option<Secret>,
) -> Result<PlatformKey, ConfigError> {
    let base_url = base_url
        .or_else(|| provider.default_base_url().map(str::to_owned))
        .ok_or_else(|| ConfigError::value(setting("base_url"), format!("{provider} needs one")))?;
    let key = key
        .map(|key| key.tidied())
        .transpose()
        .map_err(|error| ConfigError::value(setting("key"), error))?;
    if key.is_none() && provider.needs_api_key() {
        return Err(ConfigError::value(
            setting("key"),
            format!("{provider} needs `key` or `key_file`"),
        ));
    }
    Ok(PlatformKey {
        provider,
        name: name.unwrap_or_else(|| provider.as_str().to_owned()),
        label,
        priority,
        base_url,
        key,
    })
}
