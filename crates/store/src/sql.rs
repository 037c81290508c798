//! The registry of statements: each lies in its own file and is prepared on its engines by a test.

/// Declares one constant for each named file of a folder, and lists them all for the test that prepares them.
macro_rules! statements {
    ($folder:literal: $($constant:ident = $file:literal,)*) => {
        $(pub(crate) const $constant: &str = include_str!(concat!("../sql/", $folder, "/", $file, ".sql"));)*

        /// Every statement of this folder: the name of its file, and its text.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($file, $constant)),*];
    };
}

/// Statements that both engines take as they are.
pub(crate) mod common {
    statements! { "common":
        ACCOUNT_BALANCE = "account_balance",
        ACCOUNT_GRANT = "account_grant",
        ACCOUNT_HOLD = "account_hold",
        ACCOUNT_OPEN = "account_open",
        ACCOUNT_RELEASE = "account_release",
        CREDIT_ENTRY_BY_KEY = "credit_entry_by_key",
        CREDIT_ENTRY_GRANT = "credit_entry_grant",
        DATA_KEY_ALL = "data_key_all",
        DATA_KEY_INSERT = "data_key_insert",
        DATA_KEY_REWRAP = "data_key_rewrap",
        DIRECTORY_BUMP = "directory_bump",
        DIRECTORY_VERSION = "directory_version",
        INSTALLATION_INSERT = "installation_insert",
        INSTALLATION_SELECT = "installation_select",
        INSTALLATION_UPDATE = "installation_update",
        PLAN_ALL = "plan_all",
        PLAN_DELETE = "plan_delete",
        PLAN_PUT = "plan_put",
        PROBE_WRITE = "probe_write",
        PROVIDER_KEY_ALL = "provider_key_all",
        PROVIDER_KEY_BY_ID = "provider_key_by_id",
        PROVIDER_KEY_DELETE = "provider_key_delete",
        PROVIDER_KEY_INSERT = "provider_key_insert",
        PROVIDER_KEY_NOTE_HEALTH = "provider_key_note_health",
        PROVIDER_KEY_PAGE = "provider_key_page",
        PROVIDER_KEY_UPDATE = "provider_key_update",
        RESERVATION_BY_ID = "reservation_by_id",
        RESERVATION_INSERT = "reservation_insert",
        USAGE_RECORD_BY_ID = "usage_record_by_id",
        USAGE_RECORD_PAGE = "usage_record_page",
        VIRTUAL_KEY_ALL = "virtual_key_all",
        VIRTUAL_KEY_DELETE = "virtual_key_delete",
        VIRTUAL_KEY_INSERT = "virtual_key_insert",
        VIRTUAL_KEY_PAGE = "virtual_key_page",
        WORKSPACE_ALL = "workspace_all",
        WORKSPACE_BY_ID = "workspace_by_id",
        WORKSPACE_DELETE = "workspace_delete",
        WORKSPACE_INSERT = "workspace_insert",
        WORKSPACE_PAGE = "workspace_page",
        WORKSPACE_UPDATE = "workspace_update",
    }
}

/// Statements for SQLite, which has one writer and so may take several steps where PostgreSQL must take one.
pub(crate) mod sqlite {
    statements! { "sqlite":
        ACCOUNT_CHARGE = "account_charge",
        CREDIT_ENTRY_CHARGE = "credit_entry_charge",
        RESERVATION_END = "reservation_end",
        RESERVATION_EXPIRE = "reservation_expire",
        RESERVATION_EXPIRE_RELEASE = "reservation_expire_release",
        RESERVATION_VOID = "reservation_void",
        RESERVATION_VOID_RELEASE = "reservation_void_release",
        USAGE_RECORD_INSERT = "usage_record_insert",
    }
}

/// Statements for PostgreSQL, where several nodes write at once and each step is one statement.
pub(crate) mod postgres {
    statements! { "postgres":
        RESERVATION_EXPIRE = "reservation_expire",
        RESERVATION_VOID = "reservation_void",
        RESERVE = "reserve",
        SETTLE = "settle",
        USAGE_RECORD_INSERT = "usage_record_insert",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use freehold_testkit::postgres::Postgres;
    use tokio_postgres::NoTls;

    use super::{common, postgres, sqlite};
    use crate::migration;

    /// The numbers of the parameters in the order in which they first appear.
    fn parameters(text: &str) -> Vec<usize> {
        let mut numbers = Vec::new();
        for piece in text.split('$').skip(1) {
            let digits = piece.chars().take_while(char::is_ascii_digit);
            let number = digits.collect::<String>().parse().unwrap();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        numbers
    }

    /// SQLite counts parameters by first appearance, PostgreSQL by their numbers: the two must agree.
    #[test]
    fn parameters_appear_in_the_order_of_their_numbers() {
        for (name, text) in common::ALL.iter().chain(sqlite::ALL) {
            let found = parameters(text);
            let expected: Vec<usize> = (1..=found.len()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn every_file_of_statements_is_registered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
        for (engine, registered) in [
            ("common", common::ALL),
            ("sqlite", sqlite::ALL),
            ("postgres", postgres::ALL),
        ] {
            let files: BTreeSet<String> = std::fs::read_dir(folder.join(engine))
                .unwrap()
                .map(|entry| {
                    entry
                        .unwrap()
                        .path()
                        .file_stem()
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned()
                })
                .collect();
            let names: BTreeSet<String> = registered.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(files, names, "{engine}");
        }
    }

    #[tokio::test]
    async fn every_statement_is_understood_by_its_engines() {
        let file = rusqlite::Connection::open_in_memory().unwrap();
        let url = Postgres::shared().database();
        let (server, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        for step in migration::ALL {
            file.execute_batch(step.sqlite).unwrap();
            server.batch_execute(step.postgres).await.unwrap();
        }
        for (name, text) in sqlite::ALL {
            let statement = file.prepare(text).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(statement.parameter_count(), parameters(text).len(), "{name}");
        }
        for (name, text) in postgres::ALL {
            let prepared = server.prepare(text).await;
            let statement = prepared.unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert_eq!(statement.params().len(), parameters(text).len(), "{name}");
        }
        for (name, text) in common::ALL {
            let here = file.prepare(text).unwrap_or_else(|why| panic!("{name}: {why}"));
            let prepared = server.prepare(text).await;
            let there = prepared.unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert_eq!(here.parameter_count(), parameters(text).len(), "{name}");
            assert_eq!(there.params().len(), parameters(text).len(), "{name}");
            let columns: Vec<&str> = there.columns().iter().map(|column| column.name()).collect();
            assert!(here.column_names().eq(columns), "{name}");
        }
    }

    /// Every column as table, place, name, kind and whether it may be empty; kinds by the names they have in SQLite.
    #[tokio::test]
    async fn both_schemas_have_the_same_tables_and_columns() {
        let file = rusqlite::Connection::open_in_memory().unwrap();
        let url = Postgres::shared().database();
        let (server, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        for step in migration::ALL {
            file.execute_batch(step.sqlite).unwrap();
            server.batch_execute(step.postgres).await.unwrap();
        }
        let here: BTreeSet<(String, i64, String, String, bool)> = file
            .prepare(
                "SELECT tables.name, columns.cid + 1, columns.name, columns.type, columns.\"notnull\"
                 FROM pragma_table_list AS tables JOIN pragma_table_info(tables.name) AS columns
                 WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite_%'",
            )
            .unwrap()
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let rows = server
            .query(
                "SELECT table_name::text, ordinal_position::bigint, column_name::text,
                     CASE data_type WHEN 'uuid' THEN 'BLOB' WHEN 'bytea' THEN 'BLOB' WHEN 'boolean' THEN 'INTEGER'
                         WHEN 'bigint' THEN 'INTEGER' WHEN 'text' THEN 'TEXT' ELSE data_type END,
                     is_nullable = 'NO'
                 FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name NOT LIKE 'usage\\_record\\_%'",
                &[],
            )
            .await
            .unwrap();
        let there: BTreeSet<_> = rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
            .collect();
        assert!(here.len() > 80, "only {} columns were found", here.len());
        assert_eq!(here, there);
    }
}
