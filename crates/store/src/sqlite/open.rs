//! Opening the file: its claim, its mode, its settings, its schema.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::SqliteOptions;
use crate::migration::{self, Migration, MigrationError};
use crate::sql::sqlite as sql;

/// Why a SQLite store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SqliteOpenError {
    /// Another process serves from this file.
    #[error("{} is in use by another process; one SQLite file serves one process at a time", .0.display())]
    InUse(PathBuf),
    /// The file, or a thread for it, could not be had.
    #[error("cannot open {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for the database")]
    Thread(#[source] io::Error),
    /// SQLite refused.
    #[error("SQLite cannot use the database file")]
    Sqlite(#[from] rusqlite::Error),
    /// The schema is not one that this build can work with.
    #[error(transparent)]
    Migration(#[from] MigrationError),
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

fn open_private(path: &Path) -> Result<File, SqliteOpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| SqliteOpenError::File {
        path: path.to_owned(),
        source,
    })
}

/// The right to serve from the file at `path`, held as long as the answer lives; nothing if another process has it.
///
/// The lock lies on a file beside the database, because SQLite loses its own locks when anyone closes the database file.
pub(super) fn claim(path: &Path) -> Result<Option<File>, SqliteOpenError> {
    let lock = beside(path, ".lock");
    let file = open_private(&lock)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(SqliteOpenError::File { path: lock, source }),
    }
}

/// The connection that writes. If it `serves` alone, the schema is brought up to date and old holds are given back; beside
/// another process neither is touched.
pub(super) fn writable(
    path: &Path,
    serves: bool,
    options: &SqliteOptions,
) -> Result<Connection, SqliteOpenError> {
    // SQLite gives the files beside the database the database's own mode, so it is enough that this one is private.
    drop(open_private(path)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192;
         PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    if serves {
        migrate(&mut connection)?;
        give_back(&mut connection)?;
    } else if let Some(missing) = pending(&connection)?.first() {
        return Err(MigrationError::Older(missing.name).into());
    }
    Ok(connection)
}

/// A connection that moves the write-ahead log into the database, and does nothing else.
pub(super) fn helper(path: &Path, options: &SqliteOptions) -> Result<Connection, SqliteOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -64;
         PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn readable(path: &Path, options: &SqliteOptions) -> Result<Connection, SqliteOpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy)?;
    connection.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -1024;
         PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// The migrations that the database does not have yet.
fn pending(connection: &Connection) -> Result<Vec<Migration>, SqliteOpenError> {
    let applied = connection
        .prepare(migration::APPLIED)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<BTreeMap<i64, i64>, _>>()?;
    let text = |migration: &Migration| migration.sqlite;
    Ok(migration::pending(&applied, text)?)
}

/// The schema is that of this build; each missing step was applied whole.
fn migrate(connection: &mut Connection) -> Result<(), SqliteOpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration::LEDGER)?;
    for migration in pending(&transaction)? {
        transaction.execute_batch(migration.sqlite)?;
        let checksum = migration::checksum(migration.sqlite);
        transaction.execute(migration::NOTE, (migration.version, migration.name, checksum))?;
        tracing::info!(migration = migration.name, "schema migrated");
    }
    transaction.commit()?;
    Ok(())
}

/// What an earlier life of this process left held is free again: its requests ended with it.
fn give_back(connection: &mut Connection) -> Result<(), SqliteOpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(sql::RESERVATION_VOID_RELEASE, [])?;
    let voided = transaction.execute(sql::RESERVATION_VOID, [])?;
    transaction.commit()?;
    if voided > 0 {
        tracing::warn!(
            voided,
            "gave back the reservations that an earlier life left behind"
        );
    }
    Ok(())
}
