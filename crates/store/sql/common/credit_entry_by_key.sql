SELECT id, credits, reason
FROM credit_entry
WHERE workspace_id = $1 AND idempotency_key = $2
