//! The ports made real: one set of operations in SQL, run on SQLite (one node) or PostgreSQL (many).
//!
//! [`SqliteStore`] and [`PostgresStore`] keep the same promises and pass the same conformance suite. Nothing outside
//! this crate contains SQL; every statement lies in a file under `sql/`.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::allow_attributes,
        reason = "tests may"
    )
)]

mod data_key;
mod engine;
mod installation;
mod ledger;
mod migration;
mod plan;
mod postgres;
mod provider_key;
mod record;
mod snapshot;
mod sql;
mod sqlite;
mod store;
mod value;
mod virtual_key;
mod workspace;

pub use migration::MigrationError;
pub use postgres::{PostgresConnectError, PostgresOptions, PostgresStore};
pub use sqlite::{Sharing, SqliteOpenError, SqliteOptions, SqliteStore};
