//! Workspaces as rows, and what is done to them.

use freehold_domain::id::WorkspaceId;
use freehold_domain::port::{DataKey, Page, PageRequest, PortError};
use freehold_domain::workspace::Workspace;
use uuid::Uuid;

use crate::data_key;
use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value};

const WHAT: &str = "workspace";

/// The workspace that the row holds.
pub(crate) fn read(row: &dyn Row) -> Result<Workspace, PortError> {
    let mut columns = Columns::of(row, WHAT);
    Ok(Workspace {
        id: WorkspaceId::from_uuid(columns.id()?),
        name: columns.text()?.to_owned(),
        plan: columns.text()?.to_owned(),
        fallback: columns.word()?,
        time_zone: columns.text()?.to_owned(),
        created_at: columns.moment()?,
        updated_at: columns.moment()?,
    })
}

/// The directory's version has grown by one. Comes last in an operation, so that nodes wait for each other briefly.
pub(crate) async fn bump_directory<S: Session>(session: &mut S) -> Result<(), PortError> {
    session.execute(sql::DIRECTORY_BUMP, &[]).await?;
    Ok(())
}

/// Cuts what was read with a limit of one more than wanted into a page.
pub(crate) fn page<T>(mut items: Vec<T>, limit: u16, id: impl Fn(&T) -> Uuid) -> Page<T> {
    let limit = usize::from(limit);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(id);
    Page { items, next }
}

/// The two values that a page is read with: only below this id, and one more than is wanted.
pub(crate) fn page_values<'v>(request: PageRequest) -> (u16, [Value<'v>; 2]) {
    let limit = request.limit.clamp(1, 200);
    let before = request.before.unwrap_or(Uuid::max());
    (limit, [Value::Id(before), Value::Integer(i64::from(limit) + 1)])
}

/// See [`freehold_domain::port::Directory::create_workspace`].
pub(crate) struct Create {
    pub(crate) workspace: Workspace,
    pub(crate) data_key: DataKey,
}

impl Operation for Create {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let workspace = &self.workspace;
        let values = [
            Value::Id(workspace.id.as_uuid()),
            Value::text(&workspace.name),
            Value::text(&workspace.plan),
            Value::text(workspace.fallback.as_str()),
            Value::text(&workspace.time_zone),
            Value::moment(workspace.created_at),
            Value::moment(workspace.updated_at),
        ];
        let inserted = session.execute(sql::WORKSPACE_INSERT, &values).await;
        inserted.map_err(|failure| failure.about(WHAT, WHAT))?;
        data_key::insert(session, &self.data_key).await?;
        session
            .execute(sql::ACCOUNT_OPEN, &[Value::Id(workspace.id.as_uuid())])
            .await?;
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::workspace`].
pub(crate) struct ById(pub(crate) WorkspaceId);

impl Operation for ById {
    type Output = Option<Workspace>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Option<Workspace>, PortError> {
        if self.0 == WorkspaceId::PLATFORM {
            return Ok(None);
        }
        session
            .query_one(sql::WORKSPACE_BY_ID, &[Value::Id(self.0.as_uuid())], read)
            .await
    }
}

/// See [`freehold_domain::port::Directory::workspaces`].
pub(crate) struct List(pub(crate) PageRequest);

impl Operation for List {
    type Output = Page<Workspace>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Page<Workspace>, PortError> {
        let (limit, [before, count]) = page_values(self.0);
        let values = [before, Value::Id(WorkspaceId::PLATFORM.as_uuid()), count];
        let items = session.query(sql::WORKSPACE_PAGE, &values, read).await?;
        Ok(page(items, limit, |workspace| workspace.id.as_uuid()))
    }
}

/// See [`freehold_domain::port::Directory::update_workspace`].
pub(crate) struct Update(pub(crate) Workspace);

impl Operation for Update {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let workspace = &self.0;
        if workspace.id == WorkspaceId::PLATFORM {
            return Err(PortError::Missing(WHAT));
        }
        let values = [
            Value::text(&workspace.name),
            Value::text(&workspace.plan),
            Value::text(workspace.fallback.as_str()),
            Value::text(&workspace.time_zone),
            Value::moment(workspace.updated_at),
            Value::Id(workspace.id.as_uuid()),
        ];
        let changed = session.execute(sql::WORKSPACE_UPDATE, &values).await;
        if changed.map_err(|failure| failure.about(WHAT, WHAT))? == 0 {
            return Err(PortError::Missing(WHAT));
        }
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::delete_workspace`]. Its keys go with it, by the schema's cascade.
pub(crate) struct Delete(pub(crate) WorkspaceId);

impl Operation for Delete {
    type Output = bool;
    const WIPES: bool = true;

    async fn run<S: Session>(&self, session: &mut S) -> Result<bool, PortError> {
        if self.0 == WorkspaceId::PLATFORM {
            return Ok(false);
        }
        let values = [Value::Id(self.0.as_uuid())];
        let deleted = session.execute(sql::WORKSPACE_DELETE, &values).await? > 0;
        if deleted {
            bump_directory(session).await?;
        }
        Ok(deleted)
    }
}
