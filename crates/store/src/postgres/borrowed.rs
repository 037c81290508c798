//! A connection on loan from the pool.

use deadpool_postgres::{Object, Pool};
use freehold_domain::port::PortError;

use super::session::unavailable;

/// A connection that goes back to the pool only when its work came to an end.
///
/// Where the work is cut off, because time ran out or its caller left, the server may still be busy with it. The next one
/// to borrow the connection would wait for that, so it is closed instead.
pub(super) struct Borrowed(Option<Object>);

impl Borrowed {
    /// A connection of the pool.
    pub(super) async fn from(pool: &Pool) -> Result<Self, PortError> {
        let connection = pool.get().await.map_err(unavailable)?;
        Ok(Self(Some(connection)))
    }

    /// The connection, which is there until it is given back.
    pub(super) fn connection(&mut self) -> Result<&mut Object, PortError> {
        let connection = self.0.as_mut();
        connection.ok_or_else(|| PortError::Unavailable("the connection was given back".into()))
    }

    /// The connection is for others to use.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
