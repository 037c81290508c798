//! Data keys as rows, and what is done to them.

use freehold_domain::id::WorkspaceId;
use freehold_domain::key::SealedSecret;
use freehold_domain::port::{DataKey, PortError};

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value};
use crate::workspace::bump_directory;

const WHAT: &str = "data key";

/// The data key that the row holds.
pub(crate) fn read(row: &dyn Row) -> Result<DataKey, PortError> {
    let mut columns = Columns::of(row, WHAT);
    Ok(DataKey {
        workspace: WorkspaceId::from_uuid(columns.id()?),
        version: columns.sized()?,
        root_generation: columns.sized()?,
        wrapped: SealedSecret(columns.bytes()?.to_vec()),
    })
}

/// The data key is in the table.
pub(crate) async fn insert<S: Session>(session: &mut S, data_key: &DataKey) -> Result<(), PortError> {
    let values = [
        Value::Id(data_key.workspace.as_uuid()),
        Value::Integer(data_key.version.into()),
        Value::Integer(data_key.root_generation.into()),
        Value::Bytes(&data_key.wrapped.0),
    ];
    let inserted = session.execute(sql::DATA_KEY_INSERT, &values).await;
    inserted.map_err(|failure| failure.about(WHAT, "workspace"))?;
    Ok(())
}

/// See [`freehold_domain::port::Directory::add_data_key`].
pub(crate) struct Add(pub(crate) DataKey);

impl Operation for Add {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        insert(session, &self.0).await?;
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::rewrap_data_key`].
pub(crate) struct Rewrap {
    pub(crate) data_key: DataKey,
    pub(crate) from_generation: u32,
}

impl Operation for Rewrap {
    type Output = bool;
    const WIPES: bool = true;

    async fn run<S: Session>(&self, session: &mut S) -> Result<bool, PortError> {
        let values = [
            Value::Integer(self.data_key.root_generation.into()),
            Value::Bytes(&self.data_key.wrapped.0),
            Value::Id(self.data_key.workspace.as_uuid()),
            Value::Integer(self.data_key.version.into()),
            Value::Integer(self.from_generation.into()),
        ];
        let rewrapped = session.execute(sql::DATA_KEY_REWRAP, &values).await? > 0;
        if rewrapped {
            bump_directory(session).await?;
        }
        Ok(rewrapped)
    }
}
