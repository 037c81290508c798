//! The months into which usage records are split: which month an id belongs to, and its part of the table.

use std::collections::BTreeSet;

use deadpool_postgres::Client;
use freehold_domain::id::RequestId;
use freehold_domain::time::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// Arbitrary, but the same on every node: only one makes parts of the table at a time.
const LOCK: i64 = 0x6672_6565_686f_6c01;

/// A calendar month of UTC, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(Date);

impl Month {
    /// The month in which the id was made; nothing for one that tells no time, or none that this software can see.
    pub(super) fn of(id: RequestId) -> Option<Self> {
        let uuid = id.as_uuid();
        let millis = uuid.as_u128() >> 80;
        let moment = Timestamp::from_micros(i64::try_from(millis).ok()?.checked_mul(1_000)?);
        let day = moment.to_jiff().to_zoned(TimeZone::UTC).date();
        let sane = uuid.get_version_num() == 7 && (2020..2200).contains(&day.year());
        sane.then(|| Self(day.first_of_month()))
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1.month()))
    }

    fn table(self) -> String {
        format!("usage_record_{:04}_{:02}", self.0.year(), self.0.month())
    }

    /// The smallest id that can be made in this month.
    fn first_id(self) -> Uuid {
        let start = self.0.to_zoned(TimeZone::UTC);
        let millis = start.map_or(0, |start| start.timestamp().as_millisecond());
        Uuid::from_u128(u128::from(millis.unsigned_abs()) << 80)
    }

    fn statement(self) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} PARTITION OF usage_record FOR VALUES FROM ('{}') TO ('{}')",
            self.table(),
            self.first_id(),
            self.next().first_id(),
        )
    }
}

/// The months whose part of the table is known to be there.
#[derive(Debug, Default)]
pub(super) struct Months(BTreeSet<Month>);

impl Months {
    /// Every month that one of the ids was made in has its part of the table.
    ///
    /// A part that cannot be made costs nothing but order: its records go to the part for everything else.
    pub(super) async fn make(
        &mut self,
        client: &mut Client,
        ids: impl Iterator<Item = RequestId>,
    ) -> Result<(), tokio_postgres::Error> {
        let wanted: BTreeSet<Month> = ids.filter_map(Month::of).collect();
        for month in wanted {
            if self.0.contains(&month) {
                continue;
            }
            if let Err(error) = make(client, month).await {
                if error.code().is_none() {
                    return Err(error);
                }
                tracing::warn!(table = month.table(), %error, "a month's part of the usage records could not be made");
            }
            self.0.insert(month);
        }
        Ok(())
    }
}

async fn make(client: &mut Client, month: Month) -> Result<(), tokio_postgres::Error> {
    let found = client
        .query_one("SELECT TO_REGCLASS($1) IS NOT NULL", &[&month.table()])
        .await?;
    if found.try_get(0)? {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction
        .execute("SELECT PG_ADVISORY_XACT_LOCK($1)", &[&LOCK])
        .await?;
    transaction.batch_execute(&month.statement()).await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use freehold_domain::id::uuid_v7;

    use super::*;

    fn at(text: &str) -> RequestId {
        let moment = Timestamp::parse(text).unwrap();
        RequestId::from_uuid(uuid_v7(moment, [0; 10]))
    }

    #[test]
    fn an_id_belongs_to_the_month_it_was_made_in() {
        let december = Month::of(at("2026-12-31T23:59:59.999Z")).unwrap();
        let january = Month::of(at("2027-01-01T00:00:00Z")).unwrap();
        assert_eq!(december.table(), "usage_record_2026_12");
        assert_eq!(december.next(), january);
        assert!(at("2026-12-01T00:00:00Z").as_uuid() >= december.first_id());
        assert!(at("2026-12-31T23:59:59.999Z").as_uuid() < january.first_id());
        assert!(at("2027-01-01T00:00:00Z").as_uuid() >= january.first_id());
    }

    #[test]
    fn an_id_that_tells_no_sane_time_belongs_to_no_month() {
        for odd in [
            Uuid::nil(),
            Uuid::max(),
            Uuid::from_u128(7 << 76),
            at("2199-12-31T00:00:00Z").as_uuid(),
        ] {
            let month = Month::of(RequestId::from_uuid(odd));
            assert_eq!(
                month.is_some(),
                odd.get_version_num() == 7 && odd.as_u128() >> 80 > 0
            );
        }
    }
}
