//! What the operations ask of an engine, so that each operation is written once and means the same on both.

use std::future::Future;

use freehold_domain::ledger::{Reservation, ReserveOutcome, Settlement};
use freehold_domain::port::PortError;
use freehold_domain::record::UsageRecord;
use freehold_domain::time::Timestamp;

use crate::value::{Row, Value};

/// Why a statement failed, as far as an operation may care.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A row of that key is there already.
    Taken,
    /// A row that it refers to is not there.
    Dangling,
    /// Anything else.
    Other(PortError),
}

impl Failure {
    /// The error for callers: `what` is the thing that was to be stored, `owner` the thing it refers to.
    pub(crate) fn about(self, what: &'static str, owner: &'static str) -> PortError {
        match self {
            Self::Taken => PortError::Conflict(what),
            Self::Dangling => PortError::Missing(owner),
            Self::Other(error) => error,
        }
    }
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        failure.about("what was to be stored", "what it refers to")
    }
}

/// A place to run statements, inside one transaction.
///
/// After an error the transaction is lost, so an operation ends with the first one.
pub(crate) trait Session: Send {
    /// The statement ran; answers how many rows it changed.
    fn execute(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// The statement ran; answers its rows, each as `read` understands it.
    fn query<T: Send + 'static>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&dyn Row) -> Result<T, PortError>,
    ) -> impl Future<Output = Result<Vec<T>, PortError>> + Send;

    /// As [`Session::query`], for statements that have one row or none.
    fn query_one<T: Send + 'static>(
        &mut self,
        statement: &'static str,
        values: &[Value<'_>],
        read: fn(&dyn Row) -> Result<T, PortError>,
    ) -> impl Future<Output = Result<Option<T>, PortError>> + Send {
        async move { Ok(self.query(statement, values, read).await?.pop()) }
    }
}

/// Something that is done in one transaction, whole or not at all.
///
/// An engine may run it again from the start if the first run was undone.
pub(crate) trait Operation: Send + Sync + 'static {
    /// What it answers.
    type Output: Send + 'static;

    /// Whether it reads more than one statement's worth and must see one moment.
    const SNAPSHOT: bool = false;

    /// Whether it removes secrets that must not stay in any file.
    const WIPES: bool = false;

    /// Whether it must outlive the machine and not only the process. What dies with the process anyway need not.
    const DURABLE: bool = true;

    /// It is done, as far as this transaction is concerned.
    fn run<S: Session>(
        &self,
        session: &mut S,
    ) -> impl Future<Output = Result<Self::Output, PortError>> + Send;
}

/// A database that runs operations.
pub(crate) trait Engine: Send + Sync + 'static {
    /// The operation is done and on disk, or nothing changed.
    fn change<O: Operation>(&self, operation: O)
    -> impl Future<Output = Result<O::Output, PortError>> + Send;

    /// The operation, which only reads, is done.
    fn look<O: Operation>(&self, operation: O) -> impl Future<Output = Result<O::Output, PortError>> + Send;

    /// See [`freehold_domain::port::Records::append`].
    fn append(
        &self,
        record: Box<UsageRecord>,
        settlement: Settlement,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// See [`freehold_domain::port::Ledger::reserve`].
    fn reserve(
        &self,
        reservation: Reservation,
    ) -> impl Future<Output = Result<ReserveOutcome, PortError>> + Send;

    /// See [`freehold_domain::port::Ledger::expire_reservations`].
    fn expire_reservations(&self, now: Timestamp) -> impl Future<Output = Result<u64, PortError>> + Send;
}
