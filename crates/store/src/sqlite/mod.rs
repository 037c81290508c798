//! SQLite: one file, one process, one writer thread that commits in groups, a few threads that read.

mod append;
mod checkpoint;
mod open;
mod readers;
mod session;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use freehold_domain::ledger::{Reservation, ReserveOutcome, Settlement};
use freehold_domain::port::PortError;
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;
use tokio::sync::oneshot;

use crate::engine::{Engine, Operation, Session};
use crate::ledger::Reserve;
use crate::record;
use crate::sql::sqlite as sql;
use crate::store::SqlStore;
use crate::value::Value;

pub use open::SqliteOpenError;
use readers::Readers;
use writer::{Command, Writer};

/// Whether another process may be serving from the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// No: opening fails then. For the server.
    #[default]
    Sole,
    /// Yes: nothing is taken from it and nothing given back in its name. For commands that may run beside the server.
    Beside,
}

/// How a SQLite store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Whether another process may be serving from the file.
    pub sharing: Sharing,
    /// How many threads read, at least one.
    pub readers: usize,
    /// How many changes may wait for the writer before callers wait to be let in.
    pub queue: usize,
    /// How long to wait for another process that is writing.
    pub busy: Duration,
    /// How long one read may take. A read of a very large workspace must not keep the others waiting for ever.
    pub patience: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            sharing: Sharing::Sole,
            readers: 3,
            queue: 4_096,
            busy: Duration::from_secs(5),
            patience: Duration::from_secs(10),
        }
    }
}

/// The store for one node: everything in one SQLite file.
pub type SqliteStore = SqlStore<Sqlite>;

/// A SQLite database at work.
///
/// The order of the fields is the order in which they end: readers, writer, and last the lock on the file.
pub struct Sqlite {
    readers: Readers,
    writer: Writer,
    node: Arc<str>,
    _serving: Option<File>,
}

impl SqliteStore {
    /// The store in the file at `path`, which is made if need be, with the schema of this build.
    ///
    /// What an earlier life of the process left held is given back. Blocks while it opens and migrates. The file and those beside it can be read by their owner only.
    pub fn open(path: &Path, options: &SqliteOptions) -> Result<Self, SqliteOpenError> {
        let serving = open::claim(path)?;
        if serving.is_none() && options.sharing == Sharing::Sole {
            return Err(SqliteOpenError::InUse(path.to_owned()));
        }
        let connection = open::writable(path, serving.is_some(), options)?;
        let helper = open::helper(path, options)?;
        let readers = (0..options.readers.max(1))
            .map(|_| open::readable(path, options))
            .collect::<Result<Vec<_>, _>>()?;
        let engine = Sqlite {
            readers: Readers::start(readers, options.patience)?,
            writer: Writer::start(connection, helper, options)?,
            node: Arc::from(""),
            _serving: serving,
        };
        Ok(Self { engine })
    }

    /// Everything that was asked for is done, and all of it lies in the database file itself. Changes after this are refused.
    pub async fn close(&self) -> Result<(), PortError> {
        self.engine.writer.close().await
    }
}

impl Engine for Sqlite {
    async fn change<O: Operation>(&self, operation: O) -> Result<O::Output, PortError> {
        let (done, answer) = oneshot::channel();
        let change = writer::Pending::new(operation, done);
        self.writer.send(Command::Change(Box::new(change))).await?;
        answer.await.map_err(|_| writer::stopped())?
    }

    async fn look<O: Operation>(&self, operation: O) -> Result<O::Output, PortError> {
        self.readers.look(operation).await
    }

    async fn append(&self, record: Box<UsageRecord>, settlement: Settlement) -> Result<(), PortError> {
        let detail = record::detail(&record)?;
        let (done, answer) = oneshot::channel();
        let append = append::Append {
            record,
            detail,
            settlement,
            failure: None,
            done,
        };
        self.writer.send(Command::Append(append)).await?;
        answer.await.map_err(|_| writer::stopped())?
    }

    async fn reserve(&self, reservation: Reservation) -> Result<ReserveOutcome, PortError> {
        let node = Arc::clone(&self.node);
        self.change(Reserve { reservation, node }).await
    }

    async fn expire_reservations(&self, now: Timestamp) -> Result<u64, PortError> {
        self.change(Expire(now)).await
    }
}

/// Reservations that ran out are given back. Two statements are one step here: nobody else writes in between.
struct Expire(Timestamp);

impl Operation for Expire {
    type Output = u64;
    // Holds that are not given back before a loss of power are given back after it.
    const DURABLE: bool = false;

    async fn run<S: Session>(&self, session: &mut S) -> Result<u64, PortError> {
        let now = [Value::moment(self.0)];
        session.execute(sql::RESERVATION_EXPIRE_RELEASE, &now).await?;
        Ok(session.execute(sql::RESERVATION_EXPIRE, &now).await?)
    }
}
