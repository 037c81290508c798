//! Virtual keys as rows, and what is done to them.

use freehold_domain::id::{VirtualKeyId, WorkspaceId};
use freehold_domain::key::VirtualKey;
use freehold_domain::port::{Page, PageRequest, PortError};

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value};
use crate::workspace::{bump_directory, page, page_values};

const WHAT: &str = "virtual key";

/// The virtual key that the row holds.
pub(crate) fn read(row: &dyn Row) -> Result<VirtualKey, PortError> {
    let mut columns = Columns::of(row, WHAT);
    Ok(VirtualKey {
        id: VirtualKeyId::from_uuid(columns.id()?),
        workspace: WorkspaceId::from_uuid(columns.id()?),
        label: columns.text()?.to_owned(),
        public_id: columns.text()?.to_owned(),
        hash: columns.hash()?,
        scopes: columns.json()?,
        allowed_models: columns.json()?,
        limits: columns.json()?,
        expires_at: columns.optional_moment()?,
        created_at: columns.moment()?,
    })
}

/// See [`freehold_domain::port::Directory::create_virtual_key`].
pub(crate) struct Create(pub(crate) VirtualKey);

impl Operation for Create {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let key = &self.0;
        let values = [
            Value::Id(key.id.as_uuid()),
            Value::Id(key.workspace.as_uuid()),
            Value::text(&key.label),
            Value::text(&key.public_id),
            Value::Bytes(&key.hash),
            Value::json(WHAT, &key.scopes)?,
            Value::json(WHAT, &key.allowed_models)?,
            Value::json(WHAT, &key.limits)?,
            Value::optional_moment(key.expires_at),
            Value::moment(key.created_at),
        ];
        let inserted = session.execute(sql::VIRTUAL_KEY_INSERT, &values).await;
        inserted.map_err(|failure| failure.about(WHAT, "workspace"))?;
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::virtual_keys`].
pub(crate) struct List {
    pub(crate) workspace: WorkspaceId,
    pub(crate) request: PageRequest,
}

impl Operation for List {
    type Output = Page<VirtualKey>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Page<VirtualKey>, PortError> {
        let (limit, [before, count]) = page_values(self.request);
        let values = [Value::Id(self.workspace.as_uuid()), before, count];
        let items = session.query(sql::VIRTUAL_KEY_PAGE, &values, read).await?;
        Ok(page(items, limit, |key| key.id.as_uuid()))
    }
}

/// See [`freehold_domain::port::Directory::delete_virtual_key`].
pub(crate) struct Delete {
    pub(crate) workspace: WorkspaceId,
    pub(crate) id: VirtualKeyId,
}

impl Operation for Delete {
    type Output = bool;

    async fn run<S: Session>(&self, session: &mut S) -> Result<bool, PortError> {
        let values = [Value::Id(self.workspace.as_uuid()), Value::Id(self.id.as_uuid())];
        let deleted = session.execute(sql::VIRTUAL_KEY_DELETE, &values).await? > 0;
        if deleted {
            bump_directory(session).await?;
        }
        Ok(deleted)
    }
}
