-- The first schema. Moments are microseconds since 1970 UTC, money is nanodollars, credits are millionths of a credit,
-- ids are the sixteen bytes of a UUID v7. Columns and order are those of the PostgreSQL migration of the same number.

CREATE TABLE installation (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    id BLOB NOT NULL CHECK (length(id) = 16),
    root_generation INTEGER NOT NULL,
    root_check BLOB NOT NULL,
    operator_token_hash BLOB,
    created_at INTEGER NOT NULL
) STRICT;

-- Written to find out whether writing works.
CREATE TABLE probe (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    writes INTEGER NOT NULL
) STRICT;
INSERT INTO probe (only_row, writes) VALUES (1, 0);

CREATE TABLE directory (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO directory (only_row, version) VALUES (1, 0);

CREATE TABLE workspace (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL,
    fallback TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The platform's own workspace: no list shows it, its keys and data keys refer to it like any other's.
INSERT INTO workspace (id, name, plan, fallback, time_zone, created_at, updated_at)
VALUES (zeroblob(16), '', '', 'never', 'UTC', 0, 0);

CREATE TABLE data_key (
    workspace_id BLOB NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    root_generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (workspace_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE virtual_key (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    workspace_id BLOB NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    public_id TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL,
    scopes TEXT NOT NULL,
    allowed_models TEXT NOT NULL,
    limits TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX virtual_key_of_workspace ON virtual_key (workspace_id, id);

CREATE TABLE provider_key (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    workspace_id BLOB NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT,
    priority INTEGER NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    base_url TEXT NOT NULL,
    origin TEXT NOT NULL,
    allowed_models TEXT NOT NULL,
    limits TEXT NOT NULL,
    fallback TEXT,
    fingerprint TEXT,
    sealed BLOB,
    record_version INTEGER NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    last_validated_at INTEGER,
    last_used_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_key_of_workspace ON provider_key (workspace_id, id);

CREATE TABLE plan (
    name TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Clustered by workspace and birth, so that the newest records of a workspace lie side by side. What is filtered or
-- summed has a column; the rest is JSON.
CREATE TABLE usage_record (
    workspace_id BLOB NOT NULL,
    request_id BLOB NOT NULL CHECK (length(request_id) = 16),
    created_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    virtual_key_id BLOB NOT NULL,
    surface TEXT NOT NULL,
    stream INTEGER NOT NULL CHECK (stream IN (0, 1)),
    provider TEXT,
    provider_key_id BLOB,
    model_requested TEXT NOT NULL,
    model_used TEXT,
    cost_attribution TEXT,
    usage_source TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cache_write_long_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    audio_input_tokens INTEGER NOT NULL,
    audio_output_tokens INTEGER NOT NULL,
    cost_nanodollars INTEGER,
    credits_charged INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    first_byte_ms INTEGER,
    overhead_us INTEGER NOT NULL,
    finish_reason TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (workspace_id, request_id)
) STRICT, WITHOUT ROWID;

-- Accounts, reservations and entries outlive their workspace: books stay.
CREATE TABLE account (
    workspace_id BLOB NOT NULL PRIMARY KEY,
    granted INTEGER NOT NULL,
    posted INTEGER NOT NULL CHECK (posted >= 0),
    held INTEGER NOT NULL CHECK (held >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE reservation (
    request_id BLOB NOT NULL PRIMARY KEY CHECK (length(request_id) = 16),
    workspace_id BLOB NOT NULL,
    credits INTEGER NOT NULL CHECK (credits >= 0),
    node TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'settled', 'voided', 'expired')),
    reserved_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reservation_pending ON reservation (expires_at) WHERE state = 'pending';

-- Never changed once written. A charge has the id of its request.
CREATE TABLE credit_entry (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'charge')),
    credits INTEGER NOT NULL,
    reason TEXT,
    idempotency_key TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, idempotency_key)
) STRICT, WITHOUT ROWID;
