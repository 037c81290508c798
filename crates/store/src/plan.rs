//! Plans as rows, and what is done to them.

use freehold_domain::plan::Plan;
use freehold_domain::port::PortError;

use crate::engine::{Operation, Session};
use crate::sql::common as sql;
use crate::value::{Columns, Row, Value};
use crate::workspace::bump_directory;

const WHAT: &str = "plan";

/// The plan that the row holds.
pub(crate) fn read(row: &dyn Row) -> Result<Plan, PortError> {
    Columns::of(row, WHAT).json()
}

/// See [`freehold_domain::port::Directory::put_plan`].
pub(crate) struct Put(pub(crate) Plan);

impl Operation for Put {
    type Output = ();

    async fn run<S: Session>(&self, session: &mut S) -> Result<(), PortError> {
        let values = [Value::text(&self.0.name), Value::json(WHAT, &self.0)?];
        session.execute(sql::PLAN_PUT, &values).await?;
        bump_directory(session).await
    }
}

/// See [`freehold_domain::port::Directory::delete_plan`].
pub(crate) struct Delete(pub(crate) String);

impl Operation for Delete {
    type Output = bool;

    async fn run<S: Session>(&self, session: &mut S) -> Result<bool, PortError> {
        let deleted = session.execute(sql::PLAN_DELETE, &[Value::text(&self.0)]).await? > 0;
        if deleted {
            bump_directory(session).await?;
        }
        Ok(deleted)
    }
}

/// See [`freehold_domain::port::Directory::plans`].
pub(crate) struct List;

impl Operation for List {
    type Output = Vec<Plan>;

    async fn run<S: Session>(&self, session: &mut S) -> Result<Vec<Plan>, PortError> {
        session.query(sql::PLAN_ALL, &[], read).await
    }
}
