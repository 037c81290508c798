INSERT INTO credit_entry (id, workspace_id, kind, credits, reason, idempotency_key, created_at)
VALUES ($1, $2, 'grant', $3, $4, $5, $6)
ON CONFLICT (workspace_id, idempotency_key) DO NOTHING
