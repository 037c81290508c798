//! The installation's identity as a row, and the proof that writing works.

use freehold_domain::id::InstallationId;
use freehold_domain::port::{Installation, PortError};

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value, corrupt};

const WHAT: &str = "installation";

fn read(row: &dyn Row) -> Result<Installation, PortError> {
    let mut columns = Columns::of(row, WHAT);
    Ok(Installation {
        id: InstallationId::from_uuid(columns.id()?),
        root_generation: columns.sized()?,
        root_check: columns.hash()?,
        operator_token_hash: columns
            .optional_bytes()?
            .map(<[u8; 32]>::try_from)
            .transpose()
            .map_err(|why| columns.broken(why))?,
        created_at: columns.moment()?,
    })
}

/// See [`freehold_domain::port::InstallationStore::installation`].
pub(crate) struct Current;

impl Operation for Current {
    type Output = Option<Installation>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Option<Installation>, PortError> {
        session.query_one(sql::INSTALLATION_SELECT, &[], read).await
    }
}

/// See [`freehold_domain::port::InstallationStore::initialise`].
pub(crate) struct Initialise(pub(crate) Installation);

impl Operation for Initialise {
    type Output = Installation;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Installation, PortError> {
        let installation = &self.0;
        let values = [
            Value::Id(installation.id.as_uuid()),
            Value::Integer(installation.root_generation.into()),
            Value::Bytes(&installation.root_check),
            Value::optional_bytes(
                installation
                    .operator_token_hash
                    .as_ref()
                    .map(<[u8; 32]>::as_slice),
            ),
            Value::moment(installation.created_at),
        ];
        session.execute(sql::INSTALLATION_INSERT, &values).await?;
        let current = Current.run(session).await?;
        current.ok_or_else(|| corrupt(WHAT, "it was stored and is not there"))
    }
}

/// See [`freehold_domain::port::InstallationStore::update_installation`].
pub(crate) struct Update(pub(crate) Installation);

impl Operation for Update {
    type Output = ();
    const WIPES: bool = true;

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let installation = &self.0;
        let values = [
            Value::Integer(installation.root_generation.into()),
            Value::Bytes(&installation.root_check),
            Value::optional_bytes(
                installation
                    .operator_token_hash
                    .as_ref()
                    .map(<[u8; 32]>::as_slice),
            ),
        ];
        match session.execute(sql::INSTALLATION_UPDATE, &values).await? {
            0 => Err(PortError::Missing(WHAT)),
            _ => Ok(()),
        }
    }
}

/// See [`freehold_domain::port::InstallationStore::check`].
pub(crate) struct Check;

impl Operation for Check {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        session.execute(sql::PROBE_WRITE, &[]).await?;
        Ok(())
    }
}
