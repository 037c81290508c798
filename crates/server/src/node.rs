//! This node's name among several, and the claim to it: one process at a time bears it.
//!
//! What a name holds in the database is given back when its bearer starts, because its requests ended with its last life.
//! A second bearer would take what the first one still needs.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, bail};
use freehold_domain::id::IdSource;

use crate::config::Config;
use crate::system::SystemIds;

/// Its file in the data directory.
const FILE: &str = "node";

/// A name that nobody else bears as long as this lives.
pub(crate) struct Node {
    pub(crate) name: String,
    _claim: File,
}

impl Node {
    /// The name in the data directory, made now if there is none, for this process alone.
    ///
    /// # Errors
    /// When another process bears it, or the file cannot be read or written.
    pub(crate) fn claim(config: &Config) -> anyhow::Result<Self> {
        let path = config.data_dir.join(FILE);
        let place = || path.display().to_string();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(place)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in use by another process; give this one a --data-dir of its own",
                config.data_dir.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(place),
        }
        let mut name = String::new();
        file.read_to_string(&mut name).with_context(place)?;
        let mut name = name.trim().to_owned();
        // Empty where an earlier start was cut off between making the file and writing it.
        if name.is_empty() {
            name = SystemIds::default().next_uuid().as_simple().to_string();
            file.write_all(name.as_bytes())
                .and_then(|()| file.sync_all())
                .with_context(place)?;
        }
        Ok(Self { name, _claim: file })
    }
}
