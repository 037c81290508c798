-- The first schema. Moments are microseconds since 1970 UTC, money is nanodollars, credits are millionths of a credit,
-- ids are UUID v7. Columns and order are those of the SQLite migration of the same number.

CREATE TABLE installation (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    id UUID NOT NULL,
    root_generation BIGINT NOT NULL,
    root_check BYTEA NOT NULL,
    operator_token_hash BYTEA,
    created_at BIGINT NOT NULL
);

-- Written to find out whether writing works.
CREATE TABLE probe (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    writes BIGINT NOT NULL
);
INSERT INTO probe (only_row, writes) VALUES (1, 0);

CREATE TABLE directory (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    version BIGINT NOT NULL
);
INSERT INTO directory (only_row, version) VALUES (1, 0);

CREATE TABLE workspace (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    plan TEXT NOT NULL,
    fallback TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- The platform's own workspace: no list shows it, its keys and data keys refer to it like any other's.
INSERT INTO workspace (id, name, plan, fallback, time_zone, created_at, updated_at)
VALUES ('00000000-0000-0000-0000-000000000000', '', '', 'never', 'UTC', 0, 0);

CREATE TABLE data_key (
    workspace_id UUID NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    root_generation BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    PRIMARY KEY (workspace_id, version)
);

CREATE TABLE virtual_key (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    public_id TEXT NOT NULL UNIQUE,
    hash BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    allowed_models TEXT NOT NULL,
    limits TEXT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX virtual_key_of_workspace ON virtual_key (workspace_id, id);

CREATE TABLE provider_key (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT,
    priority BIGINT NOT NULL,
    is_active BOOLEAN NOT NULL,
    base_url TEXT NOT NULL,
    origin TEXT NOT NULL,
    allowed_models TEXT NOT NULL,
    limits TEXT NOT NULL,
    fallback TEXT,
    fingerprint TEXT,
    sealed BYTEA,
    record_version BIGINT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    last_validated_at BIGINT,
    last_used_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX provider_key_of_workspace ON provider_key (workspace_id, id);

CREATE TABLE plan (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL
);

-- Split by month of birth: a UUID v7 begins with its millisecond, so a range of ids is a range of time and the key stays
-- unique without a second column. The store makes the months as it meets them; ids of no sane month go to the last part.
CREATE TABLE usage_record (
    workspace_id UUID NOT NULL,
    request_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    virtual_key_id UUID NOT NULL,
    surface TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    provider TEXT,
    provider_key_id UUID,
    model_requested TEXT NOT NULL,
    model_used TEXT,
    cost_attribution TEXT,
    usage_source TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cache_write_long_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    audio_input_tokens BIGINT NOT NULL,
    audio_output_tokens BIGINT NOT NULL,
    cost_nanodollars BIGINT,
    credits_charged BIGINT NOT NULL,
    latency_ms BIGINT NOT NULL,
    first_byte_ms BIGINT,
    overhead_us BIGINT NOT NULL,
    finish_reason TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (workspace_id, request_id)
) PARTITION BY RANGE (request_id);
CREATE TABLE usage_record_other PARTITION OF usage_record DEFAULT;

-- Accounts, reservations and entries outlive their workspace: books stay.
CREATE TABLE account (
    workspace_id UUID NOT NULL PRIMARY KEY,
    granted BIGINT NOT NULL,
    posted BIGINT NOT NULL CHECK (posted >= 0),
    held BIGINT NOT NULL CHECK (held >= 0)
);

CREATE TABLE reservation (
    request_id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    credits BIGINT NOT NULL CHECK (credits >= 0),
    node TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'settled', 'voided', 'expired')),
    reserved_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX reservation_pending ON reservation (expires_at) WHERE state = 'pending';

-- Never changed once written. A charge has the id of its request.
CREATE TABLE credit_entry (
    workspace_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('grant', 'charge')),
    credits BIGINT NOT NULL,
    reason TEXT,
    idempotency_key TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, idempotency_key)
);
