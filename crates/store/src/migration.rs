//! Migrations: forward only, in lockstep for both engines, each applied once and whole.

use std::collections::BTreeMap;

/// One step of the schema, as text for each engine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Counts up from 1.
    pub(crate) version: i64,
    /// The name of its file.
    pub(crate) name: &'static str,
    /// Its statements for SQLite.
    pub(crate) sqlite: &'static str,
    /// Its statements for PostgreSQL.
    pub(crate) postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal,)*) => {
        /// Every step of the schema, oldest first.
        pub(crate) const ALL: &[Migration] = &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),*];
    };
}

migrations! {
    1 "0001_foundation",
}

/// The table in which applied migrations are noted; the same text on both engines.
pub(crate) const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BIGINT NOT NULL
)";

/// The noted migrations.
pub(crate) const APPLIED: &str = "SELECT version, checksum FROM schema_migration ORDER BY version";

/// Notes one migration.
pub(crate) const NOTE: &str = "INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)";

/// Why a database's schema cannot be brought to what this build needs.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer build has been here.
    #[error(
        "the database has schema version {found}, this build knows up to {known}; start the newer build, or restore a backup from before it"
    )]
    Newer {
        /// The highest version that was applied.
        found: i64,
        /// The highest version this build has.
        known: i64,
    },
    /// An older build is still running from it.
    #[error(
        "migration {0} is missing and cannot be applied while an older build is running; stop that first"
    )]
    Older(&'static str),
    /// A migration that was applied is not the one in this build.
    #[error(
        "migration {name} was applied with other content than this build has; the two builds are not of one line"
    )]
    Changed {
        /// Which.
        name: &'static str,
    },
}

/// How a migration's text is recognised. Not a protection, only a check against mixed-up builds.
pub(crate) fn checksum(text: &str) -> i64 {
    i64::from(crc32fast::hash(text.as_bytes()))
}

/// The migrations still to be applied, given those that are noted by version and checksum.
pub(crate) fn pending(
    applied: &BTreeMap<i64, i64>,
    text: impl Fn(&Migration) -> &'static str,
) -> Result<Vec<Migration>, MigrationError> {
    let known = ALL.last().map_or(0, |last| last.version);
    if let Some((&found, _)) = applied.last_key_value()
        && found > known
    {
        return Err(MigrationError::Newer { found, known });
    }
    let mut pending = Vec::new();
    for migration in ALL {
        match applied.get(&migration.version) {
            None => pending.push(*migration),
            Some(&noted) if noted == checksum(text(migration)) => {}
            Some(_) => {
                return Err(MigrationError::Changed { name: migration.name });
            }
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted() -> BTreeMap<i64, i64> {
        ALL.iter()
            .map(|migration| (migration.version, checksum(migration.sqlite)))
            .collect()
    }

    #[test]
    fn a_new_database_gets_every_migration_and_a_current_one_none() {
        let text = |migration: &Migration| migration.sqlite;
        assert_eq!(pending(&BTreeMap::new(), text).unwrap().len(), ALL.len());
        assert!(pending(&noted(), text).unwrap().is_empty());
    }

    #[test]
    fn a_schema_from_a_newer_build_is_refused() {
        let mut applied = noted();
        applied.insert(9_999, 1);
        let error = pending(&applied, |migration| migration.sqlite).unwrap_err();
        assert!(matches!(error, MigrationError::Newer { found: 9_999, .. }));
    }

    #[test]
    fn a_migration_that_was_changed_after_it_was_applied_is_refused() {
        let mut applied = noted();
        applied.insert(1, 12_345);
        let error = pending(&applied, |migration| migration.sqlite).unwrap_err();
        assert!(matches!(error, MigrationError::Changed { .. }));
    }

    #[test]
    fn versions_count_up_without_a_gap() {
        for (migration, expected) in ALL.iter().zip(1..) {
            assert_eq!(migration.version, expected);
            assert!(migration.name.starts_with(&format!("{expected:04}_")));
        }
    }
}
