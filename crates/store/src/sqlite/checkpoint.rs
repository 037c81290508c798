//! Moving the write-ahead log into the database file, on a thread of its own so that commits do not wait for it.
//!
//! This thread copies what has been committed while the writer goes on. It can never reach the end of a log that grows,
//! so the writer copies the last few pages itself, between two commits; after that the log starts over at its beginning.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use tokio::sync::mpsc::WeakSender;

use super::open::SqliteOpenError;
use super::writer::{Command, Joining};

/// Pages in the log from which they are moved: four megabytes.
const PAGES: i32 = 1_000;

/// The checkpointing thread. It ends when this is dropped.
pub(super) struct Checkpointer {
    due: SyncSender<()>,
    turn: Arc<Mutex<()>>,
    _thread: Joining,
}

impl Checkpointer {
    /// The thread runs with this connection and tells the writer when its part has come.
    pub(super) fn start(
        connection: Connection,
        writer: WeakSender<Command>,
    ) -> Result<Self, SqliteOpenError> {
        let (due, orders) = sync_channel(1);
        let turn = Arc::new(Mutex::new(()));
        let turns = Arc::clone(&turn);
        let thread: JoinHandle<()> = std::thread::Builder::new()
            .name("freehold-move".to_owned())
            .spawn(move || work(&connection, &orders, &turns, &writer))
            .map_err(SqliteOpenError::Thread)?;
        let _thread = Joining::from(thread);
        Ok(Self { due, turn, _thread })
    }

    /// The thread knows if the log, now of `pages`, is long enough to be moved.
    pub(super) fn consider(&self, pages: i32) {
        if pages >= PAGES {
            // An order that waits already is enough.
            let _ = self.due.try_send(());
        }
    }

    /// The right to move the log, once nobody else does. SQLite itself would not wait for another checkpoint to end.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to move the log, if nobody else does.
    pub(super) fn turn_now(&self) -> Option<MutexGuard<'_, ()>> {
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

fn work(connection: &Connection, orders: &Receiver<()>, turn: &Mutex<()>, writer: &WeakSender<Command>) {
    while orders.recv().is_ok() {
        let mine = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let moved = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE);
        drop(mine);
        match (moved, writer.upgrade()) {
            (Err(error), _) => {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database");
            }
            // A writer with a full queue is busy enough; the next order comes after its next commit.
            (Ok(_), Some(writer)) => drop(writer.try_send(Command::Rewind)),
            (Ok(_), None) => return,
        }
    }
}
