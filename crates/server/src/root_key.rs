//! Where the root key comes from: the configuration, or a file in the data directory that is made on the first start.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use freehold_vault::{Entropy, RootKey, Secret};

use crate::config::Config;

/// The root key's file in the data directory.
pub(crate) const FILE: &str = "root.key";

/// A root key and where it is kept.
pub(crate) struct Found {
    /// The key.
    pub(crate) key: RootKey,
    /// Its file; nothing if it came from the environment or the configuration.
    pub(crate) file: Option<PathBuf>,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
}

/// The root key that is there already; nothing if there is none.
///
/// # Errors
/// When it is there but cannot be read, or others can read it too.
pub(crate) fn find(config: &Config) -> anyhow::Result<Option<Found>> {
    if let Some(text) = &config.root_key {
        let key = RootKey::from_base64(text).context("root_key")?;
        return Ok(Some(Found {
            key,
            file: None,
            is_new: false,
        }));
    }
    let path = config.data_dir.join(FILE);
    let Ok(metadata) = std::fs::symlink_metadata(&path) else {
        return Ok(None);
    };
    if !metadata.is_file() {
        bail!(
            "{} is not a regular file; put the root key itself there",
            path.display()
        );
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        bail!("{0} can be read by others; run `chmod 400 {0}`", path.display());
    }
    if metadata.uid() != owner_of(&config.data_dir)? {
        bail!(
            "{} does not belong to the owner of the data directory",
            path.display()
        );
    }
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let key = RootKey::from_base64(&Secret::from_text(text)).with_context(|| path.display().to_string())?;
    Ok(Some(Found {
        key,
        file: Some(path),
        is_new: false,
    }))
}

fn owner_of(directory: &Path) -> anyhow::Result<u32> {
    Ok(std::fs::metadata(directory)
        .with_context(|| directory.display().to_string())?
        .uid())
}

/// A fresh root key, on disk before it is used: only its owner can read it, and nobody can write it.
///
/// # Errors
/// When it cannot be made or written.
pub(crate) fn make(config: &Config, entropy: &dyn Entropy) -> anyhow::Result<Found> {
    let key = RootKey::generate(entropy).context("the system has no random numbers to give")?;
    let path = config.data_dir.join(FILE);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(&path)
        .with_context(|| format!("{} cannot be made", path.display()))?;
    key.write_base64(&mut file)
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Found {
        key,
        file: Some(path),
        is_new: true,
    })
}
