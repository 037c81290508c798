INSERT INTO reservation (request_id, workspace_id, credits, node, state, reserved_at, expires_at)
VALUES ($1, $2, $3, $4, 'pending', $5, $6)
ON CONFLICT (request_id) DO NOTHING
