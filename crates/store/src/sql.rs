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
