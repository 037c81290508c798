//! The directory as a whole: its version, and everything in it at one moment.

use freehold_domain::id::WorkspaceId;
use freehold_domain::port::{DirectoryState, PortError};

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value, corrupt};
use crate::{data_key, plan, provider_key, virtual_key, workspace};

fn read_version(row: &dyn Row) -> Result<u64, PortError> {
    Columns::of(row, "directory").sized()
}

/// See [`freehold_domain::port::Directory::directory_version`].
pub(crate) struct Version;

impl Operation for Version {
    type Output = u64;

    async fn run<S: Session>(&self, session: &mut S) -> Result<u64, PortError> {
        let version = session
            .query_one(sql::DIRECTORY_VERSION, &[], read_version)
            .await?;
        version.ok_or_else(|| corrupt("directory", "it has no version"))
    }
}

/// See [`freehold_domain::port::Directory::load_directory`].
pub(crate) struct Load;

impl Operation for Load {
    type Output = DirectoryState;
    const SNAPSHOT: bool = true;

    async fn run<S: Session>(&self, session: &mut S) -> Result<DirectoryState, PortError> {
        let platform = [Value::Id(WorkspaceId::PLATFORM.as_uuid())];
        Ok(DirectoryState {
            version: Version.run(session).await?,
            workspaces: session
                .query(sql::WORKSPACE_ALL, &platform, workspace::read)
                .await?,
            virtual_keys: session
                .query(sql::VIRTUAL_KEY_ALL, &[], virtual_key::read)
                .await?,
            provider_keys: session
                .query(sql::PROVIDER_KEY_ALL, &[], provider_key::read)
                .await?,
            data_keys: session.query(sql::DATA_KEY_ALL, &[], data_key::read).await?,
            plans: session.query(sql::PLAN_ALL, &[], plan::read).await?,
        })
    }
}
