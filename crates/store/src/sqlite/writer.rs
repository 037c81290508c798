//! The one thread that writes: takes whatever has queued, runs it in one transaction, commits once, answers everyone.
//!
//! One thing: the writer's desk. Queue, batch, commit, answer and log are one cycle over one state.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use freehold_domain::port::PortError;
use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::SqliteOptions;
use super::append::{self, Append};
use super::checkpoint::Checkpointer;
use super::open::SqliteOpenError;
use super::session::{SqliteSession, complete, unavailable};
use crate::engine::Operation;

/// The most commands that share a commit.
const BATCH: usize = 256;

/// As many commands in the last commit mean that more are on their way.
const CROWD: usize = 4;

/// How long more are then waited for. It saves about a tenth of all processor time under load.
const WINDOW: Duration = Duration::from_micros(1_500);

/// How long readers may hold up the wiping of removed secrets before it is put off.
const WIPE_PATIENCE: Duration = Duration::from_millis(200);

/// Something for the writer to do.
pub(super) enum Command {
    /// A record, the common case, without any indirection.
    Append(Append),
    /// Any other change.
    Change(Box<dyn Change>),
    /// The write-ahead log is moved but for its end; what is left is quickly done.
    Rewind,
    /// No more changes; everything goes into the database file.
    Close(oneshot::Sender<Result<(), PortError>>),
}

impl Command {
    fn is_durable(&self) -> bool {
        match self {
            Self::Append(_) | Self::Close(_) => true,
            Self::Change(change) => change.is_durable(),
            Self::Rewind => false,
        }
    }
}

/// An operation that waits to be run and answered.
pub(super) trait Change: Send {
    /// The operation is part of the transaction, or undone. An error means that the whole transaction is lost.
    fn run(&mut self, connection: &mut Connection) -> rusqlite::Result<()>;
    /// Whether it must be on the disk, and not only with the operating system, before the caller is answered.
    fn is_durable(&self) -> bool;
    /// Whether what it removed must leave every file before the caller is answered.
    fn wipes(&self) -> bool;
    /// The caller knows the operation's result, if the transaction was committed.
    fn answer(self: Box<Self>, committed: Result<(), PortError>);
}

/// An operation, its result once there is one, and who waits for it.
pub(super) struct Pending<O: Operation> {
    operation: O,
    result: Option<Result<O::Output, PortError>>,
    done: oneshot::Sender<Result<O::Output, PortError>>,
}

impl<O: Operation> Pending<O> {
    pub(super) fn new(operation: O, done: oneshot::Sender<Result<O::Output, PortError>>) -> Self {
        Self {
            operation,
            result: None,
            done,
        }
    }
}

impl<O: Operation> Change for Pending<O> {
    fn run(&mut self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.prepare_cached("SAVEPOINT change")?.execute([])?;
        let result = complete(self.operation.run(&mut SqliteSession(connection)));
        if let Some(fatal) = result.as_ref().err().and_then(fatal_cause) {
            return Err(fatal);
        }
        if result.is_err() {
            // If SQLite has dropped the transaction by itself, this fails, and with it the batch.
            connection.prepare_cached("ROLLBACK TO change")?.execute([])?;
        }
        connection.prepare_cached("RELEASE change")?.execute([])?;
        self.result = Some(result);
        Ok(())
    }

    fn is_durable(&self) -> bool {
        O::DURABLE
    }

    fn wipes(&self) -> bool {
        O::WIPES && matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), PortError>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(stopped()),
            (Err(error), _) => Err(error),
        };
        // A caller that left needs no answer.
        let _ = self.done.send(result);
    }
}

/// The error for work that comes after the end.
pub(super) fn stopped() -> PortError {
    PortError::Unavailable("the database is closed".into())
}

/// A thread that is waited for when this is dropped.
pub(super) struct Joining(Option<JoinHandle<()>>);

impl From<JoinHandle<()>> for Joining {
    fn from(thread: JoinHandle<()>) -> Self {
        Self(Some(thread))
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        // A thread that panicked has said so already.
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// The way to the writing thread, which ends when this is dropped, after doing what it was given.
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
    _thread: Joining,
}

impl Writer {
    /// The thread runs with this connection.
    ///
    /// `helper` is a second connection, on which the write-ahead log is moved into the database.
    pub(super) fn start(
        mut connection: Connection,
        helper: Connection,
        options: &SqliteOptions,
    ) -> Result<Self, SqliteOpenError> {
        let (commands, queue) = mpsc::channel(options.queue.max(1));
        let checkpointer = Checkpointer::start(helper, commands.downgrade())?;
        let pages = Arc::new(AtomicI32::new(0));
        let counted = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut Wal, count| {
            counted.store(count, Ordering::Relaxed);
            Ok(())
        }))?;
        let desk = Desk {
            connection,
            queue,
            pages,
            checkpointer,
            busy: options.busy,
            flushes: true,
            refusing: None,
            wiping: false,
        };
        let thread = std::thread::Builder::new()
            .name("freehold-write".to_owned())
            .spawn(move || desk.work())
            .map_err(SqliteOpenError::Thread)?;
        let _thread = Joining::from(thread);
        Ok(Self { commands, _thread })
    }

    /// The command is in the queue.
    pub(super) async fn send(&self, command: Command) -> Result<(), PortError> {
        self.commands.send(command).await.map_err(|_| stopped())
    }

    /// See [`super::SqliteStore::close`].
    pub(super) async fn close(&self) -> Result<(), PortError> {
        let (done, answer) = oneshot::channel();
        self.send(Command::Close(done)).await?;
        answer.await.map_err(|_| stopped())?
    }
}

/// The writing thread's state.
struct Desk {
    connection: Connection,
    queue: mpsc::Receiver<Command>,
    /// Pages in the write-ahead log after the last commit.
    pages: Arc<AtomicI32>,
    checkpointer: Checkpointer,
    busy: Duration,
    /// Whether a commit waits for the disk.
    flushes: bool,
    /// Why nothing more is written: the disk failed, so what is on it is not known any more.
    refusing: Option<String>,
    /// Whether removed secrets still wait to be wiped.
    wiping: bool,
}

impl Desk {
    fn work(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut crowd = 0;
        while self.queue.blocking_recv_many(&mut batch, BATCH) > 0 {
            if crowd >= CROWD {
                self.wait_for_more(&mut batch);
            }
            crowd = batch.len();
            let committed = self.commit(&mut batch);
            self.answer(&mut batch, &committed);
            self.tidy();
        }
        // Nobody is left to hear of a failure; the next life recovers from the log.
        let _ = self.truncate();
    }

    /// Where many come at once, a moment's wait lets more of them share the commit; a caller alone never waits.
    fn wait_for_more(&mut self, batch: &mut Vec<Command>) {
        std::thread::sleep(WINDOW);
        while batch.len() < BATCH
            && let Ok(command) = self.queue.try_recv()
        {
            batch.push(command);
        }
    }

    /// All commands ran in one transaction, which is on disk.
    fn commit(&mut self, batch: &mut [Command]) -> Result<(), Refused> {
        if let Some(why) = &self.refusing {
            return Err(Refused(why.clone()));
        }
        let outcome = self.transact(batch);
        outcome.map_err(|error| {
            if !self.connection.is_autocommit() {
                // What cannot be undone now is undone when the file is opened next.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            let why = error.to_string();
            tracing::error!(error = why, commands = batch.len(), "a commit failed");
            if is_fatal(&error) {
                self.refusing = Some(why.clone());
            }
            Refused(why)
        })
    }

    fn transact(&mut self, batch: &mut [Command]) -> rusqlite::Result<()> {
        self.flush_if(batch.iter().any(Command::is_durable))?;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let both_append =
            |one: &Command, next: &Command| matches!((one, next), (Command::Append(_), Command::Append(_)));
        for run in batch.chunk_by_mut(both_append) {
            match run {
                [Command::Change(change)] => change.run(&mut self.connection)?,
                appends => append_all(&self.connection, appends)?,
            }
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// From now on a commit waits for the disk if `flush` says so, and otherwise for the operating system only.
    ///
    /// What was committed without waiting is on the disk with the next commit that waits: the log is written in order.
    fn flush_if(&mut self, flush: bool) -> rusqlite::Result<()> {
        if self.flushes != flush {
            let level = if flush { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.flushes = flush;
        }
        Ok(())
    }

    /// Everyone who waits for a command of this batch knows; those that removed secrets last, after the wiping.
    fn answer(&mut self, batch: &mut Vec<Command>, committed: &Result<(), Refused>) {
        let committed = || match committed {
            Ok(()) => Ok(()),
            Err(refused) => Err(refused.to_port_error()),
        };
        let mut wiping = Vec::new();
        let mut closing = Vec::new();
        for command in batch.drain(..) {
            match command {
                Command::Append(append) => append.answer(committed()),
                Command::Change(change) if change.wipes() => wiping.push(change),
                Command::Change(change) => change.answer(committed()),
                Command::Rewind => self.rewind(),
                Command::Close(done) => closing.push(done),
            }
        }
        if !wiping.is_empty() {
            self.wiping = true;
            self.wipe();
            for change in wiping {
                change.answer(committed());
            }
        }
        if !closing.is_empty() {
            self.queue.close();
            for done in closing {
                let _ = done.send(self.truncate().map_err(unavailable));
            }
        }
    }

    /// The write-ahead log, in which old content outlives its removal, is empty; if a reader needs it, that comes later.
    fn wipe(&mut self) {
        let patient = self.connection.busy_timeout(WIPE_PATIENCE);
        let wiped = patient.and_then(|()| self.truncate());
        self.wiping = wiped.is_err();
        // A timeout that cannot be set back stays the shorter one, which costs a retry and no more.
        let _ = self.connection.busy_timeout(self.busy);
    }

    /// The end of the write-ahead log is moved too, so that the next commit starts it over.
    fn rewind(&self) {
        let Some(_turn) = self.checkpointer.turn_now() else {
            return;
        };
        if let Err(error) = self.checkpoint(CheckpointMode::PASSIVE) {
            tracing::warn!(%error, "the end of the write-ahead log could not be moved into the database");
        }
    }

    /// The write-ahead log is empty, and everything in it is in the database file.
    fn truncate(&self) -> rusqlite::Result<()> {
        let _turn = self.checkpointer.turn();
        self.checkpoint(CheckpointMode::TRUNCATE)
    }

    /// What can wait until everyone has been answered.
    fn tidy(&mut self) {
        while self.wiping && self.queue.is_empty() && !self.queue.is_closed() {
            self.wipe();
        }
        self.checkpointer.consider(self.pages.load(Ordering::Relaxed));
    }

    fn checkpoint(&self, mode: CheckpointMode) -> rusqlite::Result<()> {
        let (in_log, moved) = self.connection.wal_checkpoint_v2(None::<&str>, mode)?;
        if moved >= in_log {
            self.pages.store(0, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The appends among the commands are part of the transaction, or know why they are not.
fn append_all(connection: &Connection, commands: &mut [Command]) -> rusqlite::Result<()> {
    let mut insert = append::prepare(connection)?;
    for command in commands {
        if let Command::Append(append) = command
            && let Err(error) = append.run(connection, &mut insert)
        {
            if connection.is_autocommit() || is_fatal(&error) {
                return Err(error);
            }
            append.note(error);
        }
    }
    Ok(())
}

/// After such an error what the disk holds is not known, so nothing more may be promised.
fn is_fatal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// The fatal error behind an operation's, if there is one.
fn fatal_cause(error: &PortError) -> Option<rusqlite::Error> {
    let PortError::Unavailable(source) = error else {
        return None;
    };
    let cause = source.downcast_ref::<rusqlite::Error>()?;
    let code = cause.sqlite_error().filter(|_| is_fatal(cause))?;
    Some(rusqlite::Error::SqliteFailure(*code, Some(cause.to_string())))
}

/// Why a batch was not committed, for everyone in it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the database did not commit: {0}")]
struct Refused(String);

impl Refused {
    fn to_port_error(&self) -> PortError {
        PortError::Unavailable(Box::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use freehold_domain::ledger::Settlement;
    use freehold_testkit::conformance::sample::{Sample, credits};

    use super::super::open;
    use super::*;
    use crate::installation::Check;
    use crate::ledger::Reserve;
    use crate::record;

    fn desk(directory: &std::path::Path) -> Desk {
        let (path, options) = (directory.join("freehold.db"), SqliteOptions::default());
        let connection = open::writable(&path, true, &options).unwrap();
        let helper = open::helper(&path, &options).unwrap();
        let (commands, queue) = mpsc::channel(8);
        Desk {
            connection,
            queue,
            pages: Arc::new(AtomicI32::new(0)),
            checkpointer: Checkpointer::start(helper, commands.downgrade()).unwrap(),
            busy: options.busy,
            flushes: true,
            refusing: None,
            wiping: false,
        }
    }

    fn change(operation: impl Operation) -> Command {
        Command::Change(Box::new(Pending::new(operation, oneshot::channel().0)))
    }

    /// An append, and where its answer will be.
    fn append(sample: &Sample) -> (Command, oneshot::Receiver<Result<(), PortError>>) {
        let record = sample.record(sample.workspace("").id);
        let (done, answer) = oneshot::channel();
        let append = Append {
            detail: record::detail(&record).unwrap(),
            record,
            settlement: Settlement::None,
            failure: None,
            done,
        };
        (Command::Append(append), answer)
    }

    #[test]
    fn a_commit_waits_for_the_disk_if_anything_in_it_must_last() {
        let directory = tempfile::tempdir().unwrap();
        let mut desk = desk(directory.path());
        let sample = Sample::new();
        let hold = || {
            let reservation = sample.reservation(sample.workspace("").id, credits(0));
            let node = Arc::from("");
            change(Reserve { reservation, node })
        };
        let level = |desk: &Desk| -> i64 {
            let level = desk
                .connection
                .pragma_query_value(None, "synchronous", |row| row.get(0));
            level.unwrap()
        };
        desk.commit(&mut [hold(), hold()]).unwrap();
        assert_eq!(level(&desk), 1, "holds alone need not wait");
        desk.commit(&mut [hold(), append(&sample).0, hold()]).unwrap();
        assert_eq!(level(&desk), 2, "a record must be on the disk");
        desk.commit(&mut [hold()]).unwrap();
        desk.commit(&mut [change(Check)]).unwrap();
        assert_eq!(level(&desk), 2, "a check is for the disk");
    }

    #[test]
    fn after_the_disk_failed_nothing_more_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let mut desk = desk(directory.path());
        let sample = Sample::new();
        let move_probe = |desk: &Desk, change: &str| {
            let statements = format!(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET rootpage = rootpage {change} WHERE name = 'probe';
                 PRAGMA writable_schema = RESET;"
            );
            desk.connection.execute_batch(&statements).unwrap();
        };
        // Like a page that was lost: the schema names one that is not there.
        move_probe(&desk, "+ 90000");
        let (fine, answer) = append(&sample);
        let mut batch = vec![fine, change(Check)];
        let outcome = desk.commit(&mut batch);
        assert!(outcome.is_err(), "the check did not meet the fault");
        desk.answer(&mut batch, &outcome);
        assert!(matches!(
            answer.blocking_recv(),
            Ok(Err(PortError::Unavailable(_)))
        ));
        // Mending it does not bring trust back: what was lost with it is not known.
        move_probe(&desk, "- 90000");
        let (next, answer) = append(&sample);
        let mut batch = vec![next];
        let outcome = desk.commit(&mut batch);
        desk.answer(&mut batch, &outcome);
        assert!(matches!(
            answer.blocking_recv(),
            Ok(Err(PortError::Unavailable(_)))
        ));
        let written: i64 = desk
            .connection
            .query_row("SELECT COUNT(*) FROM usage_record", [], |row| row.get(0))
            .unwrap();
        assert_eq!(written, 0);
        desk.refusing = None;
        desk.commit(&mut [append(&sample).0]).unwrap();
    }
}
