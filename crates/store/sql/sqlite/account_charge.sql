INSERT INTO account (workspace_id, granted, posted, held)
VALUES ($1, 0, $2, 0)
ON CONFLICT (workspace_id) DO UPDATE SET posted = account.posted + excluded.posted, held = account.held - $3
