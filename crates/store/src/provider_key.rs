//! Provider keys as rows, and what is done to them.

use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, ProviderKey, SealedSecret};
use freehold_domain::port::{Page, PageRequest, PortError};
use freehold_domain::provider::ProviderKind;
use freehold_domain::workspace::FallbackPolicy;

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value};
use crate::workspace::{bump_directory, page, page_values};

const WHAT: &str = "provider key";

/// The provider key that the row holds.
pub(crate) fn read(row: &dyn Row) -> Result<ProviderKey, PortError> {
    let mut columns = Columns::of(row, WHAT);
    Ok(ProviderKey {
        id: ProviderKeyId::from_uuid(columns.id()?),
        workspace: WorkspaceId::from_uuid(columns.id()?),
        provider: {
            let text = columns.text()?;
            let kind: Result<ProviderKind, _> = text.parse();
            kind.map_err(|why| columns.broken(why))?
        },
        name: columns.text()?.to_owned(),
        label: columns.optional_string()?,
        priority: columns.sized()?,
        is_active: columns.flag()?,
        base_url: columns.text()?.to_owned(),
        origin: columns.text()?.to_owned(),
        allowed_models: columns.json()?,
        limits: columns.json()?,
        fallback: columns.optional_word()?,
        fingerprint: columns.optional_string()?,
        sealed: columns
            .optional_bytes()?
            .map(|sealed| SealedSecret(sealed.to_vec())),
        record_version: columns.sized()?,
        health: KeyHealth {
            status: columns.word()?,
            status_reason: columns.optional_string()?,
            last_validated_at: columns.optional_moment()?,
            last_used_at: columns.optional_moment()?,
        },
        created_at: columns.moment()?,
        updated_at: columns.moment()?,
    })
}

fn sealed(key: &ProviderKey) -> Value<'_> {
    Value::optional_bytes(key.sealed.as_ref().map(|sealed| sealed.0.as_slice()))
}

/// See [`freehold_domain::port::Directory::create_provider_key`].
pub(crate) struct Create(pub(crate) ProviderKey);

impl Operation for Create {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let key = &self.0;
        let values = [
            Value::Id(key.id.as_uuid()),
            Value::Id(key.workspace.as_uuid()),
            Value::text(key.provider.as_str()),
            Value::text(&key.name),
            Value::optional_text(key.label.as_deref()),
            Value::Integer(key.priority.into()),
            Value::Flag(key.is_active),
            Value::text(&key.base_url),
            Value::text(&key.origin),
            Value::json(WHAT, &key.allowed_models)?,
            Value::json(WHAT, &key.limits)?,
            Value::optional_text(key.fallback.map(FallbackPolicy::as_str)),
            Value::optional_text(key.fingerprint.as_deref()),
            sealed(key),
            Value::count(key.record_version),
            Value::text(key.health.status.as_str()),
            Value::optional_text(key.health.status_reason.as_deref()),
            Value::optional_moment(key.health.last_validated_at),
            Value::optional_moment(key.health.last_used_at),
            Value::moment(key.created_at),
            Value::moment(key.updated_at),
        ];
        let inserted = session.execute(sql::PROVIDER_KEY_INSERT, &values).await;
        inserted.map_err(|failure| failure.about(WHAT, "workspace"))?;
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::provider_key`].
pub(crate) struct ById {
    pub(crate) workspace: WorkspaceId,
    pub(crate) id: ProviderKeyId,
}

impl Operation for ById {
    type Output = Option<ProviderKey>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Option<ProviderKey>, PortError> {
        let values = [Value::Id(self.workspace.as_uuid()), Value::Id(self.id.as_uuid())];
        session.query_one(sql::PROVIDER_KEY_BY_ID, &values, read).await
    }
}

/// See [`freehold_domain::port::Directory::provider_keys`].
pub(crate) struct List {
    pub(crate) workspace: WorkspaceId,
    pub(crate) request: PageRequest,
}

impl Operation for List {
    type Output = Page<ProviderKey>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Page<ProviderKey>, PortError> {
        let (limit, [before, count]) = page_values(self.request);
        let values = [Value::Id(self.workspace.as_uuid()), before, count];
        let items = session.query(sql::PROVIDER_KEY_PAGE, &values, read).await?;
        Ok(page(items, limit, |key| key.id.as_uuid()))
    }
}

/// See [`freehold_domain::port::Directory::update_provider_key`]. A replaced secret is wiped like a deleted one.
pub(crate) struct Update {
    pub(crate) key: ProviderKey,
    pub(crate) from_version: u64,
}

impl Operation for Update {
    type Output = ();
    const WIPES: bool = true;

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let key = &self.key;
        let values = [
            Value::text(&key.name),
            Value::optional_text(key.label.as_deref()),
            Value::Integer(key.priority.into()),
            Value::Flag(key.is_active),
            Value::text(&key.base_url),
            Value::text(&key.origin),
            Value::json(WHAT, &key.allowed_models)?,
            Value::json(WHAT, &key.limits)?,
            Value::optional_text(key.fallback.map(FallbackPolicy::as_str)),
            Value::optional_text(key.fingerprint.as_deref()),
            sealed(key),
            Value::count(key.record_version),
            Value::text(key.health.status.as_str()),
            Value::optional_text(key.health.status_reason.as_deref()),
            Value::optional_moment(key.health.last_validated_at),
            Value::optional_moment(key.health.last_used_at),
            Value::moment(key.updated_at),
            Value::Id(key.workspace.as_uuid()),
            Value::Id(key.id.as_uuid()),
            Value::count(self.from_version),
        ];
        if session.execute(sql::PROVIDER_KEY_UPDATE, &values).await? == 0 {
            let (workspace, id) = (key.workspace, key.id);
            let present = ById { workspace, id }.run(session).await?;
            return Err(match present {
                Some(_) => PortError::Conflict(WHAT),
                None => PortError::Missing(WHAT),
            });
        }
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::delete_provider_key`].
pub(crate) struct Delete {
    pub(crate) workspace: WorkspaceId,
    pub(crate) id: ProviderKeyId,
}

impl Operation for Delete {
    type Output = bool;
    const WIPES: bool = true;

    async fn run<S: Session>(&self, session: &mut S) -> Result<bool, PortError> {
        let values = [Value::Id(self.workspace.as_uuid()), Value::Id(self.id.as_uuid())];
        let deleted = session.execute(sql::PROVIDER_KEY_DELETE, &values).await? > 0;
        if deleted {
            bump_directory(session).await?;
        }
        Ok(deleted)
    }
}

/// See [`freehold_domain::port::Directory::note_health`]. The notes come in the order of their keys, so that two nodes
/// that note the same keys at once wait for each other instead of blocking each other.
pub(crate) struct NoteHealth(pub(crate) Vec<(ProviderKeyId, u64, KeyHealth)>);

impl Operation for NoteHealth {
    type Output = ();
    // The next request shows it anew.
    const DURABLE: bool = false;

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        for (id, record_version, health) in &self.0 {
            let values = [
                Value::text(health.status.as_str()),
                Value::optional_text(health.status_reason.as_deref()),
                Value::optional_moment(health.last_validated_at),
                Value::optional_moment(health.last_used_at),
                Value::Id(id.as_uuid()),
                Value::count(*record_version),
            ];
            session.execute(sql::PROVIDER_KEY_NOTE_HEALTH, &values).await?;
        }
        Ok(())
    }
}
