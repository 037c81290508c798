INSERT INTO credit_entry (id, workspace_id, kind, credits, created_at)
VALUES ($1, $2, 'charge', $3, $4)
